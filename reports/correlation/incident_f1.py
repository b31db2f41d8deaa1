"""Incidents and candidates matched one to one: which incidents came out as incidents."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from titleshot.reports.correlation.definition import CorrelationScore
from titleshot.reports.correlation.partition import Partition
from titleshot.reports.statistics import Summands

Float64 = NDArray[np.float64]


def matched_candidates(partition: Partition) -> NDArray[np.int64]:
    """The candidate each incident is matched with; −1 for none.

    Pairs with a Jaccard index of at least 0.5 over their alerts, noise included, as many as can be matched.
    Above 0.5 a pair rules out every other; only at 0.5 is there a choice, and which of them is taken changes
    no count. An assignment that weighs all pairs finds as many: a sparse one needs no square table.
    """
    incident, group, n = partition.cells
    union = partition.incident_sizes[incident] + partition.group_sizes[group] - n
    close = (2 * n >= union) & (group < partition.groups)
    matched = np.full(partition.incidents, -1, np.int64)
    if close.any():
        shape = (partition.incidents, partition.groups)
        pairs = csr_array((np.ones(int(close.sum()), np.int8), (incident[close], group[close])), shape=shape)
        matched[:] = maximum_bipartite_matching(pairs, perm_type="column")
    return matched


def _summands(partition: Partition) -> Summands:
    found = matched_candidates(partition)
    hit = found >= 0
    unmatched = partition.held.copy()
    unmatched[found[hit]] = False
    hits = partition.per_incident(hit)
    said = hits + partition.per_group(unmatched)  # a matched candidate belongs to its incident's day
    happened = partition.per_incident(np.ones(partition.incidents))
    if not partition.complete or not partition.incidents:
        said = said * np.nan

    def f1(sums: Float64) -> Float64:
        both = sums[..., 1] + sums[..., 2]
        return np.where(both > 0, 2 * sums[..., 0] / np.where(both > 0, both, 1.0), np.nan)

    return Summands(np.column_stack([hits, happened, said]), f1)


def _undefined(partition: Partition) -> str:
    if not partition.complete:
        return "labels are not declared complete, so a candidate that matches no incident may be right"
    return "no labelled incident in scored time"


INCIDENT_F1_IOU50 = CorrelationScore(
    name="incident_f1_iou50",
    better="up",
    n_of="incidents",
    question="How many incidents came out as one candidate of their own, and how many candidates are one?",
    formula="2 pairs / (incidents + candidates), matched one to one where alerts overlap by Jaccard ≥ 0.5",
    range="0 to 1; 1 is best",
    misleads=(
        "Incidents without any alert count as missed, so it moves with the detector: the row truth is what"
        " these alerts allow. Just under half an overlap counts nothing."
    ),
    summands=_summands,
    n=lambda partition: partition.incidents,
    undefined=_undefined,
)
