"""A dataset as one stream: by arrival, ticks last of their instant, the same however it is cut."""

from pathlib import Path

import numpy as np
import pytest

from titleshot.datasets.contracts.instants import MINUTE, SECOND
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.contracts.reference import Deploy
from titleshot.datasets.contracts.telemetry import PlatformEvent
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.errors import UsageError
from titleshot.detectors.block import KINDS, Block
from titleshot.pipelines.stream import ArrivalStream

START = 1_767_571_200 * SECOND


def dataset(folder: Path, timestamps: list[int], delay_s: float = 0) -> Dataset:
    with DatasetWriter(folder, name="stream", source="test", ingest_delay_s=delay_s) as writer:
        codes = writer.add_series([SeriesKey("shop", "cart", "latency")])
        times = START + MINUTE * np.array(timestamps, np.int64)
        writer.add_samples(np.repeat(codes, len(times)), times, np.arange(len(times), dtype=float), None)
        writer.add_platform_events(
            [
                PlatformEvent(
                    timestamp=START + MINUTE * m, namespace="shop", service="cart", reason="rollout"
                )
                for m in (2, 9)
            ]
        )
        at = START + 2 * MINUTE
        writer.add_reference([Deploy(service="shop/cart", version="2", valid_from=at, known_from=at)])
    return Dataset.open(folder)


def rows(data: Dataset, size: int, tick: int = MINUTE) -> list[tuple[str, int]]:
    stream = ArrivalStream(data, np.zeros(1, np.int32), tick, None, None)
    block = Block.joined(list(stream.blocks(size)))
    return [
        (KINDS[kind], (arrival - START) // MINUTE)
        for kind, arrival in zip(block.kinds, block.arrivals, strict=True)
    ]


def test_one_instant_goes_reference_platform_sample_tick(tmp_path):
    stream = rows(dataset(tmp_path / "d", [0, 1, 2, 3]), 100)
    assert [kind for kind, minute in stream if minute == 2] == ["reference", "platform", "sample", "tick"]
    assert [minute for kind, minute in stream if kind == "tick"] == list(range(10))


@pytest.mark.parametrize("size", [1, 2, 3])
def test_block_size_changes_nothing(tmp_path, size):
    data = dataset(tmp_path / "d", [0, 1, 1, 2, 2, 3, 5, 7])
    assert rows(data, size) == rows(data, 1000)


def test_time_goes_on_through_a_gap_and_to_what_arrives_last(tmp_path):
    stream = rows(dataset(tmp_path / "d", [0, 6]), 1000)
    assert [minute for kind, minute in stream if kind == "tick"] == list(range(10))
    assert stream[-1] == ("tick", 9)


def test_an_ingest_delay_moves_arrivals_not_timestamps(tmp_path):
    data = dataset(tmp_path / "d", [0, 1], delay_s=60)
    block = Block.joined(list(ArrivalStream(data, np.zeros(1, np.int32), MINUTE, None, None).blocks(10)))
    samples = block.kinds == KINDS.index("sample")
    assert (block.arrivals[samples] - block.timestamps[samples] == MINUTE).all()


def test_a_jump_of_a_century_is_refused_with_the_way_out(tmp_path):
    data = dataset(tmp_path / "d", [0, 50_000_000])
    with pytest.raises(UsageError, match="--from and --to"):
        rows(data, 1000, tick=SECOND)
