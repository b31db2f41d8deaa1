"""Business invariants: rules over the latest values of a service, each with an owner and a day it expires."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator

from titleshot.datasets.contracts.events import event_ids, event_prefix
from titleshot.datasets.contracts.instants import DAY, SECOND
from titleshot.datasets.contracts.record import SeriesKey, canonical_json
from titleshot.datasets.contracts.telemetry import Name
from titleshot.detectors.alert_policy import AlertPolicy, AlertPolicyParams
from titleshot.detectors.answers import Hearing
from titleshot.detectors.block import F64, I64, SAMPLE, TICK
from titleshot.detectors.detector import HIGHEST_STRANGENESS, LARGEST_VALUE
from titleshot.detectors.events import Events
from titleshot.detectors.order import Rows
from titleshot.detectors.rule_language import Column, Compared, Expression, parse_condition
from titleshot.detectors.series import SeriesIndex
from titleshot.detectors.world import World

_STRANGENESS = {"low": 1.0, "medium": 2.0, "high": 4.0, "critical": 8.0}
_DAY_ZERO = date(1970, 1, 1)


class Invariant(BaseModel):
    """What must hold of a service, and until when somebody answers for it.

    ``u = g + |left - right| / max(|left|, |right|)`` of the first comparison that is broken, with g of 1, 2,
    4 or 8 for a ``severity`` of low to critical: how far it is broken moves the score less than its grade.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    must: str
    when: str | None = None
    """The rule is asked only of services for which this holds."""
    owner: Name
    expires: date
    """From this day on (UTC) the rule is not asked any more, and is reported."""
    reason: Annotated[str, Field(min_length=1)]
    severity: Literal["low", "medium", "high", "critical"] = "medium"
    namespace: str = "*"
    service: str = "*"
    stale_s: Annotated[float, Field(gt=0, le=86_400)] = 600
    """A value older than this is missing."""
    alert: AlertPolicyParams | None = None

    @field_validator("must", "when")
    @classmethod
    def _reads(cls, given: str | None) -> str | None:
        if given is not None:
            parse_condition(given)
        return given

    @property
    def detector(self) -> str:
        """``invariant:NAME@digest``: what its events carry; the owner and the day may change without it."""
        content = self.model_dump(mode="json", exclude={"owner", "expires", "reason", "alert"})
        return f"invariant:{self.name}@{hashlib.sha256(canonical_json(content).encode()).hexdigest()[:8]}"

    @property
    def until(self) -> int:
        """The instant it expires, ns."""
        return (self.expires - _DAY_ZERO).days * DAY


