"""Correlation by domain: the incidents of one process where no call crosses, and what crosses is told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from titleshot.datasets.contracts.instants import MINUTE
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.contracts.reference import Alias, ReferenceRow, TopologyEdge
from titleshot.detectors.alert_policy import ALERTED
from titleshot.detectors.block import REFERENCE, TICK
from titleshot.detectors.contender import Contender
from titleshot.detectors.correlation_domains import Domains, domains_of
from titleshot.detectors.detected import Detected, Marks
from titleshot.detectors.events import Events
from titleshot.detectors.order import Dead, Rows
from titleshot.detectors.recipe import Recipe
from titleshot.pipelines.domain_parts import correlate_in_domains

SERVICES = [f"shop/s{number}" for number in range(8)]


_NO_ROWS = Rows(
    *(np.empty(0, kind) for kind in (np.int64, np.int8, np.int64, np.int64, np.int32, np.float64, np.int64))
)
NO_DEAD = Dead(_NO_ROWS, np.empty(0, np.int8), np.empty(0, np.int64), {})


def edge(caller: str, callee: str) -> TopologyEdge:
    return TopologyEdge(caller=caller, callee=callee, valid_from=0, known_from=0)


def at_once(jobs: Any) -> list[Any]:
    return [function(*given, **named) for function, given, named in jobs]


def detected(alerts: list[tuple[int, int]], rows: list[ReferenceRow]) -> Detected:
    """Alerts as (minute, service), reference rows before them, a tick a minute."""
    times = np.array([minute * MINUTE for minute, _ in alerts], np.int64)
    n = len(alerts)
    columns: dict[str, Any] = {name: ["x"] * n for name in vars(Events.none())}
    columns |= {name: np.ones(n) for name in ("values", "upper")}
    columns |= {name: np.zeros(n) for name in ("expected", "lower")}
    columns |= {"windows": [None] * n, "deploys": [None] * n, "told": [None] * n}
    columns |= {
        "event_ids": [f"{minute}/{service}" for minute, service in alerts],
        "codes": np.array([service for _, service in alerts], np.int32),
        "timestamps": times,
        "clocks": times + MINUTE,
        "strangeness": 1.0 + np.array([(minute + service) % 5 for minute, service in alerts], np.float64),
        "sample_counts": np.full(n, 9, np.int32),
        "policies": np.full(n, ALERTED, np.int8),
    }
    ticks = np.arange(1, 200 if rows or alerts else 1, dtype=np.int64) * MINUTE
    kinds = np.concatenate([np.full(len(rows), REFERENCE), np.full(len(ticks), TICK)]).astype(np.int8)
    stamps = np.concatenate([np.zeros(len(rows), np.int64), ticks])
    marks = Marks(stamps, kinds, stamps + MINUTE, (*rows, *[None] * len(ticks)))
    return Detected(Events(**columns), marks, NO_DEAD, None)


def said(alerts: list[tuple[int, int]], rows: list[ReferenceRow], domains: Domains | None) -> Any:
    about = {
        "name": "storm",
        "detectors": [{"detector": {"family": "robust_mad"}}],
        "correlator": {"family": "topology_sessions", "gap_s": 600, "cap_s": 3600},
        "paging": {"cooldown_s": 1200},
    }
    engine = Contender(Recipe.model_validate(about)).engine()
    engine.codes([SeriesKey("shop", name.split("/")[1], "latency") for name in SERVICES])
    first, last = detected(alerts, rows), detected([], [])
    if domains is None:
        outputs = [engine.correlate(first), engine.correlate(last, flushed_at=300 * MINUTE)]
    else:
        outputs = list(
            correlate_in_domains(
                first, last, 300 * MINUTE, engine.contender.recipe, engine.series, domains, at_once
            )
        )
    return [
        (
            sorted(one.to_json() for one in output.incidents),
            sorted(one.to_json() for one in output.pages),
            output.flushed,
        )
        for output in outputs
    ]


alerts_in_order = st.lists(
    st.tuples(st.integers(0, 180), st.integers(0, len(SERVICES) - 1)), min_size=1, max_size=40, unique=True
).map(sorted)
calls = st.lists(st.tuples(st.sampled_from(SERVICES), st.sampled_from(SERVICES)), max_size=8)


@given(alerts_in_order, calls)
@settings(max_examples=30, deadline=None)
def test_incidents_and_pages_are_those_of_one_process_where_no_call_crosses(
    alerts: list[tuple[int, int]], called: list[tuple[str, str]]
) -> None:
    rows: list[ReferenceRow] = [edge(*call) for call in called]
    pieces = domains_of({}, rows, most_neighbours=len(SERVICES))
    assert pieces.crossing == ()
    assert said(alerts, rows, pieces) == said(alerts, rows, None)


def test_a_call_that_crosses_joins_no_incident_and_is_told() -> None:
    rows: list[ReferenceRow] = [edge("shop/s0", "shop/s1"), edge("shop/s1", "shop/s2")]
    domains = domains_of({"one": ["shop/s0", "shop/s1"], "two": ["shop/s2"]}, rows)
    assert domains.crossing == (("shop/s1", "shop/s2"),)
    alerts = [(1, 0), (2, 1), (3, 2)]
    whole, cut = said(alerts, rows, None), said(alerts, rows, domains)
    assert len(whole[0][0]) == 2
    assert len(cut[0][0]) == 4


def test_where_nothing_is_declared_domains_are_cut_at_hubs() -> None:
    rows: list[ReferenceRow] = [edge(name, "shop/db") for name in SERVICES]
    rows += [edge("shop/s0", "shop/s1"), edge("shop/s2", "shop/s3")]
    domains = domains_of({}, rows, most_neighbours=4)
    assert domains.domain("shop/db") == "shop/db"
    assert domains.domain("shop/s1") == domains.domain("shop/s0") != domains.domain("shop/s2")
    assert domains.crossing == tuple((name, "shop/db") for name in SERVICES)


@pytest.mark.parametrize("declared", [{}, {"a": ["shop/s0", "shop/s1"]}])
def test_a_renamed_service_is_in_the_domain_of_its_service(declared: dict[str, list[str]]) -> None:
    rows: list[ReferenceRow] = [edge("shop/s0", "shop/old")]
    rows.append(Alias(service="shop/s1", alias="shop/old", valid_from=0, known_from=0))
    domains = domains_of(declared, rows)
    assert domains.domain("shop/old") == domains.domain("shop/s1") == domains.domain("shop/s0")
    assert domains.crossing == ()
