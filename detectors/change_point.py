"""Change point: how long and how far a series stays away from the same time of day, slow leaks included."""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from titleshot.datasets.contracts.instants import SECOND, format_instant
from titleshot.detectors.answers import Answers, Notes, Ticks
from titleshot.detectors.change_point_kernels import fold
from titleshot.detectors.detector import (
    LARGEST_VALUE,
    BandParams,
    Codes,
    Detector,
    Floats,
    Instants,
    Scored,
    Shape,
)
from titleshot.detectors.page_tails import false_changes

_DAY_S = 86_400
_POINTS = 12
"""Samples of a block that make its median, the first of each twelfth of it."""
_LASTING = 2.5
"""Blocks for which a false change is held for one."""
_SLOPE_SHARE = 0.6
"""A rise by this share of the change itself, from its first to its last block, is a slope and no step."""


class ChangePointParams(BandParams):
    """``threshold`` is the sum, in spreads, from which on a change is strange."""

    threshold: Annotated[float, Field(gt=0, le=1e6)] = 5.0
    allowance: Annotated[float, Field(gt=0, le=100)] = 2.0
    """Spreads a block may be off without adding to the sum."""
    block_s: Annotated[int, Field(ge=300, le=_DAY_S // 4)] = 1800
    """Seconds of a block; must divide a day into whole blocks, and itself by 12."""
    days: Annotated[int, Field(ge=2, le=35)] = 7
    """How many days back the same time of day reaches."""
    min_days: Annotated[int, Field(ge=1, le=35)] = 3
    """Days of which the same time of day must be known."""
    span: Annotated[int, Field(ge=4, le=200)] = 48
    """The most recent blocks a change may lie in."""
    limit: Annotated[float, Field(ge=-LARGEST_VALUE, le=LARGEST_VALUE)] | None = None
    """In the metric's unit: what must not be reached; the evidence then says in how many hours it will be."""

    @model_validator(mode="after")
    def _divides(self) -> Self:
        if _DAY_S % self.block_s or self.block_s % _POINTS:
            raise ValueError(f"block_s must divide a day and be a multiple of {_POINTS}, got {self.block_s}")
        if self.min_days > self.days:
            raise ValueError(f"min_days must be at most days ({self.days}), got {self.min_days}")
        return self

    @property
    def slots(self) -> int:
        """Blocks of a day."""
        return _DAY_S // self.block_s


class ChangePoint(Detector):
    """A cumulative sum of how far blocks of time lie from the same time of day.

        z = (block's median - median of the same slot of the day) / spread
        S = max(0, S + |z| - allowance) upwards, likewise downwards,      u = S / threshold
        spread = max(1.4826 × MAD, spread_floor, spread_floor_ratio × |median|)

    over the last ``days`` days. The MAD is that of the slot and its two neighbours, each block's distance
    from the middle one of its own slot, that one left out. Where the same slots a week ago are known too, z
    is the smaller distance of the two, 0 where they disagree on the side: a Saturday is held against
    Saturdays. S is summed afresh over the last ``span`` blocks whenever a block is complete, and starts at 0
    after two blocks in a row within the allowance, so a change that is over is over. Every sample scores the
    S of the blocks completed before it, until then or until the days have taken the new level for usual.
    Beyond allowance + threshold / 2 |z| is bent to stay below allowance + threshold, so that two blocks are
    the least that can be a change.

    The evidence says since when, by how much, how fast (Theil and Sen's slope over the blocks of the
    change), whether that is a ``slope`` or a ``step``, and in how many hours a slope reaches ``limit``. The
    sample's own value is not what is strange; expected and bounds are those of its time of day, the bounds
    ``allowance`` spreads wide.

    Assumes that days resemble each other or those of the week before, and blocks long enough to forget one
    another: noise that stays away for hours is a change to it.

    Deaf to whatever is over within two blocks, to a leak that grows by less than the allowance within the
    days it is held against, and to the first ``min_days`` days. It takes a steady level of load above that of
    last week, a campaign say, for what it is: a change.

    On independent Gaussian noise a false change begins on each side at most every ARL blocks,

        ARL = (exp(2 a b) - 1 - 2 a b) / (2 a²),   a = allowance - error,   b = threshold + 1.166

    in units of a spread that is uncertain itself, averaged over both errors. With the defaults every 28,000
    blocks and side, measured every 80,000 (2 years of a series on both sides). Blocks of real noise are not
    independent: choose ``threshold`` on history without incidents.

    Source: Page, "Continuous inspection schemes", 1954; the approximation of ARL after Siegmund, "Sequential
    Analysis", 1985; the window after Lai, "Sequential changepoint detection in quality control", 1995. The
    time of day as its reference is ours.

    >>> detector = ChangePoint(ChangePointParams(min_days=2))
    >>> detector.grow(1)
    >>> minutes = 5 * np.arange(5 * 288)
    >>> values = 10 + np.sin(minutes * 1.7) + np.where(minutes >= 4 * 1440, (minutes - 4 * 1440) / 120, 0)
    >>> answers = detector.answer(np.zeros(1440, np.int32), 60 * SECOND * minutes, values, Ticks.none())
    >>> first = int(np.flatnonzero(answers.scored.strangeness >= 1)[0])
    >>> told = detector.tell(answers.notes, first + 60, int(minutes[first + 60]) * 60 * SECOND)
    >>> told["change"], told["direction"], round(told["slope_per_hour"], 1)
    ('slope', 'high', 0.5)
    """

    family: ClassVar[str] = "change_point"
    hears: ClassVar[Shape] = "drift"
    has_tail: ClassVar[bool] = False
    Params = ChangePointParams
    params: ChangePointParams

    def __init__(self, params: ChangePointParams | None = None) -> None:
        super().__init__(params)
        self.warm_up_s = (self.params.min_days + 1) * _DAY_S

    @property
    def memory_s(self) -> float | None:
        p = self.params
        # The blocks of the sum, the days each was held against, and the blocks around their edges.
        return p.span * p.block_s + (max(p.days, 7) + 1) * _DAY_S + 3 * p.block_s

    @property
    def window_seconds(self) -> float | None:
        return self.params.span * self.params.block_s

    def false_alarm_ratio(self, sample_count: int) -> float:  # noqa: ARG002
        """Of blocks, and so of samples: how often a false change begins times how long it lasts."""
        p = self.params
        per_block = false_changes(p.allowance, p.threshold, 3 * p.days)
        return min(1.0, (1 if p.sign else 2) * per_block * _LASTING)

    def layout(self) -> dict[str, tuple[type[np.generic], tuple[int, ...]]]:
        p = self.params
        room = max(p.days, 7) + 1
        return {
            "medians": (np.float64, (p.slots, room)),
            "days": (np.int32, (p.slots, room)),
            "points": (np.float64, (_POINTS,)),
            "held": (np.int32, ()),
            "cell": (np.int64, ()),
            "block": (np.int64, ()),
            "away": (np.float64, (p.span,)),
            "z": (np.float64, (p.span,)),
            "at": (np.int64, (p.span,)),
            "usual": (np.float64, ()),
            "spread": (np.float64, ()),
            "week_ago": (np.float64, ()),
            "near_by": (np.int32, ()),
            "sum": (np.float64, ()),
            "since": (np.int64, ()),
            "change": (np.float64, ()),
            "slope": (np.float64, ()),
            "blocks": (np.int32, ()),
            "broken": (np.int64, ()),
        }

    def fold(self, codes: Codes, timestamps: Instants, values: Floats) -> Scored:
        return self.answer(codes, timestamps, values, Ticks.none()).scored

    def answer(self, codes: Codes, timestamps: Instants, values: Floats, ticks: Ticks) -> Answers:  # noqa: ARG002
        p, c, n = self.params, self._columns, len(codes)
        scored = Scored(np.empty(n), np.empty(n), np.empty(n), np.empty(n), np.empty(n, np.int32))
        notes: dict[str, npt.NDArray[Any]] = {
            "sum": np.empty(n),
            "since": np.empty(n, np.int64),
            "change": np.empty(n),
            "slope": np.empty(n),
            "blocks": np.empty(n, np.int32),
            "level": np.empty(n),
        }
        past = (c[name] for name in self._layout if name != "broken")
        fold(
            codes, timestamps, values, *past, c["broken"],
            p.block_s * SECOND, p.days, p.min_days, p.allowance, p.threshold,
            p.spread_floor, p.spread_floor_ratio, p.sign, *scored, *notes.values(),
        )  # fmt: skip
        return Answers(scored, notes)

    def baseline(self, sample_count: int, timestamp: int) -> str:
        minute = timestamp // (60 * SECOND) % 1440
        about = f"about {minute // 60:02d}:{minute % 60:02d} UTC"
        return f"{sample_count} blocks {about}, {self.params.days} days back"

    def tell(self, notes: Notes, row: int, timestamp: int) -> dict[str, Any]:  # noqa: ARG002
        change, slope = float(notes["change"][row]), float(notes["slope"][row])
        hours = (int(notes["blocks"][row]) - 1) * self.params.block_s / 3600
        sloping = hours * slope * math.copysign(1, change) >= _SLOPE_SHARE * abs(change)
        told = {
            "strange": "drift",
            "direction": "high" if notes["sum"][row] > 0 else "low",
            "change": "slope" if sloping and notes["blocks"][row] >= 4 else "step",
            "change_since": format_instant(int(notes["since"][row])),
            "change_by": change,
            "slope_per_hour": slope,
        }
        limit, level = self.params.limit, float(notes["level"][row])
        if limit is not None and told["change"] == "slope" and (limit - level) * slope > 0:
            told["hours_to_limit"] = (limit - level) / slope
        return told
