"""What rules of remediation would have done over a replay log. Nothing of it was carried out."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from titleshot.datasets.contracts.html_table import ShowsItself, html_table, short_interval
from titleshot.datasets.contracts.instants import Instant
from titleshot.datasets.contracts.record import Record, Severity
from titleshot.datasets.contracts.remediation import Guardrail
from titleshot.datasets.contracts.scores import Score

WHAT_IF_FILE = "what-if.json"
ActionOutcome = Literal["right", "wrong_service", "no_incident", "unmatched", "unscored"]
Stage = Literal["advisory", "human_approval", "automatic"]
Count = Annotated[int, Field(ge=0)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ActionView(_Part):
    """One action that would have been taken."""

    rule: str
    action: str
    at: Instant
    """Engine clock at which all conditions first held."""
    target: str
    alerted_service: str
    event_id: str
    anomaly_score: float
    incident_id: str | None = None
    """The candidate the alert was in; None: in none."""
    severity: Severity | None = None
    """As known at that moment."""
    outcome: ActionOutcome | None = None
    """Against labels; None: no labels were named."""
    labelled_incident: str | None = None
    """The labelled incident that was going on about target or alert."""
    in_maintenance: bool | None = None
    """None: no reference data."""
    repeated: bool
    callers: Count | None = None
    """Services that called the target then; None: unknown."""
    stopped_by: tuple[Guardrail, ...] = ()
    """Guardrails that would have stopped it, each by itself."""


class GuardrailOutcome(_Part):
    """What one guardrail, by itself, would have stopped."""

    guardrail: Guardrail
    setting: str
    stopped: Score
    right_stopped: Count | None = None
    """Right actions among them: what the guardrail costs."""
    wrong_stopped: Count | None = None
    """Actions on the wrong service or without an incident among them: what it is for."""


class LeftOver(_Part):
    """Actions that pass every guardrail but approval, one after the other."""

    actions: Count
    right: Score
    waits_for_approval: bool
    """Whether each of them would have waited for a person."""


class RuleOutcome(_Part):
    """One rule over the whole log."""

    rule: str
    action: str
    actions: Count
    no_target: Count = 0
    """Times its conditions held and no hypothesis named a target."""
    reason: str | None = None
    """Why it can never act on this log."""
    per_week: float | None = None
    outcomes: dict[ActionOutcome, Count] | None = None
    """None: no labels were named."""
    shares: tuple[Score, ...]
    """right, wrong service, no incident, in maintenance, repeated; null with a reason where unknown."""
    callers_known: Count = 0
    mean_callers: float | None = None
    most_callers: Count | None = None
    callers_reason: str | None = None
    guardrails: tuple[GuardrailOutcome, ...]
    left: LeftOver
    stage: Stage
    """How far it may go on this evidence."""
    stage_reason: str
    worst: tuple[ActionView, ...] = ()
    """At most five to look at, what guardrails let through first."""

    def share(self, name: str) -> Score:
        """The share of that name; KeyError names those there are."""
        for score in self.shares:
            if score.name == name:
                return score
        raise KeyError(f"no share {name!r}; there are {', '.join(score.name for score in self.shares)}")


class WhatIfReport(ShowsItself, Record):
    """What a rule file would have done over one log; nothing was carried out."""

    contender: str
    artifact_digest: str | None = None
    log_dataset_digest: str | None = None
    """Of the data the log was replayed from."""
    dataset: str | None = None
    """Whose labels and reference data were used; None: none."""
    labels_digest: str | None = None
    labels_as_of: Instant | None = None
    labels_complete: bool | None = None
    rule_file: str
    rules_digest: str
    span_from: Instant
    span_to: Instant
    weeks: float
    days: Count
    confidence: float
    alerts: Count
    rules: tuple[RuleOutcome, ...]
    actions: tuple[ActionView, ...] = ()
    """In the order they would have been taken, at most a thousand."""
    actions_left_out: Count = 0
    notes: tuple[str, ...] = ()

    def _repr_html_(self) -> str:
        header = ["rule", "would have acted", "right", "interval", "wrong service", "interval"]
        header += ["passes guardrails", "may go as far as"]
        rows = [
            [
                *(rule.rule, rule.actions),
                *_in_short(rule.share("action_right_ratio")),
                *_in_short(rule.share("action_wrong_service_ratio")),
                *(rule.left.actions, rule.stage.replace("_", " ")),
            ]
            for rule in self.rules
        ]
        return html_table(f"{self.rule_file} on {self.contender}; nothing was carried out", header, rows)


def _in_short(score: Score) -> tuple[float | None, str]:
    return score.value, short_interval(score.low, score.high)
