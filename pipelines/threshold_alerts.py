"""What a contender's detectors would have alerted at other thresholds, from the dense scores of its log.

Dense scores are u in units of the threshold, so a threshold times c is ``u / c >= 1``. Order, clock, world
and alert policy are the engine's own classes; only the detectors are replaced by what they said. At c = 1
the alerts must be those of the log's events.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import IntegrityError
from titleshot.datasets.replay_log import ReplayLog
from titleshot.detectors.alert_policy import ALERTED, AlertPolicy
from titleshot.detectors.block import REFERENCE, SAMPLE
from titleshot.detectors.order import Released, ReleaseOrder
from titleshot.detectors.recipe import Recipe
from titleshot.detectors.series import SeriesIndex
from titleshot.detectors.world import World
from titleshot.pipelines.dense_scores import DenseScores
from titleshot.pipelines.outcome import Progress
from titleshot.pipelines.stream import ArrivalStream
from titleshot.pipelines.threshold_watches import Watch, watches_of
from titleshot.reports.thresholds.alert_pages import Alerts

_BLOCK_ROWS = 262_144
_TIE = 1e-12
"""Relative distance at which u counts as equal to a threshold: rounding of u / (1 + u) and back is less."""
_MOST_APART = 1e-4
"""Share of a log's alerts that ties with ``clear_ratio`` may change through that rounding."""


@dataclass
class Rescored:
    """Alerts by watch and factor, and how many dense scores they come from."""

    watches: list[Watch]
    alerts: list[dict[float, Alerts]]
    samples: int = 0
    notes: list[str] = field(default_factory=list)


def rescore(
    log: ReplayLog, data: Dataset, recipe: Recipe, factors: Sequence[float], progress: Progress
) -> Rescored:
    """The alerts of every detector at each factor of its threshold; memory is that of a block and the alerts.

    Detectors whose scores are not apart have none.

    Raises:
        UsageError: the log has no dense scores.
        MalformedInput: the scores are cut off.
        IntegrityError: they are not scores of this dataset's samples, or at factor 1 not of the log's events.
    """
    series = SeriesIndex(data.series())
    watches = watches_of(recipe, series.keys)
    of_series = np.full(len(series), -1, np.int32)
    for number, watch in enumerate(watches):
        if watch.apart:
            of_series[watch.codes] = number
    policies = [{factor: AlertPolicy(watch.alert) for factor in factors} for watch in watches]
    for policy in (policy for by_factor in policies for policy in by_factor.values()):
        policy.grow(len(series))
    found: list[dict[float, list[Alerts]]] = [{factor: [] for factor in factors} for _ in watches]
    samples = 0
    total = int(log.about["rows"].get("scores", 0))
    for codes, timestamps, clocks, u, maintained, flushed in _scored(log, data, recipe, series, min(factors)):
        routes = of_series[codes]
        for number in range(len(watches)):
            mine = np.flatnonzero(routes == number)
            given = codes[mine], timestamps[mine]
            for factor in factors:
                said = policies[number][factor].fold(*given, scaled(u[mine], factor), maintained[mine])
                hits = mine[said == ALERTED]
                # What only the end of a replay let go pages nobody.
                if len(hits) and not flushed:
                    found[number][factor].append(Alerts(codes[hits], timestamps[hits], clocks[hits]))
        samples += len(codes)
        progress("reading dense scores", samples, total)
    alerts = [{factor: Alerts.joined(parts) for factor, parts in of.items()} for of in found]
    rescored = Rescored(watches, alerts, samples)
    if 1.0 in factors:
        rescored.notes += _compared(log, series, rescored)
    return rescored


def scaled(u: NDArray[np.float64], factor: float) -> NDArray[np.float64]:
    """Strangeness in units of a threshold ``factor`` times as high; what ties with it is strange.

    >>> scaled(np.array([0.5, 1.2, 3.0]), 1.2).tolist()
    [0.4166666666666667, 1.0, 2.5]
    """
    if factor == 1:
        return u
    units = u / factor
    units[np.abs(units - 1) <= _TIE] = 1.0
    return units


_Rows = tuple[
    NDArray[np.int32],
    NDArray[np.int64],
    NDArray[np.int64],
    NDArray[np.float64],
    NDArray[np.bool_],
    bool,
]


