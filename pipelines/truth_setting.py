"""What the truth checks simulate, and the seeds they draw with."""

from __future__ import annotations

import numpy as np

from titleshot.reports.scores.registered import SCORES
from titleshot.reports.simulated_pairs import Side, World, true_scores
from titleshot.reports.statistics import Resampling

PAIRS = 2_000
RESAMPLES = 2_000
SEEDS = 20
"""Different draws of days; a draw is used again by every twentieth pair."""

WORLD = World()
CHAMPION = Side()
CHALLENGER = Side(recall=0.80, delay_s=200.0, duplicates=0.25, false_per_day=0.7)
DEFINITIONS = {score.name: score for score in SCORES if score.name in true_scores(CHAMPION, WORLD)}

_DRAWS: dict[tuple[int, int], Resampling] = {}


def resampling_of(days: int, number: int) -> Resampling:
    """The draws of days of a pair."""
    key = days, number % SEEDS
    if key not in _DRAWS:
        _DRAWS[key] = Resampling(days, RESAMPLES, key[1])
    return _DRAWS[key]


def random_of(seed: int, days: int, number: int) -> np.random.Generator:
    """The generator of a pair."""
    return np.random.default_rng([seed, days, number])
