"""Feature rows as columns: one service at one tick, a number per feature, and why a number is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from titleshot.detectors.block import F64, I8, I32, I64

PRESENT, NO_METRIC, NO_SAMPLES, NO_HISTORY, NOT_KNOWN, UNDEFINED = range(6)
MISSING = (
    "present",
    "no samples of such a metric for a day",
    "no samples in the window",
    "not enough history yet",
    "no reference row says so",
    "division by zero",
)
"""Why a feature is NaN, by its reason code. Nothing that is missing is ever 0."""


class Feature(NamedTuple):
    """One column of a feature row."""

    name: str
    unit: str
    low: float
    high: float
    """Range of what is present; a value outside is a fault of the stage, not of the data."""
    role: str | None
    """The metric it is made of; None: reference data or the calendar."""
    says: str


@dataclass(frozen=True)
class FeatureRows:
    """n rows in the order of (tick, service name); ``values`` and ``missing`` are (n, features)."""

    timestamps: I64
    services: I32
    """Place of the service in the stage's ``names``."""
    values: F64
    missing: I8

    def __len__(self) -> int:
        return len(self.timestamps)

    @classmethod
    def none(cls, features: int) -> FeatureRows:
        """No rows."""
        empty = np.empty((0, features))
        return cls(np.empty(0, np.int64), np.empty(0, np.int32), empty, empty.astype(np.int8))

    @classmethod
    def joined(cls, parts: Sequence[FeatureRows]) -> FeatureRows:
        """The rows of several, in the order given; at least one."""
        if len(parts) == 1:
            return parts[0]
        return cls(
            np.concatenate([part.timestamps for part in parts]),
            np.concatenate([part.services for part in parts]),
            np.concatenate([part.values for part in parts]),
            np.concatenate([part.missing for part in parts]),
        )

    def take(self, rows: NDArray[np.bool_] | I64) -> FeatureRows:
        """The rows named by an index or a mask, in that order."""
        return FeatureRows(self.timestamps[rows], self.services[rows], self.values[rows], self.missing[rows])
