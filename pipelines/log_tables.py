"""What an engine said, as the tables of a replay log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from titleshot.datasets.replay_log import (
    EVENTS,
    SCORES,
    LogWriter,
    dead_letters_table,
    incidents_table,
    pages_table,
)
from titleshot.detectors.alert_policy import POLICY_WORDS
from titleshot.detectors.contender import Output, dead_letters
from titleshot.detectors.detected import Scores
from titleshot.detectors.events import Events
from titleshot.detectors.series import SeriesIndex


def write(writer: LogWriter, output: Output, series: SeriesIndex) -> None:
    """Append everything of one output to a log."""
    writer.append("events", events_table(output.events, series, flushed=output.flushed))
    writer.append("incidents", incidents_table(output.incidents))
    writer.append("pages", pages_table(output.pages))
    writer.append(
        "dead_letters", dead_letters_table(dead_letters(output.dead, series, flushed=output.flushed))
    )
    if output.scores is not None:
        writer.append("scores", scores_table(output.scores))


def events_table(events: Events, series: SeriesIndex, *, flushed: bool) -> pa.Table:
    """Events as a table of ``EVENTS``."""
    n = len(events)

    def of_series(place: int) -> pa.Array:
        return pa.array([key[place] for key in series.keys], pa.string()).take(pa.array(events.codes))

    columns: dict[str, Any] = {
        "event_id": events.event_ids,
        "timestamp": events.timestamps,
        "namespace": of_series(0),
        "service": of_series(1),
        "metric_name": of_series(2),
        "series_labels": of_series(3),
        "window_seconds": events.windows,
        "value": events.values,
        "expected": events.expected,
        "lower_bound": events.lower,
        "upper_bound": events.upper,
        "anomaly_score": events.scores,
        "detector": events.detectors,
        "labels": events.labels,
        "evidence": events.evidence(),
        "policy": pa.array(POLICY_WORDS).take(pa.array(events.policies)),
        "emitted_at": events.clocks,
        "flushed": np.full(n, flushed),
    }
    return pa.table([_column(columns[field.name], field.type) for field in EVENTS], schema=EVENTS)


def scores_table(scores: Scores) -> pa.Table:
    """Dense scores as a table of ``SCORES``; unscored rows are null."""
    u = scores.strangeness
    unscored = np.isnan(u)
    graded = np.divide(u, 1 + u, where=~unscored, out=np.zeros(len(u)))
    return pa.table(
        [
            pa.array(scores.codes),
            _column(scores.timestamps, SCORES.field("timestamp").type),
            pa.array(graded, mask=unscored),
        ],
        schema=SCORES,
    )


def _column(values: Sequence[Any] | NDArray[Any] | pa.Array, form: pa.DataType) -> pa.Array:
    if isinstance(values, pa.Array):
        return values
    if pa.types.is_timestamp(form):
        return pa.array(values, pa.int64()).cast(form)
    return pa.array(values, form)
