"""``thresholds``: what other thresholds buy and cost, for each detector and for the whole contender."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from titleshot.datasets.contracts.instants import format_instant
from titleshot.datasets.contracts.record import broken
from titleshot.datasets.contracts.thresholds import THRESHOLDS_FILE, ThresholdCurve, ThresholdReport
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import NotFitted, UsageError
from titleshot.datasets.replay_log import ReplayLog
from titleshot.datasets.whole_output import whole_file
from titleshot.detectors.contender import Contender
from titleshot.detectors.recipe import Recipe
from titleshot.pipelines.argument_types import amount, count, instant
from titleshot.pipelines.outcome import Outcome, Progress, silent
from titleshot.pipelines.threshold_alerts import Rescored, rescore
from titleshot.pipelines.threshold_curves import Curves
from titleshot.pipelines.threshold_watches import Watch
from titleshot.pipelines.threshold_words import told
from titleshot.reports.thresholds.spans import Spans, spans_of

FACTORS = tuple(1.5 ** (step / 2) for step in (-4, -2, -1, 0, 1, 2, 3, 4, 6))
"""Of the whole contender: each costs a replay. 2/3 turns a threshold of 3 into 2."""
_FINE = tuple(1.5 ** (step / 4) for step in range(-9, 15))
"""Of each detector alone, 0.4 to 4.1: they cost one pass over the dense scores."""
_MOST_FACTORS = 50


def thresholds(
    log: ReplayLog | Path | str,
    *,
    labels: Dataset | Path | str,
    contender: Contender | Path | str | None = None,
    factors: Sequence[float] | None = None,
    detectors_only: bool = False,
    as_of: int | None = None,
    detect_within_s: float | None = None,
    seed: int = 7,
    resamples: int = 2000,
    confidence: float = 0.95,
    workers: int = 1,
    out: Path | str | None = None,
    progress: Progress = silent,
) -> ThresholdReport:
    """Recall, false pages and delay against threshold, chosen on the tuning span, checked on the scored one.

    A detector's curve comes from the log's dense scores: its alerts at each threshold under its own alert
    policy, each a page. The whole contender's comes from a replay at each factor of all its thresholds
    together, since what an alert does to a correlator cannot be read off a score.

    Args:
        log: made by ``replay --scores``.
        labels: the dataset it was replayed on; where it names no tuning span, every choice is called oracle.
        contender: what was replayed; needed only where it has fitted arrays, which a log does not hold.
        factors: of the thresholds, 1 is always among them; None takes ``FACTORS``, and finer ones for
            detectors.
        detectors_only: leave the replays out.
        out: JSON file to write; ``report`` shows one that lies in the log as ``thresholds.json``.

    Raises:
        UsageError: a page history, no dense scores, or nothing to score in the span.
        InvalidDataset: the log is of other data, or the data was not validated.
        IntegrityError: dataset, scores or log are not what they were.
        NotFitted: the contender has parts that need fitting and was not given.
    """
    opened = log if isinstance(log, ReplayLog) else ReplayLog(Path(log))
    data = labels if isinstance(labels, Dataset) else Dataset.open(labels)
    grid, fine = _grids(factors)
    recipe = _recipe(opened)
    # A place that cannot be written to is told before an hour of replays.
    with nullcontext() if out is None else whole_file(Path(out)) as beside:
        data.unchanged()
        spans = spans_of(
            data,
            opened,
            as_of=as_of,
            detect_within_s=detect_within_s,
            seed=seed,
            resamples=resamples,
            confidence=confidence,
        )
        made = None if detectors_only else _contender(opened, recipe, contender)
        rescored = rescore(opened, data, recipe, fine, progress)
        work = Curves(opened, data, spans, grid, workers, progress)
        curves = [] if made is None else [work.of_contender(made, rescored.watches)]
        for number in range(len(rescored.watches)):
            progress("counting", number, len(rescored.watches))
            curves.append(work.of_detector(rescored, number, made))
        report = _report(opened, spans, rescored, curves)
        if beside is not None:
            beside.write_text(report.to_json() + "\n", encoding="utf-8")
    return report


def _report(
    log: ReplayLog, spans: Spans, rescored: Rescored, curves: Sequence[ThresholdCurve]
) -> ThresholdReport:
    settled = spans.drawn.contestant(log)
    return ThresholdReport(
        identity=settled.identity,
        drawn_on="tuning" if spans.tuned else "scored",
        settings=spans.drawn.settings,
        checked=None if spans.checked is None else spans.checked.settings,
        curves=tuple(curves),
        samples=rescored.samples,
        notes=(*_notes(spans, rescored.watches), *rescored.notes, *spans.drawn.notes, *settled.notes),
    )


def _grids(factors: Sequence[float] | None) -> tuple[list[float], list[float]]:
    if factors is None:
        return sorted(FACTORS), sorted(_FINE)
    if len(set(factors)) > _MOST_FACTORS:
        raise UsageError(f"at most {_MOST_FACTORS} factors, got {len(set(factors))}; each costs a replay")
    for factor in factors:
        if not 0.01 <= factor <= 100:
            raise UsageError(f"a factor must lie between 0.01 and 100 times the threshold, got {factor:g}")
    grid = sorted({1.0, *map(float, factors)})
    return grid, grid


def _recipe(log: ReplayLog) -> Recipe:
    if log.about.get("opaque"):
        raise UsageError(
            f"{log.path} is an imported page history: it has no detector whose threshold could move; name the"
            " log of a replay made with --scores"
        )
    said: Any = log.about.get("recipe")
    if not said:
        raise UsageError(f"{log.path}: log.json names no recipe; replay again with --scores")
    try:
        return Recipe.model_validate(said)
    except ValidationError as error:
        raise broken(error, f"{log.path}/log.json: recipe") from None


def _contender(log: ReplayLog, recipe: Recipe, given: Contender | Path | str | None) -> Contender:
    """What made the log, with its fitted arrays."""
    if given is None:
        made = Contender(recipe)
        if made.needs_fit:
            raise NotFitted(
                f"{log.path} was made by {made.name!r}, which has fitted arrays that no log holds; name the"
                " fitted folder with --contender, or leave the whole contender out with --detectors-only"
            )
        return made
    made = given if isinstance(given, Contender) else Contender.load(given)
    if made.artifact_digest != log.about.get("artifact_digest"):
        raise UsageError(
            f"contender {made.name!r} ({made.artifact_digest[:12]}) is not the one that made {log.path}"
            f" ({str(log.about.get('artifact_digest'))[:12]}); name that one, or replay this with --scores"
        )
    return made


def _notes(spans: Spans, watches: Sequence[Watch]) -> list[str]:
    notes = [
        "a detector's curve takes each alert as a page; the contender's moves all thresholds together",
        "curves and intervals are of one span: of many thresholds tried the best looks better than it is",
    ]
    still = sorted({watch.name for watch in watches if watch.threshold is None})
    if still:
        notes.append(f"without a threshold, so it stays as it is on every curve: {', '.join(still)}")
    if spans.tuned:
        end = format_instant(spans.drawn.settings.span_to)
        notes.append(f"curves are drawn and thresholds chosen on the tuning span, which ends {end}")
    if spans.no_check:
        notes.append(spans.no_check)
    return notes


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("log", type=Path, metavar="LOG", help="replay log with dense scores (replay --scores)")
    add("--labels", type=Path, required=True, metavar="DATASET", help="the dataset it was replayed on")
    add("--contender", metavar="CONTENDER", help="what was replayed, where it was fitted: a folder or model")
    add(
        "--factors",
        type=amount,
        nargs="+",
        metavar="C",
        help="try thresholds times C (default: nine from 0.44 to 3.4, and 24 for each detector)",
    )
    add("--detectors-only", action="store_true", help="leave out the whole contender, which costs replays")
    add("--as-of", type=instant, metavar="TIME", help="labels known at this time (ISO 8601 with a zone)")
    add("--detect-within-s", type=amount, metavar="S", help="after this a page no longer helps")
    add("--confidence", type=float, default=0.95, help="of the intervals (default 0.95)")
    add("--resamples", type=count, default=2000, help="draws of days (default 2000)")
    add("--seed", type=count, default=7, help="each draws others (default 7)")
    add("--workers", type=count, default=1, metavar="N", help="processes (default 1; 0 takes all cores)")
    add("--out", type=Path, metavar="FILE.json", help=f"where to write it (default: LOG/{THRESHOLDS_FILE})")


def command(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Run ``titleshot thresholds``."""
    from titleshot.pipelines.contender_source import contender_from

    out = args.out or args.log / THRESHOLDS_FILE
    report = thresholds(
        args.log,
        labels=args.labels,
        contender=None if args.contender is None else contender_from(args.contender, home=args.home),
        factors=args.factors,
        detectors_only=args.detectors_only,
        as_of=args.as_of,
        detect_within_s=args.detect_within_s,
        seed=args.seed,
        resamples=args.resamples,
        confidence=args.confidence,
        workers=args.workers or os.cpu_count() or 1,
        out=out,
        progress=progress,
    )
    return Outcome(told(report, out), report.model_dump(mode="json"))
