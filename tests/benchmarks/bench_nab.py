"""NAB's protocol over every threshold: against a plain scorer of the same rules, on a corpus of NAB's size.

Both go from rows, scores and windows to the best score of three profiles, and must agree. The plain scorer
goes row by row and is a sensible one: rows are sorted once, each threshold carries on from the one above it.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from titleshot.pipelines.bench import Clock, Floor, Result, cost_of
from titleshot.pipelines.outcome import Progress
from titleshot.reports.literature.nab import F64, I64, PROFILES, nab_file, nab_sweep

FILES, ROWS, WINDOWS = 58, 6_300, 2
ROUNDS = 5
"""Of ours, which is over too soon to be timed once."""


def bench(scratch: Path, progress: Progress) -> Result:
    """Time each in a process of its own."""
    progress("nab: titleshot", 0, 2)
    ours = cost_of(__file__, "swept")
    progress("nab: row by row", 1, 2)
    plain = cost_of(__file__, "row_by_row")
    if not np.allclose(ours.said, plain.said, rtol=0, atol=1e-9):
        raise AssertionError(f"{ours.said} by titleshot, {plain.said} row by row: not the same")
    return Result(
        ours=ours.cpu_s / ROUNDS,
        reference=plain.cpu_s,
        unit="CPU s for three profiles",
        reference_name="a plain scorer, row by row",
        floors=(Floor("times the plain scorer", plain.cpu_s / ours.cpu_s * ROUNDS, least=10),),
        more={"files": FILES, "rows": FILES * ROWS, "peak_gb": round(ours.peak_bytes / 1e9, 3)},
    )


def swept(clock: Clock) -> list[float]:
    """Ours."""
    corpus = _corpus()
    nab_sweep([nab_file("warm", *corpus[0])], PROFILES)
    with clock:
        for _ in range(ROUNDS):
            files = [nab_file(str(number), *file) for number, file in enumerate(corpus)]
            found = nab_sweep(files, PROFILES)
    return [score.score for score in found.values()]


def row_by_row(clock: Clock) -> list[float]:
    """Loops over rows: what each is worth, then by falling score."""
    corpus = [(times.tolist(), scores.tolist(), windows) for times, scores, windows in _corpus()]
    found = []
    with clock:
        rows = []
        for number, (times, scores, windows) in enumerate(corpus):
            values = _values(times, windows)
            start = int(min(math.floor(0.15 * len(times)), 750))
            for row in range(start, len(times)):
                worth, window = values[row]
                rows.append((scores[row], worth, (number, window) if window >= 0 else None))
        ordered = sorted(rows, key=lambda row: -row[0])
        for profile in PROFILES.values():
            windows_in_all = FILES * WINDOWS
            raw = highest = -windows_in_all * profile.fn
            best: dict[tuple[int, int], float] = {}
            for at, (score, worth, window) in enumerate(ordered):
                if window is None:
                    raw += worth * profile.fp
                else:
                    value, before = worth * profile.tp, best.get(window, -profile.fn)
                    if value > before:
                        raw += value - before
                        best[window] = value
                if at + 1 == len(ordered) or ordered[at + 1][0] != score:
                    highest = max(highest, raw)
            null, perfect = -windows_in_all * profile.fn, windows_in_all * profile.tp
            found.append(100 * (highest - null) / (perfect - null))
    return found


def _sigma(x: float) -> float:
    return -1.0 if x > 3.0 else 2.0 / (1.0 + math.exp(5.0 * x)) - 1.0


def _values(times: list[int], windows: list[tuple[int, int]]) -> list[tuple[float, int]]:
    edges = [(times.index(first), times.index(last)) for first, last in windows]
    values, current = [], -1
    for row in range(len(times)):
        if current + 1 < len(edges) and edges[current + 1][0] == row:
            current += 1
        if current < 0:
            values.append((-1.0, -1))
            continue
        left, right = edges[current]
        width = float(right - left + 1)
        if row <= right:
            values.append((_sigma(-(right - row + 1) / width) / _sigma(-1.0), current))
        else:
            values.append((_sigma((row - right) / (width - 1)), -1))
    return values


def _corpus() -> list[tuple[I64, F64, list[tuple[int, int]]]]:
    rng = np.random.default_rng(7)
    files = []
    for _ in range(FILES):
        starts = [ROWS // 4, ROWS // 2]
        scores = np.round(rng.random(ROWS) ** 4, 6)
        scores[[start + 50 for start in starts]] += rng.random()
        windows = [(start, start + ROWS // 20) for start in starts]
        files.append((np.arange(ROWS), scores, windows))
    return files
