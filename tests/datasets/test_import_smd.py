"""SMD's and ASD's layouts in: made-up times, labels of rows, their explanations, archives that are none."""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from titleshot.datasets.contracts.instants import MINUTE, SECOND, parse_instant
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import MalformedInput, UsageError
from titleshot.datasets.importers import source_files
from titleshot.datasets.importers.smd.smd_arrays import BadArray, npz_arrays
from titleshot.pipelines.import_ import import_dataset

TEST_FROM = parse_instant("2020-02-01T00:00:00Z")
LABELS = (0, 0, 1, 1, 0, 0, 0, 1, 0, 0)


def values(rows: int, metrics: int = 3) -> np.ndarray[Any, Any]:
    return np.arange(rows * metrics, dtype=np.float32).reshape(rows, metrics) / (rows * metrics)


def write_npz(source: Path, name: str = "machine-1-1", **arrays: Any) -> Path:
    """An archive of these parts; None leaves one out."""
    path = source / "npz" / f"{name}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    usual = {"train": values(6), "test": values(10), "test_label": np.array(LABELS, np.int8)}
    np.savez_compressed(path, **{part: of for part, of in {**usual, **arrays}.items() if of is not None})
    return path


def write_text(source: Path, part: str, name: str, lines: list[str]) -> None:
    path = source / part / f"{name}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def explain(source: Path, name: str, *lines: str) -> None:
    write_text(source, "raw/interpretation_label", name, list(lines))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    source = tmp_path / "in" / "smd"
    write_npz(source)
    return source


def imported(source: Path, **options: Any) -> Dataset:
    return import_dataset(
        format="smd", source=source, dataset=source.with_name("out"), replace=True, **options
    )


