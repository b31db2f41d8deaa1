"""A dataset is written whole or not at all, read in arrival order, and notices every change."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.contracts.reference import Deploy, Maintenance, Ownership, TopologyEdge
from titleshot.datasets.contracts.telemetry import LogEvent, PlatformEvent
from titleshot.datasets.contracts.validation import RuleResult, ValidationReport
from titleshot.datasets.dataset import VALIDATION, Dataset
from titleshot.datasets.dataset_card import DatasetCard, DontCare, Evaluation
from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.errors import (
    IntegrityError,
    InvalidDataset,
    MalformedInput,
    UnknownVersion,
    UsageError,
)
from titleshot.datasets.sample_files import NO_INSTANT

CART = SeriesKey("shop", "cart-api", "latency")
WEB = SeriesKey("shop", "web", "latency", '{"pod":"a"}')
SAMPLES = "telemetry/samples-00000.parquet"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Two series, three moments; the web's samples are listed first and its second arrives last."""
    with DatasetWriter(tmp_path / "shop", name="shop", ingest_delay_s=2, created_at=0) as writer:
        codes = writer.add_series([WEB, CART])
        writer.add_samples(codes[[0, 1, 0]], [10, 10, 20], [1.0, 2.0, 3.0])
        writer.add_samples(codes[[1, 1]], [20, 30], [4.0, np.nan], [NO_INSTANT, 30 + SECOND])
    return tmp_path / "shop"


def test_series_are_sorted_and_samples_come_in_the_order_they_arrived(path: Path) -> None:
    dataset = Dataset.open(path)

    (block,) = dataset.blocks()

    assert dataset.series() == [CART, WEB]
    assert block.arrivals.tolist() == [30 + SECOND, *(t + 2 * SECOND for t in (10, 10, 20, 20))]
    assert block.timestamps.tolist() == [30, 10, 10, 20, 20]
    assert block.codes.tolist() == [0, 1, 0, 1, 0], "rows of one arrival keep the order of their source"
    np.testing.assert_array_equal(block.values, [np.nan, 1.0, 2.0, 3.0, 4.0])
    assert (block.codes.dtype, block.timestamps.dtype) == (np.dtype(np.int32), np.dtype(np.int64))


def test_the_card_says_what_is_there(path: Path) -> None:
    card = Dataset.open(path).card

    assert (card.rows, card.series, card.span_from, card.span_to) == (5, 2, 10, 31)
    assert card.tables["samples"].rows == 5
    assert set(card.files) == {SAMPLES, "telemetry/series.parquet"}


def test_a_span_is_half_open_and_blocks_are_no_larger_than_asked(path: Path) -> None:
    dataset = Dataset.open(path)

    blocks = list(dataset.blocks(from_=10, to=30, rows=3))

    assert [len(block.codes) for block in blocks] == [3, 1]
    assert sorted(np.concatenate([block.timestamps for block in blocks]).tolist()) == [10, 10, 20, 20]
    assert list(dataset.blocks(from_=31)) == []


def test_events_and_reference_rows_come_back_as_records(tmp_path: Path) -> None:
    log = LogEvent(timestamp=5, namespace="shop", service="web", level="error", template="boom <*>", count=3)
    early = LogEvent(timestamp=9, namespace="shop", service="web", level="info", template="up", ingested_at=1)
    killed = PlatformEvent(timestamp=7, namespace="shop", service="web", reason="OOMKilled")
    rows = [
        TopologyEdge(caller="shop/web", callee="shop/cart-api", valid_from=0, known_from=3),
        Ownership(service="shop/web", team="front", valid_from=0, valid_to=9, known_from=1),
        Deploy(service="shop/web", version="2", valid_from=4, known_from=3, decoy=True),
        Maintenance(service="shop/web", valid_from=1, valid_to=2, known_from=0),
    ]
    with DatasetWriter(tmp_path / "shop", name="shop") as writer:
        writer.add_samples(writer.add_series([WEB]), [1], [1.0])
        writer.add_log_events([log, early])
        writer.add_platform_events([killed])
        writer.add_reference(rows)

    dataset = Dataset.open(tmp_path / "shop")

    assert dataset.log_events() == [early, log]
    assert dataset.platform_events() == [killed]
    assert dataset.reference() == [rows[3], rows[1], rows[2], rows[0]]
    dataset.verify()


def test_a_failed_import_leaves_nothing_behind(tmp_path: Path) -> None:
    def half_an_import() -> None:
        with DatasetWriter(tmp_path / "shop", name="shop") as writer:
            writer.add_samples(writer.add_series([WEB]), [1], [1.0])
            writer.quarantine("samples", "not JSON", "", "a", 1, "x")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half_an_import()

    assert list(tmp_path.iterdir()) == []


def test_a_dataset_without_samples_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(MalformedInput, match="not one usable sample"),
        DatasetWriter(tmp_path / "a", name="a"),
    ):
        pass

    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_replaced_only_when_told_to(path: Path) -> None:
    with pytest.raises(UsageError, match="holds a dataset"):
        DatasetWriter(path, name="shop")
    with pytest.raises(UsageError, match="no dataset and not empty"):
        DatasetWriter(path.parent, name="shop", replace=True)

    with DatasetWriter(path, name="again", replace=True) as writer:
        writer.add_samples(writer.add_series([WEB]), [1], [1.0])

    assert Dataset.open(path).card.name == "again"
    assert [entry.name for entry in path.parent.iterdir()] == ["shop"]


