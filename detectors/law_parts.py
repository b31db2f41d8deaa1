"""Detectors, correlators and contenders behind one small face, so that one law fits all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType
from typing import ClassVar, NamedTuple

import numpy as np

from titleshot.datasets.contracts.events import event_id
from titleshot.datasets.contracts.instants import MINUTE
from titleshot.datasets.contracts.record import SeriesKey, canonical_json
from titleshot.datasets.contracts.reference import TopologyEdge
from titleshot.detectors.answers import Hearing, Notes
from titleshot.detectors.block import REFERENCE, SAMPLE, TICK, Block
from titleshot.detectors.contender import Contender, Output, dead_letters
from titleshot.detectors.correlators.correlator import Alert, Change, Correlator
from titleshot.detectors.detector import Codes, Detector, Floats, Instants, Scored, Shape
from titleshot.detectors.fitted import Fitted
from titleshot.detectors.law_streams import LEVEL, SPREAD, START, history, plain_keys
from titleshot.detectors.state import pack, unpack
from titleshot.detectors.world import World


class Explained(NamedTuple):
    """How a detector explains a row it scored; numbers as in ``Scored``."""

    timestamp: int
    value: float
    strangeness: float
    expected: float
    lower: float
    upper: float
    sample_count: int
    baseline: str
    hears: Shape | None = "level"
    """None: no series alone, but many features of a service together."""


@dataclass(frozen=True)
class Said:
    """One thing said at engine clock ``at`` (None: at no moment of its own, a dead letter).

    Equal when all that a reader would see is equal, bit for bit. ``content`` does not repeat the clock.
    ``series`` is -1 for what is said of several.
    """

    at: int | None
    series: int
    what: str
    content: str
    explained: Explained | None = field(default=None, compare=False)
    strange: bool = field(default=False, compare=False)
    """It points at something: u >= 1, an alert, an incident opened or joined."""
    unexplained: str | None = field(default=None, compare=False)
    """What an explanation lacks that is none of ``explained``."""


class Part(ABC):
    """A fresh instance of what is tried, for series ``keys``."""

    ordered: ClassVar[bool] = True
    """It takes records as the engine releases them: by time, none twice."""
    apart: ClassVar[bool] = True
    """What it says of one series never depends on another (law 3)."""
    knows_world: ClassVar[bool] = False
    """It takes reference rows (law 9)."""
    takes_repeats: ClassVar[bool] = False
    """The same record twice is nothing new to it."""
    delay_s: float = 0
    """How late records may come."""
    memory_s: float | None = None
    warm_up_s: float = 0
    """How long it must have watched before it speaks."""
    spared: Mapping[int, str] = MappingProxyType({})
    """Laws that mean nothing for it, by number, and why."""
    partly: ClassVar[Mapping[int, str]] = MappingProxyType({})
    """What of a law is not asked of it, by number, and why."""

    @staticmethod
    def tried_on() -> tuple[SeriesKey, ...]:
        """Series to try it on."""
        return plain_keys()

    def together(self, code: int) -> tuple[int, ...]:
        """Series of which it speaks as one, ascending; it calls them by the first."""
        return (code,)

    def listens(self, shape: Shape, code: int) -> bool:  # noqa: ARG002
        """True where that is what it listens for in a series."""
        return shape == "level"

    @abstractmethod
    def push(self, block: Block) -> list[Said]:
        """Take in records in arrival order."""

    def flush(self) -> list[Said]:
        """The end of the stream."""
        return []

    @abstractmethod
    def snapshot(self) -> bytes:
        """All state."""

    @abstractmethod
    def restore(self, state: bytes) -> None:
        """Continue from a snapshot."""

    def broken_samples(self) -> int | None:
        """Samples without a finite number seen so far; None where none can reach it."""
        return None

    @abstractmethod
    def false_alarm_ratio(self, sample_count: int) -> float:
        """Documented share of healthy samples it calls strange, each with so many points behind it."""


class DetectorPart(Part):
    """A detector, fitted on healthy weeks where it needs that."""

    def __init__(self, detector: Detector, keys: Sequence[SeriesKey]) -> None:
        self.detector = detector
        self.memory_s = detector.memory_s
        self.warm_up_s = detector.warm_up_s
        self._hearing = Hearing(MINUTE)
        detector.grow(len(keys))
        if detector.needs_fit:
            detector.use(detector.fit(keys, *history(keys)), keys)

    def listens(self, shape: Shape, code: int) -> bool:  # noqa: ARG002
        return shape == self.detector.hears

    def push(self, block: Block) -> list[Said]:
        rows = block.kinds == SAMPLE
        ticks, places = self._hearing.of(block.timestamps, block.kinds == TICK, rows)
        arrivals = block.arrivals[rows]
        codes, timestamps, values = block.codes[rows], block.timestamps[rows], block.values[rows]
        answers = self.detector.answer(codes, timestamps, values, ticks)
        said = self._said(arrivals, codes, timestamps, values, answers.scored, answers.notes)
        at = answers.at_ticks
        if at is None:
            return said
        moments, clocks = ticks.timestamps[at.ticks], block.arrivals[places][at.ticks]
        more = self._said(clocks, at.codes, moments, at.values, at.scored, at.notes)
        # A tick comes after the samples of its moment.
        order = np.argsort(
            np.concatenate([2 * np.arange(len(said)), 2 * ticks.places[at.ticks] - 1]), kind="stable"
        )
        both = said + more
        return [both[i] for i in order]

    def _said(
        self,
        arrivals: Instants,
        codes: Codes,
        timestamps: Instants,
        values: Floats,
        scored: Scored,
        notes: Notes | None,
    ) -> list[Said]:
        said = []
        for row, (code, at, timestamp, value, u, expected, lower, upper, count) in enumerate(
            zip(
                *(column.tolist() for column in (codes, arrivals, timestamps, values, *scored)),
                strict=True,
            )
        ):
            explained = None
            content = f"{timestamp} {u!r} {expected!r} {lower!r} {upper!r} {count}"
            if u == u:
                words = self.detector.baseline(count, timestamp)
                hears = self.detector.hears
                explained = Explained(timestamp, value, u, expected, lower, upper, count, words, hears)
                if notes is not None and u >= 1:
                    content += f" {canonical_json(self.detector.tell(notes, row, timestamp))}"
            said.append(Said(at, code, "score", content, explained, strange=u >= 1))
        return said

    def snapshot(self) -> bytes:
        return pack(self.detector.state(), {"heard": self._hearing.last})

    def restore(self, state: bytes) -> None:
        arrays, about = unpack(state)
        self.detector.load(arrays)
        self._hearing.last = about["heard"]

    def broken_samples(self) -> int | None:
        counted = self.detector.state().get("broken")
        return 0 if counted is None else int(np.sum(counted))

    def false_alarm_ratio(self, sample_count: int) -> float:
        return self.detector.false_alarm_ratio(sample_count)


class CorrelatorPart(Part):
    """A correlator fed with alerts on samples 4 deviations from healthy; the services call in a chain."""

    apart = False
    knows_world = True
    takes_repeats = True

    def __init__(self, correlator: Correlator, keys: Sequence[SeriesKey]) -> None:
        self.correlator = correlator
        self.memory_s = correlator.memory_s
        self.keys = keys
        self.world = World()
        for caller, callee in pairwise(keys):
            self.world.apply(
                TopologyEdge(
                    caller=caller.service_id, callee=callee.service_id, valid_from=START, known_from=START
                )
            )
        self._clock = START

    def push(self, block: Block) -> list[Said]:
        said: list[Said] = []
        for i in range(len(block)):
            self._clock = max(self._clock, int(block.arrivals[i]))
            at, code, value = int(block.timestamps[i]), int(block.codes[i]), float(block.values[i])
            if block.kinds[i] == REFERENCE:
                self.world.apply(block.payloads[code])  # type: ignore[arg-type]
            elif block.kinds[i] == TICK:
                due = self.correlator.due()
                if due is not None and due <= at:
                    self._say(self.correlator.tick(at, self._clock, self.world), said)
            elif 4 * SPREAD <= abs(value - LEVEL) < np.inf:
                u = min(abs(value - LEVEL) / (4 * SPREAD), 1e15)
                key = self.keys[code]
                name = event_id("law", key, at)
                direction = "high" if value > LEVEL else "low"
                alert = Alert(name, at, key.service_id, key.metric_name, u / (1 + u), direction, "law")
                self._say(self.correlator.alert(alert, self._clock, self.world), said)
        return said

    def _say(self, changes: list[Change], said: list[Said]) -> None:
        for change in changes:
            candidate = change.candidate
            content = f"{change.what} {candidate.model_copy(update={'emitted_at': 0}).to_json()}"
            told = (candidate.hypotheses or candidate.abstains) and candidate.services
            why = None if told else "names no hypothesis and does not say why, or no service"
            at, strange = candidate.emitted_at, change.what != "closed"
            said.append(Said(at, -1, "candidate", content, strange=strange, unexplained=why))

    def flush(self) -> list[Said]:
        said: list[Said] = []
        self._say(self.correlator.flush(self._clock, self.world), said)
        return said

    def snapshot(self) -> bytes:
        about = {"state": self.correlator.state(), "world": self.world.state(), "clock": self._clock}
        return pack({}, about)

    def restore(self, state: bytes) -> None:
        about = unpack(state)[1]
        self.correlator.load(about["state"])
        self.world.load(about["world"])
        self._clock = about["clock"]

    def false_alarm_ratio(self, sample_count: int) -> float:  # noqa: ARG002
        return 1e-4


class ContenderPart(Part):
    """A whole contender; law 3 is asked of its events, the rest of all it says."""

    ordered = False
    knows_world = True
    takes_repeats = True

    def __init__(self, contender: Contender, keys: Sequence[SeriesKey]) -> None:
        if contender.needs_fit:
            arrays = {
                place: detector.fit(keys, *history(keys))
                for place, selector in enumerate(contender.recipe.detectors)
                if selector.detector and (detector := contender.recipe.make_detector(place)).needs_fit
            }
            contender = Contender(contender.recipe, Fitted([START], [arrays]))
        self.engine = contender.engine()
        self.engine.codes(keys)
        self.delay_s = contender.recipe.lateness_s
        self.memory_s = contender.memory_s
        self.detectors = contender.recipe.make_detectors()
        self.warm_up_s = max((detector.warm_up_s for detector in self.detectors), default=0)
        self._hears = {detector.name: detector.hears for detector in self.detectors}
        recipe = contender.recipe
        self._listening = [
            {recipe.make_detector(place).hears for place in recipe.watchers(key)} for key in keys
        ]
        self._also = [
            recipe.make_detector(p) for p, s in enumerate(recipe.detectors) if s.also and s.detector
        ]

    def listens(self, shape: Shape, code: int) -> bool:
        return shape in self._listening[code]

    def push(self, block: Block) -> list[Said]:
        return self._said(self.engine.push(block))

    def flush(self) -> list[Said]:
        return self._said(self.engine.flush())

    def _said(self, output: Output) -> list[Said]:
        events = output.events
        said = []
        records = events.records(self.engine.series)
        for i, record in enumerate(records):
            explained = Explained(
                record.timestamp,
                record.value,
                float(events.strangeness[i]),
                record.expected,
                record.lower_bound,
                record.upper_bound,
                int(events.sample_counts[i]),
                events.baselines[i],
                self._hears.get(events.detectors[i], "level"),
            )
            policy = int(events.policies[i])
            content = f"{policy} {record.to_json()}"
            at, code = int(events.clocks[i]), int(events.codes[i])
            said.append(Said(at, code, "event", content, explained, strange=policy == 1))
        for incident in output.incidents:
            content = incident.model_copy(update={"emitted_at": 0}).to_json()
            said.append(Said(incident.emitted_at, -1, "incident", content))
        for page in output.pages:
            at = page.paged_at if page.closed_at is None else page.closed_at
            said.append(Said(at, -1, "page", page.to_json()))
        letters = dead_letters(output.dead, self.engine.series, flushed=output.flushed)
        return said + [Said(None, -1, "dead letter", letter.to_json()) for letter in letters]

    def snapshot(self) -> bytes:
        return self.engine.snapshot()

    def restore(self, state: bytes) -> None:
        self.engine.restore(state)

    def broken_samples(self) -> int | None:
        return int(self.engine.detection.counts["non_finite"])

    def false_alarm_ratio(self, sample_count: int) -> float:
        beside = sum(detector.false_alarm_ratio(sample_count) for detector in self._also)
        return beside + max(detector.false_alarm_ratio(sample_count) for detector in self.detectors)
