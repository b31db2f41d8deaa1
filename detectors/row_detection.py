"""Feature rows and the detectors over them: samples and ticks in, events about services out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.events import event_ids, event_prefix
from titleshot.datasets.contracts.record import SeriesKey, canonical_json
from titleshot.detectors.alert_policy import AlertPolicy
from titleshot.detectors.block import F64, I8, I64, SAMPLE, TICK
from titleshot.detectors.events import Events
from titleshot.detectors.features.feature_rows import MISSING, PRESENT, FeatureRows
from titleshot.detectors.features.service_health import ServiceHealth
from titleshot.detectors.features.service_health_columns import NAMES, VERSION
from titleshot.detectors.features.surroundings import words
from titleshot.detectors.fitted import Fitted
from titleshot.detectors.order import Rows
from titleshot.detectors.recipe import Recipe
from titleshot.detectors.row_detector import RowDetector, RowScored
from titleshot.detectors.row_families import row_detector_of
from titleshot.detectors.series import SeriesIndex
from titleshot.detectors.state import under
from titleshot.detectors.tail_calibration import TailCalibration
from titleshot.detectors.world import World

_NAMED = 3
"""Columns named in the evidence: those that did most."""


class RowAnswer(NamedTuple):
    """What the detector at place ``number`` answered to the rows of one tick, at engine clock ``clock``."""

    number: int
    clock: int
    rows: FeatureRows
    scored: RowScored


class RowDetection:
    """State of feature rows and of the detectors over them, for one stream of records.

    A row is scored at the tick that closes it and is an event of the driving feature's own series,
    ``(namespace, service, feature, {})``. The alert policy counts by service, whatever drives it.

    Args:
        detectors: fresh ones in place of those the recipe names, one for each of its ``rows``.
        keep: where the rows themselves are wanted, as ``fit`` does, they are added to ``kept``.
    """

    def __init__(
        self,
        recipe: Recipe,
        series: SeriesIndex,
        fitted: Fitted | None,
        *,
        detectors: Sequence[RowDetector] | None = None,
        keep: bool = False,
    ) -> None:
        self._recipe, self._series, self._fitted = recipe, series, fitted
        self.health = ServiceHealth(recipe.features, tick_s=recipe.tick_s)
        named = detectors or [row_detector_of(selector.detector) for selector in recipe.rows]
        self.detectors = list(named)
        self._policies = [AlertPolicy(selector.alert or recipe.alert) for selector in recipe.rows]
        self._tails = [
            TailCalibration(recipe.tails, knows_faults=True) if recipe.tails else None for _ in recipe.rows
        ]
        self._seen_by: list[NDArray[np.bool_]] = [np.zeros(0, np.bool_) for _ in recipe.rows]
        self.kept: list[FeatureRows] | None = [] if keep else None
        self.answers: list[RowAnswer] | None = None
        """Set to a list, every answer is added to it, strange or not."""

    def use(self, number: int) -> None:
        """Score with the fitted set of that number from now on."""
        if self._fitted is not None:
            for place, detector in enumerate(self.detectors, len(self._recipe.detectors)):
                detector.use(self._fitted.arrays(number, place))

    def fold(self, rows: Rows, clocks: I64, world: World) -> Events:
        """Take in released rows in order; a tick among them closes feature rows and has them scored."""
        self.health.grow(self._series.keys)
        samples, ticks = rows.kinds == SAMPLE, np.flatnonzero(rows.kinds == TICK)
        seen: list[Events] = []
        start = 0
        for stop in [*ticks.tolist(), len(samples)]:
            mine = start + np.flatnonzero(samples[start:stop])
            self.health.fold(rows.codes[mine], rows.timestamps[mine], rows.values[mine], world)
            if stop < len(samples):
                closed = self.health.close(int(rows.timestamps[stop]), world)
                if self.kept is not None and len(closed):
                    self.kept.append(closed)
                elif len(closed):
                    seen += self._scored(closed, int(clocks[stop]), world)
            start = stop
        return Events.joined(seen) if seen else Events.none()

    def _scored(self, rows: FeatureRows, clock: int, world: World) -> list[Events]:
        now, found = int(rows.timestamps[0]), []
        for number, detector in enumerate(self.detectors):
            sees = self._sees(number)
            mine = np.flatnonzero(sees[rows.services])
            if not len(mine):
                continue
            theirs = rows if len(mine) == len(rows) else rows.take(mine)
            scored, policy = detector.score(theirs), self._policies[number]
            if self.answers is not None:
                self.answers.append(RowAnswer(number, clock, theirs, scored))
            policy.grow(len(self.health.names))
            held = np.zeros(len(theirs), np.bool_)
            strange = np.flatnonzero(scored.strangeness >= 1)
            for row in strange.tolist():
                held[row] = world.in_maintenance(self.health.names[theirs.services[row]], now)
            status = policy.fold(theirs.services, theirs.timestamps, scored.strangeness, held)
            tails, rare = self._tails[number], None
            if tails is not None:
                tails.grow(len(self.health.names))
                rare = tails.fold(theirs.services, theirs.timestamps, scored.strangeness)
            hits = np.flatnonzero(status)
            if len(hits):
                said = self._events(number, theirs, scored, status, hits, clock, world)
                if tails is not None and rare is not None:
                    said = replace(said, told=tails.told(said.told, rare, hits))
                found.append(said)
        return found

    def _sees(self, number: int) -> NDArray[np.bool_]:
        """Which services a selector sees, by place."""
        sees, names = self._seen_by[number], self.health.names
        if len(sees) < len(names):
            match = self._recipe.rows[number].match
            keys = [_key(name, "service_health") for name in names[len(sees) :]]
            more = np.array([match.fits(key, {}) for key in keys], np.bool_)
            sees = self._seen_by[number] = np.concatenate([sees, more])
        return sees

    def _events(
        self,
        number: int,
        rows: FeatureRows,
        scored: RowScored,
        status: I8,
        hits: I64,
        clock: int,
        world: World,
    ) -> Events:
        detector, now, n = self.detectors[number], int(rows.timestamps[0]), len(hits)
        names = [self.health.names[place] for place in rows.services[hits].tolist()]
        features = scored.driver[hits]
        keys = [_key(name, NAMES[feature]) for name, feature in zip(names, features.tolist(), strict=True)]
        values, expected = rows.values[hits, features], scored.expected[hits]
        found = [words(name, now, world) for name in names]
        labels = [
            canonical_json({k: v for k, v in (("team", one.get("owner")), ("tier", one.get("tier"))) if v})
            for one in found
        ]
        within = self._recipe.recent_deploy_s
        return Events(
            event_ids([event_prefix(detector.name, key) for key in keys], [now] * n),
            np.array([self._series.code(key) for key in keys], np.int32),
            rows.timestamps[hits],
            np.where(np.isfinite(values), values, expected),
            expected,
            scored.lower[hits],
            scored.upper[hits],
            scored.strangeness[hits],
            np.full(n, detector.rows_fitted, np.int32),
            status[hits],
            np.full(n, clock, np.int64),
            [detector.name] * n,
            [300.0] * n,
            [detector.baseline] * n,
            labels,
            [world.recent_deploy(name, now, within) for name in names],
            [
                self._told(number, rows.values[row], rows.missing[row], scored.shares[row], one)
                for row, one in zip(hits.tolist(), found, strict=True)
            ],
        )

    def _told(
        self, number: int, values: F64, missing: I8, shares: F64, known: dict[str, str]
    ) -> dict[str, Any]:
        """Which features did it, what was missing, and on which version of the features this rests."""
        columns = self.detectors[number].params.columns
        most = [int(place) for place in np.argsort(-shares, kind="stable")[:_NAMED] if shares[place] > 0]
        at = [NAMES.index(columns[place]) for place in most]
        lacking = [name for name in columns if missing[NAMES.index(name)] != PRESENT]
        told: dict[str, Any] = {
            "features": f"service_health {VERSION}",
            "drivers": {
                NAMES[place]: {"value": float(values[place]), "share": round(float(shares[share]), 3)}
                for place, share in zip(at, most, strict=True)
            },
        }
        if lacking:
            told["missing"] = {name: MISSING[missing[NAMES.index(name)]] for name in lacking}
        return told | {word: said for word, said in known.items() if word != "tier"}

    def report(self) -> dict[str, Any]:
        """What was counted of the features, and by each detector."""
        return {
            "service_health": self.health.report(),
            **{detector.name: detector.report() for detector in self.detectors},
        }

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Arrays and JSON that :meth:`load` continues from."""
        arrays, about = self.health.state()
        out = {f"health.{name}": array for name, array in arrays.items()}
        for number, (detector, policy) in enumerate(zip(self.detectors, self._policies, strict=True)):
            policy.grow(len(self.health.names))
            out |= {f"row.{number}.{name}": array for name, array in detector.state().items()}
            out |= {f"row_policy.{number}.{name}": array for name, array in policy.state().items()}
            if (tails := self._tails[number]) is not None:
                tails.grow(len(self.health.names))
                out |= {f"row_tails.{number}.{name}": array for name, array in tails.state().items()}
        return out, about

    def load(self, arrays: Mapping[str, NDArray[Any]], about: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`; the series index must already hold the same series."""
        self.health.grow(self._series.keys)
        self.health.load(under("health.", arrays), about)
        for number, (detector, policy) in enumerate(zip(self.detectors, self._policies, strict=True)):
            detector.load(under(f"row.{number}.", arrays))
            policy.load(under(f"row_policy.{number}.", arrays))
            if (tails := self._tails[number]) is not None:
                tails.load(under(f"row_tails.{number}.", arrays))


def _key(service: str, metric_name: str) -> SeriesKey:
    namespace, _, name = service.partition("/")
    return SeriesKey(namespace, name, metric_name)
