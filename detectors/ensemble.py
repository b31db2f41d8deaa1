"""Ensemble: several detectors of one series, and how many of them must agree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, field_validator, model_validator

from titleshot.datasets.errors import TitleshotError
from titleshot.detectors.answers import Answers, Notes, Ticks
from titleshot.detectors.detector import (
    LARGEST_VALUE,
    Arrays,
    Codes,
    Detector,
    DetectorParams,
    Floats,
    Instants,
    Scored,
)
from titleshot.detectors.state import under

_USUAL = (
    {"family": "robust_mad", "memory_s": 604_800.0},
    {"family": "time_of_day", "min_points": 24},
)


class EnsembleParams(DetectorParams):
    """Who belongs to it, and how many of them make an event."""

    members: Annotated[tuple[dict[str, Any], ...], Field(min_length=2, max_length=8)] = _USUAL
    """Each a family with its parameters, as in a recipe; families that look at values and need no fit."""
    needed: Annotated[int, Field(ge=1, le=8)] = 1
    """Members that must find a sample strange: 1 takes the strangest, as many as there are the mildest."""

    @field_validator("members")
    @classmethod
    def _written_out(cls, given: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
        return tuple(
            {"family": one.family, **one.params.model_dump(mode="json")} for one in map(_member, given)
        )

    @model_validator(mode="after")
    def _enough(self) -> Self:
        if self.needed > len(self.members):
            raise ValueError(f"needed must be at most the {len(self.members)} members, got {self.needed}")
        return self


class Ensemble(Detector):
    """The strangeness that at least ``needed`` of the members find in a sample.

        u = the ``needed``-th largest of the members' u

    Every member scores every sample; u is in units of its own threshold, so that 1 means the same for all.
    A member that cannot score a sample yet is no vote; with fewer votes than ``needed`` it is unscored.
    Expectation, bounds and sample count are those of the member whose u decides, the first of several; the
    evidence names every member with its u and expectation, and who carried the decision.

    Assumes members that err on different samples: then asking for two of three leaves out what only one takes
    for strange. Two members that look at the same thing are one with a louder voice.

    Deaf to what fewer than ``needed`` members hear. With ``needed`` 1 it errs wherever any of them does.

    On independent noise at most the sum of the members' false alarms over ``needed`` are its own, however
    much they hang together (Markov's inequality). Cost: that of its members together.

    Source: k-out-of-n voting, as in Kuncheva, "Combining Pattern Classifiers", 2004, here on order statistics
    of u.

    >>> detector = Ensemble(EnsembleParams(members=({"family": "robust_mad", "min_points": 3},
    ...     {"family": "rolling_z_score", "min_points": 3}), needed=2))
    >>> detector.grow(1)
    >>> minute = 60_000_000_000 * np.arange(5)
    >>> answers = detector.answer(np.zeros(5, np.int32), minute, np.array([1.0, 2, 1, 2, 9]), Ticks.none())
    >>> answers.scored.strangeness.round(2).tolist()
    [nan, nan, nan, 0.0, 3.37]
    >>> detector.tell(answers.notes, 4, 0)["driven_by"].partition("@")[0]
    'robust_mad'
    """

    family: ClassVar[str] = "ensemble"
    Params = EnsembleParams
    params: EnsembleParams

    def __init__(self, params: EnsembleParams | None = None) -> None:
        super().__init__(params)
        self._members = [_member(one) for one in self.params.members]
        self.warm_up_s = max(one.warm_up_s for one in self._members)

    @property
    def memory_s(self) -> float | None:
        spans = [one.memory_s for one in self._members]
        return None if None in spans else max(span for span in spans if span is not None)

    def false_alarm_ratio(self, sample_count: int) -> float:
        each = sum(one.false_alarm_ratio(sample_count) for one in self._members)
        return min(1.0, each / self.params.needed)

    def layout(self) -> dict[str, tuple[type[np.generic], tuple[int, ...]]]:
        return {"broken": (np.int64, ())}

    def grow(self, n: int) -> None:
        super().grow(n)
        for one in self._members:
            one.grow(n)

    def fold(self, codes: Codes, timestamps: Instants, values: Floats) -> Scored:
        return self.answer(codes, timestamps, values, Ticks.none()).scored

    def answer(self, codes: Codes, timestamps: Instants, values: Floats, ticks: Ticks) -> Answers:  # noqa: ARG002
        said = [one.fold(codes, timestamps, values) for one in self._members]
        np.add.at(self._columns["broken"], codes[~(np.abs(values) <= LARGEST_VALUE)], 1)
        u = np.stack([one.strangeness for one in said], axis=1)
        # Whoever cannot say comes last; among equals the first in order.
        order = np.argsort(np.where(np.isnan(u), np.inf, -u), axis=1, kind="stable")
        driver = order[:, self.params.needed - 1]
        rows = np.arange(len(codes))
        expected = np.stack([one.expected for one in said], axis=1)
        scored = Scored(
            u[rows, driver],
            expected[rows, driver],
            np.stack([one.lower for one in said], axis=1)[rows, driver],
            np.stack([one.upper for one in said], axis=1)[rows, driver],
            np.stack([one.sample_count for one in said], axis=1)[rows, driver],
        )
        return Answers(scored, {"u": u, "expected": expected, "driver": driver})

    def tell(self, notes: Notes, row: int, timestamp: int) -> dict[str, Any]:  # noqa: ARG002
        votes = zip(self._members, notes["u"][row].tolist(), notes["expected"][row].tolist(), strict=True)
        return {
            "driven_by": self._members[int(notes["driver"][row])].name,
            "needed": self.params.needed,
            "members": [
                {"detector": one.name, "strange": u >= 1, "strangeness": round(u, 3), "expected": expected}
                if u == u
                else {"detector": one.name, "strange": None, "why": "cannot score it yet"}
                for one, u, expected in votes
            ],
        }

    def baseline(self, sample_count: int, timestamp: int) -> str:  # noqa: ARG002
        names = ", ".join(one.family for one in self._members)
        return f"{self.params.needed} of {len(self._members)} must agree: {names}; {sample_count} samples"

    def state(self) -> Arrays:
        found = super().state()
        for place, one in enumerate(self._members):
            found |= {f"{place}.{name}": array for name, array in one.state().items()}
        return found

    def load(self, arrays: Mapping[str, npt.NDArray[np.generic]]) -> None:
        super().load({name: array for name, array in arrays.items() if "." not in name})
        for place, one in enumerate(self._members):
            one.load(under(f"{place}.", arrays))


def _member(spec: Mapping[str, Any]) -> Detector:
    # The registry knows this family too, so it can only be asked once both are there.
    from titleshot.detectors.families import make_detector

    given = dict(spec)
    name = str(given.pop("family", ""))
    if not name:
        raise ValueError("a member names its family, as in {family: robust_mad}")
    try:
        made = make_detector(name, given, where="member")
    except TitleshotError as error:
        raise ValueError(str(error)) from None
    fault = (
        "is an ensemble itself"
        if name == Ensemble.family
        else "must be fitted"
        if made.needs_fit
        else "is lab grade"
        if made.grade == "lab"
        else f"listens for {made.hears}, not for values"
        if made.hears != "level"
        else None
    )
    if fault:
        raise ValueError(f"member {name} {fault}; members look at values and learn as they go")
    return made
