"""The cloud monitoring layout in: dialects of time, labels of rows, clean series, and what is odd of them."""

from __future__ import annotations

import csv
import itertools
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from titleshot.datasets.contracts.instants import HOUR, MINUTE, parse_instant
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import MalformedInput, UsageError
from titleshot.datasets.importers.point_labels import labelled_runs
from titleshot.pipelines.import_ import import_dataset

START = parse_instant("2018-07-01T00:00:00Z")
RPS = "data/mongodb-machine-rps/machine-01.csv"
SERVICE = "ms-cloud/mongodb-machine-rps/machine-01"


def hour(row: int, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    return datetime.fromtimestamp((START + row * HOUR) // 10**9, UTC).strftime(form)


def rows(labels: str, first: int = 0) -> list[str]:
    return [f"{hour(row)},{row}.5,{label}" for row, label in enumerate(labels, first)]


def write(source: Path, name: str, lines: list[str], header: str = "TimeStamp,Value,Label") -> Path:
    path = source / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    source = tmp_path / "in" / "cloud"
    write(source, RPS, rows("0001100010"))
    return source


def imported(source: Path, **options: Any) -> Dataset:
    return import_dataset(
        format="ms-cloud", source=source, dataset=source.with_name("out"), replace=True, **options
    )


def spans(dataset: Dataset) -> list[tuple[int, int]]:
    """Rows [first, last) of each incident."""
    return [
        ((label.start - START) // HOUR, (label.end - START) // HOUR) for label in dataset.labels().incidents
    ]


def test_labelled_rows_that_follow_each_other_are_one_incident_to_the_row_after(source: Path) -> None:
    dataset = imported(source)

    (key,) = dataset.series()
    assert key == ("ms-cloud", "mongodb-machine-rps/machine-01", "requests_per_second", "{}")
    assert spans(dataset) == [(3, 5), (8, 9)]
    label = dataset.labels().incidents[0]
    assert (label.root_service, label.affected_services) == (SERVICE, (SERVICE,))
    assert (label.severity, label.kind, label.source) == ("high", "anomaly", "imported")
    assert label.known_at == label.end
    assert "labelled rows that follow each other" in dataset.card.notes
    assert (dataset.import_report()["incidents"], dataset.import_report()["labelled_rows"]) == (2, 3)
    dataset.verify()


def test_rows_between_may_be_allowed(source: Path) -> None:
    write(source, RPS, rows("0101000100"))

    assert spans(imported(source)) == [(1, 2), (3, 4), (7, 8)]
    assert spans(imported(source, gap_rows=1)) == [(1, 4), (7, 8)]
    assert spans(imported(source, gap_rows=3)) == [(1, 8)]
    with pytest.raises(UsageError, match="gap_rows must be at least 0"):
        imported(source, gap_rows=-1)


def test_missing_rows_end_an_incident(source: Path) -> None:
    lines = rows("000111100000")
    del lines[5]
    write(source, RPS, lines)

    assert spans(imported(source)) == [(3, 5), (6, 7)]


@pytest.mark.parametrize(
    "path", [RPS, "mongodb-machine-rps/machine-01.csv", "a/b/data/mongodb-machine-rps/machine-01.csv"]
)
def test_files_are_found_however_deep_the_folder_was_given(tmp_path: Path, path: str) -> None:
    write(tmp_path / "in", path, rows("00100"))

    dataset = imported(tmp_path / "in")

    assert [label.root_service for label in dataset.labels().incidents] == [SERVICE]


def test_one_group_or_one_file_is_enough(source: Path) -> None:
    for place in (source / RPS, (source / RPS).parent):
        dataset = import_dataset(
            format="ms-cloud", source=place, dataset=source.with_name("one"), replace=True
        )
        assert [key.service_id for key in dataset.series()] == [SERVICE]


def test_three_dialects_of_time_quoted_or_not_mean_the_same(source: Path) -> None:
    for name, form, quote in (
        ("bare", "%Y-%m-%d %H:%M:%S", ""),
        ("zoned", "%Y-%m-%dT%H:%M:%SZ", '"'),
        ("offset", "%Y-%m-%dT%H:%M:%S+00:00", '"'),
    ):
        lines = [f"{quote}{hour(row, form)}{quote},{row}.5,{label}" for row, label in enumerate("0001100010")]
        write(source, f"data/group/{name}.csv", lines)
    quoted = [",".join(f'"{cell}"' for cell in line.split(",")) for line in rows("0001100010")]
    path = write(source, "data/group/quoted.csv", quoted, header='"TimeStamp","Value","Label"')
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))

    dataset = imported(source)

    report = dataset.import_report()
    assert (report["files"], report["samples"]["rows"], report["quarantined"]) == (5, 50, {})
    assert {(label.start, label.end) for label in dataset.labels().incidents} == {
        (START + 3 * HOUR, START + 5 * HOUR),
        (START + 8 * HOUR, START + 9 * HOUR),
    }
    assert report["times_without_zone"] == {"read_as": "UTC", "times": 30, "at_clock_changes": 0}
    assert report["times_written_as"] == {
        "9999-99-99 99:99:99": 30,
        "9999-99-99T99:99:99Z": 10,
        "9999-99-99T99:99:99+99:99": 10,
    }


def test_a_file_that_changes_its_dialect_is_named(source: Path) -> None:
    write(source, RPS, [*rows("00"), f"{hour(2, '%Y-%m-%dT%H:%M:%SZ')},1,0"])

    assert imported(source).import_report()["files_with_times_written_in_several_ways"] == [SERVICE]


def test_another_zone_moves_naive_times_only(source: Path) -> None:
    write(source, "data/group/zoned.csv", [f"{hour(0, '%Y-%m-%dT%H:%M:%SZ')},1,1"])

    starts = {label.start for label in imported(source, zone="Europe/Berlin").labels().incidents}

    assert starts == {START, START + 1 * HOUR, START + 6 * HOUR}


def test_a_clean_series_is_one_without_incidents_and_its_labels_are_complete(source: Path) -> None:
    write(source, RPS, rows("0" * 8))

    dataset = imported(source)

    assert dataset.labels().incidents == []
    assert dataset.import_report()["files_without_incidents"] == 1
    assert dataset.card.evaluation.labels_complete
    assert dataset.card.evaluation.dont_care == ()


def test_a_file_without_labels_is_not_scored(source: Path) -> None:
    write(source, "data/group/new.csv", [line[:-2] for line in rows("0000")], header="TimeStamp,Value")

    dataset = imported(source)

    assert dataset.import_report()["files_without_labels"] == ["ms-cloud/group/new"]
    spans = [(of.services, of.from_, of.to) for of in dataset.card.evaluation.dont_care]
    assert (("ms-cloud/group/new",), START, START + 4 * HOUR) in spans
    assert dataset.card.evaluation.labels_complete, "those of the other file are"


def test_without_any_labels_no_page_is_known_to_be_false(source: Path) -> None:
    write(source, RPS, [line[:-2] for line in rows("0000")], header="TimeStamp,Value")

    dataset = imported(source)

    assert not dataset.card.evaluation.labels_complete
    assert dataset.card.evaluation.dont_care == (), "labels that come later count"


@pytest.mark.parametrize("label", ["2", "", "yes", "-1", "0.5", "01"])
def test_a_label_that_is_neither_0_nor_1_leaves_its_row_unscored(source: Path, label: str) -> None:
    lines = rows("0011100000")
    lines[3] = lines[3][:-1] + label
    write(source, RPS, lines)

    dataset = imported(source)

    assert dataset.card.rows == 10, "the sample is kept"
    assert dataset.import_report()["quarantined"] == {"labels": {"neither 0 nor 1": 1}}
    assert spans(dataset) == [(2, 3), (4, 5)]
    (span,) = dataset.card.evaluation.dont_care
    assert (span.from_, span.to, span.services) == (START + 3 * HOUR, START + 4 * HOUR, (SERVICE,))


def test_a_row_without_a_value_keeps_its_label(source: Path) -> None:
    lines = rows("0011100000")
    lines[3] = f"{hour(3)},,1"
    write(source, RPS, lines)

    dataset = imported(source)

    assert dataset.card.rows == 9
    assert dataset.import_report()["quarantined"] == {"samples": {"no value": 1}}
    assert spans(dataset) == [(2, 5)]


def test_repeated_rows_are_kept_counted_and_one_label(source: Path) -> None:
    lines = rows("0011100000")
    write(source, RPS, [*lines[:3], lines[2], *lines[3:], f"{hour(3)},7,0"])

    dataset = imported(source)

    report = dataset.import_report()
    assert (dataset.card.rows, report["samples"]["duplicates"]) == (12, 2)
    assert spans(dataset) == [(2, 5)], "a time that one row labels is labelled"
    assert report["times_labelled_both_ways"] == 1


def test_equal_telemetry_under_two_names_is_named(source: Path) -> None:
    write(source, "data/mongodb-machine-rps/machine-02.csv", rows("0000000000"))

    same = imported(source).import_report()["same_telemetry_under_several_names"]

    assert same == [[SERVICE, SERVICE.replace("01", "02")]]


def test_cadence_is_that_of_most_series_or_mixed(source: Path) -> None:
    minutes = [f"2018-07-01 00:{row:02d}:00,1,0" for row in range(5)]
    write(source, "data/group/minutes.csv", minutes)
    write(source, "data/group/halves.csv", [f"2018-07-01 00:{row * 30:02d}:00,1,0" for row in range(2)])
    mixed = imported(source)
    assert mixed.card.cadence_s is None
    assert mixed.card.evaluation.detect_within_s == 3 * 3600

    write(source, "data/group/halves.csv", minutes)
    assert imported(source).card.cadence_s == 60


@pytest.mark.parametrize(
    ("group", "metric"),
    [
        ("application-crash-rate-1", "crash_error_rate"),
        ("application-crash-rate-2", "crash_error_ratio_to_launches"),
        ("consumer-purchase-rate", "purchase_throughput"),
        ("data-ingress-rate", "ingress_throughput"),
        ("ecommerce-api-incoming-rps", "requests_per_second"),
        ("middle-tier-api-dependency-latency", "dependency_latency"),
        ("mongodb-application-rps", "requests_per_second"),
        ("something-new", "value"),
    ],
)
def test_a_group_names_the_metric(tmp_path: Path, group: str, metric: str) -> None:
    write(tmp_path / "in", f"data/{group}/a.csv", rows("000"))

    assert [key.metric_name for key in imported(tmp_path / "in").series()] == [metric]


def test_time_outside_a_file_is_not_scored_and_nothing_is_invented_about_callers(source: Path) -> None:
    write(source, "data/group/later.csv", rows("000", first=20))

    dataset = imported(source)

    spans = {(of.services, of.from_, of.to) for of in dataset.card.evaluation.dont_care}
    assert spans == {
        ((SERVICE,), START + 10 * HOUR, START + 23 * HOUR),
        (("ms-cloud/group/later",), START, START + 20 * HOUR),
        (None, START + 10 * HOUR, START + 20 * HOUR),
    }
    assert set(dataset.card.tables) == {"samples", "series"}


def test_other_columns_half_files_and_strange_names_are_set_aside_with_a_reason(source: Path) -> None:
    write(source, "data/group/other.csv", rows("000"), header="time,reading,flag")
    write(source, "data/group/empty.csv", [], header="")
    write(source, "data/group/a\nb.csv", rows("000"))
    write(source, "data/group/text.csv", [f"{hour(0)},many,0", "soon,1,0"])
    write(source, "data/group/half.csv", [*rows("001"), "2018-07-01 03:00:00,1"])
    write(source, "more/mongodb-machine-rps/machine-01.csv", rows("111"))

    dataset = imported(source)

    assert {key.service for key in dataset.series()} == {"mongodb-machine-rps/machine-01", "group/half"}
    assert dataset.import_report()["quarantined"] == {
        "samples": {
            "no header": 2,
            "no name for a service": 1,
            "no number": 1,
            "no time": 1,
            "too few cells": 1,
            "service twice": 1,
        }
    }
    twice = pq.read_table(dataset.path / "quarantine/samples.parquet").to_pylist()[-1]
    assert twice["detail"] == f"{SERVICE} was read from another file"


def test_columns_may_stand_in_any_order(source: Path) -> None:
    write(source, RPS, [f"{label},{n},{hour(n)}" for n, label in enumerate("0110")], "label,value,timestamp")

    assert spans(imported(source)) == [(1, 3)]


def test_nothing_usable_is_malformed_input(tmp_path: Path) -> None:
    with pytest.raises(MalformedInput, match=r"no <group>/<name>\.csv here"):
        imported(tmp_path)
    write(tmp_path / "in", "group/a.csv", [])
    with pytest.raises(MalformedInput, match="none of 1 files"):
        imported(tmp_path / "in")


@pytest.mark.parametrize("cadence_s", [0.0, -1.0, float("nan"), 1e18])
def test_a_cadence_that_cannot_be_is_refused(source: Path, cadence_s: float) -> None:
    with pytest.raises(UsageError, match="cadence_s must be"):
        imported(source, cadence_s=cadence_s)


def test_a_link_out_of_the_folder_is_refused(source: Path, tmp_path: Path) -> None:
    secret = write(tmp_path / "elsewhere", "secret.csv", rows("000"))
    (source / "data/mongodb-machine-rps/link.csv").symlink_to(secret)

    with pytest.raises(MalformedInput, match="a link that leads out of"):
        imported(source)


@given(
    st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=40),
    st.integers(0, 3),
)
def test_runs_are_those_of_a_plain_walk_over_the_rows(marks: list[tuple[int, bool]], gap_rows: int) -> None:
    by_time: dict[int, bool] = {}
    for time, labelled in marks:
        by_time[time] = by_time.get(time, False) or labelled
    walked: list[list[int]] = []
    between = 0
    for time in sorted(by_time):
        if not by_time[time]:
            between += 1
            continue
        if walked and between <= gap_rows and time - walked[-1][1] <= gap_rows + 1:
            walked[-1][1] = time
        else:
            walked.append([time, time])
        between = 0

    runs = labelled_runs(
        np.array([time for time, _ in marks], np.int64) * MINUTE,
        np.array([labelled for _, labelled in marks], np.bool_),
        MINUTE,
        gap_rows,
    )

    assert [[a // MINUTE, b // MINUTE] for a, b in zip(runs.first, runs.last, strict=True)] == walked


@pytest.mark.data
def test_the_real_part_of_the_set(data_folder: Path, tmp_path: Path) -> None:
    source = data_folder / "ms-cloud-monitoring"
    dataset = import_dataset(format="ms-cloud", source=source, dataset=tmp_path / "cloud")

    seen: dict[str, int] = dict.fromkeys(("files", "rows", "empty", "repeats", "naive", "labelled"), 0)
    incidents: dict[str, list[tuple[datetime, datetime]]] = {}
    for path in sorted(source.glob("data/*/*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = [(row["TimeStamp"], row["Value"], row["Label"]) for row in csv.DictReader(file)]
        times = [datetime.fromisoformat(time).replace(tzinfo=UTC) for time, _, _ in table]
        seen["files"] += 1
        seen["rows"] += len(table)
        seen["empty"] += sum(value == "" for _, value, _ in table)
        filled = [time for time, (_, value, _) in zip(times, table, strict=True) if value]
        seen["repeats"] += len(filled) - len(set(filled))
        seen["naive"] += sum("Z" not in time for time, _, _ in table)
        seen["labelled"] += sum(label == "1" for _, _, label in table)
        steps = sorted(b - a for a, b in itertools.pairwise(sorted(set(times))))
        step = steps[len(steps) // 2]
        found: list[list[datetime]] = []
        before = False
        for time, (_, _, label) in zip(times, table, strict=True):
            if label == "1" and before:
                found[-1][1] = time
            elif label == "1":
                found.append([time, time])
            before = label == "1"
        incidents[f"ms-cloud/{path.parent.name}/{path.stem}"] = [(a, b + step) for a, b in found]

    report = dataset.import_report()
    assert (dataset.card.series, dataset.card.rows) == (seen["files"], seen["rows"] - seen["empty"])
    assert report["quarantined"] == {"samples": {"no value": seen["empty"]}}
    assert report["samples"]["duplicates"] == seen["repeats"]
    assert report["times_without_zone"]["times"] == seen["naive"]
    assert report["labelled_rows"] == seen["labelled"]
    assert report["files_without_incidents"] == sum(not of for of in incidents.values()) > 0
    ours: dict[str, list[tuple[datetime, datetime]]] = {service: [] for service in incidents}
    for label in dataset.labels().incidents:
        start, end = (datetime.fromtimestamp(at / 1e9, UTC) for at in (label.start, label.end))
        ours[label.root_service].append((start, end))
    assert ours == incidents
    assert report["samples"]["series_by_cadence_s"] == {"3600": 25, "60": 5}
    assert len(report["same_telemetry_under_several_names"]) == 1
    dataset.verify()
