"""What to label next, and what is known of the answers so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from titleshot.datasets.contracts.comparisons import Comparison
from titleshot.datasets.contracts.feedback import (
    Agreement,
    Answers,
    Bracket,
    Coverage,
    FeedbackReport,
    QueuedPage,
    ReviewQueue,
    Usefulness,
)
from titleshot.reports.rendering.wording import (
    NONE,
    amount,
    change,
    counted,
    duration,
    interval,
    listed,
    moment,
    name,
    number,
    percent,
)

FIRST = 5
"""So many pages are shown; the rest of the queue is folded."""
MOST_GROUPS = 40


@dataclass(frozen=True)
class Asked:
    """One page to ask about."""

    page_id: str
    at: str
    services: tuple[str, ...]
    route: str
    severity: str
    sent_by: str
    why: str
    settles: str
    narrows: str


@dataclass(frozen=True)
class Known:
    """Usefulness of one side, or the difference: on judged pages, over all, and at the limits of that."""

    of: str
    judged: str
    on_judged: str
    bracket: str
    limits: str
    causes: str


@dataclass(frozen=True)
class Covered:
    """Judged share of a group's pages, one text per contender."""

    kind: Literal["all", "team", "severity", "service"]
    group: str
    shares: tuple[str, ...]


@dataclass(frozen=True)
class Labelling:
    """``in_short`` stands at the head of the page, ``buys`` says what answers would change.

    ``nothing`` says why there is no queue; then ``asked`` is empty. ``given`` is empty without any feedback.
    """

    in_short: str
    buys: str
    asked: tuple[Asked, ...]
    nothing: str
    known: tuple[Known, ...]
    covered: tuple[Covered, ...]
    given: tuple[tuple[str, str, str], ...]
    """(definition, what, as found)."""
    left_out: int
    """Groups of coverage not shown."""


def labelling(comparison: Comparison) -> Labelling:
    """Of a comparison, with a queue and feedback as far as its record has them."""
    queue, report = comparison.review, comparison.feedback
    covered = () if report is None else _covered(report)
    return Labelling(
        in_short=_in_short(queue, report),
        buys="" if queue is None else _buys(queue, judged=report is not None),
        asked=() if queue is None else tuple(map(_asked, queue.pages)),
        nothing=_nothing(queue),
        known=() if report is None else _known(report),
        covered=covered[:MOST_GROUPS],
        given=() if report is None else _given(report),
        left_out=max(0, len(covered) - MOST_GROUPS),
    )


def _nothing(queue: ReviewQueue | None) -> str:
    if queue is None:
        return "The record holds no queue of pages to label; feedback queue makes one from the two logs."
    return "" if queue.pages else "Every page that could be asked about is judged."


def _in_short(queue: ReviewQueue | None, report: FeedbackReport | None) -> str:
    if queue is not None and queue.pages:
        first = queue.pages[0]
        where = f"{listed([name(one, 48) for one in first.services], 2)}, {moment(first.paged_at)}"
        none = "No page was judged yet." if report is None else ""
        who = f"paged by {' and '.join(f'the {side}' for side in first.sent_by)}"
        settled = f"an answer settles {counted(first.settles, 'page')}"
        unjudged = f"{none} {counted(queue.unjudged, 'page')} unjudged.".strip()
        return f"{unjudged} Ask first about {where}, {who}: {settled}."
    none = "No responder has judged a page yet. " if report is None else ""
    return none + _nothing(queue)


def _buys(queue: ReviewQueue, *, judged: bool) -> str:
    many = counted(len(queue.pages), "page")
    width = queue.difference.width
    none = (
        ""
        if judged
        else "Nobody has said yet of any page whether it was useful, so usefulness decides nothing. "
    )
    if not queue.pages:
        return ""
    if width is None:
        why = queue.difference.reason or "its bracket has no limits"
        return f"{none}What answers would buy cannot be said: {why}."
    expected = min(sum(page.narrows for page in queue.pages), width)
    limits = interval(queue.difference.low_limit, queue.difference.high_limit, "ratio", signed=True)
    return (
        f"{none}The difference of usefulness lies anywhere from {limits}, a bracket {_points(width)} wide."
        f" Answers on these {many} are expected to narrow it by {_points(expected)}."
    )


def _points(share: float) -> str:
    return change(share, "ratio").removeprefix("+")


