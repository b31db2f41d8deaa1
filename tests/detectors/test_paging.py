import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from titleshot.datasets.contracts.incidents import Hypothesis, IncidentCandidate, Page
from titleshot.datasets.contracts.instants import MINUTE, SECOND
from titleshot.datasets.contracts.reference import Ownership
from titleshot.detectors.correlators.correlator import Alert, Change, What
from titleshot.detectors.paging import PagingParams, PagingRule
from titleshot.detectors.world import World


def change(
    what: What,
    name: str = "i1",
    *,
    severity: Any = "high",
    services: tuple[str, ...] = ("shop/cart",),
    ranked: tuple[str, ...] = ("shop/cart",),
    events: int = 1,
    at: int = 0,
    merged_into: str | None = None,
    flushed: bool = False,
) -> Change:
    return Change.of(
        what,
        IncidentCandidate(
            incident_id=name,
            status="closed" if what == "closed" else "opened",
            severity=severity,
            services=services,
            event_ids=tuple(f"{name}-{i}" for i in range(events)),
            opened_at=0,
            last_event_at=at,
            emitted_at=at,
            hypotheses=tuple(
                Hypothesis(service=service, reason="calls no anomalous service", confidence=0.5)
                for service in ranked
            ),
            merged_into=merged_into,
            correlator="test@0",
            flushed=flushed,
        ),
    )


def rule(**params: Any) -> PagingRule:
    return PagingRule(PagingParams(**params))


def heard(paging: PagingRule, probability: float | None, made: Change) -> list[Page]:
    """What a change comes to that an alert of such a rarity made."""
    paging.hears(Alert("e", 0, "shop/cart", "m", 0.6, "high", "test@0", probability), World())
    return paging.consider(made, 0, World())


def owned() -> World:
    world = World()
    for service, team in (("shop/cart", "cart-team"), ("shop/bank", "money")):
        world.apply(Ownership(service=service, team=team, valid_from=0, known_from=0))
    return world


WORLD = owned()


class TestWhenToPage:
    def test_an_incident_pages_once_however_often_it_changes(self) -> None:
        paging = rule()
        assert len(paging.consider(change("opened"), 5, WORLD)) == 1
        assert paging.consider(change("joined", events=2), 6, WORLD) == []

    def test_it_pages_at_the_clock_at_which_it_first_is_severe_and_large_enough(self) -> None:
        paging = rule(minimum_severity="high", minimum_events=3)
        assert paging.consider(change("opened", severity="medium"), 1, WORLD) == []
        assert paging.consider(change("joined", severity="high", events=2), 2, WORLD) == []
        assert paging.consider(change("joined", severity="medium", events=3), 3, WORLD) == []
        page = paging.consider(change("joined", severity="critical", events=3), 4, WORLD)[0]
        assert (page.paged_at, page.severity, page.status) == (4, "critical", "sent")

    def test_it_waits_for_an_alert_that_is_rare_enough(self) -> None:
        paging = rule(maximum_tail_probability=1e-4)
        assert heard(paging, 0.01, change("opened")) == []
        assert heard(paging, 0.5, change("opened", "i2")) == []
        assert len(heard(paging, 1e-5, change("joined"))) == 1
        assert heard(paging, 0.01, change("joined", "i2")) == []

    def test_an_alert_whose_rarity_is_not_known_counts_as_rare(self) -> None:
        assert len(heard(rule(maximum_tail_probability=1e-4), None, change("opened"))) == 1

    def test_a_merged_incident_brings_its_rarest_alert_along(self) -> None:
        paging = rule(maximum_tail_probability=1e-4, minimum_events=2)
        heard(paging, 1e-6, change("opened", "i1"))
        heard(paging, 0.1, change("opened", "i2"))
        joined = rule(maximum_tail_probability=1e-4, minimum_events=2)
        joined.load(json.loads(json.dumps(paging.state())))
        assert heard(joined, 0.1, change("closed", "i1", merged_into="i2")) == []
        assert len(heard(joined, 0.1, change("joined", "i2", events=2))) == 1

    def test_an_incident_that_never_paged_closes_silently(self) -> None:
        paging = rule(minimum_severity="critical")
        paging.consider(change("opened"), 1, WORLD)
        assert paging.consider(change("closed"), 2, WORLD) == []


