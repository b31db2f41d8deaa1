"""What a validation report says besides its rules: thresholds in force, the days, the import's decisions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from titleshot.datasets.contracts.instants import DAY
from titleshot.datasets.contracts.validation import MetricRange, Period, Threshold
from titleshot.datasets.validation.profile import Profile
from titleshot.datasets.validation.suite import Suite, load_suite, shipped_suites
from titleshot.datasets.validation.thresholds import Thresholds

MOST_PERIODS = 1_000
_MOST_DECISIONS = 200
_MOST_NAMED = 5
_ELSEWHERE = {"quarantined", "samples"}
"""Keys of the import report that the report tells in its own words."""


def in_force(thresholds: Thresholds) -> tuple[Threshold, ...]:
    """Of every rule that can be tuned, and of every one that was changed."""
    changed = {change.rule for change in thresholds.rules}
    return tuple(
        Threshold(
            rule=rule.rule,
            severity=rule.severity,
            own=rule.rule in changed,
            **rule.limits if rule.tunable else {},
        )
        for suite in shipped_suites()
        for rule in thresholds.over(suite).rules
        if rule.tunable or rule.rule in changed
    )


def ranges_in_force(thresholds: Thresholds) -> tuple[MetricRange, ...]:
    """Ranges of metrics in the order they are tried, those of ``dataset.yaml`` first."""
    own = [MetricRange(**held.model_dump(), own=True) for held in thresholds.ranges]
    return (*own, *(MetricRange(**held.model_dump()) for held in load_suite("profile").ranges))


def periods_of(profile: Profile, suite: Suite) -> tuple[int, tuple[Period, ...]]:
    """Days in a period, and every period from the first sample to the last, those without samples too.

    At most ``MOST_PERIODS``: a longer history gets longer periods.
    """
    days = profile.days
    if not len(days["day"]):
        return profile.period_days, ()
    first = int(days["day"].min())
    steps = (int(days["day"].max()) - first) // (profile.period_days * DAY) + 1
    merged = -(-steps // MOST_PERIODS)
    period = profile.period_days * merged
    place = (days["day"] - first) // (period * DAY)
    count = int(place.max()) + 1

    def total(cells: Any) -> list[int]:
        held: list[int] = np.bincount(place, cells, count).astype(np.int64).tolist()
        return held

    series = np.bincount(
        np.unique(place * len(profile.keys) + days["series"]) // len(profile.keys), minlength=count
    )
    gaps = days["gap_cadences"] > suite.rule("gaps").limits["max_value"]
    columns = {
        "samples": total(days["rows"]),
        "series": series.tolist(),
        "non_finite": total(days["non_finite"]),
        "out_of_range": total(days["out_of_range"]),
        "repeated": total(days["repeated"]),
        "disordered": total(days["disordered"]),
        "gaps": total(gaps),
    }
    return period, tuple(
        Period(start=first + at * period * DAY, **{name: cells[at] for name, cells in columns.items()})
        for at in range(count)
    )


def decisions_of(report: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """What the import said of itself, flattened into words; names from telemetry stay data.

    >>> decisions_of({"times_without_zone": {"read_as": "UTC", "times": 3}, "files": ["a.csv"]})
    (('times without zone: read as', 'UTC'), ('times without zone: times', '3'), ('files', 'a.csv'))
    """
    return tuple(_flat({name: held for name, held in report.items() if name not in _ELSEWHERE}))[
        :_MOST_DECISIONS
    ]


def _flat(held: Mapping[str, Any], before: str = "") -> list[tuple[str, str]]:
    lines = []
    for name, value in held.items():
        what = f"{before}{str(name).replace('_', ' ')}"
        if isinstance(value, Mapping):
            lines += _flat(value, f"{what}: ")
        elif isinstance(value, list):
            named = ", ".join(_one(one) for one in value[:_MOST_NAMED]) or "none"
            more = len(value) - _MOST_NAMED
            lines.append((what, f"{named} and {more:,} more" if more > 0 else named))
        elif value is not None:
            lines.append((what, f"{value}"))
    return lines


def _one(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{name} {_one(held)}" for name, held in value.items())
    return " and ".join(_one(one) for one in value) if isinstance(value, list) else f"{value}"
