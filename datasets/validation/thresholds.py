"""``validation`` of ``dataset.yaml``: where a dataset's own thresholds take the place of the shipped ones.

Settings, not content: no part of the digest, and told in every validation report.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from titleshot.datasets.nearest import nearest
from titleshot.datasets.validation.suite import Expected, Limit, Range, Severity, Suite, shipped_rules

Finite = Annotated[float, Field(allow_inf_nan=False)]


class RuleChange(BaseModel):
    """One rule judged otherwise: other limits, or another severity. What is left out stays as shipped.

    A warning may be raised to an error. An error may be lowered only where the rule itself says so.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: str
    min_value: Finite | None = None
    max_value: Finite | None = None
    severity: Severity | None = None

    @field_validator("rule")
    @classmethod
    def _known(cls, given: str) -> str:
        if given not in shipped_rules():
            raise ValueError(f"there is no rule {given!r}{nearest(given, shipped_rules())}")
        return given

    @field_validator("min_value", "max_value")
    @classmethod
    def _tunable(cls, given: float | None, info: ValidationInfo) -> float | None:
        rule = shipped_rules().get(info.data.get("rule", ""))
        if given is None or rule is None or info.field_name in rule.tunable:
            return given
        offers = f"; it has {', '.join(rule.tunable)}" if rule.tunable else "; leave it out"
        raise ValueError(f"rule {rule.rule} has no such threshold{offers}")

    @field_validator("severity")
    @classmethod
    def _no_lower(cls, given: Severity | None, info: ValidationInfo) -> Severity | None:
        rule = shipped_rules().get(info.data.get("rule", ""))
        if given == "warning" and rule is not None and rule.severity == "error" and not rule.may_warn:
            raise ValueError(f"rule {rule.rule} always blocks; {rule.way_out}")
        return given

    @model_validator(mode="after")
    def _changes(self) -> RuleChange:
        if self.min_value is None and self.max_value is None and self.severity is None:
            raise ValueError(f"rule {self.rule} is not changed by this; give a threshold or a severity")
        limits = self.limits_over(shipped_rules()[self.rule])
        if limits.get("min_value", float("-inf")) > limits.get("max_value", float("inf")):
            raise ValueError(f"nothing passes rule {self.rule}: min_value is above max_value")
        return self

    def limits_over(self, rule: Expected) -> dict[Limit, float]:
        """The rule's limits with these in their place."""
        shipped: dict[Limit, float] = {name: rule.arguments[name] for name in rule.tunable}
        own: dict[Limit, float | None] = {"min_value": self.min_value, "max_value": self.max_value}
        return {**shipped, **{name: value for name, value in own.items() if value is not None}}


class Thresholds(BaseModel):
    """Changed rules, and ranges of metrics that hold before the shipped ones."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rules: tuple[RuleChange, ...] = ()
    ranges: tuple[Range, ...] = ()

    @field_validator("rules")
    @classmethod
    def _each_once(cls, given: tuple[RuleChange, ...]) -> tuple[RuleChange, ...]:
        names = [change.rule for change in given]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"rule {name} stands twice; keep one")
        return given

    def over(self, suite: Suite) -> Suite:
        """The suite with these thresholds in force, for the gate and for the cross-check alike."""
        changes = {change.rule: change for change in self.rules}
        if suite.table != "profile" and not any(rule.rule in changes for rule in suite.rules):
            return suite
        limits = {
            rule.rule: changes[rule.rule].limits_over(rule) for rule in suite.rules if rule.rule in changes
        }
        return suite.model_copy(
            update={
                "ranges": (*self.ranges, *suite.ranges) if suite.table == "profile" else suite.ranges,
                "rules": tuple(
                    rule.model_copy(
                        update={
                            "arguments": {**rule.arguments, **limits.get(rule.rule, {})},
                            "severity": (changes[rule.rule].severity if rule.rule in changes else None)
                            or rule.severity,
                        }
                    )
                    for rule in suite.rules
                ),
                "by_rows": tuple(
                    check.model_copy(
                        update={
                            "arguments": {
                                **check.arguments,
                                **{
                                    name: value
                                    for name, value in limits.get(check.rule, {}).items()
                                    if name in check.arguments
                                },
                            }
                        }
                    )
                    for check in suite.by_rows
                ),
            }
        )