class TestWhatAPageSays:
    def test_it_goes_to_the_owner_of_the_probable_service(self) -> None:
        page = rule().consider(change("opened", ranked=("shop/bank", "shop/cart")), 1, WORLD)[0]
        assert (page.route, page.probable_service) == ("money", "shop/bank")

    def test_a_service_nobody_owns_pages_the_default_route(self) -> None:
        page = rule(default_route="sre").consider(change("opened", ranked=("shop/x",)), 1, WORLD)[0]
        assert page.route == "sre"

    def test_the_owner_is_the_one_known_when_it_pages(self) -> None:
        world = owned()
        world.apply(Ownership(service="shop/cart", team="night-shift", valid_from=10, known_from=0))
        assert rule().consider(change("opened"), 9, world)[0].route == "cart-team"
        assert rule().consider(change("opened"), 10, world)[0].route == "night-shift"

    def test_a_fixed_route_is_the_only_one(self) -> None:
        assert rule(route="noc").consider(change("opened"), 1, WORLD)[0].route == "noc"

    def test_services_come_by_rank_and_no_more_than_the_maximum(self) -> None:
        opened = change("opened", services=("s/a", "s/b", "s/c", "s/d"), ranked=("s/c", "s/b"), events=9)
        page = rule(maximum_services=3).consider(opened, 1, WORLD)[0]
        assert page.services == ("s/c", "s/b", "s/a")
        assert page.summary == (
            "s/c probably first (50% sure: calls no anomalous service); 9 alerts on 4 services"
        )

    def test_an_incident_without_a_hypothesis_pages_too(self) -> None:
        page = rule().consider(change("opened", ranked=()), 1, WORLD)[0]
        assert (page.probable_service, page.route, page.summary) == (None, "on-call", "1 alert on 1 service")

    def test_its_id_is_the_same_under_redelivery(self) -> None:
        first, second = (rule().consider(change("opened"), 1, WORLD)[0].page_id for _ in range(2))
        assert first == second
        assert rule().consider(change("opened", "i2"), 1, WORLD)[0].page_id != first


class TestClosing:
    def test_a_page_closes_with_its_incident_as_it_was_sent(self) -> None:
        paging = rule()
        sent = paging.consider(change("opened"), 1, WORLD)[0]
        last = change("closed", at=8, services=("shop/cart", "shop/web"), severity="critical", flushed=True)
        closed = paging.consider(last, 9, WORLD)[0]
        assert closed == sent.model_copy(
            update={"status": "closed", "closed_at": 9, "last_event_at": 8, "flushed": True}
        )
        assert paging.state() == rule().state()

    def test_a_merged_incident_hands_its_page_over_and_the_whole_pages_no_second_time(self) -> None:
        paging = rule(minimum_events=2)
        paging.consider(change("opened", "big", events=1), 1, WORLD)
        sent = paging.consider(change("opened", "small", events=2), 2, WORLD)[0]
        assert paging.consider(change("closed", "small", merged_into="big"), 3, WORLD) == []
        assert paging.consider(change("joined", "big", events=4), 3, WORLD) == []
        closed = paging.consider(change("closed", "big", events=4, at=7), 8, WORLD)
        assert [(page.page_id, page.closed_at, page.last_event_at) for page in closed] == [
            (sent.page_id, 8, 7)
        ]

    def test_of_two_pages_of_one_story_on_one_route_the_one_handed_over_closes(self) -> None:
        paging = rule()
        paging.consider(change("opened", "big"), 1, WORLD)
        sent = paging.consider(change("opened", "small"), 2, WORLD)[0]
        closed = paging.consider(change("closed", "small", merged_into="big"), 3, WORLD)
        assert [page.page_id for page in closed] == [sent.page_id]
        assert len(paging.consider(change("closed", "big"), 4, WORLD)) == 1

    def test_pages_on_two_routes_of_one_story_both_stay_open_until_it_ends(self) -> None:
        paging = rule()
        paging.consider(change("opened", "big"), 1, WORLD)
        paging.consider(change("opened", "small", ranked=("shop/bank",)), 2, WORLD)
        assert paging.consider(change("closed", "small", merged_into="big"), 3, WORLD) == []
        assert len(paging.consider(change("closed", "big"), 4, WORLD)) == 2


