"""NAB's layout in: any part of it, its traps counted, its windows as labels."""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from titleshot.datasets.contracts.instants import MINUTE, parse_instant
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import MalformedInput
from titleshot.pipelines.import_ import import_dataset

START = parse_instant("2014-04-01T00:00:00Z")


def stamp(row: int) -> str:
    return f"2014-04-01 {row // 12:02d}:{row % 12 * 5:02d}:00"


def write_file(source: Path, name: str, lines: list[str], header: str = "timestamp,value") -> None:
    path = source / "data" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *lines]) + "\n")


def write_windows(source: Path, windows: object) -> None:
    (source / "labels").mkdir(exist_ok=True)
    (source / "labels/combined_windows.json").write_text(json.dumps(windows))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Twenty rows five minutes apart with a window over rows 10 to 12."""
    source = tmp_path / "in" / "nab"
    write_file(source, "group/cpu.csv", [f"{stamp(row)},{row}.5" for row in range(20)])
    write_windows(
        source,
        {
            "group/cpu.csv": [[stamp(10) + ".000000", stamp(12) + ".000000"]],
            "group/gone.csv": [["2014-04-01 00:00:00", "2014-04-02 00:00:00"]] * 2,
        },
    )
    return source


def imported(source: Path) -> Dataset:
    return import_dataset(format="nab", source=source, dataset=source.with_name("out"), replace=True)


def imported_to(dataset: Path, source: Path) -> Dataset:
    return import_dataset(format="nab", source=source, dataset=dataset)


def test_a_file_is_a_service_and_a_window_an_incident_that_includes_its_last_row(source: Path) -> None:
    dataset = imported(source)

    (key,), (label,) = dataset.series(), dataset.labels().incidents
    assert key == ("nab", "group/cpu", "value", "{}")
    assert (label.root_service, label.kind, label.source) == ("nab/group/cpu", "anomaly", "imported")
    assert (label.start, label.end) == (START + 50 * MINUTE, START + 60 * MINUTE + 1)
    assert label.known_at == label.end
    dataset.verify()


def test_naive_times_are_read_as_utc_and_said_to_be(source: Path) -> None:
    report = imported(source).import_report()

    assert report["times_without_zone"]["read_as"] == "UTC"
    assert report["times_without_zone"]["times"] == 22
    assert (report["windows"], report["windows_of_absent_files"]) == (1, 2)
    assert report["window_edges_off_rows"] == 0


def test_probation_and_the_time_outside_a_file_are_not_scored(source: Path) -> None:
    write_file(source, "later/rps.csv", [f"2015-04-01 00:{row:02d}:00,1" for row in range(3)])
    write_windows(source, {"group/cpu.csv": [], "later/rps.csv": []})

    evaluation = imported(source).card.evaluation

    later, minute = parse_instant("2015-04-01T00:00:00Z"), 60 * 10**9
    spans = {(span.services, span.from_, span.to) for span in evaluation.dont_care}
    assert spans == {
        (("nab/group/cpu",), START, START + 15 * MINUTE),
        (("nab/group/cpu",), START + 95 * MINUTE + 1, later + 2 * minute + 1),
        (("nab/later/rps",), START, later),
        (None, START + 95 * MINUTE + 1, later),
    }
    assert evaluation.early_s["imported"] == 0
    assert evaluation.labels_complete


def test_repeats_disorder_and_faulty_rows_are_counted(source: Path) -> None:
    lines = [
        f"{stamp(1)},1",
        f"{stamp(3)},2",
        f"{stamp(2)},3",
        f"{stamp(3)},4",
        "soon,5",
        f"{stamp(4)},six",
        "7",
    ]
    write_file(source, "group/messy.csv", lines)

    dataset = imported(source)

    samples = dataset.import_report()["samples"]
    assert (samples["duplicates"], samples["out_of_order"]) == (1, 1)
    rows = pq.read_table(dataset.path / "quarantine/samples.parquet").to_pylist()
    assert [(row["source"], row["row"], row["reason"]) for row in rows] == [
        ("group/messy.csv", 6, "no time or no number"),
        ("group/messy.csv", 7, "no time or no number"),
        ("group/messy.csv", 8, "too few cells"),
    ]


def test_a_file_with_an_empty_list_of_windows_is_one_without_incidents(source: Path) -> None:
    write_windows(source, {"group/cpu.csv": []})

    dataset = imported(source)

    assert dataset.labels().incidents == []
    assert dataset.card.evaluation.labels_complete, "the benchmark's labels are complete where it has none"


def test_a_file_that_the_windows_do_not_name_is_not_scored(source: Path) -> None:
    write_file(source, "group/new.csv", [f"{stamp(row)},1" for row in range(20)])

    dataset = imported(source)

    report, evaluation = dataset.import_report(), dataset.card.evaluation
    assert report["files_without_labels"] == ["nab/group/new"]
    (span,) = [span for span in evaluation.dont_care if "do not name" in span.reason]
    assert (span.services, span.from_, span.to) == (("nab/group/new",), START, START + 95 * MINUTE + 1)
    assert evaluation.labels_complete, "those of the other file are"


def test_labels_that_come_later_count_where_no_file_has_any(source: Path) -> None:
    write_windows(source, {})

    evaluation = imported(source).card.evaluation

    assert not evaluation.labels_complete
    assert not [span for span in evaluation.dont_care if "do not name" in span.reason]


def test_without_any_windows_file_nothing_is_known_to_be_false(source: Path) -> None:
    (source / "labels/combined_windows.json").unlink()

    assert not imported(source).card.evaluation.labels_complete


def test_a_window_that_is_none_is_set_aside(source: Path) -> None:
    write_windows(source, {"group/cpu.csv": [[stamp(5)], [stamp(9), stamp(7)], [stamp(1), stamp(1)]]})

    dataset = imported(source)

    assert [label.incident_id for label in dataset.labels().incidents] == ["group/cpu#3"]
    assert dataset.import_report()["quarantined"] == {"incidents": {"no window": 2}}


def test_windows_that_fall_between_rows_are_counted(source: Path) -> None:
    write_windows(source, {"group/cpu.csv": [["2014-04-01 00:51:00", stamp(12)]]})

    assert imported(source).import_report()["window_edges_off_rows"] == 1


def test_a_file_without_the_two_columns_is_set_aside(source: Path) -> None:
    write_file(source, "group/other.csv", ["1,2"], header="time,reading")
    write_file(source, "group/extra.csv", [f"1,{stamp(0)},9"], header="value,timestamp,score")

    dataset = imported(source)

    assert [key.service for key in dataset.series()] == ["group/cpu", "group/extra"]
    assert dataset.import_report()["quarantined"] == {"samples": {"no header": 1}}


def test_a_file_whose_name_no_service_can_have_is_set_aside(source: Path) -> None:
    write_file(source, "group/a\nb.csv", [f"{stamp(0)},9"])
    write_file(source, os.fsdecode(b"group/\xff.csv"), [f"{stamp(0)},9"])

    dataset = imported(source)

    assert dataset.import_report()["quarantined"] == {"samples": {"no name for a service": 2}}


def test_labels_cannot_lead_outside_the_source(source: Path) -> None:
    write_file(source.parent, "secret.csv", [f"{stamp(0)},9"])
    write_windows(source, {"../../data/secret.csv": [[stamp(0), stamp(0)]]})

    dataset = imported(source)

    assert dataset.card.series == 1
    assert dataset.import_report()["windows_of_absent_files"] == 1


def test_no_files_and_no_rows_are_malformed_input(tmp_path: Path) -> None:
    with pytest.raises(MalformedInput, match=r"no data/<group>/<file>\.csv here"):
        imported(tmp_path)
    write_file(tmp_path, "group/empty.csv", [])
    with pytest.raises(MalformedInput, match="none of 1 files"):
        imported(tmp_path)


def test_windows_that_are_no_json_name_the_line(source: Path) -> None:
    (source / "labels/combined_windows.json").write_text('{"a":\n [1,}')

    with pytest.raises(MalformedInput, match="line 2"):
        imported(source)


def test_the_folder_may_be_given_from_above_or_below(source: Path, tmp_path: Path) -> None:
    above = imported_to(tmp_path / "above", source.parent)
    below = imported_to(tmp_path / "below", source / "data")
    group = imported_to(tmp_path / "group", source / "data" / "group")
    file = imported_to(tmp_path / "file", source / "data" / "group" / "cpu.csv")

    for dataset in (above, below, group, file):
        assert dataset.series() == [("nab", "group/cpu", "value", "{}")]
        assert dataset.card.rows == 20
    assert len(above.labels().incidents) == 1
    for dataset in (below, group, file):
        assert not dataset.card.evaluation.labels_complete, "the windows lie outside of what was given"


def test_a_file_in_a_deeper_folder_keeps_its_windows(source: Path) -> None:
    deeper = source / "data" / "part-1"
    deeper.mkdir()
    (source / "data" / "group").rename(deeper / "group")

    (label,) = imported(source).labels().incidents

    assert label.root_service == "nab/part-1/group/cpu"


def test_results_of_detectors_are_no_data(source: Path, tmp_path: Path) -> None:
    results = source / "results" / "numenta" / "group"
    results.mkdir(parents=True)
    (results / "numenta_cpu.csv").write_text(f"timestamp,value,anomaly_score\n{stamp(0)},1,0.5\n")
    assert imported(source).card.series == 1

    with pytest.raises(MalformedInput, match="no data/"):
        imported_to(tmp_path / "results", source / "results")


def test_two_benchmarks_in_one_folder_are_not_mixed(source: Path, tmp_path: Path) -> None:
    write_file(source.parent / "other", "group/cpu.csv", [f"{stamp(0)},1"])

    with pytest.raises(MalformedInput, match="2 folders with data/"):
        imported_to(tmp_path / "both", source.parent)


def test_unsorted_files_and_repeated_times_are_counted_by_file(source: Path) -> None:
    write_file(source, "group/unsorted.csv", [f"{stamp(row)},1" for row in (1, 0, 2)])
    write_file(source, "group/repeats.csv", [f"{stamp(row)},1" for row in (0, 1, 1, 1)])

    report = imported(source).import_report()

    assert (report["files_out_of_order"], report["files_with_repeated_times"]) == (1, 1)


def test_files_of_several_cadences_are_mixed_where_none_is_usual(source: Path) -> None:
    write_file(source, "group/minute.csv", [f"2014-04-01 00:{row:02d}:00,1" for row in range(5)])
    write_file(source, "group/hour.csv", [f"2014-04-01 {row:02d}:00:00,1" for row in range(5)])

    dataset = imported(source)

    assert dataset.card.cadence_s is None
    assert dataset.import_report()["samples"]["series_by_cadence_s"] == {"60": 1, "300": 1, "3600": 1}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (f"{stamp(0)},1,2", "too many cells"),
        (f"{stamp(0)},1_000", "no time or no number"),
        (f"{stamp(0)},", "no time or no number"),
        (f'"{stamp(0)},1', "no row"),
        (f"{stamp(0)},1\x00", "no time or no number"),
        ("2014-02-30 00:00:00,1", "no time or no number"),
        (f"{stamp(0)}," + "1" * (1 << 20), "line too long"),
    ],
)
def test_a_faulty_line_costs_itself_only(source: Path, line: str, reason: str) -> None:
    write_file(source, "group/faulty.csv", [f"{stamp(1)},1", line, f"{stamp(2)},2"])

    dataset = imported(source)

    assert dataset.card.rows == 22
    assert dataset.import_report()["quarantined"] == {"samples": {reason: 1}}


def test_a_column_named_twice_is_ambiguous(source: Path) -> None:
    write_file(source, "group/twice.csv", [f"{stamp(1)},1,2"], header="timestamp,value,Value")

    assert imported(source).import_report()["quarantined"] == {"samples": {"no header": 1}}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8"])
def test_a_byte_order_mark_and_windows_line_ends_are_no_matter(source: Path, encoding: str) -> None:
    path = source / "data/group/cpu.csv"
    text = "timestamp,value\r\n" + "".join(f"{stamp(row)},{row}\r\n" for row in range(4))
    path.write_bytes(text.encode(encoding))

    dataset = imported(source)

    assert (dataset.card.rows, dataset.import_report()["quarantined"]) == (4, {})


def seen_in(source: Path) -> dict[str, int]:
    """What the files hold, counted plainly."""
    windows = json.loads((source / "labels/combined_windows.json").read_text())
    seen = dict.fromkeys(
        ("files", "rows", "duplicates", "out_of_order", "unsorted", "windows", "others", "naive"), 0
    )
    for path in source.glob("data/*/*.csv"):
        times = [line.split(",")[0] for line in path.read_text().splitlines()[1:]]
        back = sum(before > after for before, after in itertools.pairwise(times))
        seen["files"] += 1
        seen["rows"] += len(times)
        seen["duplicates"] += len(times) - len(set(times))
        seen["out_of_order"] += back
        seen["unsorted"] += back > 0
        seen["windows"] += len(windows.pop(f"{path.parent.name}/{path.name}"))
    seen["others"] = sum(map(len, windows.values()))
    seen["naive"] = seen["rows"] + 2 * seen["windows"]
    return seen


@pytest.mark.data
def test_the_real_part_of_the_benchmark(data_folder: Path, tmp_path: Path) -> None:
    dataset = import_dataset(format="nab", source=data_folder / "nab", dataset=tmp_path / "nab")

    report, seen = dataset.import_report(), seen_in(data_folder / "nab")
    assert (dataset.card.series, dataset.card.rows) == (seen["files"], seen["rows"])
    assert report["samples"]["duplicates"] == seen["duplicates"]
    assert report["samples"]["out_of_order"] == seen["out_of_order"]
    assert report["files_out_of_order"] == seen["unsorted"]
    assert (report["windows"], report["window_edges_off_rows"]) == (seen["windows"], 0)
    assert report["windows_of_absent_files"] == seen["others"]
    assert len(dataset.labels().incidents) == seen["windows"]
    assert report["times_without_zone"] == {"read_as": "UTC", "times": seen["naive"], "at_clock_changes": 0}
    assert report["files_without_labels"] == []
    assert report["quarantined"] == {}
    dataset.verify()