def test_a_place_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with (
        pytest.raises(UsageError, match="no folder can be made there"),
        DatasetWriter(tmp_path / "file" / "shop", name="shop"),
    ):
        pass


@pytest.mark.parametrize("delay", [-1.0, float("inf"), float("nan")])
def test_a_delay_that_is_none_is_refused(tmp_path: Path, delay: float) -> None:
    with pytest.raises(UsageError, match="seconds from 0"):
        DatasetWriter(tmp_path / "shop", name="shop", ingest_delay_s=delay)


def test_an_arrival_beyond_nanoseconds_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(MalformedInput, match="after 2262"),
        DatasetWriter(tmp_path / "shop", name="shop", ingest_delay_s=1) as writer,
    ):
        writer.add_samples(writer.add_series([WEB]), [2**63 - 2], [1.0])


def test_a_series_without_samples_is_not_listed(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "shop", name="shop") as writer:
        writer.add_samples(writer.add_series([CART, WEB])[1:], [1], [1.0])

    dataset = Dataset.open(tmp_path / "shop")

    assert dataset.series() == [WEB]
    assert next(dataset.blocks()).codes.tolist() == [0]


def test_a_record_set_aside_is_kept_with_its_reason(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "shop", name="shop") as writer:
        writer.add_samples(writer.add_series([WEB]), [1], [1.0])
        writer.quarantine("samples", "not JSON", "line 3: not JSON", "samples.jsonl", 3, "oops \ud800")
        writer.report["decision"] = "as is"

    dataset = Dataset.open(tmp_path / "shop")
    (row,) = pq.read_table(dataset.path / "quarantine/samples.parquet").to_pylist()

    assert (row["reason"], row["row"], row["record"]) == ("not JSON", 3, "oops \\ud800")
    assert dataset.import_report() == {"decision": "as is", "quarantined": {"samples": {"not JSON": 1}}}


@pytest.mark.parametrize(
    ("codes", "times", "says"),
    [
        ([0, 0], [1], "unequal length"),
        ([7], [1], "take codes from add_series"),
        ([0], [1.5], "whole numbers"),
    ],
)
def test_samples_that_cannot_be_are_refused(tmp_path: Path, codes: list, times: list, says: str) -> None:
    with pytest.raises(MalformedInput, match=says), DatasetWriter(tmp_path / "a", name="a") as writer:
        writer.add_samples(codes if writer.add_series([WEB]).size else [], times, [1.0])


@pytest.mark.parametrize(
    "key",
    [
        SeriesKey("a/b", "c", "d"),
        SeriesKey("a", "", "d"),
        SeriesKey("a", "c", "d", '{"b": "c"}'),
        SeriesKey("a", "c", "d", "[]"),
    ],
)
def test_a_key_that_no_sample_could_have_is_refused(tmp_path: Path, key: SeriesKey) -> None:
    with pytest.raises(MalformedInput, match="series a"), DatasetWriter(tmp_path / "a", name="a") as writer:
        writer.add_series([key])


def test_another_layout_of_the_same_rows_is_the_same_dataset(path: Path) -> None:
    rows = pq.read_table(path / SAMPLES)
    (path / SAMPLES).unlink()
    pq.write_table(rows.slice(3), path / "telemetry/samples-00007.parquet", compression="gzip")
    pq.write_table(rows.slice(0, 3), path / "telemetry/samples-00003.parquet", row_group_size=1)

    dataset = Dataset.open(path)

    dataset.verify()
    dataset.unchanged()
    assert sum(len(block.codes) for block in dataset.blocks()) == 5


def test_one_changed_cell_is_found_and_the_table_named(path: Path) -> None:
    rows = pq.read_table(path / SAMPLES)
    values = rows["value"].to_pylist()
    values[1] = 1.0000000000000002
    pq.write_table(rows.set_column(2, rows.schema.field("value"), [values]), path / SAMPLES)

    with pytest.raises(IntegrityError, match="table samples is not the one"):
        Dataset.open(path).unchanged()


def test_another_ingest_delay_is_another_dataset(path: Path) -> None:
    card = path / "dataset.yaml"
    card.write_text(card.read_text().replace("ingest_delay_s: 2.0", "ingest_delay_s: 60.0"))

    with pytest.raises(IntegrityError, match="ingest_delay_s"):
        Dataset.open(path).verify()


def test_a_table_added_by_hand_is_found(path: Path, tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "other", name="other") as writer:
        writer.add_samples(writer.add_series([WEB]), [1], [1.0])
        writer.add_reference([Ownership(service="shop/web", team="front", valid_from=0, known_from=1)])
    shutil.copytree(tmp_path / "other" / "reference", path / "reference")

    with pytest.raises(IntegrityError, match="reference/ownership"):
        Dataset.open(path).unchanged()


