"""One criterion of a policy against one comparison: pass, fail or undecided, and why.

Every kind is a bound on an interval. With up better, the interval lies wholly above the bound (pass), wholly
below it (fail), or straddles it (undecided). An interval that is not there is undecided.
"""

from __future__ import annotations

import math

from titleshot.datasets.contracts.comparisons import Comparison, PairedScore
from titleshot.datasets.contracts.scores import Direction, Score
from titleshot.datasets.contracts.verdicts import CriterionOutcome
from titleshot.datasets.nearest import nearest
from titleshot.registry.known_scores import KNOWN, absence_of, faults_of_asking
from titleshot.registry.policy import Criterion, Policy
from titleshot.registry.reading import Reading
from titleshot.registry.wording import amount, change, percent, title


def faults_of(
    criterion: Criterion, comparison: Comparison, policy: Policy, group: str | None = None
) -> list[str]:
    """What makes the comparison unfit to judge this criterion by, in words; empty when it is fit."""
    name, score = criterion.score, _score(criterion, comparison)
    asked = faults_of_asking(criterion)
    if asked:
        return asked
    if score is None:
        known = {pair.name for pair in comparison.all_pairs}
        known |= {own.name for own in comparison.challenger.scores}
        if name in known or absence_of(name, comparison) is not None:
            return []
        return [f"the policy asks for {name!r}, which the comparison lacks{nearest(name, {*known, *KNOWN})}"]
    faults = []
    numbers = (score.low, score.high, *_values(score))
    if any(number is not None and not math.isfinite(number) for number in numbers):
        faults.append(f"{name} is not finite; an undefined score must be null with a reason")
    if score.low is not None and score.high is not None and score.low > score.high:
        faults.append(f"{name}: its interval ends before it starts")
    if criterion.direction and score.better and criterion.direction != score.better:
        faults.append(f"{name}: the policy says {criterion.direction} is better, the score {score.better}")
    if criterion.direction is None and score.better is None:
        faults.append(f"{name} is context, neither good nor bad by itself; give it a direction")
    needed = policy.confidence_of(criterion, group)
    if score.low is not None and (score.confidence or 0) < needed - 1e-9:
        had = percent(score.confidence) if score.confidence else "unknown confidence"
        faults.append(
            f"{name}: the policy needs a {percent(needed)} interval and the comparison has one of {had}; "
            "compare again with this policy"
        )
    return faults


def outcome_of(criterion: Criterion, comparison: Comparison) -> tuple[CriterionOutcome, int | None]:
    """How the criterion came out and, when undecided, how many incidents in all would decide it.

    ``faults_of`` must have found nothing.
    """
    score = _score(criterion, comparison)
    if score is None:
        return _absent(criterion, comparison), None
    least, most = _margins(criterion, score, comparison)
    better: Direction = criterion.direction or score.better or "up"
    reading = Reading(score, better)
    strict, lenient = sorted(
        (_bound(criterion, least, better), _bound(criterion, most, better)), reverse=True
    )
    place, decisive = reading.place(strict, lenient)
    bound, margin = strict, least if criterion.kind == "non_inferiority" else most
    missing, total = reading.missing(bound, comparison) if place == "undecided" else (None, None)
    outcome = CriterionOutcome(
        score=criterion.score,
        kind=criterion.kind,
        margin=margin,
        confidence=score.confidence or 0.0,
        critical=criterion.critical,
        outcome=place,
        decisive=decisive,
        value=reading.value,
        low=score.low,
        high=score.high,
        n=score.n,
        reason=f"{reading.found()}; {_asked(criterion, margin, better, score.unit)}: {place}",
        missing=missing,
    )
    return outcome, total


def _absent(criterion: Criterion, comparison: Comparison) -> CriterionOutcome:
    """A score that exists and that this data did not give: undecided, as all that is undefined."""
    why, missing = absence_of(criterion.score, comparison) or ("not computed", "compare again")
    return CriterionOutcome(
        score=criterion.score,
        kind=criterion.kind,
        margin=criterion.margin,
        confidence=0.0,
        critical=criterion.critical,
        outcome="undecided",
        n=0,
        reason=f"{title(criterion.score)}: {why}: undecided",
        missing=f"{title(criterion.score)}: {missing}",
    )


