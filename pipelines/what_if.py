"""``what-if``: what rules of remediation would have done over a replay log. Nothing is ever carried out."""

from __future__ import annotations

import argparse
import hashlib
from contextlib import nullcontext
from pathlib import Path

from titleshot.datasets.contracts.instants import WEEK
from titleshot.datasets.contracts.record import canonical_json
from titleshot.datasets.contracts.remediation import RuleFile
from titleshot.datasets.contracts.what_if import WHAT_IF_FILE, WhatIfReport
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import UsageError
from titleshot.datasets.log_about import span_of
from titleshot.datasets.replay_log import ReplayLog
from titleshot.datasets.whole_output import whole_file
from titleshot.datasets.yaml_file import load_yaml
from titleshot.pipelines.argument_types import instant
from titleshot.pipelines.outcome import Outcome, Progress, silent
from titleshot.pipelines.what_if_words import told
from titleshot.reports.terms import Terms
from titleshot.reports.what_if.heard import Hearing
from titleshot.reports.what_if.scored import what_if_of

CONFIDENCE = 0.95
MOST_ACTIONS = 1000
"""Actions a report keeps one by one."""


def what_if(
    log: ReplayLog | Path | str,
    rules: RuleFile | Path | str,
    *,
    labels: Dataset | Path | str | None = None,
    as_of: int | None = None,
    confidence: float = CONFIDENCE,
    out: Path | str | None = None,
    progress: Progress = silent,
) -> WhatIfReport:
    """Ask rules what they would have done, how rightly, and which guardrail would have stopped it.

    Args:
        log: what a contender said.
        rules: a rule file, checked against its schema; only read, its actions are words.
        labels: the dataset the log was replayed on: labels, calls and maintenance. None: what rests on them
            is null with the reason.
        as_of: labels known at this moment, nanoseconds UTC; None takes all there are.
        confidence: of two-sided intervals.
        out: JSON file to write; ``report`` shows one that lies in the log as ``what-if.json``.

    Raises:
        MalformedInput: log, rule file or dataset breaks its contract; names file, line and field.
        InvalidDataset: the log was replayed from other data.
        UsageError: the log holds pages only, so no rule has anything to go by.
    """
    said = log if isinstance(log, ReplayLog) else ReplayLog(Path(log))
    asked = rules if isinstance(rules, RuleFile) else load_yaml(Path(rules), RuleFile)
    if said.about.get("opaque"):
        raise UsageError(
            f"{said.path} is an imported page history, without events for a rule to go by; name a replay log"
        )
    if as_of is not None and labels is None:
        raise UsageError("--as-of is about labels; name their dataset with --labels")
    if not 0.5 < confidence < 1:
        raise UsageError(f"confidence must lie between 0.5 and 1, got {confidence:g}")
    with nullcontext() if out is None else whole_file(Path(out)) as beside:
        progress("asking", 0, 2)
        data = Dataset.open(labels) if isinstance(labels, Path | str) else labels
        terms = None if data is None else Terms.of(data, [said], as_of=as_of, confidence=confidence)
        if terms is not None:
            terms.contestant(said)  # refuses a log of other data
        hearing = Hearing.of(said)
        span = _span(said, hearing)
        progress("asking", 1, 2)
        found = what_if_of(hearing, asked, terms, span, confidence)
        views = [one.view() for one in found.told[:MOST_ACTIONS]]
        report = WhatIfReport(
            contender=str(said.about.get("contender") or said.path.name),
            artifact_digest=said.about.get("artifact_digest"),
            log_dataset_digest=(said.about.get("dataset") or {}).get("digest"),
            dataset=None if data is None else data.card.name,
            labels_digest=None if terms is None else terms.labels.digest,
            labels_as_of=None if terms is None else terms.labels.as_of,
            labels_complete=None if terms is None else terms.rules.labels_complete,
            rule_file=asked.name,
            rules_digest=hashlib.sha256(canonical_json(asked.model_dump(mode="json")).encode()).hexdigest(),
            span_from=span[0],
            span_to=span[1],
            weeks=(span[1] - span[0]) / WEEK,
            days=found.days,
            confidence=confidence,
            alerts=found.alerts,
            rules=found.rules,
            actions=tuple(views),
            actions_left_out=len(found.told) - len(views),
            notes=() if terms is None else terms.notes,
        )
        if beside is not None:
            beside.write_text(report.to_json(), encoding="utf-8")
        progress("asking", 2, 2)
    return report


def _span(log: ReplayLog, hearing: Hearing) -> tuple[int, int]:
    """What ``log.json`` says; of a log that says nothing, from the first alert to the last."""
    start, end = span_of(log.about)
    times = [alert.at for alert in hearing.alerts] or [0]
    first = min(times) if start is None else start
    return first, max(max(times) + 1 if end is None else end, first + 1)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``titleshot what-if``."""
    parser.add_argument("log", metavar="LOG", type=Path, help="replay log")
    parser.add_argument("rules", metavar="RULES", type=Path, help="YAML file of remediation rules")
    parser.add_argument(
        "--labels",
        type=Path,
        metavar="DATASET",
        help="the dataset it was replayed on: what was right, who calls whom, maintenance",
    )
    parser.add_argument("--as-of", type=instant, metavar="TIME", help="labels known at this time")
    parser.add_argument(
        "--confidence", type=float, default=CONFIDENCE, help=f"of the intervals (default {CONFIDENCE:g})"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE.json", help=f"where to write it (default: LOG/{WHAT_IF_FILE})"
    )


def command(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Run ``titleshot what-if``."""
    out = args.out or args.log / WHAT_IF_FILE
    log = ReplayLog(args.log)
    report = what_if(
        log,
        args.rules,
        labels=args.labels,
        as_of=args.as_of,
        confidence=args.confidence,
        out=out,
        progress=progress,
    )
    return Outcome(told(report, out), report.model_dump(mode="json"))
