"""Of what was paged for the first time, the share that was an incident."""

from __future__ import annotations

from titleshot.reports.assignment import DETECTION, FALSE, UNMATCHED
from titleshot.reports.scores.score import (
    BY_PAGED_SERVICE,
    ScoreDefinition,
    needs_complete_labels,
    only_complete,
    ratio,
)
from titleshot.reports.statistics import Summands
from titleshot.reports.tally import Tally


def _summands(tally: Tally) -> Summands:
    stories = tally.of_pages(DETECTION, FALSE)
    return ratio(only_complete(tally, tally.of_pages(DETECTION)), stories)


def _low(tally: Tally) -> Summands:
    return ratio(tally.of_pages(DETECTION), tally.of_pages(DETECTION, UNMATCHED))


PAGE_PRECISION = ScoreDefinition(
    name="page_precision",
    unit="ratio",
    better="up",
    n_of="pages",
    question="When it speaks up about something new, how often is it an incident?",
    formula="incidents detected / (incidents detected + false pages)",
    range="0 to 1; 1 is best; null without such a page",
    misleads="Repeated pages cost nothing here; alarming_precision counts them.",
    kind="share",
    summands=_summands,
    n=lambda tally: int(tally.of_pages(DETECTION, FALSE).sum()),
    undefined=needs_complete_labels("no page detected an incident or was false"),
    groups=BY_PAGED_SERVICE,
    chance=True,
)
PAGE_PRECISION_LOW = ScoreDefinition(
    name="page_precision_low",
    unit="ratio",
    better=None,
    n_of="pages",
    question="How low may page_precision be, if every page without a label is false?",
    formula="incidents detected / (incidents detected + unmatched pages); the other end of the bracket is 1",
    range="0 to 1",
    misleads="It is an end of a bracket, not an estimate.",
    kind="share",
    summands=_low,
    n=lambda tally: int(tally.of_pages(DETECTION, UNMATCHED).sum()),
    undefined=lambda _: "no page detected an incident or was left unmatched",
    groups=BY_PAGED_SERVICE,
    applies=lambda tally: not tally.complete,
)
PAGE_PRECISION_HIGH = ScoreDefinition(
    name="page_precision_high",
    unit="ratio",
    better=None,
    n_of="pages",
    question="How high may page_precision be, if every page without a label is right?",
    formula="(incidents detected + unmatched pages) / the same: 1 wherever there is a page",
    range="0 to 1",
    misleads="It is an end of a bracket, not an estimate.",
    kind="share",
    summands=lambda tally: ratio(*[tally.of_pages(DETECTION, UNMATCHED)] * 2),
    n=lambda tally: int(tally.of_pages(DETECTION, UNMATCHED).sum()),
    undefined=lambda _: "no page detected an incident or was left unmatched",
    groups=BY_PAGED_SERVICE,
    applies=lambda tally: not tally.complete,
)
