"""The contender: what competes, is versioned, served and rolled back. One engine, two callers.

Replay pushes blocks of a million records, serving pushes each as it comes; both get the same records.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.incidents import DeadLetter, IncidentCandidate, Page
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.errors import MalformedInput, NotFitted, UsageError
from titleshot.datasets.yaml_file import load_yaml
from titleshot.detectors.alert_policy import AlertPolicy, AlertPolicyParams
from titleshot.detectors.block import KINDS, SAMPLE, AnyRecord, Block
from titleshot.detectors.correlation import Correlation
from titleshot.detectors.detected import Detected, Scores
from titleshot.detectors.detection import Detection
from titleshot.detectors.events import Events
from titleshot.detectors.features.service_health import ServiceHealth
from titleshot.detectors.fitted import Fitted
from titleshot.detectors.invariants import Invariants
from titleshot.detectors.order import REASONS, Dead
from titleshot.detectors.recipe import Recipe, load_recipe
from titleshot.detectors.series import SeriesIndex
from titleshot.detectors.state import pack, unpack


@dataclass(frozen=True)
class Output:
    """What the engine said of one push, in order."""

    events: Events
    incidents: list[IncidentCandidate]
    pages: list[Page]
    dead: Dead
    scores: Scores | None = None
    flushed: bool = False


class Contender:
    """A recipe and, where its parts need them, fitted arrays."""

    def __init__(self, recipe: Recipe, fitted: Fitted | None = None) -> None:
        self.recipe = recipe
        self.fitted = fitted

    @classmethod
    def load(cls, source: Path | str) -> Contender:
        """From a recipe file, the name of a shipped contender, or a folder that ``fit`` or ``register`` made.

        Raises:
            UsageError: nothing there, or a replay log.
            MalformedInput: recipe or fitted arrays break their contract.
        """
        folder = Path(source)
        if (folder / "log.json").is_file():
            raise UsageError(
                f"{folder} is a replay log, no contender: what it says can be scored and compared, and of an"
                " imported page history that is all; name a recipe, a shipped contender or a fitted folder"
            )
        if folder.is_dir():
            recipe = load_yaml(folder / "contender.yaml", Recipe)
            return cls(recipe, Fitted.read(folder, recipe.digest))
        return cls(load_recipe(source))

    @property
    def name(self) -> str:
        return self.recipe.name

    @property
    def artifact_digest(self) -> str:
        """SHA-256 of what is served: the recipe's digest and the fitted arrays."""
        fitted = self.fitted.digest if self.fitted else ""
        return hashlib.sha256(f"{self.recipe.digest}:{fitted}".encode()).hexdigest()

    @property
    def needs_fit(self) -> bool:
        """True where a part of the recipe learns from history."""
        return bool(self._fitted_families)

    @property
    def _fitted_families(self) -> list[str]:
        of_series = {detector.family for detector in self.recipe.make_detectors() if detector.needs_fit}
        return sorted(of_series | {str(selector.detector["family"]) for selector in self.recipe.rows})

    @property
    def memory_s(self) -> float | None:
        """How far back a record can matter: the parts in a row, each with its own memory; None: no bound."""
        firsts = [
            (detector.memory_s, (selector.alert or self.recipe.alert), detector.has_tail)
            for place, selector in enumerate(self.recipe.detectors)
            if selector.detector
            for detector in [self.recipe.make_detector(place)]
        ]
        for selector in self.recipe.rows:
            memory = ServiceHealth(self.recipe.features, tick_s=self.recipe.tick_s).memory_s
            firsts.append((memory, selector.alert or self.recipe.alert, True))
        rules = Invariants(self.recipe.invariants, self.recipe.alert, SeriesIndex(), self.recipe.tick)
        firsts.append((rules.memory_s, AlertPolicyParams(), False))
        tails = self.recipe.tails.memory_s if self.recipe.tails else 0.0
        second = Correlation(self.recipe, SeriesIndex()).memory_s
        spans = [
            None if memory is None else memory + max(AlertPolicy(policy).memory_s, tails if rare else 0.0)
            for memory, policy, rare in firsts
        ]
        if second is None or None in spans:
            return None
        longest = max((span for span in spans if span is not None), default=0.0)
        return longest + second + self.recipe.lateness_s + self.recipe.tick_s

    def check_fitted(self) -> None:
        """Raise NotFitted where parts need fitting and there are no arrays."""
        if self.needs_fit and self.fitted is None:
            raise NotFitted(
                f"contender {self.name!r}: {', '.join(self._fitted_families)} must be fitted first; "
                "run: titleshot fit DATASET CONTENDER --out DIR, and use DIR as the contender"
            )

    def engine(self, *, keep_scores: bool = False) -> Engine:
        """A fresh engine.

        Raises:
            NotFitted: parts need fitting and there are no arrays.
        """
        self.check_fitted()
        return Engine(self, keep_scores=keep_scores)


