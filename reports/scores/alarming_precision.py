"""Of all pages, the share that was the first word on an incident: duplicates and false pages both cost."""

from __future__ import annotations

from titleshot.reports.assignment import DETECTION, DUPLICATE, FALSE, FAN_OUT, UNMATCHED
from titleshot.reports.scores.score import (
    BY_PAGED_SERVICE,
    ScoreDefinition,
    needs_complete_labels,
    only_complete,
    ratio,
)
from titleshot.reports.statistics import Summands
from titleshot.reports.tally import Tally

_ALL = (DETECTION, DUPLICATE, FAN_OUT, FALSE, UNMATCHED)


def _summands(tally: Tally) -> Summands:
    return ratio(only_complete(tally, tally.of_pages(DETECTION)), tally.of_pages(*_ALL))


def _n(tally: Tally) -> int:
    return int(tally.of_pages(*_ALL).sum())


def _no_pages(_: Tally) -> str:
    return "no scored page"


ALARMING_PRECISION = ScoreDefinition(
    name="alarming_precision",
    unit="ratio",
    better="up",
    n_of="pages",
    question="Of all the times somebody was paged, how often was it the first word on an incident?",
    formula="incidents detected / (detections + duplicates + fan-out + false pages)",
    range="0 to 1; 1 is best; null without a page",
    misleads="Staying silent on hard incidents raises it; read it beside incident_recall.",
    kind="share",
    summands=_summands,
    n=_n,
    undefined=needs_complete_labels("no scored page"),
    groups=BY_PAGED_SERVICE,
    chance=True,
)
ALARMING_PRECISION_LOW = ScoreDefinition(
    name="alarming_precision_low",
    unit="ratio",
    better=None,
    n_of="pages",
    question="How low may alarming_precision be, if every page without a label is false?",
    formula="incidents detected / all scored pages",
    range="0 to 1",
    misleads="It is an end of a bracket, not an estimate.",
    kind="share",
    summands=lambda tally: ratio(tally.of_pages(DETECTION), tally.of_pages(*_ALL)),
    n=_n,
    undefined=_no_pages,
    groups=BY_PAGED_SERVICE,
    applies=lambda tally: not tally.complete,
)
ALARMING_PRECISION_HIGH = ScoreDefinition(
    name="alarming_precision_high",
    unit="ratio",
    better=None,
    n_of="pages",
    question="How high may alarming_precision be, if every page without a label was a detection?",
    formula="(incidents detected + unmatched pages) / all scored pages",
    range="0 to 1",
    misleads="It is an end of a bracket, not an estimate.",
    kind="share",
    summands=lambda tally: ratio(tally.of_pages(DETECTION, UNMATCHED), tally.of_pages(*_ALL)),
    n=_n,
    undefined=_no_pages,
    groups=BY_PAGED_SERVICE,
    applies=lambda tally: not tally.complete,
)
