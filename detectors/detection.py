"""The first half of a contender: order, detectors routed by series, alert policy. Samples in, events out."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from titleshot.datasets.contracts.events import event_ids, event_prefix
from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.record import canonical_json
from titleshot.detectors.alert_policy import AlertPolicy
from titleshot.detectors.block import F64, I8, I32, I64, REFERENCE, SAMPLE, Block
from titleshot.detectors.detected import Detected, Marks, Scores
from titleshot.detectors.detector import Detector
from titleshot.detectors.events import Events
from titleshot.detectors.fitted import Fitted
from titleshot.detectors.order import Dead, Released, ReleaseOrder, Rows
from titleshot.detectors.recipe import Recipe, detector_of
from titleshot.detectors.series import SeriesIndex
from titleshot.detectors.world import World

_AT_ONCE = 32_768
"""Rows worked on at once: columns that stay in the cache, on pages the allocator hands out again."""


class Detection:
    """State of the first half for one stream of records."""

    def __init__(
        self, recipe: Recipe, series: SeriesIndex, fitted: Fitted | None = None, *, keep_scores: bool = False
    ) -> None:
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
        for selector in recipe.detectors:
            self._detectors.append(detector_of(selector.detector) if selector.detector else None)
            self._policies.append(AlertPolicy(selector.alert or recipe.alert))
        self._route = np.empty(0, np.int16)
        self._prefixes: list[dict[int, bytes]] = [{} for _ in recipe.detectors]

    @property
    def clock(self) -> int:
        """Engine clock, nanoseconds."""
        return self._order.clock

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
        """Let go what still waits."""
        self._grow()
        return self._seen(*self._order.flush(self.series.ranks))

    def _grow(self) -> None:
        known = len(self._route)
        n = len(self.series)
        if n == known:
            return
        routes = np.full(n, -1, np.int16)
        routes[:known] = self._route
        for code in range(known, n):
            routes[code] = self.recipe.route(self.series.keys[code])
        self._route = routes
        for detector, policy in zip(self._detectors, self._policies, strict=True):
            if detector is not None:
                detector.grow(n)
                policy.grow(n)
        if self._fitted is not None and self._in_use >= 0:
            self._use(self._in_use)

    def _seen(self, released: Released, dead: Dead) -> Detected:
        rows, clocks = released.rows, released.clocks
        samples = rows.kinds == SAMPLE
        marks = np.flatnonzero(~samples)
        seen: list[Events] = []
        scores: list[Scores] = []
        start = 0
        for stop in [*self._stops(rows), len(rows.timestamps)]:
            if stop > start and rows.kinds[start] == REFERENCE:
                self.world.apply(released.payloads[int(rows.sequence[start])])  # type: ignore[arg-type]
            part = slice(start, stop)
            if stop > start and samples[part].any():
                self._fit_for(int(rows.timestamps[start]))
                self._fold(rows.take(part), clocks[part], samples[part], seen, scores)
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
        self, rows: Rows, clocks: I64, samples: NDArray[np.bool_], seen: list[Events], scores: list[Scores]
    ) -> None:
        codes, timestamps, values = rows.codes, rows.timestamps, rows.values
        if not samples.all():
            codes, timestamps, values, clocks = _samples_only(rows.kinds, codes, timestamps, values, clocks)
        n = len(codes)
        self.counts["samples"] += n
        self.counts["non_finite"] += n - int(np.isfinite(values).sum())
        strangeness = np.full(n, np.nan) if self.keep_scores else None
        routes = self._route[codes] if len(self._detectors) > 1 or (self._route < 0).any() else None
        found: list[tuple[I64, Events]] = []
        for number, detector in enumerate(self._detectors):
            if detector is None:
                continue
            mine = None if routes is None else np.flatnonzero(routes == number)
            if mine is not None and not len(mine):
                continue
            theirs = (
                (codes, timestamps, values) if mine is None else (codes[mine], timestamps[mine], values[mine])
            )
            scored = detector.fold(*theirs)
            u = scored.strangeness
            self.counts["unscored"] += int(np.isnan(u).sum())
            if strangeness is not None:
                strangeness[slice(None) if mine is None else mine] = u
            status = self._policies[number].fold(
                theirs[0], theirs[1], u, self._maintained(theirs[0], theirs[1], u)
            )
            hits = np.flatnonzero(status)
            if len(hits):
                where = hits if mine is None else mine[hits]
                found.append(
                    (where, self._events(number, detector, theirs, scored, status, hits, clocks[where]))
                )
        if found:
            events = Events.joined([part for _, part in found])
            if len(found) > 1:
                events = events.take(np.argsort(np.concatenate([where for where, _ in found]), kind="stable"))
            self.counts["events"] += len(events)
            seen.append(events)
        if strangeness is not None:
            scores.append(Scores(codes, timestamps, strangeness))

    def _maintained(self, codes: I32, timestamps: I64, u: F64) -> NDArray[np.bool_]:
        """Whether a strange sample fell into a maintenance window; asked for strange ones only."""
        out = np.zeros(len(codes), np.bool_)
        if not self.world.knows("maintenance"):
            return out
        for i in np.flatnonzero(u >= 1):
            out[i] = self.world.in_maintenance(self.series.services[codes[i]], int(timestamps[i]))
        return out

    def _events(
        self,
        number: int,
        detector: Detector,
        given: tuple[I32, I64, F64],
        scored: Any,
        status: I8,
        hits: I64,
        clocks: I64,
    ) -> Events:
        codes, timestamps = given[0][hits], given[1][hits]
        counts = scored.sample_count[hits]
        instants = timestamps.tolist()
        name = detector.name
        prefixes = self._prefixes[number]
        for code in set(codes.tolist()) - prefixes.keys():
            prefixes[code] = event_prefix(name, self.series.keys[code])
        ids = event_ids([prefixes[code] for code in codes.tolist()], instants)
        labels, deploys = self._enrichment(codes, instants)
        n = len(hits)
        return Events(
            ids,
            codes,
            timestamps,
            given[2][hits],
            scored.expected[hits],
            scored.lower[hits],
            scored.upper[hits],
            scored.strangeness[hits],
            counts,
            status[hits],
            clocks,
            [name] * n,
            [detector.window_seconds] * n,
            detector.baselines(counts.tolist(), instants),
            labels,
            deploys,
        )

    def _enrichment(self, codes: I32, instants: list[int]) -> tuple[list[str], list[str | None]]:
        """What the world knows of each event's service: labels as canonical JSON, and a recent deploy."""
        world, within = self.world, self.recipe.recent_deploy_s
        named, deployed = world.knows("ownership") or world.knows("tier"), world.knows("deploy")
        labels = ["{}"] * len(instants)
        deploys: list[str | None] = [None] * len(instants)
        if not (named or deployed):
            return labels, deploys
        for i, (code, instant) in enumerate(zip(codes.tolist(), instants, strict=True)):
            service = self.series.services[code]
            if named:
                found = {"team": world.team(service, instant), "tier": world.tier(service, instant)}
                labels[i] = canonical_json({k: value for k, value in found.items() if value is not None})
            if deployed:
                deploys[i] = world.recent_deploy(service, instant, within)
        return labels, deploys

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

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Arrays and JSON that :meth:`load` continues from."""
        arrays, order = self._order.state()
        for number, (detector, policy) in enumerate(zip(self._detectors, self._policies, strict=True)):
            if detector is not None:
                arrays |= {f"detector.{number}.{name}": array for name, array in detector.state().items()}
                arrays |= {f"policy.{number}.{name}": array for name, array in policy.state().items()}
        about = {
            "order": order,
            "world": self.world.state(),
            "in_use": self._in_use,
            "counts": dict(self.counts),
        }
        return arrays, about

    def load(self, arrays: dict[str, NDArray[Any]], about: dict[str, Any]) -> None:
        """Continue from :meth:`state`; the series index must already hold the same series."""
        self._grow()
        self._order.load(
            {name: array for name, array in arrays.items() if name.startswith("waiting.")}, about["order"]
        )
        for number, (detector, policy) in enumerate(zip(self._detectors, self._policies, strict=True)):
            if detector is not None:
                detector.load(_under(f"detector.{number}.", arrays))
                policy.load(_under(f"policy.{number}.", arrays))
        self.world.load(about["world"])
        self.counts = Counter(about["counts"])
        self._use(about["in_use"])


@njit(cache=True, nogil=True)
def _samples_only(
    kinds: I8, codes: I32, timestamps: I64, values: F64, clocks: I64
) -> tuple[I32, I64, F64, I64]:
    """Columns of the rows that are samples."""
    n = 0
    for i in range(len(kinds)):
        n += kinds[i] == 3
    out = (np.empty(n, np.int32), np.empty(n, np.int64), np.empty(n, np.float64), np.empty(n, np.int64))
    j = 0
    for i in range(len(kinds)):
        if kinds[i] == 3:
            out[0][j], out[1][j], out[2][j], out[3][j] = codes[i], timestamps[i], values[i], clocks[i]
            j += 1
    return out


def _under(prefix: str, arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
