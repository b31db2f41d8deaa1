"""A dataset is written whole or not at all, and read in the order its samples arrived."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.contracts.reference import Deploy, Maintenance, Ownership, TopologyEdge
from titleshot.datasets.contracts.telemetry import LogEvent, PlatformEvent
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.errors import (
    MalformedInput,
    UsageError,
)

CART = SeriesKey("shop", "cart-api", "latency")
WEB = SeriesKey("shop", "web", "latency", '{"pod":"a"}')
SAMPLES = "telemetry/samples-00000.parquet"


def test_series_are_sorted_and_samples_come_in_the_order_they_arrived(shop: Path) -> None:
    dataset = Dataset.open(shop)

    (block,) = dataset.blocks()

    assert dataset.series() == [CART, WEB]
    assert block.arrivals.tolist() == [30 + SECOND, *(t + 2 * SECOND for t in (10, 10, 20, 20))]
    assert block.timestamps.tolist() == [30, 10, 10, 20, 20]
    assert block.codes.tolist() == [0, 1, 0, 1, 0], "rows of one arrival keep the order of their source"
    np.testing.assert_array_equal(block.values, [np.nan, 1.0, 2.0, 3.0, 4.0])
    assert (block.codes.dtype, block.timestamps.dtype) == (np.dtype(np.int32), np.dtype(np.int64))


def test_the_card_says_what_is_there(shop: Path) -> None:
    card = Dataset.open(shop).card

    assert (card.rows, card.series, card.span_from, card.span_to) == (5, 2, 10, 31)
    assert card.tables["samples"].rows == 5
    assert set(card.files) == {SAMPLES, "telemetry/series.parquet"}


def test_a_span_is_half_open_and_blocks_are_no_larger_than_asked(shop: Path) -> None:
    dataset = Dataset.open(shop)

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


def test_what_is_there_is_replaced_only_when_told_to(shop: Path) -> None:
    with pytest.raises(UsageError, match="holds a dataset"):
        DatasetWriter(shop, name="shop")
    with pytest.raises(UsageError, match="no dataset and not empty"):
        DatasetWriter(shop.parent, name="shop", replace=True)

    with DatasetWriter(shop, name="again", replace=True) as writer:
        writer.add_samples(writer.add_series([WEB]), [1], [1.0])

    assert Dataset.open(shop).card.name == "again"
    assert [entry.name for entry in shop.parent.iterdir()] == ["shop"]


def test_the_working_directory_is_not_pulled_from_under_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(UsageError, match="name a folder"):
        DatasetWriter(".", name="shop")


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
    report = dataset.import_report()
    assert (report["decision"], report["quarantined"]) == ("as is", {"samples": {"not JSON": 1}})


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
