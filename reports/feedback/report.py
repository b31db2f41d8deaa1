"""The feedback section of a comparison: usefulness of both, its paired difference, coverage and reviewers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import isfinite

import numpy as np

from titleshot.datasets.contracts.comparisons import PairedScore
from titleshot.datasets.contracts.feedback import Bracket, Coverage, FeedbackReport, PageVerdict, Usefulness
from titleshot.datasets.contracts.scores import Score
from titleshot.reports.exposure import NO_OWNER
from titleshot.reports.feedback.answers import about_answers
from titleshot.reports.feedback.definitions import USEFULNESS
from titleshot.reports.feedback.panel import CHALLENGER, CHAMPION, Panel
from titleshot.reports.feedback.stories import Settled
from titleshot.reports.feedback.usefulness import Judged, bracket, paired_bracket, point

START = "titleshot feedback queue names those to start with"


def difference(panel: Panel, settled: Settled) -> Bracket:
    """The paired difference's bracket."""
    first, second = panel.sums(settled)
    return paired_bracket(first, second, panel.terms.resampling, panel.terms.settings.confidence)


def as_score(panel: Panel, side: int, confidence: float) -> Score:
    """Usefulness of one contender as a score that a policy can name: its interval is that of the bracket."""
    judged = panel.sums(panel.stories.settle(panel.judged))[side]
    value = judged.on_judged.value()
    found = bracket(judged, panel.terms.resampling, confidence)
    limited = isfinite(value) and found.width is not None
    return Score(
        name=USEFULNESS.name,
        value=value if isfinite(value) else None,
        unit=USEFULNESS.unit,
        better=USEFULNESS.better,
        n=int((judged.pages - judged.unjudged).sum()),
        n_of=USEFULNESS.n_of,
        low=found.low_limit if limited else None,
        high=found.high_limit if limited else None,
        confidence=confidence if limited else None,
        method=f"bracket over unjudged pages, {found.method}" if limited else None,
        reason=found.reason if isfinite(value) else _nothing_judged(panel, [judged]),
    )


def as_pair(panel: Panel, confidence: float, decisive_confidence: float) -> PairedScore:
    """The same as a paired score that a policy can name: its interval runs from limit to limit.

    ``champion``, ``challenger`` and ``difference`` are over judged pages; what is better on those may be
    worse on all, so only the limits decide: better for sure is what is better at the worse end.
    """
    settled = panel.stories.settle(panel.judged)
    sums = panel.sums(settled)
    values = [one.on_judged.value() for one in sums]
    defined = all(map(isfinite, values))
    found, decisive = (
        paired_bracket(*sums, panel.terms.resampling, level) for level in (confidence, decisive_confidence)
    )
    known = [int((one.pages - one.unjudged).sum()) for one in sums]
    return PairedScore(
        name=USEFULNESS.name,
        unit=USEFULNESS.unit,
        better=USEFULNESS.better,
        champion=values[0] if isfinite(values[0]) else None,
        challenger=values[1] if isfinite(values[1]) else None,
        difference=values[1] - values[0] if defined else None,
        low=found.low_limit if defined else None,
        high=found.high_limit if defined else None,
        decisive_low=decisive.low_limit if defined else None,
        decisive_high=decisive.high_limit if defined else None,
        confidence=confidence,
        method=f"bracket over unjudged pages, {found.method}" if defined and found.method else None,
        n=min(known),
        n_of=USEFULNESS.n_of,
        reason=found.reason if defined else _nothing_judged(panel, sums),
    )


def _nothing_judged(panel: Panel, sums: Sequence[Judged]) -> str:
    if not panel.judged:
        return f"nobody judged a page; {START}"
    silent = [one for one in sums if not one.pages.sum()]
    if silent:
        return (
            "one of them sent no page in scored time" if len(sums) > 1 else "no page was sent in scored time"
        )
    return f"{'of one of them ' if len(sums) > 1 else ''}no page is judged; {START}"


def feedback_report(panel: Panel) -> FeedbackReport:
    """Everything that feedback says of the two."""
    settled = panel.stories.settle(panel.judged)
    terms, rows = panel.terms, panel.stories.rows
    champion, challenger = (
        _usefulness(panel, settled, side, judged) for side, judged in enumerate(panel.sums(settled))
    )
    senders: dict[str, str] = {}
    for told, sender in zip(rows, panel.sender.tolist(), strict=True):
        name = ("champion", "challenger", "other")[sender]
        senders[told.page.page_id] = name if senders.get(told.page.page_id, name) == name else "both"
    return FeedbackReport(
        labels_as_of=terms.labels.as_of,
        seed=terms.settings.seed,
        resamples=terms.settings.resamples,
        blocks=terms.settings.blocks,
        champion=champion,
        challenger=challenger,
        difference=difference(panel, settled),
        conflicts=settled.conflicts,
        answers=about_answers(
            terms.labels.feedback,
            {told.page.page_id: told.page.paged_at for told in rows},
            senders,
            terms.labels.as_of,
            terms.settings.confidence,
        ),
        champion_pages=_verdicts(panel, settled, CHAMPION),
        challenger_pages=_verdicts(panel, settled, CHALLENGER),
    )


def _usefulness(panel: Panel, settled: Settled, side: int, judged: Judged) -> Usefulness:
    terms, contestant = panel.terms, panel.sides[side]
    rows = np.flatnonzero(panel.sender == side)
    kept = [row for row in rows.tolist() if panel.scored[row]]
    place = {row: at for at, row in enumerate(rows.tolist())}
    told = panel.stories.rows
    named = [row for row in kept if settled.verdict[row] is not None and settled.cause[row] is not None]
    value, (low, high, method, reason) = point(judged, terms.resampling, terms.settings.confidence)
    teams = [terms.exposure.rotations[of] if of >= 0 else NO_OWNER for of in contestant.rotations.tolist()]
    return Usefulness(
        judged=_coverage(settled, kept),
        tied=sum(settled.standing[row] == "tied" for row in kept),
        value=value,
        low=low,
        high=high,
        method=method,
        reason=reason,
        bracket=bracket(judged, terms.resampling, terms.settings.confidence),
        verdicts=dict(sorted(Counter(said for row in kept if (said := settled.verdict[row])).items())),
        causes=len(named),
        causes_named=sum(told[row].page.probable_service == settled.cause[row] for row in named),
        by_service=_by(settled, kept, [contestant.heads[place[row]] for row in kept]),
        by_severity=_by(settled, kept, [told[row].page.severity for row in kept]),
        by_team=_by(settled, kept, [teams[place[row]] for row in kept]),
    )


def _by(settled: Settled, rows: Sequence[int], names: Sequence[str]) -> dict[str, Coverage]:
    groups: dict[str, list[int]] = {}
    for row, name in zip(rows, names, strict=True):
        groups.setdefault(name, []).append(row)
    return {name: _coverage(settled, groups[name]) for name in sorted(groups)}


def _coverage(settled: Settled, rows: Iterable[int]) -> Coverage:
    counts = Counter(settled.standing[row] for row in rows)
    return Coverage(pages=counts.total(), own=counts["own"], carried=counts["carried"])


def _verdicts(panel: Panel, settled: Settled, side: int) -> tuple[PageVerdict, ...]:
    told = panel.stories.rows
    return tuple(
        PageVerdict(
            page_id=told[row].page.page_id,
            standing=settled.standing[row],
            verdict=settled.verdict[row],
            carried_from=told[source].page.page_id if (source := settled.source[row]) >= 0 else None,
            cause=settled.cause[row],
        )
        for row in np.flatnonzero((panel.sender == side) & panel.scored).tolist()
    )
