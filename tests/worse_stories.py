"""Strategies: two contenders, one of them made worse, policies, and what ``compare`` would say of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from hypothesis import assume
from hypothesis import strategies as st
from paired_worlds import (
    SEVERITIES,
    SLOTS,
    TEAMS,
    Contender,
    Hit,
    Incident,
    Needless,
    World,
    part,
    tallied,
)

from titleshot.datasets.contracts.comparisons import Comparison, PairedScore
from titleshot.datasets.contracts.instants import DAY
from titleshot.datasets.contracts.scores import Identity, Score, Scorecard, Settings
from titleshot.registry.policy import Criterion, GroupGuardrail, Looks, Minimum, Policy, load_policy
from titleshot.reports.estimates import estimate, paired_estimate
from titleshot.reports.scores.registered import SCORES
from titleshot.reports.scores.score import ScoreDefinition
from titleshot.reports.statistics import Resampling
from titleshot.reports.tally import paired

JUDGED = {one.name: one for one in SCORES if one.better is not None and one.instead is None}
"""Scores a policy may judge by."""
LOAD = {"pages_per_week", "pages_per_shift", "shifts_over_budget_ratio"}
"""What a page that is not sent at all improves, whatever it would have been."""
GROUPS = {"severity": SEVERITIES, "team": TEAMS}


class Story(NamedTuple):
    """A world, a champion, a challenger, and the challenger made worse."""

    world: World
    champion: Contender
    before: Contender
    after: Contender
    how: str


hits = st.builds(
    Hit,
    delay_s=st.sampled_from([0, 60, 300, 600, 601, 1500]),
    right=st.integers(1, 2),
    wrong=st.integers(0, 7),
    repeats=st.lists(st.integers(1, 25), max_size=2).map(tuple),
)


@st.composite
def contenders(draw: st.DrawFn, world: World) -> Contender:
    n = len(world.incidents)
    some = draw(st.sampled_from([st.none(), hits, st.none() | hits]))
    found = draw(st.lists(some, min_size=n, max_size=n))
    needless = draw(st.lists(pages_for_nothing(world), max_size=draw(st.sampled_from([0, 2, 30]))))
    return Contender(tuple(found), tuple(needless))


def pages_for_nothing(world: World) -> st.SearchStrategy[Needless]:
    return st.builds(
        Needless,
        day=st.sampled_from([0, 3]) | st.integers(0, world.days - 1),
        slot=st.integers(0, SLOTS - 2),
        team=st.integers(0, 1),
        services=st.integers(1, 8),
    )


@st.composite
def stories(draw: st.DrawFn) -> Story:
    days = draw(st.sampled_from([10, 20, 24, 30]))
    places = st.tuples(st.integers(0, days - 1), st.integers(0, SLOTS - 1))
    at = draw(st.lists(places, min_size=1, max_size=25, unique=True))
    sides = st.tuples(st.integers(0, 1), st.integers(0, 1))
    world = World(days, tuple(Incident(*place, *draw(sides)) for place in sorted(at)))
    challenger = draw(contenders(world))
    champion = challenger if draw(st.booleans()) else draw(contenders(world))
    assume(any(challenger.hits) or challenger.needless)
    how, worse = draw(st.sampled_from([*_worse(world, challenger, draw)]))
    return Story(world, champion, challenger, worse(), how)


def _worse(
    world: World, challenger: Contender, draw: st.DrawFn
) -> Iterator[tuple[str, Callable[[], Contender]]]:
    page = draw(pages_for_nothing(world))
    yield "a false page", lambda: challenger.with_needless(page)
    found = [row for row, hit in enumerate(challenger.hits) if hit]
    if found:
        row, minutes = draw(st.sampled_from(found)), draw(st.integers(1, 25))
        yield "a duplicate", lambda: challenger.with_repeat(row, minutes)
    once = [row for row in found if not challenger.hits[row].repeats and world.may_be_missed(row)]  # type: ignore[union-attr]
    if once:
        missed = draw(st.sampled_from(once))
        yield "a miss", lambda: challenger.with_miss(missed)
        yield "a miss without its page", lambda: challenger.with_miss(missed, page_stays=False)


MARGINS = {
    "ratio": [0.01, 0.05, 0.1, 0.3],
    "s": [10, 30, 120, 400],
    "per_week": [0.2, 1, 3, 8],
    "per_shift": [0.05, 0.3, 1],
    "per_service_day": [0.01, 0.05, 0.3],
}


@st.composite
def criteria(draw: st.DrawFn, definition: ScoreDefinition) -> Criterion:
    kind = draw(st.sampled_from(["superiority", "non_inferiority", "ceiling"]))
    margins = MARGINS[definition.unit]
    given: dict[str, Any] = {"margin": draw(st.sampled_from(margins))}
    if kind == "superiority":
        given["margin"] = draw(st.sampled_from([0.0, *margins]))
    if kind != "ceiling":
        given["margin_ratio"] = draw(st.sampled_from([0.0, 0.1, 0.5]))
        by = sorted(definition.groups & GROUPS.keys())
        if by and draw(st.booleans()):
            given["group_guardrail"] = GroupGuardrail(
                by=draw(st.sampled_from(by)),  # type: ignore[arg-type]
                margin=draw(st.sampled_from([0.0, *margins])),
                minimum_n=draw(st.sampled_from([0, 1, 5])),
            )
    return Criterion(score=definition.name, kind=kind, critical=draw(st.booleans()), **given)  # type: ignore[arg-type]


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """The default with its minimum met, or any policy, its minimum met or out of reach."""
    minimum = Minimum(blocks=draw(st.sampled_from([0, 0, 1000])))
    if draw(st.integers(0, 3)) == 0:
        return load_policy().model_copy(update={"minimum": minimum})
    named = draw(st.lists(st.sampled_from(sorted(JUDGED)), min_size=1, max_size=4, unique=True))
    planned = draw(st.sampled_from([1, 4]))
    return Policy(
        name="any",
        confidence=draw(st.sampled_from([0.6, 0.8, 0.9, 0.95])),
        decisive_confidence=draw(st.sampled_from([0.96, 0.99])),
        looks=Looks(rule="alpha_spending", planned=planned) if planned > 1 else Looks(),
        minimum=minimum,
        criteria=tuple(draw(criteria(JUDGED[name])) for name in named),
        promote_equals=True,
    )


def compared(world: World, champion: Contender, challenger: Contender, policy: Policy) -> Comparison:
    """What ``compare`` would say, as far as the policy asks."""
    resampling = Resampling(world.days, 200, 7)
    tallies = tallied(world, champion), tallied(world, challenger)
    both = paired(*tallies)
    asked = [(JUDGED[criterion.score], policy.confidence_of(criterion)) for criterion in policy.criteria]

    def pairs(of: tuple[Any, Any], group: str | None = None) -> tuple[PairedScore, ...]:
        return tuple(
            paired_estimate(one, *of, resampling, confidence, policy.decisive_confidence)
            for one, confidence in asked
            if group is None or group in one.groups
        )

    def card(name: str, side: int) -> Scorecard:
        own: tuple[Score, ...] = tuple(
            estimate(one, tallies[side], resampling, confidence) for one, confidence in asked
        )
        who = Identity(contender=name, dataset="d", dataset_digest="", labels_digest="", labels_as_of=0)
        return Scorecard(identity=who, settings=_settings(world), scores=own)

    return Comparison(
        champion=card("champion", 0),
        challenger=card("challenger", 1),
        pairs=pairs(both),
        incidents=(),
        by_group={
            group: {
                name: pairs((part(world, both[0], group, name), part(world, both[1], group, name)), group)
                for name in members
            }
            for group, members in GROUPS.items()
        },
        blocks=world.days,
        weeks=world.days / 7,
        incidents_scored=int(both[0].counted.sum()),
    )


def _settings(world: World) -> Settings:
    return Settings(
        span_from=0, span_to=world.days * DAY, warm_up_s=0, early_s={}, grace_s=0, hops=0,
        labels_complete=True, detect_within_s=600, seed=7, resamples=200, blocks=world.days, confidence=0.9,
    )  # fmt: skip
