"""The first half of a contender: order, detectors routed by series, alert policy. Samples in, events out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.events import event_ids, event_prefix
from titleshot.datasets.contracts.instants import SECOND
from titleshot.detectors.alert_policy import AlertPolicy
from titleshot.detectors.answers import Hearing, Ticks
from titleshot.detectors.block import I8, I32, I64, REFERENCE, SAMPLE, TICK, Block
from titleshot.detectors.detected import Detected, Marks, Scores
from titleshot.detectors.detector import Detector
from titleshot.detectors.enrichment import enrichment, maintained, planned
from titleshot.detectors.events import Events
from titleshot.detectors.fitted import Fitted
from titleshot.detectors.invariants import Invariants
from titleshot.detectors.order import Dead, Released, ReleaseOrder, Rows
from titleshot.detectors.recipe import Recipe, detector_of
from titleshot.detectors.row_detection import RowDetection
from titleshot.detectors.said_in_order import SaidInOrder, in_order, samples_only
from titleshot.detectors.series import SeriesIndex
from titleshot.detectors.state import under
from titleshot.detectors.tail_calibration import TailCalibration, Tails
from titleshot.detectors.world import World

_AT_ONCE = 32_768
"""Rows worked on at once: columns that stay in the cache, on pages the allocator hands out again."""


class Detection:
    """State of the first half for one stream of records."""

    def __init__(
        self,
        recipe: Recipe,
        series: SeriesIndex,
        fitted: Fitted | None = None,
        *,
        keep_scores: bool = False,
        part: Literal["series", "rows"] | None = None,
    ) -> None:
        """``part`` leaves the other half out: single series, or feature rows; None has both."""
        self.recipe = recipe
        self.series = series
        self.world = World()
        self.counts: Counter[str] = Counter()
        self._order = ReleaseOrder(round(recipe.lateness_s * SECOND), round(recipe.skew_s * SECOND))
        self.keep_scores = keep_scores
        self._fitted = fitted
        self._in_use = -1
        self._detectors: list[Detector | None] = []
        self._policies: list[AlertPolicy] = []
        self._tails: list[TailCalibration | None] = []
        self.rows = RowDetection(recipe, series, fitted) if recipe.rows and part != "series" else None
        asked = recipe.invariants if part != "series" else ()
        self.rules = Invariants(asked, recipe.alert, series, recipe.tick) if asked else None
        for selector in recipe.detectors:
            wanted = selector.detector if part != "rows" else None
            self._detectors.append(detector_of(wanted) if wanted else None)
            self._policies.append(AlertPolicy(selector.alert or recipe.alert))
            watcher = self._detectors[-1]
            rare = recipe.tails if watcher is not None and watcher.has_tail else None
            self._tails.append(TailCalibration(rare) if rare else None)
        self._route = np.empty(0, np.int16)
        # A selector that lets others see its series too has a mask of its own.
        self._also = {
            place: np.empty(0, np.bool_) for place, selector in enumerate(recipe.detectors) if selector.also
        }
        self.reported: dict[str, Any] | None = None
        """What parts that ran elsewhere have counted."""
        self.rules_reported: list[dict[str, Any]] = []
        """What rules that were asked elsewhere have counted."""
        self._hearing = Hearing(recipe.tick)
        self._hears = any(detector is not None and detector.hears_ticks for detector in self._detectors)
        self._prefixes: list[dict[int, bytes]] = [{} for _ in recipe.detectors]

    @property
    def clock(self) -> int:
        """Engine clock, nanoseconds."""
        return self._order.clock

    @property
    def totals(self) -> Counter[str]:
        """All that was counted, why samples were left unscored included, where a family says so."""
        found = Counter(self.counts)
        for detector in self._detectors:
            for column, word in (detector.unscored_words if detector else {}).items():
                found[f"unscored_{word}"] += int(detector.state()[column].sum())  # type: ignore[union-attr]
        return found

    @property
    def row_report(self) -> dict[str, Any] | None:
        """What was counted of feature rows and by the detectors over them; None without any."""
        return self.reported or (self.rows.report() if self.rows else None)

    @property
    def rule_report(self) -> list[dict[str, Any]]:
        """Each invariant with its owner, hits and whether it has expired."""
        return self.rules_reported or (self.rules.report() if self.rules else [])

    @property
    def waiting(self) -> int:
        """Records held back until the watermark passes them."""
        return self._order.waiting

    def push(self, block: Block, keep: NDArray[np.bool_] | None = None) -> Detected:
        """Take in records in arrival order; see :meth:`ReleaseOrder.push` for ``keep``."""
        self._grow()
        ranks = self.series.ranks
        parts = []
        for start in range(0, max(len(block), 1), _AT_ONCE):
            stop = start + _AT_ONCE
            theirs = None if keep is None else keep[start:stop]
            parts.append(self._seen(*self._order.push(block.part(start, stop), ranks, theirs)))
        return parts[0] if len(parts) == 1 else Detected.joined(parts)

    def flush(self) -> Detected:
        """Let go what still waits.

        Detectors hear no tick then: that nothing more comes is the end of the data, not silence.
        """
        self._grow()
        return self._seen(*self._order.flush(self.series.ranks), hear=False)

    def _grow(self) -> None:
        known = len(self._route)
        n = len(self.series)
        if n == known:
            return
        routes = np.full(n, -1, np.int16)
        routes[:known] = self._route
        watchers = [self.recipe.watchers(key) for key in self.series.keys[known:]]
        for code, places in enumerate(watchers, known):
            routes[code] = next((place for place in places if place not in self._also), -1)
        self._route = routes
        for place, mask in self._also.items():
            more = np.array([place in places for places in watchers], np.bool_)
            self._also[place] = np.concatenate([mask, more])
        for detector, policy, tails in zip(self._detectors, self._policies, self._tails, strict=True):
            if detector is not None:
                detector.grow(n)
                policy.grow(n)
            if tails is not None:
                tails.grow(n)
        if self._fitted is not None and self._in_use >= 0:
            self._use(self._in_use)

    def _seen(self, released: Released, dead: Dead, *, hear: bool = True) -> Detected:
        rows, clocks = released.rows, released.clocks
        samples = rows.kinds == SAMPLE
        marks = np.flatnonzero(~samples)
        rules = self.rules if hear else None
        hear = hear and self._hears
        seen: list[Events] = []
        scores: list[Scores] = []
        start = 0
        for stop in [*self._stops(rows), len(rows.timestamps)]:
            if stop > start and rows.kinds[start] == REFERENCE:
                self.world.apply(released.payloads[int(rows.sequence[start])])  # type: ignore[arg-type]
            part = slice(start, stop)
            ticks = stop > start and bool((rows.kinds[part] == TICK).any())
            if stop > start and (samples[part].any() or (ticks and (hear or self.rows or self.rules))):
                self._fit_for(int(rows.timestamps[start]))
                said = self._fold(rows.take(part), clocks[part], samples[part], scores, hear=hear)
                if self.rows is not None:
                    said = self._with_rows(said, self.rows.fold(rows.take(part), clocks[part], self.world))
                if rules is not None:
                    said = self._with_rows(said, rules.fold(rows.take(part), clocks[part], self.world))
                self.counts["events"] += len(said)
                seen.append(said)
            start = stop
        return Detected(
            Events.joined(seen) if seen else Events.none(),
            Marks(
                rows.timestamps[marks],
                rows.kinds[marks],
                clocks[marks],
                tuple(released.payloads.get(int(s)) for s in rows.sequence[marks]),
            ),
            dead,
            Scores.joined(scores) if self.keep_scores else None,
        )

    def _stops(self, rows: Rows) -> list[int]:
        """Row numbers at which the world or the fitted arrays may change."""
        points = set(np.flatnonzero(rows.kinds == REFERENCE).tolist())
        points |= {point + 1 for point in points}
        if self._fitted is not None:
            points |= set(np.searchsorted(rows.timestamps, self._fitted.valid_from, "left").tolist())
        points.discard(0)
        return sorted(point for point in points if point < len(rows.timestamps))

    def _fold(
        self,
        rows: Rows,
        clocks: I64,
        samples: NDArray[np.bool_],
        scores: list[Scores],
        *,
        hear: bool,
    ) -> Events:
        ticks, tick_clocks = Ticks.none(), clocks[:0]
        if hear:
            ticks, at = self._hearing.of(rows.timestamps, rows.kinds == TICK, samples)
            tick_clocks = clocks[at]
        codes, timestamps, values = rows.codes, rows.timestamps, rows.values
        if not samples.all():
            codes, timestamps, values, clocks = samples_only(rows.kinds, codes, timestamps, values, clocks)
        n = len(codes)
        self.counts["samples"] += n
        self.counts["non_finite"] += n - int(np.isfinite(values).sum())
        strangeness = np.full(n, np.nan) if self.keep_scores else None
        all_one = len(self._detectors) == 1 and not self._also and not (self._route < 0).any()
        routes = None if all_one else self._route[codes]
        found: list[Events] = []
        for number, detector in enumerate(self._detectors):
            if detector is None:
                continue
            mine = None if routes is None else self._mine(number, routes, codes)
            listens = detector.hears_ticks and len(ticks.places) > 0
            if mine is not None and not len(mine) and not listens:
                continue
            whole = slice(None) if mine is None else mine
            given = (codes[whole], timestamps[whole], values[whole])
            heard = Ticks.none()
            if listens:
                places = ticks.places if mine is None else np.searchsorted(mine, ticks.places, "left")
                heard = ticks._replace(places=places.astype(np.int64))
            answers = detector.answer(*given, heard)
            u = answers.scored.strangeness
            if detector.leaves_out_planned:
                left_out = planned(self.world, self.series.services, given[0], given[1])
                self.counts["left_out_planned"] += int(left_out.sum())
                u[left_out] = np.nan
            if number not in self._also:
                self.counts["unscored"] += int(np.isnan(u).sum())
            if strangeness is not None:
                strangeness[whole] = np.fmax(strangeness[whole], u)
            said = in_order(given, clocks[whole], answers, heard, tick_clocks)
            u = said.scored.strangeness
            status = self._policies[number].fold(
                said.codes,
                said.timestamps,
                u,
                maintained(self.world, self.series.services, said.codes, said.timestamps, u),
            )
            tails = self._tails[number]
            rare = tails.fold(said.codes, said.timestamps, u) if tails is not None else None
            hits = np.flatnonzero(status)
            if len(hits):
                found.append(self._events(number, detector, said, status, hits, rare))
        if strangeness is not None:
            scores.append(Scores(codes, timestamps, strangeness))
        events = Events.joined(found) if found else Events.none()
        return self._sorted(events) if len(found) > 1 or len(ticks.places) else events

    def _with_rows(self, said: Events, more: Events) -> Events:
        """Events of series, and of feature rows or rules, in one order."""
        return self._sorted(Events.joined([said, more])) if len(more) else said

    def _sorted(self, events: Events) -> Events:
        return events.take(np.lexsort((self.series.ranks[events.codes], events.timestamps)))

    def _mine(self, number: int, routes: NDArray[np.int16], codes: I32) -> I64:
        """Row numbers of the samples a selector takes."""
        mask = self._also.get(number)
        return np.flatnonzero(routes == number if mask is None else mask[codes])

    def _events(
        self, number: int, detector: Detector, said: SaidInOrder, status: I8, hits: I64, rare: Tails | None
    ) -> Events:
        codes, timestamps = said.codes[hits], said.timestamps[hits]
        scored = said.scored
        counts = scored.sample_count[hits]
        instants = timestamps.tolist()
        name = detector.name
        prefixes = self._prefixes[number]
        for code in set(codes.tolist()) - prefixes.keys():
            prefixes[code] = event_prefix(name, self.series.keys[code])
        ids = event_ids([prefixes[code] for code in codes.tolist()], instants)
        labels, deploys = enrichment(
            self.world, self.series.services, codes, instants, self.recipe.recent_deploy_s
        )
        n, notes = len(hits), said.notes
        told: list[Mapping[str, Any] | None] = [None] * n
        if notes is not None:
            told = [detector.tell(notes, row, at) for row, at in zip(hits.tolist(), instants, strict=True)]
        if (tails := self._tails[number]) is not None and rare is not None:
            told = tails.told(told, rare, hits)
        return Events(
            ids,
            codes,
            timestamps,
            said.values[hits],
            scored.expected[hits],
            scored.lower[hits],
            scored.upper[hits],
            scored.strangeness[hits],
            counts,
            status[hits],
            said.clocks[hits],
            [name] * n,
            [detector.window_seconds] * n,
            detector.baselines(counts.tolist(), instants),
            labels,
            deploys,
            told,
        )

    def _fit_for(self, instant: int) -> None:
        if self._fitted is None:
            return
        newest = int(np.searchsorted(self._fitted.valid_from, instant, "right")) - 1
        if newest != self._in_use:
            self._use(newest)

    def _use(self, number: int) -> None:
        self._in_use = number
        if self._fitted is None or number < 0:
            return
        for place, detector in enumerate(self._detectors):
            if detector is not None and detector.needs_fit:
                detector.use(self._fitted.arrays(number, place), self.series.keys)
        if self.rows is not None:
            self.rows.use(number)

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Arrays and JSON that :meth:`load` continues from."""
        arrays, order = self._order.state()
        for number, (detector, policy) in enumerate(zip(self._detectors, self._policies, strict=True)):
            if detector is not None:
                arrays |= {f"detector.{number}.{name}": array for name, array in detector.state().items()}
                arrays |= {f"policy.{number}.{name}": array for name, array in policy.state().items()}
            if (tails := self._tails[number]) is not None:
                arrays |= {f"tails.{number}.{name}": array for name, array in tails.state().items()}
        about = {
            "order": order,
            "world": self.world.state(),
            "in_use": self._in_use,
            "heard": self._hearing.last,
            "counts": dict(self.counts),
        }
        if self.rows is not None:
            of_rows, about["rows"] = self.rows.state()
            arrays |= of_rows
        if self.rules is not None:
            of_rules, about["rules"] = self.rules.state()
            arrays |= of_rules
        return arrays, about

    def load(self, arrays: dict[str, NDArray[Any]], about: dict[str, Any]) -> None:
        """Continue from :meth:`state`; the series index must already hold the same series."""
        self._grow()
        self._order.load(
            {name: array for name, array in arrays.items() if name.startswith("waiting.")}, about["order"]
        )
        for number, (detector, policy) in enumerate(zip(self._detectors, self._policies, strict=True)):
            if detector is not None:
                detector.load(under(f"detector.{number}.", arrays))
                policy.load(under(f"policy.{number}.", arrays))
            if (tails := self._tails[number]) is not None:
                tails.load(under(f"tails.{number}.", arrays))
        self.world.load(about["world"])
        self.counts = Counter(about["counts"])
        self._hearing.last = about["heard"]
        if self.rows is not None:
            self.rows.load(arrays, about["rows"])
        if self.rules is not None:
            self.rules.load(arrays, about["rules"])
        self._use(about["in_use"])
