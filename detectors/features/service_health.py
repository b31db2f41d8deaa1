"""``service_health``: what is known of a service at a tick. Offline and online run this same code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.errors import MalformedInput, UsageError
from titleshot.detectors.block import F64, I8, I32, I64
from titleshot.detectors.features import service_windows as windows
from titleshot.detectors.features.feature_rows import (
    MISSING,
    NO_HISTORY,
    NO_METRIC,
    NO_SAMPLES,
    PRESENT,
    UNDEFINED,
    FeatureRows,
)
from titleshot.detectors.features.service_health_columns import FEATURES, NAMES, ROLES, VERSION
from titleshot.detectors.features.service_health_params import ServiceHealthParams
from titleshot.detectors.features.surroundings import neighbours, surroundings, words
from titleshot.detectors.world import World

_REQUESTS, _ERRORS, _LATENCY, _SATURATION, _QUEUE = range(len(ROLES))
_WORDS: Final = ("owner", "tier", "version")
_COUNTED: Final = (
    "rows",
    "aliased_samples",
    *(f"rows_without_{word}" for word in _WORDS),
    "samples_without_role",
)
_AT: Final = {name: place for place, name in enumerate(NAMES)}


class ServiceHealth:
    """The state of all services, folded over samples and asked at ticks.

    A sample counts for the service its name stands for at the time (aliases are resolved and counted). A row
    is made at a tick for every service that had a sample since its last row; it is closed by then, because a
    tick is released after everything up to it. Missing values are NaN with a reason, never 0.

    Memory: the last seven days.

    >>> health, key = ServiceHealth(tick_s=60), SeriesKey("shop", "cart", "latency_s")
    >>> health.grow([key])
    >>> health.fold(np.zeros(1, np.int32), np.array([30 * SECOND]), np.array([0.25]), World())
    >>> rows = health.close(60 * SECOND, World())
    >>> rows.values[0, NAMES.index("latency_5m")], rows.missing[0, NAMES.index("error_ratio_5m")]
    (np.float64(0.25), np.int8(1))
    """

    def __init__(self, params: ServiceHealthParams | None = None, *, tick_s: float = 60) -> None:
        self.params = params or ServiceHealthParams()
        self.tick = round(tick_s * SECOND)
        self.names: list[str] = []
        """``namespace/service`` of each place, canonical as when it was first seen."""
        self.counts: Counter[str] = Counter()
        self._places: dict[str, int] = {}
        self._metrics: dict[str, list[str]] = {}
        self._keys: list[SeriesKey] = []
        self._roles: I32 = np.empty(0, np.int32)
        self._where: I32 = np.empty(0, np.int32)
        self.missing = np.zeros((len(FEATURES), len(MISSING)), np.int64)
        """Rows by feature and reason; the first column counts those that are present."""
        if windows.SHORT_S * SECOND % self.tick:
            raise UsageError(f"service_health needs a tick_s that divides 300 evenly, got {tick_s:g}; try 60")
        self._layout = windows.layout(len(ROLES), windows.SHORT_S * SECOND // self.tick + 1)
        self._state = {name: np.zeros((0, *shape), dtype) for name, (dtype, shape) in self._layout.items()}

    @property
    def memory_s(self) -> float:
        """Rows more than this many seconds apart cannot change each other."""
        return windows.WEEK_S + windows.HALF_HOUR_S

    def grow(self, keys: Sequence[SeriesKey]) -> None:
        """Know the series below ``len(keys)``; ``keys[code]`` is the series of a code."""
        new = [self._role(key.metric_name) for key in keys[len(self._keys) :]]
        self._roles = np.concatenate([self._roles, np.array(new, np.int32)])
        self._where = np.concatenate([self._where, np.full(len(new), -1, np.int32)])
        self._keys += keys[len(self._keys) :]

    def _role(self, metric_name: str) -> int:
        for place, role in enumerate(ROLES):
            glob = self.params.roles.get(role)
            if glob is not None and fnmatchcase(metric_name, glob):
                return place
        return -1

    def fold(self, codes: I32, timestamps: I64, values: F64, world: World) -> None:
        """Take in samples in release order."""
        if not len(codes):
            return
        roles = self._roles[codes]
        self.counts["samples_without_role"] += int((roles < 0).sum())
        services = self._services(codes, timestamps, world)
        state = self._state
        windows.take_in(
            services, roles, timestamps, values, self.tick, windows.SLOT_S * SECOND,
            windows.HALF_HOUR_S * SECOND, _REQUESTS,
            state["tick_at"], state["tick_sum"], state["tick_count"],
            state["slot_at"], state["slot_sum"], state["slot_count"],
            state["half_at"], state["half_sum"], state["half_count"], state["fresh"], state["broken"],
        )  # fmt: skip

    def _services(self, codes: I32, timestamps: I64, world: World) -> I32:
        """Place of the service each sample counts for; of a series without a role it does not matter."""
        for code in np.unique(codes[self._where[codes] < 0]).tolist():
            self._where[code] = self._place(self._keys[code].service_id) if self._roles[code] >= 0 else 0
            self._note(self._keys[code], int(self._roles[code]))
        services = self._where[codes]
        if not world.knows("alias"):
            return services
        for row in np.flatnonzero(self._roles[codes] >= 0).tolist():
            name = self._keys[codes[row]].service_id
            stands_for = world.canonical(name, int(timestamps[row]))
            if stands_for != name:
                services[row] = self._place(stands_for)
                self.counts["aliased_samples"] += 1
        return services

    def _note(self, key: SeriesKey, role: int) -> None:
        """Remember which metrics speak for a role of a service: one renamed, in another unit, is a second."""
        if role >= 0:
            names = self._metrics.setdefault(f"{key.service_id} {ROLES[role]}", [])
            if key.metric_name not in names:
                names[:] = sorted([*names, key.metric_name])

    def _place(self, name: str) -> int:
        place = self._places.get(name)
        if place is None:
            place = self._places[name] = len(self.names)
            self.names.append(name)
            self._make_room(len(self.names))
        return place

    def _make_room(self, n: int) -> None:
        have = len(self._state["fresh"])
        if n <= have:
            return
        room = max(n, 2 * have, 4)
        for name, column in self._state.items():
            grown = np.zeros((room, *column.shape[1:]), column.dtype)
            grown[:have] = column
            self._state[name] = grown

    def close(self, now: int, world: World) -> FeatureRows:
        """The rows of the tick at ``now``: services with a sample since their last row, by name."""
        n = len(self.names)
        fresh = np.flatnonzero(self._state["fresh"][:n])
        if not len(fresh):
            return FeatureRows.none(len(FEATURES))
        everyone = np.arange(n, dtype=np.int32)
        values, missing = self._measured(everyone, now)
        chosen = np.array(sorted(fresh.tolist(), key=self.names.__getitem__), np.int32)
        around = surroundings([self.names[place] for place in chosen.tolist()], now, world, self.params)
        out, why = values[chosen], missing[chosen]
        around |= neighbours(chosen, self.names, self._places, now, world, values)
        for column, (numbers, reasons) in around.items():
            out[:, _AT[column]], why[:, _AT[column]] = numbers, reasons
        self._state["fresh"][:n] = False
        for reason in range(len(MISSING)):
            self.missing[:, reason] += (why == reason).sum(axis=0)
        self.counts["rows"] += len(chosen)
        known = [words(self.names[place], now, world) for place in chosen.tolist()]
        for word in _WORDS:
            self.counts[f"rows_without_{word}"] += sum(word not in one for one in known)
        return FeatureRows(np.full(len(chosen), now, np.int64), chosen, out, why)

    def _measured(self, chosen: I32, now: int) -> tuple[F64, I8]:
        """What a service's own metrics say, for all services: neighbours are asked about too."""
        state, n = self._state, len(chosen)
        short, long, day = (np.empty((n, len(ROLES))) for _ in range(3))
        windows.means(
            chosen, now, self.tick, windows.SLOT_S * SECOND,
            state["tick_at"], state["tick_sum"], state["tick_count"],
            state["slot_at"], state["slot_sum"], state["slot_count"], short, long, day,
        )  # fmt: skip
        percentile = np.empty(n)
        windows.ranks(
            chosen, now, windows.HALF_HOUR_S * SECOND, self.params.least_half_hours, short[:, _REQUESTS],
            state["half_at"], state["half_sum"], state["half_count"], percentile,
        )  # fmt: skip
        budget = 1 - self.params.objective
        values = np.full((n, len(FEATURES)), np.nan)
        values[:, _AT["requests_5m"]] = short[:, _REQUESTS]
        values[:, _AT["requests_change"]] = _change(short[:, _REQUESTS], long[:, _REQUESTS])
        values[:, _AT["traffic_percentile"]] = percentile
        values[:, _AT["error_ratio_5m"]] = short[:, _ERRORS]
        values[:, _AT["error_ratio_1h"]] = long[:, _ERRORS]
        values[:, _AT["burn_rate_5m"]] = short[:, _ERRORS] / budget
        values[:, _AT["burn_rate_1h"]] = long[:, _ERRORS] / budget
        values[:, _AT["latency_5m"]] = short[:, _LATENCY]
        values[:, _AT["latency_change"]] = _change(short[:, _LATENCY], day[:, _LATENCY])
        values[:, _AT["saturation_5m"]] = short[:, _SATURATION]
        values[:, _AT["saturation_change"]] = _change(short[:, _SATURATION], day[:, _SATURATION])
        values[:, _AT["queue_change"]] = _change(short[:, _QUEUE] + 1, day[:, _QUEUE] + 1)
        return values, self._why(values, short, long, day)

    def _why(self, values: F64, short: F64, long: F64, day: F64) -> I8:
        missing = np.full(values.shape, PRESENT, np.int8)
        for place, feature in enumerate(FEATURES):
            if feature.role is None:
                continue
            role = ROLES.index(feature.role)
            far = long if feature.name.endswith("_1h") or feature.name == "requests_change" else day
            absent = np.isnan(values[:, place])
            column = missing[:, place]
            column[absent] = UNDEFINED
            column[absent & np.isnan(far[:, role])] = NO_HISTORY
            if feature.name == "traffic_percentile":
                column[absent] = NO_HISTORY
            if not feature.name.endswith("_1h"):
                column[absent & np.isnan(short[:, role])] = NO_SAMPLES
            column[absent & np.isnan(short[:, role]) & np.isnan(day[:, role])] = NO_METRIC
        return missing

    def report(self) -> dict[str, Any]:
        """What was counted: rows, aliases, misses, and per feature how often and why it was missing."""
        lacking = {
            feature.name: {
                MISSING[reason]: int(row[reason]) for reason in range(1, len(MISSING)) if row[reason]
            }
            for feature, row in zip(FEATURES, self.missing, strict=True)
        }
        return {
            "version": VERSION,
            **{name: self.counts[name] for name in _COUNTED},
            "broken_samples": int(self._state["broken"].sum()),
            "several_metrics": {
                what: names for what, names in sorted(self._metrics.items()) if len(names) > 1
            },
            "missing": {name: reasons for name, reasons in lacking.items() if reasons},
        }

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Arrays and JSON that :meth:`load` continues from."""
        n = len(self.names)
        arrays = {name: column[:n] for name, column in self._state.items()}
        arrays["missing"] = self.missing
        return arrays, {
            "version": VERSION,
            "names": list(self.names),
            "counts": dict(self.counts),
            "metrics": self._metrics,
        }

    def load(self, arrays: Mapping[str, NDArray[Any]], about: Mapping[str, Any]) -> None:
        """Continue from :meth:`state` under the same parameters and the same series; copies.

        Raises:
            MalformedInput: state of another version of the features.
        """
        if about["version"] != VERSION:
            raise MalformedInput(
                f"state of service_health {about['version']}, this is {VERSION}; start afresh"
            )
        self.names = list(about["names"])
        self._places = {name: place for place, name in enumerate(self.names)}
        self._state = {name: np.array(arrays[name]) for name in self._layout}
        self.missing = np.array(arrays["missing"])
        self._where = np.full(len(self._keys), -1, np.int32)
        self.counts = Counter(about["counts"])
        self._metrics = {what: list(names) for what, names in about["metrics"].items()}


def _change(now: F64, usual: F64) -> F64:
    """log2 of the ratio, cut at ±64; NaN where either is no positive number."""
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where((now > 0) & (usual > 0), now / usual, np.nan)
        return np.clip(np.log2(ratio), -64, 64)
