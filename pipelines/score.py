"""``score``: what a replay log is worth against labels."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from titleshot.datasets.contracts.html_table import short_interval, short_number
from titleshot.datasets.contracts.instants import format_instant
from titleshot.datasets.contracts.scores import ChanceLevel, Score, Scorecard
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.replay_log import ReplayLog
from titleshot.pipelines.argument_types import amount, count, instant
from titleshot.pipelines.outcome import Outcome, Progress, silent
from titleshot.reports.scorecard import score_log

_BASELINE_SCORES = ("incident_recall", "page_precision", "alarming_precision", "pages_per_week")
_DETECTOR_SCORES = {
    "incident_recall": "recall",
    "page_precision": "precision",
    "alarming_precision": "alarming",
    "mean_time_to_detect_s": "mean delay s",
    "false_pages_per_week": "false a week",
    "pages_contributed_ratio": "share of pages",
    "pages_alone_ratio": "alone",
    "recall_lost_without_it": "recall lost without",
    "false_pages_spared_per_week_without_it": "false a week spared",
}
"""What the terminal shows by detector, and how it heads it; ``--json`` has all, with intervals."""
_METHODS = {
    "whole_weeks": "whole weeks",
    "within_weekday": "weeks of each weekday's own",
    "circular": "steps round the time each service is scored (too short for weeks: weekdays are not kept)",
}


def score(
    log: ReplayLog | Path | str,
    *,
    labels: Dataset | Path | str,
    as_of: int | None = None,
    detect_within_s: float | None = None,
    seed: int = 7,
    resamples: int = 2000,
    confidence: float = 0.95,
    progress: Progress = silent,
) -> Scorecard:
    """Score what a contender paged against what happened.

    Args:
        labels: the dataset the log was replayed on; its labels are what happened.
        as_of: labels known at this moment, nanoseconds UTC; None takes all there are.
        detect_within_s: seconds after which a page no longer helps; None takes the dataset's.
        confidence: of the two-sided intervals, resampled from whole days.

    Raises:
        MalformedInput: no log or no dataset there.
        InvalidDataset: the log was replayed from other data; names the tables that differ.
        IntegrityError: the dataset was changed since it was imported; names the table.
        UsageError: nothing to score in the span.
    """
    opened = log if isinstance(log, ReplayLog) else ReplayLog(Path(log))
    dataset = labels if isinstance(labels, Dataset) else Dataset.open(labels)
    progress("scoring", 0, 1)
    dataset.unchanged()
    card = score_log(
        opened,
        dataset,
        as_of=as_of,
        detect_within_s=detect_within_s,
        seed=seed,
        resamples=resamples,
        confidence=confidence,
    )
    progress("scoring", 1, 1)
    return card


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("log", type=Path, metavar="LOG", help="folder of the replay log")
    parser.add_argument(
        "--labels", type=Path, required=True, metavar="DATASET", help="the dataset it was replayed on"
    )
    parser.add_argument(
        "--as-of", type=instant, metavar="TIME", help="labels known at this time (ISO 8601 with a zone)"
    )
    parser.add_argument(
        "--detect-within-s", type=amount, metavar="S", help="after this a page no longer helps"
    )
    parser.add_argument("--confidence", type=float, default=0.95, help="of the intervals (default 0.95)")
    parser.add_argument("--resamples", type=count, default=2000, help="draws of days (default 2000)")
    parser.add_argument("--seed", type=count, default=7, help="each draws others (default 7)")


def command(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Run ``score`` as the command line asks."""
    card = score(
        args.log,
        labels=args.labels,
        as_of=args.as_of,
        detect_within_s=args.detect_within_s,
        seed=args.seed,
        resamples=args.resamples,
        confidence=args.confidence,
        progress=progress,
    )
    return Outcome(_told(card), card.model_dump(mode="json"))


def _told(card: Scorecard) -> str:
    settings = card.settings
    fates = Counter[str](incident.outcome for incident in card.incidents)
    results = Counter[str](page.outcome for page in card.pages)
    span = f"{format_instant(settings.span_from)} to {format_instant(settings.span_to)}"
    lines = [
        f"{card.identity.contender} on {card.identity.dataset}",
        f"{span}, days scored: {settings.blocks}, labels as of {format_instant(card.identity.labels_as_of)}",
        f"incidents: {_counts(fates)}",
        f"pages: {_counts(results)}",
        "",
        *_table(card),
    ]
    if card.chance is not None:
        lines += ["", _chance(card.chance)]
    for name, scores in card.baselines.items():
        shown = [f"{s.name} {_value(s)}" for s in scores if s.name in _BASELINE_SCORES]
        lines.append(f"{name}: {', '.join(shown)}")
    lines += _sensitivity(card)
    lines += [f"note: {note}" for note in card.notes]
    lines += _by_detector(card)
    lines += _correlation(card)
    return "\n".join(lines)


