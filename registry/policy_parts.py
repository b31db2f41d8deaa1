"""The parts of a promotion policy, each with the faults it can have by itself."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from titleshot.datasets.contracts.instants import Instant
from titleshot.datasets.contracts.record import FaultAt
from titleshot.datasets.contracts.scores import Direction
from titleshot.datasets.contracts.telemetry import Name

Kind = Literal["superiority", "non_inferiority", "ceiling"]
Confidence = Annotated[float, Field(gt=0.5, lt=1)]
Count = Annotated[int, Field(ge=0)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
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
    """An undefined score is undecided: nothing passes on undefined. There is no other word for it: taken for
    a failure, a page more would turn a contender that says nothing from rejected to undecided."""
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

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.span_to <= self.span_from:
            raise FaultAt(("span_to",), "a sealed span must end after it starts; swap span_from and span_to")
        return self


class Data(_Part):
    """What the evidence must rest on, besides a dataset that passed validation."""

    maximum_label_age_days: Amount | None = None
    """Age of ``labels_as_of`` when judged."""
    sealed_span: SealedSpan | None = None
    suites: tuple[Name, ...] = ()
    """Validation suites of which every rule must have been asked and have passed, warnings too."""


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
    """Draws of days behind the intervals."""

    seed: int = 0
    resamples: Annotated[int, Field(ge=200, le=1_000_000)] = 2000


class Budgets(_Part):
    """What a contender may cost. What was not measured is unmet; what is exceeded is a failure."""

    pages_per_shift: Amount | None = None
    """Read from the scorecard as a ceiling on the score of that name, interval and all."""
    p99_latency_ms: Positive | None = None
    """Of scoring a batch of records, as measured in the shadow."""
    memory_mb: Positive | None = None
    """Most held at once in the shadow, 10⁶ bytes."""

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self == Budgets.model_construct():
            raise ValueError("budgets names no budget; give one, or leave budgets out")
        return self


class NarrowTier(_Part):
    """Other minimum evidence and a wider error for service groups with few incidents.

    A group with ten incidents a quarter never meets what the whole platform does. The tier says how much
    less is enough for it, and the verdict says which error that accepts.
    """

    groups: tuple[Name, ...] = Field(min_length=1)
    """The service groups that are narrow, by the name ``--group`` gives them."""
    minimum: Minimum
    """Instead of the policy's, all of it: what is left out is not asked for."""
    confidence: Confidence
    """Instead of the policy's; a criterion that names its own keeps it."""


class RolloutStep(_Part):
    """One step on the way to everyone: where the contender is, and for how long at least."""

    step: Literal["shadow", "group", "everyone"]
    group: Name | None = None
    hours: Amount = 0.0
    days: Amount = 0.0

    @property
    def lasts_h(self) -> float:
        """Hours before the next step may be taken."""
        return self.hours + 24 * self.days

    def in_words(self) -> str:
        """The step as a reader takes it.

        >>> RolloutStep(step="group", group="checkout", days=3).in_words()
        'group checkout for 72 h'
        """
        place = f"group {self.group}" if self.step == "group" else self.step
        return f"{place} for {self.lasts_h:g} h" if self.lasts_h else place

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if (self.step == "group") != (self.group is not None):
            raise ValueError("a step names a group where it is `step: group`, and nowhere else")
        if self.step == "shadow" and not self.lasts_h:
            raise ValueError("a shadow step needs hours or days above 0; without them it asks for nothing")
        if self.step == "everyone" and self.lasts_h:
            raise ValueError("everyone is the last step, nothing waits for it: leave hours and days out")
        return self
