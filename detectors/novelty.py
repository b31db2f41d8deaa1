"""Novelty: a value that is new, a level that is new beside it, or a value new for the time of day."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from titleshot.detectors.answers import Notes
from titleshot.detectors.detector import DetectorParams
from titleshot.detectors.value_novelty import ValueNovelty, ValueNoveltyParams

_PARTS = ("value", "time_of_day")


class NoveltyParams(ValueNoveltyParams):
    """Those of ``value_novelty``, and of the two parts beside it."""

    level_points: Annotated[int, Field(ge=2, le=1_000)] = 12
    """Values of which the mean is the level, the value itself among them."""
    level_weight: Annotated[float, Field(ge=0, le=1)] = 0.25
    """How much the level has to say beside the value."""
    same_time_s: Annotated[float, Field(ge=60, le=21_600)] = 3_600
    """So far apart on the clock is the same time of day."""
    min_days: Annotated[int, Field(ge=1, le=60)] = 3
    """Days that must be remembered before the time of day is heard."""


class Novelty(ValueNovelty):
    """Three parts, each in units of its own bar; the loudest speaks and the event says which.

        u = max(joined, time of day / (1 + 2 × misses)) / (threshold × (1 + repeat_ratio × alarms))
        joined = (value × level^w)^(1 / (1 + w)),   w = level_weight

    ``value`` is that of ``value_novelty``, ``level`` the same of the mean of the last ``level_points``. They
    are joined as a weighted mean of logarithms, none below .2: a level that is new lends weight to a value
    that is, and a spike in an ordinary hour must be stranger by itself. ``time of day`` is the distance to
    the nearest value of other days within ``same_time_s`` on the clock, in units of .15 × range + 5 × the
    distance to that value's third neighbour among them; ``misses`` on how many of the 28 spans before it was
    .2 or more. So a series without a daily shape takes that part's voice from it within days. Quiet time,
    age and alarms work on what is joined.

    Assumes what ``value_novelty`` does, and of a series with a daily shape that days resemble the days
    before.

    Deaf to known values in the wrong order within an hour of the day, to weekly shape (a Saturday that looks
    like a Sunday is known), to silence and flatlines, and to a fault like an earlier one within memory.

    On independent Gaussian noise .05 % of samples have u >= 1 with a memory of days and .03 % with a full
    one, .1 % and .07 % on Student's t with 3 degrees. State: 42 bytes a value, 339 kB a series with the
    defaults. A step costs 25 µs with a full window of 8,064, most of it for the time of day, 8 without; half
    of both with half the window.

    Source: as for ``value_novelty``; for the weighted mean of logarithms Hinton, "Products of experts", 1999.
    That parts lose their voice by what they said before is ours.

    >>> from titleshot.detectors.answers import Ticks
    >>> from titleshot.datasets.contracts.instants import SECOND
    >>> detector = Novelty(NoveltyParams(min_points=5, young_s=0, min_days=1, level_points=2))
    >>> detector.grow(1)
    >>> hours = 3_600 * SECOND * np.arange(103)
    >>> values = np.where(np.arange(103) % 24 < 12, 10.0, 30.0)
    >>> values[102] = 30.0
    >>> answers = detector.answer(np.zeros(103, np.int32), hours, values, Ticks.none())
    >>> told = detector.tell(answers.notes, 102, int(hours[102]))
    >>> bool(answers.scored.strangeness[102] > 1), told["driven_by"]
    (True, 'time_of_day')
    """

    family: ClassVar[str] = "novelty"
    Params: ClassVar[type[DetectorParams]] = NoveltyParams
    params: NoveltyParams
    noise_ratio: ClassVar[float] = 5e-4

    def _level(self) -> tuple[int, float]:
        return self.params.level_points, self.params.level_weight

    def _day(self) -> tuple[int, int]:
        return int(self.params.same_time_s) // 60, self.params.min_days

    def tell(self, notes: Notes, row: int, timestamp: int) -> dict[str, Any]:
        level = float(notes["level"][row])
        told = {
            **super().tell(notes, row, timestamp),
            "driven_by": _PARTS[int(notes["part"][row])],
            "level_strangeness": round(level, 3) if np.isfinite(level) else None,
        }
        if told["driven_by"] == "time_of_day":
            told["strange"] = "new at this time of day"
        return told
