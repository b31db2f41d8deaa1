"""Rules of remediation, to be asked what they would have done. Nothing here is ever carried out."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from titleshot.datasets.contracts.record import FaultAt, Record, Severity
from titleshot.datasets.contracts.telemetry import Name

Glob = Annotated[str, StringConstraints(min_length=1, max_length=300)]
Seconds = Annotated[float, Field(gt=0, le=86_400 * 366)]
Ratio = Annotated[float, Field(ge=0, le=1)]
Guardrail = Literal["reversible", "scoped", "root_cause_evidence", "rate_limited", "human_approval"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Rate(_Part):
    """At most so many actions on one service within so long."""

    actions: Annotated[int, Field(ge=1)] = 1
    within_s: Seconds = 3600.0


class Guardrails(_Part):
    """What must hold before an action would be taken. Left out, the strict one holds."""

    reversible_only: bool = True
    scope: tuple[Glob, ...] = ()
    """Services that may be touched, as ``namespace/service`` or globs; none named: none may be."""
    most_callers: Annotated[int, Field(ge=0)] = 3
    """Services that call the target; where calls are unknown, the action is stopped too."""
    root_cause_confidence: Ratio = 0.5
    """The first hypothesis must name the target, at least so sure. A high score is no evidence of a cause."""
    rate: Rate = Rate()
    human_approval: bool = True


class Suspected(_Part):
    """What the first hypothesis must say."""

    services: tuple[Glob, ...] = ("*",)
    confidence_at_least: Ratio = 0.0


class When(_Part):
    """Conditions, all of which must hold; at least one is named."""

    score_above: Ratio | None = None
    metrics: tuple[Glob, ...] = ()
    services: tuple[Glob, ...] = ()
    """Of the alert, as ``namespace/service`` or globs."""
    severity: Severity | None = None
    """This one or graver, as known at that moment."""
    hypothesis: Suspected | None = None

    @model_validator(mode="after")
    def _asks(self) -> Self:
        asked = self.score_above is not None or self.metrics or self.services or self.asks_incident
        if not asked:
            raise ValueError(
                "names no condition, so the rule would act on every alert; name one, such as score_above: 0.9"
            )
        return self

    @property
    def asks_incident(self) -> bool:
        """Whether it asks for what only an incident candidate knows."""
        return self.severity is not None or self.hypothesis is not None


class Rule(_Part):
    """When to do what to which service."""

    name: Name
    action: Name
    """In words, such as ``restart``; it is only counted."""
    when: When
    on: Literal["alert", "incident"] = "alert"
    """``alert``: on every alert that fits; ``incident``: once for each incident, when all first holds."""
    target: Literal["service", "hypothesis"] = "service"
    """The service that alerted, or the one the incident's first hypothesis names."""
    reversible: bool
    """Whether the action can be taken back without loss; whoever writes the rule answers for it."""
    guardrails: Guardrails | None = None
    """In place of the file's."""


class RuleFile(Record):
    """Rules with the guardrails they would run behind, as loaded from YAML and checked."""

    name: Name
    description: str = ""
    rules: tuple[Rule, ...] = Field(min_length=1)
    guardrails: Guardrails = Guardrails()
    repeat_within_s: Seconds = 3600.0
    """Another action on the same service within so long is a repeat."""
    correct_at_least: Annotated[float, Field(gt=0, le=1)] = 0.9
    """Share of right actions that must be shown before any may run without a person."""

    @model_validator(mode="after")
    def _apart(self) -> Self:
        names = [rule.name for rule in self.rules]
        for place, name in enumerate(names):
            if name in names[:place]:
                raise FaultAt(("rules", place, "name"), f"{name!r} stands twice; give each rule its own name")
        return self
