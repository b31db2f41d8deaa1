"""The shim: every record into the journal, then to the contender that speaks. One thread at a time."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from titleshot.datasets.contracts.instants import SECOND, format_instant
from titleshot.datasets.errors import TitleshotError, Unreachable
from titleshot.registry.serving.clock import DEAD, Admission, ArrivalClock, Clock, Mode
from titleshot.registry.serving.desk import PageDesk
from titleshot.registry.serving.following import Follower
from titleshot.registry.serving.journal import Journal
from titleshot.registry.serving.journal_reader import JournalReader, Said, Turn
from titleshot.registry.serving.metrics import Metrics
from titleshot.registry.serving.record_clock import RecordClock
from titleshot.registry.serving.resolver import Found, Loaded
from titleshot.registry.serving.served import Taken
from titleshot.registry.serving.stage import Stage
from titleshot.registry.serving.wire import Fault, Incoming

LOG = logging.getLogger("titleshot.serving")
Listener = Callable[[Sequence[Said]], None]


class Answer(NamedTuple):
    """What became of what came in."""

    accepted: int
    """Of the records that came in now, those that went on to the contender."""
    dead: int
    """Dead letters said now; one may be about a record accepted before."""
    held: int
    """Records held back until time gets there, of those that came in now."""
    said: list[Said]


class Shim:
    """The version that speaks, its journal and its clock.

    Args:
        path: the journal; where there is one, the shim goes on from its end.
        delay_s: from a record's timestamp to its arrival, for the records' own clock.
        desk: have pages wait at a page desk for a notifier.
        listener: told what is said, in order, after it was written down.
    """

    def __init__(
        self,
        path: Path,
        loaded: Loaded,
        *,
        clock: Mode = "arrival",
        delay_s: float = 0.0,
        desk: bool = False,
        listener: Listener | None = None,
        wall: Callable[[], int] = time.time_ns,
    ) -> None:
        self._wall = wall
        self._listener = listener
        self.metrics = Metrics()
        self.journal = Journal(
            path,
            role="shim",
            meta={"name": loaded.found.name, "clock": clock, "delay_s": repr(float(delay_s))},
        )
        self._inputs = JournalReader(path)
        try:
            self.desk = PageDesk(self.journal, wall=wall) if desk else None
            self._stage = Stage(self.journal, self._inputs, loaded, self.desk)
            self._clock = self._make_clock(clock, delay_s)
            self.since = wall()
            self._newest: int | None = None
            self._broken: Exception | None = None
            self.closed = False
            self.follower: Follower | None = None
            for turn in self._stage.catch_up():
                self._tell(turn)
        except BaseException:
            self._inputs.close()
            self.journal.close()
            raise

    def _make_clock(self, mode: Mode, delay_s: float) -> Clock:
        served, state = self._stage.served, self.journal.clock_state()
        if mode == "arrival":
            return ArrivalClock(served.tick, served.skew, state=state, wall=self._wall)
        delay = round(delay_s * SECOND)
        held = self.journal.held()
        return RecordClock(served.tick, served.skew, delay, state=state, held=held, wall=self._wall)

    @property
    def found(self) -> Found:
        """Which version speaks."""
        return self._stage.found

    @property
    def healthy(self) -> bool:
        """False where only a new start helps."""
        return self._broken is None

    @property
    def ready(self) -> bool:
        """True while records are accepted."""
        return not self.closed and self.healthy

    def accept(self, given: Sequence[Incoming | Fault]) -> Answer:
        """Take in records in the order they came; they are on disk before they are scored.

        Raises:
            Unreachable: the shim is closing, or its journal cannot be written; nothing was taken in.
        """
        return self._step(lambda clock: clock.admit(given), given)

    def tick(self) -> Answer:
        """Make the tick that is due, where time passes by itself."""
        return self._step(lambda clock: clock.due())

    def end(self) -> Answer:
        """The input has ended for good: settle what waits for a record that would confirm it."""
        return self._step(lambda clock: clock.end())

    def replace(self, loaded: Loaded) -> None:
        """Warm up another version while the old one speaks, then let it speak from the next record on."""
        inputs = JournalReader(self.journal.path)
        try:
            prepared = self._stage.prepare(loaded, inputs)
            with self.journal.lock:
                self._check()
                self._stage.swap(prepared, inputs)
                served = self._stage.served
                self._clock.follow(served.tick, served.skew)
                self.since = self._wall()
        finally:
            inputs.close()

    def close(self) -> None:
        """Take in nothing more and let go of the journal."""
        with self.journal.lock:
            if not self.closed:
                self.closed = True
                self._inputs.close()
                self.journal.close()

    def run_ticks(self, stop: threading.Event) -> None:
        """Make ticks until told to stop; for a clock that is the time of day."""
        while not stop.is_set():
            tick = self._stage.served.tick
            until = (self._wall() // tick + 1) * tick - self._wall()
            # Short waits: the time of day may be set while we wait.
            if stop.wait(min(until / SECOND + 0.001, 1.0)):
                return
            try:
                self.tick()
            except Unreachable as error:
                LOG.error("no tick was made: %s", error)  # noqa: TRY400  the message says it all
                stop.wait(1.0)

    def _step(self, admit: Callable[[Clock], Admission], given: Sequence[Incoming | Fault] = ()) -> Answer:
        with self.journal.lock:
            self._check()
            trial = self._clock.copy()
            admission = admit(trial)
            if not (admission.rows or admission.kept or admission.let_go):
                return Answer(0, 0, 0, [])
            last = self.journal.append(admission.rows, trial.state(), admission.kept, admission.let_go)
            self._clock = trial
            self._count(admission)
            first = last - len(admission.rows) + 1
            rows = [
                Taken(first + i, row.arrival, row.kind, row.record) for i, row in enumerate(admission.rows)
            ]
            said = self._score(rows)
            refused = sum(row.kind == DEAD for row in admission.rows) - admission.refuted
            accepted = len(given) - len(admission.kept) - refused if given else 0
            dead = sum(one.kind == "dead_letter" for one in said)
            return Answer(accepted, dead, len(admission.kept), said)

    def _score(self, rows: Sequence[Taken]) -> list[Said]:
        if not rows:
            return []
        began = time.perf_counter()
        try:
            turn = self._stage.speak(rows)
        except Exception as error:
            # The engine has seen what the journal says was never scored: only a new start puts that right.
            self._broken = error
            LOG.critical("scoring stopped at record %s", rows[0].seq, exc_info=True)
            raise self._stopped() from error
        self.metrics.add("scoring_seconds", time.perf_counter() - began)
        self.metrics.add("scoring_turns")
        self._tell(turn)
        return turn.said

    def _tell(self, turn: Turn) -> None:
        for one in turn.said:
            if one.kind == "dead_letter":
                self.metrics.add("dead_letters", reason=json.loads(one.text)["record"]["reason"])
            else:
                self.metrics.add("said", kind=one.kind)
                if one.kind == "event" and not json.loads(one.text)["record"]["labels"]:
                    self.metrics.add("enrichment_misses")
        if turn.last_ns is not None:
            self._newest = max(self._newest or turn.last_ns, turn.last_ns)
        if self._listener is not None and turn.said:
            self._listener(turn.said)

    def _count(self, admission: Admission) -> None:
        for row in admission.rows:
            if row.kind != DEAD:
                self.metrics.add("records", kind=row.kind)

    def _check(self) -> None:
        if self.closed:
            raise Unreachable("the shim is closing; send the records to the next one")
        if self._broken is not None:
            raise self._stopped()

    def _stopped(self) -> Unreachable:
        return Unreachable(
            f"scoring stopped: {self._broken}; what was accepted is in the journal, start the shim again"
        )

    def contender(self) -> dict[str, Any]:
        """Which version speaks, since when, and what keeps a newer one from it."""
        found, contender = self.found, self._stage.served.contender
        failure = self.follower.failure if self.follower else None
        return {
            "name": found.name,
            "alias": found.alias,
            "version": found.version,
            "contender": contender.name,
            "recipe_digest": contender.recipe.digest,
            "artifact_digest": contender.artifact_digest,
            "tree_digest": found.tree_digest,
            "promoted_at": format_instant(found.since) if found.since is not None else None,
            "serving_since": format_instant(self.since),
            "clock": self._clock.mode,
            "following_failed": failure.as_json() if failure else None,
        }

    def metrics_text(self) -> str:
        """Prometheus' text form of how it goes."""
        found, served, follower = self.found, self._stage.served, self.follower
        desk = self.desk.counts() if self.desk is not None and not self.closed else {}
        gauges: dict[str, float | None] = {
            "ready": float(self.ready),
            "journal_records": float(self.journal_last()),
            "input_lag_seconds": None if self._newest is None else (self._wall() - self._newest) / SECOND,
            "held_records": len(self._clock.held),
            "waiting_records": served.engine.detection.waiting,
            "series": len(served.engine.series),
            "open_pages": len(served.open_pages),
            "desk_open_pages": desk.get("open"),
            "desk_joined_pages": self.desk.joined if self.desk else None,
            "notices_waiting": desk.get("waiting"),
            "notices_delivered": self.desk.told if self.desk else None,
            "notice_failures": self.desk.failures if self.desk else None,
            "follow_failures": follower.failures if follower else None,
            "swaps": follower.swaps if follower else None,
            "contender_since_seconds": self.since / SECOND,
        }
        info = {
            "name": found.name,
            "alias": found.alias,
            "version": str(found.version),
            "contender": served.contender.name,
            "artifact_digest": served.contender.artifact_digest,
        }
        return self.metrics.text(gauges, info)

    def journal_last(self) -> int:
        """Number of the last record in the journal."""
        if self.closed:
            return 0
        try:
            with self.journal.lock:
                return self.journal.last
        except TitleshotError:
            return 0
