"""How many incidents were thrown into one candidate. Never read without :mod:`fragments`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from titleshot.reports.correlation.definition import TOLD_BY, CorrelationScore
from titleshot.reports.correlation.fragments import no_alert, seen_incidents, share_of_seen
from titleshot.reports.correlation.partition import Partition
from titleshot.reports.statistics import Summands


def incidents_held(partition: Partition) -> NDArray[np.int64]:
    """Incidents with any alert in each candidate, alerts left alone included."""
    return np.bincount(partition.cells.group, minlength=len(partition.group_sizes))


def _mixed(partition: Partition) -> NDArray[np.bool_]:
    cells = partition.cells
    mixed = np.zeros(partition.incidents, bool)
    mixed[cells.incident[incidents_held(partition)[cells.group] > 1]] = True
    return mixed


def _largest(partition: Partition) -> Summands:
    held = incidents_held(partition)
    largest = float(held.max()) if len(partition.cells.n) else np.nan
    return Summands(np.array([[largest]]), lambda sums: sums[..., 0])


OVER_MERGE_RATIO = CorrelationScore(
    name="over_merge_ratio",
    better="down",
    n_of="incidents with alerts",
    question="What share of incidents was mixed up with another one?",
    formula="incidents that share a candidate with another incident / incidents with alerts",
    range="0 to 1; 0 is best",
    misleads=(
        "Leaving every alert alone has the best value there is: read it beside fragments_per_incident. One"
        " strayed alert is enough to mix two incidents; bcubed_precision weighs how much was mixed. Counted"
        " per incident: per candidate, many small right ones would hide one that swallows the day."
    ),
    summands=lambda partition: share_of_seen(partition, _mixed(partition)),
    n=seen_incidents,
    undefined=no_alert,
    kind="proportion",
    success=_mixed,
    trials=lambda partition: partition.seen,
    groups=TOLD_BY,
    seen_by_both=True,
)
LARGEST_MERGE = CorrelationScore(
    name="largest_merge",
    unit="count",
    better="down",
    n_of="incidents with alerts",
    question="How many incidents were in the worst of all candidates?",
    formula="largest number of incidents with alerts in one candidate",
    range="1 upwards; 1 is best",
    misleads="It is one candidate's number and grows with the length of the history.",
    summands=_largest,
    n=seen_incidents,
    undefined=no_alert,
    no_interval="the worst there was, not an estimate",
)
