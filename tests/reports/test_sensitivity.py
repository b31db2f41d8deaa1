"""Planted faults found, missed and masked, and the curves made of that."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from titleshot.datasets.contracts.incidents import Page
from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.planted import PlantedFault
from titleshot.datasets.contracts.reference import Alias
from titleshot.datasets.contracts.sensitivity import FaultOutcome
from titleshot.reports.point_in_time import Reference
from titleshot.reports.proportions import wilson
from titleshot.reports.sensitivity import curves_of, outcomes_of
from titleshot.reports.sensitivity_curve import curve_of, rising, size_at

HOUR = 3600 * SECOND


def fault(number: int = 1, start: int = 10 * HOUR, **more: object) -> PlantedFault:
    fields = {"scope": "series", "kind": "step", "size": 8.0, "unit": "spread", "direction": "up", **more}
    return PlantedFault(
        planted_id=f"planted-{number}",
        service="shop/cart",
        metric_name="latency",
        series=0,
        spread=0.1,
        start=start,
        end=start + 2 * HOUR,
        samples=24,
        clipped=0,
        **fields,
    )


def page(at: int, *services: str, closed: int | None = None, flushed: bool = False) -> Page:
    return Page(
        page_id=f"page-{at}",
        incident_id=f"incident-{at}",
        status="sent",
        route="on-call",
        severity="high",
        services=services or ("shop/cart",),
        opened_at=at,
        paged_at=at,
        last_event_at=at,
        closed_at=closed,
        flushed=flushed,
    )


def outcome(with_faults: list[Page], without: list[Page], **more: object) -> FaultOutcome:
    (found,) = outcomes_of([fault(**more)], with_faults, without, Reference(), 900)
    return found


def test_the_first_page_about_the_service_finds_it_and_the_delay_is_from_its_start():
    found = outcome([page(9 * HOUR), page(11 * HOUR, "shop/web", "shop/cart"), page(12 * HOUR)], [])
    assert (found.outcome, found.page_id, found.delay_s) == ("found", f"page-{11 * HOUR}", 3600)


@pytest.mark.parametrize(
    ("pages", "why"),
    [
        ([], "nobody paged"),
        ([page(10 * HOUR - 1)], "before it began"),
        ([page(12 * HOUR + 900 * SECOND)], "after the grace"),
        ([page(11 * HOUR, "shop/web")], "about another service"),
        ([page(11 * HOUR, flushed=True)], "only because the replay ended"),
    ],
)
def test_it_is_missed_where(pages, why):
    assert outcome(pages, []).outcome == "missed", why


def test_a_page_just_before_the_grace_is_over_counts():
    assert outcome([page(12 * HOUR + 899 * SECOND)], []).outcome == "found"


def test_who_pages_without_the_fault_as_well_gets_no_credit():
    assert outcome([page(11 * HOUR)], [page(11 * HOUR + 60 * SECOND)]).outcome == "masked"
    always = [page(at * HOUR) for at in range(24)]
    assert outcome(always, always).outcome == "masked"


def test_a_page_that_was_open_masks_it_unless_the_fault_brings_another():
    open_page = page(9 * HOUR, closed=13 * HOUR)
    assert outcome([open_page], [open_page]).outcome == "masked"
    assert outcome([open_page, page(11 * HOUR)], [open_page]).outcome == "found"
    assert outcome([], [page(9 * HOUR, closed=10 * HOUR)]).outcome == "missed"


def test_a_service_goes_by_any_of_its_names():
    renamed = Reference([Alias(service="shop/cart", alias="shop/basket", valid_from=0, known_from=0)])
    (found,) = outcomes_of([fault()], [page(11 * HOUR, "shop/basket")], [], renamed, 0)
    assert found.outcome == "found"


def test_a_fault_of_a_whole_service_is_one_fault():
    parts = [
        fault(scope="service"),
        fault(scope="service").model_copy(update={"series": 3, "metric_name": "x"}),
    ]
    (found,) = outcomes_of(parts, [], [], Reference(), 0)
    assert found.metric_name == "*"


def made(size: float, *, found: bool, delay_s: float = 60.0, **more: object) -> FaultOutcome:
    fields = {"service": "shop/cart", "metric_name": "latency", "kind": "step", "unit": "spread", **more}
    return FaultOutcome(
        planted_id=f"{size}",
        size=size,
        start=0,
        end=1,
        outcome="found" if found else "missed",
        delay_s=delay_s if found else None,
        **fields,
    )


def many(size: float, found: int, n: int, **more: object) -> list[FaultOutcome]:
    return [made(size, found=number < found, **more) for number in range(n)]


def test_points_have_n_shares_and_wilson_intervals():
    curve = curve_of([*many(4, 1, 10), *many(8, 9, 10)], "spread", 0.95)
    assert [(p.size, p.n, p.found, p.share) for p in curve.points] == [(4, 10, 1, 0.1), (8, 10, 9, 0.9)]
    assert (curve.points[0].low, curve.points[0].high) == wilson(1, 10, 0.95)
    assert curve.half.size == pytest.approx(math.sqrt(32))
    assert curve.most.size == 8
    assert curve.half.low < curve.half.size < curve.half.high
    assert curve.most.high is None


def test_who_never_pages_has_zero_with_an_interval_and_a_reason_for_no_size():
    curve = curve_of(many(4, 0, 12), "spread", 0.95)
    assert curve.points[0].share == 0 == curve.points[0].low
    assert 0.2 < curve.points[0].high < 0.3
    assert curve.half.size is None
    assert curve.half.reason == "of the largest planted, 4, 0 % were found"
    assert curve.delay_found_s is None


def test_what_is_found_at_the_smallest_size_has_no_size_and_says_so():
    curve = curve_of([*many(4, 12, 12), *many(8, 12, 12)], "spread", 0.95)
    assert curve.half.size is None
    assert curve.half.reason == "of the smallest planted, 4, 100 % were found already"


def test_the_median_delay_counts_what_was_not_found_as_for_ever():
    delays = [made(4, found=True, delay_s=seconds) for seconds in (60, 120, 180)]
    assert curve_of([*delays, *many(4, 0, 2)], "spread", 0.95).points[0].delay_s == 180
    assert curve_of([*delays, *many(4, 0, 4)], "spread", 0.95).points[0].delay_s is None
    assert curve_of([*delays, *many(4, 0, 4)], "spread", 0.95).delay_found_s == 120


def naive_rising(values: list[float], weights: list[int]) -> list[float]:
    """Max-min formula of isotonic regression."""

    def mean(first: int, last: int) -> float:
        part = slice(first, last + 1)
        return float(np.average(values[part], weights=weights[part]))

    count = len(values)
    return [
        max(min(mean(first, last) for last in range(at, count)) for first in range(at + 1))
        for at in range(count)
    ]


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(1, 30)), min_size=1, max_size=9))
def test_the_fit_is_the_nearest_curve_that_never_falls(points):
    values, weights = [p[0] for p in points], [p[1] for p in points]
    assert rising(values, weights) == pytest.approx(naive_rising(values, weights), abs=1e-9)


@given(st.lists(st.integers(0, 20), min_size=1, max_size=8), st.sampled_from([0.5, 0.9]))
def test_a_size_lies_between_the_ends_of_its_interval(found, share):
    sizes = [2.0**at for at in range(len(found))]
    curve = curve_of([o for s, k in zip(sizes, found, strict=True) for o in many(s, k, 20)], "spread", 0.95)
    at = curve.half if share == 0.5 else curve.most
    if at.size is None:
        assert at.reason
    else:
        assert sizes[0] <= at.size <= sizes[-1]
        assert at.low is None or at.low <= at.size + 1e-9
        assert at.high is None or at.size <= at.high + 1e-9


def test_a_share_between_two_sizes_is_read_off_on_their_logarithm():
    at = size_at(0.5, [1, 100], [0, 1], [0, 1], [0, 1])
    assert at.size == pytest.approx(10)


def test_curves_are_pooled_over_services_and_metrics_and_only_kinds_of_one_unit_together():
    outcomes = [
        *many(4, 1, 2, service="shop/cart"),
        *many(4, 2, 3, service="shop/web", metric_name="errors", kind="spike"),
        *many(4, 0, 5, kind="no_data", unit="sample"),
    ]
    curves = {(c.service, c.metric_name, c.kind): c for c in curves_of(outcomes, 0.95)}
    assert (curves[None, None, None].n, curves[None, None, None].found) == (5, 3)
    assert curves[None, None, "no_data"].unit == "sample"
    assert curves["shop/cart", None, None].n == 2
    assert curves[None, "errors", "spike"].n == curves["shop/web", "errors", "spike"].n == 3
    assert ("shop/web", None, "step") not in curves
    assert next(iter(curves)) == (None, None, None)
