"""What remediation rules would have done, as rows of tables."""

from __future__ import annotations

from dataclasses import dataclass

from titleshot.datasets.contracts.scores import Score
from titleshot.datasets.contracts.what_if import ActionView, RuleOutcome, WhatIfReport
from titleshot.reports.rendering.strips import ScoreRow, score_rows
from titleshot.reports.rendering.wording import amount, counted, interval, moment, name, number

STAGES = {
    "advisory": ("open", "may only advise"),
    "human_approval": ("open", "may propose, a person approves"),
    "automatic": ("better", "may act behind its guardrails"),
}
"""Tone and words of each stage."""


@dataclass(frozen=True)
class GuardrailRow:
    """What one guardrail, by itself, would have stopped."""

    guardrail: str
    setting: str
    stopped: str
    interval: str
    right: str
    wrong: str


@dataclass(frozen=True)
class ActionRow:
    """One action to look at."""

    at: str
    what: str
    outcome: str
    callers: str
    stopped: str


@dataclass(frozen=True)
class RulePanel:
    """One rule."""

    rule: str
    said: str
    tone: str
    stage: str
    why: str
    reason: str | None
    shares: tuple[ScoreRow, ...]
    callers: str
    guardrails: tuple[GuardrailRow, ...]
    left: str
    worst: tuple[ActionRow, ...]


@dataclass(frozen=True)
class WhatIfPanel:
    """One rule file over one log."""

    title: str
    stale: bool
    """Whether other labels are on this page than those it was asked with."""
    no_labels: bool
    rules: tuple[RulePanel, ...]
    left_out: int


def what_if_panel(report: WhatIfReport, labels_digest: str) -> WhatIfPanel:
    """A report as the page shows it; ``labels_digest`` is of the labels the rest of the page rests on."""
    return WhatIfPanel(
        f"{name(report.rule_file, 60)} over {name(report.contender, 60)}",
        report.labels_digest is not None and report.labels_digest != labels_digest,
        report.labels_digest is None,
        tuple(_panel(rule) for rule in report.rules),
        report.actions_left_out,
    )


def _panel(rule: RuleOutcome) -> RulePanel:
    tone, stage = STAGES[rule.stage]
    rate = "" if rule.per_week is None else f", {number(rule.per_week)} a week"
    nobody = f"; {counted(rule.no_target, 'more time')} nobody was suspected" if rule.no_target else ""
    waits = ", each of which would wait for a person" if rule.left.waits_for_approval else ""
    return RulePanel(
        rule=rule.rule,
        said=f"would have said {name(rule.action, 40)} {counted(rule.actions, 'time')}{rate}{nobody}",
        tone=tone,
        stage=stage,
        why=rule.stage_reason,
        reason=rule.reason,
        shares=tuple(score_rows(rule.shares)),
        callers=f"unknown: {rule.callers_reason}"
        if rule.mean_callers is None
        else f"{number(rule.mean_callers)} services call the target on average, {rule.most_callers} at most",
        guardrails=tuple(
            GuardrailRow(
                one.guardrail.replace("_", " "),
                one.setting,
                share_of(one.stopped),
                interval(one.stopped.low, one.stopped.high, "ratio"),
                number(one.right_stopped),
                number(one.wrong_stopped),
            )
            for one in rule.guardrails
        ),
        left=f"{counted(rule.left.actions, 'action')}{waits}; right: {_right(rule.left.right)}",
        worst=tuple(_row(action) for action in rule.worst),
    )


def share_of(score: Score) -> str:
    """A share with its n, short."""
    return "–" if score.value is None else f"{amount(score.value, 'ratio')} of {score.n:,}"


def _right(score: Score) -> str:
    if score.value is None:
        return f"unknown, {score.reason}"
    return f"{share_of(score)} ({interval(score.low, score.high, 'ratio')})"


def _row(action: ActionView) -> ActionRow:
    by = ", ".join(one.replace("_", " ") for one in action.stopped_by)
    hit = f" ({name(action.labelled_incident, 40)})" if action.labelled_incident else ""
    return ActionRow(
        moment(action.at),
        f"{name(action.action, 40)} {name(action.target, 60)}",
        "unknown" if action.outcome is None else f"{action.outcome.replace('_', ' ')}{hit}",
        number(action.callers),
        by or "nothing",
    )