def test_a_truncated_file_is_malformed_input(path: Path) -> None:
    (path / SAMPLES).write_bytes((path / SAMPLES).read_bytes()[:-100])

    with pytest.raises(MalformedInput, match=r"samples-00000\.parquet cannot be read as Parquet"):
        list(Dataset.open(path).blocks())
    with pytest.raises(MalformedInput, match=r"samples-00000\.parquet cannot be read as Parquet"):
        Dataset.open(path).verify()


def test_absent_files_are_malformed_input(path: Path) -> None:
    shutil.rmtree(path / "telemetry")
    dataset = Dataset.open(path)

    with pytest.raises(MalformedInput, match="import the dataset again"):
        list(dataset.blocks())
    with pytest.raises(MalformedInput, match="must list each series once"):
        dataset.series()


def test_wrong_types_in_a_file_are_malformed_input(path: Path) -> None:
    rows = pq.read_table(path / SAMPLES)
    texts = pa.array(["a"] * rows.num_rows)
    pq.write_table(rows.set_column(2, "value", texts), path / SAMPLES)

    with pytest.raises(MalformedInput, match="column 'value' is string, not double"):
        list(Dataset.open(path).blocks())


def test_rows_out_of_arrival_order_are_not_replayed(path: Path) -> None:
    rows = pq.read_table(path / SAMPLES)
    pq.write_table(rows.take([4, 3, 2, 1, 0]), path / SAMPLES)
    dataset = Dataset.open(path)

    dataset.verify()
    with pytest.raises(MalformedInput, match="not in the order they arrived"):
        list(dataset.blocks())


def test_a_folder_that_is_no_dataset_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(MalformedInput, match="make one with import or generate"):
        Dataset.open(tmp_path)


def test_a_malformed_card_names_file_line_and_field(path: Path) -> None:
    card = path / "dataset.yaml"
    lines = card.read_text().splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("rows:"))
    card.write_text("\n".join([*lines[:at], "rows: many", *lines[at + 1 :]]))

    with pytest.raises(MalformedInput, match=rf"dataset\.yaml:{at + 1}: rows: "):
        Dataset.open(path)


def test_a_newer_major_version_is_refused(path: Path) -> None:
    card = path / "dataset.yaml"
    card.write_text(card.read_text().replace('schema_version: "1.0"', 'schema_version: "2.0"'))

    with pytest.raises(UnknownVersion, match="upgrade titleshot"):
        Dataset.open(path)


def report(card: DatasetCard, *, passed: bool) -> ValidationReport:
    rule = RuleResult(
        rule="service_in_topology",
        table="labels",
        severity="error",
        passed=passed,
        rows=0 if passed else 3,
        examples=() if passed else ("inc-1: shop/ghost",),
    )
    return ValidationReport(
        passed=passed, dataset_digest=card.digest, labels_digest="", rules=(rule,), validated_at=0
    )


def test_an_unvalidated_dataset_says_what_to_run(path: Path) -> None:
    with pytest.raises(InvalidDataset, match="titleshot validate"):
        Dataset.open(path).validated()


def test_an_invalid_dataset_names_rule_rows_and_examples(path: Path) -> None:
    dataset = Dataset.open(path)
    (path / VALIDATION).write_text(report(dataset.card, passed=False).to_json())

    with pytest.raises(InvalidDataset, match=r"service_in_topology on labels: 3 rows.*inc-1: shop/ghost"):
        dataset.validated()


def test_validation_holds_only_for_the_bytes_that_were_validated(path: Path) -> None:
    dataset = Dataset.open(path)
    (path / VALIDATION).write_text(report(dataset.card, passed=True).to_json())

    assert dataset.validated().passed

    with DatasetWriter(path.with_name("new"), name="new") as writer:
        writer.add_samples(writer.add_series([WEB]), [1], [1.0])
    shutil.copy(path / VALIDATION, path.with_name("new") / VALIDATION)
    with pytest.raises(InvalidDataset, match="validated as"):
        Dataset.open(path.with_name("new")).validated()

    (path / SAMPLES).write_bytes(b"")
    with pytest.raises(MalformedInput):
        dataset.validated()


def test_a_card_survives_its_own_text(path: Path) -> None:
    evaluation = Evaluation(
        span_from=1,
        early_s={"human": 30},
        dont_care=(DontCare(from_=1, to=2, services=("shop/web",)), DontCare(from_=3, to=4)),
    )
    card = Dataset.open(path).card.model_copy(
        update={
            "name": "1e5",
            "notes": "yes: [no]\n12:30",
            "evaluation": evaluation,
            "correlation_domains": {"on": ("shop/web",)},
        }
    )
    (path / "dataset.yaml").write_text(card.to_yaml())

    assert DatasetCard.load(path / "dataset.yaml") == card
    assert card.evaluation.early_s == {"human": 30, "injected": 0, "exact": 0, "imported": 600}


def test_a_dataset_and_its_validation_show_themselves_in_a_notebook(path: Path) -> None:
    dataset = Dataset.open(path)

    assert "5 of 2 series" in dataset._repr_html_()
    assert "inc-1: shop/ghost" in report(dataset.card, passed=False)._repr_html_()
