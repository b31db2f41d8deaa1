"""Effects: what a fault or a change does to the signals of one service over a span.

An effect says how far it pushes each signal at its height, and a shape says how it gets there. Pushes of
overlapping effects add up. All of them act on the model of the service, before rounding and dirt.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.instants import MINUTE, SECOND
from titleshot.datasets.synthetic.streams import stream

Floats = NDArray[np.float64]
Shape = Literal["plateau", "spike", "blip", "ramp", "late_ramp", "burst"]

_PARTS = 6  # a sample is the mean over its window; this many points stand for the window
_BURST_ON = 0.45


@dataclass(frozen=True)
class Effect:
    """Pushes on one service within [start, end) (ns).

    ``load``, ``latency`` and ``queue`` are added to the logarithm of the signal, ``cpu`` takes the share
    1 − e^−cpu of the idle processor, ``errors`` is added to the probability that a request fails.
    ``stuck``: the service hangs, serves nothing and its gauges stand still. ``silent``: no samples at all.
    """

    service: str
    start: int
    end: int
    shape: Shape = "plateau"
    load: float = 0.0
    cpu: float = 0.0
    latency: float = 0.0
    errors: float = 0.0
    queue: float = 0.0
    stuck: bool = False
    silent: bool = False
    seed: int = 0
    """Of the on-off pattern of a burst."""


@dataclass(frozen=True)
class Pushes:
    """Sums of all effects on one service, each of shape [samples]."""

    load: Floats
    cpu: Floats
    latency: Floats
    errors: Floats
    queue: Floats
    stuck: NDArray[np.bool_]
    silent: NDArray[np.bool_]


def height(effect: Effect, instants: NDArray[np.int64]) -> Floats:
    """How much of the effect is there at each instant (ns), 0 to 1; 0 outside its span.

    >>> effect = Effect("shop/cart", 0, 3600 * SECOND, "ramp")
    >>> height(effect, np.array([-1, 1800, 3600]) * SECOND).tolist()
    [0.0, 0.5, 0.0]
    """
    since = (instants - effect.start) / SECOND
    length = (effect.end - effect.start) / SECOND
    inside = (since >= 0) & (since < length)
    if effect.shape == "plateau":
        rise, fall = min(180.0, length / 4), min(120.0, length / 6)
        shape = np.minimum(np.clip(since / rise, 0, 1), np.clip((length - since) / fall, 0, 1))
    elif effect.shape == "spike":
        rise = min(120.0, length / 4)
        shape = np.minimum(since / rise, np.exp(-np.maximum(since - rise, 0) / (length / 2)))
    elif effect.shape == "blip":
        shape = np.exp(-np.maximum(since, 0) / (length / 3))
    elif effect.shape == "ramp":
        shape = since / length
    elif effect.shape == "late_ramp":
        shape = np.clip(since / length, 0, 1) ** 3
    else:
        shape = _burst(effect)[np.clip((instants - effect.start) // (5 * MINUTE), 0, None) % 4096]
    return np.where(inside, shape, 0.0)


def _burst(effect: Effect) -> Floats:
    on = stream(effect.seed, "burst", effect.service, effect.start).random(4096) < _BURST_ON
    on[0] = True
    return on.astype(np.float64)


def mean_height(effect: Effect, times: NDArray[np.int64], cadence: int) -> Floats:
    """Height of an effect averaged over the window (t − cadence, t] that each sample stands for; ns."""
    within = (np.arange(_PARTS, dtype=np.int64) * 2 + 1) * cadence // (2 * _PARTS)
    return np.asarray(height(effect, times[:, None] - within).mean(axis=1))


def add_up(effects: Iterable[Effect], start: int, cadence: int, samples: int) -> Pushes:
    """Effects on one service, averaged over the window (t − cadence, t] of each sample.

    ``start`` (ns) is the time of sample 0, ``cadence`` in ns.
    """
    sums = {name: np.zeros(samples) for name in ("load", "cpu", "latency", "errors", "queue")}
    stuck, silent = np.zeros(samples, dtype=bool), np.zeros(samples, dtype=bool)
    for effect in effects:
        first = max((effect.start - start) // cadence + 1, 0)
        last = min(-(-(effect.end - start) // cadence) + 1, samples)
        if first >= last:
            continue
        times = start + np.arange(first, last, dtype=np.int64) * cadence
        share = mean_height(effect, times, cadence)
        for name, total in sums.items():
            if push := getattr(effect, name):
                total[first:last] += push * share
        here = (times >= effect.start) & (times < effect.end)
        if effect.stuck:
            stuck[first:last] |= here
        if effect.silent:
            silent[first:last] |= here
    return Pushes(**sums, stuck=stuck, silent=silent)
