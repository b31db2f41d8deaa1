"""What rules would have done, as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from titleshot.datasets.contracts.instants import SECOND, format_instant
from titleshot.datasets.contracts.scores import Score
from titleshot.datasets.contracts.what_if import ActionView, GuardrailOutcome, RuleOutcome, WhatIfReport
from titleshot.reports.rendering.wording import amount, counted, interval, number, percent

_SHARES = {
    "action_right_ratio": "on the right service",
    "action_wrong_service_ratio": "on the wrong service",
    "action_no_incident_ratio": "without an incident",
    "action_maintenance_ratio": "during maintenance",
    "action_repeat_ratio": "again too soon",
}


def told(report: WhatIfReport, out: Path) -> str:
    """Every rule: how often, how rightly, and what would have stopped it."""
    until = report.span_to - report.span_to % SECOND
    span = f"{format_instant(report.span_from)} to {format_instant(until)}"
    alerts = counted(report.alerts, "alert")
    lines = [f"{report.rule_file} on {report.contender}, {span}: {alerts}. Nothing was carried out."]
    for rule in report.rules:
        lines += ["", *_rule(rule, report.confidence)]
    lines += ["", *(f"note: {note}" for note in report.notes), f"written: {out}"]
    return "\n".join(lines)


def _rule(rule: RuleOutcome, confidence: float) -> Iterator[str]:
    rate = "" if rule.per_week is None else f", {number(rule.per_week)} a week"
    yield f"{rule.rule}: would have said {rule.action!r} {counted(rule.actions, 'time')}{rate}"
    if rule.reason:
        yield f"  can never act: {rule.reason}"
    if rule.no_target:
        yield f"  {counted(rule.no_target, 'more time')} nobody was suspected, so it had no target"
    for name, words in _SHARES.items():
        yield _line(words, share_words(rule.share(name), confidence))
    yield _line("blast radius", _callers(rule))
    for one in rule.guardrails:
        yield _line(one.guardrail.replace("_", " "), _stopped(one, confidence))
    yield _line("left by guardrails", _left(rule, confidence))
    yield _line("may go as far as", f"{rule.stage.replace('_', ' ')}: {rule.stage_reason}")
    for place, action in enumerate(rule.worst):
        yield _line("" if place else "to look at", _action(action))


def share_words(score: Score, confidence: float) -> str:
    """A share with interval and n, or why there is none."""
    if score.value is None:
        return f"unknown: {score.reason}"
    ends = interval(score.low, score.high, "ratio")
    return f"{amount(score.value, 'ratio')} ({percent(confidence)}: {ends}) of {score.n:,} {score.n_of}"


def _callers(rule: RuleOutcome) -> str:
    if rule.mean_callers is None:
        return f"unknown: {rule.callers_reason}"
    return (
        f"{number(rule.mean_callers)} services call the target on average, {rule.most_callers} at most"
        f" (known for {rule.callers_known:,} of {rule.actions:,} actions)"
    )


def _stopped(one: GuardrailOutcome, confidence: float) -> str:
    text = f"would stop {share_words(one.stopped, confidence)}"
    if one.right_stopped is not None:
        text += f", {one.right_stopped:,} right and {one.wrong_stopped:,} wrong ones among them"
    return f"{text} [{one.setting}]"


def _left(rule: RuleOutcome, confidence: float) -> str:
    left = rule.left
    waits = ", each of which would wait for a person" if left.waits_for_approval else ""
    return f"{counted(left.actions, 'action')}{waits}; right: {share_words(left.right, confidence)}"


def _action(action: ActionView) -> str:
    outcome = "" if action.outcome is None else f", {action.outcome.replace('_', ' ')}"
    labelled = f" ({action.labelled_incident})" if action.labelled_incident else ""
    by = ", ".join(one.replace("_", " ") for one in action.stopped_by)
    held = f"; stopped by {by}" if by else "; nothing would have stopped it"
    return f"{format_instant(action.at)} {action.action} {action.target}{outcome}{labelled}{held}"


def _line(label: str, text: str) -> str:
    return f"  {label:<22}{text}"
