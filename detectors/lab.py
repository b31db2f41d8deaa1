"""Lab: any outlier estimator or class of one's own as a detector that can be replayed and compared."""

from __future__ import annotations

from inspect import signature
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from titleshot.datasets.errors import TitleshotError, UsageError
from titleshot.detectors.detector import (
    HIGHEST_STRANGENESS,
    LARGEST_VALUE,
    Codes,
    Detector,
    DetectorParams,
    Floats,
    Instants,
    Scored,
)
from titleshot.detectors.gaussian_tails import robust_tail
from titleshot.detectors.imported_class import imported_class, source_digest

Manner = Literal["score", "score_one", "decision_function"]


class LabParams(DetectorParams):
    """Which class, how it is made, and how its raw scores become strangeness."""

    target: Annotated[str, Field(pattern=r"^[^:\x00-\x1f]+:[A-Za-z_][A-Za-z0-9_]*$")]
    """``module:Class`` or ``path/to/file.py:Class``."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Keyword arguments the class is made with, once per series."""
    window: Annotated[int, Field(ge=20, le=100_000)] = 288
    """Points an estimator is fitted on, and raw scores the next one is held against."""
    min_points: Annotated[int, Field(ge=10)] = 50
    refit_every: Annotated[int, Field(ge=1)] = 72
    """Samples between fits of an estimator."""
    threshold: Annotated[float, Field(gt=0, le=1e6)] = 4.0
    """Robust deviations of a raw score from the usual ones at which an event is made."""
    code: str = ""
    """Digest of the file the class is written in; filled in, so that edited code is another contender."""

    @model_validator(mode="after")
    def _importable(self) -> Self:
        if self.min_points > self.window:
            raise ValueError(f"min_points {self.min_points} must be at most window {self.window}")
        try:
            found = imported_class(self.target)
        except TitleshotError as error:
            raise ValueError(str(error)) from None
        manner_of(found)
        digest = source_digest(found)
        if self.code not in {"", digest}:
            raise ValueError(
                f"{self.target} is not the code this recipe was written with ({self.code}, now {digest});"
                " leave code out to take it as it is now"
            )
        object.__setattr__(self, "code", digest)
        return self


def manner_of(found: type) -> Manner:
    """How a class is asked: by ``score`` (one's own), ``score_one`` (river) or as an estimator.

    Raises:
        UsageError: it can be asked in none of these ways.
    """
    if callable(getattr(found, "score_one", None)):
        return "score_one"
    if callable(getattr(found, "fit", None)) and callable(getattr(found, "decision_function", None)):
        return "decision_function"
    if callable(getattr(found, "score", None)):
        return "score"
    raise UsageError(
        f"{found.__name__} has neither score(value, timestamp), nor score_one(x) and learn_one(x) as in"
        " river, nor fit(X) and decision_function(X) as in scikit-learn and PyOD; give it one of these"
    )


