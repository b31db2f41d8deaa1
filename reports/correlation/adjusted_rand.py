"""The adjusted Rand index: agreement on pairs of alerts beyond what chance gives."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from titleshot.reports.correlation.definition import CorrelationScore
from titleshot.reports.correlation.partition import Partition
from titleshot.reports.statistics import Summands


def pairs(counts: NDArray[np.int64]) -> int:
    """Pairs within groups of these sizes. A Python integer: products of such sums pass 64 bits."""
    return int((counts * (counts - 1) // 2).sum())


def pairs_of(partition: Partition) -> tuple[int, int, int, int]:
    """Pairs of alerts of incidents: together in both cuts, in the incidents, in the candidates, and all."""
    cells = partition.cells
    in_groups = np.bincount(cells.group, cells.n).astype(np.int64) if len(cells.n) else cells.n
    total = int(cells.n.sum())
    return (
        pairs(cells.n),
        pairs(partition.incident_sizes),
        pairs(in_groups),
        total * (total - 1) // 2,
    )


def _value(partition: Partition) -> float:
    both, truth, said, total = pairs_of(partition)
    if not total:
        return float("nan")
    # Everything times the number of all pairs, so that it stays exact until the one division.
    above = both * total - truth * said
    below = (truth + said) * total - 2 * truth * said
    return 2 * above / below if below else float("nan")


ARI: CorrelationScore[Partition] = CorrelationScore(
    name="ari",
    better="up",
    n_of="alerts of incidents",
    question="Do candidates agree with incidents better than a shuffle of them would?",
    formula="(pairs together in both − expected) / ((pairs in incidents + in candidates) / 2 − expected)",
    range="about −0.5 to 1; 1 is best, 0 is what a shuffle gives",
    misleads=(
        "Noise is not in it, and one large incident dominates the pairs. It is the chance-adjusted sanity"
        " line: a difference of two is not what promotes."
    ),
    source="SCORING 3; Hubert and Arabie (1985), Journal of Classification 2",
    summands=lambda partition: Summands(np.array([[_value(partition)]]), lambda sums: sums[..., 0]),
    n=lambda partition: int(partition.incident_sizes.sum()),
    undefined=lambda _: (
        "one incident at most, or only incidents of one alert: no cut could be told from chance"
    ),
    no_interval="pairs of alerts cross days; bcubed_f carries the interval",
)