class Invariants:
    """State of all rules for one stream of records: latest values in, events out.

    At a tick every rule is asked of every service it fits that sent something since the tick before. A value
    is the latest finite one, if no older than ``stale_s``; a rule on something missing is undefined, counted
    and silent. An event is one of the service and of the metric its broken comparison names first: the value
    is the comparison's left side, expectation and bounds its right side.

    Rules and models are combined where events are: a rule alone is an event, a model alone is one, and both
    within one story are two, so that ``paging.minimum_events: 2`` asks for both and ``severity`` for more.
    """

    def __init__(
        self, rules: tuple[Invariant, ...], alert: AlertPolicyParams, series: SeriesIndex, tick: int
    ):
        self.rules = rules
        self._series = series
        self._must = [parse_condition(rule.must) for rule in rules]
        self._when = [parse_condition(rule.when) if rule.when else None for rule in rules]
        self._policies = [AlertPolicy(rule.alert or alert) for rule in rules]
        self._hearing = Hearing(tick)
        self._value, self._time = np.empty(0), np.empty(0, np.int64)
        self._services: list[str] = []
        self._place: dict[str, int] = {}
        self._of_code = np.empty(0, np.int64)
        self._fits = np.zeros((len(rules), 0), np.bool_)
        self._sent = np.empty(0, np.bool_)
        self._by_metric: dict[str, tuple[I64, I64]] = {}
        self.counts = np.zeros((len(rules), 4), np.int64)
        """Per rule: asked, undefined, broken, and ticks at which it had expired."""

    @property
    def memory_s(self) -> float:
        """How far back a sample can matter."""
        spans = zip(self.rules, self._policies, strict=True)
        return max((rule.stale_s + policy.memory_s for rule, policy in spans), default=0.0)

    def fold(self, rows: Rows, clocks: I64, world: World) -> Events:
        """Take in released rows in order; rules are asked at the ticks among them."""
        self._grow()
        samples = rows.kinds == SAMPLE
        ticks, at = self._hearing.of(rows.timestamps, rows.kinds == TICK, samples)
        sound = samples & (np.abs(rows.values) <= LARGEST_VALUE)
        seen: list[Events] = []
        start = 0
        for stop, now in zip([*at.tolist(), len(samples)], [*ticks.timestamps.tolist(), None], strict=True):
            mine = start + np.flatnonzero(sound[start:stop])
            codes = rows.codes[mine]
            # Of several samples of a series the last one stays.
            self._value[codes], self._time[codes] = rows.values[mine], rows.timestamps[mine]
            self._sent[self._of_code[codes]] = True
            if now is not None:
                seen += self._asked(now, int(clocks[stop]), world)
            start = stop
        return Events.joined(seen) if seen else Events.none()

    def _grow(self) -> None:
        known, n = len(self._of_code), len(self._series)
        if n == known:
            return
        self._value = np.concatenate([self._value, np.full(n - known, np.nan)])
        self._time = np.concatenate([self._time, np.zeros(n - known, np.int64)])
        more = []
        for name in self._series.services[known:]:
            if name not in self._place:
                self._place[name] = len(self._services)
                self._services.append(name)
            more.append(self._place[name])
        self._of_code = np.concatenate([self._of_code, np.array(more, np.int64)])
        fresh = self._services[len(self._sent) :]
        self._sent = np.concatenate([self._sent, np.zeros(len(fresh), np.bool_)])
        fits = np.array([[_fits(rule, name) for name in fresh] for rule in self.rules], np.bool_)
        self._fits = np.concatenate([self._fits, fits.reshape(len(self.rules), len(fresh))], axis=1)
        # Sums run by identity, so that the order in which series turned up does not matter.
        order = sorted(range(n), key=self._series.keys.__getitem__)
        wanted: dict[str, list[int]] = {}
        for code in order:
            wanted.setdefault(self._series.keys[code].metric_name, []).append(code)
        self._by_metric = {
            metric: (np.array(codes, np.int64), self._of_code[codes]) for metric, codes in wanted.items()
        }
        for policy in self._policies:
            policy.grow(len(self._services))

    def _asked(self, now: int, clock: int, world: World) -> list[Events]:
        found = []
        places = np.flatnonzero(self._sent)
        self._sent[:] = False
        for number, rule in enumerate(self.rules):
            if now >= rule.until:
                self.counts[number, 3] += 1
                continue
            mine = places[self._fits[number, places]]
            if not len(mine):
                continue
            kept, compared = self._judge(self._must[number], rule, now)
            asked = np.ones(len(kept), np.float64)
            when = self._when[number]
            if when is not None:
                asked = self._judge(when, rule, now)[0]
            # Undefined stays NaN; where the rule is not asked it is as good as kept.
            broken = np.where(asked == 0, 0.0, np.where(np.isnan(asked), np.nan, 1 - kept))[mine]
            self.counts[number, :3] += [
                int((asked[mine] == 1).sum()), int(np.isnan(broken).sum()), int((broken == 1).sum()),
            ]  # fmt: skip
            left, right, metrics = _first_broken(compared, mine)
            with np.errstate(all="ignore"):
                off = np.abs(left - right) / np.maximum(np.abs(left), np.abs(right))
            grade = _STRANGENESS[rule.severity]
            u = np.where(broken == 1, np.minimum(grade + np.nan_to_num(off), HIGHEST_STRANGENESS), broken)
            names = [self._services[place] for place in mine.tolist()]
            held = np.array(
                [u[i] >= 1 and world.in_maintenance(n, now) for i, n in enumerate(names)], np.bool_
            )
            times = np.full(len(mine), now, np.int64)
            status = self._policies[number].fold(mine.astype(np.int32), times, u, held)
            hits = np.flatnonzero(status)
            if not len(hits):
                continue
            keys = [_key(names[i], metrics[i]) for i in hits.tolist()]
            sides = left[hits].astype(np.float64), right[hits].astype(np.float64)
            told = {
                "strange": "rule", "rule": rule.must, "owner": rule.owner, "reason": rule.reason,
                "expires": rule.expires.isoformat(), **({"when": rule.when} if rule.when else {}),
            }  # fmt: skip
            count, m = len(self._must[number].columns), len(hits)
            found.append(
                Events(
                    event_ids([event_prefix(rule.detector, key) for key in keys], [now] * m),
                    np.array([self._series.code(key) for key in keys], np.int32),
                    times[hits],
                    sides[0],
                    sides[1],
                    sides[1],
                    sides[1],
                    u[hits],
                    np.full(m, count, np.int32),
                    status[hits],
                    np.full(m, clock, np.int64),
                    [rule.detector] * m,
                    [rule.stale_s] * m,
                    [f"the rule {rule.name} of {rule.owner}"] * m,
                    [_labels(world, names[i], now) for i in hits.tolist()],
                    [None] * m,
                    [told] * m,
                )
            )
        return found

    def _judge(self, condition: Expression, rule: Invariant, now: int) -> tuple[F64, list[Compared]]:
        given = {column: self._column(column, rule, now) for column in condition.columns}
        return condition.judge(given)

    def _column(self, column: Column, rule: Invariant, now: int) -> F64:
        """One number per service, NaN where it has none."""
        metric, how = column
        n = len(self._services)
        codes, places = self._by_metric.get(metric, (np.empty(0, np.int64), np.empty(0, np.int64)))
        fresh = (now - self._time[codes] <= rule.stale_s * SECOND) & np.isfinite(self._value[codes])
        codes, places = codes[fresh], places[fresh]
        values, many = self._value[codes], np.bincount(places, minlength=n)
        if how in ("min", "max"):
            out = np.full(n, np.inf if how == "min" else -np.inf)
            (np.minimum if how == "min" else np.maximum).at(out, places, values)
        else:
            out = np.bincount(places, values, minlength=n).astype(np.float64)
        if how == "count":
            return many.astype(np.float64)
        out[many == 0] = np.nan
        if how == "one":
            out[many > 1] = np.nan
        return out / np.maximum(many, 1) if how == "mean" else out

    def report(self) -> list[dict[str, Any]]:
        """What each rule did, and who answers for it; ``expired`` where it was no longer asked."""
        return [
            {
                "name": rule.name, "owner": rule.owner, "expires": rule.expires.isoformat(),
                "hits": int(broken), "asked": int(asked), "undefined": int(undefined),
                "expired": bool(expired),
            }
            for rule, (asked, undefined, broken, expired) in zip(self.rules, self.counts, strict=True)
        ]  # fmt: skip

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Arrays and JSON that :meth:`load` continues from."""
        self._grow()
        out: dict[str, NDArray[Any]] = {
            "rules.value": self._value, "rules.time": self._time, "rules.sent": self._sent,
            "rules.counts": self.counts,
        }  # fmt: skip
        for number, policy in enumerate(self._policies):
            out |= {f"rules.policy.{number}.{name}": array for name, array in policy.state().items()}
        return out, {"heard": self._hearing.last}

    def load(self, arrays: Mapping[str, NDArray[Any]], about: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`; the series index must already hold the same series."""
        self._grow()
        self._value, self._time, self._sent, self.counts = (
            np.array(arrays[f"rules.{name}"]) for name in ("value", "time", "sent", "counts")
        )
        for number, policy in enumerate(self._policies):
            prefix = f"rules.policy.{number}."
            policy.load(
                {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}
            )
        self._hearing.last = about["heard"]


