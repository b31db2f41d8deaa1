"""Every score of how 100,000 alerts are cut into candidates: against counting alert by alert.

The loop is BCubed as it is defined: each alert looks at everything in its candidate and in its incident. It
is timed on a slice of alerts and held against ours. Beside it stands the whole section of a scorecard, from
the log on disk with 20,000 candidates to intervals and every baseline.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from titleshot.datasets.contracts.incidents import Hypothesis, IncidentCandidate
from titleshot.datasets.contracts.instants import DAY, HOUR, SECOND, format_instant, parse_instant
from titleshot.datasets.contracts.labels import IncidentLabel
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.replay_log import EVENTS, LogWriter, ReplayLog, incidents_table
from titleshot.pipelines.bench import Clock, Floor, Result, cost_of
from titleshot.pipelines.outcome import Progress
from titleshot.reports.correlation.bcubed import BCUBED_PRECISION, BCUBED_RECALL
from titleshot.reports.correlation.partition import Partition
from titleshot.reports.correlation.registered import CUTS
from titleshot.reports.correlation.scored import correlation_of
from titleshot.reports.terms import Terms

ALERTS, INCIDENTS, GROUPS, DAYS, SLICE = 100_000, 500, 20_000, 365, 2_000
_START = parse_instant("2026-01-05T00:00:00Z")


def bench(scratch: Path, progress: Progress) -> Result:
    """Time each in a process of its own."""
    progress("correlation: cuts", 0, 3)
    ours = cost_of(__file__, "counted")
    progress("correlation: alert by alert", 1, 3)
    loop = cost_of(__file__, "looped")
    progress("correlation: a log", 2, 3)
    whole = cost_of(__file__, "scored", folder=str(_history(scratch)))
    for mine, plain in zip(ours.said, loop.said, strict=True):
        if abs(mine - plain) > 0.02:
            raise AssertionError(f"BCubed {plain} alert by alert on a slice, {mine} by us")
    theirs = loop.cpu_s / SLICE * ALERTS
    return Result(
        ours=ours.cpu_s,
        reference=theirs,
        unit="CPU s for 100,000 alerts",
        reference_name="BCubed alert by alert",
        floors=(
            Floor("times BCubed alert by alert", theirs / ours.cpu_s, least=50),
            Floor("CPU s of all scores of one cut", ours.cpu_s, most=0.3),
            Floor("CPU s from the log to every score, interval and baseline", whole.cpu_s, most=2),
        ),
        more={"alerts": ALERTS, "candidates": GROUPS, "peak_gb": round(whole.peak_bytes / 1e9, 3)},
    )


def counted(clock: Clock) -> list[float]:
    """Ours: all scores of one cut, then the two that the loop counts too."""
    for score in CUTS:
        score.value(_cut(1_000))
    found = _cut(ALERTS)
    with clock:
        for score in CUTS:
            score.value(found)
    return [BCUBED_PRECISION.value(found), BCUBED_RECALL.value(found)]


def looped(clock: Clock) -> list[float]:
    """BCubed precision and recall, by every alert of a random slice."""
    found = _cut(ALERTS)
    truth, group = found.truth.tolist(), found.group.tolist()
    held, own = defaultdict(list), defaultdict(list)
    for alert, (incident, candidate) in enumerate(zip(truth, group, strict=True)):
        held[candidate].append(alert)
        own[incident].append(alert)
    among = np.flatnonzero(found.truth >= 0)
    drawn = np.random.default_rng(3).choice(among, SLICE, replace=False).tolist()
    precision, recall = [], []
    with clock:
        for alert in drawn:
            beside = [other for other in held[group[alert]] if other != alert]
            mine = [other for other in own[truth[alert]] if other != alert]
            if beside:
                precision.append(sum(truth[other] == truth[alert] for other in beside) / len(beside))
            if mine:
                recall.append(sum(group[other] == group[alert] for other in mine) / len(mine))
    return [float(np.mean(precision)), float(np.mean(recall))]


def scored(clock: Clock, folder: str) -> int:
    """A whole section, from the log on disk."""
    log, dataset = ReplayLog(Path(folder) / "log"), Dataset.open(Path(folder) / "data")
    terms = Terms.of(dataset, [log])
    with clock:
        found = correlation_of(terms, log)
    return len(found.scores)


def _cut(alerts: int) -> Partition:
    """Half of the alerts noise; nine in ten of an incident's in one candidate, the others anywhere."""
    random = np.random.default_rng(7)
    truth = random.integers(-INCIDENTS, INCIDENTS, alerts).clip(-1)
    apart = (truth < 0) | (random.random(alerts) < 0.1)
    group = np.where(apart, random.integers(GROUPS, size=alerts), truth)
    days = np.arange(GROUPS) % DAYS
    return Partition(truth, group, INCIDENTS, GROUPS, days[:INCIDENTS], days, DAYS)


