"""NAB's layout in: any part of it, its traps counted, its windows as labels."""

from __future__ import annotations

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
    source = tmp_path / "nab"
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
    return import_dataset(format="nab", source=source, dataset=source.with_name("out"))


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


def test_a_file_without_windows_has_no_labels(source: Path) -> None:
    write_windows(source, {})

    dataset = imported(source)

    assert dataset.labels().incidents == []
    assert dataset.card.evaluation.labels_complete, "the benchmark's labels are complete where it has none"


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


@pytest.mark.data
def test_the_real_part_of_the_benchmark(tmp_path: Path) -> None:
    data = os.environ.get("TITLESHOT_DATA")
    if not data:
        pytest.skip("TITLESHOT_DATA is not set")

    dataset = import_dataset(format="nab", source=Path(data) / "nab", dataset=tmp_path / "nab")

    report = dataset.import_report()
    assert (dataset.card.series, dataset.card.rows) == (29, 174_651)
    assert (report["windows"], report["window_edges_off_rows"]) == (61, 0)
    assert report["samples"]["duplicates"] == 24
    assert report["times_without_zone"]["read_as"] == "UTC"
    assert report["quarantined"] == {}
    dataset.verify()
