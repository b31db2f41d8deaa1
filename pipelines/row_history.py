"""Feature rows of a dataset, and what was known of each at a cutoff: what detectors over rows learn from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.instants import DAY, MINUTE
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.label_layer import Labels
from titleshot.detectors.detection import Detection
from titleshot.detectors.features.feature_rows import FeatureRows
from titleshot.detectors.features.service_health_columns import FEATURES
from titleshot.detectors.recipe import Recipe
from titleshot.detectors.row_detection import RowDetection
from titleshot.detectors.row_detector import History
from titleshot.detectors.series import SeriesIndex
from titleshot.pipelines.stream import ArrivalStream

_AROUND = 10 * MINUTE
"""Rows this long before and after a page share a responder's verdict on it."""
_LATE = 0.9
"""Labels of a time count as in when this share of labels had come after so long."""
_BLOCK_ROWS = 1_000_000
I64 = NDArray[np.int64]
Flags = NDArray[np.bool_]


def feature_rows(data: Dataset, recipe: Recipe, to: int | None = None) -> tuple[FeatureRows, tuple[str, ...]]:
    """Rows of what had arrived before ``to``, made by the same code that serves, and the names of services.

    Raises:
        UsageError: the ticks of the recipe do not fit feature rows.
    """
    series = SeriesIndex(data.series())
    detection = Detection(recipe, series, part="rows")
    detection.rows = rows = RowDetection(recipe, series, None, keep=True)
    codes = np.arange(len(series), dtype=np.int32)
    for block in ArrivalStream(data, codes, recipe.tick, None, to).blocks(_BLOCK_ROWS):
        detection.push(block)
    kept = rows.kept or [FeatureRows.none(len(FEATURES))]
    return FeatureRows.joined(kept), tuple(rows.health.names)


def history(data: Dataset, recipe: Recipe, cutoff: int) -> History:
    """Rows and labels as known at the cutoff; nothing that was learnt of them later."""
    rows, names = feature_rows(data, recipe, cutoff)
    labels = data.labels(cutoff - 1)
    incident = _incidents(rows, names, labels)
    return History(
        rows,
        names,
        incident >= 0,
        incident,
        _judged(rows, names, labels),
        rows.timestamps < cutoff - _delay(labels),
        _sources(names, labels, cutoff),
    )


def _incidents(rows: FeatureRows, names: tuple[str, ...], labels: Labels) -> NDArray[np.int32]:
    out = np.full(len(rows), -1, np.int32)
    for number, label in enumerate(labels.incidents):
        of = {label.root_service, *label.affected_services}
        out[_rows_of(rows, names, of, label.start, label.end)] = number
    return out


def _judged(rows: FeatureRows, names: tuple[str, ...], labels: Labels) -> NDArray[np.int8]:
    pages = {page.page_id: page for page in (*labels.pages, *labels.other_pages)}
    out = np.zeros(len(rows), np.int8)
    for answer in labels.feedback:
        page = pages.get(answer.page_id)
        if page is None or answer.verdict not in {"useful", "late", "dangerous", "noisy"}:
            continue
        of = {answer.actual_service} if answer.actual_service else set(page.services)
        at = page.paged_at
        out[_rows_of(rows, names, of, at - _AROUND, at + _AROUND)] = -1 if answer.verdict == "noisy" else 1
    return out


def _rows_of(rows: FeatureRows, names: tuple[str, ...], of: Iterable[str], start: int, end: int) -> I64:
    low, high = np.searchsorted(rows.timestamps, [start, end])
    wanted = np.array([place for place, name in enumerate(names) if name in of], np.int32)
    found: I64 = low + np.flatnonzero(np.isin(rows.services[low:high], wanted))
    return found


def _delay(labels: Labels) -> int:
    late = [label.known_at - label.start for label in labels.incidents]
    return int(np.quantile(late, _LATE)) if late else 0


def _sources(names: tuple[str, ...], labels: Labels, cutoff: int) -> dict[str, Any]:
    incidents = labels.incidents
    touched = {name for label in incidents for name in (label.root_service, *label.affected_services)}
    ages = [(cutoff - label.known_at) / DAY for label in incidents]
    return {
        "sources": dict(sorted(Counter(label.source for label in incidents).items())),
        "reviewers": dict(sorted(Counter(answer.reviewer for answer in labels.feedback).items())),
        "median_age_days": round(float(np.median(ages)), 1) if ages else None,
        "label_delay_days": round(_delay(labels) / DAY, 2),
        "services_without_labels": sorted(set(names) - touched),
        "labels_digest": labels.digest,
    }
