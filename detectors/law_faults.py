"""Faults that the laws plant into healthy noise: one for everything a detector may listen for."""

from __future__ import annotations

import math

import numpy as np

from titleshot.datasets.contracts.instants import MINUTE
from titleshot.detectors.detector import Shape
from titleshot.detectors.law_parts import Part
from titleshot.detectors.law_streams import LEVEL, START, Stream

POINTS = 2_000
"""Samples of a series in a healthy stream; the second half is where it must be quiet."""
SHAPES: tuple[Shape, ...] = ("level", "silence", "stuck", "drift", "novelty")
_SIZE = 12.0
"""Deviations."""
_LENGTH: dict[Shape, int] = {"level": 15, "silence": 15, "stuck": 15, "drift": 250, "novelty": 15}
"""Samples."""
WORDS: dict[Shape, str] = {
    "level": "15 samples 12 deviations off",
    "silence": "silence for 15 samples",
    "stuck": "15 samples that stand still",
    "drift": "a drift of 12 deviations over 250 samples",
    "novelty": "15 samples 12 deviations from all before",
}


def spacing(part: Part) -> int:
    """Whole minutes between samples, so that a quarter of a healthy stream warms the part up."""
    return spacing_of(part.warm_up_s)


def spacing_of(warm_up_s: float) -> int:
    """As :func:`spacing`, of a part with that warm-up."""
    return max(1, math.ceil(4 * warm_up_s / (POINTS * 60)))


def faults(
    stream: Stream, shape: Shape, minutes: int, grade: int = 1
) -> tuple[Stream, list[tuple[int, int]]]:
    """A healthy stream with two faults in every series, and their half-open spans.

    Args:
        minutes: distance of its samples.
        grade: how many times as long, or for the others as large; the spans are those of 1.
    """
    b = stream.block
    values, gone = b.values.copy(), np.zeros(len(stream), np.bool_)
    spans = []
    for share, sign in ((0.6, 1.0), (0.85, -1.0)):
        start = START + int(POINTS * share) * minutes * MINUTE
        length = _LENGTH[shape] * minutes * MINUTE
        lasting = length * grade if shape in ("silence", "stuck") else length
        within = stream.is_sample & (b.timestamps >= start) & (b.timestamps < start + lasting)
        if shape == "silence":
            gone |= within
        elif shape == "stuck":
            values[within] = LEVEL + sign * b.codes[within]
        else:
            grown = (b.timestamps[within] - start) / length if shape == "drift" else 1.0
            values[within] += sign * _SIZE * grade * grown
        spans.append((start, start + length))
    return stream.valued(values).rows(np.flatnonzero(~gone)), spans
