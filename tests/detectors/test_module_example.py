"""The module's own sixteen samples through its own contender: two events, to the digit."""

import pytest

from titleshot.datasets.contracts.instants import MINUTE, parse_instant
from titleshot.datasets.contracts.telemetry import Sample, Tick
from titleshot.detectors.contender import Contender

START = parse_instant("2026-04-26T01:00:00Z")
CHECKOUT = (0.41, 0.43, 0.39, 0.45, 0.40, 0.44, 0.42, 0.46, 0.43, 1.86)
CATALOG = (0.28, 0.31, 0.29, 0.30, 0.32, 0.81)


def samples() -> list[Sample]:
    named = [("checkout-api", value) for value in CHECKOUT] + [("catalog-api", value) for value in CATALOG]
    return [
        Sample(
            timestamp=START + i * MINUTE,
            namespace="commerce",
            service=service,
            metric_name="latency_p99",
            value=value,
        )
        for i, (service, value) in enumerate(named)
    ]


def said(cut: int):
    engine = Contender.load("module").engine()
    records = [(sample.timestamp, sample) for sample in samples()]
    records.append((START + 3600 * 10**9, Tick(timestamp=START + 3600 * 10**9)))
    outputs = [engine.push_records(records[i : i + cut]) for i in range(0, len(records), cut)]
    outputs.append(engine.flush())
    events = [event for output in outputs for event in output.events.records(engine.series)]
    return events, [i for o in outputs for i in o.incidents], [p for o in outputs for p in o.pages]


def test_exactly_two_events_with_the_module_s_numbers():
    events, _, _ = said(cut=100)
    rows = [
        (e.service, e.value, round(e.expected, 4), round(e.lower_bound, 4), round(e.upper_bound, 4))
        for e in events
    ]
    assert rows == [
        ("checkout-api", 1.86, 0.4256, 0.3606, 0.4905),
        ("catalog-api", 0.81, 0.3, 0.2576, 0.3424),
    ]
    assert all(e.detector.startswith("rolling_z_score@") and e.evidence.direction == "high" for e in events)
    assert [e.evidence.sample_count for e in events] == [9, 5]


@pytest.mark.parametrize("cut", [1, 3])
def test_one_at_a_time_says_the_same(cut):
    assert said(cut) == said(cut=100)


def test_each_event_becomes_an_incident_and_a_page():
    _, incidents, pages = said(cut=100)
    assert [i.services for i in incidents if i.status == "opened"] == [
        ("commerce/checkout-api",),
        ("commerce/catalog-api",),
    ]
    assert {p.services for p in pages if p.status == "sent"} == {
        ("commerce/checkout-api",),
        ("commerce/catalog-api",),
    }
