"""CSV into a dataset, written and digested: against polars reading the same file, and nothing else.

10 million samples of 1,000 series in the long form (ISO 8601 with Z, three columns of names, a number of 16
digits). Ours reads, checks every cell, measures how the samples came, sorts them by arrival, writes Parquet
and digests it; polars makes a frame of text and floats in memory.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from titleshot.pipelines.bench import Floor, Result, cost_of
from titleshot.pipelines.outcome import Progress

SERIES = 1_000
SAMPLES = 10_000_000
MOST_GB = 1.0


def bench(scratch: Path, progress: Progress) -> Result:
    """Make the files where they are not there yet, then time each in a process of its own."""
    files = {}
    for place, samples in enumerate((SAMPLES, SAMPLES // 4, 20 * SERIES)):
        progress("import_csv: data", place, 3)
        files[samples] = str(_file(scratch / f"samples-{samples}.csv", samples))
    whole, quarter, small = files.values()
    out = str(scratch / "dataset")

    def timed(place: int, what: str, function: str, **arguments: Any) -> Any:
        progress(f"import_csv: {what}", place, 4)
        return cost_of(__file__, function, warm=small, **arguments)

    frame = timed(0, "polars", "framed", source=whole)
    ours = timed(1, "titleshot", "imported", source=whole, out=out)
    less = timed(2, "titleshot on a quarter", "imported", source=quarter, out=out)
    read = timed(3, "titleshot, reading alone", "read", source=whole)
    if ours.said != [SAMPLES, SERIES, {}] or frame.said != SAMPLES:
        raise AssertionError(f"not all was read: {ours.said}, {frame.said} by polars")
    return Result(
        ours=ours.cpu_s / SAMPLES * 1e6,
        reference=frame.cpu_s / SAMPLES * 1e6,
        unit="CPU µs per sample",
        reference_name="polars.read_csv",
        floors=(
            Floor("times as fast as polars reading the same file", frame.cpu_s / ours.cpu_s, least=0.5),
            Floor("peak memory, GB", ours.peak_bytes / 1e9, most=MOST_GB),
            Floor(
                "peak memory against that of a quarter of the samples",
                ours.peak_bytes / less.peak_bytes,
                # The other three quarters held as columns would make it 1.45, as text more than 2.
                most=1.3,
            ),
        ),
        more={
            "samples": SAMPLES,
            "series": SERIES,
            "titleshot_cpu_s": round(ours.cpu_s, 3),
            "titleshot_wall_s": round(ours.wall_s, 3),
            "reading_cpu_s": round(read.cpu_s, 3),
            "polars_cpu_s": round(frame.cpu_s, 3),
            "peak_gb": round(ours.peak_bytes / 1e9, 3),
            "peak_gb_of_a_quarter": round(less.peak_bytes / 1e9, 3),
            "peak_gb_of_polars": round(frame.peak_bytes / 1e9, 3),
        },
    )


def imported(clock: Any, source: str, warm: str, out: str) -> list[Any]:
    """Ours, after a small import has compiled and imported everything."""
    from titleshot.pipelines.import_ import import_dataset

    import_dataset(format="csv", source=warm, dataset=out, replace=True)
    with clock:
        dataset = import_dataset(format="csv", source=source, dataset=out, replace=True)
    return [dataset.card.rows, dataset.card.series, dataset.import_report()["quarantined"]]


class _Nowhere:
    """A writer that gives codes and writes nothing."""

    def __init__(self) -> None:
        from titleshot.datasets.dataset_card import Evaluation
        from titleshot.datasets.series_index import SeriesIndex

        self._index = SeriesIndex()
        self.samples = 0
        self.evaluation = Evaluation()
        self.report: dict[str, Any] = {}

    def add_series(self, keys: Any) -> Any:
        return self._index.codes(keys)

    def add_samples(self, codes: Any, *_columns: Any) -> None:
        self.samples += len(codes)


def read(clock: Any, source: str, warm: str) -> int:
    """The part of ours that is not writing."""
    from titleshot.datasets.importers.delimited.csv_files import Csv

    Csv().run(warm, _Nowhere())  # type: ignore[arg-type]
    into = _Nowhere()
    with clock:
        Csv().run(source, into)  # type: ignore[arg-type]
    return into.samples


def framed(clock: Any, source: str, warm: str) -> int:
    """polars on the same file: text and floats in memory."""
    import polars as pl

    pl.read_csv(warm)
    with clock:
        return pl.read_csv(source).height


def _file(path: Path, samples: int) -> Path:
    """Noisy numbers of every series a minute apart; made once."""
    import polars as pl

    made_of = json.dumps({"samples": samples, "series": SERIES, "version": 1})
    stamp = path.with_suffix(".json")
    if path.is_file() and stamp.is_file() and stamp.read_text(encoding="utf-8") == made_of:
        return path
    rng = np.random.default_rng(0)
    names = {
        "namespace": ["shop"] * SERIES,
        "service": [f"service-{of // 10:03d}" for of in range(SERIES)],
        "metric_name": [f"metric_{of % 10}" for of in range(SERIES)],
    }
    start, minute = np.datetime64("2026-01-05T00:00:00", "ms"), np.timedelta64(60_000, "ms")
    with path.open("wb") as file:
        for first in range(0, samples // SERIES, 500):
            minutes = np.arange(first, min(first + 500, samples // SERIES))
            times = pl.Series(np.repeat(start + minutes * minute, SERIES))
            columns = {
                "timestamp": times.dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
                **{name: of * len(minutes) for name, of in names.items()},
                "value": rng.normal(1, 0.1, len(minutes) * SERIES),
            }
            pl.DataFrame(columns).write_csv(file, include_header=first == 0)
    stamp.write_text(made_of, encoding="utf-8")
    return path