class Lab(Detector):
    """Raw scores of the user's own class, in robust deviations from that series' usual raw scores.

        raw = what the class says of (value, change since the last sample), higher is stranger
        u = max(0, raw - median) / (threshold × 1.4826 × MAD)     over the last ``window`` raw scores

    Ways to be asked, the first a class has: ``score_one(x)`` then ``learn_one(x)`` (river; x is
    ``{"value": …, "change": …}``, and y of a supervised scorer the value); ``fit(X)`` and
    ``decision_function(X)`` (scikit-learn, whose low is strange, and PyOD, whose high is; X has the two
    columns), fitted again every ``refit_every`` samples on the last ``window``; ``score(value, timestamp)``
    of one's own class, which learns as it likes.

    Lab grade: objects are Python's own, so no snapshot can hold them (law 4) and nothing is served. It may be
    replayed, scored and compared; ``register`` refuses it. ``titleshot check`` says what else is lacking.

    Assumes nothing of the class. Deaf to what the class is deaf to, and where its raw scores do not vary.

    On independent noise about as often strange as a Gaussian raw score would be.

    Source: none; an adapter. Raw scores have no common scale, so each series is its own.

    >>> from titleshot.detectors.detector import Detector
    >>> Lab.family, issubclass(Lab, Detector)
    ('lab', True)
    """

    family: ClassVar[str] = "lab"
    Params = LabParams
    params: LabParams
    grade: ClassVar[Literal["servable", "lab"]] = "lab"

    def __init__(self, params: LabParams | None = None) -> None:
        if params is None:
            raise UsageError("lab needs a target: module:Class or path/to/file.py:Class")
        super().__init__(params)
        self._class = imported_class(params.target)
        self._manner = manner_of(self._class)
        _Mind(self.params, self._class, self._manner)  # what cannot be made is said now
        self._minds: dict[int, _Mind] = {}

    @property
    def memory_s(self) -> float | None:
        return None

    def false_alarm_ratio(self, sample_count: int) -> float:
        return 0.5 * robust_tail(self.params.threshold, max(3, min(sample_count, self.params.window)))

    def layout(self) -> dict[str, tuple[type[np.generic], tuple[int, ...]]]:
        return {"broken": (np.int64, ())}

    def fold(self, codes: Codes, timestamps: Instants, values: Floats) -> Scored:
        scored = Scored.empty(len(codes))
        rows = zip(codes.tolist(), timestamps.tolist(), values.tolist(), strict=True)
        for row, (code, timestamp, value) in enumerate(rows):
            if not abs(value) <= LARGEST_VALUE:
                self._columns["broken"][code] += 1
                continue
            mind = self._minds.get(code)
            if mind is None:
                mind = self._minds[code] = _Mind(self.params, self._class, self._manner)
            answer = mind.answer(value, timestamp)
            scored.strangeness[row], scored.expected[row], scored.lower[row], scored.upper[row] = answer[:4]
            scored.sample_count[row] = answer[4]
        return scored

    def baseline(self, sample_count: int, timestamp: int) -> str:  # noqa: ARG002
        return f"{self.params.target} over {sample_count} samples"


class _Mind:
    """What is known of one series: the user's object, the last values and the last raw scores."""

    def __init__(self, params: LabParams, found: type, manner: Manner) -> None:
        self._params, self._manner = params, manner
        try:
            self._model = found(**params.settings)
            asked = signature(getattr(self._model, manner))
            # River's supervised scorers are asked about a value given its features.
            needed = [one for one in asked.parameters.values() if one.default is one.empty]
            self._supervised = manner == "score_one" and len(needed) == 2
        except (TypeError, AttributeError, ValueError) as error:
            raise UsageError(
                f"{params.target} cannot be asked with settings {params.settings}: {error}; "
                "give under settings what it needs to be made and to score what it was not fitted on"
            ) from None
        self._points: list[tuple[float, float]] = []
        self._raw: list[float] = []
        self._seen, self._fitted = 0, False

    def answer(self, value: float, timestamp: int) -> tuple[float, float, float, float, int]:
        p = self._params
        change = value - self._points[-1][0] if self._points else 0.0
        history = [point[0] for point in self._points]
        raw = self._asked(value, change, timestamp)
        out = (np.nan, np.nan, np.nan, np.nan, 0)
        if raw is not None and np.isfinite(raw):
            if len(self._raw) >= p.min_points:
                usual = np.median(self._raw)
                spread = 1.4826 * np.median(np.abs(np.array(self._raw) - usual))
                away = max(0.0, raw - float(usual))
                u = min(away / (p.threshold * float(spread)), HIGHEST_STRANGENESS) if spread > 0 else 0.0
                middle = float(np.median(history))
                out = (u, middle, min(history), max(history), len(history))
            self._raw = [*self._raw[-(p.window - 1) :], raw]
        self._points = [*self._points[-(p.window - 1) :], (value, change)]
        self._seen += 1
        return out

    def _asked(self, value: float, change: float, timestamp: int) -> float | None:
        """The raw score, higher is stranger; None while there is none yet."""
        if self._manner == "score":
            said = self._model.score(value, timestamp)
            return None if said is None else float(said)
        if self._manner == "score_one":
            x = {"value": value, "change": change}
            given = [value] if self._supervised else []
            raw = float(self._model.score_one(x, *given))
            self._model.learn_one(x, *given)
            return raw
        p = self._params
        if len(self._points) >= p.min_points and (not self._fitted or self._seen % p.refit_every == 0):
            self._model.fit(np.array(self._points))
            self._fitted = True
        if not self._fitted:
            return None
        raw = float(self._model.decision_function(np.array([[value, change]]))[0])
        # PyOD keeps the scores of what it was fitted on and calls high strange; scikit-learn calls low so.
        return raw if hasattr(self._model, "decision_scores_") else -raw
