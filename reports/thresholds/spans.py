"""Where thresholds are chosen and where they are checked: the tuning span and the scored span."""

from __future__ import annotations

from typing import Any, NamedTuple

from titleshot.datasets.contracts.instants import format_instant, parse_instant
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import UsageError
from titleshot.datasets.replay_log import ReplayLog
from titleshot.reports.terms import Terms


class Spans(NamedTuple):
    """``drawn``: terms of the span of the curves; ``checked``: of the scored span where that is another."""

    drawn: Terms
    checked: Terms | None
    tuned: bool
    no_check: str | None
    """Why ``checked`` is None."""


ORACLE = (
    "so curves are drawn on the scored span and every threshold chosen there is an oracle: picked on the"
    " labels it is scored by, it promises nothing"
)


def spans_of(dataset: Dataset, log: ReplayLog, *, as_of: int | None = None, **settings: Any) -> Spans:
    """Settle both. Warm-up counts from the start of each as everywhere; what is scored lies after tuning.

    A tuning span without a labelled incident says nothing of what a threshold finds (often nobody labelled
    it), so it is as if there were none.

    Args:
        settings: what :meth:`Terms.of` takes besides.

    Raises:
        UsageError: the log covers no part of the tuning span, or nothing is left to score.
    """
    given, card = dataset.card.evaluation, dataset.card
    if given.tuning_until is None:
        why = f"the dataset has no tuning span (evaluation.tuning_until), {ORACLE}"
        return Spans(Terms.of(dataset, [log], as_of=as_of, **settings), None, False, why)
    start, end = covered(log, card.span_from, given.tuning_until)
    start = start if given.span_from is None else max(start, given.span_from)
    end = end if as_of is None else min(end, as_of)
    if end <= start:
        raise UsageError(
            f"{log.path} covers nothing of the tuning span, which ends {format_instant(given.tuning_until)};"
            " replay with --scores from before it, or take tuning_until out of dataset.yaml to look at the"
            " scored span as an oracle"
        )
    drawn = Terms.of(dataset, [log], as_of=as_of, span=(start, end), **settings)
    try:
        checked = Terms.of(dataset, [log], as_of=as_of, **settings)
    except UsageError as error:
        return Spans(drawn, None, True, f"nothing is scored after the tuning span ({error})")
    if not any(drawn.time.start <= label.start < end for label in drawn.labels.incidents):
        until = format_instant(given.tuning_until)
        why = f"the tuning span, which ends {until}, holds no labelled incident, {ORACLE}"
        return Spans(checked, None, False, why)
    return Spans(drawn, checked, True, None)


def covered(log: ReplayLog, start: int, end: int) -> tuple[int, int]:
    """[start, end) cut to what a log covers, in nanoseconds UTC."""
    said = log.about.get("span") or {}
    lower = parse_instant(said["from"]) if said.get("from") else start
    upper = parse_instant(said["to"]) if said.get("to") else end
    return max(start, lower), min(end, upper)
