"""The clock of a shim: at which moment a record arrives, and which ticks come before it.

Two clocks, one form: :meth:`admit` gives the rows a journal is to hold, in order, each with its arrival.
What the engine says depends on these rows and nothing else, so a replay of the journal says the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol, Self

from titleshot.datasets.contracts.incidents import DeadLetter
from titleshot.datasets.contracts.telemetry import Tick
from titleshot.detectors.block import AnyRecord
from titleshot.registry.serving.wire import Fault, Incoming, as_data, text_of

Mode = Literal["arrival", "records"]
DEAD = "dead"
"""Kind of a journal row that holds a dead letter made at the door."""


class Row(NamedTuple):
    """What the journal holds of one record; ``kind`` is that of the record, or ``DEAD``."""

    arrival: int
    kind: str
    record: AnyRecord | DeadLetter
    text: str


@dataclass
class Admission:
    """What a clock made of what came in."""

    rows: list[Row] = field(default_factory=list)
    """To be journaled, in order; arrivals of records never fall."""
    kept: dict[int, Incoming] = field(default_factory=dict)
    """To be held back until time gets there, by number."""
    let_go: list[int] = field(default_factory=list)
    """Numbers of those held back earlier that are settled now."""
    refuted: int = 0
    """How many of those became dead letters."""

    def tick(self, at: int, arrival: int) -> None:
        """Add a tick."""
        record = Tick(timestamp=at)
        self.rows.append(Row(arrival, "tick", record, text_of(record)))

    def take(self, incoming: Incoming, arrival: int) -> None:
        """Add a record."""
        self.rows.append(Row(arrival, incoming.kind, incoming.record, incoming.text))

    def refuse(
        self, given: Incoming | Fault, arrival: int, reason: Any = "out_of_contract", detail: str = ""
    ) -> None:
        """Add a dead letter."""
        if isinstance(given, Fault):
            fields: dict[str, Any] = {
                "reason": given.reason, "detail": given.detail, "kind": given.kind, "record": given.given,
            }  # fmt: skip
        else:
            at = getattr(given.record, "timestamp", None)
            content = as_data(given.record.model_dump(mode="json", exclude_none=True))
            fields = {
                "reason": reason, "detail": detail, "kind": given.kind, "timestamp": at, "record": content,
            }  # fmt: skip
        letter = DeadLetter.model_validate({**fields, "arrived_at": arrival})
        self.rows.append(Row(arrival, DEAD, letter, letter.to_json()))


class Clock(Protocol):
    """How time moves; all of it is in :meth:`state`."""

    mode: Mode
    held: dict[int, Incoming]

    @property
    def latest(self) -> int | None:
        """Arrival of the last row, nanoseconds; None before the first."""
        ...

    def copy(self) -> Self:
        """A clock to try an admission on; the first stays as it is."""
        ...

    def admit(self, given: Sequence[Incoming | Fault]) -> Admission:
        """Take in what came, in order."""
        ...

    def due(self) -> Admission:
        """The tick that is due though nothing came in."""
        ...

    def end(self) -> Admission:
        """Nothing follows: settle what is held back for a record that would confirm it."""
        ...

    def follow(self, tick: int, skew: int) -> None:
        """Tick and skew of another contender from now on, nanoseconds."""
        ...

    def state(self) -> dict[str, int | None]:
        """JSON that a new clock continues from."""
        ...


class ArrivalClock:
    """A record arrives at the moment it is accepted; whoever calls :meth:`due` often enough makes the ticks.

    After a time in which the process was away only the last tick is made up for: nothing was said meanwhile.
    """

    mode: Mode = "arrival"

    def __init__(
        self,
        tick: int,
        skew: int,
        *,
        state: dict[str, int | None] | None = None,
        wall: Callable[[], int] = time.time_ns,
    ) -> None:
        self._tick, self._skew, self._wall = tick, skew, wall
        self.held: dict[int, Incoming] = {}
        self._latest = state["latest"] if state else None
        self._next = (state["next_tick"] if state else None) or self._after(wall() - 1)

    @property
    def latest(self) -> int | None:
        return self._latest

    def copy(self) -> Self:
        return type(self)(self._tick, self._skew, state=self.state(), wall=self._wall)

    def admit(self, given: Sequence[Incoming | Fault]) -> Admission:
        admission = self.due()
        now = self._now()
        for one in given:
            if isinstance(one, Fault):
                admission.refuse(one, now)
            elif one.kind == "tick":
                admission.refuse(
                    one, now, detail="this shim's clock is the time of day and makes its own ticks"
                )
            else:
                admission.take(one, now)
        if admission.rows:
            self._latest = now
        return admission

    def due(self) -> Admission:
        admission = Admission()
        now = self._now()
        if self._next < now:
            last = self._next + (now - 1 - self._next) // self._tick * self._tick
            arrival = max(last, self._latest or last)
            admission.tick(last, arrival)
            self._next, self._latest = last + self._tick, arrival
        return admission

    def end(self) -> Admission:
        return Admission()

    def follow(self, tick: int, skew: int) -> None:
        self._tick, self._skew = tick, skew
        self._next = self._after(self._next - 1)

    def state(self) -> dict[str, int | None]:
        return {"latest": self._latest, "next_tick": self._next}

    def _now(self) -> int:
        # A clock that is set back must not make arrivals fall.
        return max(self._wall(), self._latest if self._latest is not None else -(2**62))

    def _after(self, moment: int) -> int:
        """The first multiple of the tick after a moment."""
        return (moment // self._tick + 1) * self._tick
