"""The page of ``validate``: what was asked of the data, what it answered, and what to do about it.

One HTML file that asks nothing of the network; every name from telemetry is data and is escaped. The same
report and card give the same bytes.
"""

from __future__ import annotations

from typing import NamedTuple

from titleshot.datasets.contracts.instants import format_instant
from titleshot.datasets.contracts.validation import RuleResult, Threshold, ValidationReport
from titleshot.datasets.dataset_card import DatasetCard
from titleshot.reports.rendering.day_strips import day_strips
from titleshot.reports.rendering.stage import stage
from titleshot.reports.rendering.wording import counted, day, digest, listed, moment, name, number

_MOST_EXAMPLES = 3
_MOST_REASONS = 100


class Broken(NamedTuple):
    """One broken rule as a row."""

    rule: str
    table: str
    says: str
    way_out: str
    blocks: bool
    rows: str
    examples: tuple[str, ...]
    more: int


class Limit(NamedTuple):
    """One threshold in force."""

    rule: str
    limit: str
    effect: str
    own: bool


class Fact(NamedTuple):
    """One of the short answers at the top."""

    topic: str
    sentence: str
    footing: str


def render_validation(report: ValidationReport, card: DatasetCard, *, title: str | None = None) -> str:
    """A validation report as one HTML page.

    Args:
        card: of the dataset it speaks of; the page says so when its digest is another one.
        title: of the browser's tab and the heading.
    """
    environment, style, script, policy = stage()
    failed = [rule for rule in report.rules if not rule.passed]
    blocking = [rule for rule in failed if rule.severity == "error"]
    tables = list(dict.fromkeys(rule.table for rule in report.rules))
    reasons = [
        (kind, reason, rows)
        for kind, held in sorted(report.quarantined.items())
        for reason, rows in sorted(held.items(), key=lambda item: (-item[1], item[0]))
    ]
    return environment.get_template("validation_page.html").render(
        title=title or f"Is {name(card.name)} fit to judge by?",
        style=style,
        script=script,
        policy=policy,
        kinds=[],
        sections=[
            ("broken", "What to look at"),
            ("days", "Day by day"),
            ("import", "What the import did"),
            ("rules", "Every rule"),
            ("thresholds", "Thresholds"),
            ("identity", "Which data"),
        ],
        report=report,
        stale=report.dataset_digest != card.digest,
        verdict="promote" if report.passed else "reject",
        answer=_answer(report, blocking),
        facts=_facts(report, card, failed, blocking),
        blocking=[_broken(rule) for rule in blocking],
        warning=[
            (table, [_broken(rule) for rule in failed if rule.table == table and rule not in blocking])
            for table in tables
            if any(rule.table == table and rule not in blocking for rule in failed)
        ],
        drawn=day_strips(report),
        reasons=reasons[:_MOST_REASONS],
        reasons_left=max(len(reasons) - _MOST_REASONS, 0),
        most_set_aside=max((rows for _, _, rows in reasons), default=1) or 1,
        by_table=[(table, [rule for rule in report.rules if rule.table == table]) for table in tables],
        limits=[_limit(held) for held in sorted(report.thresholds, key=lambda held: not held.own)],
        ranges=[(held.metric, _between(held.low, held.high), held.own) for held in report.ranges],
        identity=_identity(report, card),
    )


def _answer(report: ValidationReport, blocking: list[RuleResult]) -> str:
    if report.passed:
        return "Yes: it may be replayed"
    return f"No: {counted(len(blocking), 'rule')} {'blocks' if len(blocking) == 1 else 'block'}"


def _facts(
    report: ValidationReport, card: DatasetCard, failed: list[RuleResult], blocking: list[RuleResult]
) -> list[Fact]:
    warnings = len(failed) - len(blocking)
    tables = listed(list(dict.fromkeys(rule.table.replace("_", " ") for rule in failed)), 4)
    aside = sum(rows for held in report.quarantined.values() for rows in held.values())
    kinds = listed([kind.replace("_", " ") for kind in sorted(report.quarantined)], 4)
    return [
        Fact(
            "Rules",
            f"{counted(len(report.rules), 'rule')} asked; {number(len(blocking))} broken that"
            f" {'blocks' if len(blocking) == 1 else 'block'}, {number(warnings)} that"
            f" {'warns' if warnings == 1 else 'warn'}.",
            f"Broken on {tables}." if failed else "",
        ),
        Fact(
            "Samples",
            f"{number(card.rows)} of {counted(card.series, 'series', 'series')}, from {day(card.span_from)}"
            f" to {day(card.span_to - 1)}.",
            f"Usual step {card.cadence_s:g} s." if card.cadence_s else "No usual step that series share.",
        ),
        Fact(
            "Set aside",
            f"{counted(aside, 'row')} of the source broke the contract and {'is' if aside == 1 else 'are'} in"
            " quarantine."
            if aside
            else "No row of the source broke the contract.",
            f"Kinds: {kinds}." if aside else "",
        ),
    ]


def _broken(rule: RuleResult) -> Broken:
    says, _, way_out = rule.detail.partition("; ")
    shown = rule.examples[:_MOST_EXAMPLES]
    return Broken(
        rule=rule.rule,
        table=rule.table,
        says=f"{says[:1].upper()}{says[1:]}",
        way_out=way_out,
        blocks=rule.severity == "error",
        rows=number(rule.rows),
        examples=shown,
        # An example may stand for many rows, so only examples left out promise more.
        more=max(rule.rows, len(rule.examples)) - len(shown) if len(rule.examples) > len(shown) else 0,
    )


def _limit(held: Threshold) -> Limit:
    return Limit(
        held.rule,
        _between(held.min_value, held.max_value) if (held.min_value, held.max_value) != (None, None) else "–",
        "blocks" if held.severity == "error" else "warns",
        held.own,
    )


def _between(low: float | None, high: float | None) -> str:
    match low, high:
        case None, None:
            return "anything"
        case None, _:
            return f"at most {number(high)}"
        case _, None:
            return f"at least {number(low)}"
    return f"{number(low)} to {number(high)}"


def _identity(report: ValidationReport, card: DatasetCard) -> list[tuple[str, str, str | None]]:
    return [
        ("Dataset", card.name, None),
        ("Source", card.source or "–", None),
        ("its digest", digest(report.dataset_digest), report.dataset_digest),
        (
            "Labels digest",
            digest(report.labels_digest) if report.labels_digest else "–",
            report.labels_digest or None,
        ),
        ("Imported", moment(card.created_at), None),
        ("Span", f"{format_instant(card.span_from)} to {format_instant(card.span_to)}", None),
        ("Validated", moment(report.validated_at), None),
    ]
