"""``report``: one HTML page of an evidence folder, or of a replay log and its labels."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

from titleshot.datasets.contracts.scores import Scorecard
from titleshot.datasets.contracts.thresholds import THRESHOLDS_FILE, ThresholdReport
from titleshot.datasets.contracts.validation import ValidationReport
from titleshot.datasets.contracts.what_if import WHAT_IF_FILE, WhatIfReport
from titleshot.datasets.dataset import VALIDATION, Dataset
from titleshot.datasets.errors import MalformedInput, UsageError
from titleshot.datasets.replay_log import ReplayLog
from titleshot.datasets.whole_output import whole_file
from titleshot.pipelines.argument_types import instant
from titleshot.pipelines.outcome import Outcome, Progress, silent
from titleshot.registry.earlier import earlier_of
from titleshot.registry.evidence import DIGESTS, Evidence, read_evidence
from titleshot.registry.home import Home
from titleshot.reports.page import render_page, render_scorecard
from titleshot.reports.rendering.nights import Night
from titleshot.reports.since_last import Changes, First, Judged, changes


def report(
    source: Path | str,
    *,
    out: Path | str,
    labels: Dataset | Path | str | None = None,
    as_of: int | None = None,
    title: str | None = None,
    night: Night | None = None,
    thresholds: Sequence[Path | str] = (),
    what_ifs: Sequence[Path | str] = (),
    since_last: bool = False,
    home: Path | None = None,
    progress: Progress = silent,
) -> Path:
    """Write the page of a comparison (an evidence folder) or of one contender (a replay log).

    Args:
        source: the folder ``compare`` wrote, or a replay log.
        out: the HTML file; written beside and renamed.
        labels: the dataset whose labels score a log; an evidence folder brings its own.
        as_of: score by the labels known at this moment, nanoseconds UTC; the default is all of them.
        night: when a page breaks sleep; the default is 22:00 to 06:00 UTC.
        thresholds: what the command ``thresholds`` wrote of the log, or of either side of the evidence; the
            default is the one that lies in the log.
        what_ifs: what the command ``what-if`` wrote of the log, or of either side of the evidence; the
            default is the one that lies in the log.
        since_last: say what changed since evidence of the same decision was judged last. It is looked for
            beside the evidence and below the home.
        home: where evidence lies besides.

    Returns:
        Where the page lies.

    Raises:
        UsageError: labels are missing for a log, or given for evidence; a log has no last report.
        MalformedInput: the source is neither, or a part of it breaks its contract.
        IntegrityError: the evidence was changed since it was written.
    """
    folder, hours = Path(source), night or Night()
    progress("reading", 0, 2)
    if (folder / DIGESTS).is_file():
        if labels is not None or as_of is not None:
            raise UsageError(f"{folder} is evidence and brings its labels; leave out --labels and --as-of")
        evidence = read_evidence(folder)
        since = _since(evidence, home) if since_last else None
        sides = evidence.comparison.champion, evidence.comparison.challenger
        progress("drawing", 1, 2)
        page = render_page(
            evidence.comparison,
            evidence.verdict,
            evidence.decision,
            evidence.record.validation,
            title=title,
            night=hours,
            since=since,
            thresholds=_curves(thresholds, sides),
            what_ifs=_asked(what_ifs, sides),
        )
    elif (folder / "log.json").is_file():
        if since_last:
            raise UsageError(f"{folder} is a replay log, which nobody judged; --since-last is for evidence")
        page = _of_log(folder, labels, as_of, title, hours, thresholds, what_ifs, progress)
    else:
        raise MalformedInput(
            f"{folder} is neither evidence ({DIGESTS}) nor a replay log (log.json); "
            "make one with compare or replay"
        )
    target = Path(out)
    with whole_file(target) as beside:
        beside.write_text(page, encoding="utf-8")
    progress("drawing", 2, 2)
    return target


def _since(evidence: Evidence, home: Path | None) -> Changes | First:
    places = [evidence.folder.resolve().parent, *([] if home is None else [Home(home).evidence])]
    earlier, unreadable = earlier_of(evidence, places)
    if earlier is None:
        return First(len(unreadable))
    return changes(
        Judged(earlier.comparison, earlier.verdict),
        Judged(evidence.comparison, evidence.verdict),
        len(unreadable),
    )


def _of_log(
    folder: Path,
    labels: Dataset | Path | str | None,
    as_of: int | None,
    title: str | None,
    night: Night,
    thresholds: Sequence[Path | str],
    what_ifs: Sequence[Path | str],
    progress: Progress,
) -> str:
    if labels is None:
        raise UsageError(f"{folder} is a replay log: name the dataset that scores it with --labels")
    from titleshot.reports.scorecard import score_log

    dataset = labels if isinstance(labels, Dataset) else Dataset.open(labels)
    scorecard = score_log(ReplayLog(folder), dataset, as_of=as_of)
    progress("drawing", 1, 2)
    checked = dataset.path / VALIDATION
    validation = (
        ValidationReport.from_json(checked.read_bytes(), where=str(checked)) if checked.is_file() else None
    )
    inside = folder / THRESHOLDS_FILE
    found = thresholds or ([inside] if inside.is_file() else [])
    curves = _curves(found, (scorecard,))
    kept = folder / WHAT_IF_FILE
    asked = _asked(what_ifs or ([kept] if kept.is_file() else []), (scorecard,))
    return render_scorecard(
        scorecard, validation, title=title, night=night, thresholds=curves, what_ifs=asked
    )


def _asked(files: Sequence[Path | str], cards: Sequence[Scorecard]) -> list[WhatIfReport]:
    """What rules were asked, which must be over logs the page is about."""
    found = []
    for file in files:
        path = Path(file)
        try:
            report = WhatIfReport.from_json(path.read_bytes(), where=str(path))
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror}; make it with titleshot what-if LOG RULES") from None
        if (report.artifact_digest, report.log_dataset_digest) not in {
            (card.identity.artifact_digest, card.identity.dataset_digest) for card in cards
        }:
            raise UsageError(
                f"{path} asks rules over another log ({report.contender}), which this page is not about;"
                " name those of its own contenders, or leave out --what-if"
            )
        found.append(report)
    return found


def _curves(files: Sequence[Path | str], cards: Sequence[Scorecard]) -> list[ThresholdReport]:
    """Curves against threshold, which must be of contenders and data of the page."""
    found = []
    for file in files:
        path = Path(file)
        try:
            curves = ThresholdReport.from_json(path.read_bytes(), where=str(path))
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror}; make it with titleshot thresholds LOG") from None
        who = curves.identity
        if (who.artifact_digest, who.dataset_digest) not in {
            (card.identity.artifact_digest, card.identity.dataset_digest) for card in cards
        }:
            raise UsageError(
                f"{path} has the curves of {who.contender} on {who.dataset}, which this page is not about;"
                " name those of its own contenders, or leave out --thresholds"
            )
        asked, drawn = cards[-1].settings.detect_within_s, curves.settings.detect_within_s
        if asked != drawn:
            raise UsageError(
                f"{path} caps delays at {drawn:g} s, this page at {asked:g} s, so they would not agree; run"
                f" titleshot thresholds with --detect-within-s {asked:g}"
            )
        found.append(curves)
    return found


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("source", type=Path, metavar="EVIDENCE|LOG", help="evidence folder, or replay log")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE.html", help="where to write the page"
    )
    parser.add_argument("--labels", type=Path, metavar="DATASET", help="dataset whose labels score a log")
    parser.add_argument(
        "--as-of", type=instant, metavar="TIME", help="labels as known at this time (ISO 8601 with a zone)"
    )
    parser.add_argument(
        "--thresholds",
        type=Path,
        nargs="+",
        metavar="FILE.json",
        help=f"curves of the log, or of either side of evidence (default: LOG/{THRESHOLDS_FILE}, if there)",
    )
    parser.add_argument(
        "--what-if",
        dest="what_ifs",
        type=Path,
        nargs="+",
        metavar="FILE.json",
        help=f"remediation rules as asked over a log of the page (default: LOG/{WHAT_IF_FILE}, if there)",
    )
    parser.add_argument(
        "--since-last",
        action="store_true",
        help="say what changed since the same decision was judged last (evidence beside it and in HOME)",
    )
    parser.add_argument("--title", metavar="TEXT", help="heading where no decision gives one")
    parser.add_argument(
        "--night",
        default="22-6",
        metavar="FROM-TO",
        help="hours in which pages break sleep (default: 22-6)",
    )
    parser.add_argument(
        "--zone", default="UTC", metavar="ZONE", help="time zone of the people on call (default: UTC)"
    )


def command(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Run ``report`` as the command line asks."""
    written = report(
        args.source,
        out=args.out,
        labels=args.labels,
        as_of=args.as_of,
        title=args.title,
        night=_night(args.night, args.zone),
        since_last=args.since_last,
        home=args.home,
        thresholds=args.thresholds or (),
        what_ifs=args.what_ifs or (),
        progress=progress,
    )
    size = written.stat().st_size
    text = f"written: {written} ({size / 1e6:.1f} MB, one file, asks nothing of the network)"
    return Outcome(text, {"page": str(written), "bytes": size})


def _night(hours: str, zone: str) -> Night:
    match = re.fullmatch(r"(\d{1,2})-(\d{1,2})", hours)
    if match is None:
        raise UsageError(f"--night {hours!r} is not two hours; write them like 22-6")
    return Night(int(match[1]), int(match[2]), zone)
