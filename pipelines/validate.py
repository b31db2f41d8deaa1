"""``validate``: check a dataset; nothing unvalidated is replayed."""

from __future__ import annotations

import argparse
from pathlib import Path

from titleshot.datasets.contracts.instants import format_instant
from titleshot.datasets.contracts.validation import RuleResult, ValidationReport
from titleshot.datasets.dataset import VALIDATION, Dataset
from titleshot.datasets.identity_check import IdentityCheck, Judged, check_identity
from titleshot.datasets.validation.validate import validate_dataset
from titleshot.datasets.whole_output import whole_file
from titleshot.pipelines.outcome import Outcome, Progress, silent
from titleshot.reports.validation_page import render_validation

_EXAMPLES = 3


def validate(
    dataset: Path | str | Dataset,
    *,
    page: Path | str | None = None,
    docs: Path | str | None = None,
    progress: Progress = silent,
) -> ValidationReport:
    """Run the suites on a dataset and write its ``validation.json``.

    Args:
        dataset: an opened dataset, or its folder.
        page: HTML file to write for a person: one file that asks nothing of the network.
        docs: folder for Great Expectations' Data Docs, which load scripts from outside when looked at.

    Returns:
        The report, passed or not.

    Raises:
        MalformedInput: no dataset there, or a card that cannot be read.
        UsageError: the page cannot be written there.
    """
    opened = dataset if isinstance(dataset, Dataset) else Dataset.open(dataset)
    report = validate_dataset(opened, docs=None if docs is None else Path(docs), progress=progress)
    if page is not None:
        with whole_file(Path(page)) as beside:
            beside.write_text(render_validation(report, opened.card), encoding="utf-8")
    return report


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("dataset", type=Path, metavar="DATASET", help="folder of the dataset")
    parser.add_argument(
        "--page",
        type=Path,
        metavar="FILE.html",
        help="also write a page for a person: one file, asks nothing of the network",
    )
    parser.add_argument(
        "--docs", type=Path, metavar="DIR", help="also write Great Expectations' Data Docs there"
    )
    parser.add_argument(
        "--judged",
        metavar="EVIDENCE",
        help="also say whether it is the dataset that was judged: an evidence folder, a replay log, a file"
        " of score --json, or models:/NAME@ALIAS",
    )


def command(args: argparse.Namespace, progress: Progress) -> Outcome:
    """As the command line asks; exit 1 where a rule that blocks failed or it is not the same."""
    judged = None if args.judged is None else _judged(args.judged, args.home)
    report = validate(args.dataset, page=args.page, docs=args.docs, progress=progress)
    text = _told(args.dataset, report, args.page, args.docs)
    document = report.model_dump(mode="json")
    if judged is None:
        return Outcome(text, document, 0 if report.passed else 1)
    progress("comparing with what was judged", 0, None)
    check = check_identity(Dataset.open(args.dataset), judged)
    document["judged"] = check.model_dump(mode="json")
    return Outcome(f"{text}\n{_compared(check)}", document, 0 if report.passed and check.same else 1)


def _judged(source: str, home: Path) -> Judged:
    from titleshot.pipelines.judged import judged_by  # imported here: it brings the judge, and takes time

    return judged_by(source, home=home)


def _compared(check: IdentityCheck) -> str:
    if check.same:
        head = f"the same dataset as in {check.judged}: digest {check.judged_digest[:12]}"
        if check.labels == "same" and check.labels_as_of is not None:
            head += f", labels as of {format_instant(check.labels_as_of)}"
    else:
        head = f"NOT the dataset of {check.judged}; find that one, or replay and compare again on this"
    return "\n".join(
        [head, *(f"  {one}" for one in check.differences), *(f"  note: {n}" for n in check.notes)]
    )


def _told(dataset: Path, report: ValidationReport, page: Path | None, docs: Path | None) -> str:
    failed = [rule for rule in report.rules if not rule.passed]
    errors = [rule for rule in failed if rule.severity == "error"]
    warnings = [rule for rule in failed if rule.severity == "warning"]
    verdict = (
        "passed"
        if report.passed
        else f"FAILED, {_counted(len(errors), 'rule')} block{'s' if len(errors) == 1 else ''}"
    )
    lines = [f"{dataset}: {verdict}; {len(report.rules)} rules checked, {_counted(len(warnings), 'warning')}"]
    lines += [line for rule in (*errors, *warnings) for line in _rule(rule)]
    own = [threshold.rule for threshold in report.thresholds if threshold.own]
    ranges = [held.metric for held in report.ranges if held.own]
    if own or ranges:
        changed = [f"rules {', '.join(own)}"] * bool(own) + [f"ranges {', '.join(ranges)}"] * bool(ranges)
        lines.append(f"  thresholds of dataset.yaml: {'; '.join(changed)}")
    written = [dataset / VALIDATION, *([page] if page else []), *([docs / "index.html"] if docs else [])]
    lines.append(f"written: {', '.join(str(path) for path in written)}")
    return "\n".join(lines)


def _rule(rule: RuleResult) -> list[str]:
    mark = "blocks " if rule.severity == "error" else "warning"
    count = f", {_counted(rule.rows, 'row')}" if rule.rows else ""
    says, _, way_out = rule.detail.partition("; ")
    lines = [f"  {mark}  {rule.rule} on {rule.table}{count}: {says}"]
    lines += [f"             {example}" for example in rule.examples[:_EXAMPLES]]
    left = max(rule.rows, len(rule.examples)) - _EXAMPLES
    if rule.examples and left > 0:
        lines.append(f"             and {left:,} more")
    lines.append(f"           way out: {way_out}")
    return lines


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