class Engine:
    """A contender at work on one stream of records."""

    def __init__(self, contender: Contender, *, keep_scores: bool = False) -> None:
        self.contender = contender
        self.series = SeriesIndex()
        self.detection = Detection(contender.recipe, self.series, contender.fitted, keep_scores=keep_scores)
        self.correlation = Correlation(contender.recipe, self.series)

    @property
    def clock(self) -> int:
        """Latest arrival, nanoseconds."""
        return self.detection.clock

    def codes(self, keys: Iterable[SeriesKey]) -> NDArray[np.int32]:
        """Series codes for blocks; new series are added."""
        return np.array([self.series.code(key) for key in keys], np.int32)

    def push(self, block: Block) -> Output:
        """Take in a block in arrival order; what is said does not depend on how the stream is cut."""
        return self.correlate(self.detection.push(block))

    def push_records(self, arrived: Iterable[tuple[int, AnyRecord]]) -> Output:
        """Take in (arrival in ns, record) pairs."""
        return self.push(Block.of_records(self.series, arrived))

    def flush(self) -> Output:
        """The end of a replay: let go what waits and close what is open; every row is marked flushed."""
        return self.correlate(self.detection.flush(), flushed_at=self.clock)

    def correlate(self, detected: Detected, flushed_at: int | None = None) -> Output:
        """The second half for what the first has said; :meth:`push` and :meth:`flush` call it.

        Args:
            flushed_at: engine clock at the end of a replay; what is open is then closed.
        """
        incidents, pages = self.correlation.push(detected.events, detected.marks)
        if flushed_at is None:
            return Output(detected.events, incidents, pages, detected.dead, detected.scores)
        closed = self.correlation.flush(flushed_at)
        mark = {"flushed": True}
        return Output(
            detected.events,
            [record.model_copy(update=mark) for record in [*incidents, *closed.incidents]],
            [record.model_copy(update=mark) for record in [*pages, *closed.pages]],
            detected.dead,
            detected.scores,
            flushed=True,
        )

    def snapshot(self) -> bytes:
        """All state as bytes; :meth:`restore` in any process continues identically."""
        arrays, detection = self.detection.state()
        about = {
            "recipe_digest": self.contender.recipe.digest,
            "series": [list(key) for key in self.series.keys],
            "detection": detection,
            "correlation": self.correlation.state(),
        }
        return pack(arrays, about)

    def restore(self, state: bytes) -> None:
        """Continue from a snapshot of an engine of the same recipe; for a fresh engine.

        Raises:
            MalformedInput: no snapshot, or one of another recipe.
        """
        arrays, about = unpack(state)
        if about["recipe_digest"] != self.contender.recipe.digest:
            raise MalformedInput("snapshot of another recipe; start from the journal instead")
        for key in about["series"]:
            self.series.code(SeriesKey(*key))
        self.detection.load(arrays, about["detection"])
        self.correlation.load(about["correlation"])


def dead_letters(dead: Dead, series: SeriesIndex, *, flushed: bool = False) -> list[DeadLetter]:
    """Dead rows as records, with what they carried."""
    letters = []
    rows = dead.rows
    for i in range(len(rows.codes)):
        kind = int(rows.kinds[i])
        if kind == SAMPLE:
            key = series.keys[rows.codes[i]]
            record: dict[str, Any] = {**key._asdict(), "value": repr(float(rows.values[i]))}
        else:
            payload = dead.payloads.get(int(rows.sequence[i]))
            record = payload.model_dump(mode="json") if payload is not None else {}
        letters.append(
            DeadLetter.model_validate(
                {
                    "reason": REASONS[int(dead.reasons[i])],
                    "kind": KINDS[kind],
                    "timestamp": int(rows.timestamps[i]),
                    "arrived_at": int(rows.arrivals[i]),
                    "record": record,
                    "flushed": flushed,
                }
            )
        )
    return letters
