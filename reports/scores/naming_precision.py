"""How much of what the first page on an incident names has to do with it: the gate against over-merging."""

from __future__ import annotations

import numpy as np

from titleshot.reports.scores.score import BY_INCIDENT, ScoreDefinition, ratio
from titleshot.reports.statistics import Summands
from titleshot.reports.tally import Tally


def _summands(tally: Tally) -> Summands:
    # Who named nothing found nothing: a miss is 0, not left out.
    share = tally.named_right / np.maximum(tally.named, 1)
    found = tally.counted & tally.detected
    return ratio(tally.of_incidents(np.where(found, share, 0.0)), tally.of_incidents(tally.counted))


NAMING_PRECISION = ScoreDefinition(
    name="naming_precision",
    unit="ratio",
    better="up",
    n_of="incidents",
    question="Of the services the first page on an incident names, how many does it affect?",
    formula="mean over all incidents of (services named that are affected / services named); a miss counts 0",
    range="0 to 1; 1 is best; whoever names everything gets the share of services that are affected",
    misleads=(
        "It moves with recall, since a miss counts 0. Where labels name the root alone, naming a caller that "
        "suffers too counts as wrong, for either contender."
    ),
    kind="mean",
    summands=_summands,
    n=lambda tally: int(tally.counted.sum()),
    undefined=lambda _: "no labelled incident in scored time",
    bound=lambda _: 1.0,
    groups=BY_INCIDENT,
)
