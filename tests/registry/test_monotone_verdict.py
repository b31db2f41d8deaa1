"""A false page, a repeat or a miss of the challenger's never improves its verdict.

What each of them is:

- a *false page* is one whose result is ``false``, on any day, to any team, naming any number of services. One
  that is open when an incident starts is carried into it and is no false page.
- a *duplicate* is one page more on an incident that was detected, on a route that knows of it.
- a *miss* is an incident that was detected and is missed. The page that had detected it stays and is false:
  sent at the same moment, to the same people, with as many services, none of them affected. It was the only
  page of that incident; of two, the second would be the detection. An incident that the end of the span cuts
  is censored when it is not detected, which is no miss.

Where the page of a miss is not sent at all, people are paged less, so whatever counts pages as such
(``pages_per_week``, ``pages_per_shift``, ``shifts_over_budget_ratio``) may improve; all else may not.
A detection that comes too late is the same miss; only that where it comes in another shift or to other people
the load of that shift or team is moved, not added to, so the same three scores may improve there.

Held fixed is the evidence: the minimum the policy asks for is met, or not met, on both sides (a miss is one
more discordant pair), and a contender that never paged has no precision, so its first page is evidence where
there was none. Scores a policy may not judge by (``instead`` of their definition) are refused, see
``test_what_a_miss_could_improve_cannot_be_judged_by``. Usefulness is a bracket of what feedback says and is
not in here: a page nobody judged widens it at its better end.
"""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from paired_worlds import Contender, Hit, Incident, Needless, World, tallied
from worse_stories import JUDGED, LOAD, Story, compared, policies, stories

from titleshot.datasets.contracts.comparisons import Comparison, PairedScore
from titleshot.datasets.contracts.scores import Score
from titleshot.registry.judge import judge
from titleshot.registry.policy import Criterion, Minimum, Policy, load_policy
from titleshot.reports.scores.registered import SCORES

RANKS = {"invalid": 0, "reject": 1, "not_enough_evidence": 2, "promote": 3}


def never_better(story: Story, policy: Policy) -> None:
    if story.how == "a miss without its page":
        assume(not LOAD & {criterion.score for criterion in policy.criteria})
    answers = [
        judge(compared(story.world, story.champion, challenger, policy), policy, judged_at=0).answer
        for challenger in (story.before, story.after)
    ]
    assert RANKS[answers[1]] <= RANKS[answers[0]], (story.how, answers)


@settings(max_examples=30)
@given(stories(), policies())
def test_what_makes_a_challenger_worse_never_improves_its_verdict(story: Story, policy: Policy) -> None:
    never_better(story, policy)


@pytest.mark.slow
@settings(max_examples=600)
@given(stories(), policies())
def test_what_makes_a_challenger_worse_never_improves_its_verdict_in_a_long_search(
    story: Story, policy: Policy
) -> None:
    never_better(story, policy)


ANYWHERE = ((-inf, inf), (-1.0, 1.0))


def limits_never_better(story: Story, confidence: float) -> None:
    """Stronger: no end of any interval a policy may judge by moves to the better, whatever the margin."""
    everything = Policy(
        name="everything",
        confidence=confidence,
        criteria=tuple(Criterion(score=name, kind="superiority") for name in sorted(JUDGED)),
    )
    ends = [
        _ends(compared(story.world, story.champion, challenger, everything))
        for challenger in (story.before, story.after)
    ]
    for what, before in ends[0].items():
        if story.how == "a miss without its page" and what[0] in LOAD:
            continue
        if what[1] not in {"own", "pooled"} and before in ANYWHERE:
            continue  # a group without an interval is not guarded: to be guarded, and pass, is no better
        for one, other in zip(before, ends[1][what], strict=True):
            assert other <= one + 1e-9, (story.how, what, before, ends[1][what])


def _ends(comparison: Comparison) -> dict[tuple[str, ...], tuple[float, float]]:
    """Every interval with up better; where there is none it may lie anywhere."""
    found: dict[tuple[str, ...], tuple[float, float]] = {}

    def note(score: PairedScore | Score, low: float | None, high: float | None, *where: str) -> None:
        low, high = -inf if low is None else low, inf if high is None else high
        if where == ("own",) and score.unit == "ratio":  # no share is beyond these
            low, high = max(low, 0.0), min(high, 1.0)
        elif score.unit == "ratio":
            low, high = max(low, -1.0), min(high, 1.0)
        found[score.name, *where] = (low, high) if score.better == "up" else (-high, -low)

    for score in comparison.challenger.scores:
        note(score, score.low, score.high, "own")
    groups = {(by, name): pairs for by, of in comparison.by_group.items() for name, pairs in of.items()}
    for where, pairs in {("pooled",): comparison.pairs, **groups}.items():
        for pair in pairs:
            note(pair, pair.low, pair.high, *where)
            note(pair, pair.decisive_low, pair.decisive_high, *where, "decisive")
    return found


