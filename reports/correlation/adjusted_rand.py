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


def _summands(partition: Partition) -> Summands:
    """Pairs by the day of the incident: of each pair that a candidate makes, half goes to either alert's."""
    incident, group, n = partition.cells
    in_groups = np.bincount(group, n) if len(n) else n.astype(float)
    both = np.bincount(incident, n * (n - 1) / 2, partition.incidents)
    said = np.bincount(incident, n * (in_groups[group] - 1) / 2, partition.incidents)
    sizes = partition.incident_sizes.astype(float)
    columns = (both, sizes * (sizes - 1) / 2, said, sizes)

    def ari(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        both, truth, said, alerts = (sums[..., column] for column in range(4))
        total = alerts * (alerts - 1) / 2
        above, below = both * total - truth * said, (truth + said) * total - 2 * truth * said
        defined = below > 0
        return np.where(defined, 2 * above / np.where(defined, below, 1.0), np.nan)

    return Summands(np.column_stack([partition.per_incident(column) for column in columns]), ari)


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
    summands=_summands,
    n=lambda partition: partition.alerts,
    undefined=lambda _: (
        "one incident at most, or only incidents of one alert: no cut could be told from chance"
    ),
)
