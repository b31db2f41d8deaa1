"""Something a family finds and something it does not, planted and asked for the pictures of its page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from titleshot.datasets.contracts.instants import DAY, MINUTE
from titleshot.detectors.detector import Shape
from titleshot.detectors.features.feature_rows import FeatureRows
from titleshot.detectors.features.service_health_columns import NAMES
from titleshot.detectors.law_faults import POINTS, WORDS, faults, spacing
from titleshot.detectors.law_parts import DetectorPart
from titleshot.detectors.law_streams import healthy_stream, plain_keys
from titleshot.detectors.law_subjects import subject_of
from titleshot.detectors.row_detector import History, RowDetector

_SEED = 11
_INSTRUCTIVE: tuple[Shape, ...] = ("drift", "level", "stuck", "silence", "novelty")
"""What is tried for a fault that stays unheard, the most instructive first."""
_ROWS, _FAULT = 240, slice(150, 170)
_SIZE = 6.0
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scene:
    """A stretch of a signal with one fault, and what was said; x in samples from the start of the stretch."""

    what: str
    x: Floats
    values: Floats
    spoke_x: Floats
    strangeness: Floats
    """u at ``spoke_x``."""
    span: tuple[float, float]
    unit: str

    @property
    def loud_within(self) -> int:
        """Samples of the fault with u >= 1."""
        start, stop = self.span
        within = (self.spoke_x >= start) & (self.spoke_x <= stop)
        return int((self.strangeness[within] >= 1).sum())

    @property
    def heard(self) -> bool:
        """Whether it spoke of the fault more often than it speaks of nothing, and at all."""
        start, stop = self.span
        within = (self.spoke_x >= start) & (self.spoke_x <= stop)
        loud = self.strangeness >= 1
        inside, outside = loud[within], loud[~within & (self.spoke_x < start)]
        share = float(outside.mean()) if len(outside) else 0.0
        # A few times what chance gives: a drift of hours holds a false alarm or two.
        return bool(inside.sum() > 2 + 2 * share * len(inside)) or bool(
            inside.any() and self.strangeness[within].max(initial=0.0) >= 2
        )


class Scenes(NamedTuple):
    """Both sides of a family; None where nothing of what is tried shows it."""

    found: Scene | None
    missed: Scene | None


def series_scenes(target: str, params: dict[str, Any] | None = None) -> Scenes:
    """Scenes of a family over single series with its defaults, by what it says it hears."""
    part = _part(target, params)
    hears, fresh = part.detector.hears, part.snapshot()
    found = next((scene for scene in _scenes(part, hears) if scene.heard), None)
    for shape in _INSTRUCTIVE:
        if shape == hears or {shape, hears} == {"novelty", "level"}:
            continue
        if part.detector.grade == "lab":
            part = _part(target, params)
        else:
            part.restore(fresh)
        scenes = _scenes(part, shape)
        if not any(scene.heard for scene in scenes):
            return Scenes(found, scenes[-1])
    return Scenes(found, None)


def _part(target: str, params: dict[str, Any] | None) -> DetectorPart:
    part = subject_of(target, params).make(plain_keys()[:1])
    if not isinstance(part, DetectorPart):
        raise TypeError(f"{target} is no detector over single series")
    return part


def _scenes(part: DetectorPart, shape: Shape) -> list[Scene]:
    """The stretches around both faults that the laws plant."""
    minutes = spacing(part)
    stream = healthy_stream(plain_keys()[:1], _SEED, POINTS, minutes=minutes)
    planted, spans = faults(stream, shape, minutes)
    block = planted.block
    said = [one.explained for one in part.push(block) if one.explained is not None]
    step, scenes = minutes * MINUTE, []
    for start, stop in spans:
        low = start - 3 * min(stop - start, 100 * step) - 60 * step
        high = stop + min(stop - start, 100 * step) // 2 + 40 * step
        sampled = planted.is_sample & (block.timestamps >= low) & (block.timestamps < high)
        spoken = [one for one in said if low <= one.timestamp < high]
        scenes.append(
            Scene(
                WORDS[shape],
                (block.timestamps[sampled] - low) / step,
                block.values[sampled],
                np.array([(one.timestamp - low) / step for one in spoken]),
                np.array([one.strangeness for one in spoken]),
                ((start - low) / step, (stop - low) / step),
                f"samples, one every {minutes} min",
            )
        )
    return scenes


_ROW_FAULTS: tuple[tuple[str, tuple[str, ...], float], ...] = (
    ("errors and latency rise as in the labelled incidents", ("burn_rate_5m", "latency_change"), _SIZE),
    (
        "errors, latency, saturation, queue and callees rise together",
        (
            "burn_rate_5m",
            "burn_rate_1h",
            "latency_change",
            "saturation_change",
            "queue_change",
            "callee_burn_rate",
            "callee_latency_change",
        ),
        _SIZE,
    ),
    ("the queue alone grows, which no label has shown", ("queue_change",), _SIZE),
    ("everything rises by half a deviation", (), 0.5),
)


def row_scenes(family: type[RowDetector]) -> Scenes:
    """Scenes of a family over feature rows, fitted on rows with labelled incidents."""
    detector = family()
    rng = np.random.default_rng(_SEED)
    n = 12_000
    values = np.abs(rng.normal(size=(n, len(NAMES))))
    incident = np.full(n, -1, np.int32)
    for number, start in enumerate(range(60, n - 10, 150)):
        incident[start : start + 10] = number
        for name in _ROW_FAULTS[0][1]:
            values[start : start + 10, NAMES.index(name)] += rng.normal(0.6 * _SIZE, 1.0)
    judged, trusted = np.zeros(n, np.int8), np.ones(n, np.bool_)
    rows = _rows(values, 5 * MINUTE * np.arange(n))
    labels = {"sources": {"synthetic": int(incident.max()) + 1}}
    past = History(rows, ("shop/cart",), incident >= 0, incident, judged, trusted, labels)
    detector.use(detector.fit(past))
    scenes = [_row_scene(detector, *fault) for fault in _ROW_FAULTS]
    unheard = sorted((scene for scene in scenes if not scene.heard), key=lambda scene: scene.loud_within)
    return Scenes(next((scene for scene in scenes if scene.heard), None), next(iter(unheard), None))


def _row_scene(detector: RowDetector, what: str, names: Sequence[str], size: float) -> Scene:
    values = np.abs(np.random.default_rng(_SEED + 1).normal(size=(_ROWS, len(NAMES))))
    columns = [NAMES.index(name) for name in names or detector.params.columns]
    for column in columns:
        values[_FAULT, column] += size
    scored = detector.score(_rows(values, np.full(_ROWS, 400 * DAY)))
    x = np.arange(_ROWS, dtype=np.float64)
    shown = values[:, columns].mean(axis=1)
    span = (float(_FAULT.start), float(_FAULT.stop))
    return Scene(what, x, shown, x, scored.strangeness, span, "feature rows; the line is the mean of theirs")


def _rows(values: Floats, timestamps: npt.NDArray[np.int64]) -> FeatureRows:
    n = len(values)
    return FeatureRows(timestamps, np.zeros(n, np.int32), values, np.zeros(values.shape, np.int8))
