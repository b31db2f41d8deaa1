"""``validate`` on 10 million samples, against Great Expectations row by row on categorical pandas.

Ours is the whole command: every digest anew, the profile, every suite, the report on disk. The reference is
what a team would write without it: the files in one pandas table, names as categories, and the rules of
single rows (identity, finite values, ranges, repeats, order, gaps) as Great Expectations checks on it,
without any of the joins of our own cross-check. Reading the files is part of both prices; imports, compiling
and the first run of each library on small data are free for both.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from titleshot.datasets.contracts.instants import DAY, HOUR, MINUTE, parse_instant
from titleshot.datasets.contracts.labels import IncidentLabel
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.contracts.reference import Deploy, Ownership, ReferenceRow, TopologyEdge
from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.pipelines.bench import Clock, Floor, Result, cost_of
from titleshot.pipelines.outcome import Progress

SERIES = 1_000
SAMPLES = 10_000_000
STEP = 5 * MINUTE
_START = parse_instant("2026-01-05T00:00:00Z")
_DEFECTS = 1_000


def bench(scratch: Path, progress: Progress) -> Result:
    """Make the data where it is not there yet, then time each in a process of its own."""
    data = {}
    for place, samples in enumerate((SAMPLES, SAMPLES // 4, 20 * SERIES)):
        progress("validation: data", place, 3)
        data[samples] = str(_dataset(scratch / f"data-{samples}", samples))
    whole, quarter, small = data.values()
    progress("validation: titleshot", 0, 3)
    ours = cost_of(__file__, "validated", dataset=whole, warm=small)
    progress("validation: titleshot on a quarter", 1, 3)
    less = cost_of(__file__, "validated", dataset=quarter, warm=small)
    progress("validation: Great Expectations row by row", 2, 3)
    rows = cost_of(__file__, "row_by_row", dataset=whole, warm=small)
    fired = {rule: n for rule, n in ours.said["counts"].items() if rule in rows.said}
    if fired != rows.said:
        raise AssertionError(f"the gate says {fired}, rows say {rows.said}: not the same")
    return Result(
        ours=ours.cpu_s,
        reference=rows.cpu_s,
        unit="CPU s",
        reference_name="Great Expectations row by row on categorical pandas",
        floors=(
            Floor("times Great Expectations row by row", rows.cpu_s / ours.cpu_s, least=5),
            Floor("CPU seconds", ours.cpu_s, most=2.5),
            Floor("peak memory, GB", ours.peak_bytes / 1e9, most=1),
            Floor(
                "peak memory against that of a quarter of the samples",
                ours.peak_bytes / less.peak_bytes,
                most=1.2,
            ),
        ),
        more={
            "samples": SAMPLES,
            "series": SERIES,
            "rules": ours.said["rules"],
            "wall_s": round(ours.wall_s, 3),
            "peak_gb": round(ours.peak_bytes / 1e9, 3),
            "peak_gb_row_by_row": round(rows.peak_bytes / 1e9, 3),
        },
    )


def validated(clock: Clock, dataset: str, warm: str) -> dict[str, Any]:
    """Ours, after a small dataset has compiled and imported everything."""
    from titleshot.pipelines.validate import validate

    validate(warm)
    with clock:
        report = validate(dataset)
    if not report.passed:
        raise AssertionError(f"the benchmark's own data does not pass: {report}")
    counts = {rule.rule: rule.rows for rule in report.rules if not rule.passed}
    return {"rules": len(report.rules), "counts": counts}


def row_by_row(clock: Clock, dataset: str, warm: str) -> dict[str, int]:
    """One categorical pandas table of all samples, and the rules of single rows asked of each."""
    from titleshot.datasets.validation.gate import gate_rows
    from titleshot.datasets.validation.suite import Check

    largest = float(np.finfo(np.float64).max)
    between = "expect_column_values_to_be_between"
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("series_identity", "expect_column_values_to_not_be_null", {"column": "namespace"}),
        ("series_identity", "expect_column_values_to_not_be_null", {"column": "service"}),
        ("series_identity", "expect_column_values_to_not_be_null", {"column": "metric_name"}),
        ("non_finite", "expect_column_values_to_not_be_null", {"column": "value"}),
        ("non_finite", between, {"column": "value", "min_value": -largest, "max_value": largest}),
        ("out_of_range", between, {"column": "finite", "min_value": 0}),
        ("repeated", "expect_compound_columns_to_be_unique", {"column_list": ["series", "timestamp"]}),
        ("disordered", between, {"column": "step", "min_value": 0}),
        ("gaps", between, {"column": "gap_cadences", "max_value": 2.5}),
        ("profile_rows", "expect_table_row_count_to_be_between", {"min_value": 1}),
    ]
    checks = [
        Check(rule=rule, expect=expect, arguments=arguments, empty="judged")
        for rule, expect, arguments in asked
    ]
    gate_rows([("samples", _table(warm), checks)])
    with clock:
        outcomes = gate_rows([("samples", _table(dataset), checks)])
    counted: dict[str, int] = {}
    for found in outcomes:
        if found.error:
            raise AssertionError(f"{found.check.rule}: {found.error}")
        # Both rows of a repeat are unexpected, the second is the one too many.
        rows = len(found.failing) // (2 if found.check.rule == "repeated" else 1)
        counted[found.check.rule] = counted.get(found.check.rule, 0) + rows
    # Days with a gap and rows after a gap are counted differently.
    return {rule: rows for rule, rows in counted.items() if rows and rule != "gaps"}


def _table(dataset: str) -> Any:
    import pandas as pd
    import pyarrow.parquet as pq

    columns = ["series", "timestamp", "value"]
    rows = pq.read_table(f"{dataset}/telemetry/samples-00000.parquet", columns=columns).to_pandas()
    keys = pq.read_table(f"{dataset}/telemetry/series.parquet").to_pandas()
    for name in ("namespace", "service", "metric_name"):
        held = pd.Categorical(keys[name])
        rows[name] = pd.Categorical.from_codes(held.codes[rows["series"]], dtype=held.dtype)
    rows["timestamp"] = rows["timestamp"].astype("int64")
    rows["finite"] = rows["value"].where(np.isfinite(rows["value"]))
    rows["step"] = rows.groupby("series")["timestamp"].diff()
    rows["gap_cadences"] = rows["step"] / float(STEP)
    return rows


def _dataset(path: Path, samples: int) -> Path:
    """Noisy daily cycles of 1,000 series with a little of every dirt that single rows have; made once."""
    made_of = json.dumps({"samples": samples, "series": SERIES, "version": 1})
    stamp = path.with_suffix(".made")
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == made_of:
        return path
    shutil.rmtree(path, ignore_errors=True)
    rng = np.random.default_rng(samples)
    keys = [SeriesKey("bench", f"service-{i:04d}", "latency_p99") for i in range(SERIES)]
    steps = samples // SERIES
    defects = min(_DEFECTS, samples // 100)
    with DatasetWriter(path, name=path.name, cadence_s=STEP / 1e9, synthetic=True) as writer:
        codes = writer.add_series(keys)
        levels = rng.uniform(0.1, 2.0, SERIES)
        for start in range(0, steps, 1_000):
            minutes = np.arange(start, min(start + 1_000, steps))
            values = levels * (1 + 0.3 * np.sin(minutes / 288 * 2 * np.pi))[:, None]
            values = values * (1 + 0.05 * rng.normal(size=(len(minutes), SERIES)))
            dirty = rng.integers(0, values.size, max(defects * len(minutes) // steps, 3))
            values.ravel()[dirty[::3]] = np.nan
            values.ravel()[dirty[1::3]] = np.inf
            values.ravel()[dirty[2::3]] = -1.0
            times = np.repeat(_START + minutes * STEP, SERIES)
            # A second sample of the same moment, in the last place of the chunk.
            of = np.append(np.tile(codes, len(minutes)), codes[-1])
            writer.add_samples(of, np.append(times, times[-1]), np.append(values.ravel(), 1.0))
        writer.add_reference(_reference())
        writer.add_labels(incidents=[_incident(at) for at in range(steps * STEP // DAY)])
    stamp.write_text(made_of, encoding="utf-8")
    return path


def _reference() -> list[ReferenceRow]:
    since = {"valid_from": _START, "known_from": _START}
    rows: list[ReferenceRow] = []
    for at in range(SERIES):
        service = f"bench/service-{at:04d}"
        callee = f"bench/service-{(at * 7 + 1) % SERIES:04d}"
        rows += [
            TopologyEdge(caller=service, callee=callee, **since),
            Ownership(service=service, team=f"team-{at % 20}", **since),
            Deploy(service=service, version="v1", **since),
        ]
    return rows


def _incident(day: int) -> IncidentLabel:
    start = _START + day * DAY + 10 * HOUR
    return IncidentLabel(
        incident_id=f"inc-{day}",
        start=start,
        end=start + HOUR,
        root_service=f"bench/service-{day * 13 % SERIES:04d}",
        severity="high",
        kind="step",
        source="human",
        known_at=start + 2 * HOUR,
    )
