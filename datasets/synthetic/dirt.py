"""Dirt: what happens to samples between the service and the one who reads them.

Most arrive on time. Some are held up by seconds to minutes, now and then a collector holds up all of a
service's samples and delivers them at once, and a few come so late (an hour and more) that no lateness worth
having would wait for them. Some come twice, a few of those with another value; some never come; some are NaN.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.instants import MINUTE, SECOND, WEEK
from titleshot.datasets.sample_files import NO_INSTANT
from titleshot.datasets.synthetic.signals import DECIMALS, METRICS, Signals
from titleshot.datasets.synthetic.streams import stream

INGEST_DELAY_S: Final = 30.0
"""Declared delay of a sample that nothing held up."""
LATENESS_S: Final = 300.0
"""Nearly all samples that are held up come within this many seconds after the declared delay."""

_LATE, _VERY_LATE = 0.012, 0.0002
_TWICE, _OTHER_VALUE = 0.001, 0.2
_MISSING, _NAN = 0.002, 0.0003
_GAPS_PER_WEEK, _BACKLOGS_PER_WEEK = 0.5, 0.3


class Delivered(NamedTuple):
    """Samples of one service in the order they arrived."""

    metrics: NDArray[np.int64]
    """Positions in ``METRICS``."""
    timestamps: NDArray[np.int64]
    values: NDArray[np.float64]
    ingested_at: NDArray[np.int64]
    """``NO_INSTANT`` where on time: the timestamp plus the declared delay."""


def deliver(seed: int, clean: Signals, start: int, cadence: int) -> Delivered:
    """What arrives of one service's clean telemetry; ``start`` and ``cadence`` in ns."""
    service, count, width = clean.service.id, len(clean.times), len(METRICS)
    values = clean.values.copy()
    fate, size = stream(seed, "dirt", service).random((count, width, 2)).transpose(2, 0, 1)
    late_at = 1 - _LATE - _VERY_LATE
    wait = np.where(fate >= late_at, np.minimum(-60 * np.log1p(-size), LATENESS_S - 1), 0.0)
    wait = np.where(fate >= 1 - _VERY_LATE, 3600 * (1 + 5 * size), wait)
    values[(fate >= _MISSING) & (fate < _MISSING + _NAN)] = np.nan
    kept = (fate >= _MISSING) & ~clean.silent[:, None]
    delay = round(INGEST_DELAY_S * SECOND)
    # Milliseconds: what collectors write.
    ingested = clean.times[:, None] + delay + np.round(wait * 1000).astype(np.int64) * (SECOND // 1000)
    for week in range(-(-count * cadence // WEEK)):
        _trouble(stream(seed, "collector", service, week), clean.times, ingested, kept, start + week * WEEK)
    again = kept & (fate >= 0.5) & (fate < 0.5 + _TWICE)
    rows, metrics = np.nonzero(kept)
    twice, twice_metrics = np.nonzero(again)
    more = stream(seed, "twice", service).random((len(twice), 3))
    copied = values[twice, twice_metrics]
    copied = np.where(
        more[:, 0] < _OTHER_VALUE, _rounded(copied * (1 - 0.1 * more[:, 1]), twice_metrics), copied
    )
    copies_at = ingested[twice, twice_metrics] + np.round(1 + 200 * more[:, 2]).astype(np.int64) * SECOND
    arrived = np.concatenate([ingested[rows, metrics], copies_at])
    order = np.argsort(arrived, kind="stable")
    stamps = np.concatenate([clean.times[rows], clean.times[twice]])[order]
    arrived = arrived[order]
    return Delivered(
        np.concatenate([metrics, twice_metrics])[order],
        stamps,
        np.concatenate([values[rows, metrics], copied])[order],
        np.where(arrived == stamps + delay, NO_INSTANT, arrived),
    )


def _trouble(
    rng: np.random.Generator,
    times: NDArray[np.int64],
    ingested: NDArray[np.int64],
    kept: NDArray[np.bool_],
    week: int,
) -> None:
    """Gaps of one metric, and backlogs of all metrics, of one week; in place."""
    for _ in range(int(rng.poisson(_GAPS_PER_WEEK))):
        metric, at, minutes = rng.integers(len(METRICS)), rng.random(), rng.uniform(10, 40)
        begin = week + int(at * WEEK)
        first, last = np.searchsorted(times, (begin, begin + int(minutes * MINUTE)))
        kept[first:last, metric] = False
    for _ in range(int(rng.poisson(_BACKLOGS_PER_WEEK))):
        begin = week + int(rng.random() * WEEK)
        through = begin + int(rng.uniform(3, 12) * MINUTE) // SECOND * SECOND
        first, last = np.searchsorted(times, (begin, through))
        ingested[first:last] = np.maximum(ingested[first:last], through)


def _rounded(values: NDArray[np.float64], metrics: NDArray[np.int64]) -> NDArray[np.float64]:
    scale = 10.0 ** np.asarray(DECIMALS)[metrics]
    return np.asarray(np.round(values * scale) / scale)
