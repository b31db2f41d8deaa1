"""``nab``: NAB's profiles over a folder in NAB's layout, for a contender or for published results."""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import UsageError
from titleshot.datasets.replay_log import ReplayLog
from titleshot.detectors.contender import Contender
from titleshot.pipelines.contender_source import contender_from
from titleshot.pipelines.import_ import import_dataset
from titleshot.pipelines.outcome import Outcome, Progress, silent
from titleshot.pipelines.replay import replay
from titleshot.pipelines.validate import validate
from titleshot.reports.literature.nab import (
    F64,
    I64,
    PROFILES,
    NabFile,
    NabScore,
    nab_file,
    nab_score,
    nab_sweep,
)
from titleshot.reports.literature.nab_results import nab_results, nab_times, nab_windows, windows_of

RANDOM_ROUNDS = 20
_SEED = 0


@dataclass(frozen=True)
class NabResult:
    """Scores by profile, and what saying nothing, everything or anything scores on the same rows.

    ``threshold_is`` is ``oracle`` where it was swept over the labels that are scored, ``given`` otherwise.
    """

    of: str
    files: int
    windows: int
    rows: int
    scored_rows: int
    threshold_is: str
    profiles: dict[str, NabScore]
    never: dict[str, float]
    always: dict[str, float]
    random_mean: dict[str, float]
    random_sd: dict[str, float]


def nab(
    source: Path | str,
    *,
    contender: Contender | None = None,
    results: str | None = None,
    threshold: float | None = None,
    progress: Progress = silent,
) -> NabResult:
    """Score a contender's dense scores, or a detector's published ones, by NAB's protocol.

    A contender is replayed over an import of ``data/``; a row it was not given (a repeat, one that came too
    late) or did not score has score 0. ``random`` draws a uniform score for every row, swept like the others,
    in 20 seeded rounds.

    Args:
        source: folder with ``labels/`` and ``data/`` or ``results/``; any selection of NAB's files.
        results: name of a folder below ``results/``.
        threshold: rows with this score or more are detections; left out, the best is swept for each profile.

    Raises:
        UsageError: not exactly one of ``contender`` and ``results``, or no such results.
        MalformedInput: a file or window that cannot be scored; names it.
    """
    if (contender is None) == (results is None):
        raise UsageError("give either --contender FILE or --results DETECTOR")
    if threshold is not None and not math.isfinite(threshold):
        raise UsageError(f"threshold must be a finite number, got {threshold}")
    place = Path(source)
    if contender is not None:
        files, of = _replayed(place, contender, progress), contender.recipe.name
    else:
        files, of = nab_results(place, str(results)), str(results)
    if threshold is None:
        profiles = nab_sweep(files, PROFILES)
    else:
        profiles = {name: nab_score(files, profile, threshold) for name, profile in PROFILES.items()}
    drawn = _random(files, progress)
    return NabResult(
        of=of,
        files=len(files),
        windows=sum(file.windows for file in files),
        rows=sum(file.rows for file in files),
        scored_rows=sum(len(file.scores) for file in files),
        threshold_is="oracle" if threshold is None else "given",
        profiles=profiles,
        never={name: nab_score(files, profile, math.inf).score for name, profile in PROFILES.items()},
        always={name: nab_score(files, profile, -math.inf).score for name, profile in PROFILES.items()},
        random_mean={name: float(np.mean(scores)) for name, scores in drawn.items()},
        random_sd={name: float(np.std(scores, ddof=1)) for name, scores in drawn.items()},
    )


def _replayed(source: Path, contender: Contender, progress: Progress) -> list[NabFile]:
    nab_windows(source)  # what cannot be scored is refused before the work
    nab_times(source)
    with tempfile.TemporaryDirectory(prefix="titleshot-nab-") as scratch:
        dataset = import_dataset(
            format="nab", source=source, dataset=Path(scratch) / "nab", progress=progress
        )
        validate(dataset, progress=progress)
        log = replay(dataset, contender, out=Path(scratch) / "log", scores=True, progress=progress)
        return files_of_log(source, dataset, log)


