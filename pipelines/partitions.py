"""Replay in parts: detectors by series, in processes or on a cluster; what comes out does not depend on it.

Every part reads the whole stream, so that all have the same clock, and scores its own series. The second
half of the contender then sees all events in the order one process would have said them, or, where that is
asked for, each correlation domain its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import Unreachable, UsageError
from titleshot.detectors.block import SAMPLE
from titleshot.detectors.contender import Contender, Engine, Output
from titleshot.detectors.correlation_domains import Domains
from titleshot.detectors.detected import Detected, Marks, Scores
from titleshot.detectors.detection import Detection
from titleshot.detectors.order import Dead, sort_keys
from titleshot.detectors.series import SeriesIndex
from titleshot.pipelines.domain_parts import correlate_in_domains
from titleshot.pipelines.stream import ArrivalStream

_PATIENCE_S = 10


class Part(NamedTuple):
    """What one part said: before the flush, at the flush, its counts and clock, and the series it knew."""

    streamed: Detected
    flushed: Detected
    counts: Counter[str]
    clock: int
    keys: list[SeriesKey]
    of_rows: dict[str, Any] | None
    of_rules: tuple[dict[str, Any], ...] = ()


def detect_in_parts(
    data: Dataset,
    engine: Engine,
    *,
    from_: int | None,
    to: int | None,
    workers: int,
    scheduler: str | None,
    block_rows: int,
    domains: Domains | None = None,
) -> Iterator[Output]:
    """The outputs of a replay whose first half ran in parts; with ``domains``, the second half too."""
    from joblib import Parallel, delayed, parallel_config

    engine.codes(data.series())
    keep_scores = engine.detection.keep_scores
    jobs = [
        delayed(detect_part)(data.path, engine.contender, part, workers, from_, to, block_rows, keep_scores)
        for part in range(max(workers, 1))
    ]
    if engine.contender.recipe.rows or engine.contender.recipe.invariants:
        jobs.append(delayed(detect_rows)(data.path, engine.contender, from_, to, block_rows))

    def run(jobs: Iterable[Any]) -> list[Any]:
        if not scheduler:
            return list(Parallel(n_jobs=workers)(jobs))
        with _client(scheduler) as client, parallel_config("dask", scheduler_host=client.scheduler.address):
            return list(Parallel()(jobs))

    parts: list[Part] = run(jobs)
    for part in parts:
        engine.detection.counts.update(part.counts)
        engine.detection.reported = part.of_rows or engine.detection.reported
        engine.detection.rules_reported += part.of_rules
    codes = [engine.codes(part.keys) for part in parts]
    clock = parts[0].clock
    streamed = _merged([part.streamed for part in parts], codes, engine.series)
    flushed = _merged([part.flushed for part in parts], codes, engine.series)
    if domains is not None:
        recipe = engine.contender.recipe
        yield from correlate_in_domains(streamed, flushed, clock, recipe, engine.series, domains, run)
        return
    yield engine.correlate(streamed)
    yield engine.correlate(flushed, flushed_at=clock)


def _client(scheduler: str) -> Any:
    """A Dask client; the package is an extra, and slow to import."""
    try:
        from distributed import Client
    except ModuleNotFoundError:
        raise UsageError("a scheduler needs Dask; run: pip install 'titleshot[distributed]'") from None
    try:
        return Client(scheduler, timeout=_PATIENCE_S)
    except OSError:
        raise Unreachable(
            f"no Dask scheduler answers at {scheduler}; start one (dask scheduler), or leave out --scheduler"
        ) from None
    except ValueError as error:
        raise UsageError(f"scheduler {scheduler!r}: {error}; write tcp://HOST:PORT") from None


def detect_part(
    path: Path,
    contender: Contender,
    part: int,
    parts: int,
    from_: int | None,
    to: int | None,
    block_rows: int,
    keep_scores: bool,
) -> Part:
    """The first half for the series whose code is ``part`` modulo ``parts``; part 0 keeps the rest.

    Feature rows are left to :func:`detect_rows`: a service's row rests on many series and on neighbours.
    """
    data = Dataset.open(path)
    series = SeriesIndex(data.series())
    recipe = contender.recipe
    detection = Detection(recipe, series, contender.fitted, keep_scores=keep_scores, part="series")
    codes = np.arange(len(series), dtype=np.int32)
    said = []
    for block in ArrivalStream(data, codes, recipe.tick, from_, to).blocks(block_rows):
        samples = block.kinds == SAMPLE
        mine = ~samples
        mine[samples] = block.codes[samples] % parts == part
        said.append(_without_marks(detection.push(block, mine), part))
    flushed = _without_marks(detection.flush(), part)
    return Part(Detected.joined(said), flushed, detection.totals, detection.clock, series.keys, None)


def detect_rows(path: Path, contender: Contender, from_: int | None, to: int | None, block_rows: int) -> Part:
    """What rests on many series, rows and rules, for the whole stream; the others tell what is dead."""
    data = Dataset.open(path)
    series = SeriesIndex(data.series())
    detection = Detection(contender.recipe, series, contender.fitted, part="rows")
    codes = np.arange(len(series), dtype=np.int32)
    stream = ArrivalStream(data, codes, contender.recipe.tick, from_, to)
    said = [_events_alone(detection.push(block)) for block in stream.blocks(block_rows)]
    flushed = _events_alone(detection.flush())
    counts = Counter({"events": detection.counts["events"]})
    report = detection.rows.report() if detection.rows else None
    rules = tuple(detection.rule_report)
    return Part(Detected.joined(said), flushed, counts, detection.clock, series.keys, report, rules)


def _events_alone(detected: Detected) -> Detected:
    marks, dead, none = detected.marks, detected.dead, slice(0, 0)
    return Detected(
        detected.events,
        Marks(marks.timestamps[none], marks.kinds[none], marks.clocks[none], ()),
        Dead(dead.rows.take(none), dead.reasons[none], dead.order[none], {}),
        None,
    )


def _without_marks(detected: Detected, part: int) -> Detected:
    """Marks and what is dead but no sample are the same in every part: the first one's count."""
    if part == 0:
        return detected
    marks, dead = detected.marks, detected.dead
    samples = dead.rows.kinds == SAMPLE
    none = slice(0, 0)
    return Detected(
        detected.events,
        Marks(marks.timestamps[none], marks.kinds[none], marks.clocks[none], ()),
        Dead(dead.rows.take(samples), dead.reasons[samples], dead.order[samples], {}),
        detected.scores,
    )


def _merged(said: list[Detected], codes: list[NDArray[np.int32]], series: SeriesIndex) -> Detected:
    """What several parts said of the same stream, interleaved in release order.

    ``codes[part][code]`` is the code in ``series`` of a part's series: each names new ones by itself.
    """
    said = [
        replace(one, events=replace(one.events, codes=theirs[one.events.codes]))
        for one, theirs in zip(said, codes, strict=True)
    ]
    whole, ranks = Detected.joined(said), series.ranks
    events = whole.events.take(np.lexsort((ranks[whole.events.codes], whole.events.timestamps)))
    dead, rows = whole.dead, whole.dead.rows
    order = np.lexsort((rows.sequence, sort_keys(rows, ranks), rows.kinds, rows.timestamps, dead.order))
    dead = Dead(rows.take(order), dead.reasons[order], dead.order[order], dead.payloads)
    scores = whole.scores
    if scores is not None:
        order = np.lexsort((ranks[scores.codes], scores.timestamps))
        scores = Scores(scores.codes[order], scores.timestamps[order], scores.strangeness[order])
    return Detected(events, whole.marks, dead, scores)
