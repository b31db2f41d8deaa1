"""The plan: which faults are planted where, decided before a sample is changed. The same seed, the same plan.

A fault that turns out not to fit where it was put (no spread, out of range, samples missing) is tried at two
other times before its size is given up in that cell; what was given up is counted by reason.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from titleshot.datasets.contracts.instants import SECOND, WEEK
from titleshot.datasets.contracts.planted import PlantedFault
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import UsageError
from titleshot.datasets.planting.design import Cell, Design
from titleshot.datasets.planting.effect import Bounds, Push
from titleshot.datasets.planting.free_time import FreeTime, forbidden
from titleshot.datasets.planting.history import SAMPLES
from titleshot.datasets.planting.kinds import ways_of
from titleshot.datasets.planting.measure import Asked, Found, in_words, measure
from titleshot.datasets.planting.survey import survey
from titleshot.datasets.planting.wishes import Wishes
from titleshot.datasets.synthetic.streams import stream
from titleshot.datasets.validation.known_services import KnownServices
from titleshot.datasets.validation.suite import load_suite

EVERY_METRIC: Final = "*"
"""Metric of a fault that takes all of a service's series."""
_TRIES: Final = 3
_SHORTEST = 7200
_STEPS: Final = 12
Told = Callable[[str, int, int | None], None]


@dataclass
class _Placed:
    """A fault that has a place; ``cell`` and ``size`` are positions in the design."""

    number: int
    cell: int
    size: int
    start: int
    end: int
    asked: list[Asked]
    found: list[Found] = field(default_factory=list)

    @property
    def reason(self) -> str:
        """Why it cannot be: the first reason, where most of its series cannot take it; else empty."""
        reasons = [found.reason for found in self.found if found.reason]
        return reasons[0] if len(reasons) * 2 > len(self.found) or len(reasons) == len(self.found) else ""


@dataclass(frozen=True)
class Plan:
    """What will be planted, in the order of time, and what will not be and why."""

    faults: list[PlantedFault]
    pushes: list[Push]
    """One for each of ``faults``."""
    cells: int
    given_up: dict[str, int]
    """Sizes that a service, metric and kind did not get, by reason."""

    @property
    def count(self) -> int:
        """Faults; one of a whole service counts once."""
        return len({fault.planted_id for fault in self.faults})


def plan_faults(dataset: Dataset, wishes: Wishes, told: Told) -> Plan:
    """Decide what to plant.

    Raises:
        UsageError: no series fits the globs, no time is left, or nothing can be planted at all.
    """
    return _Planner(dataset, wishes, told).plan()


