"""A dataset notices every change, and is replayed only as it was validated."""

from __future__ import annotations

import shutil
from itertools import permutations
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.contracts.reference import Ownership
from titleshot.datasets.contracts.validation import RuleResult, ValidationReport
from titleshot.datasets.dataset import VALIDATION, Dataset
from titleshot.datasets.dataset_card import DatasetCard, DontCare, Evaluation
from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.errors import (
    IntegrityError,
    InvalidDataset,
    MalformedInput,
    UnknownVersion,
)

CART = SeriesKey("shop", "cart-api", "latency")
WEB = SeriesKey("shop", "web", "latency", '{"pod":"a"}')
SAMPLES = "telemetry/samples-00000.parquet"


def test_another_layout_of_the_same_rows_is_the_same_dataset(shop: Path) -> None:
    rows = pq.read_table(shop / SAMPLES)
    (shop / SAMPLES).unlink()
    pq.write_table(rows.slice(3), shop / "telemetry/samples-00007.parquet", compression="gzip")
    pq.write_table(rows.slice(0, 3), shop / "telemetry/samples-00003.parquet", row_group_size=1)

    dataset = Dataset.open(shop)

    dataset.verify()
    dataset.unchanged()
    assert sum(len(block.codes) for block in dataset.blocks()) == 5


def test_one_changed_cell_is_found_and_the_table_named(shop: Path) -> None:
    rows = pq.read_table(shop / SAMPLES)
    values = rows["value"].to_pylist()
    values[1] = 1.0000000000000002
    pq.write_table(rows.set_column(2, rows.schema.field("value"), [values]), shop / SAMPLES)

    with pytest.raises(IntegrityError, match="table samples is not the one"):
        Dataset.open(shop).unchanged()


def test_another_ingest_delay_is_another_dataset(shop: Path) -> None:
    card = shop / "dataset.yaml"
    card.write_text(card.read_text().replace("ingest_delay_s: 2.0", "ingest_delay_s: 60.0"))

    with pytest.raises(IntegrityError, match="ingest_delay_s"):
        Dataset.open(shop).verify()


def test_a_table_added_by_hand_is_found(shop: Path, tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "other", name="other") as writer:
        writer.add_samples(writer.add_series([WEB]), [1], [1.0])
        writer.add_reference([Ownership(service="shop/web", team="front", valid_from=0, known_from=1)])
    shutil.copytree(tmp_path / "other" / "reference", shop / "reference")

    with pytest.raises(IntegrityError, match="reference/ownership"):
        Dataset.open(shop).unchanged()


def test_a_truncated_file_is_malformed_input(shop: Path) -> None:
    (shop / SAMPLES).write_bytes((shop / SAMPLES).read_bytes()[:-100])

    with pytest.raises(MalformedInput, match=r"samples-00000\.parquet cannot be read as Parquet"):
        list(Dataset.open(shop).blocks())
    with pytest.raises(MalformedInput, match=r"samples-00000\.parquet cannot be read as Parquet"):
        Dataset.open(shop).verify()


def test_absent_files_are_malformed_input(shop: Path) -> None:
    shutil.rmtree(shop / "telemetry")
    dataset = Dataset.open(shop)

    with pytest.raises(MalformedInput, match="import the dataset again"):
        list(dataset.blocks())
    with pytest.raises(MalformedInput, match="must list each series once"):
        dataset.series()


def test_wrong_types_in_a_file_are_malformed_input(shop: Path) -> None:
    rows = pq.read_table(shop / SAMPLES)
    texts = pa.array(["a"] * rows.num_rows)
    pq.write_table(rows.set_column(2, "value", texts), shop / SAMPLES)

    with pytest.raises(MalformedInput, match="column 'value' is string, not double"):
        list(Dataset.open(shop).blocks())


def test_rows_are_read_in_arrival_order_however_they_lie_in_a_row_group(shop: Path) -> None:
    (as_written,) = Dataset.open(shop).blocks()
    rows = pq.read_table(shop / SAMPLES)
    for order in permutations(range(5)):
        pq.write_table(rows.take(list(order)), shop / SAMPLES)
        (block,) = Dataset.open(shop).blocks()
        for column, written in zip(block, as_written, strict=True):
            assert column.tobytes() == written.tobytes()