def rows_of(dataset: Dataset, cadence: int = MINUTE) -> list[tuple[int, int]]:
    """Rows of test [first, last) of each incident."""
    return [
        ((of.start - TEST_FROM) // cadence, (of.end - TEST_FROM) // cadence)
        for of in dataset.labels().incidents
    ]


def samples(dataset: Dataset) -> dict[tuple[str, str], list[tuple[int, float]]]:
    keys = dataset.series()
    found: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for row in pq.read_table(dataset.path / "telemetry" / "samples-00000.parquet").to_pylist():
        key = keys[row["series"]]
        at = round(row["timestamp"].timestamp()) * SECOND
        found.setdefault((key.service, key.metric_name), []).append((at, row["value"]))
    return found


def test_train_ends_where_test_begins_and_every_value_is_at_its_row(source: Path) -> None:
    dataset = imported(source)

    found = samples(dataset)
    assert sorted(found) == [("machine-1-1", f"metric_0{place}") for place in (1, 2, 3)]
    whole = np.concatenate([values(6), values(10)]).astype(float)
    for place in range(3):
        times = [TEST_FROM + (row - 6) * MINUTE for row in range(16)]
        at, value = zip(*found["machine-1-1", f"metric_0{place + 1}"], strict=True)
        assert list(at) == times
        assert list(value) == whole[:, place].tolist()
    assert dataset.card.evaluation.tuning_until == TEST_FROM
    assert dataset.card.cadence_s == 60
    assert "made up" in dataset.import_report()["times_made_up"]
    dataset.verify()


def test_labelled_rows_of_test_are_incidents(source: Path) -> None:
    dataset = imported(source)

    assert rows_of(dataset) == [(2, 4), (7, 8)]
    label = dataset.labels().incidents[0]
    assert (label.root_service, label.kind, label.source) == ("smd/machine-1-1", "anomaly", "imported")
    assert (label.severity, label.notes, label.known_at) == ("high", "", label.end)
    assert dataset.import_report()["labelled_rows"] == 3


def test_application_servers_have_five_minutes_between_rows_unless_told(source: Path) -> None:
    write_npz(source, "omi-1")
    report = imported(source).import_report()
    assert report["samples"]["series_by_cadence_s"] == {"60": 3, "300": 3}
    assert report["machines_by_cadence_s"] == {"60": 1, "300": 1}
    starts = {label.start for label in imported(source).labels().incidents}
    assert starts == {TEST_FROM + row * step * MINUTE for row in (2, 7) for step in (1, 5)}

    assert imported(source, cadence_s=30.0).import_report()["machines_by_cadence_s"] == {"30": 2}


def test_the_made_up_start_may_be_chosen(source: Path) -> None:
    start = imported(source, test_from="2021-05-01T12:00:00+02:00").labels().incidents[0].start
    assert start == parse_instant("2021-05-01T10:02:00Z")

    for moment, says in (
        ("soon", "not ISO 8601"),
        ("2021-05-01 12:00:00", "no zone"),
        ("1677-09-21T00:13:00Z", "1677"),
    ):
        with pytest.raises(UsageError, match=says):
            imported(source, test_from=moment)
    with pytest.raises(UsageError, match="cadence_s must be"):
        imported(source, cadence_s=0.0)
    with pytest.raises(UsageError, match="does not fit around test_from"):
        imported(source, cadence_s=366 * 86_400.0, test_from="2261-05-01T12:00:00Z")


@pytest.mark.parametrize(
    ("lines", "reading"),
    [
        (("2-4:1", "7-8:3,2"), "from 0, the last row not included"),
        (("2-3:1", "7-7:3,2"), "from 0, the last row included"),
        (("3-4:1", "8-8:3,2"), "from 1, the last row included"),
    ],
)
def test_how_rows_of_an_explanation_count_is_found_from_the_labels(
    source: Path, lines: tuple[str, ...], reading: str
) -> None:
    explain(source, "machine-1-1", *lines)

    dataset = imported(source)

    assert rows_of(dataset) == [(2, 4), (7, 8)], "test_label decides when"
    assert [label.notes for label in dataset.labels().incidents] == [
        "metrics: metric_01",
        "metrics: metric_02, metric_03",
    ]
    report = dataset.import_report()
    assert report["interpretation_rows_counted"] == {reading: ["machine-1-1"]}
    assert report["interpretation_ranges"]["equal to a labelled run"] == 2
    assert report["incidents_explained"] == 2
    assert report["quarantined"] == {}


def test_explanations_that_disagree_with_the_labels_are_counted(source: Path) -> None:
    explain(source, "machine-1-1", "2-4:1", "3-4:2", "6-9:3", "0-1:1")

    dataset = imported(source)

    report = dataset.import_report()
    assert report["interpretation_ranges"] == {
        "equal to a labelled run": 1,
        "part of a labelled run": 1,
        "beyond a labelled run": 1,
    }
    assert [label.notes for label in dataset.labels().incidents] == [
        "metrics: metric_01, metric_02",
        "metrics: metric_03",
    ]
    assert report["quarantined"] == {"interpretations": {"explains no labelled row": 1}}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("2-4:0", "no such metric"),
        ("2-4:4", "no such metric"),
        ("4-2:1", "ends before it begins"),
        ("2-4", "no range"),
        ("2-4:", "no range"),
        ("a-b:1", "no range"),
        ("-1-4:1", "no range"),
        ("9999999999999-4:1", "no range"),
    ],
)
def test_an_explanation_that_is_none_is_set_aside(source: Path, line: str, reason: str) -> None:
    explain(source, "machine-1-1", line, "", "2-4:1")

    dataset = imported(source)

    assert dataset.import_report()["quarantined"] == {"interpretations": {reason: 1}}
    assert dataset.labels().incidents[0].notes == "metrics: metric_01"


def test_explanations_and_labels_of_machines_without_values_are_counted_and_left_out(source: Path) -> None:
    explain(source, "machine-9-9", "1-2:1")
    write_text(source, "test_label", "machine-9-8", ["0", "1"])

    dataset = imported(source)

    report = dataset.import_report()
    assert report["interpretations_of_absent_machines"] == 1
    assert report["labels_of_absent_machines"] == 1
    assert {label.root_service for label in dataset.labels().incidents} == {"smd/machine-1-1"}


def test_the_type_of_an_anomaly_is_its_kind(source: Path) -> None:
    explain(source, "machine-1-1", "2-4:1", "7-8:2")
    explain(
        source, "anomaly_type", "dataset,anomaly_segment,anomaly_type", "machine-1-1,2-4,temporal", "what,2"
    )

    dataset = imported(source)

    assert [label.kind for label in dataset.labels().incidents] == ["temporal", "anomaly"]
    assert dataset.import_report()["quarantined"] == {"interpretations": {"no type of an anomaly": 1}}
    assert dataset.import_report()["interpretations_of_absent_machines"] == 0


def test_published_text_files_give_the_same_as_an_archive(source: Path, tmp_path: Path) -> None:
    text = tmp_path / "in" / "ServerMachineDataset"
    for part, rows in (("train", values(6)), ("test", values(10))):
        lines = [",".join(repr(float(cell)) for cell in row) for row in rows]
        write_text(text, part, "machine-1-1", lines)
    write_text(text, "test_label", "machine-1-1", [str(label) for label in LABELS])

    packed, plain = imported(source), import_dataset(format="smd", source=text, dataset=tmp_path / "text")

    assert plain.card.digest == packed.card.digest
    assert rows_of(plain) == rows_of(packed)


