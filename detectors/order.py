"""Time: when a record may be seen, in which order, and what came too late.

The engine clock is the latest arrival. A record that arrives at ``a`` releases every timestamp below
``a - lateness``; a tick at ``T`` says that everything arriving until ``T`` is in and releases up to and
including ``T - lateness``. Released records are ordered by (timestamp, kind, key, arrival sequence), whatever
the blocks they came in. A timestamp already released, or beyond arrival + skew, makes a dead letter.

Reference rows and ticks carry no time of their own: they hold from the clock at which they arrive.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.record import canonical_json
from titleshot.datasets.contracts.reference import REFERENCE_ROW
from titleshot.datasets.contracts.telemetry import LogEvent, PlatformEvent
from titleshot.detectors.block import F64, I8, I32, I64, PLATFORM, REFERENCE, SAMPLE, TICK, Block, Payload
from titleshot.detectors.order_kernels import admit, mark_repeats, release_clocks, survey

_LATE, _FUTURE, _DUPLICATE = 1, 2, 3
REASONS = {_LATE: "late", _FUTURE: "from_the_future", _DUPLICATE: "duplicate"}
_START = -(2**62)
_END = 2**62


class Rows(NamedTuple):
    """Records in release order (or waiting for it), each array of length n."""

    timestamps: I64
    kinds: I8
    keys: I64
    """Content hash of a payload; for a sample 0, its rank is looked up when it is sorted."""
    sequence: I64
    codes: I32
    values: F64
    arrivals: I64

    def take(self, rows: NDArray[Any] | slice) -> Rows:
        columns: Iterable[Any] = (column[rows] for column in self)
        return Rows(*columns)

    def copied(self) -> Rows:
        """The same rows in memory of their own, so that a few do not keep a whole block."""
        columns: Iterable[Any] = (column.copy() for column in self)
        return Rows(*columns)

    @classmethod
    def joined(cls, parts: Sequence[Rows]) -> Rows:
        """The rows of several, in the order given; at least one."""
        columns: Iterable[Any] = (np.concatenate(column) for column in zip(*parts, strict=True))
        return cls(*columns)


class Released(NamedTuple):
    """What may be seen now, in order; ``clocks`` is the engine clock at which each row was released."""

    rows: Rows
    clocks: I64
    payloads: dict[int, Payload]
    """By ``sequence``."""


class Dead(NamedTuple):
    """What was not used; ``reasons`` are keys of ``REASONS``.

    ``order`` says which record's arrival settled it (twice its sequence, one more for a repeat found on
    release), so that dead letters come in one order however the stream is cut or partitioned.
    """

    rows: Rows
    reasons: I8
    order: I64
    payloads: dict[int, Payload]

    @classmethod
    def joined(cls, parts: Sequence[Dead]) -> Dead:
        """The rows of several, in the order given."""
        payloads: dict[int, Payload] = {}
        for part in parts:
            payloads |= part.payloads
        return cls(
            Rows.joined([part.rows for part in parts]),
            np.concatenate([part.reasons for part in parts]),
            np.concatenate([part.order for part in parts]),
            payloads,
        )


def no_rows() -> Rows:
    """Rows of length 0."""
    whole = np.empty(0, np.int64)
    return Rows(whole, np.empty(0, np.int8), whole, whole, np.empty(0, np.int32), np.empty(0), whole)


class ReleaseOrder:
    """Holds records back until the watermark passes them.

    Args:
        lateness: nanoseconds a record may arrive after its timestamp.
        skew: nanoseconds a timestamp may lie ahead of its arrival.
    """

    def __init__(self, lateness: int, skew: int) -> None:
        self.lateness = lateness
        self.skew = skew
        self.clock = _START
        self.bound = _START
        self._sequence = 0
        self._waiting = no_rows()
        self._payloads: dict[int, Payload] = {}

    @property
    def waiting(self) -> int:
        """Records held back."""
        return len(self._waiting.timestamps)

    def push(self, block: Block, ranks: I64, keep: NDArray[np.bool_] | None = None) -> tuple[Released, Dead]:
        """Take in a block and let go what the watermark has passed.

        Args:
            ranks: int64 per series code, the order of series within one timestamp.
            keep: bool per row of the block; rows that are False move the clock and are left out. This is
                how one partition of series sees the same time as the whole.
        """
        n, waiting = len(block), self.waiting
        status = np.empty(n, np.int8)
        bounds = np.empty(n, np.int64)
        clocks = np.empty(n, np.int64)
        causes = np.empty(n, np.int64)
        # What waits and what comes in one piece, so that nothing is copied twice.
        pool = Rows(
            np.empty(waiting + n, np.int64),
            _after(self._waiting.kinds, block.kinds),
            np.zeros(waiting + n, np.int64),
            np.empty(waiting + n, np.int64),
            _after(self._waiting.codes, block.codes),
            _after(self._waiting.values, block.values),
            _after(self._waiting.arrivals, block.arrivals),
        )
        pool.timestamps[:waiting] = self._waiting.timestamps
        pool.keys[:waiting] = self._waiting.keys
        pool.sequence[:waiting] = self._waiting.sequence
        rows = pool.take(slice(waiting, None))
        sequence, keys = rows.sequence, rows.keys
        self.clock, self.bound, steps, died = admit(
            block.kinds, block.arrivals, block.timestamps, self.lateness, self.skew, self.clock, self.bound,
            status, rows.timestamps, bounds, clocks, causes, sequence, self._sequence,
        )  # fmt: skip
        self._sequence += n
        payloads: dict[int, Payload] = {}
        if block.payloads:
            for i in np.flatnonzero((block.kinds != SAMPLE) & (block.kinds != TICK)):
                payload = block.payloads[block.codes[i]]
                keys[i] = _content_key(payload)
                payloads[int(sequence[i])] = payload
        self._payloads.update(payloads)
        dead, reasons = no_rows(), np.empty(0, np.int8)
        if died or keep is not None:
            dead_mask = status != 0
            kept = ~dead_mask
            if keep is not None:
                kept &= keep
                dead_mask &= keep
            pool = pool.take(np.concatenate([np.ones(waiting, np.bool_), kept]))
            dead = rows.take(dead_mask)._replace(timestamps=block.timestamps[dead_mask])
            reasons = status[dead_mask]
        released, repeats = self._let_go(pool, ranks, bounds[:steps], clocks[:steps])
        causes = sequence[causes[:steps]]
        return self._with_payloads(released, dead, reasons, repeats, bounds[:steps], causes)

    def flush(self, ranks: I64) -> tuple[Released, Dead]:
        """The end of a replay: let everything go at the clock as it stands."""
        end = np.array([_END])
        released, repeats = self._let_go(self._waiting, ranks, end, np.array([self.clock], np.int64))
        return self._with_payloads(
            released, no_rows(), np.empty(0, np.int8), repeats, end, np.array([self._sequence])
        )

    def _let_go(self, pool: Rows, ranks: I64, bounds: I64, clocks: I64) -> tuple[tuple[Rows, I64], Rows]:
        """Split the pool at the last bound, order what is released, and take out repeats."""
        if not len(bounds):
            self._waiting = pool
            return (no_rows(), np.empty(0, np.int64)), no_rows()
        ordered, repeats = survey(pool.timestamps, pool.kinds, pool.keys, pool.sequence, pool.codes, ranks)
        if ordered:
            # The common case by far: nothing is moved, only looked at.
            edge = int(np.searchsorted(pool.timestamps, bounds[-1], "left"))
            rows, self._waiting = pool.take(slice(edge)), pool.take(slice(edge, None)).copied()
        else:
            due = pool.timestamps < bounds[-1]
            rows, self._waiting = (pool, no_rows()) if due.all() else (pool.take(due), pool.take(~due))
            keys = sort_keys(rows, ranks)
            order = np.lexsort((rows.sequence, keys, rows.kinds, rows.timestamps))
            rows = rows.take(order)
            repeats = True
        released_at = np.empty(len(rows.timestamps), np.int64)
        release_clocks(rows.timestamps, bounds, clocks, released_at)
        if not repeats:
            return (rows, released_at), no_rows()
        repeated = np.zeros(len(rows.timestamps), np.bool_)
        if not mark_repeats(rows.timestamps, rows.kinds, sort_keys(rows, ranks), repeated):
            return (rows, released_at), no_rows()
        return (rows.take(~repeated), released_at[~repeated]), rows.take(repeated)

    def _with_payloads(
        self, released: tuple[Rows, I64], dead: Rows, reasons: I8, repeats: Rows, bounds: I64, causes: I64
    ) -> tuple[Released, Dead]:
        order = dead.sequence * 2
        if len(repeats.timestamps):
            steps = np.searchsorted(bounds, repeats.timestamps, "right")
            order = np.concatenate([order, causes[steps] * 2 + 1])
            reasons = np.concatenate([reasons, np.full(len(steps), _DUPLICATE, np.int8)])
            dead = Rows.joined([dead, repeats])
            by_cause = np.argsort(order, kind="stable")
            dead, reasons, order = dead.take(by_cause), reasons[by_cause], order[by_cause]
        rows, clocks = released
        return (
            Released(rows, clocks, self._theirs(rows)),
            Dead(dead, reasons, order, self._theirs(dead)),
        )

    def _theirs(self, rows: Rows) -> dict[int, Payload]:
        if not self._payloads:
            return {}
        points = rows.sequence[(rows.kinds != SAMPLE) & (rows.kinds != TICK)]
        return {number: self._payloads.pop(number) for number in points.tolist()}

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Arrays and JSON that :meth:`load` continues from."""
        arrays = {f"waiting.{name}": column for name, column in self._waiting._asdict().items()}
        payloads = [[s, p.model_dump(mode="json")] for s, p in sorted(self._payloads.items())]
        about = {"clock": self.clock, "bound": self.bound, "sequence": self._sequence, "payloads": payloads}
        return arrays, about

    def load(self, arrays: dict[str, NDArray[Any]], about: dict[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._waiting = Rows(**{name: arrays[f"waiting.{name}"] for name in Rows._fields})
        self.clock, self.bound, self._sequence = about["clock"], about["bound"], about["sequence"]
        kinds = dict(zip(self._waiting.sequence.tolist(), self._waiting.kinds.tolist(), strict=True))
        self._payloads = {s: _payload(kinds[s], content) for s, content in about["payloads"]}


def _after(first: NDArray[Any], second: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate([first, second]) if len(first) else second


def sort_keys(rows: Rows, ranks: I64) -> I64:
    """What orders rows of one timestamp and kind: the rank of a sample, the content of the rest."""
    samples = rows.kinds == SAMPLE
    if samples.all():
        return ranks[rows.codes]
    keys = rows.keys.copy()
    keys[samples] = ranks[rows.codes[samples]]
    return keys


def _content_key(payload: Payload) -> int:
    # A redelivered record is the same one, whenever it arrives.
    text = canonical_json(payload.model_dump(mode="json", exclude={"ingested_at"}))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)


def _payload(kind: int, content: dict[str, Any]) -> Payload:
    if kind == REFERENCE:
        return REFERENCE_ROW.validate_python(content)
    return (PlatformEvent if kind == PLATFORM else LogEvent).model_validate(content)