class _Planner:
    def __init__(self, dataset: Dataset, wishes: Wishes, told: Told) -> None:
        self._dataset, self._wishes, self._told = dataset, wishes, told
        self._keys = dataset.series()
        self._known = KnownServices(self._keys, dataset.reference())
        self._range_of = dataset.card.validation.over(load_suite("profile")).range_of
        self._seen = survey(dataset, lambda done: told("looking at series", done, dataset.card.rows))
        self._series: dict[tuple[str, str], list[int]] = defaultdict(list)
        for code, key in enumerate(self._keys):
            if wishes.wants(key):
                metric = EVERY_METRIC if wishes.whole_service else key.metric_name
                self._series[key.service_id, metric].append(code)
        if not self._series:
            raise UsageError(
                f"no series of {dataset.card.name!r} fits services {wishes.services!r} and metrics"
                f" {wishes.metrics!r}; leave the globs out for all {len(self._keys)} series"
            )
        cells = [Cell(*named, kind) for named in sorted(self._series) for kind in wishes.chosen_kinds]
        lot = stream(wishes.seed, "planting design")
        self._design = Design(cells, wishes.sizes, wishes.per or len(wishes.sizes), lot)
        self._free = _free_time(dataset, wishes)
        self._lengths = np.array([self._lengths_of(cell) for cell in cells], np.int64)
        self._tried: Counter[tuple[int, int]] = Counter()
        self._given_up: Counter[str] = Counter()
        self._number = 0

    def plan(self) -> Plan:
        placed: list[_Placed] = []
        for attempt in range(_TRIES):
            drawn = self._draw(self._wishes.most - len(placed))
            if not drawn:
                break
            found = iter(self._measured([each for one in drawn for each in one.asked], attempt + 1))
            for one in drawn:
                one.found = [next(found) for _ in one.asked]
                if one.reason:
                    self._refuse(one, last=attempt == _TRIES - 1)
                else:
                    placed.append(one)
        if not placed:
            raise UsageError(f"nothing could be planted: {in_words(self._given_up) or 'no time is left'}")
        return self._numbered(sorted(placed, key=lambda one: (one.start, one.number)))

    def _measured(self, asked: list[Asked], attempt: int) -> list[Found]:
        rows = self._dataset.card.rows
        return measure(
            self._dataset, asked, lambda done: self._told(f"measuring, pass {attempt}", done, rows)
        )

    def _draw(self, most: int) -> list[_Placed]:
        """Give places until there are ``most``, or nothing is left to place."""
        drawn: list[_Placed] = []
        wave = len(self._design.cells)
        while chosen := self._chosen(min(most - len(drawn), wave)):
            # Of each wave the long ones first: between them is room for short ones. A wave is one a cell, or
            # the long ones would take all the room there is.
            for cell, size in sorted(chosen, key=lambda pick: -int(self._lengths[pick])):
                placed = self._placed(cell, size)
                if isinstance(placed, str):
                    self._design.take_back(cell, size)
                    self._give_up(cell, size, placed)
                else:
                    service = self._design.cells[cell].service
                    self._free.take(placed.number, service, placed.start, placed.end)
                    drawn.append(placed)
        return drawn

    def _chosen(self, most: int) -> list[tuple[int, int]]:
        chosen: list[tuple[int, int]] = []
        while len(chosen) < most and (pick := self._design.next()) is not None:
            self._design.give(*pick)
            chosen.append(pick)
        return chosen

    def _lengths_of(self, cell: Cell) -> list[int]:
        """Nanoseconds that a fault of each size lasts."""
        cadence = int(self._seen.cadence[self._series[cell.service, cell.metric]].max())
        return [self._length(cell, size, cadence) for size in self._wishes.sizes]

    def _refuse(self, one: _Placed, *, last: bool) -> None:
        self._free.give_back(one.number)
        self._design.take_back(one.cell, one.size)
        self._tried[one.cell, one.size] += 1
        if last or self._tried[one.cell, one.size] >= _TRIES:
            self._give_up(one.cell, one.size, one.reason)

    def _give_up(self, cell: int, size: int, reason: str) -> None:
        which = np.zeros(self._lengths.shape, np.bool_)
        which[cell, size] = True
        if reason == "no_room":
            # Nor is there room for what is as long or longer there.
            of = self._design.cells[cell][:2]
            same = np.array([other[:2] == of for other in self._design.cells])
            which |= same[:, None] & (self._lengths >= self._lengths[cell, size])
        self._given_up[reason] += self._design.close(which)

    def _placed(self, at: int, size_at: int) -> _Placed | str:
        """A fault at a time drawn by lot, or the reason why there is none."""
        self._number += 1
        cell, size = self._design.cells[at], self._wishes.sizes[size_at]
        rng = stream(self._wishes.seed, "planting", self._number)
        there = self._series[cell.service, cell.metric]
        codes = there if self._wishes.whole_service else [there[int(rng.integers(len(there)))]]
        codes = [code for code in codes if self._seen.cadence[code] > 0]
        if not codes:
            return "little_history"
        cadence = max(int(self._seen.cadence[code]) for code in codes)
        if cell.kind.shape is None:
            size = float(math.ceil(size))
        length = self._length(cell, size, cadence)
        first = max(int(self._seen.first[code]) + SAMPLES * cadence for code in codes)
        last = min(int(self._seen.last[code]) for code in codes)
        start = self._free.draw(rng, cell.service, length, first, last)
        if start is None:
            return "little_history" if last - first < length else "no_room"
        end = start + length
        if self._known.has_topology and not self._known.in_topology(cell.service, start, end):
            return "outside_topology"
        asked = []
        for code in codes:
            ways = ways_of(self._keys[code].metric_name)
            asked.append(
                Asked(
                    name=f"{self._number}",
                    series=code,
                    kind=cell.kind,
                    size=size,
                    direction=ways[int(rng.integers(len(ways)))],
                    start=start,
                    end=end,
                    cadence=int(self._seen.cadence[code]),
                    bounds=self._bounds(code),
                    seed=self._wishes.seed,
                )
            )
        return _Placed(self._number, at, size_at, start, end, asked)

    def _length(self, cell: Cell, size: float, cadence: int) -> int:
        if cell.kind.shape is None:
            return math.ceil(size) * cadence
        step = max(_SHORTEST * SECOND, _STEPS * cadence)
        if self._wishes.duration_s is not None:
            step = round(self._wishes.duration_s * SECOND)
        return max(round(step * cell.kind.lasts), SECOND)

    def _bounds(self, code: int) -> Bounds:
        declared = self._range_of(self._keys[code].metric_name)
        # What was never negative in its whole history is held to be something that cannot be.
        least = 0.0 if self._seen.minimum[code] >= 0 else -math.inf
        low = max(declared.least, least)
        high = declared.most
        return Bounds(low, high, bool(self._seen.whole[code]))

    def _numbered(self, placed: list[_Placed]) -> Plan:
        faults, pushes = [], []
        for number, one in enumerate(placed, 1):
            cell = self._design.cells[one.cell]
            for found in one.found:
                if found.push is None:
                    continue
                pushes.append(found.push)
                faults.append(
                    PlantedFault(
                        planted_id=f"planted-{self._wishes.seed}-{number:05d}",
                        scope="service" if self._wishes.whole_service else "series",
                        kind=cell.kind.name,
                        size=found.push.size,
                        unit=cell.kind.unit,
                        direction=found.push.direction if cell.kind.pushes else "none",
                        service=cell.service,
                        metric_name=self._keys[found.push.series].metric_name,
                        series=found.push.series,
                        spread=found.push.spread if cell.kind.unit == "spread" else 0.0,
                        start=one.start,
                        end=one.end,
                        samples=found.samples,
                        clipped=found.clipped,
                    )
                )
        return Plan(faults, pushes, len(self._design.cells), dict(sorted(self._given_up.items())))


def _free_time(dataset: Dataset, wishes: Wishes) -> FreeTime:
    card, given = dataset.card, dataset.card.evaluation
    start = card.span_from if given.span_from is None else max(given.span_from, card.span_from)
    end = card.span_to if given.span_to is None else min(given.span_to, card.span_to)
    warm_up = wishes.warm_up_s
    if warm_up is None:
        week = min(WEEK / SECOND, (end - start) / SECOND / 3)
        warm_up = max(given.warm_up_s, week)
    start += round(warm_up * SECOND)
    if given.tuning_until is not None:
        start = max(start, given.tuning_until)
    if start >= end:
        raise UsageError(
            f"no time to plant in: {card.name!r} leaves nothing after its warm-up of {warm_up:g} s"
            " and its tuning span; shorten --warm-up-s or take a longer history"
        )
    apart = None if wishes.overlap else round(wishes.apart_s * SECOND)
    margin = round(wishes.margin_s * SECOND)
    blocked = forbidden(dataset, margin, wishes.incidents)
    # A page that comes late must still be seen.
    return FreeTime(start, end - margin, blocked, spacing=round(wishes.spacing_s * SECOND), apart=apart)
