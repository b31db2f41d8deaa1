"""The graph of an incident: who calls stands before whom it calls, nothing covers a name, names are data."""

from __future__ import annotations

import re
from itertools import pairwise

import page_fixture as pages
from hypothesis import given
from hypothesis import strategies as st
from page_stories import CHAIN, MANY, MARKUP, NOBODY, STORIES, service, view

from titleshot.reports.page import render_page, render_scorecard
from titleshot.reports.rendering.call_layers import call_layers
from titleshot.reports.rendering.incident_graph import MOST_SERVICES, RADIUS, Graph, incident_graph
from titleshot.reports.rendering.stories import stories_of

NAMES = ["a", "b", "c", "d", "e", "f"]
CALLS = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=20)


def graph(of: object) -> Graph:
    drawn = incident_graph(of)  # type: ignore[arg-type]
    assert drawn is not None
    return drawn


def longest_way_to(name: str, calls: set[tuple[str, str]]) -> int:
    return max((1 + longest_way_to(caller, calls) for caller, callee in calls if callee == name), default=0)


@given(CALLS)
def test_without_rings_a_layer_is_the_longest_way_from_a_caller_nobody_calls(
    drawn: list[tuple[str, str]],
) -> None:
    calls = {(a, b) for a, b in drawn if a < b}
    assert call_layers(NAMES, calls) == [longest_way_to(name, calls) for name in NAMES]


@given(CALLS)
def test_with_rings_every_service_has_a_layer_and_none_is_empty(calls: list[tuple[str, str]]) -> None:
    layers = call_layers(NAMES, calls)
    assert set(layers) == set(range(max(layers) + 1))
    assert layers == call_layers(NAMES, reversed(calls))


def leads(start: str, end: str, calls: list[tuple[str, str]]) -> bool:
    reached, before = {start}, set()
    while reached != before:
        before = set(reached)
        reached |= {callee for caller, callee in calls if caller in reached}
    return end in reached


@given(CALLS)
def test_a_call_leads_back_only_within_a_ring(calls: list[tuple[str, str]]) -> None:
    layer = dict(zip(NAMES, call_layers(NAMES, calls), strict=True))
    for caller, callee in calls:
        assert layer[caller] < layer[callee] or leads(callee, caller, calls)


@given(CALLS, st.permutations(NAMES))
def test_no_line_crosses_a_service_and_no_name_lies_under_a_line(
    calls: list[tuple[str, str]], order: list[str]
) -> None:
    services = tuple(service(name, minute) for minute, name in enumerate(order))
    drawn = graph(view(services, tuple({call for call in calls if call[0] != call[1]})))
    assert len({node.y for node in drawn.nodes}) == len(NAMES)
    assert all(a.y < b.y for a, b in pairwise(drawn.nodes))
    centres = {(node.x, node.y) for node in drawn.nodes}
    for line in drawn.lines:
        x1, y1, lane, y2, x2 = map(int, re.fullmatch(r"M(\d+) (\d+)H(\d+)V(\d+)H(\d+)", line.path).groups())  # type: ignore[union-attr]
        assert max(x1, lane, x2) < drawn.names_x - 5
        for x, y in centres:
            between = min(y1, y2) < y < max(y1, y2)
            assert not (between and abs(lane - x) <= RADIUS)
        assert (x1 - RADIUS, y1) in centres
        assert {(x2 + RADIUS + 1, y2), (x2 - RADIUS - 1, y2)} & centres


def test_the_first_the_travelled_and_the_unexplained_look_different() -> None:
    drawn = {node.number: node for node in graph(CHAIN).nodes}
    assert [drawn[n].way for n in (1, 2, 3, 4)] == ["first", "along", "along", "along"]
    assert [drawn[n].suspected for n in (1, 2, 3, 4)] == [True, False, False, False]
    assert sum(line.travelled for line in graph(CHAIN).lines) == 3
    apart = view((service("db", 0), service("web", 1)), (("db", "web"),))
    assert [node.way for node in graph(apart).nodes] == ["first", "apart"]


def test_the_words_say_what_the_drawing_shows() -> None:
    words = graph(CHAIN).words
    assert words.startswith("Services by first alert: 1. shop/db, first, 9 alerts, suspected 62")
    assert "2. shop/cart, +2\xa0min, 3 alerts, calls shop/db, which alerted before" in words
    assert [words.index(f"{n}. ") for n in (1, 2, 3, 4)] == sorted(
        words.index(f"{n}. ") for n in (1, 2, 3, 4)
    )


def test_too_many_services_are_counted_and_no_name_is_wider_than_a_phone() -> None:
    drawn = graph(MANY)
    assert len(drawn.nodes) + drawn.left_out == len(MANY.services)
    assert 5 <= len(drawn.nodes) <= MOST_SERVICES
    assert [node.number for node in drawn.nodes] == list(range(len(drawn.nodes), 0, -1))
    for of in (CHAIN, MANY):
        assert all(graph(of).names_x + 7 * len(node.label) <= 358 for node in graph(of).nodes)


def test_an_incident_without_events_has_words_and_no_drawing() -> None:
    made = pages.comparison(days=14, incidents=20)
    card = made.challenger.model_copy(update={"stories": (NOBODY,)})
    assert stories_of(card)[0].graph is None
    page = render_scorecard(card)
    assert "Incidents as a responder sees them" in page
    assert 'class="graph"' not in page


def test_names_from_telemetry_are_never_markup() -> None:
    made = pages.comparison(days=14, incidents=20)
    page = render_page(
        made.model_copy(update={"challenger": made.challenger.model_copy(update={"stories": STORIES})}),
        pages.verdict(made),
    )
    assert "<img" not in page
    assert "&lt;img src=x onerror=&#34;alert(1)&#34;&gt;" in page
    assert MARKUP not in page


def test_a_page_without_stories_has_no_such_section() -> None:
    made = pages.comparison(days=14, incidents=20)
    assert 'id="stories"' not in render_page(made, pages.verdict(made))
