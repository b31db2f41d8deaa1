"""Invariants: rules over a service's latest values, through a whole contender."""

from datetime import date
from typing import Any

import pytest

from titleshot.datasets.contracts.instants import DAY, MINUTE
from titleshot.datasets.contracts.reference import Maintenance
from titleshot.datasets.contracts.telemetry import Sample, Tick
from titleshot.datasets.errors import MalformedInput
from titleshot.datasets.yaml_file import parse_yaml
from titleshot.detectors.contender import Contender, Engine
from titleshot.detectors.invariants import rule_words
from titleshot.detectors.law_findings import try_laws
from titleshot.detectors.law_subjects import subject_of
from titleshot.detectors.recipe import Recipe

RULES = """
name: business
lateness_s: 0
skew_s: 0
invariants:
  - name: no-more-paid-than-started
    must: payments_succeeded <= payments_started
    owner: payments
    expires: 2026-12-31
    reason: a payment is started before it succeeds
    severity: critical
  - name: few-errors
    must: ratio(errors, sum(requests)) < 0.2
    when: sum(requests) > 50
    owner: checkout
    expires: 1970-01-02
    reason: agreed with the shop
    service: cart
"""


def engine(text: str = RULES) -> Engine:
    return Contender(parse_yaml(text, Recipe, where="rules.yaml")).engine()


def sample(at: int, metric: str, value: float, service: str = "cart", **labels: str) -> tuple[int, Sample]:
    given: dict[str, Any] = {"timestamp": at, "namespace": "shop", "service": service, "metric_name": metric}
    return at, Sample.model_validate({**given, "value": value, "series_labels": labels})


def tick(at: int) -> tuple[int, Tick]:
    return at, Tick(timestamp=at)


def said(arrived: list[tuple[int, Any]], cut: int = 10**9, given: Engine | None = None):
    made = given or engine()
    outputs = [made.push_records(arrived[i : i + cut]) for i in range(0, len(arrived), cut)]
    outputs.append(made.flush())
    return [event for output in outputs for event in output.events.records(made.series)], made


def minutes(n: int) -> list[tuple[int, Any]]:
    """Payments go wrong in minute 3, errors in minutes 2 and 5 (with too few requests in 5)."""
    out: list[tuple[int, Any]] = []
    for minute in range(n):
        at = minute * MINUTE
        out += [sample(at, "payments_started", 100), sample(at, "payments_succeeded", 99 + 5 * (minute == 3))]
        out += [sample(at, "errors", 40 if minute in (2, 5) else 1)]
        out += [sample(at, "requests", 5 if minute == 5 else 60, zone=zone) for zone in "ab"]
        out += [sample(at, "payments_succeeded", 7, "auth"), tick(at)]
    return out


