"""What changed since the last report of the same decision, in words."""

from __future__ import annotations

from dataclasses import dataclass

from titleshot.reports.rendering.headline import ANSWERS
from titleshot.reports.rendering.wording import change, counted, day, interval, listed, moment
from titleshot.reports.score_titles import title_of
from titleshot.reports.since_last import Changes, First

MOST_LOST = 12


@dataclass(frozen=True)
class MovedRow:
    """One score: its difference and interval then, its difference now."""

    score: str
    then: str
    between: str
    now: str


@dataclass(frozen=True)
class SincePanel:
    """``first`` is the line at the head; ``facts`` are (what, said); ``lost`` are (anchor, words)."""

    first: str
    facts: tuple[tuple[str, str], ...]
    criteria: tuple[tuple[str, str, str, str], ...]
    """(score, of which group, outcome then, outcome now)."""
    moved: tuple[MovedRow, ...]
    lost: tuple[tuple[str | None, str], ...]
    left_out: int


def since_panel(found: Changes | First, anchors: dict[str, str]) -> SincePanel:
    """``anchors`` lead to the rows of incidents; that nothing earlier was found is said too."""
    if isinstance(found, First):
        said = "No earlier report of this decision is kept here, so there is nothing to compare with."
        if found.unreadable:
            said += f" {counted(found.unreadable, 'folder')} of evidence could not be read."
        return SincePanel(said, (), (), (), (), 0)
    then, now = found.then.verdict, found.now.verdict
    before, after = ANSWERS[then.answer], ANSWERS[now.answer]
    parts = [
        f"still {after}" if before == after else f"was {before}, now {after}",
        f"{counted(len(found.moved), 'score')} moved",
        f"{counted(found.new, 'incident')} new",
        f"{len(found.lost):,} newly lost",
    ]
    whose = " (of another challenger)" if found.other_challenger else ""
    first = f"Since {day(then.judged_at)}{whose}: {', '.join(parts)}."
    rows = [
        (anchors.get(incident.incident_id), _lost(incident.champion.root_service, incident.why, one.before))
        for one in found.lost
        for incident in (one.incident,)
    ]
    return SincePanel(
        first=first,
        facts=_facts(found),
        criteria=tuple((b.score, b.group or "", a.outcome, b.outcome) for a, b in found.criteria),
        moved=tuple(
            MovedRow(
                b.name,
                change(a.difference, a.unit),
                interval(a.low, a.high, a.unit, signed=True),
                change(b.difference, b.unit),
            )
            for a, b in found.moved
        ),
        lost=tuple(rows[:MOST_LOST]),
        left_out=max(0, len(rows) - MOST_LOST),
    )


def _lost(service: str, why: str, before: str | None) -> str:
    return f"{service}: {why} ({'new' if before is None else f'was {before}'})"


def _facts(found: Changes) -> tuple[tuple[str, str], ...]:
    one, other = found.then.comparison, found.now.comparison
    others = [
        words
        for changed, words in (
            (found.other_challenger, "another challenger"),
            (found.other_champion, "another champion"),
            (found.data_changed, "other telemetry"),
            (found.labels_changed, "other labels"),
            (found.policy_changed, "another policy"),
        )
        if changed
    ]
    span = (
        f"{day(one.challenger.settings.span_from)} to {day(one.challenger.settings.span_to)} then,"
        f" {day(other.challenger.settings.span_from)} to {day(other.challenger.settings.span_to)} now"
    )
    turned = f"{found.turned:,} of those in both came out otherwise"
    incidents = f"{counted(found.new, 'incident')} new, {found.gone:,} gone, {turned}"
    return (
        ("Judged", f"{moment(found.then.verdict.judged_at)}, and now {moment(found.now.verdict.judged_at)}"),
        ("Not the same", listed(others) or "nothing: contenders, data, labels and policy are alike"),
        ("Span", span),
        ("Incidents", incidents),
        ("Answers of responders", f"{found.answers[0]:,} then, {found.answers[1]:,} now"),
        ("Scores that moved", listed([title_of(b.name) for _, b in found.moved], 12) or "none"),
        *([("Folders not read", f"{found.unreadable:,}")] if found.unreadable else []),
    )