def _history(scratch: Path) -> Path:
    """A year of alerts of three services in sessions, as a dataset and a log."""
    folder = scratch / "history"
    if (folder / "log").exists():
        return folder
    random = np.random.default_rng(7)
    starts = np.sort(random.integers(0, DAYS * DAY - HOUR, INCIDENTS)) + _START
    names = ("cart", "db", "web")
    hours = _START + np.arange(DAYS * 24, dtype=np.int64) * HOUR
    with DatasetWriter(folder / "data", name="history") as data:
        codes = data.add_series([SeriesKey("shop", name, "latency_p99") for name in names])
        for code in codes:
            data.add_samples(np.full(len(hours), code), hours, np.ones(len(hours)))
        data.add_labels(incidents=[_label(number, int(start)) for number, start in enumerate(starts)])
    dataset = Dataset.open(folder / "data")
    times = np.sort(random.integers(0, DAYS * DAY - HOUR, ALERTS)) + _START
    services = [names[of] for of in random.integers(3, size=ALERTS)]
    ids = [f"alert-{number}" for number in range(ALERTS)]
    given = {
        "event_id": pa.array(ids),
        "timestamp": pa.array(times),
        "namespace": pa.array(["shop"] * ALERTS),
        "service": pa.array(services),
        "policy": pa.array(["alerted"] * ALERTS),
        "emitted_at": pa.array(times),
        "flushed": pa.array([False] * ALERTS),
    }
    columns = [given.get(of.name, pa.nulls(ALERTS)).cast(of.type) for of in EVENTS]
    with LogWriter(folder / "log") as log:
        log.about = {
            "contender": "sessions",
            "recipe_digest": "0" * 64,
            "dataset": {"name": "history", "digest": dataset.card.digest},
            "span": {
                "from": format_instant(dataset.card.span_from),
                "to": format_instant(dataset.card.span_to),
            },
        }
        log.append("events", pa.table(columns, schema=EVENTS))
        cut = np.array_split(np.arange(ALERTS), GROUPS)
        log.append("incidents", incidents_table([_candidate(ids, times, rows) for rows in cut]))
    return folder


def _label(number: int, start: int) -> IncidentLabel:
    return IncidentLabel(
        incident_id=f"INC-{number}",
        start=start,
        end=start + HOUR,
        root_service="shop/db",
        affected_services=("shop/db", "shop/web"),
        severity="high",
        kind="spike",
        source="exact",
        known_at=start + DAY,
    )


def _candidate(ids: list[str], times: NDArray[np.int64], rows: NDArray[np.int64]) -> IncidentCandidate:
    return IncidentCandidate(
        incident_id=f"C-{rows[0]}",
        status="closed",
        severity="high",
        services=("shop/db",),
        event_ids=tuple(ids[row] for row in rows.tolist()),
        opened_at=int(times[rows[0]]),
        last_event_at=int(times[rows[-1]]),
        emitted_at=int(times[rows[0]]) + 60 * SECOND,
        hypotheses=(Hypothesis(service="shop/db", reason="made up", confidence=0.5),),
        correlator="made_up",
    )
