"""How samples came: repeats, steps back in time, cadence and gaps."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.instants import SECOND

_SAME_CADENCE_RATIO = 0.01
_GAP_CADENCES = 1.5


@dataclass(frozen=True)
class ArrivalReport:
    """Counts over samples in the order they stood in their source."""

    rows: int
    series: int
    non_finite: int
    duplicates: int
    """Rows whose series and timestamp had come before."""
    out_of_order: int
    """Rows earlier than the row before them of the same series."""
    cadence_s: float | None
    """Seconds between samples that at least half of the series share; None where there is no such."""
    series_by_cadence_s: dict[str, int]
    gaps: int
    """Steps of more than 1.5 times the cadence of their series."""
    missing_samples: int
    """Samples that would have filled the gaps."""
    longest_gap_s: float


def arrival_report(
    codes: NDArray[np.int32], timestamps: NDArray[np.int64], values: NDArray[np.float64]
) -> ArrivalReport:
    """Count what a reader of these samples should know.

    Args:
        codes: int32[n], series.
        timestamps: int64[n], nanoseconds UTC.
        values: float64[n].
    """
    # The 16-bit stable sort is a radix sort, ten times faster than the general one.
    narrow = codes.astype(np.uint16) if len(codes) and codes.max() < 1 << 16 else codes
    order = np.argsort(narrow, kind="stable")
    code, time = codes[order], timestamps[order]
    same = code[1:] == code[:-1]
    back = int(np.count_nonzero(same & (time[1:] < time[:-1])))
    if back:
        order = np.lexsort((timestamps, codes))
        time = timestamps[order]
    step = time[1:] - time[:-1]
    forward = same & (step > 0)
    ends = np.flatnonzero(np.append(~same, True)) + 1
    starts = np.concatenate([[0], ends[:-1]])
    cadences, gaps, missing, longest = [], 0, 0, 0
    for start, end in zip(starts, ends, strict=True):
        steps = step[start : end - 1][forward[start : end - 1]]
        if not len(steps):
            continue
        cadence = float(np.median(steps))
        cadences.append(cadence)
        wide = steps[steps > _GAP_CADENCES * cadence]
        gaps += len(wide)
        missing += int(np.sum(np.rint(wide / cadence) - 1))
        longest = max(longest, int(wide.max(initial=0)))
    return ArrivalReport(
        rows=len(codes),
        series=len(ends) if len(codes) else 0,
        non_finite=int(np.count_nonzero(~np.isfinite(values))),
        duplicates=int(np.count_nonzero(same & (step == 0))),
        out_of_order=back,
        cadence_s=_shared(cadences),
        series_by_cadence_s={
            f"{cadence / SECOND:g}": n
            for cadence, n in sorted(Counter(cadences).items(), key=lambda kv: -kv[1])
        },
        gaps=gaps,
        missing_samples=missing,
        longest_gap_s=longest / SECOND,
    )


def _shared(cadences: list[float]) -> float | None:
    if not cadences:
        return None
    usual, _ = max(Counter(cadences).items(), key=lambda kv: (kv[1], -kv[0]))
    near = sum(abs(cadence - usual) <= _SAME_CADENCE_RATIO * usual for cadence in cadences)
    return usual / SECOND if 2 * near >= len(cadences) else None
