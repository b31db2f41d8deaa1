"""Time: records are released in one order, whatever blocks they come in; late and future ones are named."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.contracts.telemetry import PlatformEvent
from titleshot.detectors.block import PLATFORM, REFERENCE, SAMPLE, TICK, Block
from titleshot.detectors.order import REASONS, ReleaseOrder
from titleshot.detectors.series import SeriesIndex

SERIES = SeriesIndex([SeriesKey("shop", name, "latency") for name in ("cart", "auth", "billing")])
EVENTS = tuple(
    PlatformEvent(timestamp=0, namespace="shop", service="cart", reason=r) for r in ("evicted", "oom")
)

record = st.tuples(
    st.sampled_from([SAMPLE, SAMPLE, SAMPLE, SAMPLE, PLATFORM, TICK]),
    st.integers(0, 4),  # arrival step
    st.integers(-8, 4),  # timestamp relative to arrival
    st.integers(0, 2),  # series
)


def block_of(records: list[tuple[int, int, int, int]]) -> Block:
    arrivals = np.cumsum([step for _, step, _, _ in records]).astype(np.int64) + 100
    kinds = np.array([kind for kind, *_ in records], np.int8)
    timestamps = arrivals + np.array([offset for _, _, offset, _ in records], np.int64)
    codes = np.array([c % 2 if k == PLATFORM else -1 if k == TICK else c for k, _, _, c in records], np.int32)
    payloads = tuple(
        EVENTS[c].model_copy(update={"timestamp": int(t)}) if k == PLATFORM else EVENTS[0]
        for k, t, c in zip(kinds, timestamps, codes, strict=True)
    )
    codes = np.where(kinds == PLATFORM, np.arange(len(kinds)), codes).astype(np.int32)
    return Block(kinds, arrivals, timestamps, codes, np.arange(len(kinds), dtype=float), payloads)


def released(order: ReleaseOrder, blocks: list[Block]) -> tuple[list[tuple], list[tuple]]:
    seen, dead = [], []
    for part in [order.push(block, SERIES.ranks) for block in blocks] + [order.flush(SERIES.ranks)]:
        rows = part[0].rows
        seen += zip(rows.timestamps, rows.kinds, rows.sequence, part[0].clocks, strict=True)
        rows = part[1].rows
        dead += zip(rows.sequence, part[1].reasons, rows.timestamps, strict=True)
    return seen, dead


def slowly(block: Block, lateness: int, skew: int) -> tuple[list[tuple], list[tuple]]:
    """The definition, a record at a time: what an order must agree with."""
    clock = bound = -(2**62)
    waiting: list[tuple] = []
    seen, dead = [], []

    def let_go(limit: float) -> None:
        due = sorted(entry for entry in waiting if entry[0] < limit)
        for entry in due:
            waiting.remove(entry)
            timestamp, kind, _, sequence = entry
            repeats = kind in (SAMPLE, PLATFORM) and any(s[:3] == entry[:3] for s in seen_full)
            if repeats:
                dead.append((sequence, 3, timestamp))
            else:
                seen_full.append(entry)
                seen.append((timestamp, kind, sequence, clock))

    seen_full: list[tuple] = []
    for i in range(len(block)):
        kind, arrival, timestamp = int(block.kinds[i]), int(block.arrivals[i]), int(block.timestamps[i])
        clock = max(clock, arrival)
        now = max(clock, bound)
        bound = max(bound, clock - lateness + (kind == TICK))
        key = SERIES.ranks[block.codes[i]] if kind == SAMPLE else 0
        if kind == PLATFORM:
            key = str(block.payloads[block.codes[i]])
        if kind == TICK:
            waiting.append((now, kind, 0, i))
        elif timestamp > arrival + skew:
            dead.append((i, 2, timestamp))
        elif timestamp < bound:
            dead.append((i, 1, timestamp))
        else:
            waiting.append((timestamp, kind, key, i))
        let_go(bound)
    let_go(float("inf"))
    return seen, dead


@settings(max_examples=150, deadline=None)
@given(st.lists(record, min_size=1, max_size=30), st.integers(0, 6), st.integers(0, 3), st.data())
def test_any_chunking_gives_what_one_record_at_a_time_gives(records, lateness, skew, data):
    block = block_of(records)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(records)), max_size=4)))
    edges = [0, *cuts, len(records)]
    parts = [block.part(a, b) for a, b in pairwise(edges)]
    seen, dead = released(ReleaseOrder(lateness, skew), parts)
    expected_seen, expected_dead = slowly(block, lateness, skew)
    # Which of two unlike platform events of one instant comes first is fixed by content, not by this oracle.
    assert sorted(seen) == sorted(expected_seen)
    assert [s for s in seen if s[1] != PLATFORM] == [s for s in expected_seen if s[1] != PLATFORM]
    assert sorted(dead) == sorted(expected_dead)
    whole, whole_dead = released(ReleaseOrder(lateness, skew), [block])
    assert (seen, dead) == (whole, whole_dead)


def test_state_continues_where_it_was_taken():
    block = block_of([(SAMPLE, 1, -3, 0), (PLATFORM, 1, -1, 0), (SAMPLE, 1, 0, 1), (TICK, 5, 0, 0)])
    whole = released(ReleaseOrder(4, 2), [block])
    first = ReleaseOrder(4, 2)
    start = first.push(block.part(0, 2), SERIES.ranks)
    assert len(start[0].rows.timestamps) == 0
    second = ReleaseOrder(4, 2)
    second.load(*first.state())
    assert released(second, [block.part(2, 4)]) == whole


def test_series_of_one_instant_come_by_identity_not_by_code():
    arrivals = np.full(3, 50, np.int64)
    block = Block.of_samples(arrivals, arrivals, np.array([0, 1, 2], np.int32), np.zeros(3))
    seen, _ = released(ReleaseOrder(0, 0), [block])
    assert [SERIES.keys[[0, 1, 2][s[2]]].service for s in seen] == ["auth", "billing", "cart"]


def test_one_sample_from_the_future_does_not_move_time():
    arrivals = np.array([10, 11, 12], np.int64)
    block = Block.of_samples(arrivals, np.array([10, 10**15, 12]), np.zeros(3, np.int32), np.zeros(3))
    seen, dead = released(ReleaseOrder(0, 5), [block])
    assert [s[0] for s in seen] == [10, 12]
    assert [REASONS[int(reason)] for _, reason, _ in dead] == ["from_the_future"]


def test_a_reference_row_holds_from_its_arrival_and_is_never_late():
    block = Block(
        np.array([SAMPLE, REFERENCE, SAMPLE], np.int8),
        np.array([100, 101, 102], np.int64),
        np.array([100, 0, 102], np.int64),
        np.array([0, 0, 0], np.int32),
        np.zeros(3),
        (EVENTS[0],),
    )
    seen, dead = released(ReleaseOrder(0, 0), [block])
    assert not dead
    assert [(int(t), int(k)) for t, k, *_ in seen] == [(100, SAMPLE), (101, REFERENCE), (102, SAMPLE)]


@pytest.mark.parametrize("lateness", [0, 3])
def test_a_partition_sees_the_time_of_the_whole(lateness):
    records = [(SAMPLE, 1, -1, i % 3) for i in range(12)] + [(SAMPLE, 1, -9, 1), (TICK, 0, 0, 0)]
    block = block_of(records)
    whole, _ = released(ReleaseOrder(lateness, 0), [block])
    mine = (block.kinds != SAMPLE) | (block.codes == 1)
    part = ReleaseOrder(lateness, 0).push(block, SERIES.ranks, mine)[0]
    got = list(zip(part.rows.sequence.tolist(), part.clocks.tolist(), strict=True))
    in_whole = {int(s[2]): int(s[3]) for s in whole}
    assert got == [(sequence, in_whole[sequence]) for sequence, _ in got]
