from __future__ import annotations

import random
import sys
import tracemalloc
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from titleshot.datasets.contracts.incidents import Page
from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.labels import IncidentLabel
from titleshot.datasets.contracts.reference import Alias, Ownership, TopologyEdge
from titleshot.reports.assignment import IncidentTable, Members, PageTable, Rules, assign
from titleshot.reports.matching import Matched, match
from titleshot.reports.point_in_time import Reference
from titleshot.reports.scored_time import ScoredTime, Window

RULES = Rules({"human": 600, "injected": 0, "exact": 0, "imported": 600})
DAY_S = 86_400
TIME = ScoredTime(0, 10 * DAY_S * SECOND)


def page(
    at: float, *services: str, name: str = "", route: str = "on-call", until: float | None = None
) -> Page:
    """A page at ``at`` seconds, open until ``until``."""
    closed = None if until is None else round(until * SECOND)
    return Page(
        page_id=name or f"page at {at}",
        incident_id="candidate",
        status="sent",
        route=route,
        severity="high",
        services=tuple(f"shop/{service}" for service in services),
        opened_at=round(at * SECOND),
        paged_at=round(at * SECOND),
        last_event_at=closed or round(at * SECOND),
        closed_at=closed,
    )


def incident(
    start: float, end: float, root: str, *affected: str, name: str = "", source: str = "exact"
) -> IncidentLabel:
    return IncidentLabel(
        incident_id=name or f"incident at {start}",
        start=round(start * SECOND),
        end=round(end * SECOND),
        root_service=f"shop/{root}",
        affected_services=tuple(f"shop/{service}" for service in affected),
        severity="high",
        kind="spike",
        source=source,  # type: ignore[arg-type]
        known_at=round(end * SECOND),
    )


def results(matched: Matched) -> dict[str, tuple[str, str | None]]:
    return {page.page_id: (page.outcome, page.incident_id) for page in matched.page_outcomes()}


def fates(matched: Matched) -> dict[str, str]:
    return {incident.incident_id: incident.outcome for incident in matched.incident_outcomes()}


def matched(pages: list[Page], incidents: list[IncidentLabel], **given: Any) -> Matched:
    return match(pages, incidents, **{"rules": RULES, "time": TIME, **given})


def test_a_page_on_an_affected_service_while_the_incident_lasts_is_a_detection() -> None:
    found = matched([page(1000, "cart", name="p")], [incident(900, 1500, "db", "cart", name="i")])
    assert results(found) == {"p": ("detection", "i")}
    (outcome,) = found.incident_outcomes()
    assert (outcome.outcome, outcome.time_to_detect_s, outcome.detected_at) == (
        "detected",
        100.0,
        1000 * SECOND,
    )
    assert outcome.affected_services == ("shop/cart", "shop/db")


@pytest.mark.parametrize(
    ("at", "source", "hits"),
    [
        (300, "human", True),
        (299.999999999, "human", False),
        (900, "exact", True),
        (899.999999999, "exact", False),
        (1499.999999999, "exact", True),
        (1500, "exact", False),
    ],
)
def test_the_window_is_half_open_and_opens_early_only_for_starts_that_people_reported(
    at: float, source: str, hits: bool
) -> None:
    found = matched([page(at, "db", name="p")], [incident(900, 1500, "db", source=source)])
    assert (results(found)["p"][0] == "detection") is hits


def test_a_page_before_the_reported_start_has_a_delay_of_zero() -> None:
    (outcome,) = matched([page(700, "db")], [incident(900, 1500, "db", source="human")]).incident_outcomes()
    assert outcome.time_to_detect_s == 0.0


