"""Into how many candidates an incident was broken. Never read without :mod:`merges`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from titleshot.reports.correlation.definition import TOLD_BY, CorrelationScore
from titleshot.reports.correlation.partition import Partition
from titleshot.reports.scores.score import ratio
from titleshot.reports.statistics import Summands


def fragments(partition: Partition) -> NDArray[np.int64]:
    """Candidates that hold any alert of each incident; an alert left alone counts as one."""
    return np.bincount(partition.cells.incident, minlength=partition.incidents)


def share_of_seen(partition: Partition, values: NDArray[np.generic]) -> Summands:
    """The mean of a value per incident over those with alerts."""
    return ratio(partition.per_incident(values), partition.per_incident(partition.seen))


def _in_pieces(partition: Partition) -> NDArray[np.bool_]:
    broken: NDArray[np.bool_] = fragments(partition) > 1
    return broken


def seen_incidents(partition: Partition) -> int:
    """Incidents with any alert: the n of what only a correlator answers for."""
    return int(partition.seen.sum())


def no_alert(_: Partition) -> str:
    """Why a score of alerts of incidents is undefined."""
    return "no alert belongs to a labelled incident"


_MISLEADS = (
    "One giant candidate has the best value there is: read it only beside over_merge_ratio and largest_merge."
)

FRAGMENTS_PER_INCIDENT = CorrelationScore(
    name="fragments_per_incident",
    unit="count",
    better="down",
    n_of="incidents with alerts",
    question="Into how many candidates does one incident fall?",
    formula="mean over incidents with alerts of the candidates holding any of them; an alert alone is one",
    range="1 upwards; 1 is best",
    misleads=_MISLEADS,
    summands=lambda partition: share_of_seen(partition, fragments(partition)),
    n=seen_incidents,
    undefined=no_alert,
    bound=lambda partition: float(max(1, fragments(partition).max(initial=1) - 1)),
    groups=TOLD_BY,
    seen_by_both=True,
)
FRAGMENTED_RATIO = CorrelationScore(
    name="fragmented_ratio",
    better="down",
    n_of="incidents with alerts",
    question="What share of incidents falls into more than one candidate?",
    formula="incidents with alerts in more than one candidate / incidents with alerts",
    range="0 to 1; 0 is best",
    misleads=_MISLEADS,
    summands=lambda partition: share_of_seen(partition, _in_pieces(partition)),
    n=seen_incidents,
    undefined=no_alert,
    kind="proportion",
    success=_in_pieces,
    trials=lambda partition: partition.seen,
    seen_by_both=True,
)
