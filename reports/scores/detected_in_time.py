"""Share of the labelled incidents that were paged within the decision's time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from titleshot.reports.scores.score import BY_INCIDENT, ScoreDefinition, proportion
from titleshot.reports.tally import Tally


def _in_time(tally: Tally) -> NDArray[np.bool_]:
    return tally.delay_s <= tally.within_s


def _timed(tally: Tally) -> NDArray[np.bool_]:
    return tally.timed


DETECTED_IN_TIME = ScoreDefinition(
    name="detected_in_time_ratio",
    unit="ratio",
    better="up",
    n_of="incidents",
    question="Of the incidents that happened, how many were paged within the time the decision asks for?",
    formula="incidents with time to detect at most T / labelled incidents watched for at least T",
    range="0 to 1; 1 is best",
    misleads="One second over T counts like a miss; the delay curve shows how close it was.",
    kind="proportion",
    summands=proportion(_in_time, _timed),
    n=lambda tally: int(tally.timed.sum()),
    undefined=lambda _: "no labelled incident was watched for the decision's time",
    success=_in_time,
    trials=_timed,
    groups=BY_INCIDENT,
    chance=True,
)
