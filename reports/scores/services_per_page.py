"""How many services a page names that is the first word on an incident."""

from __future__ import annotations

import numpy as np

from titleshot.reports.scores.naming_precision import NAMING_PRECISION
from titleshot.reports.scores.score import ScoreDefinition, ratio
from titleshot.reports.statistics import Summands
from titleshot.reports.tally import Tally


def _summands(tally: Tally) -> Summands:
    named = np.where(tally.compared, tally.named, 0)
    return ratio(tally.of_incidents(named), tally.of_incidents(tally.compared))


SERVICES_PER_PAGE = ScoreDefinition(
    name="services_per_page",
    unit="count",
    better=None,
    n_of="detected incidents",
    question="When a page detects an incident, how many services does it name?",
    formula="mean over detected incidents of the services as sent; in a comparison over those both detected",
    range="1 upwards",
    misleads=(
        "An incident that really affects many services may need them named, and one that is missed drops "
        "out: naming_precision decides."
    ),
    kind="mean",
    summands=_summands,
    n=lambda tally: int(tally.compared.sum()),
    undefined=lambda _: "no incident was detected",
    bound=lambda tally: float(max(1, tally.named[tally.compared].max(initial=1))),
    instead=NAMING_PRECISION.name,
)
