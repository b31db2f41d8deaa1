"""JSON Lines in: what keeps the contract is kept in order, what breaks it is set aside with the reason."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from titleshot.datasets.contracts.incidents import Page
from titleshot.datasets.contracts.instants import parse_instant
from titleshot.datasets.contracts.labels import FeedbackLabel, IncidentLabel
from titleshot.datasets.contracts.reference import Ownership
from titleshot.datasets.contracts.telemetry import LogEvent, PlatformEvent
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import MalformedInput, UnknownVersion, UsageError
from titleshot.pipelines.import_ import import_dataset

LATENCY = [0.41, 0.43, 0.39, 0.45, 0.40, 0.44, 0.42, 0.46, 0.43, 1.86]
CATALOG = [0.28, 0.31, 0.29, 0.30, 0.32, 0.81]


def line(minute: int = 0, value: Any = 0.41, service: str = "checkout-api", **fields: Any) -> str:
    sample = {
        "timestamp": f"2026-04-26T01:{minute:02d}:00Z",
        "service": service,
        "namespace": "commerce",
        "metric_name": "latency_p99",
        "value": value,
        **fields,
    }
    return json.dumps({name: field for name, field in sample.items() if field is not ...})


def import_lines(folder: Path, lines: list[str | bytes], **how: Any) -> Dataset:
    raw = [text if isinstance(text, bytes) else text.encode() for text in lines]
    (folder / "samples.jsonl").write_bytes(b"\n".join(raw) + b"\n")
    return import_dataset(format="jsonl", source=folder / "samples.jsonl", dataset=folder / "out", **how)


def aside(dataset: Dataset, kind: str = "samples") -> list[tuple[int, str]]:
    rows = pq.read_table(dataset.path / "quarantine" / f"{kind}.parquet").to_pylist()
    return [(row["row"], row["reason"]) for row in rows]


def values(dataset: Dataset) -> list[float]:
    return [float(value) for block in dataset.blocks() for value in block.values]


def test_the_samples_of_the_module_are_read(tmp_path: Path) -> None:
    checkout = [line(minute, value) for minute, value in enumerate(LATENCY)]
    catalog = [line(10 + minute, value, "catalog-api") for minute, value in enumerate(CATALOG)]

    dataset = import_lines(tmp_path, checkout + catalog)

    assert [key.service for key in dataset.series()] == ["catalog-api", "checkout-api"]
    assert values(dataset) == LATENCY + CATALOG
    assert dataset.card.cadence_s == 60
    assert dataset.import_report()["quarantined"] == {}
    dataset.verify()


def test_faulty_lines_are_set_aside_with_line_field_and_reason(tmp_path: Path) -> None:
    dataset = import_lines(
        tmp_path,
        [
            line(0),
            "",
            "oops",
            "[1]",
            line(1, "0.5"),
            line(2, ...),
            line(3, True),
            line(4, namespace="com/merce"),
            line(5, colour="red"),
            line(6, timestamp="2026-04-26 01:06:00"),
            line(7, timestamp="yesterday"),
            line(8) + line(9),
            b'{"timestamp": "\xff"}',
            line(10),
        ],
    )

    assert len(values(dataset)) == 2
    assert aside(dataset) == [
        (3, "not JSON"),
        (4, "not JSON"),
        (5, "value: not allowed"),
        (6, "value: missing"),
        (7, "value: not allowed"),
        (8, "namespace: not allowed"),
        (9, "unknown field"),
        (10, "timestamp: no zone"),
        (11, "timestamp: not allowed"),
        (12, "not JSON"),
        (13, "not JSON"),
    ]
    detail = pq.read_table(dataset.path / "quarantine/samples.parquet")["detail"].to_pylist()
    assert detail[0] == "samples.jsonl:3: not JSON: Expecting value at character 1"
    assert detail[6].startswith("samples.jsonl:9: colour:")
    assert all(text.startswith("samples.jsonl:") for text in detail)
    assert dataset.import_report()["files"] == {"samples.jsonl": {"lines": 13, "used": 2}}


def test_repeats_and_steps_back_are_kept_in_order_and_counted(tmp_path: Path) -> None:
    dataset = import_lines(tmp_path, [line(0, 1), line(2, 2), line(1, 3), line(2, 4), line(3, 5)])

    report = dataset.import_report()["samples"]
    assert (report["duplicates"], report["out_of_order"]) == (1, 1)
    assert values(dataset) == [1, 3, 2, 4, 5], "by arrival, then as in the source"


def test_times_without_a_zone_are_read_only_in_a_zone_that_was_named(tmp_path: Path) -> None:
    naive = line(0, timestamp="2026-07-01T12:00:00")
    with pytest.raises(MalformedInput, match=r"no zone \(1\).*--zone"):
        import_lines(tmp_path, [naive])

    dataset = import_lines(tmp_path, [naive, line(0)], zone="Europe/Berlin")

    assert dataset.card.span_to == parse_instant("2026-07-01T10:00:00Z") + 1
    assert dataset.import_report()["times_without_zone"] == {
        "read_as": "Europe/Berlin",
        "times": 1,
        "at_clock_changes": 0,
    }


def test_an_unknown_zone_offers_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'Europe/Berlin'"):
        import_lines(tmp_path, [line()], zone="Europe/Berlim")


def test_arrival_comes_from_the_record_else_from_the_delay(tmp_path: Path) -> None:
    dataset = import_lines(
        tmp_path, [line(0, 1, ingested_at="2026-04-26T02:00:00Z"), line(1, 2)], ingest_delay_s=30
    )

    (block,) = dataset.blocks()
    assert block.values.tolist() == [2, 1]
    assert block.arrivals.tolist() == [
        parse_instant("2026-04-26T01:01:30Z"),
        parse_instant("2026-04-26T02:00:00Z"),
    ]


def test_a_newer_major_version_ends_the_import_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(UnknownVersion, match=r"samples\.jsonl:2: .*'2\.0'"):
        import_lines(tmp_path, [line(), line(1, schema_version="2.0")])

    assert not (tmp_path / "out").exists()


def test_optional_fields_of_a_later_minor_version_are_left_out(tmp_path: Path) -> None:
    dataset = import_lines(tmp_path, [line(0, schema_version="1.7", exemplar={"trace": "x"}), line(1)])

    assert dataset.card.rows == 2


def test_nothing_usable_is_malformed_input_that_shows_a_line(tmp_path: Path) -> None:
    with pytest.raises(MalformedInput, match=r"none of 2 lines is a sample: not JSON \(2\)"):
        import_lines(tmp_path, ["oops", "{"])
    with pytest.raises(MalformedInput, match="empty"):
        import_lines(tmp_path, [])

    assert sorted(path.name for path in tmp_path.iterdir()) == ["samples.jsonl"]


def test_a_folder_holds_a_file_for_each_kind(tmp_path: Path) -> None:
    at = parse_instant("2026-04-26T01:00:00Z")
    service = "commerce/checkout-api"
    records = {
        "log_events-a": LogEvent(
            timestamp=at, namespace="commerce", service="checkout-api", level="error", template="boom"
        ),
        "platform_events": PlatformEvent(
            timestamp=at, namespace="commerce", service="checkout-api", reason="Evicted"
        ),
        "reference.2026": Ownership(service=service, team="shop", valid_from=at, known_from=at),
        "incidents": IncidentLabel(
            incident_id="i",
            start=at,
            end=at + 1,
            root_service=service,
            severity="high",
            kind="spike",
            source="human",
            known_at=at + 5,
        ),
        "feedback": FeedbackLabel(
            feedback_id="f", page_id="p", verdict="noisy", reviewer="ada", labelled_at=at
        ),
        "pages": Page(
            page_id="p",
            incident_id="i",
            status="sent",
            route="shop",
            severity="high",
            services=(service,),
            opened_at=at,
            paged_at=at,
            last_event_at=at,
        ),
    }
    source = tmp_path / "in"
    source.mkdir()
    (source / "samples-1.jsonl").write_text(line(0, 1))
    (source / "samples-0.jsonl").write_text(line(0, 0))
    (source / "notes.txt").write_text("hello")
    for name, record in records.items():
        (source / f"{name}.jsonl").write_text(record.to_json() + "\noops\n")

    dataset = import_dataset(format="jsonl", source=source, dataset=tmp_path / "out")

    assert values(dataset) == [0, 1], "files of a kind are read in the order of their names"
    assert dataset.log_events() == [records["log_events-a"]]
    assert dataset.platform_events() == [records["platform_events"]]
    assert dataset.reference() == [records["reference.2026"]]
    labels = dataset.labels()
    assert (labels.incidents, labels.feedback, labels.pages) == (
        [records["incidents"]],
        [records["feedback"]],
        [records["pages"]],
    )
    assert dataset.card.evaluation.labels_complete
    assert aside(dataset, "incidents") == [(2, "not JSON")]
    assert dataset.import_report()["files_not_read"] == ["notes.txt"]


def test_a_zone_holds_for_labels_too(tmp_path: Path) -> None:
    (tmp_path / "samples.jsonl").write_text(line())
    label = {
        "incident_id": "i",
        "start": "2026-04-26 03:00:00",
        "end": "2026-04-26 04:00:00",
        "known_at": "2026-04-27 00:00:00",
        "root_service": "commerce/checkout-api",
        "severity": "high",
        "kind": "spike",
        "source": "human",
    }
    (tmp_path / "incidents.jsonl").write_text(json.dumps(label))

    dataset = import_dataset(format="jsonl", source=tmp_path, dataset=tmp_path / "out", zone="Europe/Berlin")

    assert dataset.labels().incidents[0].start == parse_instant("2026-04-26T01:00:00Z")


def test_without_incidents_no_page_is_known_to_be_false(tmp_path: Path) -> None:
    assert not import_lines(tmp_path, [line()]).card.evaluation.labels_complete


def test_a_folder_without_samples_says_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(MalformedInput, match=r"no samples\*\.jsonl"):
        import_dataset(format="jsonl", source=tmp_path, dataset=tmp_path / "out")


def test_a_byte_order_mark_and_windows_line_ends_are_no_fault(tmp_path: Path) -> None:
    dataset = import_lines(tmp_path, [b"\xef\xbb\xbf" + line(0).encode() + b"\r", line(1) + "\r"])

    assert dataset.card.rows == 2
    assert dataset.import_report()["quarantined"] == {}


@pytest.mark.parametrize(
    ("faulty", "reason", "told"),
    [
        (line(timestamp=1777165200), "timestamp: no unit", "nothing says of which unit; write ISO 8601"),
        (line(timestamp=1777165200.5), "timestamp: no unit", "1777165200.5 is a number"),
        (line(ingested_at=1777165200), "ingested_at: no unit", "ingested_at: 1777165200 is a number"),
        (line(timestamp="2016-12-31T23:59:60Z"), "timestamp: leap second", "the second before or after"),
        (line(timestamp="0001-01-01T00:00:00+14:00"), "timestamp: not allowed", "outside 1677 to 2262"),
        (line()[:-1] + ', "value": 2}', "field given twice", "'value' stands twice"),
        (line()[:-1] + ', "series_labels": {"a": "1", "a": "2"}}', "field given twice", "'a' stands twice"),
        (line(service="\ud800"), "not Unicode", "service: a text with half of a surrogate pair"),
        (line(series_labels={"pod": "\udfff"}), "not Unicode", "series_labels.pod"),
        (line(series_labels={"\ud800": "x"}), "not Unicode", "series_labels: a name with half"),
        (line(service="a\x00b"), "service: not allowed", "service:"),
        (line(value=10**350), "number too large", "beyond what float64 holds"),
        (line()[:-5] + "1e999}", "number too large", "1e999"),
        (line()[:-5] + "1" * 5000 + "}", "number too large", "a number of 5,000 digits"),
        (line(value={"a": 1}), "value: wrong type", "value:"),
        (line(series_labels="a=b"), "series_labels: wrong type", "series_labels:"),
        (line(series_labels={"a": 1}), "a: wrong type", "series_labels.a"),
        ("[" * 100_000, "nested too deep", "32 levels"),
        ('{"a": ' * 5_000 + "1" + "}" * 5_000, "nested too deep", "32 levels"),
        (line(x=json.loads("[" * 40 + "]" * 40)), "nested too deep", "32 levels"),
        ("x" * 1_100_000, "line too long", "1,100,000 bytes"),
        ("x" * 10_000_000, "line too long", "10,000,000 bytes"),
    ],
)  # fmt: skip
def test_what_readers_would_not_agree_on_is_set_aside(
    faulty: str, reason: str, told: str, tmp_path: Path
) -> None:
    dataset = import_lines(tmp_path, [line(0), faulty, line(1)])

    assert dataset.card.rows == 2
    (row,) = pq.read_table(dataset.path / "quarantine/samples.parquet").to_pylist()
    assert (row["row"], row["reason"]) == (2, reason)
    assert row["detail"].startswith("samples.jsonl:2: ")
    assert told in row["detail"]


def test_labels_of_any_number_and_length_are_kept(tmp_path: Path) -> None:
    labels = [{f"name{n:03d}": "v" * 500 for n in range(start, start + 40)} for start in range(0, 400, 20)]
    labels += [{"pod": f"p{n}"} for n in range(200)]

    dataset = import_lines(tmp_path, [line(0, series_labels=of) for of in labels])

    assert sorted(key.series_labels for key in dataset.series()) == sorted(
        json.dumps(of, sort_keys=True, separators=(",", ":")) for of in labels
    )
    assert dataset.import_report()["quarantined"] == {}


def test_packed_lines_are_read_too(tmp_path: Path) -> None:
    (tmp_path / "samples.jsonl.gz").write_bytes(gzip.compress(line().encode() + b"\n" + line(1).encode()))

    assert import_dataset(format="jsonl", source=tmp_path, dataset=tmp_path / "out").card.rows == 2


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (tmp_path / "secret.jsonl").write_text(line())
    (source / "samples.jsonl").symlink_to(tmp_path / "secret.jsonl")

    with pytest.raises(MalformedInput, match="a link that leads out of"):
        import_dataset(format="jsonl", source=source, dataset=tmp_path / "out")


LABEL = {
    "incident_id": "i",
    "start": "2026-04-26T03:00:00Z",
    "end": "2026-04-26T02:00:00Z",
    "known_at": "2026-04-27T00:00:00Z",
    "root_service": "commerce/checkout-api",
    "severity": "high",
    "kind": "spike",
    "source": "human",
}


@pytest.mark.parametrize(
    ("record", "reason", "told"),
    [
        (LABEL, "end: must be after start", "incidents.jsonl:1: record: end must be after start"),
        ({**LABEL, "start": 5}, "start: no unit", "incidents.jsonl:1: start: 5 is a number"),
        ({**LABEL, "start": LABEL["end"], "end": LABEL["start"], "notes": "\ud800"}, "not Unicode", "notes"),
        ({**LABEL, "root_service": "checkout-api"}, "root_service: not allowed", "root_service:"),
        (json.loads(line()), "looks like samples", "it looks like a record of samples*.jsonl"),
        (
            {"feedback_id": "f", "page_id": "p", "verdict": "noisy", "reviewer": "a",
             "labelled_at": "2026-04-26T02:00:00Z"},
            "looks like feedback", "incident_id: is missing",
        ),
    ],
)  # fmt: skip
def test_a_faulty_label_names_file_line_and_field(
    record: dict[str, Any], reason: str, told: str, tmp_path: Path
) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "samples.jsonl").write_text(line())
    (source / "incidents.jsonl").write_text(json.dumps(record))

    dataset = import_dataset(format="jsonl", source=source, dataset=tmp_path / "out")

    (row,) = pq.read_table(dataset.path / "quarantine/incidents.parquet").to_pylist()
    assert row["reason"] == reason
    assert told in row["detail"]


def test_an_event_in_the_file_of_samples_is_told_so(tmp_path: Path) -> None:
    event = {"timestamp": "2026-04-26T01:00:00Z", "namespace": "n", "service": "s", "level": "error"}

    dataset = import_lines(tmp_path, [line(), json.dumps({**event, "template": "boom"})])

    assert aside(dataset) == [(2, "looks like log_events")]


def test_a_count_that_no_column_holds_is_set_aside(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "samples.jsonl").write_text(line())
    event = {"timestamp": "2026-04-26T01:00:00Z", "namespace": "n", "service": "s", "level": "error"}
    (source / "log_events.jsonl").write_text(json.dumps({**event, "template": "x", "count": 2**63}))

    dataset = import_dataset(format="jsonl", source=source, dataset=tmp_path / "out")

    assert aside(dataset, "log_events") == [(1, "number too large")]


def test_a_fault_among_many_lines_costs_only_itself(tmp_path: Path) -> None:
    lines = [line(number % 60, number) for number in range(5000)]
    lines[1234] = "oops"

    dataset = import_lines(tmp_path, lines)

    assert dataset.card.rows == 4999
    assert aside(dataset) == [(1235, "not JSON")]
