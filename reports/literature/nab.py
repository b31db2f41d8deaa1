"""NAB's scoring protocol: windows, positional weights, one threshold for the whole corpus.

For row i and the last row R of a window of ``width`` rows, sigma(x) = 2 / (1 + exp(5 x)) - 1 and -1 beyond 3:

- in a window a detection is worth sigma(-(R - i + 1) / width) / sigma(-1) * tp, the best of them counts,
- after one it costs sigma((i - R) / (width - 1)) * fp, before the first window -fp,
- a window without a detection costs fn.

The score is 100 (raw - null) / (perfect - null): 0 detects nothing, 100 is every window's first row and
nothing else. Positions are rows, not time. Rows of the probation count nowhere.

Misleads: windows are a tenth of each file, so a blind alarm every 250 rows scores above 0; a threshold swept
over the labels that are scored is an *oracle*, and is called so.

Source: Lavin & Ahmad 2015, arXiv 1510.03336, and the behaviour of its public scorer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.errors import MalformedInput

PROBATION_RATIO, PROBATION_ROWS = 0.15, 750.0
NOTHING = 1.1
"""The threshold that detects nothing."""
_BEYOND = 3.0
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


@dataclass(frozen=True)
class Profile:
    """What a hit, a false detection and a miss weigh."""

    tp: float
    fp: float
    fn: float


PROFILES = {
    "standard": Profile(1.0, 0.11, 1.0),
    "reward_low_FP_rate": Profile(1.0, 0.22, 1.0),
    "reward_low_FN_rate": Profile(1.0, 0.11, 2.0),
}


@dataclass(frozen=True)
class NabFile:
    """One file, its probation left out.

    Attributes:
        scores: float64[n], anomaly score of each row.
        worth: float64[n], sigma of each row: above 0 in a window (1 at its first row), below 0 outside.
        window: int64[n], the window a row is in, -1 where in none.
        windows: how many windows the file has, those within the probation too.
        rows: how many rows the file has, those of the probation too.
    """

    name: str
    scores: F64
    worth: F64
    window: I64
    windows: int
    rows: int


@dataclass(frozen=True)
class NabScore:
    """What one profile says at one threshold."""

    threshold: float
    raw: float
    score: float


def nab_file(name: str, times: I64, scores: F64, windows: Sequence[tuple[int, int]]) -> NabFile:
    """A file ready to be scored.

    Args:
        times: int64[n], the rows' times in the order of the file.
        scores: float64[n].
        windows: first and last time of each, both inclusive, each a row's time.

    Raises:
        MalformedInput: a window whose edge is no row's time or that holds a single row; a score that is no
            number.
    """
    if not np.all(np.isfinite(scores)):
        at = int(np.flatnonzero(~np.isfinite(scores))[0])
        raise MalformedInput(f"{name}: row {at + 1} has score {scores[at]}; every row needs a finite score")
    edges = [_edges(name, times, window) for window in sorted(windows)]
    worth, window = np.full(len(times), -1.0), np.full(len(times), -1)
    for number, (left, right) in enumerate(edges):
        # Until the next window begins: a window that starts while one is open wins from that row on.
        until = edges[number + 1][0] if number + 1 < len(edges) else len(times)
        width = float(right - left + 1)
        # Further away the worth is -1, as it stands there.
        until = min(until, right + math.ceil(_BEYOND * (width - 1)) + 1)
        rows = np.arange(left, until)
        inside = rows <= right
        position = np.where(inside, -(right - rows + 1) / width, (rows - right) / (width - 1))
        worth[left:until] = _sigma(position) / np.where(inside, _sigma(np.array([-1.0]))[0], 1.0)
        window[left:until] = np.where(inside, number, -1)
    start = min(math.floor(PROBATION_RATIO * len(times)), int(PROBATION_ROWS))
    return NabFile(name, scores[start:], worth[start:], window[start:], len(edges), len(times))


def _edges(name: str, times: I64, window: tuple[int, int]) -> tuple[int, int]:
    places = [np.flatnonzero(times == edge) for edge in window]
    for place, edge in zip(places, window, strict=True):
        if not len(place):
            raise MalformedInput(
                f"{name}: window edge {edge} is no row's time; mend the windows of this file"
            )
    left, right = int(places[0][0]), int(places[1][0])
    if right <= left:
        raise MalformedInput(f"{name}: window at row {left + 1} must span two rows or more; widen it")
    return left, right


def _sigma(x: F64) -> F64:
    values: F64 = np.where(x > _BEYOND, -1.0, 2.0 / (1.0 + np.exp(5.0 * np.minimum(x, _BEYOND))) - 1.0)
    return values


def nab_score(files: Sequence[NabFile], profile: Profile, threshold: float) -> NabScore:
    """The score at a threshold: rows with ``score >= threshold`` are detections.

    Raises:
        MalformedInput: no file has a window, so there is nothing to score.
    """
    raw = math.fsum(_raw(file, profile, threshold) for file in files)
    return _scored(files, profile, threshold, raw)


def _raw(file: NabFile, profile: Profile, threshold: float) -> float:
    detected = file.scores >= threshold
    false = file.worth[detected & (file.window < 0)]
    best = np.full(file.windows, -profile.fn)
    hit = detected & (file.window >= 0)
    np.maximum.at(best, file.window[hit], file.worth[hit] * profile.tp)
    return float(np.sum(false * profile.fp) + np.sum(best))


def _scored(files: Sequence[NabFile], profile: Profile, threshold: float, raw: float) -> NabScore:
    windows = sum(file.windows for file in files)
    if not windows:
        raise MalformedInput("none of these files has a window; NAB scores detections of windows")
    nothing, everything = -windows * profile.fn, windows * profile.tp
    return NabScore(threshold, raw, 100 * (raw - nothing) / (everything - nothing))


def nab_sweep(files: Sequence[NabFile], profiles: Mapping[str, Profile]) -> dict[str, NabScore]:
    """The best score of each profile over every threshold: 1.1, then each distinct score, descending.

    One pass over the rows sorted by score; equal scores enter together, and of equal results the highest
    threshold is taken.
    """
    scores, worth, window = (
        np.concatenate([getattr(file, name) for file in files]) for name in ("scores", "worth", "window")
    )
    order = np.argsort(-scores)  # in any order within equal scores
    falling = scores[order]
    last_of_tie = np.append(falling[1:] != falling[:-1], True) if len(falling) else np.zeros(0, np.bool_)
    stays = _by_window(files, scores, window)
    best = {}
    for name, profile in profiles.items():
        gains = worth * profile.fp
        for rows in stays:
            # The best worth of a window so far can only rise.
            so_far = np.maximum.accumulate(np.append(-profile.fn, worth[rows] * profile.tp))
            gains[rows] = np.diff(so_far)
        gained = np.cumsum(gains[order])[last_of_tie]
        nothing = -sum(file.windows for file in files) * profile.fn
        best[name] = _scored(files, profile, NOTHING, nothing)
        if len(gained) and gained.max() > 0:
            threshold = float(falling[last_of_tie][np.argmax(gained)])
            found = nab_score(files, profile, threshold)
            best[name] = found if found.raw > nothing else best[name]
    return best


def _by_window(files: Sequence[NabFile], scores: F64, window: I64) -> list[NDArray[np.intp]]:
    """The rows of each window of the corpus, by falling score."""
    found, start = [], 0
    for file in files:
        inside = np.flatnonzero(file.window >= 0) + start
        for number in range(file.windows):
            rows = inside[window[inside] == number]
            found.append(rows[np.argsort(-scores[rows], kind="stable")])
        start += len(file.scores)
    return found
