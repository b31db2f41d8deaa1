"""Frames about the samples as a whole: each series, the dataset, and what the import found."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.instants import DAY, SECOND, format_instant
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.dataset_card import DatasetCard
from titleshot.datasets.label_layer import Labels
from titleshot.datasets.validation.frame import Frame, frame_of
from titleshot.datasets.validation.profile import Profile
from titleshot.datasets.validation.violations import series_words

_FEW = 10
"""Samples of a series below which nothing is said of its usual step."""


def profile_frame(profile: Profile) -> Frame:
    """One row a series and period."""
    days = profile.days

    def words(at: int) -> str:
        name = series_words(profile.keys[int(days["series"][at])])
        day = format_instant(int(days["day"][at]))[:10]
        return f"{name} on {day}: {days['rows'][at]} samples, largest gap {days['largest_gap_s'][at]:g} s"

    return Frame("profile", days, words)


def series_frame(profile: Profile, card: DatasetCard) -> Frame:
    """One row a series."""
    held = profile.series
    cadence_s: NDArray[np.float64] = held["cadence_s"]
    declared = np.nan if card.cadence_s is None else card.cadence_s
    ends = np.array([_end(key.service_id, card) for key in profile.keys], np.int64)
    silent_s = (ends - held["last"]).astype(np.float64) / SECOND
    columns: dict[str, NDArray[Any]] = {
        "named": np.array([_named(key) for key in profile.keys], np.bool_),
        "rows": held["rows"],
        "outside_span": held["outside_span"],
        # Where there is nothing to compare, nothing differs.
        "cadence_ratio": np.nan_to_num(cadence_s / declared, nan=1.0),
        "silent_cadences": np.where(held["rows"] > 0, np.nan_to_num(silent_s / cadence_s), 0.0),
        "usual_step": ~np.isnan(cadence_s) | (held["rows"] < _FEW),
        "non_finite_share": held["non_finite"] / np.maximum(held["rows"], 1),
        "from_the_future": held["from_the_future"],
    }

    def words(at: int) -> str:
        step = "no usual step" if np.isnan(cadence_s[at]) else f"usual step {cadence_s[at]:g} s"
        last = format_instant(int(held["last"][at])) if held["rows"][at] else "never"
        lost = f", {held['non_finite'][at]} not finite" if held["non_finite"][at] else ""
        return f"{series_words(profile.keys[at])}: {held['rows'][at]} samples{lost}, {step}, last {last}"

    return Frame("series", columns, words)


def dataset_frame(card: DatasetCard, profile: Profile | None, labels: Labels | None, changed: str) -> Frame:
    """One row."""
    starts = [] if labels is None else [label.start for label in labels.incidents]
    rows = card.rows if profile is None else profile.rows
    finite = rows if profile is None else rows - int(profile.series["non_finite"].sum())
    cells = (
        not changed,
        rows,
        card.rows,
        finite,
        len(starts) if labels is not None else 1,
        (card.created_at - card.span_to) / DAY,
        (card.span_to - max(starts, default=card.span_to)) / DAY,
    )
    columns = (
        "unchanged",
        "rows",
        "rows_declared",
        "finite",
        "incidents",
        "telemetry_age_days",
        "unlabelled_days",
    )
    last = f"telemetry ends {format_instant(card.span_to)}, imported {format_instant(card.created_at)}"
    newest = f"; last labelled incident starts {format_instant(max(starts))}" if starts else ""
    seen = changed or f"{rows} samples, dataset.yaml says {card.rows}; {last}{newest}"
    return frame_of("dataset", columns, [cells], lambda _: seen)


def _end(service: str, card: DatasetCard) -> int:
    """Where telemetry of a service ends, as far as anybody cares."""
    unscored = [
        span.from_
        for span in card.evaluation.dont_care
        if span.to >= card.span_to and (span.services is None or service in span.services)
    ]
    return min(unscored, default=card.span_to)


def _named(key: SeriesKey) -> bool:
    if not (key.namespace and key.service and key.metric_name) or "/" in key.namespace:
        return False
    try:
        labels = json.loads(key.series_labels)
    except ValueError:
        return False
    return isinstance(labels, dict) and all(isinstance(value, str) for value in labels.values())
