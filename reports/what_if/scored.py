"""What rules would have done over a replay log: how often, on whom, how rightly, and what would stop them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from titleshot.datasets.contracts.instants import SECOND, WEEK
from titleshot.datasets.contracts.remediation import Guardrail, Guardrails, Rule, RuleFile
from titleshot.datasets.contracts.scores import Score
from titleshot.datasets.contracts.what_if import (
    ActionView,
    GuardrailOutcome,
    LeftOver,
    RuleOutcome,
    Stage,
)
from titleshot.reports.day_shares import Days
from titleshot.reports.terms import Terms
from titleshot.reports.what_if.acting import Action, act
from titleshot.reports.what_if.guarding import ORDER, passing, setting_of, stopped_by
from titleshot.reports.what_if.heard import Hearing
from titleshot.reports.what_if.judged import Fate, fates

WORST = 5
NO_LABELS = "no labels were named; name their dataset with --labels"
NO_INCIDENTS = (
    "it asks for what an incident knows, and the log has no incident candidates; replay a contender with a"
    " correlator, or match on score, metric and service"
)
_SCORED = "actions in scored time"
_BAD = {"wrong_service", "no_incident", "unmatched"}


@dataclass(frozen=True)
class Told:
    """One action with all that is known of it."""

    action: Action
    fate: Fate
    repeated: bool
    stopped: tuple[Guardrail, ...]
    passes: bool

    def view(self) -> ActionView:
        """As the report has it."""
        action, alert, standing = self.action, self.action.alert, self.action.standing
        return ActionView(
            rule=action.rule.name,
            action=action.rule.action,
            at=action.at,
            target=action.target,
            alerted_service=alert.service,
            event_id=alert.event_id,
            anomaly_score=alert.score,
            incident_id=alert.incident,
            severity=None if standing is None else standing.severity,
            outcome=self.fate.outcome,
            labelled_incident=self.fate.labelled,
            in_maintenance=self.fate.in_maintenance,
            repeated=self.repeated,
            callers=self.fate.callers,
            stopped_by=self.stopped,
        )


@dataclass(frozen=True)
class WhatIf:
    """Every rule asked over one log."""

    rules: tuple[RuleOutcome, ...]
    told: list[Told]
    alerts: int
    days: int


def what_if_of(
    hearing: Hearing, asked: RuleFile, terms: Terms | None, span: tuple[int, int], confidence: float
) -> WhatIf:
    """Ask every rule of a file over what a log said; carries nothing out.

    Args:
        terms: labels and reference data; None: neither was named.
        span: of the log [from, to), nanoseconds UTC.
    """
    acted = {rule.name: act(rule, hearing) for rule in asked.rules}
    actions = sorted(
        (action for one in acted.values() for action in one.actions),
        key=lambda action: (action.at, action.rule.name, action.alert.event_id),
    )
    told = _told(actions, asked, terms)
    days = Days(span, confidence)
    outcomes = tuple(
        _outcome(
            rule,
            [one for one in told if one.action.rule.name == rule.name],
            acted[rule.name].no_target,
            rule.guardrails or asked.guardrails,
            asked,
            days,
            (span[1] - span[0]) / WEEK,
            terms,
            None if hearing.standings or not _asks_incident(rule) else NO_INCIDENTS,
        )
        for rule in asked.rules
    )
    return WhatIf(outcomes, told, len(hearing.alerts), days.count)


def _asks_incident(rule: Rule) -> bool:
    return rule.when.asks_incident or rule.on == "incident" or rule.target == "hypothesis"


def _told(actions: list[Action], asked: RuleFile, terms: Terms | None) -> list[Told]:
    def canonical(name: str, at: int) -> str:
        return name if terms is None else terms.reference.canonical(name, at)

    def rails(action: Action) -> Guardrails:
        return action.rule.guardrails or asked.guardrails

    judged = fates(actions, terms)
    stopped = stopped_by(actions, judged, rails, canonical)
    passes = passing(actions, stopped, rails, canonical)
    last: dict[str, int] = {}
    repeated = []
    for action in actions:
        target = canonical(action.target, action.at)
        before = last.get(target)
        repeated.append(before is not None and action.at - before < asked.repeat_within_s * SECOND)
        last[target] = action.at
    return [Told(*all_of) for all_of in zip(actions, judged, repeated, stopped, passes, strict=True)]


def _outcome(
    rule: Rule,
    told: list[Told],
    no_target: int,
    rails: Guardrails,
    asked: RuleFile,
    days: Days,
    weeks: float,
    terms: Terms | None,
    reason: str | None,
) -> RuleOutcome:
    callers = [one.fate.callers for one in told if one.fate.callers is not None]
    left = _left([one for one in told if one.passes], rails, days, terms)
    stage, why = _stage(rule, left, asked)
    return RuleOutcome(
        rule=rule.name,
        action=rule.action,
        actions=len(told),
        no_target=no_target,
        reason=reason,
        per_week=len(told) / weeks if weeks > 0 else None,
        outcomes=None
        if terms is None
        else dict(sorted(Counter(one.fate.outcome for one in told if one.fate.outcome).items())),
        shares=_shares(told, days, terms),
        callers_known=len(callers),
        mean_callers=sum(callers) / len(callers) if callers else None,
        most_callers=max(callers, default=None),
        callers_reason=None if callers else _no_callers(told, terms),
        guardrails=tuple(_guardrail(name, told, rails, rule, days, terms) for name in ORDER),
        left=left,
        stage=stage,
        stage_reason=why,
        worst=tuple(one.view() for one in _worst(told)),
    )


def _no_callers(told: list[Told], terms: Terms | None) -> str:
    if terms is None:
        return "no calls are known; name a dataset with --labels"
    return "no call of or to any target was known then" if told else "no action"


def _shares(told: list[Told], days: Days, terms: Terms | None) -> tuple[Score, ...]:
    scored = [one for one in told if one.fate.outcome not in {None, "unscored"}]
    moments = [one.action.at for one in scored]
    nobody = NO_LABELS if terms is None else None
    partial = (
        "labels are not declared complete, so an action without a label may still be right"
        if terms is not None and not terms.rules.labels_complete
        else nobody
    )
    every = [one.action.at for one in told]
    return (
        days.share(
            "action_right_ratio",
            moments,
            [one.fate.outcome == "right" for one in scored],
            n_of=_SCORED,
            better="up",
            undefined=nobody,
        ),
        days.share(
            "action_wrong_service_ratio",
            moments,
            [one.fate.outcome == "wrong_service" for one in scored],
            n_of=_SCORED,
            better="down",
            undefined=nobody,
        ),
        days.share(
            "action_no_incident_ratio",
            moments,
            [one.fate.outcome == "no_incident" for one in scored],
            n_of=_SCORED,
            better="down",
            undefined=partial,
        ),
        days.share(
            "action_maintenance_ratio",
            every,
            [bool(one.fate.in_maintenance) for one in told],
            n_of="actions",
            better="down",
            undefined=None if terms is not None else "maintenance is not known; name a dataset with --labels",
        ),
        days.share(
            "action_repeat_ratio", every, [one.repeated for one in told], n_of="actions", better="down"
        ),
    )


def _guardrail(
    name: Guardrail, told: list[Told], rails: Guardrails, rule: Rule, days: Days, terms: Terms | None
) -> GuardrailOutcome:
    stopped = [name in one.stopped for one in told]
    fates_of = [one.fate.outcome for one, held in zip(told, stopped, strict=True) if held]
    return GuardrailOutcome(
        guardrail=name,
        setting=setting_of(name, rails, rule.reversible),
        stopped=days.share(
            "action_stopped_ratio", [one.action.at for one in told], stopped, n_of="actions", better=None
        ),
        right_stopped=None if terms is None else fates_of.count("right"),
        wrong_stopped=None if terms is None else sum(fate in _BAD for fate in fates_of),
    )


def _left(passed: list[Told], rails: Guardrails, days: Days, terms: Terms | None) -> LeftOver:
    scored = [one for one in passed if one.fate.outcome not in {None, "unscored"}]
    right = days.share(
        "action_right_ratio",
        [one.action.at for one in scored],
        [one.fate.outcome == "right" for one in scored],
        n_of=_SCORED,
        better="up",
        undefined=NO_LABELS if terms is None else None,
    )
    return LeftOver(actions=len(passed), right=right, waits_for_approval=rails.human_approval)


def _stage(rule: Rule, left: LeftOver, asked: RuleFile) -> tuple[Stage, str]:
    right = left.right
    if right.low is None:
        return "advisory", f"how right it is cannot be said: {right.reason}"
    said = (
        f"by the interval's lower end {right.low:.0%} of {right.n} actions behind the guardrails were right"
    )
    if right.low >= asked.correct_at_least and rule.reversible:
        return "automatic", f"{said}, {asked.correct_at_least:.0%} asked, and it can be taken back"
    if right.low >= 0.5:
        short = (
            f"{asked.correct_at_least:.0%} would be asked to act alone"
            if right.low < asked.correct_at_least
            else "but it cannot be taken back"
        )
        return "human_approval", f"{said}; {short}"
    return "advisory", f"{said}; half would be asked to propose it to a person"


def _worst(told: Sequence[Told]) -> list[Told]:
    """What guardrails let through though it was wrong, then what was wrong, then by how many it would hit."""
    return sorted(
        told,
        key=lambda one: (
            one.fate.outcome not in _BAD,
            not one.passes,
            one.fate.outcome == "right",
            -(one.fate.callers or 0),
            one.action.at,
        ),
    )[:WORST]
