"""NAB's rules row by row, as one would write them down first: slow and obvious."""

from __future__ import annotations

import math


def sigma(x: float) -> float:
    return -1.0 if x > 3.0 else 2.0 / (1.0 + math.exp(5.0 * x)) - 1.0


def row_values(
    times: list[int], windows: list[tuple[int, int]], tp: float, fp: float
) -> tuple[list[float], list[int], int]:
    """What a detection of each row is worth, its window (-1: none), and the first row that counts."""
    edges = sorted((times.index(first), times.index(last)) for first, last in windows)
    values, inside = [], []
    for row in range(len(times)):
        begun = [number for number, (left, _) in enumerate(edges) if left <= row]
        if not begun:
            values.append(-fp)
            inside.append(-1)
            continue
        left, right = edges[begun[-1]]
        width = float(right - left + 1)
        if row <= right:
            values.append(sigma(-(right - row + 1) / width) * tp / sigma(-1.0))
            inside.append(begun[-1])
        else:
            values.append(sigma((row - right) / (width - 1)) * fp)
            inside.append(-1)
    return values, inside, math.floor(min(math.floor(0.15 * len(times)), 750.0))


def raw_score(
    times: list[int],
    scores: list[float],
    windows: list[tuple[int, int]],
    weights: tuple[float, float, float],
    threshold: float,
) -> float:
    """The raw score of one file at one threshold; ``weights`` are tp, fp, fn."""
    tp, fp, fn = weights
    values, inside, start = row_values(times, windows, tp, fp)
    total, best = 0.0, [-fn] * len(windows)
    for row in range(start, len(times)):
        if scores[row] >= threshold:
            if inside[row] < 0:
                total += values[row]
            else:
                best[inside[row]] = max(best[inside[row]], values[row])
    return total + sum(best)