def files_of_log(source: Path, dataset: Dataset, log: ReplayLog) -> list[NabFile]:
    """NAB's files with the dense scores of a log that was replayed on an import of them."""
    windows, times = nab_windows(source), nab_times(source)
    table = log.table("scores")
    codes, at, said = (table.column(name) for name in ("series", "timestamp", "anomaly_score"))
    by_code, stamps = codes.to_numpy(), at.cast("int64").to_numpy()
    scores = said.fill_null(0.0).to_numpy()
    files = []
    for code, key in enumerate(dataset.series()):
        name = f"{key.service}.csv"
        rows, mine = times[name], by_code == code
        dense = _on_rows(rows, stamps[mine], scores[mine])
        files.append(nab_file(name, rows, dense, windows_of(windows, name)))
    return files


def _on_rows(rows: I64, stamps: I64, scores: F64) -> F64:
    """A score for every row: that of its time where it is the first row of that time, else 0."""
    dense = np.zeros(len(rows))
    _, first = np.unique(rows, return_index=True)
    times, places = np.unique(stamps, return_index=True)
    at = np.searchsorted(times, rows[first])
    known = (at < len(times)) & (times[np.minimum(at, len(times) - 1)] == rows[first])
    dense[first[known]] = scores[places[at[known]]]
    return dense


def _random(files: Sequence[NabFile], progress: Progress) -> dict[str, list[float]]:
    rng = np.random.default_rng(_SEED)
    drawn: dict[str, list[float]] = {name: [] for name in PROFILES}
    for done in range(RANDOM_ROUNDS):
        progress("random detectors", done, RANDOM_ROUNDS)
        chance = [replace(file, scores=rng.random(len(file.scores))) for file in files]
        for name, found in nab_sweep(chance, PROFILES).items():
            drawn[name].append(found.score)
    return drawn


def arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``titleshot nab``."""
    parser.add_argument("source", type=Path, metavar="SOURCE", help="folder in NAB's layout, or a part of it")
    parser.add_argument("--contender", metavar="FILE", help="replay this contender over data/ and score it")
    parser.add_argument("--results", metavar="DETECTOR", help="score published results/DETECTOR/ instead")
    parser.add_argument(
        "--threshold",
        type=float,
        metavar="T",
        help="scores from T on are detections (default: the best of all, an oracle)",
    )


def command(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Run ``titleshot nab``."""
    contender = None if args.contender is None else contender_from(args.contender, home=args.home)
    result = nab(
        args.source,
        contender=contender,
        results=args.results,
        threshold=args.threshold,
        progress=progress,
    )
    document = {**asdict(result), "rounds_of_random": RANDOM_ROUNDS}
    return Outcome(_told(result), document)


def _told(result: NabResult) -> str:
    rows: list[tuple[str, Any]] = [
        (result.of, {name: of.score for name, of in result.profiles.items()}),
        ("never", result.never),
        ("always", result.always),
        ("random", result.random_mean),
    ]
    counts = f"{result.windows} windows, {result.scored_rows:,} of {result.rows:,} rows scored"
    lines = [
        f"{result.of} on {result.files} files, {counts}",
        " " * 20 + "".join(f"{name:>20}" for name in PROFILES),
        *(f"{name[:19]:<20}" + "".join(f"{of[profile]:>20.2f}" for profile in PROFILES) for name, of in rows),
        f"{'threshold':<20}" + "".join(f"{of.threshold:>20.12g}" for of in result.profiles.values()),
    ]
    sd = ", ".join(f"{sd:.2f}" for sd in result.random_sd.values())
    lines.append(f"random: mean of {RANDOM_ROUNDS} rounds, standard deviation {sd}")
    if result.threshold_is == "oracle":
        lines.append("thresholds are oracle: chosen on the labels that are scored; --threshold gives one")
    return "\n".join(lines)
