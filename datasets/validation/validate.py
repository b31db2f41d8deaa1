"""Validate a dataset: read it once, let the gate judge what was seen, write down the answer."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from titleshot.datasets.contracts.validation import MOST_EXAMPLES, RuleResult, ValidationReport
from titleshot.datasets.dataset import VALIDATION, Dataset
from titleshot.datasets.errors import MalformedInput, UsageError
from titleshot.datasets.validation.coverage import (
    Ground,
    feedback_frame,
    label_fault_frame,
    label_frame,
    page_frame,
    setting_frame,
)
from titleshot.datasets.validation.event_coverage import log_event_frame, platform_event_frame
from titleshot.datasets.validation.frame import Frame
from titleshot.datasets.validation.import_findings import import_frame
from titleshot.datasets.validation.known_services import KnownServices
from titleshot.datasets.validation.reference_coverage import reference_frames
from titleshot.datasets.validation.report_parts import decisions_of, in_force, periods_of, ranges_in_force
from titleshot.datasets.validation.suite import ROW_COUNT, Suite, load_suite
from titleshot.datasets.validation.summary import dataset_frame, profile_frame, series_frame
from titleshot.datasets.validation.tables_read import TablesRead, Told, kept_rows, read_tables, table_frame
from titleshot.datasets.validation.violations import Violations

if TYPE_CHECKING:
    from titleshot.datasets.validation.gate import GateOutcome


RANGES = "ranges.yaml"
"""Where ranges stood before ``dataset.yaml`` had a place for them."""


def _silent(_what: str, _done: int, _total: int | None = None) -> None:
    pass


def validate_dataset(
    dataset: Dataset, *, docs: Path | None = None, progress: Told = _silent
) -> ValidationReport:
    """Run every suite whose table the dataset has and write ``validation.json`` into its folder.

    Samples are read in one streaming pass; memory is bounded by series and days, not by rows.

    Args:
        docs: folder for Great Expectations' Data Docs.
        progress: told what is being done, how far it is and of how much.

    Returns:
        The report; ``passed`` unless a rule of severity error failed or could not be checked.

    Raises:
        MalformedInput: thresholds stand somewhere else than in ``dataset.yaml``.
    """
    _no_second_place(dataset.path)
    thresholds = dataset.card.validation
    profile_suite = thresholds.over(load_suite("profile"))
    held = read_tables(dataset, profile_suite, progress)
    frames = frames_of(held)
    progress("checking rules", 0, len(frames))
    from titleshot.datasets.validation.gate import gate  # imported here: it takes seconds

    checks = [(frame, thresholds.over(load_suite(frame.table))) for frame in frames]
    outcomes = gate(checks, docs)
    violations = None if held.profile is None else held.profile.violations
    rules = [
        rule_result(outcome, frame, suite, violations)
        for (frame, suite), found in zip(checks, outcomes, strict=True)
        for outcome in found
    ]
    period_days, periods = (1, ()) if held.profile is None else periods_of(held.profile, profile_suite)
    report = ValidationReport(
        passed=all(rule.passed or rule.severity == "warning" for rule in rules),
        dataset_digest=dataset.card.digest,
        labels_digest="" if held.labels is None else held.labels.digest,
        rules=tuple(rules),
        validated_at=time.time_ns(),
        thresholds=in_force(thresholds),
        ranges=ranges_in_force(thresholds),
        period_days=period_days,
        periods=periods,
        quarantined=held.import_report.get("quarantined", {}),
        decisions=decisions_of(held.import_report),
    )
    _write(dataset.path / VALIDATION, report)
    return report


def frames_of(held: TablesRead) -> list[Frame]:
    """Every table there is to judge; one that was left out or cannot be read has no rules of its own."""
    card = held.dataset.card
    frames = [
        table_frame(held),
        dataset_frame(card, held.profile, held.labels, held.changed),
        import_frame(held.dataset, held.import_report, kept_rows(held)),
    ]
    if held.labels is not None:
        frames.append(label_fault_frame(held.labels))
    if held.series is None or held.profile is None:
        return frames
    frames += [profile_frame(held.profile), series_frame(held.profile, card)]
    if held.reference is None:
        return frames
    services = KnownServices(held.series, held.reference)
    frames.append(setting_frame(card, services, {key.metric_name for key in held.series}))
    frames += reference_frames(held.reference, services, card)
    if held.log_events:
        frames.append(log_event_frame(held.log_events, services, card))
    if held.platform_events:
        frames.append(platform_event_frame(held.platform_events, services, card))
    if held.labels is None:
        return frames
    ground = Ground(card, services, held.reference, held.profile)
    if held.labels.incidents:
        frames.append(label_frame(held.labels, ground))
    if held.labels.feedback:
        frames.append(feedback_frame(held.labels, services))
    if held.labels.pages:
        frames.append(page_frame(held.labels, ground))
    return frames


def rule_result(
    outcome: GateOutcome, frame: Frame, suite: Suite, violations: Violations | None
) -> RuleResult:
    """One line of the report. What could not be checked blocks, whatever its severity."""
    rule = suite.rule(outcome.check.rule)
    if outcome.passed:
        return RuleResult(rule=rule.rule, table=suite.table, severity=rule.severity, passed=True)
    if outcome.error:
        return RuleResult(
            rule=rule.rule,
            table=suite.table,
            severity="error",
            passed=False,
            detail=f"could not be checked: {outcome.error}; report this as a fault of titleshot",
        )
    if not outcome.failing and rule.expect != ROW_COUNT:
        # A rule of the table as a whole speaks of all its rows.
        return RuleResult(
            rule=rule.rule,
            table=suite.table,
            severity=rule.severity,
            passed=False,
            rows=frame.rows,
            examples=(f"{outcome.observed} of {frame.rows:,} rows",),
            detail=f"{rule.told}; {rule.way_out}",
        )
    rows = len(outcome.failing)
    if rule.rows is not None:
        rows = int(frame.columns[rule.rows][list(outcome.failing)].sum())
    return RuleResult(
        rule=rule.rule,
        table=suite.table,
        severity=rule.severity,
        passed=False,
        rows=rows,
        examples=_examples(outcome.failing, frame, rule.rule, violations),
        detail=f"{rule.told}; {rule.way_out}",
    )


def _examples(
    failing: Sequence[int], frame: Frame, rule: str, violations: Violations | None
) -> tuple[str, ...]:
    rows = () if violations is None or frame.table != "profile" else violations.examples(rule, MOST_EXAMPLES)
    return rows or tuple(frame.words(at) for at in failing[:MOST_EXAMPLES])


def _no_second_place(folder: Path) -> None:
    if (folder / RANGES).exists():
        raise MalformedInput(
            f"{folder / RANGES} is not read: ranges of metrics stand in dataset.yaml, as `validation:` with"
            " `ranges:` below it; move them there and remove the file"
        )


def _write(path: Path, report: ValidationReport) -> None:
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        beside.write_text(report.to_json() + "\n", encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror}); make the folder writable") from None
    finally:
        beside.unlink(missing_ok=True)
