"""The first few rows that break each rule of single rows, so that a count can be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.instants import format_instant
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.validation import profile_kernel as kernel

MOST = 100
"""Rows kept a rule."""

RULES = {
    kernel.NAN: "non_finite",
    kernel.INFINITE: "non_finite",
    kernel.OUT_OF_RANGE: "out_of_range",
    kernel.REPEATED: "repeated",
    kernel.DISORDERED: "disordered",
}


@dataclass(frozen=True)
class Violations:
    """One row a violation, at most ``MOST`` of each kind, in the order met.

    Columns: ``rule`` (object), ``series`` (code), ``timestamp`` (ns UTC), ``value``, ``source_row``.
    """

    keys: Sequence[SeriesKey]
    columns: dict[str, NDArray[Any]]

    def examples(self, rule: str, most: int) -> tuple[str, ...]:
        """Up to ``most`` rows of a rule, in words."""
        return tuple(self.words(int(at)) for at in np.flatnonzero(self.columns["rule"] == rule)[:most])

    def words(self, row: int) -> str:
        value, timestamp = self.columns["value"][row], int(self.columns["timestamp"][row])
        name = series_words(self.keys[int(self.columns["series"][row])])
        at = format_instant(timestamp)
        return f"{name} at {at} = {value:.6g} (source row {int(self.columns['source_row'][row])})"


def violations_of(
    keys: Sequence[SeriesKey],
    examples: NDArray[np.int64],
    values: NDArray[np.float64],
    kept: NDArray[np.int64],
) -> Violations:
    """The table from what the kernel kept: ``examples[kind, at] = (series, timestamp, source row)``."""
    kinds = [kind for kind in RULES for _ in range(int(kept[kind]))]
    places = [at for kind in RULES for at in range(int(kept[kind]))]
    found = examples[kinds, places] if kinds else np.empty((0, 3), np.int64)
    return Violations(
        keys,
        {
            "rule": np.array([RULES[kind] for kind in kinds], dtype=object),
            "series": found[:, 0],
            "timestamp": found[:, 1],
            "value": values[kinds, places] if kinds else np.empty(0),
            "source_row": found[:, 2],
        },
    )


def series_words(key: SeriesKey) -> str:
    """A series as a reader would name it.

    >>> series_words(SeriesKey("commerce", "checkout-api", "latency_p99"))
    'commerce/checkout-api latency_p99'
    """
    labels = "" if key.series_labels == "{}" else f" {key.series_labels}"
    return f"{key.service_id} {key.metric_name}{labels}"
