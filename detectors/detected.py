"""What the first half of a contender hands to the second: events, marks, dead letters, dense scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from titleshot.detectors.block import F64, I8, I32, I64, Payload
from titleshot.detectors.events import Events
from titleshot.detectors.order import Dead


class Scores(NamedTuple):
    """Dense scores: one row a released sample; ``strangeness`` is NaN where unscored."""

    codes: I32
    timestamps: I64
    strangeness: F64

    @classmethod
    def joined(cls, parts: Sequence[Scores]) -> Scores:
        """The rows of several, in the order given."""
        return cls(
            np.concatenate([np.empty(0, np.int32), *(part.codes for part in parts)]),
            np.concatenate([np.empty(0, np.int64), *(part.timestamps for part in parts)]),
            np.concatenate([np.empty(0), *(part.strangeness for part in parts)]),
        )


@dataclass(frozen=True)
class Marks:
    """Ticks and reference rows in release order, for the second half."""

    timestamps: I64
    kinds: I8
    clocks: I64
    payloads: tuple[Payload | None, ...]


@dataclass(frozen=True)
class Detected:
    """What one push made of a block."""

    events: Events
    marks: Marks
    dead: Dead
    scores: Scores | None

    @classmethod
    def joined(cls, parts: Sequence[Detected]) -> Detected:
        """What several pushes made, in the order given."""
        marks = [part.marks for part in parts]
        scores = [part.scores for part in parts if part.scores is not None]
        return cls(
            Events.joined([part.events for part in parts]),
            Marks(
                np.concatenate([mark.timestamps for mark in marks]),
                np.concatenate([mark.kinds for mark in marks]),
                np.concatenate([mark.clocks for mark in marks]),
                tuple(payload for mark in marks for payload in mark.payloads),
            ),
            Dead.joined([part.dead for part in parts]),
            Scores.joined(scores) if scores else None,
        )
