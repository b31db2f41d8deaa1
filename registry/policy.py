"""The promotion policy: what a challenger must show before it pages anyone. A YAML file with a digest."""

from __future__ import annotations

import hashlib
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from titleshot.datasets.contracts.decision import ModelName
from titleshot.datasets.contracts.record import FaultAt, Record, canonical_json, version_of
from titleshot.datasets.contracts.telemetry import Name
from titleshot.datasets.yaml_file import load_yaml
from titleshot.registry.policy_parts import (
    Budgets,
    Confidence,
    Criterion,
    Data,
    GroupGuardrail,
    Looks,
    Minimum,
    NarrowTier,
    Resampling,
    RolloutStep,
    SealedSpan,
)

__all__ = [
    "Budgets",
    "Criterion",
    "Data",
    "GroupGuardrail",
    "Looks",
    "Minimum",
    "NarrowTier",
    "Policy",
    "Resampling",
    "RolloutStep",
    "SealedSpan",
    "Tier",
    "default_policy_file",
    "load_policy",
]
Baseline = Literal["live", "champion", "page_history", "never"]


class Tier(NamedTuple):
    """Minimum evidence and confidence that hold for a service group, or for all services."""

    minimum: Minimum
    confidence: float
    narrow: str | None
    """What error the tier for narrow groups accepts, in words; None where it is not used."""


class Policy(Record):
    """A promotion policy, as loaded from YAML and checked."""

    VERSION: ClassVar[str] = "1.1"

    name: Name
    description: str = ""
    decision: ModelName | None = None
    """The one model it is for; None: any."""
    scope: Name | None = None
    """The one service group it is for; None: any."""
    baseline: Baseline = "live"
    """What it judges against. ``live``: whatever pages today, a champion or an imported page history, and
    ``never`` where nothing does. Named otherwise, anything else is invalid."""
    confidence: Confidence = 0.90
    """Of two-sided intervals: 0.90 lets a challenger exactly at the margin pass 5 % of the time."""
    decisive_confidence: Confidence = 0.99
    minimum: Minimum = Minimum()
    maximum_incidents: Annotated[int, Field(ge=1)] | None = None
    """A criterion that would need more incidents than this is called futile."""
    narrow: NarrowTier | None = None
    data: Data = Data()
    looks: Looks = Looks()
    resampling: Resampling = Resampling()
    criteria: tuple[Criterion, ...] = Field(min_length=1)
    without_champion: tuple[Criterion, ...] = ()
    """Criteria against ``never``, when nothing pages yet; empty: the same ``criteria``."""
    budgets: Budgets | None = None
    promote_equals: bool = False
    """Allows a policy without superiority, under which swapping the two may promote both ways."""
    evidence_age_days: Annotated[float, Field(gt=0)] = 30.0
    """Evidence judged longer ago than this promotes nothing."""
    refit_inherits_verdict: bool = False
    """Whether the same recipe with other fitted arrays may be promoted on this evidence."""
    approvals: tuple[Name, ...] = ()
    """Names that must approve a promotion."""
    rollout: tuple[RolloutStep, ...] = ()
    """Steps in order; none may be taken before those ahead of it have lasted. Empty: everyone at once."""

    @model_validator(mode="before")
    @classmethod
    def _no_newer(cls, data: Any) -> Any:
        """A record of a later minor version is read without what it adds; a policy asks for that."""
        if isinstance(data, dict):
            given = str(data.get("schema_version", cls.VERSION))
            try:
                newer = version_of(given) > version_of(cls.VERSION)
            except ValueError as error:
                raise FaultAt(("schema_version",), str(error)) from None
            if newer:
                raise FaultAt(
                    ("schema_version",),
                    f"{given}: this code reads policies up to {cls.VERSION} and would not ask for what came "
                    "later; upgrade titleshot",
                )
        return data

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.decisive_confidence <= self.confidence:
            raise FaultAt(
                ("decisive_confidence",),
                f"decisive_confidence {self.decisive_confidence} must be above confidence {self.confidence}",
            )
        for part, criteria in (("criteria", self.criteria), ("without_champion", self.without_champion)):
            _none_twice(part, criteria, self.budgets)
        if not self.promote_equals and all(c.kind != "superiority" for c in self.criteria):
            raise FaultAt(
                ("criteria",),
                "no criterion is a superiority, so equal contenders could replace each other for ever; "
                "add one, or set promote_equals: true",
            )
        if self.maximum_incidents is not None and self.maximum_incidents < self.minimum.incidents:
            raise FaultAt(
                ("maximum_incidents",),
                f"{self.maximum_incidents} is below minimum.incidents {self.minimum.incidents}, so it would "
                "call futile what it asks for; raise it or leave it out",
            )
        if self.baseline in {"champion", "page_history"} and self.without_champion:
            raise FaultAt(
                ("without_champion",),
                f"is for where nothing pages yet, and baseline {self.baseline} judges nothing there; leave "
                "one of the two out",
            )
        if len(set(self.approvals)) != len(self.approvals):
            raise FaultAt(("approvals",), "a name stands twice; one approval is given once")
        self._check_narrow()
        _check_rollout(self.rollout, self.scope)
        return self

    def _check_narrow(self) -> None:
        if self.narrow is None:
            return
        if self.narrow.confidence >= self.confidence:
            raise FaultAt(
                ("narrow", "confidence"),
                f"{self.narrow.confidence} must be below confidence {self.confidence}: the tier accepts more "
                "error for groups with few incidents",
            )
        if self.scope is not None and self.scope not in self.narrow.groups:
            raise FaultAt(
                ("narrow", "groups"),
                f"the policy is for the group {self.scope} alone, which is not among them; add it, or leave "
                "narrow out",
            )

    @property
    def digest(self) -> str:
        """SHA-256 of what the policy asks: defaults written out, layout and description left out.

        What 1.1 added is left out where it asks for nothing, so that digests of 1.0 still hold.
        """
        content = self.model_dump(mode="json", exclude={"description"})
        content["schema_version"] = "1.0"
        for name in ("baseline", "narrow", "budgets", "rollout"):
            if content[name] in (None, [], "live"):
                del content[name]
        if not content["data"]["suites"]:
            del content["data"]["suites"]
        return hashlib.sha256(canonical_json(content).encode()).hexdigest()

    @property
    def planned_looks(self) -> int:
        """How often a span may be judged: a sealed one once, so nothing is kept for other looks at it."""
        return 1 if self.data.sealed_span else self.looks.planned

    def tier(self, group: str | None = None) -> Tier:
        """What holds for a service group; None is the policy's own scope, else all services."""
        group = group or self.scope
        if self.narrow is None or group not in self.narrow.groups:
            return Tier(self.minimum, self.confidence, None)
        error, usual = (100 * (1 - at) / 2 for at in (self.narrow.confidence, self.confidence))
        words = (
            f"the tier for narrow groups was used for {group}: a challenger exactly at a margin passes "
            f"{error:.3g} % of the time instead of {usual:.3g} %"
        )
        return Tier(self.narrow.minimum, self.narrow.confidence, words)

    def confidence_of(self, criterion: Criterion, group: str | None = None) -> float:
        """Confidence of the interval a criterion is read from: its own, less the error kept for other looks.

        >>> policy = load_policy()
        >>> round(policy.confidence_of(policy.criteria[0]), 4)
        0.975
        """
        error = 1 - (criterion.confidence or self.tier(group).confidence)
        return 1 - error / self.planned_looks

    def criteria_against(self, *, champion: bool) -> tuple[Criterion, ...]:
        """The criteria that hold, with a champion to compare with or without; the pages budget is one."""
        asked = self.criteria if champion or not self.without_champion else self.without_champion
        if self.budgets is None or self.budgets.pages_per_shift is None:
            return asked
        return (*asked, _pages_budget(self.budgets.pages_per_shift))

    def confidences(self, *, champion: bool, group: str | None = None) -> dict[str, float]:
        """What each score must be compared at; of two criteria on one score the stricter."""
        needed: dict[str, float] = {}
        for criterion in self.criteria_against(champion=champion):
            confidence = self.confidence_of(criterion, group)
            needed[criterion.score] = max(confidence, needed.get(criterion.score, 0.0))
        return needed


