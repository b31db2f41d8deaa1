"""The judge's answer to a comparison, criterion by criterion."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from titleshot.datasets.contracts.html_table import ShowsItself, html_table, short_interval
from titleshot.datasets.contracts.instants import Instant
from titleshot.datasets.contracts.record import Record

Answer = Literal["promote", "reject", "not_enough_evidence", "invalid"]


class CriterionOutcome(BaseModel):
    """How one criterion of the policy came out, with the numbers it came from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    score: str
    kind: Literal["superiority", "non_inferiority", "ceiling"]
    margin: float
    confidence: float
    critical: bool
    group: str | None = None
    outcome: Literal["pass", "fail", "undecided"]
    decisive: bool = False
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int
    reason: str
    missing: str | None = None
    """For undecided ones: how much more of what would decide it."""


class BudgetOutcome(BaseModel):
    """What a contender may cost, and what it was measured to cost."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    budget: Literal["p99_latency_ms", "memory_mb"]
    limit: float
    value: float | None = None
    """None: not measured."""
    outcome: Literal["kept", "exceeded", "not_measured"]
    reason: str


class Verdict(ShowsItself, Record):
    """The judge's answer, with every reason."""

    VERSION: ClassVar[str] = "1.1"

    schema_version: str = "1.1"
    answer: Answer
    reasons: tuple[str, ...]
    criteria: tuple[CriterionOutcome, ...]
    budgets: tuple[BudgetOutcome, ...] = ()
    faults: tuple[str, ...] = ()
    """Why it is invalid, one by one."""
    unmet: tuple[str, ...] = ()
    """Evidence the policy asks for before it decides anything, and has not got."""
    missing: tuple[str, ...] = ()
    group: str | None = None
    """The one service group it is about, where it was judged for one."""
    narrow: str | None = None
    """Where the policy's tier for narrow groups was used: what error it accepts, in words."""
    next_step: str | None = None
    """Of the policy's rollout; None where it has none, or the answer is not promote."""
    policy_name: str
    policy_digest: str
    looks: Annotated[int, Field(ge=0)] = 0
    judged_at: Instant

    def agrees_with(self, other: Verdict) -> bool:
        """Whether both give the same answer for the same numbers; words may be those of another release."""
        return (self.answer, *map(_numbers, self.criteria)) == (other.answer, *map(_numbers, other.criteria))

    def _repr_html_(self) -> str:
        rows = [[c.score, c.outcome, short_interval(c.low, c.high), c.n, c.reason] for c in self.criteria]
        rows += [[b.budget, b.outcome, "", "", b.reason] for b in self.budgets]
        return html_table(
            f"{self.answer}: {'; '.join(self.reasons)}",
            ["criterion", "outcome", "interval", "n", "why"],
            rows,
        )


def _numbers(outcome: CriterionOutcome) -> dict[str, object]:
    return outcome.model_dump(exclude={"reason", "missing"})
