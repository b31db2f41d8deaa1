"""Paired intervals of every score from 10,000 resamples of a year: against a plain loop.

The loop draws days, gathers the incidents (some 500) and pages of both contenders on them and works out each
score from the records, as one would write it first; it is timed on a few resamples. Ours makes whole
estimates: intervals at two confidences, design effects, permutation tests. Values and spreads must agree.
"""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from titleshot.pipelines.bench import Clock, Floor, Result, cost_of
from titleshot.pipelines.outcome import Progress
from titleshot.reports.assignment import DETECTION, DUPLICATE, FALSE, FAN_OUT
from titleshot.reports.scores.registered import SCORES
from titleshot.reports.simulated_pairs import Side, World, simulate, true_scores
from titleshot.reports.tally import Tally, paired

DAYS, RESAMPLES, FEW = 365, 10_000, 100
WORLD = World(incidents_per_day=500 / DAYS)
SIDES = (Side(), Side(recall=0.8, false_per_day=0.7))
SMOOTH = tuple(true_scores(SIDES[0], WORLD))
"""Scores whose intervals are about as wide as their deviation says."""


def bench(scratch: Path, progress: Progress) -> Result:
    """Time each in a process of its own."""
    progress("resampling: titleshot", 0, 2)
    ours = cost_of(__file__, "estimated")
    progress("resampling: plain loop", 1, 2)
    loop = cost_of(__file__, "looped")
    for name, (value, low, high) in ours.said.items():
        plain, deviation = loop.said[name]
        if abs(plain - value) > 1e-9 * max(1, abs(value)):
            raise AssertionError(f"{name}: {plain} by the loop, {value} by us")
        if name in SMOOTH and not 0.7 < deviation / ((high - low) / 3.92) < 1.4:
            raise AssertionError(f"{name}: spread {deviation} by the loop, {low} to {high} by us")
    theirs = loop.cpu_s / FEW * RESAMPLES
    return Result(
        ours=ours.cpu_s,
        reference=theirs,
        unit="CPU s for 10,000 resamples",
        reference_name="a plain resampling loop",
        floors=(
            Floor("times the plain loop", theirs / ours.cpu_s, least=100),
            Floor("CPU s", ours.cpu_s, most=4),
        ),
        more={"days": DAYS, "resamples": RESAMPLES, "peak_gb": round(ours.peak_bytes / 1e9, 3)},
    )


def estimated(clock: Clock) -> dict[str, Any]:
    """Ours: value and bootstrap interval of each difference."""
    from titleshot.reports.estimates import paired_estimate, prepare
    from titleshot.reports.statistics import Resampling

    first, second = _history()
    shown = [score for score in SCORES if score.kind != "count" and score.applies(first)]

    def estimates(resamples: int) -> list[Any]:
        days = Resampling(DAYS, resamples, 7)
        prepare(shown, days, second, first)
        return [paired_estimate(score, first, second, days, 0.95, 0.99) for score in shown]

    estimates(200)
    with clock:
        pairs = estimates(RESAMPLES)
    return {
        pair.name: [
            pair.difference,
            *((pair.low, pair.high) if pair.beside_low is None else (pair.beside_low, pair.beside_high)),
        ]
        for pair in pairs
        if pair.difference is not None
    }


def looped(clock: Clock) -> dict[str, list[float]]:
    """Value and deviation of each difference."""
    histories = [_by_day(tally) for tally in _history()]
    random = np.random.default_rng(7)

    def difference(drawn: list[int]) -> dict[str, float]:
        one, other = (_scores(history, drawn) for history in histories)
        return {name: other[name] - one[name] for name in one}

    with clock:
        resampled = [difference(random.integers(DAYS, size=DAYS).tolist()) for _ in range(FEW)]
    with np.errstate(invalid="ignore"):
        return {
            name: [value, float(np.std([one[name] for one in resampled]))]
            for name, value in difference([*range(DAYS)]).items()
        }


def _history() -> tuple[Tally, Tally]:
    first, second = simulate(np.random.default_rng(5), DAYS, WORLD, SIDES)
    return paired(first, second)


class _Incident(NamedTuple):
    detected: bool
    both_detected: bool
    delay_s: float
    duplicates: int
    named: int
    named_right: int
    reset_s: float


class _Page(NamedTuple):
    result: int
    rotation: int
    shift: int


_Day = tuple[list[_Incident], list[_Page]]


def _by_day(tally: Tally) -> list[_Day]:
    columns = (tally.detected, tally.compared, tally.delay_s, tally.duplicates, tally.named)
    columns += (tally.named_right, tally.reset_s)
    incidents = [_Incident(*of) for of in zip(*(column.tolist() for column in columns), strict=True)]
    columns = (tally.result, tally.rotation, tally.page_shift)
    pages = [_Page(*of) for of in zip(*(column.tolist() for column in columns), strict=True)]
    days: list[_Day] = [([], []) for _ in range(DAYS)]
    for day, incident in zip(tally.incident_block.tolist(), incidents, strict=True):
        days[day][0].append(incident)
    for day, page in zip(tally.page_block.tolist(), pages, strict=True):
        days[day][1].append(page)
    return days


def _scores(history: list[_Day], drawn: list[int]) -> dict[str, float]:
    incidents = [incident for day in drawn for incident in history[day][0]]
    # A day drawn twice is two days: its shifts are apart.
    pages = [
        page._replace(shift=2 * at + page.shift % 2)
        for at, day in enumerate(drawn)
        for page in history[day][1]
    ]
    n, weeks = len(incidents), DAYS / 7
    within_s = WORLD.within_s
    detections = sum(page.result == DETECTION for page in pages)
    false = sum(page.result == FALSE for page in pages)
    duplicates = sum(page.result == DUPLICATE for page in pages)
    fan_out = sum(page.result == FAN_OUT for page in pages)
    delays = sorted(incident.delay_s for incident in incidents)
    by_rotation = Counter(page.rotation for page in pages if page.result == FALSE)
    by_shift = Counter((page.rotation, page.shift) for page in pages)
    compared = [incident for incident in incidents if incident.both_detected]
    found = [incident for incident in incidents if incident.detected]
    return {
        "incident_recall": sum(incident.detected for incident in incidents) / n,
        "detected_in_time_ratio": sum(incident.delay_s <= within_s for incident in incidents) / n,
        "page_precision": detections / (detections + false),
        "alarming_precision": detections / len(pages),
        "mean_time_to_detect_s": sum(min(incident.delay_s, within_s) for incident in incidents) / n,
        "time_to_detect_p50_s": delays[math.ceil(0.5 * n) - 1],
        "time_to_detect_p90_s": delays[math.ceil(0.9 * n) - 1],
        "false_pages_per_week": false / weeks,
        "false_pages_per_week_worst_team": max(by_rotation.values()) / weeks,
        "false_pages_per_service_day": false / DAYS,
        "duplicates_per_week": duplicates / weeks,
        "duplicates_per_incident": sum(incident.duplicates for incident in compared) / len(compared),
        "fan_out_per_week": fan_out / weeks,
        "pages_per_week": len(pages) / weeks,
        "pages_per_shift": len(pages) / (2 * DAYS),
        "shifts_over_budget_ratio": sum(many > 2 for many in by_shift.values()) / (2 * DAYS),
        "naming_precision": sum(incident.named_right / incident.named for incident in found) / n,
        "services_per_page": sum(incident.named for incident in found) / len(found),
        "reset_time_s": sum(max(incident.reset_s, 0) for incident in compared) / len(compared),
    }
