"""Numbers of the literature that something worthless earns much of: shown as context, never decided on.

One giant candidate has an any-hit precision of 1 and compresses best; shuffled labels have a V-measure far
above 0; windows at random hit incidents wherever there is enough noise.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from titleshot.reports.correlation.adjusted_rand import pairs_of
from titleshot.reports.correlation.definition import CorrelationScore
from titleshot.reports.correlation.merges import incidents_held
from titleshot.reports.correlation.partition import Partition
from titleshot.reports.scores.score import ratio
from titleshot.reports.statistics import Summands

Float64 = NDArray[np.float64]
_PAIRS = "it is made of pairs or shares across days; bcubed_f carries the interval"


def _constant(value: float) -> Summands:
    return Summands(np.array([[value]]), lambda sums: sums[..., 0])


def _compression(partition: Partition) -> Summands:
    alerts = len(partition.group)
    kept = int(partition.held.sum()) + int((partition.group < 0).sum())
    return _constant(1 - kept / alerts if alerts else np.nan)


def _holding(partition: Partition) -> NDArray[np.bool_]:
    return incidents_held(partition)[: partition.groups] > 0


def _any_hit_precision(partition: Partition) -> Summands:
    return ratio(partition.per_group(_holding(partition)), partition.per_group(partition.held))


def _any_hit_recall(partition: Partition) -> Summands:
    hit = np.zeros(partition.incidents, bool)
    cells = partition.cells
    hit[cells.incident[cells.group < partition.groups]] = True
    return ratio(partition.per_incident(hit), partition.per_incident(np.ones(partition.incidents)))


def _entropy(counts: NDArray[np.int64]) -> float:
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())


def _v_measure(partition: Partition) -> Summands:
    cells = partition.cells
    if not len(cells.n):
        return _constant(np.nan)
    truth, said = partition.incident_sizes, np.bincount(cells.group, cells.n)
    whole = _entropy(truth) + _entropy(said)
    shared = whole - _entropy(cells.n)
    return _constant(2 * shared / whole if whole > 0 else np.nan)


def _pairwise_f1(partition: Partition) -> Summands:
    both, truth, said, _ = pairs_of(partition)
    return _constant(2 * both / (truth + said) if truth + said else np.nan)


def _alerts(partition: Partition) -> int:
    return int(partition.incident_sizes.sum())


COMPRESSION_RATIO = CorrelationScore(
    name="compression_ratio",
    better=None,
    n_of="alerts",
    question="How much less is there to read than single alerts?",
    formula="1 − (candidates + alerts in none) / alerts",
    range="0 to 1",
    misleads="One giant candidate compresses best, and so does noise thrown together.",
    summands=_compression,
    n=lambda partition: len(partition.group),
    undefined=lambda _: "no alert in scored time",
    no_interval=_PAIRS,
)
ANY_HIT_PRECISION = CorrelationScore(
    name="any_hit_precision",
    better=None,
    n_of="candidates",
    question="Of the candidates, how many hold any alert of an incident?",
    formula="candidates with at least one alert of an incident / candidates",
    range="0 to 1",
    misleads="One giant candidate has 1.00: it holds everything.",
    summands=_any_hit_precision,
    n=lambda partition: int(partition.held.sum()),
    undefined=lambda _: "no candidate",
)
ANY_HIT_RECALL = CorrelationScore(
    name="any_hit_recall",
    better=None,
    n_of="incidents",
    question="Of the incidents, how many have any alert in any candidate?",
    formula="incidents with at least one alert in a candidate / incidents",
    range="0 to 1",
    misleads="Windows at random have much of it where there is enough noise: see random_window_hit_ratio.",
    summands=_any_hit_recall,
    n=lambda partition: partition.incidents,
    undefined=lambda _: "no labelled incident in scored time",
    kind="proportion",
)
V_MEASURE = CorrelationScore(
    name="v_measure",
    better=None,
    n_of="alerts of incidents",
    question="How much do candidates tell about incidents, in bits?",
    formula="2 mutual information / (entropy of incidents + of candidates); the same number as NMI",
    range="0 to 1",
    misleads="It is not adjusted for chance: shuffled labels reached .59 where there are many small groups.",
    source="SCORING 3; Rosenberg and Hirschberg (2007), EMNLP; NMI with the arithmetic mean is the same",
    summands=_v_measure,
    n=_alerts,
    undefined=lambda _: "one incident in one candidate at most: there is nothing to tell",
    no_interval=_PAIRS,
)
PAIRWISE_F1 = CorrelationScore(
    name="pairwise_f1",
    better=None,
    n_of="alerts of incidents",
    question="Are pairs of alerts of one incident in one candidate?",
    formula="2 pairs together in both / (pairs in incidents + pairs in candidates)",
    range="0 to 1",
    misleads="The largest incident has nearly all pairs; it is not adjusted for chance.",
    summands=_pairwise_f1,
    n=_alerts,
    undefined=lambda _: "no two alerts are of one incident or in one candidate",
    no_interval=_PAIRS,
)
