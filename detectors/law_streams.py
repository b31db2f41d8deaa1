"""Streams to try the laws on: seeded, small, and as nasty as the field."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from titleshot.datasets.contracts.instants import MINUTE, SECOND, WEEK
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.contracts.reference import ReferenceRow
from titleshot.detectors.block import REFERENCE, SAMPLE, TICK, Block
from titleshot.detectors.detector import Codes, Flags, Floats, Instants

START = 2_922 * WEEK + 4 * 24 * 60 * MINUTE
"""Monday 2026-01-05 00:00 UTC, when every stream begins."""
LEVEL, SPREAD = 10.0, 1.0
"""Of the noise that history and healthy streams are made of."""

Rng = np.random.Generator


@dataclass(frozen=True)
class Stream:
    """Records of a few series in arrival order; ``keys[code]`` is the series of a sample."""

    keys: tuple[SeriesKey, ...]
    block: Block

    def __len__(self) -> int:
        return len(self.block)

    @property
    def is_sample(self) -> Flags:
        mask: Flags = self.block.kinds == SAMPLE
        return mask

    @property
    def is_broken(self) -> Flags:
        """Samples whose value is no finite number."""
        broken: Flags = self.is_sample & ~np.isfinite(self.block.values)
        return broken

    @property
    def is_first(self) -> Flags:
        """Samples that no earlier arrival of the same series and timestamp makes a repeat."""
        b, mask = self.block, np.zeros(len(self), np.bool_)
        samples = np.flatnonzero(self.is_sample)
        _, first = np.unique(np.stack([b.codes[samples], b.timestamps[samples]]), axis=1, return_index=True)
        mask[samples[first]] = True
        return mask

    def part(self, start: int, stop: int) -> Stream:
        """Rows start to stop."""
        return Stream(self.keys, self.block.part(start, stop))

    def rows(self, index: Flags | Instants) -> Stream:
        """The rows an index or boolean array picks, in that order."""
        b = self.block
        picked = Block(
            b.kinds[index],
            b.arrivals[index],
            b.timestamps[index],
            b.codes[index],
            b.values[index],
            b.payloads,
        )
        return Stream(self.keys, picked)

    def valued(self, values: Floats) -> Stream:
        """The same records with other values."""
        return Stream(self.keys, replace(self.block, values=values))

    def hushed(self, mask: Flags) -> Stream:
        """The records of a mask as bare ticks: time still moves, nothing is said in them.

        A tick comes last of what arrives with it.
        """
        b = self.block
        return Stream(
            self.keys,
            Block(
                np.where(mask, np.int8(TICK), b.kinds),
                b.arrivals,
                np.where(mask, b.arrivals, b.timestamps),
                np.where(mask, np.int32(-1), b.codes),
                np.where(mask, np.nan, b.values),
                b.payloads,
            ),
        ).by_arrival()

    def stretched(self, factor: int) -> Stream:
        """The same records with their distances multiplied; delays of arrival stay as they are."""
        b = self.block
        timestamps = START + (b.timestamps - START) * factor
        return Stream(
            self.keys, replace(b, timestamps=timestamps, arrivals=timestamps + b.arrivals - b.timestamps)
        ).by_arrival()

    def by_arrival(self) -> Stream:
        """Sorted by arrival, then kind, then series: the order records would come in."""
        b = self.block
        ranks = np.append(np.argsort(np.argsort([repr(key) for key in self.keys])), -1)
        return self.rows(np.lexsort((b.timestamps, ranks[b.codes], b.kinds, b.arrivals)))

    def in_time(self) -> Stream:
        """The same samples, each arriving at once."""
        b = self.block
        arrivals = np.where(self.is_sample, b.timestamps, b.arrivals)
        return Stream(self.keys, replace(b, arrivals=arrivals)).by_arrival()

    def with_reference(self, row: ReferenceRow, known_from: int) -> Stream:
        """With a reference row that arrives at ``known_from``, before whatever else arrives then."""
        b, at = self.block, int(np.searchsorted(self.block.arrivals, known_from, "left"))
        return Stream(
            self.keys,
            Block(
                np.insert(b.kinds, at, np.int8(REFERENCE)),
                np.insert(b.arrivals, at, known_from),
                np.insert(b.timestamps, at, known_from),
                np.insert(b.codes, at, np.int32(len(b.payloads))),
                np.insert(b.values, at, np.nan),
                (*b.payloads, row),
            ),
        )

    def __str__(self) -> str:
        b = self.block
        services = [key.service for key in self.keys]
        several = len(set(services)) < len(services)
        names = [f"{key.service}/{key.metric_name}" if several else key.service for key in self.keys]
        shown = [
            f"{(b.timestamps[i] - START) / SECOND:g}s {names[b.codes[i]]}={float(b.values[i])!r}"
            if b.kinds[i] == SAMPLE
            else f"{(b.timestamps[i] - START) / SECOND:g}s {'tick' if b.kinds[i] == TICK else 'reference'}"
            for i in range(min(len(self), 12))
        ]
        more = f", … {len(self) - 12} more" if len(self) > 12 else ""
        return f"{len(self)} records: {', '.join(shown)}{more}"


def plain_keys(metric_names: Sequence[str] = ("latency_p99",) * 4) -> tuple[SeriesKey, ...]:
    """One series of a service of its own per metric name."""
    return tuple(
        SeriesKey("shop", f"service-{'dbac'[i % 4]}{i}", name) for i, name in enumerate(metric_names)
    )


def _noise(rng: Rng, n: int) -> Floats:
    return rng.normal(LEVEL, SPREAD, n)


def _spikes(rng: Rng, n: int) -> Floats:
    values = _noise(rng, n)
    values[rng.integers(0, n, max(1, n // 40))] = 1e12
    return values


def _step(rng: Rng, n: int) -> Floats:
    values = _noise(rng, n)
    values[int(rng.integers(n // 4, n)) :] += 25.0
    return values


HARD: dict[str, Callable[[Rng, int], Floats]] = {
    "noise": _noise,
    "constant": lambda rng, n: np.full(n, float(rng.integers(-3, 4))),
    "offset": lambda rng, n: 1e9 + rng.normal(0, 1, n),
    "tiny": lambda rng, n: 1e-9 * rng.normal(5, 1, n),
    "spikes": _spikes,
    "step": _step,
    "counts": lambda rng, n: rng.poisson(0.2, n).astype(np.float64),
    "coarse": lambda rng, n: np.round(rng.normal(0, 1, n)),
    "ramp": lambda rng, n: np.linspace(0, 1e6, n) + rng.normal(0, 1, n),
}
"""What one series may look like."""


def hard_stream(keys: Sequence[SeriesKey], seed: int, points: int = 60, delay_s: float = 0) -> Stream:
    """Series of the kinds of ``HARD`` with faults, gaps, NaN and infinities, a minute apart, and ticks.

    With ``delay_s`` samples arrive up to that much late and out of order, and some arrive twice.
    """
    rng = np.random.default_rng(seed)
    kinds = rng.permutation(list(HARD))
    columns = []
    for code in range(len(keys)):
        values = HARD[kinds[code % len(kinds)]](rng, points)
        for _ in range(3):
            start, length = int(rng.integers(0, points)), int(rng.integers(1, 7))
            values[start : start + length] += rng.choice([-1, 1]) * rng.uniform(5, 50) * _scale(values)
        broken = rng.random(points) < 0.04
        values[broken] = rng.choice([np.nan, np.inf, -np.inf], int(broken.sum()))
        minutes = np.flatnonzero(rng.random(points) > 0.05)
        gap = int(rng.integers(0, points))
        minutes = minutes[(minutes < gap) | (minutes >= gap + points // 10)]
        columns.append((code, minutes, values[minutes]))
    return _stream(keys, columns, points, delay_s, rng)


def _scale(values: Floats) -> float:
    return float(np.median(np.abs(values - np.median(values)))) or 1.0


def healthy_stream(
    keys: Sequence[SeriesKey], seed: int, points: int, delay_s: float = 0, minutes: int = 1
) -> Stream:
    """Independent Gaussian noise in every series, complete, a sample every so many minutes."""
    rng = np.random.default_rng(seed)
    columns = [(code, minutes * np.arange(points), _noise(rng, points)) for code in range(len(keys))]
    return _stream(keys, columns, minutes * points, delay_s, rng)


def _stream(
    keys: Sequence[SeriesKey],
    columns: Iterable[tuple[int, Instants, Floats]],
    points: int,
    delay_s: float,
    rng: Rng,
) -> Stream:
    codes, minutes, values = [], [], []
    for code, at, column in columns:
        codes.append(np.full(len(at), code, np.int32))
        minutes.append(at)
        values.append(column)
    n = sum(len(column) for column in values)
    timestamps = START + MINUTE * np.concatenate(minutes)
    delays = np.zeros(n, np.int64)
    if delay_s:
        delays = rng.integers(0, int(delay_s * SECOND), n)
    ticks = START + MINUTE * np.arange(points + 1)
    block = Block(
        np.concatenate([np.full(n, SAMPLE, np.int8), np.full(points + 1, TICK, np.int8)]),
        np.concatenate([timestamps + delays, ticks]),
        np.concatenate([timestamps, ticks]),
        np.concatenate([*codes, np.full(points + 1, -1, np.int32)]),
        np.concatenate([*values, np.full(points + 1, np.nan)]),
    )
    stream = Stream(tuple(keys), block)
    if delay_s:
        stream = _with_repeats(stream, rng.choice(n, max(1, n // 30), replace=False), delay_s, rng)
    return stream.by_arrival()


def _with_repeats(stream: Stream, which: Instants, delay_s: float, rng: Rng) -> Stream:
    """Some samples a second time, later and with another value: the first to arrive wins."""
    b = stream.rows(np.concatenate([np.arange(len(stream)), which])).block
    again = slice(len(stream), None)
    arrivals, values = b.arrivals.copy(), b.values.copy()
    arrivals[again] += rng.integers(1, int(delay_s * SECOND), len(which))
    values[again] += 1.0
    return Stream(stream.keys, replace(b, arrivals=arrivals, values=values))


def history(keys: Sequence[SeriesKey], weeks: int = 5) -> tuple[Codes, Instants, Floats]:
    """Codes, timestamps and values of healthy weeks before ``START``, at five minutes; for ``fit``."""
    instants = np.arange(START - weeks * WEEK, START, 5 * MINUTE)
    n = len(instants) * len(keys)
    codes = np.tile(np.arange(len(keys), dtype=np.int32), len(instants))
    return codes, np.repeat(instants, len(keys)), _noise(np.random.default_rng(7), n)


def cuts(n: int, rng: Rng, pieces: int) -> list[int]:
    """0, some places between, n: where to cut a stream of n records."""
    inner = rng.integers(0, n + 1, max(0, pieces - 1)).tolist() if n else []
    return sorted({0, n, *inner})
