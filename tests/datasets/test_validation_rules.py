"""Each defect planted in a clean small dataset fires its own rule and no other, fast and row by row."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from titleshot.datasets.contracts.incidents import Page
from titleshot.datasets.contracts.instants import DAY, HOUR, MINUTE
from titleshot.datasets.contracts.labels import FeedbackLabel, IncidentLabel
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.contracts.reference import (
    Alias,
    Deploy,
    Ownership,
    ReferenceRow,
    TopologyEdge,
)
from titleshot.datasets.contracts.telemetry import LogEvent, PlatformEvent
from titleshot.datasets.contracts.validation import RuleResult, ValidationReport
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.dataset_card import DontCare, Evaluation
from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.errors import InvalidDataset
from titleshot.datasets.validation.suite import FOLDER, load_suite
from titleshot.datasets.validation.validate import validate_dataset

START = 20_000 * DAY
SERVICES = ("cart", "checkout", "payment")


@dataclass
class Small:
    """A clean dataset of two days; a defect changes it before it is written, or the folder after."""

    samples: list[list[Any]] = field(default_factory=list)
    """[service, metric_name, timestamp, value], in source order."""
    reference: list[ReferenceRow] = field(default_factory=list)
    incidents: list[IncidentLabel] = field(default_factory=list)
    feedback: list[FeedbackLabel] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    log_events: list[LogEvent] = field(default_factory=list)
    platform_events: list[PlatformEvent] = field(default_factory=list)
    created_at: int = START + 3 * DAY
    cadence_s: float | None = 300.0
    domains: dict[str, list[str]] = field(default_factory=dict)
    evaluation: Evaluation = field(default_factory=Evaluation)
    report: dict[str, Any] = field(default_factory=dict)
    quarantined: int = 0

    def write(self, path: Path) -> Dataset:
        with DatasetWriter(
            path,
            name="small",
            cadence_s=self.cadence_s,
            created_at=self.created_at,
            evaluation=self.evaluation,
            correlation_domains=self.domains,
        ) as writer:
            keys = [SeriesKey("commerce", row[0], row[1]) for row in self.samples]
            codes = writer.add_series(keys)
            writer.add_samples(codes, [row[2] for row in self.samples], [row[3] for row in self.samples])
            writer.add_reference(self.reference)
            writer.add_labels(self.incidents, self.feedback, self.pages)
            writer.add_log_events(self.log_events)
            writer.add_platform_events(self.platform_events)
            for row in range(self.quarantined):
                writer.quarantine(
                    "samples", "bad_value", "value 'x' is text", "a.csv", row + 1, {"value": "x"}
                )
            writer.report.update(self.report)
        return Dataset.open(path)

    def of(self, service: str) -> list[int]:
        return [at for at, row in enumerate(self.samples) if row[0] == service]


def incident(**changes: Any) -> IncidentLabel:
    given = {
        "incident_id": "inc-1",
        "start": START + 30 * HOUR,
        "end": START + 31 * HOUR,
        "root_service": "commerce/payment",
        "affected_services": ("commerce/checkout",),
        "severity": "high",
        "kind": "step",
        "source": "human",
        "known_at": START + 40 * HOUR,
        "deploy": "v2",
    }
    return IncidentLabel.model_validate({**given, **changes})


def clean() -> Small:
    small = Small()
    for step in range(576):
        small.samples += [[s, "latency_p99", START + step * 5 * MINUTE, 0.2 + step / 1e4] for s in SERVICES]
    edges = [("cart", "checkout"), ("checkout", "payment")]
    small.reference = [
        *(
            TopologyEdge(caller=f"commerce/{a}", callee=f"commerce/{b}", valid_from=START, known_from=START)
            for a, b in edges
        ),
        *(
            Ownership(service=f"commerce/{s}", team="shop", valid_from=START, known_from=START)
            for s in SERVICES
        ),
        Deploy(service="commerce/payment", version="v2", valid_from=START + HOUR, known_from=START + HOUR),
        Alias(service="commerce/cart", alias="legacy/basket", valid_from=START, known_from=START),
    ]
    small.incidents = [
        incident(),
        incident(
            incident_id="inc-2",
            start=START + 10 * HOUR,
            end=START + 11 * HOUR,
            root_service="legacy/basket",
            affected_services=(),
            deploy=None,
        ),
    ]
    small.pages = [
        Page(
            page_id="page-1",
            incident_id="story-1",
            status="sent",
            route="shop",
            severity="high",
            services=("commerce/payment",),
            opened_at=START + 30 * HOUR,
            paged_at=START + 30 * HOUR + 2 * MINUTE,
            last_event_at=START + 30 * HOUR,
        )
    ]
    small.feedback = [feedback(), feedback(feedback_id="f-2", page_id="story-1")]
    small.log_events = [
        LogEvent(
            timestamp=START + HOUR, namespace="commerce", service="cart", level="error", template="timeout"
        )
    ]
    small.platform_events = [
        PlatformEvent(timestamp=START + HOUR, namespace="commerce", service="cart", reason="OOMKilled")
    ]
    small.domains = {"shop": ["commerce/cart"]}
    return small


def feedback(**changes: Any) -> FeedbackLabel:
    given = {
        "feedback_id": "f-1",
        "page_id": "page-1",
        "verdict": "useful",
        "reviewer": "ana",
        "labelled_at": START + 33 * HOUR,
        "actual_service": "commerce/payment",
    }
    return FeedbackLabel.model_validate({**given, **changes})


def value(at: int, number: float) -> Callable[[Small], None]:
    return lambda small: small.samples[at].__setitem__(3, number)


def append(name: str, row: Any) -> Callable[[Small], None]:
    return lambda small: getattr(small, name).append(row)


def repeat(small: Small) -> None:
    small.samples.insert(10, list(small.samples[9]))


def swap(small: Small) -> None:
    small.samples[30], small.samples[33] = small.samples[33], small.samples[30]


def drop(service: str, begin: int, end: int) -> Callable[[Small], None]:
    def change(small: Small) -> None:
        gone = set(small.of(service)[begin:end])
        small.samples = [row for at, row in enumerate(small.samples) if at not in gone]

    return change


def end_topology(small: Small) -> None:
    edge = small.reference[1]
    small.reference[1] = edge.model_copy(update={"valid_to": START + 20 * HOUR})


def silent_unscored(small: Small) -> None:
    drop("cart", 285, 576)(small)
    cared_until = DontCare(from_=START + DAY, to=START + 2 * DAY, services=("commerce/cart",))
    small.evaluation = Evaluation(dont_care=(cared_until,))


def slow_series(small: Small) -> None:
    small.samples += [["cart", "visits", START + hour * HOUR, 1.0] for hour in range(48)]


def unlabelled(small: Small) -> None:
    small.samples = [[s, m, START + (t - START) * 30, v] for s, m, t, v in small.samples]
    small.cadence_s = 9000.0
    small.created_at = START + 60 * DAY
    small.incidents = [incident(end=START + 40 * HOUR)]
    small.pages, small.feedback = [], []


GHOST = "commerce/ghost"
DEFECTS: dict[str, tuple[Callable[[Small], None], set[str]]] = {
    "nothing": (lambda _: None, set()),
    "nan": (value(7, math.nan), {"non_finite"}),
    "infinite": (value(8, -math.inf), {"non_finite"}),
    "negative latency": (value(17, -0.1), {"out_of_range"}),
    "sample twice": (repeat, {"repeated"}),
    "two samples swapped": (swap, {"disordered"}),
    "three samples missing": (drop("cart", 100, 103), {"gaps"}),
    "one sample missing": (drop("cart", 100, 101), set()),
    "series falls silent": (drop("cart", 200, 576), {"series_freshness"}),
    "an hourly series among 5-minute ones": (slow_series, {"cadence"}),
    "imported long after": (lambda s: setattr(s, "created_at", START + 90 * DAY), {"telemetry_freshness"}),
    "weeks without labels": (unlabelled, {"label_freshness"}),
    "no labels": (lambda small: small.incidents.clear(), {"has_labels"}),
    "label after the telemetry": (
        append(
            "incidents",
            incident(incident_id="i-1", start=START + 3 * DAY, end=START + 4 * DAY, known_at=START + 5 * DAY),
        ),
        {"label_outside_telemetry", "label_partly_outside", "label_without_samples"},
    ),
    "label before the telemetry": (
        append("incidents", incident(incident_id="i-2", start=START - 2 * DAY, end=START - DAY)),
        {
            "label_outside_telemetry",
            "label_partly_outside",
            "label_service_outside_topology",
            "label_without_samples",
        },
    ),
    "label begins too early": (
        append("incidents", incident(incident_id="i-3", start=START - HOUR)),
        {"label_partly_outside"},
    ),
    "label of an unknown service": (
        append("incidents", incident(incident_id="i-4", root_service=GHOST)),
        {"label_service_unknown"},
    ),
    "label affects an unknown service": (
        append("incidents", incident(incident_id="i-5", affected_services=(GHOST,), end=START + 32 * HOUR)),
        {"label_service_unknown"},
    ),
    "topology ends before the label": (end_topology, {"label_service_outside_topology"}),
    "label of a deploy nobody made": (
        append("incidents", incident(incident_id="i-6", deploy="v9")),
        {"label_deploy_unknown", "label_twice"},
    ),
    "label known before": (
        append("incidents", incident(incident_id="i-7", root_service="commerce/cart", known_at=START)),
        {"label_known_early"},
    ),
    "incident labelled twice": (append("incidents", incident(incident_id="i-8")), {"label_twice"}),
    "feedback on no page": (
        append("feedback", feedback(feedback_id="f-9", page_id="page-9")),
        {"feedback_refers_to_nothing"},
    ),
    "feedback before the page": (
        append("feedback", feedback(feedback_id="f-10", labelled_at=START)),
        {"feedback_before_page"},
    ),
    "feedback names an unknown service": (
        append("feedback", feedback(feedback_id="f-11", actual_service=GHOST)),
        {"feedback_service_unknown"},
    ),
    "page of an unknown service": (
        lambda s: s.pages.append(s.pages[0].model_copy(update={"page_id": "p-12", "services": (GHOST,)})),
        {"page_service_unknown"},
    ),
    "page long after": (
        lambda s: s.pages.append(
            s.pages[0].model_copy(update={"page_id": "p-13", "paged_at": START + 9 * DAY})
        ),
        {"page_outside_telemetry"},
    ),
    "owner of an unknown service": (
        append("reference", Ownership(service=GHOST, team="x", valid_from=START, known_from=START)),
        {"reference_service_unknown"},
    ),
    "edge to a service without series": (
        append(
            "reference",
            TopologyEdge(caller="commerce/cart", callee="data/db", valid_from=START, known_from=START),
        ),
        {"topology_without_telemetry"},
    ),
    "edge twice": (lambda small: small.reference.append(small.reference[0]), {"reference_twice"}),
    "two owners": (
        append(
            "reference",
            Ownership(service="commerce/cart", team="web", valid_from=START + HOUR, known_from=START),
        ),
        {"ownership_disputed"},
    ),
    "log event of an unknown service": (
        lambda s: s.log_events.append(s.log_events[0].model_copy(update={"service": "ghost"})),
        {"event_service_unknown"},
    ),
    "platform event outside": (
        lambda s: s.platform_events.append(
            s.platform_events[0].model_copy(update={"timestamp": START - DAY})
        ),
        {"event_outside_telemetry"},
    ),
    "domain of an unknown service": (
        lambda small: small.domains.update(ghosts=[GHOST]),
        {"setting_refers_to_nothing"},
    ),
    "evaluation outside": (
        lambda s: setattr(s, "evaluation", Evaluation(span_from=START + 9 * DAY, span_to=START + 10 * DAY)),
        {"setting_refers_to_nothing"},
    ),
    "don't care about an unknown service": (
        lambda s: setattr(
            s,
            "evaluation",
            Evaluation(dont_care=(DontCare(from_=START, to=START + DAY, services=(GHOST,)),)),
        ),
        {"setting_refers_to_nothing"},
    ),
    "silent while nobody cares": (silent_unscored, set()),
    "times without a zone": (
        lambda s: s.report.update(
            times_without_zone={"read_as": "Europe/Berlin", "times": 12, "at_clock_changes": 2}
        ),
        {"naive_timestamps", "clock_changes"},
    ),
    "a file nobody read": (
        lambda s: s.report.update(files_not_read=["notes.txt"]),
        {"files_unread"},
    ),
    "rows in quarantine": (lambda small: setattr(small, "quarantined", 2), {"quarantined"}),
}
ERRORS = {
    "label_outside_telemetry",
    "label_service_unknown",
    "label_service_outside_topology",
    "label_deploy_unknown",
    "feedback_refers_to_nothing",
    "reference_service_unknown",
    "setting_refers_to_nothing",
}
BY_ROWS = {
    "non_finite",
    "out_of_range",
    "repeated",
    "disordered",
    "gaps",
    "label_outside_telemetry",
    "label_service_unknown",
    "label_service_outside_topology",
    "feedback_refers_to_nothing",
}


APART = {
    "silent while nobody cares",
    "nothing",
    "weeks without labels",
    "no labels",
    "topology ends before the label",
    "don't care about an unknown service",
}
"""Defects that undo others."""


def failed(report: ValidationReport) -> dict[str, RuleResult]:
    return {rule.rule: rule for rule in report.rules if not rule.passed}


def test_all_defects_at_once_are_told_at_once(tmp_path: Path) -> None:
    from titleshot.datasets.validation.cross_check import cross_check

    small = clean()
    planted = {name: defect for name, defect in DEFECTS.items() if name not in APART}
    for change, _ in planted.values():
        change(small)
    dataset = small.write(tmp_path / "small")
    expected = set().union(*(rules for _, rules in planted.values()))
    assert set(failed(validate_dataset(dataset))) == expected
    assert cross_check(dataset) == expected & BY_ROWS


@pytest.mark.slow
@pytest.mark.parametrize("defect", DEFECTS)
def test_a_planted_defect_fires_its_rule_and_no_other(defect: str, tmp_path: Path) -> None:
    from titleshot.datasets.validation.cross_check import cross_check

    change, expected = DEFECTS[defect]
    small = clean()
    change(small)
    dataset = small.write(tmp_path / "small")
    report = validate_dataset(dataset)
    found = failed(report)
    assert set(found) == expected
    assert {name for name, rule in found.items() if rule.severity == "error"} == expected & ERRORS
    assert report.passed == (not expected & ERRORS)
    for rule in found.values():
        assert rule.rows >= 1
        assert rule.examples
        assert "; " in rule.detail
    assert cross_check(dataset) == expected & BY_ROWS


def test_counts_are_of_rows_and_examples_name_them(tmp_path: Path) -> None:
    small = clean()
    for at in (7, 8, 700):
        small.samples[at][3] = math.nan
    found = failed(validate_dataset(small.write(tmp_path / "small")))
    assert found["non_finite"].rows == 3
    assert found["non_finite"].examples[0] == (
        "commerce/checkout latency_p99 at 2024-10-04T00:10:00Z = nan (source row 7)"
    )


def test_a_valid_dataset_can_be_replayed_and_an_invalid_one_says_why_not(tmp_path: Path) -> None:
    dataset = clean().write(tmp_path / "good")
    validate_dataset(dataset)
    assert dataset.validated().passed
    small = clean()
    small.incidents = [incident(root_service=GHOST)]
    invalid = small.write(tmp_path / "bad")
    validate_dataset(invalid)
    with pytest.raises(
        InvalidDataset, match=r"label_service_unknown on labels: 1 rows.*inc-1 commerce/ghost"
    ):
        invalid.validated()


def test_a_dataset_edited_after_import_is_stopped(tmp_path: Path) -> None:
    dataset = clean().write(tmp_path / "small")
    path = dataset.path / "telemetry/samples-00000.parquet"
    table = pq.read_table(path)
    place = table.schema.get_field_index("value")
    values = table.column("value").to_pylist()
    values[5] = 0.9
    table = table.set_column(place, table.schema.field(place), pa.array(values))
    pq.write_table(table, path)
    found = failed(validate_dataset(dataset))
    assert set(found) == {"unchanged"}
    assert "samples" in found["unchanged"].examples[0]


@pytest.mark.parametrize(
    "name", ["telemetry/samples-00000.parquet", "telemetry/series.parquet", "reference/topology.parquet"]
)
def test_a_truncated_table_is_a_finding_and_no_crash(name: str, tmp_path: Path) -> None:
    dataset = clean().write(tmp_path / "small")
    path = dataset.path / name
    path.write_bytes(path.read_bytes()[:-20])
    report = validate_dataset(dataset)
    assert not report.passed
    assert set(failed(report)) == {"table_readable"}
    assert name in failed(report)["table_readable"].examples[0]


def test_a_column_of_another_type_is_a_finding(tmp_path: Path) -> None:
    dataset = clean().write(tmp_path / "small")
    path = dataset.path / "telemetry/samples-00000.parquet"
    table = pq.read_table(path)
    place = table.schema.get_field_index("value")
    pq.write_table(table.set_column(place, "value", table.column("value").cast(pa.string())), path)
    found = failed(validate_dataset(dataset))
    assert set(found) == {"table_readable"}
    assert "column 'value' is string, not double" in found["table_readable"].examples[0]


def test_label_lines_that_break_the_contract_block_and_half_written_ones_warn(tmp_path: Path) -> None:
    dataset = clean().write(tmp_path / "small")
    path = dataset.path / "labels/incidents.jsonl"
    broken = json.dumps({**json.loads(incident().to_json()), "severity": "awful"})
    path.write_text(f"{path.read_text()}{broken}\n{incident().to_json()[:50]}")
    report = validate_dataset(dataset)
    found = failed(report)
    assert not report.passed
    assert set(found) == {"label_contract", "label_half_written"}
    assert "incidents.jsonl:3" in found["label_contract"].examples[0]
    assert "severity" in found["label_contract"].examples[0]


def test_labels_of_a_newer_major_version_block(tmp_path: Path) -> None:
    dataset = clean().write(tmp_path / "small")
    path = dataset.path / "labels/incidents.jsonl"
    path.write_text(path.read_text().replace('"schema_version":"1.0"', '"schema_version":"2.0"'))
    found = failed(validate_dataset(dataset))
    assert set(found) == {"table_readable"}
    assert "this code reads 1.x" in found["table_readable"].examples[0]


def test_a_table_without_rows_blocks(tmp_path: Path) -> None:
    dataset = clean().write(tmp_path / "small")
    path = dataset.path / "reference/topology.parquet"
    table = pq.read_table(path)
    pq.write_table(table.slice(0, 0), path)
    card = dataset.card
    emptied = card.tables["reference/topology"].model_copy(update={"rows": 0})
    dataset = Dataset(
        dataset.path, card.model_copy(update={"tables": {**card.tables, "reference/topology": emptied}})
    )
    found = failed(validate_dataset(dataset))
    assert {"table_empty", "unchanged"} <= set(found)
    assert found["table_empty"].examples == ("reference/topology",)


def test_ranges_of_the_dataset_hold_before_the_shipped_ones(tmp_path: Path) -> None:
    dataset = clean().write(tmp_path / "small")
    (dataset.path / "ranges.yaml").write_text('ranges:\n  - {metric: "latency_p*", low: 0, high: 0.2573}\n')
    found = failed(validate_dataset(dataset))
    assert set(found) == {"out_of_range"}
    assert found["out_of_range"].rows == 9


def test_data_docs_are_written_where_asked(tmp_path: Path) -> None:
    validate_dataset(clean().write(tmp_path / "small"), docs=tmp_path / "docs")
    pages = list((tmp_path / "docs").rglob("*.html"))
    assert (tmp_path / "docs/index.html") in pages
    assert any("labels" in str(page) for page in pages)


def test_a_report_is_replaced_whole_and_leaves_nothing_beside(tmp_path: Path) -> None:
    dataset = clean().write(tmp_path / "small")
    validate_dataset(dataset)
    report = validate_dataset(dataset)
    assert dataset.validation() == report
    assert [path.name for path in dataset.path.glob("*validation*")] == ["validation.json"]
    dataset.unchanged()


def test_a_rule_that_cannot_be_checked_blocks_even_as_a_warning() -> None:
    from titleshot.datasets.validation.frame import frame_of
    from titleshot.datasets.validation.gate import gate
    from titleshot.datasets.validation.validate import rule_result

    suite = load_suite("feedback")
    whole = frame_of("feedback", ("page_known", "after_page"), [(True, True), (False, True)], str)
    outcomes = {found.rule.rule: found for found in gate([(whole, suite)])[0]}
    missing = outcomes["feedback_service_unknown"]
    assert missing.rule.severity == "warning"
    assert "service_known" in missing.error
    result = rule_result(missing, whole, suite, None)
    assert (result.severity, result.passed) == ("error", False)
    # Results come back in another order than the suite's; each still belongs to its own rule.
    assert outcomes["feedback_refers_to_nothing"].failing == (1,)
    assert outcomes["feedback_before_page"].passed


def test_an_empty_table_does_not_pass_for_lack_of_rows() -> None:
    from titleshot.datasets.validation.frame import frame_of
    from titleshot.datasets.validation.gate import gate

    empty = frame_of("feedback", ("page_known", "after_page", "service_known"), [], str)
    outcomes = gate([(empty, load_suite("feedback"))])[0]
    assert [found.rule.rule for found in outcomes if not found.passed] == ["feedback_rows"]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_suite_demands_rows_and_every_rule_says_what_and_how(path: Path) -> None:
    suite = load_suite(path.stem)
    assert suite.table == path.stem
    assert any(
        rule.expect == "expect_table_row_count_to_be_between" for rule in suite.rules
    ) or suite.table in {
        "rows_labels",
        "rows_feedback",
    }
    for rule in suite.rules:
        assert rule.says
        assert rule.way_out
