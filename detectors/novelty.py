"""Novelty: values that are new together, a level that is new beside them, or a value new for its hour."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from titleshot.datasets.contracts.instants import SECOND, format_instant
from titleshot.detectors.answers import Notes
from titleshot.detectors.detector import DetectorParams
from titleshot.detectors.value_novelty import ValueNovelty, ValueNoveltyParams

_PARTS = ("value", "time_of_day")


class NoveltyParams(ValueNoveltyParams):
    """Those of ``value_novelty``, and of the two parts beside it."""

    known_ratio: Annotated[float, Field(gt=0, le=1)] = 0.01
    spacing_ratio: Annotated[float, Field(ge=0, le=100)] = 0.5
    level_points: Annotated[int, Field(ge=2, le=1_000)] = 12
    """Values of which the mean is the level, the value itself among them."""
    level_weight: Annotated[float, Field(ge=0, le=1)] = 0.25
    """How much the level has to say beside the value."""
    same_time_s: Annotated[float, Field(ge=60, le=21_600)] = 3_600
    """So far apart on the clock is the same time of day."""
    min_days: Annotated[int, Field(ge=1, le=60)] = 7
    """Days that must be remembered before the time of day is heard: every day of the week once."""
    look_ratio: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Bars away that are worth a second look; 1 takes none."""
    company_points: Annotated[int, Field(ge=1, le=100)] = 6
    """Values after such a one that may confirm it."""

    @model_validator(mode="after")
    def _room_to_look(self) -> Self:
        if self.min_points + self.company_points >= self.window:
            raise ValueError(
                f"company_points must be below window - min_points ({self.window - self.min_points}), "
                f"got {self.company_points}"
            )
        return self


class Novelty(ValueNovelty):
    """A value half a bar away is looked at twice: what follows it decides, unless it speaks for itself.

        u = max(joined + (1 - look_ratio) × company, time of day / (1 + 2 × misses))
        joined = (value × level^w)^(1 / (1 + w)) / (threshold × (1 + repeat_ratio × alarms))
        w = level_weight
        company = sum of |v - near| / (known_ratio × range) over those that follow / company_points

    ``value`` is that of ``value_novelty`` with a bar twice as wide, ``level`` the same of the mean of the
    last ``level_points``. They are joined as a weighted mean of logarithms, none below .1: a level that is
    new lends weight to a value that is, and a spike in an ordinary hour must be stranger by itself.

    From ``look_ratio`` on a value is worth a second look. For ``company_points`` values, no longer than
    ``quiet_s`` and never beyond a turn of the cells of ``alarms_s``, memory stays as it was before the first
    of them; the loudest counts as ``joined`` and all others as its company. The sum only grows, so it speaks
    as soon as there is enough; before that each value says what it is alone. So a lone spike must be twice as
    strange as one that is followed by others nobody has seen.

    ``time of day`` is the distance to the nearest value of other days within ``same_time_s`` on the clock, in
    units of .15 × range + 5 × the distance to that value's third neighbour among them, 0 where the distance
    is within a fifth of .15 × range; ``misses`` on how many of the 28 spans before it was .2 or more. So a
    series without a daily shape takes that part's voice from it within days. Quiet time works on all of it,
    from ``look_ratio`` on.

    Assumes what ``value_novelty`` does, that faults last longer than a sample or are extreme, and of a series
    with a daily shape that days resemble the days before, once each day of the week has been seen.

    Deaf to known values in the wrong order within an hour of the day, to weekly shape (a Saturday that looks
    like a Sunday is known), to silence and flatlines, to a fault like an earlier one within memory, and to a
    lone spike less than a bar away.

    On independent Gaussian noise .023 % of samples have u >= 1 with a memory of days and .007 % with a full
    one, .06 % and .02 % on Student's t with 3 degrees. State: 40 bytes a value, 323 kB a series with the
    defaults. A step costs 1 µs on a series with a daily shape and 6 on noise: of the ordered values those
    between the oldest and the newest move.

    Source: as for ``value_novelty``; for the weighted mean of logarithms Hinton, "Products of experts", 1999;
    for evidence that is summed until it suffices Page, "Continuous inspection schemes", 1954. That parts lose
    their voice by what they said before, and that memory waits for the second look, is ours.

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
    noise_ratio: ClassVar[float] = 2.5e-4
    loud: ClassVar[float] = 1.0
    least: ClassVar[float] = 0.1

    def _level(self) -> tuple[int, float]:
        return self.params.level_points, self.params.level_weight

    def _day(self) -> tuple[int, int]:
        return int(self.params.same_time_s * SECOND), self.params.min_days

    def _look(self) -> tuple[int, float]:
        return self.params.company_points, self.params.look_ratio

    def tell(self, notes: Notes, row: int, timestamp: int) -> dict[str, Any]:
        level = float(notes["level"][row])
        told = {
            **super().tell(notes, row, timestamp),
            "driven_by": _PARTS[int(notes["part"][row])],
            "level_strangeness": round(level, 3) if np.isfinite(level) else None,
            **self._company(notes, row),
        }
        if told["driven_by"] == "time_of_day":
            told["strange"] = "new at this time of day"
        return told

    def _company(self, notes: Notes, row: int) -> dict[str, Any]:
        """What a second look has found, where one was taken."""
        began = int(notes["began"][row])
        if not began:
            return {"company": None}
        return {"company": round(float(notes["company"][row]), 3), "began_at": format_instant(began)}
