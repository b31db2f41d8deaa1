"""Value novelty: how far a value lies from everything the series has been, by its own measure of far."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from titleshot.datasets.contracts.instants import SECOND, format_instant
from titleshot.detectors.answers import Answers, Notes, Ticks
from titleshot.detectors.detector import Codes, Detector, DetectorParams, Floats, Instants, Scored, Shape
from titleshot.detectors.novelty_kernels import ALARM_CELLS, QUIET_CELLS, fold

_NOISE_FALL = 1.5
"""On independent Gaussian noise P(U >= u) falls at least as fast as u to the power of minus this."""


class ValueNoveltyParams(DetectorParams):
    """A value is new where the nearest past one is further away than the bar."""

    threshold: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    """Bars away that are strange."""
    window: Annotated[int, Field(ge=30, le=20_000)] = 8_064
    """Past values that are remembered; four weeks at five minutes."""
    min_points: Annotated[int, Field(ge=5)] = 30
    memory_s: Annotated[float, Field(gt=0, le=366 * 86_400)] | None = None
    """Values older than this are forgotten; None keeps the last ``window`` however old."""
    known_ratio: Annotated[float, Field(ge=0, le=1)] = 0.005
    """A value within this share of the range of the past ones is none that is new."""
    spacing_ratio: Annotated[float, Field(ge=0, le=100)] = 0.25
    """Nor within this many times the distance to the second neighbour that its nearest value has."""
    young_s: Annotated[float, Field(ge=0, le=366 * 86_400)] = 432_000
    """How long a memory is half as good as an endless one: what is new to a young one is new more often."""
    quiet_s: Annotated[float, Field(ge=60, le=30 * 86_400)] = 14_400
    """For so long only what is stranger than everything before is said."""
    alarms_s: Annotated[float, Field(ge=3_600, le=366 * 86_400)] = 2_419_200
    """For so long alarms raise the bar …"""
    repeat_ratio: Annotated[float, Field(ge=0, le=10)] = 0.05
    """… by this share for each 28th of that time in which there were any."""

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.min_points > self.window:
            raise ValueError(f"min_points must be at most window ({self.window}), got {self.min_points}")
        return self


class ValueNovelty(Detector):
    """Distance to the nearest past value, in units of what passes for the same and of how dense it is there.

        u = ripe × |v - near| / (threshold × bar × (1 + repeat_ratio × alarms))
        band = near ± the distance of u = 1
        bar = known_ratio × range + spacing_ratio × spacing,   ripe = age / (age + young_s)

    ``near`` is the nearest of the last ``window`` values, ``spacing`` its own distance to its second
    neighbour, ``range`` that of all but the outermost .1 % on either side, ``age`` the time since the oldest,
    ``alarms`` on how many of the 28 spans of the clock before, together ``alarms_s``, it was more than twice
    over the bar. What is not above all that was found within ``quiet_s`` is held below 1: a fault speaks when
    it begins and when it gets worse.

    Three reasons. Once a value has been there it is known, so an oscillation, a rare daily job and a lasting
    level are said once. The spacing where it would belong tells whether neighbours are to be expected: the
    next larger value of a long tail is no surprise, one between two modes or beyond a hard limit is. And a
    series that cries often has to cry louder, one that is hardly known too.

    Assumes that faults make values which healthy hours do not, and that the window holds most of what is
    healthy.

    Deaf to known values at the wrong time or in the wrong order (``novelty`` hears some of them), to the
    second fault like the first one within memory, to silence and flatlines, and to the first change of a
    constant: where range and spacing are 0 there is no unit and u is 0.

    On independent Gaussian noise .1 % of samples have u >= 1 with a memory of days and .04 % with a full
    one, .2 % and .1 % on Student's t with 3 degrees, none on uniform noise; ``tail_probability`` in the
    evidence is the bound .001 × u^-1.5. The bar is where it is for that one in a thousand.
    State: 24 bytes a value, 194 kB a series with the defaults; a step costs two searches and two moves of
    half a window: 4 µs.

    Source: the ratio to the neighbour's own distance is the nearest-neighbour data description (Tax and Duin,
    "Data description in subspaces", 2000), of which the local outlier factor (Breunig et al., 2000) is the
    averaged form. The share of the range beside it, age, alarms and quiet time are ours.

    >>> detector = ValueNovelty(ValueNoveltyParams(min_points=5, young_s=0))
    >>> detector.grow(1)
    >>> minute = 60 * SECOND * np.arange(8)
    >>> values = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 3.0, 9.0, 9.0])
    >>> scored = detector.fold(np.zeros(8, np.int32), minute, values)
    >>> scored.strangeness[5:].round(2).tolist(), scored.expected[5:].tolist()
    ([0.0, 7.69, 0.0], [3.0, 5.0, 9.0])
    """

    family: ClassVar[str] = "value_novelty"
    hears: ClassVar[Shape] = "novelty"
    baseline_by_count: ClassVar[bool] = True
    Params: ClassVar[type[DetectorParams]] = ValueNoveltyParams
    params: ValueNoveltyParams
    noise_ratio: ClassVar[float] = 1e-3
    """P(U >= 1) on independent Gaussian noise with a memory of days and a threshold of 1."""
    loud: ClassVar[float] = 2.0
    """Alarms this strange are counted: weaker ones come as often as chance has it."""
    least: ClassVar[float] = 0.2
    """No part takes more from the others than a strangeness of this."""

    def __init__(self, params: ValueNoveltyParams | None = None) -> None:
        super().__init__(params)
        self.warm_up_s = min(self.params.young_s, self.params.memory_s or self.params.young_s) / 5

    @property
    def memory_s(self) -> float | None:
        p = self.params
        if p.memory_s is None:
            return None
        # A level lies behind a value, that behind a missed time of day, that behind an alarm, and that behind
        # what is said; cells of the clock are kept whole, and a second look stays within one.
        alarms, quiet = p.alarms_s * (1 + 2 / ALARM_CELLS), p.quiet_s * (2 + 1 / QUIET_CELLS)
        return 2 * p.memory_s + 2 * alarms + quiet

    @property
    def window_seconds(self) -> float | None:
        return self.params.memory_s

    def false_alarm_ratio(self, sample_count: int) -> float:  # noqa: ARG002
        return self._tail(1.0)

    def _tail(self, u: float) -> float:
        return float(min(1.0, self.noise_ratio * (self.params.threshold * u) ** -_NOISE_FALL))

    def layout(self) -> dict[str, tuple[type[np.generic], tuple[int, ...]]]:
        w = self.params.window
        levels = w if self._level()[0] else 0
        return {
            "ring": (np.float64, (w,)),
            "times": (np.int64, (w,)),
            "ordered": (np.float64, (w,)),
            "filled": (np.int32, ()),
            "next": (np.int32, ()),
            "quiet_most": (np.float64, (QUIET_CELLS + 1,)),
            "quiet_stamp": (np.int64, (QUIET_CELLS + 1,)),
            "alarm_stamp": (np.int64, (ALARM_CELLS + 1,)),
            "day_stamp": (np.int64, (ALARM_CELLS + 1 if self._day()[0] else 0,)),
            "broken": (np.int64, ()),
            "level_ring": (np.float64, (levels,)),
            "ordered_levels": (np.float64, (levels,)),
            "levels_filled": (np.int32, ()),
            "looked_at": (np.int64, ()),
            "look_most": (np.float64, ()),
            "look_shares": (np.float64, ()),
            "look_share": (np.float64, ()),
            "waiting": (np.int32, ()),
        }

    def _level(self) -> tuple[int, float]:
        """Points of a level and its weight; 0: there is no such part."""
        return 0, 0.0

    def _day(self) -> tuple[int, int]:
        """Nanoseconds either side that are the same time of day, and days before that counts; 0: no part."""
        return 0, 0

    def _look(self) -> tuple[int, float]:
        """Values that may confirm one, and how many bars are worth it; 0: there is no such look."""
        return 0, 1.0

    def fold(self, codes: Codes, timestamps: Instants, values: Floats) -> Scored:
        return self.answer(codes, timestamps, values, Ticks.none()).scored

    def answer(self, codes: Codes, timestamps: Instants, values: Floats, ticks: Ticks) -> Answers:  # noqa: ARG002
        p, c, n = self.params, self._columns, len(codes)
        scored = Scored(np.empty(n), np.empty(n), np.empty(n), np.empty(n), np.empty(n, np.int32))
        notes: dict[str, npt.NDArray[Any]] = {
            "part": np.empty(n, np.int8),
            "level": np.empty(n),
            "alarms": np.empty(n, np.int32),
            "seen_at": np.empty(n, np.int64),
            "age": np.empty(n, np.int64),
            "company": np.empty(n),
            "began": np.empty(n, np.int64),
            "u": scored.strangeness,
        }
        fold(
            codes, timestamps, values,
            c["ring"], c["times"], c["ordered"], c["filled"], c["next"],
            c["quiet_most"], c["quiet_stamp"], c["alarm_stamp"], c["day_stamp"], c["broken"],
            c["level_ring"], c["ordered_levels"], c["levels_filled"],
            c["looked_at"], c["look_most"], c["look_shares"], c["look_share"], c["waiting"],
            p.threshold, p.min_points, int((p.memory_s or 0) * SECOND), p.known_ratio, p.spacing_ratio,
            int(p.young_s * SECOND), int(p.quiet_s * SECOND) // QUIET_CELLS,
            int(p.alarms_s * SECOND) // ALARM_CELLS, p.repeat_ratio, self.loud,
            *self._level(), self.least, *self._day(), *self._look(), *scored, notes["part"], notes["level"],
            notes["alarms"], notes["seen_at"], notes["age"], notes["company"], notes["began"],
        )  # fmt: skip
        return Answers(scored, notes)

    def baseline(self, sample_count: int, timestamp: int) -> str:  # noqa: ARG002
        return f"nearest of the previous {sample_count} values"

    def tell(self, notes: Notes, row: int, timestamp: int) -> dict[str, Any]:  # noqa: ARG002
        return {
            "strange": "new",
            "nearest_seen_at": format_instant(int(notes["seen_at"][row])),
            "remembers_s": int(notes["age"][row]) / SECOND,
            "alarms_lately": int(notes["alarms"][row]),
            "tail_probability": self._tail(float(notes["u"][row])),
        }
