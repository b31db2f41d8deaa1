"""Share of the labelled incidents that were paged."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from titleshot.reports.scores.score import BY_INCIDENT, ScoreDefinition, proportion
from titleshot.reports.tally import Tally


def _detected(tally: Tally) -> NDArray[np.bool_]:
    return tally.detected


def _labelled(tally: Tally) -> NDArray[np.bool_]:
    return tally.counted


INCIDENT_RECALL = ScoreDefinition(
    name="incident_recall",
    unit="ratio",
    better="up",
    n_of="incidents",
    question="Of the incidents that happened, how many were paged while they lasted?",
    formula="detected incidents / labelled incidents in scored time",
    range="0 to 1; 1 is best",
    misleads=(
        "Paging all the time reaches 1. Labels that came from this contender's own pages are blind to what "
        "it misses. Incidents with a page already open, or cut by the end of the span, are in neither number."
    ),
    kind="proportion",
    summands=proportion(_detected, _labelled),
    n=lambda tally: int(tally.counted.sum()),
    undefined=lambda _: "no labelled incident in scored time",
    success=_detected,
    trials=_labelled,
    groups=BY_INCIDENT,
    chance=True,
)