def _fits(rule: Invariant, service: str) -> bool:
    namespace, _, name = service.partition("/")
    return fnmatchcase(namespace, rule.namespace) and fnmatchcase(name, rule.service)


def _first_broken(compared: list[Compared], mine: I64) -> tuple[F64, F64, list[str]]:
    """Both sides of the first broken comparison of each service, and the metric it is about."""
    left, right = np.full(len(mine), np.nan), np.full(len(mine), np.nan)
    metrics = [compared[0].metric] * len(mine)
    for one in reversed(compared):
        for i in np.flatnonzero(one.truth[mine] == 0).tolist():
            left[i], right[i], metrics[i] = one.left[mine[i]], one.right[mine[i]], one.metric
    return left, right, metrics


def _labels(world: World, service: str, now: int) -> str:
    found = {"team": world.team(service, now), "tier": world.tier(service, now)}
    return canonical_json({name: value for name, value in found.items() if value is not None})


def _key(service: str, metric_name: str) -> SeriesKey:
    namespace, _, name = service.partition("/")
    return SeriesKey(namespace, name, metric_name)


def rule_words(report: list[dict[str, Any]]) -> list[str]:
    """A line for a person about the rules, and one for each that was no longer asked or never answered."""
    if not report:
        return []
    hits = sum(rule["hits"] for rule in report)
    return (
        [f"invariants: {len(report)} rules, {hits:,} hits"]
        + [
            f"  rule {rule['name']!r} expired on {rule['expires']}; {rule['owner']} must renew or remove it"
            for rule in report
            if rule["expired"]
        ]
        + [
            f"  rule {rule['name']!r} never had all the numbers it asks for; {rule['owner']} must see to it"
            for rule in report
            if rule["undefined"] and rule["undefined"] == rule["asked"]
        ]
    )
