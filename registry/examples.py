"""Of each criterion an input that passes, one that fails and one that is undecided, put through the judge.

Inputs are looked for among values the score can have. A criterion for which there is none that passes, or
none that fails, says nothing of a contender: it is a mistake in the policy, not a strict or a generous one.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf, isfinite
from typing import NamedTuple

from titleshot.datasets.contracts.comparisons import Comparison, PairedScore
from titleshot.datasets.contracts.scores import Direction, Score
from titleshot.datasets.contracts.verdicts import Answer, CriterionOutcome
from titleshot.registry.criteria import faults_of, guardrails_of, outcome_of
from titleshot.registry.judge import judge
from titleshot.registry.known_scores import KNOWN, KnownScore, faults_of_asking
from titleshot.registry.policy import Criterion, Data, Looks, Minimum, Policy
from titleshot.registry.reading import Place
from titleshot.registry.rehearsal import INCIDENTS_PER_WEEK, TYPICAL, card
from titleshot.registry.wording import percent

INCIDENTS = 240
ANSWERS: dict[Place, Answer] = {"pass": "promote", "fail": "reject", "undecided": "not_enough_evidence"}
_DETECT_WITHIN_S = 600.0
_OFFSETS = (1.5, 3.0, 10.0)


class Example(NamedTuple):
    """One input of a criterion, and what the judge said to it."""

    outcome: Place
    answer: Answer
    """Of a policy that asks for this alone."""
    champion: float | None
    """None for a ceiling, which looks at the challenger alone."""
    challenger: float
    difference: float | None
    low: float
    high: float
    confidence: float
    n: int
    n_of: str
    reason: str
    comparison: Comparison
    """All of it, for whoever wants to change one thing."""

    @property
    def document(self) -> dict[str, object]:
        """The numbers, for machines."""
        return {name: value for name, value in self._asdict().items() if name != "comparison"}


def alone(policy: Policy, criterion: Criterion) -> Policy:
    """The policy with one criterion and nothing else in its way."""
    return policy.model_copy(
        update={
            "criteria": (criterion,),
            "without_champion": (),
            "minimum": Minimum(),
            "narrow": None,
            "budgets": None,
            "data": Data(),
            "looks": Looks() if policy.data.sealed_span else policy.looks,
            "baseline": "live",
            "scope": None,
            "rollout": (),
            "promote_equals": True,
        }
    )


def example(policy: Policy, criterion: Criterion, wanted: Place, *, champion: bool = True) -> Example | None:
    """An input with the wanted outcome; None where no value of the score gives it.

    Args:
        champion: whether there is one; without, its pages are none and its recall is 0.
    """
    known = KNOWN[criterion.score]
    better = criterion.direction or known.better
    if better is None:
        return None
    plain = alone(policy, criterion.model_copy(update={"group_guardrail": None}))
    for comparison in _comparisons(plain, criterion, known, better, wanted, champion=champion):
        outcome, _ = outcome_of(criterion, comparison)
        if outcome.outcome == wanted:
            verdict = judge(comparison, plain, judged_at=0)
            return _told(outcome, verdict.answer, comparison, criterion)
    return None


def decisive_example(policy: Policy, criterion: Criterion) -> Example | None:
    """A failure of a critical criterion beyond doubt: it rejects where minimum evidence is not met."""
    found = example(policy, criterion, "fail") if criterion.critical else None
    if found is None or criterion.kind == "ceiling":
        return None
    pair = found.comparison.pair(criterion.score)
    beyond = pair.model_copy(update={"decisive_low": pair.low, "decisive_high": pair.high})
    comparison = found.comparison.model_copy(update={"pairs": (beyond,)})
    plain = alone(policy, criterion.model_copy(update={"group_guardrail": None}))
    starved = plain.model_copy(update={"minimum": Minimum(incidents=comparison.incidents_scored + 1)})
    return found._replace(answer=judge(comparison, starved, judged_at=0).answer, comparison=comparison)


def guardrail_example(policy: Policy, criterion: Criterion, wanted: Place) -> CriterionOutcome | None:
    """A group that its guardrail lets pass, or stops; None where no value of the score does."""
    rail, known = criterion.group_guardrail, KNOWN[criterion.score]
    if rail is None:
        return None
    limit = Criterion(score=criterion.score, kind="non_inferiority", margin=rail.margin)
    seen: Place = "fail" if wanted == "fail" else "undecided"
    found = example(policy, limit.model_copy(update={"direction": criterion.direction}), seen)
    if found is None:
        return None
    pair = found.comparison.pair(known.name).model_copy(update={"n": max(rail.minimum_n, 1)})
    comparison = found.comparison.model_copy(update={"by_group": {rail.by: {"one": (pair,)}}})
    return next(iter(guardrails_of(criterion, comparison)[0]), None)


def faults_in(policy: Policy, criterion: Criterion, *, champion: bool) -> list[str]:
    """What is wrong with a criterion whatever the data, in words; empty where nothing is."""
    known = KNOWN[criterion.score]
    if criterion.direction is None and known.better is None:
        return [f"{known.name} is context, neither good nor bad by itself; give it a direction"]
    if not known.interval:
        return [f"{known.name} never has an interval, so nothing passes and nothing fails; ask for another"]
    # As a ceiling, and with the interval it needs, only what is asked for can be at fault.
    probe = next(_comparisons(policy, criterion, known, "up", "undecided", champion=champion), None)
    faults = faults_of(criterion, probe, policy) if probe else faults_of_asking(criterion)
    if not champion and criterion.kind != "ceiling" and _of_pages(known):
        faults.append(
            f"{known.name} of a champion that never pages is undefined, so its difference is undecided for "
            "ever; ask for it as kind: ceiling"
        )
    if criterion.critical and criterion.kind == "ceiling":
        faults.append(
            f"critical rejects on a decisive failure, which only a difference can be; leave it out of the "
            f"ceiling of {known.name}, a failure of it rejects anyway"
        )
    if criterion.critical and (needed := policy.confidence_of(criterion)) >= policy.decisive_confidence:
        faults.append(
            f"{known.name} is read at {percent(needed)}, so every failure of it would be decisive; raise "
            f"decisive_confidence {policy.decisive_confidence} above that"
        )
    rail = criterion.group_guardrail
    if rail is not None and rail.by not in known.groups:
        told = (
            f"it is told by {', '.join(sorted(known.groups))}" if known.groups else "it is told by no group"
        )
        faults.append(f"the guardrail by {rail.by} guards nothing of {known.name}: {told}")
    return faults


def _of_pages(known: KnownScore) -> bool:
    return known.n_of in {"pages", "judged pages", "detected incidents"}


def _told(outcome: CriterionOutcome, answer: Answer, comparison: Comparison, criterion: Criterion) -> Example:
    paired = criterion.kind != "ceiling"
    pair = comparison.pair(criterion.score)
    value = pair.challenger
    if value is None or outcome.low is None or outcome.high is None:
        raise ValueError(f"{criterion.score}: an example without numbers")
    return Example(
        outcome=outcome.outcome,
        answer=answer,
        champion=pair.champion if paired else None,
        challenger=value,
        difference=pair.difference if paired else None,
        low=outcome.low,
        high=outcome.high,
        confidence=outcome.confidence,
        n=outcome.n,
        n_of=pair.n_of,
        reason=outcome.reason,
        comparison=comparison,
    )


def _comparisons(
    policy: Policy,
    criterion: Criterion,
    known: KnownScore,
    better: Direction,
    wanted: Place,
    *,
    champion: bool,
) -> Iterator[Comparison]:
    """Inputs that may have the wanted outcome, the most usual ones first."""
    up = 1.0 if better == "up" else -1.0
    widest = known.high - known.low
    for own in _champions(criterion, known, champion=champion):
        scale = widest if isfinite(widest) else max(1.0, abs(own), criterion.margin)
        for half in (scale * share for share in (0.03, 0.01, 1e-3, 1e-5)):
            if criterion.kind == "ceiling":
                bound = up * criterion.margin
            else:
                margin = max(criterion.margin, criterion.margin_ratio * abs(own))
                bound = margin if criterion.kind == "superiority" else -margin
            for offset in _OFFSETS if wanted != "undecided" else (0.5, -0.5, 0.0):
                gain = bound + half * (-offset if wanted == "fail" else offset)
                value = up * gain if criterion.kind == "ceiling" else own + up * gain
                if known.low <= value <= known.high:
                    yield _compared(policy, criterion, known, own, value, half, champion=champion)


def _champions(criterion: Criterion, known: KnownScore, *, champion: bool) -> list[float]:
    if not champion:
        return [_DETECT_WITHIN_S if known.unit == "s" else max(known.low, 0.0)]
    usual = [TYPICAL[known.name].champion] if known.name in TYPICAL else []
    if isfinite(known.high):
        width = known.high - known.low
        return [*usual, *(known.low + share * width for share in (0.6, 0.5, 0.9, 0.1, 1.0, 0.0))]
    least = known.low if isfinite(known.low) else 0.0
    size = max(criterion.margin, 1.0)
    return [*usual, *(least + share * size for share in (3.0, 10.0, 1.0, 0.0, 100.0))]


def _compared(
    policy: Policy,
    criterion: Criterion,
    known: KnownScore,
    own: float,
    value: float,
    half: float,
    *,
    champion: bool,
) -> Comparison:
    """A comparison of one score, with the interval the policy needs, ``half`` to each side."""
    confidence = policy.confidence_of(criterion)
    weeks = INCIDENTS / INCIDENTS_PER_WEEK
    n = round(weeks) if "weeks" in known.n_of else INCIDENTS
    common = {"name": known.name, "unit": known.unit, "better": known.better, "n": n, "n_of": known.n_of}

    def score(at: float, reach: float) -> Score:
        limits = {"low": max(at - reach, known.low), "high": min(at + reach, known.high)}
        told = {"value": at, "confidence": confidence, "method": "example"}
        return Score.model_validate({**common, **told, **limits})

    most = known.high - known.low if isfinite(known.high - known.low) else inf
    difference = value - own
    pair = PairedScore.model_validate(
        {
            **common,
            "champion": own,
            "challenger": value,
            "difference": difference,
            "low": max(difference - half, -most),
            "high": min(difference + half, most),
            "confidence": confidence,
            "method": "example",
        }
    )
    name = "champion" if champion else "never"
    return Comparison(
        champion=card(name, policy, weeks, confidence, (score(own, half / 4),)),
        challenger=card("challenger", policy, weeks, confidence, (score(value, half),)),
        pairs=(pair,),
        incidents=(),
        blocks=round(7 * weeks),
        weeks=weeks,
        incidents_scored=INCIDENTS,
    )