def test_a_broken_rule_is_an_event_that_names_owner_and_reason():
    events, made = said(minutes(8))
    assert [(e.service, e.metric_name, e.timestamp // MINUTE) for e in events] == [
        ("cart", "errors", 2),
        ("cart", "payments_succeeded", 3),
    ]
    paid = events[1]
    assert paid.detector.startswith("invariant:no-more-paid-than-started@")
    assert (paid.value, paid.expected, paid.evidence.direction) == (104, 100, "high")
    assert paid.anomaly_score > events[0].anomaly_score > 0.5
    told = paid.evidence.model_dump(exclude_none=True)
    assert {k: told[k] for k in ("strange", "owner", "expires", "reason", "rule")} == {
        "strange": "rule",
        "owner": "payments",
        "expires": "2026-12-31",
        "reason": "a payment is started before it succeeds",
        "rule": "payments_succeeded <= payments_started",
    }
    assert made.detection.rule_report == [
        {"name": "no-more-paid-than-started", "owner": "payments", "expires": "2026-12-31", "hits": 1,
         "asked": 16, "undefined": 8, "expired": False},
        {"name": "few-errors", "owner": "checkout", "expires": "1970-01-02", "hits": 1,
         "asked": 7, "undefined": 0, "expired": False},
    ]  # fmt: skip


@pytest.mark.parametrize("cut", [1, 5])
def test_the_cut_of_the_stream_and_a_snapshot_change_nothing(cut):
    whole, made = said(minutes(8))
    pieces, again = said(minutes(8), cut)
    assert (pieces, again.detection.rule_report) == (whole, made.detection.rule_report)
    first, second = engine(), engine()
    arrived = minutes(8)
    before = first.push_records(arrived[:16]).events.records(first.series)
    second.restore(first.snapshot())
    after, last = said(arrived[16:], given=second)
    assert before + after == whole
    assert last.detection.rule_report == made.detection.rule_report


def test_an_expired_rule_is_silent_and_reported():
    late = [(at + DAY, r.model_copy(update={"timestamp": r.timestamp + DAY})) for at, r in minutes(8)]
    events, made = said(late)
    assert {e.detector.partition("@")[0] for e in events} == {"invariant:no-more-paid-than-started"}
    assert [rule["expired"] for rule in made.detection.rule_report] == [False, True]
    assert rule_words(made.detection.rule_report) == [
        "invariants: 2 rules, 1 hits",
        "  rule 'few-errors' expired on 1970-01-02; checkout must renew or remove it",
    ]


def test_an_expired_rule_that_fits_nobody_is_reported_too():
    late = [(at + DAY, r.model_copy(update={"timestamp": r.timestamp + DAY})) for at, r in minutes(8)]
    made = engine(RULES.replace("service: cart", "service: nobody"))
    said(late, given=made)
    assert [rule["expired"] for rule in made.detection.rule_report] == [False, True]


def test_a_rule_about_numbers_nobody_sends_is_told_to_its_owner():
    words = rule_words([{**engine().detection.rule_report[0], "asked": 4, "undefined": 4}])
    assert "never had all the numbers it asks for; " in words[1]


def test_what_is_stale_or_stands_twice_is_undefined():
    arrived = [sample(0, "payments_started", 1), sample(20 * MINUTE, "payments_succeeded", 9)]
    arrived += [tick(20 * MINUTE)]
    assert said(arrived)[0] == []
    both = [sample(0, "payments_started", 1, zone="a"), sample(0, "payments_started", 2, zone="b")]
    events, made = said([*both, sample(0, "payments_succeeded", 9), tick(0)])
    assert events == []
    assert made.detection.rule_report[0]["undefined"] == 1


def test_a_rule_broken_in_maintenance_is_held():
    row = Maintenance(service="shop/cart", valid_from=0, valid_to=DAY, known_from=0)
    made = engine()
    output = made.push_records([(0, row), *minutes(5)])
    assert set(output.events.policies.tolist()) == {4}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "payments_succeeded <= payments_started",
            "payments_succeeded <=",
            "rules.yaml:7: invariants.0.must",
        ),
        ("2026-12-31", "soon", "rules.yaml:9: invariants.0.expires"),
        ("    owner: checkout\n", "", "rules.yaml:12: invariants.1.owner: is missing"),
        ("few-errors", "no-more-paid-than-started", "rules.yaml:12: .*two invariants are called"),
        ("severity: critical", "severity: dire", "rules.yaml:11: invariants.0.severity"),
    ],
)
def test_faults_of_a_rule_file_name_file_line_and_field(old, new, says):
    with pytest.raises(MalformedInput, match=says):
        parse_yaml(RULES.replace(old, new), Recipe, where="rules.yaml")


def test_the_owner_and_the_day_may_change_without_making_another_detector():
    rules = parse_yaml(RULES, Recipe).invariants
    renewed = rules[0].model_copy(update={"expires": date(2027, 12, 31), "owner": "finance"})
    assert renewed.detector == rules[0].detector
    assert rules[0].model_copy(update={"must": "a < 1"}).detector != rules[0].detector


def test_a_contender_with_rules_beside_detectors_keeps_the_laws(tmp_path):
    path = tmp_path / "both.yaml"
    path.write_text(
        RULES.replace("payments_succeeded <= payments_started", "latency_p99 < 14")
        + "detectors:\n  - match: {}\n    detector: {family: robust_mad, memory_s: 600}\n",
        encoding="utf-8",
    )
    findings = try_laws(subject_of(str(path)), seeds=[1, 2])
    assert [(f.law.number, f.why) for f in findings if f.outcome == "broken"] == []
