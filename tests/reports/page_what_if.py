"""What rules would have done, with numbers, gaps and names that are markup."""

from __future__ import annotations

from page_fixture import START

from titleshot.datasets.contracts.instants import DAY, HOUR
from titleshot.datasets.contracts.remediation import Guardrails
from titleshot.datasets.contracts.scores import Score
from titleshot.datasets.contracts.what_if import (
    ActionView,
    GuardrailOutcome,
    LeftOver,
    RuleOutcome,
    Stage,
    WhatIfReport,
)
from titleshot.reports.day_shares import Days
from titleshot.reports.what_if.guarding import ORDER, setting_of

MARKUP = "restart <script>alert(1)</script>"
SPAN = (START, START + 120 * DAY)
NAMES = (
    "action_right_ratio",
    "action_wrong_service_ratio",
    "action_no_incident_ratio",
    "action_maintenance_ratio",
    "action_repeat_ratio",
)


def share(name: str, every: int, undefined: str | None = None) -> Score:
    moments = [START + n * 7 * HOUR for n in range(300)]
    counted = [n % every == 0 for n in range(300)]
    return Days(SPAN, 0.95).share(name, moments, counted, n_of="actions", better=None, undefined=undefined)


def outcome(name: str, stage: Stage, undefined: str | None = None) -> RuleOutcome:
    return RuleOutcome(
        rule=name,
        action="restart",
        actions=300,
        no_target=3,
        reason=None if undefined is None else "the log has no incident candidates",
        per_week=17.5,
        outcomes=None,
        shares=tuple(share(one, place + 2, undefined) for place, one in enumerate(NAMES)),
        callers_known=280 if undefined is None else 0,
        mean_callers=2.5 if undefined is None else None,
        most_callers=7 if undefined is None else None,
        callers_reason=undefined,
        guardrails=tuple(
            GuardrailOutcome(
                guardrail=one,
                setting=setting_of(one, Guardrails(scope=("shop/<b>*",)), True),
                stopped=share("action_stopped_ratio", place + 1),
                right_stopped=None if undefined else 12,
                wrong_stopped=None if undefined else 40,
            )
            for place, one in enumerate(ORDER)
        ),
        left=LeftOver(actions=30, right=share("action_right_ratio", 3, undefined), waits_for_approval=True),
        stage=stage,
        stage_reason="by the interval's lower end 23% of 300 actions behind the guardrails were right",
        worst=(
            ActionView(
                rule=name,
                action=MARKUP,
                at=START + HOUR,
                target="shop/<b>db",
                alerted_service="shop/web",
                event_id="e",
                anomaly_score=0.93,
                outcome="wrong_service",
                labelled_incident="inc-0001 <i>",
                repeated=True,
                callers=4,
                stopped_by=("scoped", "human_approval"),
            ),
        ),
    )


REPORT = WhatIfReport(
    contender="general <b>",
    rule_file=f"{MARKUP} rules",
    rules_digest="0" * 64,
    labels_digest="1" * 64,
    span_from=SPAN[0],
    span_to=SPAN[1],
    weeks=120 / 7,
    days=120,
    confidence=0.95,
    alerts=812,
    rules=(
        outcome(MARKUP, "human_approval"),
        outcome("quiet", "automatic"),
        outcome("blind", "advisory", "no labels were named"),
    ),
)
