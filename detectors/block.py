"""A block: any number of records in the order they arrived, as columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.reference import ReferenceRow
from titleshot.datasets.contracts.telemetry import LogEvent, PlatformEvent, Sample, Tick
from titleshot.detectors.series import SeriesIndex

REFERENCE, PLATFORM, LOG, SAMPLE, TICK = range(5)
KINDS = ("reference", "platform", "log", "sample", "tick")
"""The order in which records of one timestamp are released."""

Payload = ReferenceRow | PlatformEvent | LogEvent
AnyRecord = Payload | Sample | Tick

I8 = NDArray[np.int8]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Block:
    """Rows in arrival order; all arrays have the same length n.

    ``codes`` is the series of a sample, the index into ``payloads`` of a reference row, platform or log
    event, and -1 for a tick. Times are nanoseconds UTC.
    """

    kinds: I8
    arrivals: I64
    timestamps: I64
    codes: I32
    values: F64
    payloads: tuple[Payload, ...] = ()

    def __len__(self) -> int:
        return len(self.kinds)

    @classmethod
    def of_samples(cls, arrivals: I64, timestamps: I64, codes: I32, values: F64) -> Block:
        """A block of nothing but samples."""
        return cls(np.full(len(codes), SAMPLE, np.int8), arrivals, timestamps, codes, values)

    @classmethod
    def of_records(cls, series: SeriesIndex, arrived: Iterable[tuple[int, AnyRecord]]) -> Block:
        """A block of (arrival in ns, record) pairs; new series are added to ``series``."""
        kinds: list[int] = []
        arrivals: list[int] = []
        timestamps: list[int] = []
        codes: list[int] = []
        values: list[float] = []
        payloads: list[Payload] = []
        for arrival, record in arrived:
            arrivals.append(arrival)
            if isinstance(record, Sample):
                kinds.append(SAMPLE)
                timestamps.append(record.timestamp)
                codes.append(series.code(record.key))
                values.append(record.value)
                continue
            values.append(np.nan)
            if isinstance(record, Tick):
                kinds.append(TICK)
                timestamps.append(record.timestamp)
                codes.append(-1)
                continue
            codes.append(len(payloads))
            payloads.append(record)
            if isinstance(record, PlatformEvent | LogEvent):
                kinds.append(PLATFORM if isinstance(record, PlatformEvent) else LOG)
                timestamps.append(record.timestamp)
            else:
                kinds.append(REFERENCE)
                timestamps.append(arrival)
        return cls(
            np.array(kinds, np.int8),
            np.array(arrivals, np.int64),
            np.array(timestamps, np.int64),
            np.array(codes, np.int32),
            np.array(values, np.float64),
            tuple(payloads),
        )

    def part(self, start: int, stop: int) -> Block:
        """Rows start to stop; payloads are shared."""
        rows = slice(start, stop)
        return Block(
            self.kinds[rows],
            self.arrivals[rows],
            self.timestamps[rows],
            self.codes[rows],
            self.values[rows],
            self.payloads,
        )

    @classmethod
    def joined(cls, blocks: Sequence[Block]) -> Block:
        """One block of several, in the order given."""
        payloads: list[Payload] = []
        codes: list[I32] = []
        for block in blocks:
            points = (block.kinds != SAMPLE) & (block.kinds != TICK)
            codes.append(
                np.where(points, block.codes + np.int32(len(payloads)), block.codes).astype(np.int32)
            )
            payloads.extend(block.payloads)
        return cls(
            np.concatenate([block.kinds for block in blocks]),
            np.concatenate([block.arrivals for block in blocks]),
            np.concatenate([block.timestamps for block in blocks]),
            np.concatenate(codes),
            np.concatenate([block.values for block in blocks]),
            tuple(payloads),
        )
