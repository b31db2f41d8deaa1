"""What ``correlation_scores`` says of small logs that can be counted by hand."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from history import dataset
from hypothesis import given, settings
from hypothesis import strategies as st
from told import alert, candidate, log, minute

from titleshot.datasets.contracts.incidents import IncidentCandidate
from titleshot.datasets.contracts.instants import HOUR, SECOND
from titleshot.datasets.contracts.labels import IncidentLabel
from titleshot.datasets.contracts.record import Severity
from titleshot.datasets.contracts.reference import Alias, TopologyEdge
from titleshot.datasets.contracts.scores import CorrelationScores, Score, Scorecard
from titleshot.datasets.errors import InvalidDataset
from titleshot.pipelines.outcome import silent
from titleshot.pipelines.score import arguments, command
from titleshot.reports.assignment import Rules
from titleshot.reports.correlation.event_truth import incident_of_events
from titleshot.reports.correlation.scored import correlation_scores
from titleshot.reports.match_tables import Codes, incident_table
from titleshot.reports.point_in_time import Reference
from titleshot.reports.scorecard import score_log
from titleshot.reports.scored_time import ScoredTime

_ASKED = {"as_of": None, "detect_within_s": None, "seed": 7, "resamples": 200, "confidence": 0.95}


def incident(
    at: float,
    root: str = "db",
    *affected: str,
    minutes: float = 30,
    severity: Severity = "high",
    source: Literal["human", "injected", "exact", "imported"] = "exact",
) -> IncidentLabel:
    return IncidentLabel(
        incident_id=f"INC-{at:g}-{root}",
        start=minute(at),
        end=minute(at + minutes),
        root_service=f"shop/{root}",
        affected_services=tuple(f"shop/{name}" for name in (root, *affected)),
        severity=severity,
        kind="spike",
        source=source,
        known_at=minute(at + minutes),
    )


def scored(
    folder: Path,
    incidents: Sequence[IncidentLabel],
    alerts: Sequence[dict[str, Any]],
    candidates: Sequence[Sequence[IncidentCandidate]],
    about: dict[str, Any] | None = None,
    **given: Any,
) -> CorrelationScores:
    of = dataset(folder, incidents, **{"days": 2, **given})
    return correlation_scores(log(folder, of, alerts, candidates, **(about or {})), of, resamples=200)


def value(found: CorrelationScores, name: str) -> float | None:
    return found.score(name).value


def row(found: CorrelationScores, name: str, score: str) -> float | None:
    rows = {**found.baselines, **found.hypothesis_baselines}
    return {one.name: one for one in rows[name]}[score].value


def test_a_log_that_can_be_counted_by_hand(tmp_path: Path) -> None:
    first = [alert(61), alert(62, "web"), alert(63)]
    second, noise = [alert(602, "cart"), alert(604, "cart")], [alert(1000, "web")]
    found = scored(
        tmp_path,
        [incident(60, "db", "web"), incident(600, "cart"), incident(1200)],
        [*first, *second, *noise],
        [
            candidate("A", first, causes=[("web", 0.6), ("db", 0.3)], opened=62),
            candidate("B", second, causes=[("cart", 0.8)], opened=604, severity="low"),
            candidate("C", noise, causes=[("web", 0.5)]),
        ],
    )
    assert value(found, "fragments_per_incident") == 1.0
    assert value(found, "bcubed_f") == 1.0
    assert value(found, "incident_f1_iou50") == pytest.approx(2 * 2 / (3 + 3))
    # The third incident has no alert: it was never opened, never named, never graded.
    assert value(found, "mean_time_to_open_s") == pytest.approx((120 + 240 + 600) / 3)
    assert value(found, "time_to_open_p50_s") == 240.0
    assert value(found, "ac_at_1") == pytest.approx(1 / 3)
    assert value(found, "ac_at_3") == pytest.approx(2 / 3)
    assert value(found, "mrr") == pytest.approx((1 / 2 + 1) / 3)
    assert value(found, "ac_at_1_detected") == pytest.approx(1 / 2)
    assert value(found, "severity_accuracy") == pytest.approx(1 / 3)
    assert value(found, "severity_by_habit") == pytest.approx(2 / 3)
    assert value(found, "hypothesis_brier") == pytest.approx((0.6**2 + 0.2**2 + 0.5**2) / 3)
    assert found.abstention_curve == (
        (0.8, pytest.approx(1 / 3), 1.0),
        (0.6, pytest.approx(2 / 3), 0.5),
        (0.5, 1.0, pytest.approx(1 / 3)),
    )


def test_rows_beside_the_hypotheses_can_be_counted_by_hand(tmp_path: Path) -> None:
    first = [alert(61, "web"), alert(62, "cart"), alert(63), alert(64)]
    second = [alert(602, "web")]
    found = scored(
        tmp_path,
        [incident(60, "db", "web", "cart"), incident(600, "db", "web"), incident(1200, "db")],
        [*first, *second],
        [candidate("A", first), candidate("B", second)],
    )
    assert row(found, "random_member", "ac_at_1") == pytest.approx((1 / 3 + 0) / 3)
    assert row(found, "random_member", "ac_at_3") == pytest.approx(1 / 3)
    assert row(found, "random_member", "mrr") == pytest.approx((1 + 1 / 2 + 1 / 3) / 3 / 3)
    assert row(found, "most_frequent_cause", "ac_at_1") == pytest.approx(2 / 3)
    assert row(found, "earliest_alert", "ac_at_1") == 0.0
    assert row(found, "earliest_alert", "ac_at_3") == pytest.approx(1 / 3)
    assert row(found, "oracle", "ac_at_1") == pytest.approx(1 / 3)
    # Nothing was named at all: 0 of all incidents, and no claim to calibrate.
    assert value(found, "ac_at_1") == 0.0
    assert value(found, "hypothesis_brier") is None
    assert found.score("hypothesis_brier").reason == "no candidate names a service"


def test_the_most_frequent_cause_does_not_know_the_incident_itself(tmp_path: Path) -> None:
    alerts = [alert(61), alert(602, "cart")]
    found = scored(
        tmp_path,
        [incident(60), incident(600, "cart")],
        alerts,
        [candidate(one["event_id"], [one]) for one in alerts],
    )
    assert row(found, "most_frequent_cause", "ac_at_1") == 0.0
    assert row(found, "most_frequent_cause", "ac_at_3") == 0.0


def test_the_earliest_alert_is_the_cause_no_more_often_than_a_random_member(tmp_path: Path) -> None:
    random = np.random.default_rng(11)
    incidents, alerts, candidates = [], [], []
    for k in range(120):
        at = 60.0 * k
        incidents.append(incident(at, "db", "web", "cart"))
        order = random.permutation(["db", "web", "cart"]).tolist()
        alerts.append([alert(at + 1 + i, name) for i, name in enumerate(order)])
        candidates.append(candidate(f"C{k}", alerts[-1], causes=[(order[0], 0.5)]))
    found = scored(tmp_path, incidents, [one for of in alerts for one in of], candidates, days=6)
    member = row(found, "random_member", "ac_at_1")
    assert member == pytest.approx(1 / 3)
    assert row(found, "earliest_alert", "ac_at_1") == value(found, "ac_at_1")
    assert value(found, "ac_at_1") == pytest.approx(member, abs=0.1)
    assert row(found, "oracle", "ac_at_1") == 1.0


def test_a_cause_by_another_of_its_names_is_right(tmp_path: Path) -> None:
    alerts = [alert(61)]
    alias = Alias(alias="shop/database", service="shop/db", valid_from=minute(0), known_from=minute(0))
    found = scored(
        tmp_path,
        [incident(60)],
        alerts,
        [candidate("A", alerts, causes=[("database", 0.9)])],
        reference=[alias],
    )
    assert value(found, "ac_at_1") == 1.0
    assert value(found, "hypothesis_brier") == pytest.approx(0.01)


def test_one_endless_candidate_opens_no_incident(tmp_path: Path) -> None:
    alerts = [alert(5, "web"), alert(61), alert(601), alert(1201)]
    found = scored(
        tmp_path,
        [incident(60), incident(600), incident(1200)],
        alerts,
        [candidate("giant", alerts, causes=[("db", 0.9)])],
    )
    assert value(found, "mean_time_to_open_s") == 600.0
    assert value(found, "time_to_open_p50_s") is None
    assert "0 of 3" in (found.score("time_to_open_p50_s").reason or "")
    assert value(found, "any_hit_precision") == 1.0
    assert value(found, "bcubed_f") == 0.0


def test_more_noise_lets_windows_at_random_find_every_incident(tmp_path: Path) -> None:
    noise = [alert(4.0 * k, "web") for k in range(720)]
    found = scored(
        tmp_path, [incident(60, "web")], noise, [candidate(one["event_id"], [one]) for one in noise]
    )
    assert value(found, "random_window_hit_ratio") == pytest.approx(1.0, abs=0.01)
    assert row(found, "random_windows", "any_hit_recall") == 1.0
    assert value(found, "any_hit_recall") == 1.0
    windows = row(found, "random_windows", "bcubed_f")
    assert windows is None or windows < 0.5


def test_only_alerts_count_and_only_what_was_said_before_the_end(tmp_path: Path) -> None:
    alerts = [alert(61), alert(62)]
    others = [alert(63, policy="held_cooldown"), alert(64, flushed=True)]
    found = scored(
        tmp_path,
        [incident(60)],
        [*alerts, *others],
        [candidate("A", alerts), candidate("late", [others[1]], flushed=True)],
    )
    assert found.score("bcubed_recall").n == 2
    assert value(found, "bcubed_recall") == 1.0
    assert found.score("any_hit_precision").n == 1


def test_a_merged_candidate_gives_its_alerts_to_the_one_it_was_merged_into(tmp_path: Path) -> None:
    alerts = [alert(61), alert(62), alert(63), alert(64)]
    apart = [candidate("A", alerts[:2]), candidate("B", alerts[2:])]
    merged = [candidate("A", alerts[:2]), candidate("B", alerts[2:], merged_into="A")]
    assert value(scored(tmp_path / "a", [incident(60)], alerts, apart), "fragments_per_incident") == 2.0
    assert value(scored(tmp_path / "b", [incident(60)], alerts, merged), "fragments_per_incident") == 1.0
    circle = [candidate("A", alerts[:2], merged_into="B"), candidate("B", alerts[2:], merged_into="A")]
    assert value(scored(tmp_path / "c", [incident(60)], alerts, circle), "fragments_per_incident") == 1.0


def test_an_alert_in_two_candidates_belongs_to_the_first_and_strangers_are_counted(tmp_path: Path) -> None:
    alerts = [alert(61), alert(62)]
    found = scored(
        tmp_path,
        [incident(60)],
        alerts,
        [candidate("A", alerts), candidate("B", [alerts[1], alert(63)], opened=70)],
    )
    assert value(found, "fragments_per_incident") == 1.0
    assert any(note.startswith("1 events of candidates are none") for note in found.notes)
    assert any("more than one candidate" in note for note in found.notes)


def test_neither_order_nor_repetition_of_what_was_said_matters(tmp_path: Path) -> None:
    alerts = [alert(61), alert(62, "web"), alert(63), alert(602, "cart"), alert(700, "web")]
    said = [
        candidate("A", alerts[:2], causes=[("web", 0.6), ("db", 0.3)]),
        candidate("B", alerts[2:], causes=[("db", 0.8)]),
    ]
    labels = [incident(60, "db", "web"), incident(600, "cart")]
    once = scored(tmp_path / "a", labels, alerts, said)
    again = scored(tmp_path / "b", labels[::-1], [*alerts[::-1], *alerts], said[::-1])
    assert (again.scores, again.context) == (once.scores, once.context)
    assert again.hypothesis_baselines == once.hypothesis_baselines


def test_a_quiet_hour_is_one_without_incidents_and_blaming_in_it_costs(tmp_path: Path) -> None:
    noise = [alert(600, "web"), alert(601, "web"), alert(700, "web")]
    hit = [alert(61)]
    named = [
        candidate("A", noise[:2], causes=[("web", 0.4)]),
        candidate("B", hit, causes=[("db", 0.4)]),
        candidate("C", noise[2:]),  # says nothing of a cause
    ]
    found = scored(tmp_path, [incident(60, minutes=120)], [*hit, *noise], named)
    hours = found.score("quiet_specificity")
    assert hours.n == 47 - 2  # the dataset ends with its last sample; two hours lie in the incident
    assert hours.value == pytest.approx(44 / 45)


def test_calibration_is_read_on_the_later_half_or_after_the_tuning_span(tmp_path: Path) -> None:
    early, late = [alert(61)], [alert(2000)]
    candidates = [
        candidate("A", early, causes=[("web", 1.0)]),
        candidate("B", late, causes=[("db", 0.7)]),
    ]
    incidents = [incident(60), incident(1990)]
    half = scored(tmp_path / "a", incidents, [*early, *late], candidates)
    assert half.score("expected_calibration_error").n == 1
    assert value(half, "expected_calibration_error") == pytest.approx(0.3)
    tuned = scored(tmp_path / "b", incidents, [*early, *late], candidates, tuning_until=minute(30))
    assert tuned.score("expected_calibration_error").n == 2
    assert value(tuned, "expected_calibration_error") == pytest.approx((1.0 + 0.3) / 2)


def test_without_complete_labels_noise_may_be_an_incident(tmp_path: Path) -> None:
    hit, noise = [alert(61), alert(62)], [alert(600, "web")]
    found = scored(
        tmp_path,
        [incident(60)],
        [*hit, *noise],
        [candidate("A", hit, causes=[("db", 0.9)]), candidate("B", noise, causes=[("web", 0.9)])],
        labels_complete=False,
    )
    assert value(found, "hypothesis_brier") == pytest.approx(0.01)
    for name in ("incident_f1_iou50", "quiet_specificity"):
        assert value(found, name) is None
        assert "complete" in (found.score(name).reason or "")


@pytest.mark.parametrize(
    ("about", "reason"),
    [
        ({"opaque": True}, "page history"),
        ({"recipe": {"correlator": None}}, "no correlator"),
        ({}, "neither events nor incident candidates"),
    ],
)
def test_a_log_without_candidates_by_design_says_why(
    tmp_path: Path, about: dict[str, Any], reason: str
) -> None:
    found = scored(tmp_path, [incident(60)], [], [], about)
    assert found.scores == ()
    assert reason in (found.reason or "")
    with pytest.raises(KeyError, match=reason):
        found.score("bcubed_f")


def test_no_incident_and_no_candidate_are_legal(tmp_path: Path) -> None:
    quiet = scored(tmp_path / "a", [], [alert(61)], [candidate("A", [alert(61)], causes=[("db", 0.5)])])
    assert value(quiet, "bcubed_f") is None
    assert value(quiet, "ac_at_1") is None
    assert value(quiet, "quiet_specificity") == pytest.approx(46 / 47)
    alone = scored(tmp_path / "b", [incident(60)], [alert(61), alert(62)], [])
    assert value(alone, "fragments_per_incident") == 2.0
    assert value(alone, "ac_at_1") == 0.0
    assert value(alone, "any_hit_precision") is None


def test_incidents_in_the_warm_up_and_their_alerts_are_set_aside(tmp_path: Path) -> None:
    early, late = [alert(50), alert(61)], [alert(601), alert(602)]
    found = scored(
        tmp_path,
        [incident(40), incident(600)],
        [*early, *late],
        [candidate("A", [*early, *late])],
        warm_up_s=3600.0,
    )
    assert found.score("bcubed_precision").n == 2
    assert value(found, "bcubed_precision") == 1.0
    assert value(found, "contamination_ratio") == 0.0


def test_proportions_keep_their_interval_on_few_days(tmp_path: Path) -> None:
    found = scored(tmp_path, [incident(60)], [alert(61)], [candidate("A", [alert(61)], causes=[("db", 1.0)])])
    named = found.score("ac_at_1")
    assert named.low is not None
    assert named.low < 1.0
    assert found.score("mrr").low is None
    assert "20" in (found.score("mrr").reason or "")


def test_the_scorecard_carries_it_and_an_old_one_is_still_read(tmp_path: Path) -> None:
    of = dataset(tmp_path, [incident(60)], days=2)
    said = log(tmp_path, of, [alert(61)], [candidate("A", [alert(61)], causes=[("db", 1.0)])])
    card = score_log(said, of, resamples=200)
    assert card.correlation == correlation_scores(said, of, resamples=200)
    old = card.model_dump(mode="json")
    assert Scorecard.model_validate(old) == card
    del old["correlation"]
    assert Scorecard.model_validate(old).correlation is None


def test_the_command_and_a_notebook_show_it_beside_what_knows_nothing(tmp_path: Path) -> None:
    of = dataset(tmp_path, [incident(60), incident(600)], days=2)
    alerts = [alert(61), alert(62)]
    log(tmp_path, of, alerts, [candidate("A", alerts, causes=[("db", 1.0)])])
    parser = argparse.ArgumentParser()
    arguments(parser)
    outcome = command(
        parser.parse_args([str(tmp_path / "contender.log"), "--labels", str(tmp_path / "history")]), silent
    )
    lines = {line.split()[0]: line for line in outcome.text.splitlines() if line}
    assert " ".join(lines["bcubed_f"].split()) == "bcubed_f 1 – 2 alerts of incidents 1 0 1 1 0"
    assert lines["(any_hit_precision)"].split()[1] == "1"
    assert lines["hypothesis_brier"].split()[1] == "0"
    assert "0.5" in lines["ac_at_1"]
    assert outcome.document["correlation"]["scores"]
    shown = Scorecard.model_validate(outcome.document).correlation
    assert shown is not None
    assert "one_giant" in shown._repr_html_()
    opaque = CorrelationScores(reason="an imported page history")
    assert "an imported page history" in opaque._repr_html_()


def test_a_score_without_a_value_says_why_in_the_terminal(tmp_path: Path) -> None:
    of = dataset(tmp_path, [incident(60), incident(600)], days=2)
    said = log(tmp_path, of, [alert(61)], [])
    told = command(argparse.Namespace(**_ASKED, log=said.path, labels=of.path), silent).text
    line = next(line for line in told.splitlines() if line.startswith("hypothesis_brier"))
    assert line.endswith("no candidate names a service")
    opaque = log(tmp_path, of, [], [], opaque=True)
    told = command(argparse.Namespace(**_ASKED, log=opaque.path, labels=of.path), silent).text
    assert "correlation: null, an imported page history holds pages" in told


def test_a_log_of_other_data_is_refused(tmp_path: Path) -> None:
    of = dataset(tmp_path, [incident(60)], days=2)
    said = log(tmp_path, of, [alert(61)], [candidate("A", [alert(61)])])
    with pytest.raises(InvalidDataset):
        correlation_scores(said, dataset(tmp_path, [incident(60)], days=2, name="other", value=2.0))


def test_every_row_has_the_scores_it_is_compared_on(tmp_path: Path) -> None:
    found = scored(tmp_path, [incident(60)], [alert(61)], [candidate("A", [alert(61)])])
    assert set(found.baselines) == {"truth", "singletons", "one_giant", "shuffled", "random_windows"}
    named: list[Score] = [score for rows in found.baselines.values() for score in rows]
    assert {score.name for score in named} < {score.name for score in (*found.scores, *found.context)}
    assert all(score.low is None and score.reason for score in named)
    assert all(score.better is None for score in found.context)
    assert all(score.better is not None for score in found.scores)


EVENT = st.tuples(st.integers(-5, 60), st.sampled_from(["db", "web", "cart"]))
LABEL = st.tuples(
    st.integers(0, 40),
    st.integers(1, 20),
    st.sampled_from(["db", "web", "cart"]),
    st.sets(st.sampled_from(["db", "web", "cart"])),
    st.sampled_from(["human", "exact"]),
)


@given(st.lists(EVENT, max_size=30), st.lists(LABEL, max_size=6), st.integers(0, 3))
@settings(max_examples=150, deadline=None)
def test_the_incident_of_an_event_is_the_rule_read_event_by_event(
    events: list[tuple[int, str]], labels: list[Any], grace: int
) -> None:
    rules = Rules({"human": 180.0, "exact": 0.0}, grace_s=60.0 * grace)
    made = sorted(
        (
            incident(at, root, *affected, minutes=long, source=source)
            for at, long, root, affected, source in labels
        ),
        key=lambda label: (label.start, label.incident_id),
    )
    edges = [TopologyEdge(caller="shop/web", callee="shop/db", valid_from=0, known_from=0)]
    codes = Codes()
    table = incident_table(made, rules, Reference(edges), ScoredTime(0, 2**62), codes)
    times = np.array([minute(at) for at, _ in events], np.int64)
    services = np.array([codes(f"shop/{name}") for _, name in events], np.int64)
    expected = [belongs(at, name, made, early=180, grace=60 * grace) for at, name in events]
    assert incident_of_events(times, services, table).tolist() == expected


def belongs(
    at: float, service: str, labels: Sequence[IncidentLabel], early: float = 0, grace: float = 0
) -> int:
    """The row of the incident of one event, by the rule as it is written; −1 for none."""
    best = None
    for row, label in enumerate(labels):
        opens = label.start - (early if label.source == "human" else 0) * SECOND
        inside = opens <= minute(at) < label.end + grace * SECOND
        if inside and f"shop/{service}" in label.affected_services:
            key = (label.root_service == f"shop/{service}", label.start, -row)
            best = key if best is None or key > best else best
    return -1 if best is None else -best[2]


SAID = st.tuples(
    st.integers(1, 600),
    st.sampled_from(["db", "web", "cart"]),
    st.integers(0, 4),
)
CAUSES = st.lists(st.sampled_from(["db", "web", "cart"]), unique=True, max_size=3)


@given(
    st.lists(SAID, max_size=25, unique_by=lambda one: one[:2]),
    st.lists(LABEL.map(lambda label: (15 * label[0], 4 * label[1], *label[2:4])), max_size=5),
    st.lists(CAUSES, min_size=5, max_size=5),
)
@settings(max_examples=20, deadline=None)
def test_openings_namings_and_quiet_hours_are_their_definitions(
    said: list[tuple[int, str, int]], labels: list[Any], causes: list[list[str]]
) -> None:
    made = {
        one.incident_id: one for one in (incident(at, root, *of, minutes=m) for at, m, root, of in labels)
    }
    happened = sorted(made.values(), key=lambda label: (label.start, label.incident_id))
    alerts = [alert(at, name) for at, name, _ in sorted(said)]
    groups = [[a for a, s in zip(alerts, sorted(said), strict=True) if s[2] == k] for k in range(5)]
    told = [
        candidate(f"C{k}", of, causes=[(name, 0.5) for name in causes[k]])
        for k, of in enumerate(groups)
        if of
    ]
    with tempfile.TemporaryDirectory() as folder:
        found = scored(Path(folder), happened, alerts, told)
    if not alerts:
        assert found.reason
        return
    truth = {one["event_id"]: belongs_to(one, happened) for one in alerts}
    delays, first, third, seen = [], [], [], []
    for row, label in enumerate(happened):
        holding = [k for k, of in enumerate(groups) if any(truth[a["event_id"]] == row for a in of)]
        opened = {k: min(a["timestamp"] for a in groups[k]) for k in holding}
        fresh = [at for at in opened.values() if at >= label.start]
        delays.append(min((min(fresh) - label.start) / SECOND, 600.0) if fresh else 600.0)
        counts = {k: sum(truth[a["event_id"]] == row for a in groups[k]) for k in holding}
        main = min(holding, key=lambda k: (-counts[k], opened[k], f"C{k}"), default=None)
        named = [] if main is None else [f"shop/{name}" for name in causes[main]]
        first.append(label.root_service in named[:1])
        third.append(label.root_service in named[:3])
        seen.append(main is not None)
    loud = {a["timestamp"] // HOUR for k, of in enumerate(groups) if causes[k] for a in of}
    start = minute(0)
    quiet = [
        hour
        for hour in range(start // HOUR, start // HOUR + 47)
        if all(label.end <= hour * HOUR or label.start >= (hour + 1) * HOUR for label in happened)
    ]
    assert found.score("quiet_specificity").n == len(quiet)
    assert value(found, "quiet_specificity") == pytest.approx(
        sum(hour not in loud for hour in quiet) / len(quiet)
    )
    for name, expected in (("mean_time_to_open_s", delays), ("ac_at_1", first), ("ac_at_3", third)):
        assert value(found, name) == (pytest.approx(np.mean(expected)) if happened else None), name
    if any(seen):
        assert value(found, "ac_at_1_detected") == pytest.approx(sum(first) / sum(seen))


def belongs_to(one: dict[str, Any], labels: Sequence[IncidentLabel]) -> int:
    return belongs((one["timestamp"] - minute(0)) / SECOND / 60, one["service"], labels)