def _asked(page: QueuedPage) -> Asked:
    return Asked(
        page_id=page.page_id,
        at=moment(page.paged_at),
        services=page.services,
        route=page.route,
        severity=page.severity,
        sent_by=" and ".join(page.sent_by),
        why=page.why,
        settles=number(page.settles),
        narrows=_points(page.narrows),
    )


def _known(report: FeedbackReport) -> tuple[Known, ...]:
    def side(role: str, of: Usefulness) -> Known:
        on_judged = amount(of.value, "ratio")
        if of.low is not None:
            on_judged += f" ({interval(of.low, of.high, 'ratio')})"
        return Known(
            role,
            _share(of.judged) + (f", {counted(of.tied, 'page')} tied" if of.tied else ""),
            on_judged,
            interval(of.bracket.low, of.bracket.high, "ratio"),
            _limits(of.bracket, signed=False),
            f"{of.causes_named:,} of {of.causes:,}" if of.causes else NONE,
        )

    apart = report.difference
    return (
        side("champion", report.champion),
        side("challenger", report.challenger),
        Known(
            "difference",
            NONE,
            NONE,
            interval(apart.low, apart.high, "ratio", signed=True),
            _limits(apart, signed=True),
            NONE,
        ),
    )


def _limits(of: Bracket, *, signed: bool) -> str:
    if of.width is None:
        return f"none: {of.reason}" if of.reason else NONE
    return f"{interval(of.low_limit, of.high_limit, 'ratio', signed=signed)} ({percent(of.confidence)})"


def _share(of: Coverage) -> str:
    if of.share is None:
        return "no page"
    return f"{amount(of.share, 'ratio')} of {of.pages:,} ({of.own:,} answered, {of.carried:,} by their story)"


def _covered(report: FeedbackReport) -> tuple[Covered, ...]:
    sides = (report.champion, report.challenger)
    rows = [Covered("all", "", tuple(_share(side.judged) for side in sides))]
    kinds: tuple[tuple[Literal["team", "severity", "service"], list[Mapping[str, Coverage]]], ...] = (
        ("team", [side.by_team for side in sides]),
        ("severity", [side.by_severity for side in sides]),
        ("service", [side.by_service for side in sides]),
    )
    for kind, groups in kinds:
        for group in sorted({group for of in groups for group in of}):
            shares = tuple(_share(of[group]) if group in of else "no page" for of in groups)
            rows.append(Covered(kind, group, shares))
    return tuple(rows)


def _interval(agreed: Agreement) -> str:
    if agreed.low is None or agreed.high is None or agreed.confidence is None:
        return ""
    low, high = (number(round(limit, 3)) for limit in (agreed.low, agreed.high))
    return f" ({low} to {high} at {100 * agreed.confidence:.4g} %)"


def _given(report: FeedbackReport) -> tuple[tuple[str, str, str], ...]:
    of = report.answers
    agreed = of.agreement
    agreement = (
        f"alpha {number(round(agreed.alpha, 3))}{_interval(agreed)}, from"
        f" {counted(agreed.answers, 'answer')} on {counted(agreed.pages, 'page')}"
        if agreed.alpha is not None
        else f"not known: {agreed.reason or 'nobody was asked twice'}"
    )
    age = f"half are older than {duration(of.age_p50_s)}, the newest is {duration(of.newest_age_s)} old"
    rows = [
        ("judged_share", "Answers", _answers(of)),
        ("judged_share", "On pages of", _listed(of.by_sender)),
        ("reviewer_agreement", "Do reviewers agree", agreement),
        ("answer_delay", "Answered after the page", _middle(of.delay_p50_s, of.delay_p90_s)),
        ("answer_delay", "Age of the answers", age),
        ("answer_delay", "Known as of", moment(report.labels_as_of)),
    ]
    if report.conflicts:
        stories = counted(report.conflicts, "story", "stories")
        said = f"{stories} with opposite verdicts; the nearest in time counts"
        rows.append(("judged_share", "Conflicts", said))
    return tuple(rows)


def _answers(of: Answers) -> str:
    said = f"{of.answers:,} on {counted(of.pages, 'page')} by {counted(len(of.by_reviewer), 'reviewer')}"
    return said + (f"; {of.unknown_pages:,} on pages nobody sent are not used" if of.unknown_pages else "")


def _listed(counts: Mapping[str, int]) -> str:
    return listed([f"{sender} {n:,}" for sender, n in counts.items()]) or NONE


def _middle(half: float | None, most: float | None) -> str:
    if half is None:
        return NONE
    return f"half within {duration(half)}, nine in ten within {duration(most)}"