def test_row_groups_out_of_arrival_order_are_not_replayed_and_say_the_way_out(shop: Path) -> None:
    rows = pq.read_table(shop / SAMPLES)
    pq.write_table(rows.take([4, 3, 2, 1, 0]), shop / SAMPLES, row_group_size=2)
    dataset = Dataset.open(shop)

    dataset.unchanged()
    with pytest.raises(MalformedInput, match=r"row group 2 .* write the file sorted by arrival and source_r"):
        list(dataset.blocks())


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("rows: 5", "rows: 4", "rows is 4, the tables say 5"),
        ("series: 2", "series: 3", "series is 3, the tables say 2"),
        ("1970-01-01T00:00:00.00000001Z", "1970-01-01T00:00:00.000000011Z", "span_from is .*011Z"),
        ("1970-01-01T00:00:00.000000031Z", "1970-01-01T00:00:00.000000032Z", "span_to is .*032Z"),
    ],
)
def test_what_the_card_says_of_the_tables_must_be_so(shop: Path, old: str, new: str, says: str) -> None:
    card = shop / "dataset.yaml"
    assert old in card.read_text()
    card.write_text(card.read_text().replace(old, new, 1))

    with pytest.raises(IntegrityError, match=says):
        Dataset.open(shop).unchanged()


def test_a_folder_that_is_no_dataset_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(MalformedInput, match="make one with import or generate"):
        Dataset.open(tmp_path)


def test_a_malformed_card_names_file_line_and_field(shop: Path) -> None:
    card = shop / "dataset.yaml"
    lines = card.read_text().splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("rows:"))
    card.write_text("\n".join([*lines[:at], "rows: many", *lines[at + 1 :]]))

    with pytest.raises(MalformedInput, match=rf"dataset\.yaml:{at + 1}: rows: "):
        Dataset.open(shop)


def test_a_newer_major_version_is_refused(shop: Path) -> None:
    card = shop / "dataset.yaml"
    card.write_text(card.read_text().replace('schema_version: "1.0"', 'schema_version: "2.0"'))

    with pytest.raises(UnknownVersion, match="upgrade titleshot"):
        Dataset.open(shop)


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


def test_an_unvalidated_dataset_says_what_to_run(shop: Path) -> None:
    with pytest.raises(InvalidDataset, match="titleshot validate"):
        Dataset.open(shop).validated()


def test_an_invalid_dataset_names_rule_rows_and_examples(shop: Path) -> None:
    dataset = Dataset.open(shop)
    (shop / VALIDATION).write_text(report(dataset.card, passed=False).to_json())

    with pytest.raises(InvalidDataset, match=r"service_in_topology on labels: 3 rows.*inc-1: shop/ghost"):
        dataset.validated()


def test_validation_holds_only_for_the_bytes_that_were_validated(shop: Path) -> None:
    dataset = Dataset.open(shop)
    (shop / VALIDATION).write_text(report(dataset.card, passed=True).to_json())

    assert dataset.validated().passed

    with DatasetWriter(shop.with_name("new"), name="new") as writer:
        writer.add_samples(writer.add_series([WEB]), [1], [1.0])
    shutil.copy(shop / VALIDATION, shop.with_name("new") / VALIDATION)
    with pytest.raises(InvalidDataset, match="validated as"):
        Dataset.open(shop.with_name("new")).validated()

    (shop / SAMPLES).write_bytes(b"")
    with pytest.raises(MalformedInput):
        dataset.validated()


def test_a_card_survives_its_own_text(shop: Path) -> None:
    evaluation = Evaluation(
        span_from=1,
        early_s={"human": 30},
        dont_care=(DontCare(from_=1, to=2, services=("shop/web",)), DontCare(from_=3, to=4)),
    )
    card = Dataset.open(shop).card.model_copy(
        update={
            "name": "1e5",
            "notes": "yes: [no]\n12:30",
            "evaluation": evaluation,
            "correlation_domains": {"on": ("shop/web",)},
        }
    )
    (shop / "dataset.yaml").write_text(card.to_yaml())

    assert DatasetCard.load(shop / "dataset.yaml") == card
    assert card.evaluation.early_s == {"human": 30, "injected": 0, "exact": 0, "imported": 600}


def test_a_dataset_and_its_validation_show_themselves_in_a_notebook(shop: Path) -> None:
    dataset = Dataset.open(shop)

    assert "5 of 2 series" in dataset._repr_html_()
    assert "inc-1: shop/ghost" in report(dataset.card, passed=False)._repr_html_()