def _pages_budget(limit: float) -> Criterion:
    return Criterion(score="pages_per_shift", kind="ceiling", margin=limit)


def _none_twice(part: str, criteria: tuple[Criterion, ...], budgets: Budgets | None) -> None:
    named = [(criterion.score, criterion.kind) for criterion in criteria]
    for at, pair in enumerate(named):
        if pair in named[:at]:
            raise FaultAt((part, at), f"{pair[1]} of {pair[0]} is asked twice; keep one")
    if budgets and budgets.pages_per_shift is not None and ("pages_per_shift", "ceiling") in named:
        raise FaultAt(
            (part, named.index(("pages_per_shift", "ceiling"))),
            "the ceiling of pages_per_shift is a budget too; keep one",
        )


def _check_rollout(steps: tuple[RolloutStep, ...], scope: str | None) -> None:
    """Shadow first, everyone last, each place once; a policy for one group leads to that group."""
    order = {"shadow": 0, "group": 1, "everyone": 2}
    for at, step in enumerate(steps):
        before = steps[:at]
        if any(order[one.step] > order[step.step] for one in before):
            raise FaultAt(("rollout", at), "the order is shadow, then groups, then everyone; move it up")
        if any((one.step, one.group) == (step.step, step.group) for one in before):
            raise FaultAt(("rollout", at), f"{step.in_words()} stands twice; keep one")
        if scope is not None and step.step != "shadow" and step.group != scope:
            raise FaultAt(
                ("rollout", at), f"the policy is for the group {scope} alone; its rollout ends there"
            )
    if steps and scope is None and steps[-1].step != "everyone":
        raise FaultAt(("rollout", len(steps) - 1), "the last step must be `step: everyone`; add it")
    if steps and scope is not None and steps[-1].step != "group":
        raise FaultAt(("rollout", len(steps) - 1), f"the last step must be group {scope}; add it")


def load_policy(path: Path | None = None) -> Policy:
    """A policy from a YAML file; None is the shipped default.

    Raises:
        MalformedInput: every fault with file, line, field and way out.
        UnknownVersion: written for a newer version.
    """
    return load_yaml(path or default_policy_file(), Policy)


def default_policy_file() -> Path:
    """The shipped default policy."""
    return Path(str(resources.files("titleshot.registry") / "policies" / "default.yaml"))