def _scored(
    log: ReplayLog, data: Dataset, recipe: Recipe, series: SeriesIndex, least: float
) -> Iterator[_Rows]:
    """Released samples with their dense scores: codes, timestamps, clocks, u, maintenance, flushed."""
    dense, world = DenseScores(log), World()
    order = ReleaseOrder(round(recipe.lateness_s * SECOND), round(recipe.skew_s * SECOND))
    codes = np.arange(len(series), dtype=np.int32)
    stream = ArrivalStream(data, codes, recipe.tick, *span_of(log, data))
    for block in stream.blocks(_BLOCK_ROWS):
        released, _ = order.push(block, series.ranks)
        yield (*_with_scores(released, dense, world, series, least), False)
    released, _ = order.flush(series.ranks)
    yield (*_with_scores(released, dense, world, series, least), True)
    dense.check_end()


def span_of(log: ReplayLog, data: Dataset) -> tuple[int | None, int | None]:
    """``from_`` and ``to`` as the replay of a log was given them."""
    from titleshot.reports.thresholds.spans import covered

    card = data.card
    start, end = covered(log, card.span_from, card.span_to)
    return (None if start == card.span_from else start), (None if end == card.span_to else end)


def _with_scores(
    released: Released, dense: DenseScores, world: World, series: SeriesIndex, least: float
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
    rows = released.rows
    samples = np.flatnonzero(rows.kinds == SAMPLE)
    codes, timestamps = rows.codes[samples], rows.timestamps[samples]
    u = dense.next(codes, timestamps)
    maintained = np.zeros(len(codes), np.bool_)
    strange = np.flatnonzero(u >= least * (1 - _TIE))
    references = np.flatnonzero(rows.kinds == REFERENCE)
    # A reference row holds for the samples after it.
    edges = np.searchsorted(samples[strange], references)
    for start, stop, reference in zip(
        [0, *edges.tolist()], [*edges.tolist(), len(strange)], [*references.tolist(), None], strict=True
    ):
        if world.knows("maintenance"):
            for i in strange[start:stop].tolist():
                maintained[i] = world.in_maintenance(series.services[codes[i]], int(timestamps[i]))
        if reference is not None:
            world.apply(released.payloads[int(rows.sequence[reference])])  # type: ignore[arg-type]
    return codes, timestamps, released.clocks[samples], u, maintained


def _compared(log: ReplayLog, series: SeriesIndex, rescored: Rescored) -> list[str]:
    """Notes on how the alerts at the present thresholds differ from the log's; IntegrityError if they do."""
    mixed = {watch.name for watch in rescored.watches if not watch.apart}
    own = [at for at, watch in enumerate(rescored.watches) if watch.name not in mixed]
    names = pa.array([rescored.watches[at].name for at in own], pa.string())
    alerts = Alerts.joined([rescored.alerts[at][1.0] for at in own])
    events = log.table("events")
    said = pc.and_(pc.equal(events["policy"], "alerted"), pc.invert(events["flushed"]))
    events = events.filter(pc.and_(said, pc.is_in(events["detector"], names)))
    code_of = {key: code for code, key in enumerate(series.keys)}
    identity = [events[name].to_pylist() for name in ("namespace", "service", "metric_name", "series_labels")]
    theirs = {
        (code_of.get(SeriesKey(*key), -1), at, clock)
        for *key, at, clock in zip(
            *identity,
            *(events[name].cast(pa.int64()).to_pylist() for name in ("timestamp", "emitted_at")),
            strict=True,
        )
    }
    ours = set(zip(alerts.codes.tolist(), alerts.timestamps.tolist(), alerts.paged_at.tolist(), strict=True))
    apart = len(ours ^ theirs)
    if apart > _MOST_APART * len(theirs):
        raise IntegrityError(
            f"{log.path}: its dense scores make {len(ours):,} alerts at the present thresholds, its events"
            f" hold {len(theirs):,} and {apart:,} are not the same; replay again with --scores"
        )
    if not apart:
        return []
    return [f"{apart} of {len(theirs):,} alerts differ from the log's, where u ties with clear_ratio"]