def test_later_pages_are_duplicates_on_a_route_that_knows_and_fan_out_on_one_that_does_not() -> None:
    pages = [
        page(901, "db", name="first", route="data"),
        page(902, "db", name="again", route="data"),
        page(903, "db", name="other team", route="shop"),
        page(904, "db", name="other team again", route="shop"),
    ]
    found = matched(pages, [incident(900, 1500, "db", name="i")])
    assert {name: result for name, (result, _) in results(found).items()} == {
        "first": "detection",
        "again": "duplicate",
        "other team": "fan_out",
        "other team again": "duplicate",
    }
    (outcome,) = found.incident_outcomes()
    assert (outcome.duplicates, outcome.fan_out) == (2, 1)
    assert outcome.page_ids == ("first", "again", "other team", "other team again")


def test_a_page_prefers_the_incident_whose_root_it_names_then_one_not_hit_then_the_latest() -> None:
    by_root = [incident(0, 1000, "db", "cart", name="db"), incident(10, 1000, "cart", "db", name="cart")]
    assert results(matched([page(20, "db", name="p")], by_root))["p"] == ("detection", "db")
    same_root = [incident(0, 1000, "db", name="early"), incident(10, 1000, "db", name="late")]
    found = matched([page(20, "db", name="p"), page(30, "db", name="q"), page(40, "db", name="r")], same_root)
    assert results(found) == {
        "p": ("detection", "late"),
        "q": ("detection", "early"),
        "r": ("duplicate", "late"),
    }


def test_one_page_that_names_everything_hits_one_incident() -> None:
    incidents = [incident(0, 1000, name, name=name) for name in ("a", "b", "c")]
    found = matched([page(20, "a", "b", "c")], incidents)
    assert sorted(fates(found).values()) == ["detected", "missed", "missed"]


def test_a_page_that_is_open_when_an_incident_starts_is_neither_detection_nor_false() -> None:
    found = matched([page(100, "db", name="p", until=950)], [incident(900, 1500, "db", name="i")])
    assert results(found) == {"p": ("carried", "i")}
    assert fates(found) == {"i": "carried"}


def test_a_page_closed_at_the_start_is_false_and_so_is_one_that_is_only_not_closed() -> None:
    incidents = [incident(900, 1500, "db", name="i")]
    for earlier in (page(100, "db", name="p", until=900), page(100, "db", name="p")):
        found = matched([earlier], incidents)
        assert results(found) == {"p": ("false", None)}
        assert fates(found) == {"i": "missed"}


def test_an_incident_with_an_open_page_is_detected_by_a_new_one() -> None:
    pages = [page(100, "db", name="old", until=2000), page(950, "db", name="new")]
    found = matched(pages, [incident(900, 1500, "db", name="i")])
    assert results(found) == {"old": ("carried", "i"), "new": ("detection", "i")}
    assert fates(found) == {"i": "detected"}


def test_an_open_page_is_carried_into_one_incident_only() -> None:
    # Otherwise a page that is never closed would take every later incident out of recall.
    pages = [page(100, "db", until=9000)]
    found = matched(pages, [incident(start, start + 50, "db") for start in (1000, 2000, 3000)])
    assert sorted(fates(found).values()) == ["carried", "missed", "missed"]


def test_a_page_that_hits_nothing_is_false_only_where_labels_are_complete() -> None:
    assert results(matched([page(5, "db", name="p")], []))["p"] == ("false", None)
    incomplete = Rules(RULES.early_s, labels_complete=False)
    assert results(matched([page(5, "db", name="p")], [], rules=incomplete))["p"] == ("unmatched", None)


def test_what_is_in_maintenance_or_warm_up_is_not_scored_and_hits_on_it_are_set_aside() -> None:
    time = ScoredTime(0, 10_000 * SECOND, 500, [Window(2000 * SECOND, 3000 * SECOND, frozenset({"shop/db"}))])
    pages = [
        page(400, "db", name="in warm-up"),
        page(2100, "db", name="in maintenance"),
        page(2200, "db", "cart", name="also on one that is not"),
        page(3100, "db", name="after"),
        page(10_000, "db", name="after the span"),
    ]
    found = matched(pages, [incident(2500, 3500, "db", name="i")], time=time)
    assert {name: result for name, (result, _) in results(found).items()} == {
        "in warm-up": "unscored",
        "in maintenance": "unscored",
        "also on one that is not": "false",
        "after": "set_aside",
        "after the span": "unscored",
    }
    assert fates(found) == {"i": "unscored"}


