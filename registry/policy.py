"""The promotion policy: what a challenger must show before it pages anyone. A YAML file with a digest."""

from __future__ import annotations

import hashlib
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from titleshot.datasets.contracts.decision import ModelName
from titleshot.datasets.contracts.instants import Instant
from titleshot.datasets.contracts.record import Record, canonical_json
from titleshot.datasets.contracts.scores import Direction
from titleshot.datasets.contracts.telemetry import Name
from titleshot.datasets.yaml_file import load_yaml

Kind = Literal["superiority", "non_inferiority", "ceiling"]
Confidence = Annotated[float, Field(gt=0.5, lt=1)]
Count = Annotated[int, Field(ge=0)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Ratio = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class GroupGuardrail(_Part):
    """No group may be shown to lose more than this. A stop for harm, not a test each group must pass."""

    by: Literal["severity", "kind", "service", "team"]
    margin: Amount
    minimum_n: Count = 10
    """Groups with fewer are named as not guarded."""


class Criterion(_Part):
    """One score and what the interval of its paired difference must show.

    ``superiority``: better than the champion by more than the margin (0: better at all).
    ``non_inferiority``: worse by less than the margin. ``ceiling``: the challenger's own value on the good
    side of the margin; for a score where up is better the ceiling is a floor.
    The margin is in the score's unit; with ``margin_ratio`` it is the larger of ``margin`` and that share of
    the champion's value, taken at the end of its interval that makes passing harder.
    """

    score: Name
    kind: Kind
    direction: Direction | None = None
    """Which way is better; None takes the score's own. To contradict the score's own is invalid."""
    margin: Amount = 0.0
    margin_ratio: Amount = 0.0
    confidence: Confidence | None = None
    """Two-sided; None takes the policy's."""
    critical: bool = False
    """A decisive failure rejects at once, before minimum evidence is asked for."""
    on_missing: Literal["block"] = "block"
    """An undefined score is undecided: nothing passes on undefined."""
    group_guardrail: GroupGuardrail | None = None

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.kind == "non_inferiority" and self.margin == 0 and self.margin_ratio == 0:
            raise ValueError(
                "non_inferiority needs a margin or a margin_ratio above 0; nothing is equal to 0"
            )
        if self.kind == "ceiling" and (self.margin_ratio or "margin" not in self.model_fields_set):
            raise ValueError("a ceiling needs a margin in the score's unit, and no margin_ratio")
        return self


class Minimum(_Part):
    """Evidence below which nothing is promoted, and only a decisive failure is rejected."""

    incidents: Count = 0
    blocks: Count = 0
    """Whole days."""
    discordant_pairs: Count = 0
    """Incidents only one of the two detected; asked of superiority on paired proportions only."""
    shadow_hours: Amount | None = None
    shadow_coverage: Ratio | None = None
    judged_share: Ratio | None = None
    """Share of the challenger's pages with feedback."""


class SealedSpan(_Part):
    """The evaluation span of the final verdict, used once."""

    span_from: Instant
    span_to: Instant


class Data(_Part):
    """What the evidence must rest on, besides a dataset that passed validation."""

    maximum_label_age_days: Amount | None = None
    """Age of ``labels_as_of`` when judged."""
    sealed_span: SealedSpan | None = None


class Looks(_Part):
    """How often one evaluation span may be judged.

    ``fixed_horizon``: once, at full confidence. ``alpha_spending``: ``planned`` times; the error the policy
    accepts is shared equally among the planned looks. Looks beyond are never a promotion.
    """

    rule: Literal["fixed_horizon", "alpha_spending"] = "fixed_horizon"
    planned: Annotated[int, Field(ge=1, le=1000)] = 1

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.rule == "fixed_horizon" and self.planned != 1:
            raise ValueError("fixed_horizon is one look; for more planned looks use rule: alpha_spending")
        return self


class Resampling(_Part):
    seed: int = 0
    resamples: Annotated[int, Field(ge=200, le=1_000_000)] = 2000


class Policy(Record):
    """A promotion policy, as loaded from YAML and checked."""

    name: Name
    description: str = ""
    decision: ModelName | None = None
    """The one model it is for; None: any."""
    scope: Name | None = None
    """The one service group it is for; None: any."""
    confidence: Confidence = 0.90
    """Of two-sided intervals: 0.90 lets a challenger exactly at the margin pass 5 % of the time."""
    decisive_confidence: Confidence = 0.99
    minimum: Minimum = Minimum()
    maximum_incidents: Annotated[int, Field(ge=1)] | None = None
    """A criterion that would need more incidents than this is called futile."""
    data: Data = Data()
    looks: Looks = Looks()
    resampling: Resampling = Resampling()
    criteria: tuple[Criterion, ...] = Field(min_length=1)
    without_champion: tuple[Criterion, ...] = ()
    """Criteria against ``never``, when nothing pages yet; empty: the same ``criteria``."""
    promote_equals: bool = False
    """Allows a policy without superiority, under which swapping the two may promote both ways."""
    evidence_age_days: Annotated[float, Field(gt=0)] = 30.0
    """Evidence judged longer ago than this promotes nothing."""
    refit_inherits_verdict: bool = False
    """Whether the same recipe with other fitted arrays may be promoted on this evidence."""
    approvals: tuple[Name, ...] = ()
    """Names that must approve a promotion."""

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.decisive_confidence <= self.confidence:
            raise ValueError(
                f"decisive_confidence {self.decisive_confidence} must be above confidence {self.confidence}"
            )
        for criteria in (self.criteria, self.without_champion):
            named = [(criterion.score, criterion.kind) for criterion in criteria]
            twice = next((pair for pair in named if named.count(pair) > 1), None)
            if twice:
                raise ValueError(f"{twice[1]} of {twice[0]} is asked twice; keep one")
        if not self.promote_equals and all(c.kind != "superiority" for c in self.criteria):
            raise ValueError(
                "no criterion is a superiority, so equal contenders could replace each other for ever; "
                "add one, or set promote_equals: true"
            )
        return self

    @property
    def digest(self) -> str:
        """SHA-256 of what the policy asks: defaults written out, layout and description left out."""
        content = self.model_dump(mode="json", exclude={"description"})
        return hashlib.sha256(canonical_json(content).encode()).hexdigest()

    def confidence_of(self, criterion: Criterion) -> float:
        """Confidence of the interval a criterion is read from: its own, less the error kept for other looks.

        >>> policy = load_policy()
        >>> round(policy.confidence_of(policy.criteria[0]), 4)
        0.975
        """
        error = 1 - (criterion.confidence or self.confidence)
        return 1 - error / self.looks.planned

    def criteria_against(self, *, champion: bool) -> tuple[Criterion, ...]:
        """The criteria that hold, with a champion to compare with or without."""
        return self.criteria if champion or not self.without_champion else self.without_champion


def load_policy(path: Path | None = None) -> Policy:
    """A policy from a YAML file; None is the shipped default.

    Raises:
        MalformedInput: every fault with file, line, field and way out.
        UnknownVersion: written for a newer major version.
    """
    return load_yaml(path or default_policy_file(), Policy)


def default_policy_file() -> Path:
    """The shipped default policy."""
    return Path(str(resources.files("titleshot.registry") / "policies" / "default.yaml"))
