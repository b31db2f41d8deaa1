"""A dataset as one stream of records in the order they arrived, with the ticks that move time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.instants import SECOND, format_instant
from titleshot.datasets.contracts.telemetry import LogEvent, PlatformEvent
from titleshot.datasets.dataset import Dataset, SampleBlock
from titleshot.datasets.errors import UsageError
from titleshot.detectors.block import LOG, PLATFORM, REFERENCE, TICK, Block, Payload

_MOST_TICKS = 20_000_000


class ArrivalStream:
    """Blocks of a dataset between two times, by arrival.

    At one arrival: reference rows, platform events, log events, samples, and last the tick, which says that
    all of them are in. How the blocks are cut changes nothing of the order. Reference rows of before the
    span are included; ticks start at the first other record.

    Args:
        codes: the engine's code for each series of the dataset.
        tick: nanoseconds between ticks; they stand at its multiples.
    """

    def __init__(
        self, dataset: Dataset, codes: NDArray[np.int32], tick: int, from_: int | None, to: int | None
    ) -> None:
        self._dataset = dataset
        self._codes = codes
        self._tick = tick
        self._from, self._to = from_, to
        self._payloads, self._kinds, self._arrivals = self._other_records()
        self._next_other = 0
        self._next_tick: int | None = None
        self._latest: int | None = None

    def _other_records(self) -> tuple[list[Payload], NDArray[np.int8], NDArray[np.int64]]:
        delay = round(self._dataset.card.ingest_delay_s * SECOND)
        listed: list[tuple[int, int, Payload]] = [
            (row.known_from, REFERENCE, row)
            for row in self._dataset.reference()
            if self._to is None or row.known_from < self._to
        ]
        events: list[PlatformEvent | LogEvent] = [
            *self._dataset.platform_events(),
            *self._dataset.log_events(),
        ]
        for event in events:
            if (self._from is None or event.timestamp >= self._from) and (
                self._to is None or event.timestamp < self._to
            ):
                arrival = event.ingested_at if event.ingested_at is not None else event.timestamp + delay
                listed.append((arrival, PLATFORM if isinstance(event, PlatformEvent) else LOG, event))
        listed.sort(key=lambda entry: entry[:2])
        return (
            [entry[2] for entry in listed],
            np.array([entry[1] for entry in listed], np.int8),
            np.array([entry[0] for entry in listed], np.int64),
        )

    def blocks(self, rows: int) -> Iterator[Block]:
        """Blocks of about ``rows`` records, ticks and others on top."""
        for samples in self._dataset.blocks(self._from, self._to, rows=rows):
            if len(samples.codes):
                yield self._merged(samples)
        yield self._rest()

    def _merged(self, samples: SampleBlock) -> Block:
        last = int(samples.arrivals[-1])
        stop = int(np.searchsorted(self._arrivals, last, "right"))
        others = slice(self._next_other, stop)
        self._next_other = stop
        starts = [int(samples.arrivals[0])]
        starts += self._arrivals[others][self._kinds[others] != REFERENCE][:1].tolist()
        if self._next_tick is None:
            self._next_tick = -(-min(starts) // self._tick) * self._tick
        # The tick at the last arrival waits: the next block may begin with that same arrival.
        ticks = self._ticks(last - 1)
        self._latest = last
        plain = Block.of_samples(
            samples.arrivals, samples.timestamps, self._codes[samples.codes], samples.values
        )
        if not len(ticks) and others.start == others.stop:
            return plain
        arrivals = np.concatenate([self._arrivals[others], ticks])
        kinds = np.concatenate([self._kinds[others], np.full(len(ticks), TICK, np.int8)])
        codes = np.concatenate([np.arange(stop - others.start), np.full(len(ticks), -1)]).astype(np.int32)
        places = np.concatenate(
            [
                np.searchsorted(plain.arrivals, self._arrivals[others], "left"),
                np.searchsorted(plain.arrivals, ticks, "right"),
            ]
        )
        order = np.lexsort((kinds, arrivals))
        places, arrivals, kinds, codes = places[order], arrivals[order], kinds[order], codes[order]
        return Block(
            np.insert(plain.kinds, places, kinds),
            np.insert(plain.arrivals, places, arrivals),
            np.insert(plain.timestamps, places, self._stamps(arrivals, kinds, codes, others.start)),
            np.insert(plain.codes, places, codes),
            np.insert(plain.values, places, np.nan),
            tuple(self._payloads[others]),
        )

    def _rest(self) -> Block:
        """What arrives after the last sample, and the ticks up to it."""
        others = slice(self._next_other, len(self._payloads))
        latest = [self._latest] if self._latest is not None else []
        latest += self._arrivals[others][-1:].tolist()
        ticks = self._ticks(max(latest)) if self._next_tick is not None else np.empty(0, np.int64)
        arrivals = np.concatenate([self._arrivals[others], ticks])
        kinds = np.concatenate([self._kinds[others], np.full(len(ticks), TICK, np.int8)])
        codes = np.concatenate([np.arange(others.stop - others.start), np.full(len(ticks), -1)]).astype(
            np.int32
        )
        order = np.lexsort((kinds, arrivals))
        arrivals, kinds, codes = arrivals[order], kinds[order], codes[order]
        stamps = self._stamps(arrivals, kinds, codes, others.start)
        return Block(
            kinds, arrivals, stamps, codes, np.full(len(kinds), np.nan), tuple(self._payloads[others])
        )

    def _stamps(
        self, arrivals: NDArray[np.int64], kinds: NDArray[np.int8], codes: NDArray[np.int32], first: int
    ) -> NDArray[np.int64]:
        """Timestamps of records that are no samples: a platform or log event has its own."""
        stamps = arrivals.copy()
        for i in np.flatnonzero((kinds != REFERENCE) & (kinds != TICK)):
            payload = self._payloads[first + int(codes[i])]
            if isinstance(payload, PlatformEvent | LogEvent):
                stamps[i] = payload.timestamp
        return stamps

    def _ticks(self, last: int) -> NDArray[np.int64]:
        """The ticks not yet made, up to and including ``last``."""
        start = self._next_tick or 0
        count = (last - start) // self._tick + 1
        if count <= 0:
            return np.empty(0, np.int64)
        if count > _MOST_TICKS:
            raise UsageError(
                f"records jump from {format_instant(start)} to {format_instant(last)}, {count} ticks; "
                "a timestamp is wrong, or the span must be cut with --from and --to"
            )
        ticks = start + self._tick * np.arange(count, dtype=np.int64)
        self._next_tick = int(ticks[-1]) + self._tick
        return ticks