def test_a_row_of_text_that_is_none_keeps_its_time_empty(tmp_path: Path) -> None:
    long = "0," + "1" * 3_000_000
    write_text(tmp_path / "in", "test", "machine-1-1", ["\ufeff0,1", "0,x", long, "1_0,0", "1,0", "0.5,"])

    dataset = imported(tmp_path / "in")

    assert [at for at, _ in samples(dataset)["machine-1-1", "metric_01"]] == [
        TEST_FROM,
        TEST_FROM + 4 * MINUTE,
    ]
    assert dataset.import_report()["quarantined"] == {"samples": {"no row": 4}}


@pytest.mark.parametrize("place", ["", "npz", "npz/machine-1-1.npz"])
def test_the_folder_an_inner_one_or_one_file_may_be_given(source: Path, tmp_path: Path, place: str) -> None:
    dataset = import_dataset(format="smd", source=source / place, dataset=tmp_path / "any")

    assert rows_of(dataset) == [(2, 4), (7, 8)]


def test_values_without_labels_are_not_scored(source: Path) -> None:
    write_npz(source, "machine-1-2", test_label=None)

    dataset = imported(source)

    assert dataset.import_report()["machines_without_labels"] == ["smd/machine-1-2"]
    (span,) = dataset.card.evaluation.dont_care
    assert (span.services, span.from_, span.to) == (
        ("smd/machine-1-2",),
        TEST_FROM,
        TEST_FROM + 10 * MINUTE,
    )
    assert dataset.card.evaluation.labels_complete

    (source / "npz/machine-1-1.npz").unlink()
    alone = imported(source).card.evaluation
    assert (alone.labels_complete, alone.dont_care) == (False, ())


@pytest.mark.parametrize(("absent", "rows"), [("train", 10), ("test", 6)])
def test_a_part_may_be_missing(source: Path, absent: str, rows: int) -> None:
    without: dict[str, Any] = {absent: None}
    write_npz(source, **without)

    dataset = imported(source)

    assert dataset.card.rows == 3 * rows
    assert dataset.card.evaluation.labels_complete == (absent == "train")


def test_machines_of_different_length_are_not_scored_after_their_end(source: Path) -> None:
    write_npz(source, "machine-1-2", test=values(4), test_label=np.zeros(4))

    (span,) = imported(source).card.evaluation.dont_care

    assert (span.services, span.from_, span.to) == (
        ("smd/machine-1-2",),
        TEST_FROM + 4 * MINUTE,
        TEST_FROM + 10 * MINUTE,
    )


def test_labels_that_are_no_labels_leave_their_rows_unscored(source: Path) -> None:
    write_npz(source, test_label=np.array([0, 1, 2, 1, np.nan, 0, 0, 0, 0, 0]))

    dataset = imported(source)

    assert rows_of(dataset) == [(1, 2), (3, 4)]
    spans = [(of.from_ - TEST_FROM, of.to - TEST_FROM) for of in dataset.card.evaluation.dont_care]
    assert spans == [(2 * MINUTE, 3 * MINUTE), (4 * MINUTE, 5 * MINUTE)]
    assert dataset.import_report()["quarantined"] == {"labels": {"neither 0 nor 1": 2}}


@pytest.mark.parametrize(("labels", "unscored"), [([1] * 8, 2), ([1] * 12, 0)])
def test_fewer_or_more_labels_than_rows_are_told(source: Path, labels: list[int], unscored: int) -> None:
    write_npz(source, test_label=np.array(labels))

    dataset = imported(source)

    assert dataset.import_report()["quarantined"] == {"labels": {"not as many as rows": 1}}
    assert rows_of(dataset) == [(0, 10 - unscored)]
    assert len(dataset.card.evaluation.dont_care) == (unscored > 0)


def test_values_that_are_not_finite_are_kept_and_counted(source: Path) -> None:
    test = values(10)
    test[3, 1], test[4, 1] = np.nan, np.inf
    write_npz(source, test=test)

    report = imported(source).import_report()

    assert report["samples"]["non_finite"] == 2
    assert report["values_scaled_to"] == [0.0, pytest.approx(29 / 30)]