def guardrails_of(criterion: Criterion, comparison: Comparison) -> tuple[list[CriterionOutcome], list[str]]:
    """Outcomes per group, and the groups with too little to guard.

    A group fails only where its interval lies wholly beyond the guardrail's margin.
    """
    outcomes: list[CriterionOutcome] = []
    unguarded: list[str] = []
    rail = criterion.group_guardrail
    if rail is None:
        return outcomes, unguarded
    for group, pairs in sorted(comparison.by_group.get(rail.by, {}).items()):
        pair = next((pair for pair in pairs if pair.name == criterion.score), None)
        if pair is None or pair.low is None or pair.n < rail.minimum_n:
            unguarded.append(f"{rail.by} {group}")
            continue
        reading = Reading(pair, criterion.direction or pair.better or "up")
        place, decisive = reading.place(-rail.margin)
        lost = place == "fail"
        shown = "shown" if lost else "not shown"
        outcomes.append(
            CriterionOutcome(
                score=criterion.score,
                kind="non_inferiority",
                margin=rail.margin,
                confidence=pair.confidence,
                critical=False,
                group=f"{rail.by} {group}",
                outcome="fail" if lost else "pass",
                decisive=decisive,
                value=pair.difference,
                low=pair.low,
                high=pair.high,
                n=pair.n,
                reason=f"{rail.by} {group}, {reading.found()}; "
                f"{shown} to lose more than {_size(rail.margin, pair.unit)}",
            )
        )
    return outcomes, unguarded


def _score(criterion: Criterion, comparison: Comparison) -> PairedScore | Score | None:
    among: tuple[PairedScore | Score, ...] = comparison.all_pairs
    if criterion.kind == "ceiling":
        candidates = comparison.challenger.correlation
        among = (*comparison.challenger.scores, *(candidates.scores if candidates else ()))
    return next((score for score in among if score.name == criterion.score), None)


def _values(score: PairedScore | Score) -> tuple[float | None, ...]:
    if isinstance(score, PairedScore):
        return score.champion, score.challenger, score.difference, score.decisive_low, score.decisive_high
    return (score.value,)


def _margins(criterion: Criterion, score: PairedScore | Score, comparison: Comparison) -> tuple[float, float]:
    """The smallest and the largest margin there may be.

    A share of the champion's value is known no better than that value: what passes must pass at one end of
    its interval, what fails must fail at the other. With the value itself a challenger exactly at the margin
    passes too often (6.9 % instead of 5 % of simulated pairs).
    """
    if not isinstance(score, PairedScore) or not criterion.margin_ratio or score.champion is None:
        return criterion.margin, criterion.margin
    own = next((one for one in comparison.champion.scores if one.name == score.name), None)
    below = above = 0.0
    if own is not None and own.value is not None and own.low is not None and own.high is not None:
        below, above = own.value - own.low, own.high - own.value
    shares = (score.champion - below, score.champion + above)
    least = 0.0 if shares[0] <= 0 <= shares[1] else min(map(abs, shares))
    return (
        max(criterion.margin, criterion.margin_ratio * least),
        max(criterion.margin, criterion.margin_ratio * max(map(abs, shares))),
    )


def _bound(criterion: Criterion, margin: float, better: Direction) -> float:
    if criterion.kind == "ceiling":
        return margin if better == "up" else -margin
    return margin if criterion.kind == "superiority" else -margin


def _asked(criterion: Criterion, margin: float, better: Direction, unit: str) -> str:
    if criterion.kind == "ceiling":
        return f"must stay {'above' if better == 'up' else 'below'} {amount(margin, unit)}"
    if criterion.kind == "superiority":
        return f"must be better by more than {_size(margin, unit)}" if margin else "must be better"
    return f"may be worse by less than {_size(margin, unit)}"


def _size(margin: float, unit: str) -> str:
    return change(margin, unit).removeprefix("+")


def about(outcome: CriterionOutcome) -> str:
    """What a criterion speaks of: the score, and the group where it is one group's."""
    return f"{title(outcome.score)} ({outcome.group})" if outcome.group else title(outcome.score)
