"""``fit``: learn what a recipe's parts need from history, and from when on it may be used."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.instants import SECOND, format_instant
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.contracts.reference import Maintenance, PlannedChange, ReferenceRow
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import UsageError
from titleshot.datasets.planting.traces import refuse_planted
from titleshot.datasets.whole_output import whole_folder
from titleshot.detectors.contender import Contender
from titleshot.detectors.fitted import Fitted
from titleshot.detectors.label_report import in_words, label_reports
from titleshot.detectors.recipe import RowSelector
from titleshot.detectors.row_detector import History
from titleshot.detectors.row_families import row_detector_of
from titleshot.detectors.series import SeriesIndex
from titleshot.pipelines import row_history
from titleshot.pipelines.argument_types import amount, instant
from titleshot.pipelines.outcome import Outcome, Progress, silent


def fit(
    dataset: Dataset | Path | str,
    contender: Contender | Path | str,
    *,
    out: Path | str,
    cutoff: int | None = None,
    every_s: float | None = None,
    progress: Progress = silent,
) -> Contender:
    """Fit a contender on what had arrived by a cutoff and write it as a folder.

    A set fitted at a cutoff is valid from the cutoff plus the recipe's ``fit_delay_s`` on: no sample is ever
    scored with arrays that saw it, or that production could not have had yet.

    Args:
        cutoff: nanoseconds UTC; the default is the end of the data, good for production but not for replay.
        every_s: also fit again every so many seconds from the cutoff to the end of the data.

    Raises:
        UsageError: nothing had arrived by the cutoff, or the dataset has planted faults.
    """
    data = dataset if isinstance(dataset, Dataset) else Dataset.open(Path(dataset))
    chosen = contender if isinstance(contender, Contender) else Contender.load(contender)
    # What is fitted can be registered: it must not have learnt from faults that never were.
    refuse_planted(data, "fit")
    data.validated()
    recipe = chosen.recipe
    series = SeriesIndex(data.series())
    places = [p for p, s in enumerate(recipe.detectors) if s.detector and recipe.make_detector(p).needs_fit]
    watchers = [recipe.watchers(key) for key in series.keys]
    over_rows = list(enumerate(recipe.rows, len(recipe.detectors)))
    cutoffs = _cutoffs(data, cutoff, every_s) if places or over_rows else []
    sets: list[dict[int, dict[str, NDArray[Any]]]] = []
    for number, moment in enumerate(cutoffs):
        learnt = {}
        if over_rows:
            rows = row_history.history(data, recipe, moment)
            for place, selector in over_rows:
                learnt[place] = row_detector_of(selector.detector).fit(_seen_by(selector, rows))
        codes, timestamps, values = _history(data, moment)
        keep = ~_planned(data.reference(), series, codes, timestamps, moment)
        for place in places:
            mine = np.array([place in watching for watching in watchers], np.bool_)[codes]
            learnt[place] = recipe.make_detector(place).fit(
                series.keys, codes[mine], timestamps[mine], values[mine], keep[mine]
            )
        sets.append(learnt)
        progress("fitting", number + 1, len(cutoffs))
    delay = round(recipe.fit_delay_s * SECOND)
    fitted = Fitted([moment + delay for moment in cutoffs], sets) if cutoffs else None
    _write(chosen, fitted, Path(out))
    return Contender.load(Path(out))


def _seen_by(selector: RowSelector, history: History) -> History:
    """The rows of services a selector sees."""
    keys = [SeriesKey(*name.partition("/")[::2], "service_health") for name in history.service_names]
    sees = np.array([selector.match.fits(key, {}) for key in keys], np.bool_)[history.rows.services]
    rows = history.rows.take(sees)
    return history._replace(
        rows=rows,
        faulty=history.faulty[sees],
        incident=history.incident[sees],
        judged=history.judged[sees],
        trusted=history.trusted[sees],
    )


def _cutoffs(data: Dataset, cutoff: int | None, every_s: float | None) -> list[int]:
    first = data.card.span_to if cutoff is None else cutoff
    if first <= data.card.span_from:
        raise UsageError(
            f"cutoff {format_instant(first)} lies before the first sample"
            f" ({format_instant(data.card.span_from)}); choose a later --cutoff"
        )
    if every_s is None:
        return [first]
    step = round(every_s * SECOND)
    if step < 3600 * SECOND:
        raise UsageError(f"every_s must be at least 3600 (an hour), got {every_s:g}")
    return list(range(first, max(data.card.span_to, first + 1), step))


def _history(data: Dataset, cutoff: int) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.float64]]:
    """Samples that had arrived by the cutoff, by timestamp, the first arrival of each kept."""
    parts = list(_arrived(data, cutoff))
    if not parts:
        raise UsageError(f"nothing had arrived by {format_instant(cutoff)}; choose a later --cutoff")
    codes, timestamps, values = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.lexsort((codes, timestamps))
    codes, timestamps, values = codes[order], timestamps[order], values[order]
    first = np.ones(len(codes), np.bool_)
    first[1:] = (codes[1:] != codes[:-1]) | (timestamps[1:] != timestamps[:-1])
    return codes[first], timestamps[first], values[first]


def _arrived(data: Dataset, cutoff: int) -> Iterator[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]]:
    for block in data.blocks(to=cutoff):
        known = block.arrivals < cutoff
        if known.any():
            yield block.codes[known], block.timestamps[known], block.values[known]


def _planned(
    reference: list[ReferenceRow],
    series: SeriesIndex,
    codes: NDArray[np.int32],
    timestamps: NDArray[np.int64],
    cutoff: int,
) -> NDArray[np.bool_]:
    """Samples within maintenance or a planned change that was known by the cutoff."""
    out = np.zeros(len(codes), np.bool_)
    services = np.array(series.services)
    for row in reference:
        if isinstance(row, Maintenance | PlannedChange) and row.known_from < cutoff:
            within = timestamps >= row.valid_from
            if row.valid_to is not None:
                within &= timestamps < row.valid_to
            out |= within & (services == row.service)[codes]
    return out


def _write(contender: Contender, fitted: Fitted | None, out: Path) -> None:
    files = fitted.files(contender.recipe.digest) if fitted else {}
    with whole_folder(out, mark="contender.yaml", what="a contender") as beside:
        for name, content in {"contender.yaml": contender.recipe.to_yaml().encode(), **files}.items():
            path = beside / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``titleshot fit``."""
    parser.add_argument("dataset", type=Path, metavar="DATASET", help="a validated dataset")
    parser.add_argument("contender", metavar="CONTENDER", help="recipe file or name of a shipped contender")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder for the fitted contender"
    )
    parser.add_argument("--cutoff", type=instant, metavar="TIME", help="learn from what had arrived by then")
    parser.add_argument(
        "--every-days", type=amount, metavar="D", help="and again every D days until the data ends"
    )


def command(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Run ``titleshot fit``."""
    every_s = args.every_days * 86_400 if args.every_days else None
    made = fit(
        args.dataset, args.contender, out=args.out, cutoff=args.cutoff, every_s=every_s, progress=progress
    )
    moments = [format_instant(moment) for moment in made.fitted.valid_from.tolist()] if made.fitted else []
    learnt = f"{len(moments)} set(s), valid from {', '.join(moments)}" if moments else "nothing to learn"
    labels = label_reports(made)
    lines = [f"{made.name}: {learnt}", *(line for report in labels.values() for line in in_words(report))]
    document = {
        "contender": str(args.out),
        "artifact_digest": made.artifact_digest,
        "valid_from": moments,
        "labels": labels,
    }
    return Outcome("\n".join([*lines, f"contender: {args.out}"]), document)