def test_metrics_that_never_change_in_train_and_the_range_of_values_are_told(source: Path) -> None:
    train = values(6)
    train[:, 1] = 0.5
    write_npz(source, train=train)

    report = imported(source).import_report()

    assert report["metrics_constant_in_train"] == 1
    low, high = report["values_scaled_to"]
    assert (low, high) == (0.0, pytest.approx(29 / 30))


class _Bomb:
    def __reduce__(self) -> Any:
        return pytest.fail, ("a pickle was loaded",)


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"test": np.array([[_Bomb()]], object)}, "objects are never loaded"),
        ({"test_label": np.array([_Bomb()], object)}, "objects are never loaded"),
        ({"test": np.array([["a"]])}, "not numbers"),
        ({"test": np.array([[1j]])}, "not numbers"),
        ({"test": np.zeros((2, 2), [("a", "f8")])}, "not numbers"),
        ({"test": np.zeros(5)}, "rows of metrics"),
        ({"test": np.zeros((2, 2, 2))}, "rows of metrics"),
        ({"test": np.float64(1)}, "rows of metrics"),
        ({"test": np.zeros((5, 2))}, "the same metrics"),
        ({"test_label": np.zeros((5, 2))}, "one label a row"),
        ({"train": None, "test": None}, "must be there"),
    ],
)
def test_arrays_that_are_no_machine_are_set_aside_and_the_others_read(
    source: Path, arrays: dict[str, Any], says: str
) -> None:
    write_npz(source, "machine-1-2", **arrays)

    dataset = imported(source)

    assert {key.service for key in dataset.series()} == {"machine-1-1"}
    (row,) = pq.read_table(dataset.path / "quarantine/samples.parquet").to_pylist()
    assert (row["reason"], row["source"]) == ("no machine", "machine-1-2.npz")
    assert says in row["detail"]


@pytest.mark.parametrize("keep", [0, 10, 200, -30])
def test_half_an_archive_is_set_aside(source: Path, keep: int) -> None:
    path = write_npz(source, "machine-1-2")
    path.write_bytes(path.read_bytes()[:keep])

    assert imported(source).import_report()["quarantined"] == {"samples": {"no machine": 1}}


def test_a_damaged_archive_adds_nothing(source: Path) -> None:
    path = write_npz(source, "machine-1-2", train=None)
    content = bytearray(path.read_bytes())
    content[content.index(b"test.npy") + 60] ^= 0xFF
    path.write_bytes(bytes(content))

    dataset = imported(source)

    assert dataset.card.rows == 48
    assert dataset.import_report()["quarantined"] == {"samples": {"no machine": 1}}


def npy(header: bytes, body: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + body


def write_members(source: Path, members: dict[str, bytes]) -> Path:
    path = source / "npz" / "machine-1-2.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize(
    "header",
    [
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 38), }",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (-1, -1), }",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (9999999999999999999999, 0), }",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': 'many', }",
        b"{'descr': '|O', 'fortran_order': False, 'shape': (1, 1), }",
        b"{'descr': 'nonsense', 'fortran_order': False, 'shape': (1, 1), }",
        b"__import__('os').abort()",
        b"(" * 5000,
        b"\xff\xfe",
        b"",
    ],
)
def test_a_header_that_lies_is_set_aside(source: Path, header: bytes) -> None:
    write_members(source, {"test.npy": npy(header, b"12345678")})

    assert imported(source).import_report()["quarantined"] == {"samples": {"no machine": 1}}


def test_a_small_archive_that_unpacks_into_a_huge_one_is_refused(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_files, "UNPACKED_ALWAYS", 1 << 20)
    write_npz(source, "machine-1-2", test=np.zeros((1 << 16, 19)))

    with pytest.raises(MalformedInput, match="unpacks to more than"):
        imported(source)


def test_members_that_are_no_part_are_never_opened_nor_written(source: Path, tmp_path: Path) -> None:
    content = io.BytesIO()
    np.save(content, values(10))
    bomb = pickle.dumps(_Bomb())
    write_members(source, {"test.npy": content.getvalue(), "../../out.txt": bomb, "/etc/x.npy": bomb})

    assert imported(source).card.series == 6
    assert not (tmp_path / "out.txt").exists()


def test_arrays_in_fortran_order_and_of_big_endian_numbers_mean_the_same(source: Path) -> None:
    plain = imported(source)
    write_npz(source, train=np.asfortranarray(values(6)), test=values(10).astype(">f8"))

    assert imported(source).card.digest == plain.card.digest


