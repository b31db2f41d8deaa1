"""How much of a candidate is not about its incident."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from titleshot.reports.correlation.definition import CorrelationScore
from titleshot.reports.correlation.partition import Partition
from titleshot.reports.scores.score import ratio
from titleshot.reports.statistics import Summands


def own_alerts(partition: Partition) -> NDArray[np.int64]:
    """Alerts of the incident a candidate holds most of, for each candidate; 0 where it holds none."""
    cells, own = partition.cells, np.zeros(len(partition.group_sizes), np.int64)
    np.maximum.at(own, cells.group, cells.n)
    return own[: partition.groups]


def _summands(partition: Partition) -> Summands:
    own, sizes = own_alerts(partition), partition.group_sizes[: partition.groups]
    return ratio(
        partition.per_group(np.where(own > 0, sizes - own, 0)),
        partition.per_group(np.where(own > 0, sizes, 0)),
    )


CONTAMINATION_RATIO = CorrelationScore(
    name="contamination_ratio",
    better="down",
    n_of="candidates with an incident",
    question="Of the alerts a responder finds in an incident, how many are about something else?",
    formula="alerts of noise or of another incident / all alerts, in candidates that hold an incident",
    range="0 to 1; 0 is best",
    misleads=(
        "Leaving every alert alone has the best value there is; read it beside bcubed_recall. Without"
        " complete labels it is an upper limit: what looks like noise may be an incident nobody labelled."
    ),
    kind="share",
    summands=_summands,
    n=lambda partition: int((own_alerts(partition) > 0).sum()),
    undefined=lambda _: "no candidate holds an alert of a labelled incident",
)
