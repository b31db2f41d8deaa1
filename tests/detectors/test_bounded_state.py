"""What is kept of a series does not grow with its age.

``lab`` is left out: it bounds what it keeps itself, but not what the user's class does.
"""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from titleshot.datasets.contracts.instants import DAY, MINUTE
from titleshot.detectors.answers import Ticks
from titleshot.detectors.families import FAMILIES
from titleshot.detectors.law_streams import START, history, plain_keys
from titleshot.detectors.rolling_z_score import RollingZScore

STEP = 15 * MINUTE
SLACK = 200
"""Bytes by which the same numbers, larger, may be written longer."""


def held(detector):
    """Bytes of everything an object reaches, lists and objects of its own too. Only a measure: no state."""
    return len(pickle.dumps(vars(detector)))


def written(detector):
    return {name: array.nbytes for name, array in detector.state().items()}


def watch(detector, first, last):
    """Days of noise with spikes, gaps and broken values, a tick each time."""
    moments = np.arange(START + first * DAY, START + last * DAY, STEP)
    n = len(moments)
    values = 10 + np.random.default_rng(first).normal(size=n)
    values[::40] += 20
    values[5::50] = np.nan
    came = np.arange(n) % 60 < 55
    ticks = Ticks(np.cumsum(came), moments, STEP)
    detector.answer(np.zeros(came.sum(), np.int32), moments[came], values[came], ticks)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_month_of_a_series_leaves_as_much_as_a_day(name):
    keys = plain_keys()[:1]
    detector = FAMILIES[name]()
    detector.grow(1)
    if detector.needs_fit:
        detector.use(detector.fit(keys, *history(keys, weeks=3)), keys)
    watch(detector, 0, 1)
    held_then, written_then = held(detector), written(detector)
    watch(detector, 1, 30)
    assert written(detector) == written_then
    assert abs(held(detector) - held_then) < SLACK


class Hoarder(RollingZScore):
    """Keeps every value it ever saw."""

    def fold(self, codes, timestamps, values):
        self.__dict__.setdefault("hoard", []).extend(values.tolist())
        return super().fold(codes, timestamps, values)


def test_one_that_keeps_every_value_would_be_noticed():
    detector = Hoarder()
    detector.grow(1)
    watch(detector, 0, 1)
    before = held(detector)
    watch(detector, 1, 30)
    assert held(detector) - before > 10 * SLACK