def _sensitivity(card: Scorecard) -> list[str]:
    if card.sensitivity_reason is not None:
        return [f"sensitivity: null, {card.sensitivity_reason}"]
    lines = []
    for row in card.sensitivity:
        times = "early_s and grace_s" if row.of == "both" else row.of
        said = ", ".join(f"{n} {'–' if v is None else short_number(v)}" for n, v in row.scores.items())
        lines.append(f"with {times} times {row.factor:g}: {said}")
    return lines


def _by_detector(card: Scorecard) -> list[str]:
    about = card.detectors
    if about is None:
        return []
    if about.reason is not None:
        return ["", f"by detector: null, {about.reason}"]
    rows = [["by detector", "alerts", *_DETECTOR_SCORES.values()]]
    for name, scores in card.by_group["detector"].items():
        found = {score.name: score for score in scores}
        cells = [_value(found[score]) if score in found else "" for score in _DETECTOR_SCORES]
        rows.append([name, str(about.watched[name].alerts), *cells])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["", *("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows)]
    for name, watched in about.watched.items():
        lines.append(f"{name} watches {'; '.join(watched.selectors or watched.metrics) or 'nothing known'}")
    return lines + [f"note: {note}" for note in about.notes]


def _correlation(card: Scorecard) -> list[str]:
    found = card.correlation
    if found is None:
        return []
    if found.reason is not None:
        return ["", f"correlation: null, {found.reason}"]
    cut = {score.name for row in found.baselines.values() for score in row}
    scores = (*found.scores, *found.context)
    of_cuts, others = [s for s in scores if s.name in cut], [s for s in scores if s.name not in cut]
    lines = ["", "correlation, beside other cuts of the same alerts; context in brackets"]
    lines += _beside(card, of_cuts, found.baselines)
    lines += ["", "opening, hypotheses and severity, beside naming without knowledge"]
    lines += _beside(card, others, found.hypothesis_baselines)
    return lines + [f"note: {note}" for note in found.notes]


def _beside(card: Scorecard, scores: Sequence[Score], rows: dict[str, tuple[Score, ...]]) -> list[str]:
    """Scores beside what rows without knowledge, and the one with all of it, have of the same."""
    of = {name: {score.name: score for score in row} for name, row in rows.items()}
    heads = ["score", "value", f"{100 * card.settings.confidence:.4g} % interval", "n", *of, ""]
    lines = [heads]
    for score in scores:
        name = score.name if score.better else f"({score.name})"
        said = [name, _value(score), short_interval(score.low, score.high), f"{score.n} {score.n_of}"]
        beside = [_value(row[score.name]) if score.name in row else "" for row in of.values()]
        lines.append([*said, *beside, score.reason or "" if score.value is None else ""])
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    return ["  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in lines]


def _counts(counted: Counter[str]) -> str:
    return ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in counted.most_common()) or "none"


def _table(card: Scorecard) -> list[str]:
    header = ["score", "value", f"{100 * card.settings.confidence:.4g} % interval", "n", "chance", ""]
    rows = [header, *map(_row, card.scores)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    return [_aligned(row, widths) for row in rows]


def _row(score: Score) -> list[str]:
    chance = "" if score.chance is None else short_number(score.chance)
    reason = score.reason if score.reason and (score.value is None or score.unit != "count") else ""
    n = f"{score.n} {score.n_of}"
    return [score.name, _value(score), short_interval(score.low, score.high), n, chance, reason or ""]


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [row[0].ljust(widths[0]), row[1].rjust(widths[1]), row[2].ljust(widths[2])]
    cells += [row[3].ljust(widths[3]), row[4].rjust(widths[4]), row[5]]
    return "  ".join(cells).rstrip()


def _value(score: Score) -> str:
    return "–" if score.value is None else short_number(score.value)


def _chance(level: ChanceLevel) -> str:
    if level.method is None:
        return f"chance: none, {level.reason}"
    return f"chance: the mean over {level.shifts} shifts of the labels by {_METHODS[level.method]}"
