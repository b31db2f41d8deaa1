"""``sensitivity``: how big a planted fault must be for a contender to page, and how long until it does."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from titleshot.datasets.contracts.sensitivity import (
    ContenderSensitivity,
    SensitivityCurve,
    SensitivityReport,
    SizeAt,
)
from titleshot.datasets.contracts.validation import ValidationReport
from titleshot.datasets.dataset import VALIDATION, Dataset
from titleshot.datasets.planting.plan import EVERY_METRIC
from titleshot.datasets.planting.restored import planted_faults, write_restored
from titleshot.datasets.replay_log import ReplayLog
from titleshot.datasets.whole_output import whole_file
from titleshot.detectors.contender import Contender
from titleshot.pipelines.argument_types import amount, count
from titleshot.pipelines.outcome import Outcome, Progress, silent
from titleshot.pipelines.replay import replay
from titleshot.reports.sensitivity import CONFIDENCE, grace_of, sensitivity_of


def sensitivity(
    planted: Dataset | Path | str,
    contenders: Sequence[Contender | Path | str],
    *,
    grace_s: float | None = None,
    confidence: float = CONFIDENCE,
    workers: int = 1,
    out: Path | str | None = None,
    progress: Progress = silent,
) -> SensitivityReport:
    """Replay contenders on a planted copy and on the same data without the faults, and draw the curves.

    The data without the faults is made from the copy, which keeps what it changed, and proven by its digest.
    The replays are made below the folder for temporary files and removed.

    Args:
        planted: a validated dataset that ``plant`` made.
        contenders: what ``replay`` takes; those that need fitting are fitted on the original, not the copy.
        grace_s: seconds after its end in which a page still finds a fault; None is the time in which a page
            helps (``detect_within_s`` of the dataset).
        out: HTML file to write.

    Raises:
        UsageError: nothing was planted, or a number is outside its rule.
        InvalidDataset: the copy is not validated, or was changed since.
        IntegrityError: taking the faults out does not give the dataset it was made from.
    """
    data = planted if isinstance(planted, Dataset) else Dataset.open(Path(planted))
    planted_faults(data)
    grace_of(data, grace_s)
    data.validated()
    chosen = [one if isinstance(one, Contender) else Contender.load(one) for one in contenders]
    for one in chosen:
        one.check_fitted()
    replays: list[tuple[ReplayLog, ReplayLog]] = []
    with tempfile.TemporaryDirectory(prefix="titleshot-sensitivity-") as scratch:
        original = _restored(data, Path(scratch) / "original", progress)
        for number, one in enumerate(chosen, 1):
            logs = []
            for name, source in (("with", data), ("without", original)):
                place = Path(scratch) / f"{number}-{name}"
                told = _renamed(progress, f"{one.name} {name} the faults")
                logs.append(replay(source, one, out=place, workers=workers, progress=told))
            replays.append((logs[0], logs[1]))
        report = sensitivity_of(data, replays, grace_s=grace_s, confidence=confidence)
    if out is not None:
        from titleshot.reports.sensitivity_page import render_sensitivity

        with whole_file(Path(out)) as beside:
            beside.write_text(render_sensitivity(report), encoding="utf-8")
    return report


def _restored(data: Dataset, place: Path, progress: Progress) -> Dataset:
    original = write_restored(
        data, place, told=lambda done: progress("taking the faults out", done, data.card.rows)
    )
    # Only a validated dataset is planted into, and by its digest this is the one that was.
    report = ValidationReport(
        passed=True,
        dataset_digest=original.card.digest,
        labels_digest=original.labels().digest,
        rules=(),
        validated_at=original.card.span_to,
    )
    (place / VALIDATION).write_text(report.to_json() + "\n", encoding="utf-8")
    return original


def _renamed(progress: Progress, name: str) -> Progress:
    def told(what: str, done: int, total: int | None = None) -> None:
        del what
        progress(name, done, total)

    return told


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("dataset", type=Path, metavar="PLANTED", help="a validated copy that titleshot plant made")
    add(
        "contenders",
        nargs="+",
        metavar="CONTENDER",
        help="recipe file, name of a shipped contender, fitted folder, or models:/NAME@ALIAS; several are"
        " drawn side by side",
    )
    add("--out", type=Path, metavar="FILE.html", help="also write the page with every curve")
    add(
        "--grace-s",
        type=amount,
        metavar="S",
        help="seconds after its end in which a page still finds a fault (default: detect_within_s)",
    )
    add(
        "--confidence",
        type=float,
        default=CONFIDENCE,
        metavar="C",
        help=f"of the intervals (default {CONFIDENCE:g})",
    )
    add("--workers", type=count, default=1, metavar="N", help="processes (default 1; 0 takes all cores)")


def command(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Run ``titleshot sensitivity``."""
    from titleshot.pipelines.contender_source import contender_from

    report = sensitivity(
        args.dataset,
        [contender_from(source, home=args.home) for source in args.contenders],
        grace_s=args.grace_s,
        confidence=args.confidence,
        workers=args.workers or os.cpu_count() or 1,
        out=args.out,
        progress=progress,
    )
    return Outcome(_told(report, args.out), report.model_dump(mode="json"))


