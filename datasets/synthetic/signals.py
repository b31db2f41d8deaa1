"""Five metrics of a service from one small model of it: load, processor, waiting, failures.

    load      = weekly rhythm · growth · day · demand shared by all · demand of its own
    requests  = its usual rate · load
    cpu       = idle + slope · load                     at most 1, plus what effects take
    latency   = base · (1 + 0.35 · cpu / (1 − cpu)) · noise
    queue     = usual · √load · cpu / (1 − cpu) · noise  mean over the window
    errors    = Poisson(requests · p) / requests         p drifts slowly

Noise is log-normal (positive skew) and autocorrelated with correlation times of minutes to hours, with rare
single outliers on top: a crawler, a pause of the collector. Each deploy shifts latency and processor for good
by a few percent. So the signals have cycles, ramps, level shifts and tails that no incident explains.

Values are rounded as exporters round, which also makes them equal on processors whose exp and log differ in
the last bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.instants import DAY, HOUR, MINUTE, WEEK
from titleshot.datasets.synthetic.effects import Effect, Pushes, add_up
from titleshot.datasets.synthetic.estate import Estate, Role, Service
from titleshot.datasets.synthetic.load import MIX, rhythms
from titleshot.datasets.synthetic.streams import stream

Floats = NDArray[np.float64]

METRICS: Final = ("latency_p99", "error_ratio", "requests_per_second", "cpu_ratio", "queue_depth")
"""s, ratio, 1/s, ratio, count."""
LATENCY, ERRORS, REQUESTS, CPU, QUEUE = range(5)
DECIMALS = (4, 6, 2, 4, 1)
_AT_ONCE = 64
"""Services whose noise is in memory together."""

# correlation time and spread (of the logarithm) of each slow noise
_SLOW: Final = {
    "load": (40 * MINUTE, 0.05),
    "cpu": (15 * MINUTE, 0.05),
    "latency": (20 * MINUTE, 0.06),
    "queue": (15 * MINUTE, 0.22),
    "errors": (2 * HOUR, 0.35),
}
_FAST: Final = {"load": 0.03, "cpu": 0.03, "latency": 0.05, "queue": 0.15}
_SHARED = (6 * HOUR, 0.04)
# requests per second, latency in s, queue length, error probability: middle of the role
_USUAL: Final[dict[Role, tuple[float, float, float, float]]] = {
    "gateway": (220.0, 0.35, 30.0, 8e-4),
    "api": (60.0, 0.22, 20.0, 1e-3),
    "worker": (9.0, 0.9, 120.0, 3e-3),
    "auth": (150.0, 0.06, 15.0, 4e-4),
    "database": (400.0, 0.03, 40.0, 1e-4),
    "cache": (900.0, 0.004, 8.0, 5e-5),
}


@dataclass(frozen=True)
class Profile:
    """What a service is like when nothing is wrong."""

    requests_per_second: float
    latency_s: float
    queue: float
    errors: float
    idle: float
    peak: float
    """Processor share at the busiest hour of a usual week."""
    noise: float
    """Factor on all noise of the service."""


@dataclass(frozen=True)
class Signals:
    """Clean telemetry of one service: ``values`` float64[samples, 5] in the order of ``METRICS``."""

    service: Service
    times: NDArray[np.int64]
    values: Floats
    silent: NDArray[np.bool_]
    """Windows in which the service sent nothing."""


def profile_of(seed: int, service: Service) -> Profile:
    """The same for a service whatever else is in the estate."""
    rng = stream(seed, "profile", service.id)
    rate, latency, queue, errors = _USUAL[service.role]
    return Profile(
        requests_per_second=rate * np.exp(rng.normal(0, 0.5)),
        latency_s=latency * np.exp(rng.normal(0, 0.35)),
        queue=queue * np.exp(rng.normal(0, 0.3)),
        errors=errors * np.exp(rng.normal(0, 0.4)),
        idle=rng.uniform(0.03, 0.1),
        peak=rng.uniform(0.5, 0.72),
        noise=rng.uniform(0.8, 1.3),
    )


def signals(
    seed: int,
    estate: Estate,
    days: int,
    cadence: int,
    effects: Mapping[str, Sequence[Effect]],
    deploys: Mapping[str, Sequence[int]],
) -> Iterator[Signals]:
    """Telemetry of every service; ``cadence`` in ns, ``effects`` and deploy times (ns) by service id.

    Noise does not depend on effects: the same call without effects gives what would have been.
    """
    samples = days * DAY // cadence
    times = estate.start + np.arange(samples, dtype=np.int64) * cadence
    weekly = rhythms(times, estate.start)
    busiest = rhythms(estate.start + np.arange(0, WEEK, 5 * MINUTE), estate.start)
    shared = _daily(stream(seed, "days"), times, estate.start, 0.05)
    shared += _slow([stream(seed, "noise", "shared")], samples, cadence, [_SHARED])[0]
    shared += 0.01 * (times - estate.start) / WEEK
    for at in range(0, len(estate.services), _AT_ONCE):
        group = estate.services[at : at + _AT_ONCE]
        rngs = [stream(seed, "noise", service.id, name) for service in group for name in _SLOW]
        noise = _slow(rngs, samples, cadence, list(_SLOW.values()) * len(group))
        for service, slow in zip(group, noise.reshape(len(group), len(_SLOW), samples), strict=True):
            mix = np.asarray(MIX[service.role])
            demand = np.log(mix @ weekly) + shared
            demand += _daily(stream(seed, "days", service.id), times, estate.start, 0.02)
            pushes = add_up(effects.get(service.id, ()), estate.start, cadence, samples)
            levels = _levels(seed, service, np.asarray(deploys.get(service.id, ()), dtype=np.int64), times)
            values = _values(
                seed, service, demand, float((mix @ busiest).max()), slow, pushes, levels, cadence
            )
            yield Signals(service, times, values, pushes.silent)


def _values(
    seed: int,
    service: Service,
    demand: Floats,
    busiest: float,
    slow: Floats,
    pushes: Pushes,
    levels: Floats,
    cadence: int,
) -> Floats:
    usual, samples = profile_of(seed, service), len(demand)
    noise = dict(zip(_SLOW, slow * usual.noise, strict=True))
    for name, spread in _FAST.items():
        rng = stream(seed, "noise", service.id, name, "fast")
        noise[name] += rng.standard_normal(samples) * (spread * usual.noise)
    noise["load"] += _outliers(stream(seed, "outliers", service.id, "load"), samples, 0.0004, 0.3)
    noise["latency"] += _outliers(stream(seed, "outliers", service.id, "latency"), samples, 0.0015, 0.35)
    healthy = np.exp(demand + noise["load"])
    load = healthy * np.exp(pushes.load)
    rate = usual.requests_per_second * load
    slope = (usual.peak - usual.idle) / busiest
    busy = np.clip((usual.idle + slope * load) * np.exp(noise["cpu"] + levels[0]), 0.01, 0.95)
    busy = np.minimum(1 - (1 - busy) * np.exp(-pushes.cpu), 0.985)
    wait = busy / (1 - busy)
    latency = usual.latency_s * (1 + 0.35 * wait) * np.exp(noise["latency"] + levels[1] + pushes.latency)
    queue = usual.queue * np.sqrt(load) * wait * np.exp(noise["queue"] + pushes.queue)
    seconds = cadence / 10**9
    usually = usual.requests_per_second * healthy * seconds
    failed = stream(seed, "errors", service.id).poisson(usually * usual.errors * np.exp(noise["errors"]))
    errors = failed / usually
    # Effects add failures drawn apart and sample by sample, so that one effect moves no other's noise.
    chance = stream(seed, "errors", service.id, "added").standard_normal(samples)
    more = rate * seconds * np.minimum(pushes.errors, 0.9)
    more = np.maximum(np.rint(more + np.sqrt(more) * chance), 0.0)
    errors += more / np.maximum(rate * seconds, 1.0)
    values = np.stack([latency, np.minimum(errors, 1.0), rate, busy, queue], axis=1)
    _hang(values, pushes.stuck)
    for column, decimals in enumerate(DECIMALS):
        values[:, column] = np.round(values[:, column], decimals)
    return values


def _hang(values: Floats, stuck: NDArray[np.bool_]) -> None:
    """Gauges keep their last value, nothing is served, and no requests make no error ratio."""
    if not stuck.any():
        return
    last = np.maximum.accumulate(np.where(stuck, 0, np.arange(len(stuck))))
    for column in (LATENCY, CPU, QUEUE):
        values[:, column] = values[last, column]
    values[stuck, REQUESTS] = 0.0
    values[stuck, ERRORS] = np.nan


def _slow(
    rngs: list[np.random.Generator], samples: int, cadence: int, kinds: list[tuple[int, float]]
) -> Floats:
    """First-order autoregressive noise, one row per generator; spreads are of the whole process."""
    memory = np.exp([-cadence / correlation for correlation, _ in kinds])
    spread = np.asarray([spread for _, spread in kinds])
    rows = np.stack([rng.standard_normal(samples) for rng in rngs], axis=1)
    rows[1:] *= np.sqrt(1 - memory**2)
    before = rows[0]
    kept = np.empty_like(before)
    for row in rows[1:]:
        np.multiply(before, memory, out=kept)
        np.add(row, kept, out=row)
        before = row
    rows *= spread
    return np.ascontiguousarray(rows.T)


def _daily(rng: np.random.Generator, times: NDArray[np.int64], start: int, spread: float) -> Floats:
    """Good days and bad days, joined by straight lines from midnight to midnight."""
    day = (times - start) / DAY
    knots = rng.standard_normal(int(day[-1]) + 2) * spread
    return np.asarray(np.interp(day, np.arange(len(knots)), knots))


def _levels(seed: int, service: Service, deploys: NDArray[np.int64], times: NDArray[np.int64]) -> Floats:
    """Shifts of processor and latency (of the logarithm) that each version brings, shape [2, samples]."""
    shifts = stream(seed, "levels", service.id).standard_normal((len(deploys) + 1, 2)) * 0.025
    return shifts[np.searchsorted(deploys, times, side="right")].T


def _outliers(rng: np.random.Generator, samples: int, share: float, mean: float) -> Floats:
    """Exponential pushes (of the logarithm) on that share of single samples."""
    chosen, size = rng.random((samples, 2)).T
    return np.where(chosen < share, -mean * np.log1p(-size), 0.0)
