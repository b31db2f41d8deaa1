"""How often the judge promotes a challenger that is, in truth, exactly at the margin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from titleshot.datasets.contracts.comparisons import Comparison, PairedScore
from titleshot.datasets.contracts.instants import DAY
from titleshot.datasets.contracts.scores import Identity, Score, Scorecard, Settings
from titleshot.pipelines.outcome import Progress, silent
from titleshot.pipelines.truth_page import Promoted
from titleshot.pipelines.truth_setting import (
    CHAMPION,
    DEFINITIONS,
    PAIRS,
    RESAMPLES,
    WORLD,
    random_of,
    resampling_of,
)
from titleshot.registry.judge import judge
from titleshot.registry.policy import Criterion, Looks, Policy, load_policy
from titleshot.reports.estimates import estimate, paired_estimate
from titleshot.reports.simulated_pairs import Side, first_days, simulate, true_scores
from titleshot.reports.tally import Tally, paired

LOOK_DAYS = (30, 60, 90, 120)
CONTENDERS = 10


def promotions(
    *,
    pairs: int = PAIRS,
    scores: Sequence[str] = tuple(DEFINITIONS),
    seed: int = 2,
    progress: Progress = silent,
) -> list[Promoted]:
    """How often the judge promotes a challenger that is, in truth, exactly at the margin.

    One criterion of the default policy at a time, so that no other stands in the way: in one look, in four
    looks at a growing span with and without sharing the error, and as the best of ten on the span they were
    chosen on and on a sealed one.
    """
    found = []
    shipped = load_policy()
    for criterion in shipped.criteria:
        if criterion.score not in scores:
            continue
        side = _at_margin(criterion)
        once, spent = _policy(shipped, criterion, looks=1), _policy(shipped, criterion, looks=len(LOOK_DAYS))
        stated = (1 - shipped.confidence) / 2
        ways: list[tuple[str, Callable[[int], bool], float | None]] = [
            ("one look at 60 days", _one_look(once, side, 60, seed), stated),
            ("four looks at 30, 60, 90, 120 days, error shared", _peeking(spent, side, seed), stated),
            ("the same, error not shared (not allowed)", _peeking(once, side, seed), None),
            (
                "best of ten on the span they were chosen on (not allowed)",
                _best(once, side, False, seed),
                None,
            ),
            ("best of ten, judged on a sealed span", _best(once, side, True, seed), stated),
        ]
        for how, promotes, most in ways:
            rounds = pairs if "ten" not in how else max(pairs // 4, 1)
            count = 0
            for number in range(rounds):
                if number % 50 == 0:
                    progress(f"{criterion.score}: {how}", number, rounds)
                count += promotes(number)
            found.append(Promoted(criterion.score, criterion.kind, how, rounds, count / rounds, most))
    return found


def _one_look(policy: Policy, side: Side, days: int, seed: int) -> Callable[[int], bool]:
    def promotes(number: int) -> bool:
        tallies = simulate(random_of(seed, days, number), days, WORLD, (CHAMPION, side))
        return _promoted(policy, tallies, days, number)

    return promotes


def _peeking(policy: Policy, side: Side, seed: int) -> Callable[[int], bool]:
    def promotes(number: int) -> bool:
        whole = simulate(random_of(seed, LOOK_DAYS[-1], number), LOOK_DAYS[-1], WORLD, (CHAMPION, side))
        return any(
            _promoted(policy, tuple(first_days(tally, days) for tally in whole), days, number)
            for days in LOOK_DAYS
        )

    return promotes


def _best(policy: Policy, side: Side, sealed: bool, seed: int) -> Callable[[int], bool]:
    """Ten challengers alike in truth; the one that looked best is judged, on old days or on new ones."""
    days = 60
    criterion = policy.criteria[0]
    better = 1 if DEFINITIONS[criterion.score].better == "up" else -1

    def promotes(number: int) -> bool:
        sides = (CHAMPION, *[side] * CONTENDERS)
        champion, *challengers = simulate(random_of(seed, 7, number), days, WORLD, sides)
        of = DEFINITIONS[criterion.score].summands
        best = max(range(CONTENDERS), key=lambda at: better * of(challengers[at]).value())
        if sealed:
            champion, *challengers = simulate(random_of(seed, 11, number), days, WORLD, sides)
        return _promoted(policy, (champion, challengers[best]), days, number)

    return promotes


def _promoted(policy: Policy, tallies: tuple[Tally, ...], days: int, number: int) -> bool:
    first, second = paired(tallies[0], tallies[1])
    criterion = policy.criteria[0]
    pair = paired_estimate(
        DEFINITIONS[criterion.score],
        first,
        second,
        resampling_of(days, number),
        policy.confidence_of(criterion),
        policy.decisive_confidence,
    )
    own = estimate(
        DEFINITIONS[criterion.score],
        tallies[0],
        resampling_of(days, number),
        policy.confidence_of(criterion),
    )
    return judge(_comparison(pair, own, second, days), policy, judged_at=0).answer == "promote"


def _comparison(pair: PairedScore, champion: Score, tally: Tally, days: int) -> Comparison:
    """A comparison of one score."""
    settings = Settings(
        span_from=0,
        span_to=days * DAY,
        warm_up_s=0,
        early_s={},
        grace_s=0,
        hops=0,
        labels_complete=True,
        detect_within_s=WORLD.within_s,
        seed=0,
        resamples=RESAMPLES,
        blocks=days,
        confidence=pair.confidence,
    )
    cards = [
        Scorecard(
            identity=Identity(
                contender=name, dataset="simulated", dataset_digest="", labels_digest="", labels_as_of=0
            ),
            settings=settings,
            scores=(champion,) if name == "champion" else (),
        )
        for name in ("champion", "challenger")
    ]
    return Comparison(
        champion=cards[0],
        challenger=cards[1],
        pairs=(pair,),
        incidents=(),
        blocks=days,
        weeks=days / 7,
        incidents_scored=int(tally.counted.sum()),
    )


def _policy(shipped: Policy, criterion: Criterion, *, looks: int) -> Policy:
    """The shipped policy with one criterion, nothing else to stand in the way."""
    rule = Looks(rule="alpha_spending", planned=looks) if looks > 1 else Looks()
    return Policy(
        name="one criterion",
        confidence=shipped.confidence,
        decisive_confidence=shipped.decisive_confidence,
        looks=rule,
        criteria=(criterion.model_copy(update={"group_guardrail": None}),),
        promote_equals=True,
    )


def _at_margin(criterion: Criterion) -> Side:
    """The challenger whose true difference from the champion is exactly what the criterion allows."""
    truth = true_scores(CHAMPION, WORLD)[criterion.score]
    margin = max(criterion.margin, criterion.margin_ratio * truth)
    if criterion.kind == "superiority":
        if criterion.margin or criterion.margin_ratio:
            raise ValueError(f"{criterion.score}: a superiority margin above 0 is not simulated")
        return CHAMPION
    if criterion.score == "incident_recall":
        return replace(CHAMPION, recall=CHAMPION.recall - margin)
    if criterion.score == "false_pages_per_week":
        return replace(CHAMPION, false_per_day=CHAMPION.false_per_day + margin / 7)
    if criterion.score == "mean_time_to_detect_s":
        return replace(CHAMPION, delay_s=_delay_of(truth + margin))
    raise ValueError(f"no simulated challenger is at the margin of {criterion.score}")


def _delay_of(capped_s: float) -> float:
    low, high = CHAMPION.delay_s, 100 * CHAMPION.delay_s
    for _ in range(80):
        middle = (low + high) / 2
        waits = true_scores(replace(CHAMPION, delay_s=middle), WORLD)["mean_time_to_detect_s"]
        low, high = (middle, high) if waits < capped_s else (low, middle)
    return (low + high) / 2