def _told(report: SensitivityReport, out: Path | None) -> str:
    lines = [
        f"{report.faults:,} faults planted into {report.planted.from_name}",
        f"found: paged about the service until {report.grace_s:g} s after the end, and not without the fault",
        "masked, and not found: the service was paged then without the fault as well",
    ]
    for one in report.contenders:
        lines += ["", *_table(one, report.confidence)]
    lines += ["", *report.notes]
    if out is not None:
        lines.append(f"every service, metric and kind: {out}")
    else:
        lines.append("by service and metric: --out FILE.html or --json")
    return "\n".join(lines)


def _table(one: ContenderSensitivity, confidence: float) -> list[str]:
    kinds = [curve for curve in one.curves if curve.service is None and curve.metric_name is None]
    metrics = [curve for curve in one.curves if curve.kind is None and _of_metric(curve)]
    interval = f"({100 * confidence:.4g} %)"
    header = ["", "n", "found", "masked", "half found at", interval, "nine in ten at", interval, "delay"]
    rows = [header]
    rows += [_row(curve.kind or "all in spreads", curve) for curve in kinds]
    rows += [_row(f"  {curve.metric_name}", curve) for curve in metrics]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    lines = [f"{one.contender}: {one.pages:,} pages with the faults, {one.pages_without:,} without"]
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    return lines


def _of_metric(curve: SensitivityCurve) -> bool:
    # A fault of a whole service has no metric of its own.
    return curve.service is None and curve.metric_name not in {None, EVERY_METRIC}


def _row(name: str, curve: SensitivityCurve) -> list[str]:
    unit = "" if curve.unit == "spread" else " samples"
    delay = "–" if curve.delay_found_s is None else f"{_short(curve.delay_found_s / 60)} min"
    return [
        name,
        str(curve.n),
        str(curve.found),
        str(curve.masked),
        _size(curve.half, curve, unit),
        _interval(curve.half),
        _size(curve.most, curve, unit),
        _interval(curve.most),
        delay,
    ]


def _size(at: SizeAt, curve: SensitivityCurve, unit: str) -> str:
    if at.size is not None:
        return f"{_short(at.size)}{unit}"
    last = curve.points[-1]
    return f"> {last.size:g}{unit}" if last.fitted < at.share else f"< {curve.points[0].size:g}{unit}"


def _interval(at: SizeAt) -> str:
    if at.low is None and at.high is None:
        return ""
    low = "…" if at.low is None else _short(at.low)
    high = "…" if at.high is None else _short(at.high)
    return f"{low} to {high}"


def _short(number: float) -> str:
    return f"{number:.3g}" if number < 1000 else f"{number:,.0f}"
