"""The share of planted faults found by size: intervals, a rising curve, and where it crosses a share.

The curve is fitted by pooling adjacent sizes that would make it fall (isotonic regression, weighted by n;
Ayer et al. 1955, Annals of Mathematical Statistics 26). A size is read off between the two sizes it lies
between, on the logarithm of size. Its interval is read off the same way from the upper and lower ends of the
shares' intervals, made to rise likewise: it is wide where n is small, and open where the planted sizes end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from titleshot.datasets.contracts.planted import PlantedKind, Unit
from titleshot.datasets.contracts.sensitivity import (
    FaultOutcome,
    SensitivityCurve,
    SensitivityPoint,
    SizeAt,
)
from titleshot.reports.proportions import wilson

HALF, MOST = 0.5, 0.9


def curve_of(
    outcomes: Sequence[FaultOutcome],
    unit: Unit,
    confidence: float,
    *,
    service: str | None = None,
    metric_name: str | None = None,
    kind: PlantedKind | None = None,
) -> SensitivityCurve:
    """The curve of these outcomes, of which there must be one at least."""
    sizes = sorted({outcome.size for outcome in outcomes})
    groups = [[outcome for outcome in outcomes if outcome.size == size] for size in sizes]
    n = [len(group) for group in groups]
    found = [sum(outcome.outcome == "found" for outcome in group) for group in groups]
    shares = [have / of for have, of in zip(found, n, strict=True)]
    limits = [wilson(have, of, confidence) for have, of in zip(found, n, strict=True)]
    fitted = rising(shares, n)
    low, high = (rising([limit[end] for limit in limits], n) for end in (0, 1))
    delays = [outcome.delay_s for outcome in outcomes if outcome.delay_s is not None]
    return SensitivityCurve(
        service=service,
        metric_name=metric_name,
        kind=kind,
        unit=unit,
        n=len(outcomes),
        found=sum(found),
        masked=_masked(outcomes),
        points=tuple(
            SensitivityPoint(
                size=size,
                n=len(group),
                found=have,
                masked=_masked(group),
                share=share,
                low=limit[0],
                high=limit[1],
                fitted=fit,
                delay_s=_median_delay(group),
            )
            for size, group, have, share, limit, fit in zip(
                sizes, groups, found, shares, limits, fitted, strict=True
            )
        ),
        half=size_at(HALF, sizes, fitted, low, high),
        most=size_at(MOST, sizes, fitted, low, high),
        delay_found_s=float(np.median(delays)) if delays else None,
    )


def rising(values: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The nearest values that never fall, by weighted least squares: pool adjacent violators.

    >>> rising([0.0, 0.6, 0.4, 1.0], [1, 1, 1, 1])
    [0.0, 0.5, 0.5, 1.0]
    """
    blocks: list[tuple[float, float, int]] = []
    for value, weight in zip(values, weights, strict=True):
        blocks.append((float(value), float(weight), 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (last, its_weight, its_count), (before, weight_before, count_before) = blocks.pop(), blocks.pop()
            total = its_weight + weight_before
            mean = (last * its_weight + before * weight_before) / total
            blocks.append((mean, total, its_count + count_before))
    return [value for value, _, count in blocks for _ in range(count)]


def size_at(
    share: float,
    sizes: Sequence[float],
    fitted: Sequence[float],
    low: Sequence[float],
    high: Sequence[float],
) -> SizeAt:
    """Where a rising curve reaches a share; ends of the interval where its limits do.

    >>> at = size_at(0.5, [1, 2, 4], [0.0, 0.25, 0.75], [0.0, 0.1, 0.6], [0.3, 0.5, 0.9])
    >>> at.low, round(at.size, 2), round(at.high, 2)
    (2.0, 2.83, 3.48)
    """
    size = _reached(share, sizes, fitted)
    reason = None
    if size is None:
        if fitted[-1] < share:
            reason = f"of the largest planted, {sizes[-1]:g}, {_percent(fitted[-1])} were found"
        else:
            reason = f"of the smallest planted, {sizes[0]:g}, {_percent(fitted[0])} were found already"
    return SizeAt(
        share=share,
        size=size,
        low=_reached(share, sizes, high),
        high=_reached(share, sizes, low),
        reason=reason,
    )


def _reached(share: float, sizes: Sequence[float], curve: Sequence[float]) -> float | None:
    """The size at which a rising curve reaches the share; None where it is above from the start, or never."""
    if curve[-1] < share or curve[0] > share:
        return None
    at = next(index for index, value in enumerate(curve) if value >= share)
    if at == 0 or curve[at] == share:
        return float(sizes[at])
    part = (share - curve[at - 1]) / (curve[at] - curve[at - 1])
    return math.exp((1 - part) * math.log(sizes[at - 1]) + part * math.log(sizes[at]))


def _median_delay(group: Sequence[FaultOutcome]) -> float | None:
    delays = [math.inf if outcome.delay_s is None else outcome.delay_s for outcome in group]
    middle = float(np.median(delays))
    return middle if math.isfinite(middle) else None


def _masked(outcomes: Sequence[FaultOutcome]) -> int:
    return sum(outcome.outcome == "masked" for outcome in outcomes)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
