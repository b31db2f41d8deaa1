"""Curves of planted faults as small drawings: share found by size, a line and a band for each contender."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from titleshot.datasets.contracts.sensitivity import SensitivityCurve, SizeAt
from titleshot.reports.rendering.wording import duration, name, number

_TOP, _TALL = 8, 112
"""Pixels above the hundred percent line, and from there to the zero line."""
COLOURS = 6
"""How many contenders have a colour of their own."""


@dataclass(frozen=True)
class Dot:
    """A share as found: percent from the left, pixels from the top, and what a reader sees on pointing."""

    x: float
    y: float
    title: str


@dataclass(frozen=True)
class Line:
    """One contender: ``path`` and ``band`` in a square of 1000 by 1000.

    ``half`` is the interval of the size at which half are found: percent from the left, and its height in
    pixels.
    """

    colour: int
    path: str
    band: str
    dots: tuple[Dot, ...]
    half: tuple[float, float, float] | None


@dataclass(frozen=True)
class Panel:
    """One drawing; ``across`` are (percent from the left, size, n)."""

    title: str
    footing: str
    lines: tuple[Line, ...]
    across: tuple[tuple[float, str, str], ...]
    words: str


def panel(title: str, curves: Sequence[SensitivityCurve], names: Sequence[str]) -> Panel:
    """Curves of the same faults under several contenders, whose names are ``names``.

    Sizes stand evenly, as they were planted; the line is the rising fit, dots are shares as found.
    """
    sizes = [point.size for point in curves[0].points]
    places = [100 * (at + 0.5) / len(sizes) for at in range(len(sizes))]
    n = [point.n for point in curves[0].points]
    return Panel(
        title=name(title, 64),
        footing=f"{sum(n):,} faults",
        lines=tuple(
            _line(curve, name(who, 48), colour, places)
            for colour, (curve, who) in enumerate(zip(curves, names, strict=True))
        ),
        across=tuple(
            (round(x, 2), f"{size:g}", f"{count:,}") for x, size, count in zip(places, sizes, n, strict=True)
        ),
        words="; ".join(_words(curve, who) for curve, who in zip(curves, names, strict=True)),
    )


def size_words(at: SizeAt, curve: SensitivityCurve) -> str:
    """A size as a reader reads it, with its interval where it has one.

    >>> from titleshot.datasets.contracts.sensitivity import SensitivityPoint
    >>> point = SensitivityPoint(size=4, n=9, found=0, masked=0, share=0, low=0, high=0.3, fitted=0)
    >>> curve = SensitivityCurve(
    ...     unit="sample",
    ...     n=9,
    ...     found=0,
    ...     masked=0,
    ...     points=(point,),
    ...     half=SizeAt(share=0.5),
    ...     most=SizeAt(share=0.9),
    ... )
    >>> size_words(curve.half, curve)
    'above 4 samples'
    """
    unit = f" {curve.unit}s"
    if at.size is None:
        last = curve.points[-1]
        side = ("above", last.size) if last.fitted < at.share else ("below", curve.points[0].size)
        return f"{side[0]} {side[1]:g}{unit}"
    low = "?" if at.low is None else number(at.low)
    high = "?" if at.high is None else number(at.high)
    open_ended = at.low is None and at.high is None
    return f"{number(at.size)}{unit}" + ("" if open_ended else f" ({low} to {high})")


def _line(curve: SensitivityCurve, who: str, colour: int, places: Sequence[float]) -> Line:
    points = curve.points
    upper = [f"{10 * x:.0f} {1000 * (1 - p.high):.0f}" for x, p in zip(places, points, strict=True)]
    lower = [f"{10 * x:.0f} {1000 * (1 - p.low):.0f}" for x, p in zip(places, points, strict=True)]
    fitted = [f"{10 * x:.0f} {1000 * (1 - p.fitted):.0f}" for x, p in zip(places, points, strict=True)]
    return Line(
        colour=colour % COLOURS,
        path=f"M{'L'.join(fitted)}",
        band=f"M{'L'.join([*upper, *reversed(lower)])}Z",
        dots=tuple(
            Dot(
                round(x, 2),
                round(_TOP + _TALL * (1 - p.share), 1),
                f"{who}, size {p.size:g}: {p.found} of {p.n} found, {p.masked} masked"
                + ("" if p.delay_s is None else f", half within {duration(p.delay_s)}"),
            )
            for x, p in zip(places, points, strict=True)
        ),
        half=_half(curve, colour, places),
    )


def _half(curve: SensitivityCurve, colour: int, places: Sequence[float]) -> tuple[float, float, float] | None:
    at = curve.half
    if at.size is None or (at.low is None and at.high is None):
        return None
    left = 0.0 if at.low is None else _place(at.low, curve, places)
    right = 100.0 if at.high is None else _place(at.high, curve, places)
    return left, right, _TOP + _TALL / 2 + 3 * colour


def _place(size: float, curve: SensitivityCurve, places: Sequence[float]) -> float:
    """Percent from the left of a size between the planted ones, on its logarithm."""
    sizes = [point.size for point in curve.points]
    above = next((at for at, other in enumerate(sizes) if other >= size), len(sizes) - 1)
    if above == 0 or sizes[above] == size:
        return round(places[above], 2)
    below = above - 1
    part = math.log(size / sizes[below]) / math.log(sizes[above] / sizes[below])
    return round(places[below] + part * (places[above] - places[below]), 2)


def _words(curve: SensitivityCurve, who: str) -> str:
    shares = ", ".join(f"size {point.size:g}: {point.found} of {point.n}" for point in curve.points)
    return f"{name(who, 48)} found {shares}"