@settings(max_examples=15)
@given(stories(), st.sampled_from([0.6, 0.9, 0.975]))
def test_what_makes_a_challenger_worse_moves_no_end_of_an_interval_to_the_better(
    story: Story, confidence: float
) -> None:
    limits_never_better(story, confidence)


@pytest.mark.slow
@settings(max_examples=300)
@given(stories(), st.sampled_from([0.6, 0.9, 0.975]))
def test_no_end_of_an_interval_moves_to_the_better_in_a_long_search(story: Story, confidence: float) -> None:
    limits_never_better(story, confidence)


WORLD = World(60, tuple(Incident(day, slot, slot % 2, day % 2) for day in range(60) for slot in (2, 7)))
GOOD = Contender(tuple(Hit(60) if row % 10 else None for row in range(120)), (Needless(9), Needless(31)))
NOISY = Contender(GOOD.hits, tuple(Needless(day, 4) for day in range(0, 60, 2)))
DEFAULT = load_policy().model_copy(update={"minimum": Minimum()})


def answers(challengers: list[Contender], policy: Policy = DEFAULT) -> list[str]:
    found = [judge(compared(WORLD, NOISY, one, policy), policy, judged_at=0).answer for one in challengers]
    ranks = [RANKS[answer] for answer in found]
    assert ranks == sorted(ranks, reverse=True), found
    return list(dict.fromkeys(found))


def test_false_pages_added_one_by_one_lead_from_promotion_to_rejection_and_never_back() -> None:
    added = [Needless(7 * number % 60, number % 11, number % 2) for number in range(100)]
    worse = [Contender(GOOD.hits, (*GOOD.needless, *added[:number])) for number in range(0, 101, 4)]
    assert answers(worse) == ["promote", "not_enough_evidence", "reject"]


def test_repeats_added_one_by_one_lead_from_promotion_to_rejection_and_never_back() -> None:
    def repeating(many: int) -> Contender:
        hits = enumerate(GOOD.hits)
        return Contender(
            tuple(None if hit is None else Hit(60, repeats=(5,) * (row < many)) for row, hit in hits),
            GOOD.needless,
        )

    assert answers([repeating(many) for many in range(0, 61, 4)]) == [
        "promote",
        "not_enough_evidence",
        "reject",
    ]


def test_misses_added_one_by_one_lead_from_promotion_to_rejection_and_never_back() -> None:
    worse = [GOOD]
    for row, hit in enumerate(GOOD.hits[:60]):
        if hit is not None:
            worse.append(worse[-1].with_miss(row))
    assert answers(worse[::3]) == ["promote", "not_enough_evidence", "reject"]


def test_naming_everything_is_no_way_to_a_promotion() -> None:
    """It finds every incident, and may even find more; the default policy condemns it for what it names."""
    everything = Contender(tuple(Hit(60, right=2, wrong=7) for _ in GOOD.hits), GOOD.needless)
    assert judge(compared(WORLD, NOISY, everything, DEFAULT), DEFAULT, judged_at=0).answer == "reject"
    without = DEFAULT.model_copy(
        update={"criteria": tuple(one for one in DEFAULT.criteria if one.score != "naming_precision")}
    )
    assert judge(compared(WORLD, NOISY, everything, without), without, judged_at=0).answer == "promote"


@pytest.mark.parametrize(
    "name", [one.name for one in SCORES if one.instead is not None], ids=lambda name: name
)
def test_what_a_miss_could_improve_cannot_be_judged_by(name: str) -> None:
    """A score of detected incidents loses the incident; a quantile of delays may become undefined."""
    policy = Policy(
        name="p",
        promote_equals=True,
        criteria=(Criterion(score=name, kind="ceiling", direction="down", margin=1),),
    )
    verdict = judge(compared(WORLD, NOISY, GOOD, DEFAULT), policy, judged_at=0)
    assert verdict.answer == "invalid"
    assert "judge by" in verdict.reasons[0]


def test_a_miss_is_a_false_page_at_the_same_moment_and_nothing_else() -> None:
    """What the property is about: one detection less, one false page more, the same load."""
    before, after = tallied(WORLD, GOOD), tallied(WORLD, GOOD.with_miss(1))
    names = ("detection", "duplicate", "fan_out", "carried", "false")
    counts = [[int((tally.result == code).sum()) for code in range(len(names))] for tally in (before, after)]
    assert [b - a for a, b in zip(*counts, strict=True)] == [-1, 0, 0, 0, 1]
    assert (before.load() == after.load()).all()
    assert (before.counted == after.counted).all()
