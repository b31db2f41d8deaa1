"""How often Page's cumulative sum takes noise for a change. Served, so without SciPy."""

from __future__ import annotations

import math

import numpy as np


def false_changes(allowance: float, threshold: float, n: int) -> float:
    """At most so many false changes begin per block and side on Gaussian noise, with n blocks known.

    Siegmund's approximation averaged over the errors of a median and a MAD of 1.5 n blocks: of half as many
    again, because a third of them changes from slot to slot. What is measured is 2 to 6 times less.
    """
    n = max(round(1.5 * n), 3)
    quantiles = (np.arange(64) + 0.5) / 64
    normal = np.array([_normal_quantile(q) for q in quantiles])
    degrees = 0.3675 * n
    # Wilson and Hilferty's cube makes a chi-square of a Gaussian.
    spread = np.maximum(1 - 2 / (9 * degrees) + normal * math.sqrt(2 / (9 * degrees)), 0.05) ** 1.5
    shift = normal * math.sqrt(math.pi / (2 * n))
    a = allowance * spread[:, None] - shift[None, :]
    b = threshold * spread[:, None] + 1.166
    x = 2 * a * b
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        run = np.where(np.abs(x) < 1e-6, b * b, (np.exp(np.minimum(x, 700)) - 1 - x) / (2 * a * a))
    return float(np.mean(1 / np.maximum(run, 1.0)))


def _normal_quantile(q: float) -> float:
    """Of the standard Gaussian, by bisection of the error function."""
    low, high = -9.0, 9.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if 0.5 * math.erfc(-middle / math.sqrt(2)) < q else (low, middle)
    return (low + high) / 2
