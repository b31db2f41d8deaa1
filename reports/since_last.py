"""What changed since the last time the same decision was judged.

Both comparisons are taken as they were written. Their spans mostly overlap, so this is no test of anything:
it says what a reader of the last report would now find different.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from titleshot.datasets.contracts.comparisons import Comparison, IncidentPair, PairedScore
from titleshot.datasets.contracts.verdicts import CriterionOutcome, Verdict


@dataclass(frozen=True)
class Judged:
    """One time it was judged."""

    comparison: Comparison
    verdict: Verdict


@dataclass(frozen=True)
class Turned:
    """An incident that came out otherwise; ``before`` None: it was not there."""

    incident: IncidentPair
    before: str | None


@dataclass(frozen=True)
class First:
    """There is no earlier report to compare with, as far as ``unreadable`` folders allow to say."""

    unreadable: int = 0


@dataclass(frozen=True)
class Changes:
    """What is different; ``moved`` are scores whose difference now lies outside the interval it had then."""

    then: Judged
    now: Judged
    criteria: tuple[tuple[CriterionOutcome, CriterionOutcome], ...]
    """(then, now) of those that came out otherwise."""
    moved: tuple[tuple[PairedScore, PairedScore], ...]
    """(then, now)."""
    lost: tuple[Turned, ...]
    """Incidents the challenger lost now that it had not lost then."""
    turned: int
    """Incidents in both that came out otherwise, lost ones among them."""
    new: int
    gone: int
    """Incidents of then that are in no label now, or outside the span."""
    other_challenger: bool
    other_champion: bool
    labels_changed: bool
    data_changed: bool
    policy_changed: bool
    answers: tuple[int, int]
    """Answers of responders, then and now."""
    unreadable: int
    """Folders that say they are evidence and could not be read; one of them may be a later report."""


def changes(then: Judged, now: Judged, unreadable: int = 0) -> Changes:
    """From then to now."""
    before = {pair.incident_id: pair for pair in then.comparison.incidents}
    after = {pair.incident_id: pair for pair in now.comparison.incidents}
    both = [(before[key], pair) for key, pair in after.items() if key in before]
    lost = [
        Turned(pair, before[key].verdict if key in before else None)
        for key, pair in after.items()
        if pair.verdict == "lost" and (key not in before or before[key].verdict != "lost")
    ]
    one, other = then.comparison, now.comparison
    return Changes(
        then=then,
        now=now,
        criteria=_criteria(then.verdict, now.verdict),
        moved=_moved(one, other),
        lost=tuple(lost),
        turned=sum(first.verdict != second.verdict for first, second in both),
        new=len(after) - len(both),
        gone=len(before) - len(both),
        other_challenger=_who(one.challenger.identity) != _who(other.challenger.identity),
        other_champion=_who(one.champion.identity) != _who(other.champion.identity),
        labels_changed=one.challenger.identity.labels_digest != other.challenger.identity.labels_digest,
        data_changed=one.challenger.identity.dataset_digest != other.challenger.identity.dataset_digest,
        policy_changed=then.verdict.policy_digest != now.verdict.policy_digest,
        answers=(_answers(one), _answers(other)),
        unreadable=unreadable,
    )


def _criteria(then: Verdict, now: Verdict) -> tuple[tuple[CriterionOutcome, CriterionOutcome], ...]:
    before = {(one.score, one.kind, one.group): one for one in then.criteria}
    pairs = [(before.get((one.score, one.kind, one.group)), one) for one in now.criteria]
    return tuple((first, second) for first, second in pairs if first and first.outcome != second.outcome)


def _moved(then: Comparison, now: Comparison) -> tuple[tuple[PairedScore, PairedScore], ...]:
    before = {pair.name: pair for pair in (*then.pairs, *then.correlation_pairs)}
    found = []
    for pair in (*now.pairs, *now.correlation_pairs):
        first = before.get(pair.name)
        if first is None or first.low is None or first.high is None or pair.difference is None:
            continue
        if isfinite(pair.difference) and not first.low <= pair.difference <= first.high:
            found.append((first, pair))
    return tuple(found)


def _who(identity: object) -> tuple[object, ...]:
    return tuple(getattr(identity, name) for name in ("contender", "recipe_digest", "pages_digest"))


def _answers(comparison: Comparison) -> int:
    return 0 if comparison.feedback is None else comparison.feedback.answers.answers
