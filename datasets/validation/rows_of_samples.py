"""Samples and series row by row, as pandas sees them: for the cross-check."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.sample_files import NO_INSTANT, sample_groups
from titleshot.datasets.validation.suite import load_suite

_IDENTITY = ("namespace", "service", "metric_name", "series_labels")


def sample_rows(dataset: Dataset) -> pd.DataFrame:
    """One row a sample, in source order."""
    names = ("series", "timestamp", "value", "ingested_at", "source_row")
    groups = [pd.DataFrame(group.read(names)) for group in sample_groups(dataset.path)]
    rows = pd.concat(groups, ignore_index=True).sort_values("source_row", ignore_index=True)
    keys = pd.DataFrame(dataset.series(), columns=list(_IDENTITY))
    suite = dataset.card.validation.over(load_suite("profile"))
    ranges = [suite.range_of(name) for name in keys["metric_name"]]
    low, high = np.array([held.least for held in ranges]), np.array([held.most for held in ranges])
    rows["low"], rows["high"] = low[rows["series"]], high[rows["series"]]
    rows["finite"] = rows["value"].where(np.isfinite(rows["value"]))
    told = rows["ingested_at"] != NO_INSTANT
    delay = round(dataset.card.ingest_delay_s * SECOND)
    rows["arrived"] = rows["ingested_at"].where(told, rows["timestamp"] + delay)
    rows["early"] = told & (rows["ingested_at"] < rows["timestamp"])
    by_arrival = rows.sort_values(["arrived", "source_row"])
    rows["arrival_place"] = pd.Series(np.arange(len(rows)), index=by_arrival.index)
    # Of two at one time the first to arrive is used; the other puts nothing out of order.
    used = ~by_arrival.duplicated(["series", "timestamp"])
    rows["used_series"] = rows["series"].astype("int64").where(used, -1 - rows["source_row"])
    in_time = rows[used.reindex(rows.index)].sort_values("timestamp")
    step = in_time.groupby("series")["timestamp"].diff()
    rows["step"] = step
    # A series without a usual step has no gaps.
    usual = step.groupby(in_time["series"]).median().where(_usual(rows))
    rows["gap_cadences"] = step / in_time["series"].map(usual)
    return rows


def _usual(samples: pd.DataFrame) -> pd.Series[bool]:
    """By series: whether its steps agree so far that a vote among them leaves a tenth of all."""
    steps = samples.dropna(subset=["step"]).sort_values("timestamp")
    return steps.groupby("series")["step"].agg(lambda held: _settled(held.astype("int64").tolist())) == 1


def _settled(steps: list[int]) -> int:
    """1 where the majority vote of the fast pass is settled: each step that differs takes one vote away."""
    candidate, votes = 0, 0
    for exact in steps:
        # To the second, so that clocks which jitter still agree; short steps as they are.
        step = (exact + SECOND // 2) // SECOND * SECOND if exact >= 5 * SECOND else exact
        if votes == 0:
            candidate, votes = step, 1
        else:
            votes += 1 if step == candidate else -1
    return int(votes * 10 >= len(steps))


def series_rows(dataset: Dataset, samples: pd.DataFrame) -> pd.DataFrame:
    """One row a series, with what its samples say of it."""
    card = dataset.card
    rows = pd.DataFrame(dataset.series(), columns=list(_IDENTITY))
    rows["labels_flat"] = [_flat(text) for text in rows["series_labels"]]
    rows["span_from"], rows["span_to"] = card.span_from, card.span_to
    held = samples.groupby("series")
    rows["rows"] = held.size().reindex(rows.index, fill_value=0)
    rows["first"] = held["timestamp"].min().reindex(rows.index, fill_value=card.span_from)
    rows["last_end"] = held["timestamp"].max().reindex(rows.index, fill_value=card.span_from) + 1
    rows["non_finite_share"] = (
        samples["finite"].isna().groupby(samples["series"]).mean().reindex(rows.index, fill_value=0.0)
    )
    rows["early"] = held["early"].sum().reindex(rows.index, fill_value=0)
    usual = _usual(samples).reindex(rows.index, fill_value=False)
    rows["usual_step"] = usual | (rows["rows"] < 10)
    cadence = held["step"].median().reindex(rows.index).where(usual)
    rows["cadence_ratio"] = cadence / SECOND / (card.cadence_s or np.nan)
    ends = pd.Series([_cared_until(dataset, *key) for key in rows[["namespace", "service"]].to_numpy()])
    rows["silent_cadences"] = (ends - (rows["last_end"] - 1)) / cadence
    return rows


def _cared_until(dataset: Dataset, namespace: str, service: str) -> int:
    card = dataset.card
    named = f"{namespace}/{service}"
    ends = [
        span.from_
        for span in card.evaluation.dont_care
        if span.to >= card.span_to and (span.services is None or named in span.services)
    ]
    return min([*ends, card.span_to])


def _flat(text: str) -> bool:
    try:
        labels = json.loads(text)
    except ValueError:
        return False
    return isinstance(labels, dict) and all(isinstance(value, str) for value in labels.values())
