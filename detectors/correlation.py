"""The second half of a contender: alerts and time in, incident candidates and pages out."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.incidents import IncidentCandidate, Page
from titleshot.datasets.contracts.telemetry import LogEvent, PlatformEvent
from titleshot.detectors.alert_policy import ALERTED
from titleshot.detectors.block import LOG, PLATFORM, REFERENCE, TICK
from titleshot.detectors.correlators.correlator import Alert, Change, Correlator
from titleshot.detectors.detected import Marks
from titleshot.detectors.events import Events
from titleshot.detectors.paging import PagingRule
from titleshot.detectors.recipe import Recipe
from titleshot.detectors.series import SeriesIndex
from titleshot.detectors.world import World


class Correlated(NamedTuple):
    """What was said, in order."""

    incidents: list[IncidentCandidate]
    pages: list[Page]


class Correlation:
    """State of the second half for one stream; its world is fed by the same reference rows."""

    def __init__(self, recipe: Recipe, series: SeriesIndex) -> None:
        self.series = series
        self.world = World()
        self.correlator = recipe.make_correlator()
        self.paging = PagingRule(recipe.paging)

    @property
    def memory_s(self) -> float | None:
        """How far back an alert can matter; None where nothing bounds it."""
        if self.correlator is None:
            return 0.0
        spans = (self.correlator.memory_s, self.paging.memory_s)
        return None if None in spans else sum(span for span in spans if span is not None)

    def push(self, events: Events, marks: Marks) -> Correlated:
        """Take in events and marks, each in release order, as one stream.

        Order within a timestamp: reference < platform < log < event < tick.
        """
        said = Correlated([], [])
        if self.correlator is None:
            return said
        alerts = events.take(events.policies == ALERTED)
        times = alerts.timestamps
        told = marks.kinds == REFERENCE
        if self.correlator.hears_texts:
            told |= (marks.kinds == PLATFORM) | (marks.kinds == LOG)
        ticks = np.flatnonzero(marks.kinds == TICK)
        walk = _Walk(self, self.correlator, alerts, marks.timestamps[ticks], marks.clocks[ticks], said)
        for mark in np.flatnonzero(told).tolist():
            at = marks.timestamps[mark]
            walk.until(int(np.searchsorted(times, at, "left")), int(at))
            payload = marks.payloads[mark]
            if isinstance(payload, LogEvent | PlatformEvent):
                self.correlator.hear(payload, self.world)
            else:
                self.world.apply(payload)  # type: ignore[arg-type]
        walk.until(len(alerts), None)
        return said

    def flush(self, clock: int) -> Correlated:
        """The end of a replay: close what is open."""
        said = Correlated([], [])
        if self.correlator is not None:
            self.say(self.correlator.flush(clock, self.world), clock, said)
        return said

    def say(self, changes: list[Change], clock: int, said: Correlated) -> None:
        """Note what changed and let the paging rule look at it."""
        for change in changes:
            if change.what != "joined":
                said.incidents.append(change.candidate)
            said.pages.extend(self.paging.consider(change, clock, self.world))

    def state(self) -> dict[str, Any]:
        """JSON that :meth:`load` continues from."""
        return {
            "world": self.world.state(),
            "correlator": self.correlator.state() if self.correlator is not None else None,
            "paging": self.paging.state(),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self.world.load(state["world"])
        if self.correlator is not None:
            self.correlator.load(state["correlator"])
        self.paging.load(state["paging"])


class _Walk:
    """Goes through alerts and ticks in order; ticks at which nothing is due are passed over."""

    def __init__(
        self,
        half: Correlation,
        correlator: Correlator,
        alerts: Events,
        tick_times: NDArray[np.int64],
        tick_clocks: NDArray[np.int64],
        said: Correlated,
    ) -> None:
        self.half = half
        self.correlator = correlator
        self.alerts = alerts
        self.tick_times = tick_times
        self.tick_clocks = tick_clocks
        self.said = said
        self.next_alert = 0
        self.next_tick = 0
        self._scores = alerts.scores.tolist()
        self._directions = alerts.directions()
        self._tails = alerts.tail_probabilities()

    def until(self, alert_stop: int, tick_before: int | None) -> None:
        """Alerts up to a row number, and ticks before a time (None: all)."""
        half, alerts = self.half, self.alerts
        for i in range(self.next_alert, alert_stop):
            at = int(alerts.timestamps[i])
            self._ticks(int(np.searchsorted(self.tick_times, at, "left")))
            clock = int(alerts.clocks[i])
            code = int(alerts.codes[i])
            alert = Alert(
                alerts.event_ids[i],
                at,
                half.series.services[code],
                half.series.keys[code].metric_name,
                self._scores[i],
                self._directions[i],
                alerts.detectors[i],
                self._tails[i],
            )
            if half.paging.hears(alert, half.world):
                half.say(self.correlator.alert(alert, clock, half.world), clock, self.said)
        self.next_alert = max(self.next_alert, alert_stop)
        stop = len(self.tick_times)
        self._ticks(
            stop if tick_before is None else int(np.searchsorted(self.tick_times, tick_before, "left"))
        )

    def _ticks(self, stop: int) -> None:
        while self.next_tick < stop:
            due = self.correlator.due()
            if due is None:
                break
            row = max(self.next_tick, int(np.searchsorted(self.tick_times, due, "left")))
            if row >= stop:
                break
            clock = int(self.tick_clocks[row])
            changes = self.correlator.tick(int(self.tick_times[row]), clock, self.half.world)
            self.half.say(changes, clock, self.said)
            self.next_tick = row + 1
        self.next_tick = max(self.next_tick, stop)
