"""How often calibrated tail probabilities are passed while nothing is wrong, for every family that has one.

The first half of a synthetic platform is there to learn from, the second is held out. Of that, only what
is healthy counts: no incident of the service from an hour before to two hours after, no maintenance and no
planned change of it within the hour before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.instants import HOUR
from titleshot.datasets.contracts.reference import Maintenance, PlannedChange
from titleshot.datasets.dataset import Dataset
from titleshot.detectors.families import FAMILIES, make_detector
from titleshot.detectors.recipe import Recipe, RowSelector
from titleshot.detectors.row_families import ROW_FAMILIES, row_detector_of
from titleshot.detectors.tail_calibration import TailCalibration, TailParams
from titleshot.pipelines.row_history import feature_rows, history

LEVELS = (0.05, 0.01, 0.001)
MEMORY_S = 28 * 86_400
_BEFORE, _AFTER = HOUR, 2 * HOUR
_PARAMS = {
    "robust_mad": {"window": 288, "spread_floor_ratio": 0.02},
    "time_of_day": {"min_points": 24, "spread_floor_ratio": 0.05},
}
"""As shipped contenders have them, which is other than the defaults."""


class Exceedance(NamedTuple):
    """Share of healthy held-out scores at or below each of ``LEVELS``, over the level; 1 is exact.

    ``n`` scores had a probability, ``nothing`` is the share of them with no strangeness at all: a family that
    mostly says nothing cannot pass a level more often than it speaks.
    """

    n: int
    nothing: float
    ratios: tuple[float, ...]


@dataclass(frozen=True)
class _Scores:
    """What one family said: codes count series or services, named by the service of each code."""

    codes: NDArray[np.int32]
    timestamps: NDArray[np.int64]
    strangeness: NDArray[np.float64]
    services: NDArray[np.str_]


def with_tails() -> list[str]:
    """Families whose scores have a tail probability."""
    return sorted([name for name, family in FAMILIES.items() if family.has_tail] + list(ROW_FAMILIES))


def exceedance(data: Dataset, families: Iterable[str] | None = None) -> dict[str, Exceedance]:
    """Measure families on a platform whose labels are complete; all of them by default."""
    samples = _samples(data)
    first, last = int(samples[1][0]), int(samples[1][-1])
    middle = first + (last - first) // 2
    found = {}
    for name in families or with_tails():
        said = _rows(data, name, middle) if name in ROW_FAMILIES else _series(data, name, samples, middle)
        tails = TailCalibration(TailParams(memory_s=MEMORY_S), knows_faults=name in ROW_FAMILIES)
        tails.grow(len(said.services))
        rare = tails.fold(said.codes, said.timestamps, said.strangeness, from_u=0.0).probability
        counted = (said.timestamps >= middle) & ~_unwell(data, said) & ~np.isnan(rare)
        rare = rare[counted]
        ratios = tuple(float(np.mean(rare <= level)) / level for level in LEVELS)
        found[name] = Exceedance(len(rare), float(np.mean(said.strangeness[counted] < 2**-6)), ratios)
    return found


def pooled(parts: Sequence[Exceedance]) -> Exceedance:
    """Several platforms as one.

    >>> pooled([Exceedance(100, 0.5, (1.0,)), Exceedance(300, 0.1, (2.0,))])
    Exceedance(n=400, nothing=0.2, ratios=(1.75,))
    """
    n = sum(part.n for part in parts)
    nothing = sum(part.n * part.nothing for part in parts) / n
    columns = zip(*(part.ratios for part in parts), strict=True)
    shares = [part.n / n for part in parts]
    ratios = tuple(sum(s * r for s, r in zip(shares, column, strict=True)) for column in columns)
    return Exceedance(n, nothing, ratios)


def _samples(data: Dataset) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.float64]]:
    """Samples in the order of time, the first of those that came twice."""
    blocks = list(data.blocks())
    codes = np.concatenate([block.codes for block in blocks]).astype(np.int32)
    times = np.concatenate([block.timestamps for block in blocks])
    values = np.concatenate([block.values for block in blocks])
    order = np.lexsort((codes, times))
    codes, times, values = codes[order], times[order], values[order]
    fresh = np.ones(len(codes), np.bool_)
    fresh[1:] = (codes[1:] != codes[:-1]) | (times[1:] != times[:-1])
    return codes[fresh], times[fresh], values[fresh]


def _series(
    data: Dataset,
    name: str,
    samples: tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.float64]],
    middle: int,
) -> _Scores:
    codes, times, values = samples
    keys = data.series()
    detector = make_detector(name, _PARAMS.get(name))
    detector.grow(len(keys))
    if detector.needs_fit:
        past = times < middle
        detector.use(detector.fit(keys, codes[past], times[past], values[past]), keys)
    services = np.array([f"{key.namespace}/{key.service}" for key in keys])
    return _Scores(codes, times, detector.fold(codes, times, values).strangeness, services)


def _rows(data: Dataset, name: str, middle: int) -> _Scores:
    recipe = Recipe(name="tails", rows=(RowSelector(detector={"family": name}),))
    detector = row_detector_of(recipe.rows[0].detector)
    detector.use(detector.fit(history(data, recipe, middle)))
    rows, names = feature_rows(data, recipe)
    strangeness = detector.score(rows).strangeness
    return _Scores(rows.services.astype(np.int32), rows.timestamps, strangeness, np.array(names))


def _unwell(data: Dataset, said: _Scores) -> NDArray[np.bool_]:
    spans = [
        (service, label.start - _BEFORE, label.end + _AFTER)
        for label in data.labels().incidents
        for service in {label.root_service, *label.affected_services}
    ]
    spans += [
        (row.service, row.valid_from, row.valid_to + HOUR)
        for row in data.reference()
        if isinstance(row, Maintenance | PlannedChange) and row.valid_to is not None
    ]
    places = {service: np.flatnonzero(said.services == service) for service, _, _ in spans}
    out = np.zeros(len(said.codes), np.bool_)
    for service, start, end in spans:
        low, high = np.searchsorted(said.timestamps, (start, end))
        out[low:high] |= np.isin(said.codes[low:high], places[service])
    return out
