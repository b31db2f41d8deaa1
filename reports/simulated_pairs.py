"""Pairs of contenders whose true scores are known: what intervals and the judge are tried on.

Days are overdispersed. The incidents of a day are Poisson with a rate that is gamma over days; on half of the
days, at random, everybody detects worse and on the other half better; on half of the days, independently,
everybody is slower. Both contenders meet the same incidents and, with probability ``alike``, the same luck
with each. False pages are Poisson with a gamma rate, part of it shared. So what scores assume least, that
incidents and pages of a day are independent, does not hold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from titleshot.reports.assignment import DETECTION, DUPLICATE, FALSE
from titleshot.reports.exposure import Exposure
from titleshot.reports.matching import DETECTED, MISSED
from titleshot.reports.tally import Tally

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

WEEK_DAYS = 7


@dataclass(frozen=True)
class Side:
    """What one contender does on average."""

    recall: float = 0.75
    delay_s: float = 240.0
    """Mean of the exponential delay of a detection on an ordinary day."""
    duplicates: float = 0.3
    """Per detected incident."""
    false_per_day: float = 0.9


@dataclass(frozen=True)
class World:
    """What days are like."""

    incidents_per_day: float = 2.0
    dispersion: float = 2.0
    """Shape of the gamma over days, of incidents and of false pages; its variance is 1 / shape."""
    day_recall: float = 0.12
    """How much more, or less, is detected on a day."""
    day_delay: float = 0.3
    """How much slower, or faster, as a share."""
    alike: float = 0.7
    within_s: float = 600.0


def true_scores(side: Side, world: World) -> dict[str, float]:
    """The scores of infinitely many days.

    >>> round(true_scores(Side(), World())["false_pages_per_week"], 2)
    6.3
    """
    found = world.incidents_per_day * side.recall
    pages = found * (1 + side.duplicates) + side.false_per_day
    waits = [
        mean * (1 - math.exp(-world.within_s / mean))
        for mean in (side.delay_s * (1 - world.day_delay), side.delay_s * (1 + world.day_delay))
    ]
    return {
        "incident_recall": side.recall,
        "alarming_precision": found / pages,
        "mean_time_to_detect_s": side.recall * sum(waits) / 2 + (1 - side.recall) * world.within_s,
        "false_pages_per_week": side.false_per_day * WEEK_DAYS,
    }


def simulate(
    random: np.random.Generator, days: int, world: World, sides: tuple[Side, ...]
) -> tuple[Tally, ...]:
    """One history of ``days`` days and what each contender made of it; all sides met the same incidents."""
    rates = random.gamma(world.dispersion, world.incidents_per_day / world.dispersion, days)
    day = np.repeat(np.arange(days), random.poisson(rates))
    n = len(day)
    better, slower = random.choice([-1.0, 1.0], days), random.choice([-1.0, 1.0], days)
    chance, wait = random.random(n), random.exponential(size=n)
    wild = random.gamma(world.dispersion, 1 / world.dispersion, days)
    exposure = _exposure(days)
    tallies = []
    for side in sides:
        shared = random.random(n) < world.alike
        luck = np.where(shared, chance, random.random(n))
        detected = luck < side.recall + world.day_recall * better[day]
        delay = np.where(shared, wait, random.exponential(size=n))
        delay *= side.delay_s * (1 + world.day_delay * slower[day])
        duplicates = np.where(detected, random.poisson(side.duplicates, n), 0)
        false = random.poisson(side.false_per_day * wild)
        tallies.append(_tally(exposure, world, day, detected, delay, duplicates, false))
    return tuple(tallies)


def first_days(tally: Tally, days: int) -> Tally:
    """The first days of a history."""
    exposure = tally.exposure
    cut = replace(
        exposure,
        days=exposure.days[:days],
        weeks=exposure.weeks[:days],
        shifts=exposure.shifts[:days],
        service_days=exposure.service_days[:days],
    )
    of_incidents = tally.incident_block < days
    of_pages = tally.page_block < days
    incidents = (
        *(
            "incident_block",
            "fate",
            "delay_s",
            "early",
            "observed_s",
            "duplicates",
            "named",
            "named_right",
            "reset_s",
        ),
        *("counted", "timed", "watched", "compared"),
    )
    pages = ("page_block", "page_day", "result", "rotation", "page_shift")
    return replace(
        tally,
        exposure=cut,
        weeks=tally.weeks[:days],
        service_days=tally.service_days[:days],
        **{name: getattr(tally, name)[of_incidents] for name in incidents},
        **{name: getattr(tally, name)[of_pages] for name in pages},
    )


def _exposure(days: int) -> Exposure:
    week = np.full((days, 1), 1 / WEEK_DAYS)
    return Exposure(np.arange(days), ("on call",), week, np.full(days, 2.0), ("service",), np.ones((days, 1)))


def _tally(
    exposure: Exposure,
    world: World,
    day: Int64,
    detected: NDArray[np.bool_],
    delay: Float64,
    duplicates: Int64,
    false: Int64,
) -> Tally:
    all_incidents = np.ones(len(day), bool)
    blocks = np.concatenate(
        [day[detected], np.repeat(day, duplicates), np.repeat(np.arange(len(false)), false)]
    )
    results = np.repeat(
        np.array([DETECTION, DUPLICATE, FALSE], np.int8), [detected.sum(), duplicates.sum(), false.sum()]
    )
    return Tally(
        exposure=exposure,
        complete=True,
        within_s=world.within_s,
        incident_block=day,
        fate=np.where(detected, DETECTED, MISSED).astype(np.int8),
        delay_s=np.where(detected, delay, np.inf),
        early=~all_incidents,
        observed_s=np.full(len(day), np.inf),
        duplicates=duplicates,
        named=np.where(detected, 1, 0),
        named_right=np.where(detected, 1, 0),
        reset_s=np.where(detected, 0.0, np.nan),
        counted=all_incidents,
        timed=all_incidents,
        watched=all_incidents,
        compared=detected,
        page_block=blocks,
        page_day=blocks,
        result=results,
        rotation=np.zeros(len(blocks), np.int64),
        page_shift=2 * blocks,
        weeks=exposure.weeks.sum(axis=1),
        service_days=exposure.service_days.sum(axis=1),
    )