class TestCooldown:
    """Ten minutes; afresh every forty, counted from 1970."""

    def pages(self, *minutes: float, ranked: tuple[str, ...] = ("shop/cart",)) -> list[float]:
        paging = rule(cooldown_s=600)
        sent = []
        for number, minute in enumerate(minutes):
            clock = round(minute * MINUTE)
            pages = paging.consider(change("opened", f"i{number}", ranked=ranked), clock, WORLD)
            sent += [page.paged_at / MINUTE for page in pages]
            paging.consider(change("closed", f"i{number}"), clock, WORLD)
        return sent

    def test_the_same_route_and_service_is_held_until_it_was_quiet_that_long(self) -> None:
        assert self.pages(0, 5, 14, 23, 33) == [0, 33]

    def test_a_service_that_never_falls_quiet_pages_again_at_the_fourth_multiple(self) -> None:
        assert self.pages(*range(0, 120, 5)) == [0, 40, 80]

    def test_another_service_is_not_held(self) -> None:
        paging = rule(cooldown_s=600)
        assert paging.consider(change("opened", "i1"), 0, WORLD)
        assert paging.consider(change("opened", "i2", ranked=("shop/bank",)), 1, WORLD)

    def test_an_incident_that_was_held_pages_if_it_lasts(self) -> None:
        paging = rule(cooldown_s=600)
        paging.consider(change("opened", "i1"), 35 * MINUTE, WORLD)
        assert paging.consider(change("opened", "i2"), 39 * MINUTE, WORLD) == []
        assert len(paging.consider(change("joined", "i2"), 41 * MINUTE, WORLD)) == 1

    def test_a_paged_incident_that_stirs_is_not_quiet(self) -> None:
        paging = rule(cooldown_s=600)
        paging.consider(change("opened", "i1"), 0, WORLD)
        paging.consider(change("joined", "i1"), 8 * MINUTE, WORLD)
        paging.consider(change("closed", "i1"), 12 * MINUTE, WORLD)
        assert paging.consider(change("opened", "i2"), 15 * MINUTE, WORLD) == []

    def test_what_no_longer_holds_leaves_the_state(self) -> None:
        paging = rule(cooldown_s=600)
        for number in range(500):
            opened = change("opened", f"i{number}", ranked=(f"shop/s{number}",))
            paging.consider(opened, number * MINUTE, WORLD)
            paging.consider(change("closed", f"i{number}"), number * MINUTE, WORLD)
        assert len(paging.state()["stirred"]) < 50


steps = st.lists(
    st.tuples(
        st.sampled_from(["opened", "joined", "closed"]),
        st.sampled_from(["i1", "i2", "i3"]),
        st.sampled_from(["shop/cart", "shop/bank"]),
        st.integers(1, 3),
        st.integers(0, 400),
    ),
    max_size=25,
)


def told(paging: PagingRule, minutes: list[tuple[Any, str, str, int, int]]) -> Iterator[list[Page]]:
    clock = 0
    for what, name, service, events, seconds in minutes:
        clock += seconds * SECOND
        yield paging.consider(change(what, name, ranked=(service,), events=events, at=clock), clock, WORLD)


@given(steps, st.integers(0, 25), st.sampled_from([0, 600]))
def test_state_through_json_continues_identically(found: list[Any], at: int, cooldown_s: int) -> None:
    clocks = [sum(step[4] for step in found[: i + 1]) * SECOND for i in range(len(found))]

    def say(paging: PagingRule, i: int) -> list[Page]:
        what, name, service, events, _ = found[i]
        return paging.consider(
            change(what, name, ranked=(service,), events=events, at=clocks[i]), clocks[i], WORLD
        )

    whole, first, second = (rule(cooldown_s=cooldown_s, minimum_events=2) for _ in range(3))
    for i in range(len(found)):
        if i == at:
            second.load(json.loads(json.dumps(first.state(), sort_keys=True)))
            first = second
        assert say(first, i) == say(whole, i)
    assert first.state() == whole.state()


@given(steps)
def test_every_page_sent_is_closed_once_and_no_route_is_paged_twice_about_one_incident(
    found: list[Any],
) -> None:
    found = [*found, *(("closed", name, "shop/cart", 1, 1) for name in ("i1", "i2", "i3"))]
    pages = [page for batch in told(rule(), found) for page in batch]
    opened = [page.page_id for page in pages if page.status == "sent"]
    assert sorted(opened) == sorted(page.page_id for page in pages if page.status == "closed")


@pytest.mark.parametrize(
    "params",
    [{"minimum_events": 0}, {"maximum_services": 0}, {"cooldown_s": -1}, {"minimum_severity": "huge"}],
)
def test_parameters_that_make_no_sense_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(params))):
        PagingParams(**params)
