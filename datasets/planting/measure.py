"""Looks at the samples around planned faults: how big a spread is there, and whether the fault can be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.dataset import Dataset
from titleshot.datasets.planting.effect import Bounds, Push
from titleshot.datasets.planting.history import LEAST, SAMPLES, history_of
from titleshot.datasets.planting.kinds import Direction, Kind
from titleshot.datasets.planting.survey import BySeries

MOST_CLIPPED: Final = 0.1
"""Share of a fault's samples that may be held at the end of the range; noise goes both ways and is exempt."""
LEAST_THERE: Final = 0.5
"""Share of the samples expected within a fault that must be there."""

REASONS: Final = {
    "no_room": "the service has no free time left that is long enough",
    "little_history": f"fewer than {LEAST} samples in the {SAMPLES} steps before it",
    "few_samples": "less than half its samples are there",
    "no_spread": "the series did not move before it, so there is nothing to size it by",
    "no_effect": "it is too small to change a value of this series",
    "out_of_range": "it would leave the range of the metric",
    "outside_topology": "the service is not in the topology at that time",
}
"""Why a fault could not be planted."""


class Asked(NamedTuple):
    """A fault planned for one series; ``start``, ``end`` and ``cadence`` in ns."""

    name: str
    series: int
    kind: Kind
    size: float
    direction: Direction
    start: int
    end: int
    cadence: int
    bounds: Bounds
    seed: int


class Found(NamedTuple):
    """A fault that can be applied, with the samples it changes; or the reason why it cannot."""

    push: Push | None
    samples: int = 0
    clipped: int = 0
    reason: str = ""


def measure(dataset: Dataset, asked: Sequence[Asked], told: Callable[[int], None]) -> list[Found]:
    """One pass over the samples; in memory are those of the faults and the 288 steps before each."""
    stamps: list[list[NDArray[np.int64]]] = [[] for _ in asked]
    values: list[list[NDArray[np.float64]]] = [[] for _ in asked]
    wanted = np.zeros(len(dataset.series()), np.bool_)
    wanted[[each.series for each in asked]] = True
    begins = np.array([each.start - SAMPLES * each.cadence for each in asked], np.int64)
    ends = np.array([each.end for each in asked], np.int64)
    done = 0
    for block in dataset.blocks():
        mine = block.take(wanted[block.codes])
        done += len(block.codes)
        told(done)
        if not len(mine.codes):
            continue
        rows = BySeries(mine.codes, mine.timestamps, len(wanted))
        first, last = int(mine.timestamps.min()), int(mine.timestamps.max())
        for at in np.flatnonzero((begins <= last) & (ends > first)).tolist():
            found = rows.rows(asked[at].series, int(begins[at]), int(ends[at]))
            stamps[at].append(mine.timestamps[found])
            values[at].append(mine.values[found])
    nothing = (np.empty(0, np.int64), np.empty(0))
    return [
        _found(each, np.concatenate([nothing[0], *times]), np.concatenate([nothing[1], *numbers]))
        for each, times, numbers in zip(asked, stamps, values, strict=True)
    ]


def _found(asked: Asked, stamps: NDArray[np.int64], values: NDArray[np.float64]) -> Found:
    before = stamps < asked.start
    past = history_of(stamps[before], values[before])
    if past.samples < LEAST:
        return Found(None, reason="little_history")
    inside, there = stamps[~before], values[~before]
    expected = (asked.end - asked.start) / asked.cadence
    if len(np.unique(inside[np.isfinite(there)])) < max(LEAST_THERE * expected, 1):
        return Found(None, reason="few_samples")
    if past.spread == 0 and asked.kind.name != "no_data":
        return Found(None, reason="no_spread")
    push = Push(**asked._asdict(), spread=past.spread, last=past.last)
    if push.removes:
        return Found(push, samples=len(inside))
    changed, clipped = push.on(inside, there)
    touched = changed.view(np.int64) != there.view(np.int64)
    if not touched.any():
        return Found(None, reason="no_effect")
    kept_finite = bool(np.isfinite(changed[np.isfinite(there)]).all())
    if not kept_finite or (asked.kind.pushes and clipped > MOST_CLIPPED * len(inside)):
        return Found(None, reason="out_of_range")
    return Found(push, int(touched.sum()), clipped)


def in_words(given_up: dict[str, int]) -> str:
    """Why faults were given up, most frequent first."""
    counted = Counter(given_up).most_common()
    return "; ".join(f"{count:,} because {REASONS[reason]}" for reason, count in counted)