def test_pickles_are_counted_and_never_loaded(source: Path, tmp_path: Path) -> None:
    processed = tmp_path / "in" / "asd" / "processed"
    processed.mkdir(parents=True)
    (processed / "omi-1_test.pkl").write_bytes(pickle.dumps(_Bomb()))
    with pytest.raises(MalformedInput, match=r"1 pickles are there, which are never loaded: save them as"):
        imported(processed.parent)

    (processed / "machine-1-1.npz").write_bytes((source / "npz/machine-1-1.npz").read_bytes())
    assert imported(processed.parent).import_report()["pickles_never_loaded"] == 1


def test_a_machine_that_is_there_twice_is_read_once(source: Path) -> None:
    write_npz(source / "z-copy", test=values(4))
    write_text(source, "test", "machine-1-1", ["1,2,3"])
    write_npz(source, "a\nb")

    report = imported(source).import_report()

    assert report["quarantined"] == {"samples": {"machine twice": 2, "no name for a service": 1}}


def test_nothing_usable_and_links_out_of_the_folder_are_malformed_input(source: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(MalformedInput, match="none of 0 machines has values"):
        import_dataset(format="smd", source=tmp_path / "empty", dataset=tmp_path / "out")
    (source / "npz/link.npz").symlink_to(write_npz(tmp_path / "elsewhere"))
    with pytest.raises(MalformedInput, match="a link that leads out of"):
        imported(source)


@settings(max_examples=60)
@given(st.binary(max_size=300), st.booleans())
def test_no_bytes_bring_down_the_reader_of_archives(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, within: bool
) -> None:
    path = tmp_path_factory.mktemp("garbage") / "machine.npz"
    if within:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("test.npy", b"\x93NUMPY" + content)
    else:
        path.write_bytes(content)
    with contextlib.suppress(BadArray):
        npz_arrays(path, ("test",))


def plainly(source: Path) -> dict[str, Any]:
    """What the archives hold, counted with numpy and loops."""
    seen: dict[str, Any] = {"samples": 0, "series": 0, "labelled": 0, "incidents": {}, "metrics": {}}
    for path in sorted((source / "npz").glob("*.npz")):
        held = np.load(path)
        step = 300 if path.stem.startswith("omi") else 60
        seen["samples"] += held["train"].size + held["test"].size
        seen["series"] += held["test"].shape[1]
        seen["labelled"] += int(held["test_label"].sum())
        found: list[list[int]] = []
        for row, label in enumerate(held["test_label"].tolist()):
            if label and row and held["test_label"][row - 1]:
                found[-1][1] = row + 1
            elif label:
                found.append([row, row + 1])
        ranges = []
        for line in (source / f"raw/data/interpretation_label/{path.stem}.txt").read_text().splitlines():
            rows, places = line.split(":")
            first, last = map(int, rows.split("-"))
            ranges.append((first, last, {int(place) for place in places.split(",")}))
        for start, end in found:
            key = (f"smd/{path.stem}", start * step, end * step)
            seen["incidents"][key] = None
            middle = [places for first, last, places in ranges if first < end and last > start]
            seen["metrics"][key] = sorted(set().union(*middle))
    return seen


@pytest.mark.slow
@pytest.mark.data
def test_the_real_part_of_the_sets(data_folder: Path, tmp_path: Path) -> None:
    source = data_folder / "smd-asd"
    dataset = import_dataset(format="smd", source=source, dataset=tmp_path / "smd")

    report, seen = dataset.import_report(), plainly(source)
    assert (dataset.card.series, dataset.card.rows) == (seen["series"], seen["samples"])
    assert report["labelled_rows"] == seen["labelled"]
    ours = {
        (of.root_service, (of.start - TEST_FROM) // SECOND, (of.end - TEST_FROM) // SECOND): of
        for of in dataset.labels().incidents
    }
    assert set(ours) == set(seen["incidents"])
    for key, label in ours.items():
        assert label.notes == "metrics: " + ", ".join(f"metric_{of:02d}" for of in seen["metrics"][key])
    assert report["interpretation_rows_counted"] == {
        "from 0, the last row included": ["omi-1", "omi-11", "omi-2", "omi-4", "omi-6", "omi-8"],
        "from 0, the last row not included": ["machine-1-6", "machine-2-1", "machine-2-7", "machine-3-3"],
    }
    assert report["interpretation_ranges"] == {
        "equal to a labelled run": 128,
        "part of a labelled run": 4,
        "beyond a labelled run": 0,
    }
    assert report["interpretations_of_absent_machines"] == 14
    assert report["quarantined"] == {}
    assert (report["samples"]["duplicates"], report["samples"]["gaps"]) == (0, 0)
    json.dumps(report)
    dataset.verify()
