"""JSON Lines into a dataset, written and digested: against a plain loop of ``json.loads``.

4 million samples of 1,000 series, a line each. Ours reads, checks every field, measures how the samples came,
sorts them by arrival, writes Parquet and digests it; the loop makes a list of tuples and checks nothing.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from titleshot.pipelines.bench import Floor, Result, cost_of
from titleshot.pipelines.outcome import Progress

SERIES = 1_000
SAMPLES = 4_000_000
MOST_GB = 1.0
LEAST = 1.5


def bench(scratch: Path, progress: Progress) -> Result:
    """Make the files where they are not there yet, then time each in a process of its own."""
    files = {}
    for place, samples in enumerate((SAMPLES, SAMPLES // 4, 20 * SERIES)):
        progress("import_jsonl: data", place, 3)
        files[samples] = str(_file(scratch / f"samples-{samples}.jsonl", samples))
    whole, quarter, small = files.values()
    out = str(scratch / "dataset")

    def timed(place: int, what: str, function: str, **arguments: Any) -> Any:
        progress(f"import_jsonl: {what}", place, 3)
        return cost_of(__file__, function, **arguments)

    loop = timed(0, "python loop", "looped", source=quarter)
    ours = timed(1, "titleshot", "imported", source=whole, warm=small, out=out)
    less = timed(2, "titleshot on a quarter", "imported", source=quarter, warm=small, out=out)
    if ours.said != [SAMPLES, SERIES, {}] or loop.said != SAMPLES // 4:
        raise AssertionError(f"not all was read: {ours.said}, {loop.said} by the loop")
    mine, theirs = ours.cpu_s / SAMPLES * 1e6, loop.cpu_s / (SAMPLES // 4) * 1e6
    return Result(
        ours=mine,
        reference=theirs,
        unit="CPU µs per sample",
        reference_name="a plain loop of json.loads",
        floors=(
            Floor("times a plain loop of json.loads", theirs / mine, least=LEAST),
            Floor("peak memory, GB", ours.peak_bytes / 1e9, most=MOST_GB),
            Floor(
                "peak memory against that of a quarter of the samples",
                ours.peak_bytes / less.peak_bytes,
                # The lines of the other three quarters would make it more than 2. A quarter fits one sorted
                # run of the writer and is not merged, which makes it 1.3.
                most=1.4,
            ),
        ),
        more={
            "samples": SAMPLES,
            "series": SERIES,
            "titleshot_cpu_s": round(ours.cpu_s, 3),
            "titleshot_wall_s": round(ours.wall_s, 3),
            "peak_gb": round(ours.peak_bytes / 1e9, 3),
            "peak_gb_of_a_quarter": round(less.peak_bytes / 1e9, 3),
        },
    )


def imported(clock: Any, source: str, warm: str, out: str) -> list[Any]:
    """Ours, after a small import has compiled and imported everything."""
    from titleshot.pipelines.import_ import import_dataset

    import_dataset(format="jsonl", source=warm, dataset=out, replace=True)
    with clock:
        dataset = import_dataset(format="jsonl", source=source, dataset=out, replace=True)
    return [dataset.card.rows, dataset.card.series, dataset.import_report()["quarantined"]]


def looped(clock: Any, source: str) -> int:
    """Every line into a tuple, nothing checked."""
    names = ("timestamp", "namespace", "service", "metric_name", "value")
    rows = []
    with clock, Path(source).open("rb") as file:
        for line in file:
            record = json.loads(line)
            rows.append(tuple(record[name] for name in names))
    return len(rows)


def _file(path: Path, samples: int) -> Path:
    """Noisy numbers of every series a minute apart; made once."""
    made_of = json.dumps({"samples": samples, "series": SERIES, "version": 1})
    stamp = path.with_suffix(".json")
    if path.is_file() and stamp.is_file() and stamp.read_text(encoding="utf-8") == made_of:
        return path
    rng = np.random.default_rng(0)
    start, minute = np.datetime64("2026-01-05T00:00:00"), np.timedelta64(60, "s")
    names = [
        f'"namespace": "shop", "service": "service-{of // 10:03d}", "metric_name": "metric_{of % 10}"'
        for of in range(SERIES)
    ]
    with path.open("w", encoding="utf-8") as file:
        for step in range(samples // SERIES):
            time = start + step * minute
            values = rng.normal(1, 0.1, SERIES).tolist()
            file.writelines(
                f'{{"timestamp": "{time}Z", {name}, "value": {value!r}}}\n'
                for name, value in zip(names, values, strict=True)
            )
    stamp.write_text(made_of, encoding="utf-8")
    return path