def test_an_incident_cut_by_the_end_of_the_span_is_censored_unless_detected_by_then() -> None:
    time = ScoredTime(0, 1000 * SECOND)
    cut = [incident(900, 1500, "db", name="i")]
    assert fates(matched([], cut, time=time)) == {"i": "censored"}
    assert fates(matched([page(950, "db")], cut, time=time)) == {"i": "detected"}
    assert fates(matched([], [incident(900, 1000, "db", name="i")], time=time)) == {"i": "missed"}


def test_unlabelled_affected_services_are_the_root_and_its_callers_of_that_time() -> None:
    def edge(caller: str, callee: str, since: int, until: int | None = None) -> TopologyEdge:
        return TopologyEdge(
            caller=f"shop/{caller}", callee=f"shop/{callee}", valid_from=since * SECOND,
            valid_to=None if until is None else until * SECOND, known_from=since * SECOND,
        )  # fmt: skip

    calls = [
        edge("cart", "db", 0),
        edge("web", "cart", 0),
        edge("old", "db", 0, 800),
        edge("new", "db", 1000),
    ]
    label = [incident(900, 1500, "db", name="i")]

    def hit_by(service: str, hops: int) -> bool:
        rules = Rules(RULES.early_s, hops=hops)
        found = matched([page(950, service, name="p")], label, rules=rules, reference=Reference(calls))
        return results(found)["p"][0] == "detection"

    assert [hit_by(name, 1) for name in ("db", "cart", "web", "old", "new")] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert hit_by("web", 2)
    assert not hit_by("cart", 0)


def test_a_service_that_was_renamed_is_the_same_service() -> None:
    renamed = Alias(service="shop/db", alias="shop/legacy-db", valid_from=0, known_from=0)
    found = matched(
        [page(950, "legacy-db", name="p")],
        [incident(900, 1500, "db", name="i")],
        reference=Reference([renamed]),
    )
    assert results(found) == {"p": ("detection", "i")}
    assert found.page_outcomes()[0].services == ("shop/legacy-db",)


def test_an_incident_belongs_to_the_team_that_owned_its_root_when_it_started() -> None:
    owners = [
        Ownership(service="shop/db", team="data", valid_from=0, known_from=0),
        Ownership(service="shop/db", team="platform", valid_from=1000 * SECOND, known_from=0),
    ]
    label = [incident(900, 1500, "db"), incident(1600, 1700, "db")]
    found = matched([], label, reference=Reference(owners))
    assert [outcome.team for outcome in found.incident_outcomes()] == ["data", "platform"]


def test_no_pages_and_no_incidents_are_legal() -> None:
    nothing = matched([], [])
    assert (nothing.page_outcomes(), nothing.incident_outcomes()) == ((), ())


def test_what_was_paged_only_because_the_replay_ended_is_left_out() -> None:
    at_flush = page(950, "db").model_copy(update={"flushed": True})
    found = matched([at_flush], [incident(900, 1500, "db", name="i")])
    assert (found.page_outcomes(), fates(found)) == ((), {"i": "missed"})


# A naive oracle: SCORING 1 read out sentence by sentence.


