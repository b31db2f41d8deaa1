"""What detectors said of a block, as columns, and as records for whoever reads one at a time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.events import AnomalyEvent, Evidence
from titleshot.datasets.contracts.record import canonical_json
from titleshot.detectors.block import F64, I8, I32, I64
from titleshot.detectors.series import SeriesIndex


@dataclass(frozen=True)
class Events:
    """Anomaly events in release order; every column has the same length.

    ``strangeness`` is u in units of the threshold, at least 1. ``labels`` is canonical JSON of the
    enrichment (team, tier).
    """

    event_ids: Sequence[str]
    codes: I32
    timestamps: I64
    values: F64
    expected: F64
    lower: F64
    upper: F64
    strangeness: F64
    sample_counts: I32
    policies: I8
    clocks: I64
    detectors: Sequence[str]
    windows: Sequence[float | None]
    baselines: Sequence[str]
    labels: Sequence[str]
    deploys: Sequence[str | None]
    told: Sequence[Mapping[str, Any] | None]
    """Evidence of the detector's own, as JSON; it goes before what every event has."""

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def scores(self) -> F64:
        """anomaly_score = u / (1 + u), in [0.5, 1)."""
        return self.strangeness / (1 + self.strangeness)

    def take(self, rows: NDArray[Any]) -> Events:
        """The rows named by an index or boolean array, in that order."""
        picked = np.arange(len(self))[rows]
        columns: dict[str, Any] = {
            name: column[picked] if isinstance(column, np.ndarray) else [column[i] for i in picked]
            for name, column in vars(self).items()
        }
        return Events(**columns)

    @classmethod
    def joined(cls, parts: Sequence[Events]) -> Events:
        """The rows of several, in the order given; at least one."""
        first = parts[0]
        if len(parts) == 1:
            return first
        columns: dict[str, Any] = {}
        for name, column in vars(first).items():
            pieces = [getattr(part, name) for part in parts]
            if isinstance(column, np.ndarray):
                columns[name] = np.concatenate(pieces)
            else:
                columns[name] = [value for piece in pieces for value in piece]
        return cls(**columns)

    @classmethod
    def none(cls) -> Events:
        """No events."""
        whole, real = np.empty(0, np.int64), np.empty(0)
        word = np.empty(0, np.int32)
        return cls(
            [],
            word,
            whole,
            real,
            real,
            real,
            real,
            real,
            word,
            np.empty(0, np.int8),
            whole,
            [],
            [],
            [],
            [],
            [],
            [],
        )

    def evidence(self) -> list[str]:
        """Canonical JSON of each event's evidence."""
        made: dict[tuple[int, str, str | None, str | None], str] = {}
        out = []
        for count, baseline, direction, deploy, told in zip(
            self.sample_counts.tolist(),
            self.baselines,
            self.directions(),
            self.deploys,
            self.told,
            strict=True,
        ):
            key = (count, baseline, direction, deploy)
            text = made.get(key) if told is None else None
            if text is None:
                evidence: dict[str, Any] = {"sample_count": count, "baseline": baseline}
                if direction is not None:
                    evidence["direction"] = direction
                if deploy is not None:
                    evidence["recent_deploy"] = deploy
                text = canonical_json(evidence | dict(told or {}))
                if told is None:
                    made[key] = text
            out.append(text)
        return out

    def directions(self) -> list[str | None]:
        """``high`` or ``low`` of what is expected; None where it is not the value that is strange."""
        words: list[str | None] = np.where(self.values > self.expected, "high", "low").tolist()
        for row in np.flatnonzero(self.values == self.expected).tolist():
            words[row] = None
        for row, told in enumerate(self.told):
            if told is not None and "direction" in told:
                words[row] = told["direction"]
        return words

    def tail_probabilities(self) -> list[float | None]:
        """How rare each is for its series, where its evidence says so."""
        return [told.get("tail_probability") if told is not None else None for told in self.told]

    def records(self, series: SeriesIndex) -> list[AnomalyEvent]:
        """One :class:`AnomalyEvent` a row."""
        scores = self.scores
        evidence = self.evidence()
        return [
            AnomalyEvent.model_validate(
                {
                    "event_id": self.event_ids[i],
                    "timestamp": int(self.timestamps[i]),
                    "namespace": key.namespace,
                    "service": key.service,
                    "metric_name": key.metric_name,
                    "series_labels": _labels(key.series_labels),
                    "window_seconds": self.windows[i],
                    "value": float(self.values[i]),
                    "expected": float(self.expected[i]),
                    "lower_bound": float(self.lower[i]),
                    "upper_bound": float(self.upper[i]),
                    "anomaly_score": float(scores[i]),
                    "detector": self.detectors[i],
                    "labels": _labels(self.labels[i]),
                    "evidence": Evidence.model_validate_json(evidence[i]),
                }
            )
            for i in range(len(self))
            for key in [series.keys[self.codes[i]]]
        ]


def _labels(text: str) -> dict[str, str]:
    return dict(json.loads(text))
