"""How long the alarm goes on after the incident is over."""

from __future__ import annotations

import numpy as np

from titleshot.reports.scores.score import BY_INCIDENT, ScoreDefinition, ratio
from titleshot.reports.statistics import Summands
from titleshot.reports.tally import Tally


def _summands(tally: Tally) -> Summands:
    reset_s = np.where(tally.compared, tally.reset_s, 0.0)
    return ratio(tally.of_incidents(reset_s), tally.of_incidents(tally.compared))


def _widest(tally: Tally) -> float:
    return float(np.abs(tally.reset_s[tally.compared]).max(initial=1.0))


RESET_TIME = ScoreDefinition(
    name="reset_time_s",
    unit="s",
    better="down",
    n_of="detected incidents",
    question="How long after an incident ended was its last page still open?",
    formula="mean over detected incidents of (end of the last hitting page's activity − end of the incident)",
    range="any; negative where pages closed before the incident was over",
    misleads="A page that closes too soon looks good here and pages again.",
    kind="mean",
    summands=_summands,
    n=lambda tally: int(tally.compared.sum()),
    undefined=lambda _: "no incident was detected",
    bound=_widest,
    groups=BY_INCIDENT,
    instead="duplicates_per_week and pages_per_week",
)
