"""NAB's own protocol for ``benchmarks``: swept and label-free, with an interval over files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from titleshot.pipelines.outcome import Progress
from titleshot.reports.literature.nab import PROFILES, NabFile, nab_score, nab_sweep

LABEL_FREE = 0.5
"""``anomaly_score`` from which a contender pages: u / (1 + u) at u = 1."""
BLIND_ROWS = 250
FEWEST_FILES = 5
"""Below it there is no interval over files."""
RESAMPLES = 200
SEED = 7

By = dict[str, float]


@dataclass(frozen=True)
class Protocol:
    """What NAB's scorer says of one detector, by profile.

    Attributes:
        threshold: how it was chosen, in words.
        oracle: it was chosen on the labels that are scored.
        spread: 2.5 % and 97.5 % quantile and standard deviation of the standard profile when files are drawn
            again with replacement; None where there are too few.
    """

    name: str
    threshold: str
    oracle: bool
    scores: By
    spread: tuple[float, float, float] | None


def protocol(
    detectors: Mapping[str, tuple[Sequence[NabFile], float | None]],
    *,
    resamples: int = RESAMPLES,
    progress: Progress,
) -> list[Protocol]:
    """Each detector swept, and at its given threshold; the blind alarm on the same rows last.

    Args:
        detectors: files and, where it has one that needs no labels, a threshold.
    """
    rows = []
    for name, (files, threshold) in detectors.items():
        rows.append(_row(name, "swept, oracle", True, files, swept, resamples, progress))
        if threshold is not None:
            at = f"{threshold:g}, label-free"
            rows.append(_row(name, at, False, files, _at(threshold), resamples, progress))
    if detectors:
        files, _ = next(iter(detectors.values()))
        alarms = [blind(file) for file in files]
        name = f"blind: an alarm every {BLIND_ROWS} rows"
        rows.append(Protocol(name, "swept, oracle", True, swept(alarms, tuple(PROFILES)), None))
    return rows


def blind(file: NabFile) -> NabFile:
    """The same file with an alarm at every 250th row, whatever the values."""
    first = file.rows - len(file.scores)
    return replace(file, scores=((np.arange(len(file.scores)) + first) % BLIND_ROWS == 0).astype(float))


Scorer = Callable[[Sequence[NabFile], Sequence[str]], By]


def swept(files: Sequence[NabFile], profiles: Sequence[str]) -> By:
    """The best of every threshold, for each profile by itself."""
    found = nab_sweep(files, {name: PROFILES[name] for name in profiles})
    return {name: of.score for name, of in found.items()}


def _at(threshold: float) -> Scorer:
    def score(files: Sequence[NabFile], profiles: Sequence[str]) -> By:
        return {name: nab_score(files, PROFILES[name], threshold).score for name in profiles}

    return score


def _row(
    name: str,
    threshold: str,
    oracle: bool,
    files: Sequence[NabFile],
    scorer: Scorer,
    resamples: int,
    progress: Progress,
) -> Protocol:
    drawn = []
    rng = np.random.default_rng(SEED)
    for done in range(resamples if len(files) >= FEWEST_FILES else 0):
        progress(f"NAB's protocol, {name} {threshold}", done, resamples)
        again = [files[place] for place in rng.integers(len(files), size=len(files)).tolist()]
        if any(file.windows for file in again):  # else there is nothing to score
            drawn.append(scorer(again, ("standard",))["standard"])
    spread = None
    if len(drawn) > 1:
        low, high = np.quantile(drawn, (0.025, 0.975)).tolist()
        spread = (low, high, float(np.std(drawn, ddof=1)))
    return Protocol(name, threshold, oracle, scorer(files, tuple(PROFILES)), spread)
