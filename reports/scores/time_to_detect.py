"""How long an incident lasted before its first page, over all incidents: a miss is never, not left out.

Incidents cut by the end of the span count as undetected until then and no longer (Kaplan and Meier (1958),
JASA 53).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from titleshot.reports.scores.score import BY_INCIDENT, ScoreDefinition, ratio
from titleshot.reports.statistics import Summands
from titleshot.reports.tally import Tally

Float64 = NDArray[np.float64]

CURVE_S = (0, 30, 60, 120, 180, 300, 450, 600, 900, 1200, 1800, 2700, 3600, 5400, 7200, 14400, 28800, 86400)
"""Delays the curve of incidents detected is given at, besides T."""


def _capped(tally: Tally) -> Summands:
    delay = np.where(tally.timed, np.minimum(tally.delay_s, tally.within_s), 0.0)
    return ratio(tally.of_incidents(delay), tally.of_incidents(tally.timed))


def _in_order(tally: Tally) -> tuple[Float64, NDArray[np.intp], NDArray[np.bool_]]:
    """Delays, rising, of detection or of when watching ended; the incidents; whether each was detected."""
    watched = np.flatnonzero(tally.watched)
    seen = np.isfinite(tally.delay_s[watched])
    delay = np.where(seen, tally.delay_s[watched], tally.observed_s[watched])
    order = np.lexsort((~seen, delay))
    return delay[order], watched[order], seen[order]


def _undetected(weights: Float64, seen: NDArray[np.bool_]) -> Float64:
    """The share undetected after each delay, incidents weighing ``weights``."""
    at_risk = weights.sum(axis=-1, keepdims=True) - np.cumsum(weights, axis=-1) + weights
    step = np.divide(weights * seen, at_risk, out=np.zeros_like(weights), where=at_risk > 0)
    remaining: Float64 = np.cumprod(1 - step, axis=-1)
    return remaining


def _quantile(quantile: float) -> Callable[[Tally], Summands]:
    def summands(tally: Tally) -> Summands:
        delay, rows, seen = _in_order(tally)
        delay = np.append(delay, np.inf)
        detections = int(seen.sum())
        uncut = bool(seen[:detections].all())

        def of(weights: Float64) -> Float64:
            total = weights.sum(axis=-1)
            if uncut:  # then the share undetected is just a count
                found = np.cumsum(weights[..., :detections], axis=-1, dtype=_counting(weights))
                reached = found >= (quantile * (1 - 1e-12) * total)[..., None]
            else:
                reached = _undetected(weights.astype(float), seen) <= 1 - quantile + 1e-12
            first = np.where(reached.any(axis=-1), _first(reached), len(rows))
            return np.where(total > 0, delay[first], np.nan)

        columns = np.zeros((tally.blocks, len(rows)))
        days = tally.incident_block[rows]
        columns[days, np.arange(len(rows))] = 1
        # Without an incident there is no column to take the first of.
        return Summands(columns, of, days) if len(rows) else ratio(tally.weeks * 0, tally.weeks * 0)

    return summands


def _counting(weights: NDArray[np.generic]) -> type[np.generic]:
    return np.int32 if np.issubdtype(weights.dtype, np.integer) else np.float64


def _first(reached: NDArray[np.bool_]) -> NDArray[np.intp]:
    """The first place that is true; 0 where there is none, or no place."""
    if not reached.shape[-1]:
        return np.zeros(reached.shape[:-1], np.intp)
    found: NDArray[np.intp] = reached.argmax(axis=-1)
    return found


def delay_curve(tally: Tally) -> tuple[tuple[float, float], ...]:
    """(T in s, share of all incidents detected within T), empty where there is no incident."""
    delay, rows, seen = _in_order(tally)
    if not len(rows):
        return ()
    remaining = np.append(1.0, _undetected(np.ones(len(rows)), seen))
    places = sorted({*map(float, CURVE_S), tally.within_s})
    found = np.searchsorted(delay, places, "right")
    return tuple((at, round(float(1 - remaining[k]), 9)) for at, k in zip(places, found, strict=True))


def _too_few(share: float) -> Callable[[Tally], str]:
    def reason(tally: Tally) -> str:
        watched = int(tally.watched.sum())
        if not watched:
            return "no labelled incident in scored time"
        found = int((tally.watched & tally.detected).sum())
        return f"only {found} of {watched} incidents were detected, fewer than {share:.0%}"

    return reason


_MISLEADS = (
    "It says nothing of how many were missed beyond it, and depends on when people say an incident began."
)

MEAN_TIME_TO_DETECT = ScoreDefinition(
    name="mean_time_to_detect_s",
    unit="s",
    better="down",
    n_of="incidents",
    question="How long did an incident wait for its page, if waiting is counted up to the decision's T?",
    formula="mean over all incidents of min(max(0, paged_at − start), T); a miss counts T",
    range="0 to T; 0 is best, T means that nothing was detected in time",
    misleads="It moves with recall; a contender that misses more is later here even if its pages come fast.",
    kind="mean",
    summands=_capped,
    n=lambda tally: int(tally.timed.sum()),
    undefined=lambda _: "no labelled incident was watched for the decision's time",
    bound=lambda tally: tally.within_s,
    groups=BY_INCIDENT,
    chance=True,
)
TIME_TO_DETECT_P50 = ScoreDefinition(
    name="time_to_detect_p50_s",
    unit="s",
    better="down",
    n_of="incidents",
    question="Within which delay had half of all incidents been paged?",
    formula="smallest delay that at least half of all incidents were paged within; misses are never paged",
    range="0 upwards; null where fewer than half were detected",
    misleads=_MISLEADS,
    kind="quantile",
    summands=_quantile(0.5),
    n=lambda tally: int(tally.watched.sum()),
    undefined=_too_few(0.5),
    instead="detected_in_time_ratio",
    groups=frozenset({"severity", "kind"}),
)
TIME_TO_DETECT_P90 = ScoreDefinition(
    name="time_to_detect_p90_s",
    unit="s",
    better="down",
    n_of="incidents",
    question="Within which delay had nine in ten of all incidents been paged?",
    formula="smallest delay that at least 90 % of all incidents were paged within; misses are never paged",
    range="0 upwards; null where fewer than 90 % were detected",
    misleads=_MISLEADS,
    kind="quantile",
    summands=_quantile(0.9),
    n=lambda tally: int(tally.watched.sum()),
    undefined=_too_few(0.9),
    instead="detected_in_time_ratio",
)
EARLY_DETECTIONS = ScoreDefinition(
    name="early_detections",
    unit="count",
    better=None,
    n_of="detected incidents",
    question="How many first pages came before the labelled start?",
    formula="first hits with paged_at < start; their time to detect is 0",
    range="0 upwards",
    misleads="Many of them mean late labels, or luck: compare with shifted labels.",
    kind="count",
    summands=lambda tally: ratio(
        tally.of_incidents(tally.early & tally.detected), np.eye(tally.blocks, 1)[:, 0]
    ),
    n=lambda tally: int(tally.detected.sum()),
    undefined=lambda _: "no scored time",
)