def naive(
    pages: list[Page],
    incidents: list[IncidentLabel],
    time: ScoredTime,
    rules: Rules,
    calls: list[TopologyEdge],
) -> tuple[dict[str, tuple[str, str | None]], dict[str, str]]:
    def scored(service: str, at: int) -> bool:
        return bool(time.scored(service, np.array([at]))[0])

    def affected(label: IncidentLabel) -> set[str]:
        found = {label.root_service, *label.affected_services}
        for _ in range(0 if label.affected_services else rules.hops):
            found |= {
                call.caller
                for call in calls
                if call.callee in found
                and call.valid_from <= label.start
                and (call.valid_to is None or label.start < call.valid_to)
            }
        return found

    pages = sorted(pages, key=lambda p: (p.paged_at, p.page_id))
    is_scored = {p.page_id: any(scored(s, p.paged_at) for s in p.services) for p in pages}
    taken: set[str] = set()
    of: dict[str, IncidentLabel] = {}

    def take(p: Page, candidates: list[IncidentLabel]) -> None:
        if candidates:
            candidates.sort(key=lambda i: i.incident_id)
            best = max(
                candidates,
                key=lambda i: (i.root_service in p.services, i.incident_id not in taken, i.start),
            )
            of[p.page_id] = best
            taken.add(best.incident_id)

    for p in pages:
        if is_scored[p.page_id]:
            take(
                p,
                [
                    i
                    for i in incidents
                    if affected(i) & set(p.services)
                    and i.start - rules.early_s[i.source] * SECOND
                    <= p.paged_at
                    < i.end + rules.grace_s * SECOND
                ],
            )
    hit, detected = set(of), set(taken)
    for p in pages:
        if p.page_id not in hit:
            until = p.last_event_at if p.closed_at is None else p.closed_at
            take(p, [i for i in incidents if affected(i) & set(p.services) and p.paged_at < i.start < until])

    outcome: dict[str, tuple[str, str | None]] = {}
    routes: dict[str, list[str]] = {}
    for p in pages:
        label = of.get(p.page_id)
        if label is None:
            result = "false" if rules.labels_complete else "unmatched"
        elif p.page_id not in hit:
            result = "carried"
        else:
            known = routes.setdefault(label.incident_id, [])
            result = "detection" if not known else "duplicate" if p.route in known else "fan_out"
            known.append(p.route)
        if label is not None and not scored(label.root_service, label.start):
            result = "set_aside"
        if not is_scored[p.page_id]:
            result = "unscored"
        outcome[p.page_id] = result, label.incident_id if label else None
    fate = {}
    for i in incidents:
        if not scored(i.root_service, i.start):
            fate[i.incident_id] = "unscored"
        elif i.incident_id in detected:
            fate[i.incident_id] = "detected"
        elif i.incident_id in taken:
            fate[i.incident_id] = "carried"
        else:
            cut = i.end + rules.grace_s * SECOND > time.end
            fate[i.incident_id] = "censored" if cut else "missed"
    return outcome, fate


SERVICES = ("a", "b", "c")
named = st.lists(st.sampled_from(SERVICES), min_size=1, max_size=3, unique=True)


Happenings = tuple[list[Page], list[IncidentLabel], ScoredTime, Rules, list[TopologyEdge]]


@st.composite
def happenings(draw: st.DrawFn) -> Happenings:
    times = st.integers(0, 40)
    pages = [
        page(at, *services, name=f"p{number}", route=route, until=None if length is None else at + length)
        for number, (at, services, route, length) in enumerate(
            draw(
                st.lists(
                    st.tuples(times, named, st.sampled_from("xy"), st.none() | st.integers(0, 20)),
                    max_size=12,
                )
            )
        )
    ]
    incidents = [
        incident(start, start + length, root, *services, name=f"i{number}", source=source)
        for number, (start, length, root, services, source) in enumerate(
            draw(
                st.lists(
                    st.tuples(
                        times,
                        st.integers(1, 15) | st.integers(30, 40),
                        st.sampled_from(SERVICES),
                        st.lists(st.sampled_from(SERVICES), max_size=2),
                        st.sampled_from(["human", "exact"]),
                    ),
                    max_size=8,
                )
            )
        )
    ]
    windows = [
        Window(start * SECOND, (start + length) * SECOND, None if service is None else frozenset({service}))
        for start, length, service in draw(
            st.lists(
                st.tuples(times, st.integers(1, 8), st.sampled_from([None, "shop/a", "shop/b"])), max_size=2
            )
        )
    ]
    time = ScoredTime(0, draw(st.integers(20, 45)) * SECOND, draw(st.integers(0, 8)), windows)
    rules = Rules(
        {"human": draw(st.integers(0, 6)), "exact": 0, "injected": 0, "imported": 0},
        draw(st.integers(0, 3)),
        hops=draw(st.integers(0, 2)),
        labels_complete=draw(st.booleans()),
    )
    ends = st.tuples(st.sampled_from(SERVICES), st.sampled_from(SERVICES))
    calls = [
        TopologyEdge(
            caller=f"shop/{caller}", callee=f"shop/{callee}", known_from=0, valid_from=since * SECOND,
            valid_to=None if until is None else (since + until) * SECOND,
        )
        for (caller, callee), since, until in draw(
            st.lists(st.tuples(ends, times, st.none() | st.integers(1, 20)), max_size=3, unique_by=str)
        )
        if caller != callee
    ]  # fmt: skip
    return pages, incidents, time, rules, calls


