"""The records' own clock: for a history piped through a shim, which then says what a replay of it says.

A record arrives at its ``ingested_at``, else at timestamp + delay, and never before one that came earlier.
Ticks are made at every multiple of the tick that time passes.

One record must not move time. One from further than ``skew`` ahead of the clock is held back: the next
record confirms it by lying ahead too, as after a gap, or refutes it and makes it a dead letter. One from
ahead of the time of day is a dead letter at once. A tick that is sent in moves time as far as it says.
Reference rows are held back until the clock reaches ``known_from``, so they may all be sent in first.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Self

from titleshot.datasets.contracts.instants import format_instant
from titleshot.datasets.contracts.telemetry import LogEvent, PlatformEvent, Sample, Tick
from titleshot.detectors.block import AnyRecord
from titleshot.registry.serving.clock import Admission, Mode
from titleshot.registry.serving.wire import Fault, Incoming

MOST_TICKS = 1_000_000
"""Ticks made for one step of time; beyond it only the last one is."""


class RecordClock:
    """Time as the records have it.

    Args:
        tick: nanoseconds between ticks.
        skew: nanoseconds a record may lie ahead of the clock.
        delay: nanoseconds from a record's timestamp to its arrival where it has no ``ingested_at``.
    """

    mode: Mode = "records"

    def __init__(
        self,
        tick: int,
        skew: int,
        delay: int = 0,
        *,
        state: Mapping[str, int | None] | None = None,
        held: Mapping[int, Incoming] | None = None,
        wall: Callable[[], int] = time.time_ns,
    ) -> None:
        self._tick, self._skew, self._delay, self._wall = tick, skew, delay, wall
        self._now = state["latest"] if state else None
        self._next = state["next_tick"] if state else None
        self.held = dict(held or {})
        self._number = max(self.held, default=0) + 1
        self._ahead = next((n for n, one in self.held.items() if one.kind != "reference"), None)
        self._announced = [
            (self._own(one.record), n) for n, one in self.held.items() if one.kind == "reference"
        ]
        heapq.heapify(self._announced)

    @property
    def latest(self) -> int | None:
        return self._now

    def copy(self) -> Self:
        return type(self)(
            self._tick, self._skew, self._delay, state=self.state(), held=self.held, wall=self._wall
        )

    def admit(self, given: Sequence[Incoming | Fault]) -> Admission:
        admission = Admission()
        for one in given:
            if isinstance(one, Fault):
                admission.refuse(one, self._stamp())
            elif isinstance(one.record, Tick):
                self._sent_in(one, one.record.timestamp, admission)
            elif one.kind == "reference":
                self._reference(one, admission)
            else:
                self._record(one, admission)
        return admission

    def due(self) -> Admission:
        return Admission()

    def end(self) -> Admission:
        admission = Admission()
        if self._ahead is not None:
            self._settle(admission, confirmed=True)
        if self._next is not None and self._next == self._now:
            self._make_tick(self._next, admission)
        return admission

    def follow(self, tick: int, skew: int) -> None:
        self._tick, self._skew = tick, skew
        if self._next is not None and self._now is not None:
            self._next = -(-self._now // tick) * tick

    def state(self) -> dict[str, int | None]:
        return {"latest": self._now, "next_tick": self._next}

    def _own(self, record: AnyRecord) -> int:
        if isinstance(record, Sample | LogEvent | PlatformEvent):
            return record.timestamp + self._delay if record.ingested_at is None else record.ingested_at
        return record.timestamp if isinstance(record, Tick) else record.known_from

    def _stamp(self) -> int:
        return self._wall() if self._now is None else self._now

    def _record(self, one: Incoming, admission: Admission) -> None:
        own = self._own(one.record)
        if own > self._wall() + self._skew:
            said = f"{format_instant(own)} is still to come"
            admission.refuse(one, self._stamp(), "from_the_future", said)
        elif self._now is None:
            self._now = own
            self._next = -(-own // self._tick) * self._tick
            self._announce(own, admission)
            admission.take(one, own)
        elif own <= self._now + self._skew:
            if self._ahead is not None:
                self._settle(admission, confirmed=False)
            self._accept(one, own, admission)
        elif self._ahead is None:
            self._hold(one, admission)
        elif self.held[self._ahead].record == one.record:
            admission.refuse(
                one, self._now, "duplicate", "held back already until another record confirms it"
            )
        elif self._own(self.held[self._ahead].record) > own + self._skew:
            self._settle(admission, confirmed=False)
            self._hold(one, admission)
        else:
            self._settle(admission, confirmed=True)
            self._record(one, admission)

    def _sent_in(self, one: Incoming, at: int, admission: Admission) -> None:
        if at > self._wall() + self._skew:
            said = f"{format_instant(at)} is still to come"
            admission.refuse(one, self._stamp(), "from_the_future", said)
        elif self._now is not None and at < self._now:
            said = f"time is at {format_instant(self._now)} already"
            admission.refuse(one, self._now, "late", said)
        else:
            self._confirm(at, admission)
            self._move(at, admission)
            self._make_tick(at, admission)
            self._confirm(at + self._skew, admission)

    def _confirm(self, until: int, admission: Admission) -> None:
        if self._ahead is not None and self._own(self.held[self._ahead].record) <= until:
            self._settle(admission, confirmed=True)

    def _reference(self, one: Incoming, admission: Admission) -> None:
        known_from = self._own(one.record)
        if self._now is not None and known_from <= self._now:
            admission.take(one, self._now)
        else:
            number = self._keep(one, admission)
            heapq.heappush(self._announced, (known_from, number))

    def _accept(self, one: Incoming, own: int, admission: Admission) -> None:
        self._move(own, admission)
        admission.take(one, self._stamp())

    def _hold(self, one: Incoming, admission: Admission) -> None:
        self._ahead = self._keep(one, admission)

    def _keep(self, one: Incoming, admission: Admission) -> int:
        number = self._number
        self._number += 1
        self.held[number] = admission.kept[number] = one
        return number

    def _let_go(self, number: int, admission: Admission) -> Incoming:
        if admission.kept.pop(number, None) is None:
            admission.let_go.append(number)
        return self.held.pop(number)

    def _settle(self, admission: Admission, *, confirmed: bool) -> None:
        number, self._ahead = self._ahead, None
        if number is None:
            return
        one = self._let_go(number, admission)
        if confirmed:
            self._accept(one, self._own(one.record), admission)
        else:
            admission.refuted += number in admission.let_go
            said = "no other record confirmed that time had moved so far"
            admission.refuse(one, self._stamp(), "from_the_future", said)

    def _move(self, to: int, admission: Admission) -> None:
        """Time passes: ticks and reference rows on the way, then it is ``to``."""
        if self._now is None or to > self._now:
            self._announce(to, admission)
            self._ticks(to, admission)
            self._now = to

    def _announce(self, to: int, admission: Admission) -> None:
        """Reference rows that become known until then."""
        while self._announced and self._announced[0][0] <= to:
            known_from, number = heapq.heappop(self._announced)
            self._ticks(known_from, admission)
            admission.take(self._let_go(number, admission), known_from)

    def _ticks(self, before: int, admission: Admission) -> None:
        if self._next is None or before <= self._next:
            return
        if (before - self._next) // self._tick > MOST_TICKS:
            self._next += (before - 1 - self._next) // self._tick * self._tick
        while self._next < before:
            self._make_tick(self._next, admission)

    def _make_tick(self, at: int, admission: Admission) -> None:
        admission.tick(at, at)
        self._next = (at // self._tick + 1) * self._tick
        if self._now is None:
            self._now = at