@given(happenings(), st.randoms(use_true_random=False))
def test_matching_equals_the_naive_reading_and_input_order_does_not_matter(
    given_: Happenings, shuffle: random.Random
) -> None:
    pages, incidents, time, rules, calls = given_
    found = match(pages, incidents, rules=rules, time=time, reference=Reference(calls))
    assert (results(found), fates(found)) == naive(pages, incidents, time, rules, calls)
    shuffle.shuffle(pages)
    shuffle.shuffle(incidents)
    again = match(pages, incidents, rules=rules, time=time, reference=Reference(calls))
    assert again.page_outcomes() == found.page_outcomes()
    assert again.incident_outcomes() == found.incident_outcomes()


@given(happenings())
def test_every_page_has_one_result_and_every_detected_incident_one_detection(
    given_: Happenings,
) -> None:
    pages, incidents, time, rules, calls = given_
    found = match(pages, incidents, rules=rules, time=time, reference=Reference(calls))
    detections = [p.incident_id for p in found.page_outcomes() if p.outcome == "detection"]
    assert sorted(filter(None, detections)) == sorted(n for n, f in fates(found).items() if f == "detected")
    assert len(found.page_outcomes()) == len(pages)


# Cost, counted and not timed.


def crowded(n: int, how: str) -> tuple[PageTable, IncidentTable]:
    """``n`` pages and incidents, all on one service, laid out so that pairs of them are many."""
    times = np.arange(n, dtype=np.int64)
    zeros, yes = np.zeros(n, np.int64), np.ones(n, bool)
    start, end, sent, until = {
        "every incident lasts throughout": (times, times + 2 * n, n + times, n + times),
        "one incident, many pages": (3 * n - times, 4 * n - times, times, times),
        "every page is open throughout": (2 * n + times, 2 * n + times + 1, times, zeros + 4 * n),
    }[how]
    if how == "one incident, many pages":
        start[0], end[0] = 0, n
        start, end = start[np.argsort(start)], end[np.argsort(start)]
    of_service = Members(times, zeros)
    return (
        PageTable(sent, until, until, zeros, yes, of_service),
        IncidentTable(start, end, start, end, yes, zeros, of_service),
    )


def cost_of(n: int, how: str) -> tuple[int, int]:
    """Lines of matching that run, and bytes held at most."""
    tables = crowded(n, how)
    lines = 0

    def count(frame: FrameType, event: str, _: object) -> Any:
        nonlocal lines
        if Path(frame.f_code.co_filename).name not in {"assignment.py", "sweep.py"}:
            return None
        lines += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        assign(*tables, True)
    finally:
        sys.settrace(before)
    tracemalloc.start()
    assign(*tables, True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return lines, peak


@pytest.mark.parametrize(
    "how", ["every incident lasts throughout", "one incident, many pages", "every page is open throughout"]
)
def test_ten_times_as_much_costs_little_more_than_ten_times_as_much(how: str) -> None:
    small, large = cost_of(200, how), cost_of(2000, how)
    for few, many in zip(small, large, strict=True):
        assert many < 10 * 1.5 * few, (small, large)
