"""The judge's answer to a comparison, criterion by criterion."""

from __future__ import annotations

from typing import Annotated, Literal

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


class Verdict(ShowsItself, Record):
    """The judge's answer, with every reason."""

    answer: Answer
    reasons: tuple[str, ...]
    criteria: tuple[CriterionOutcome, ...]
    missing: tuple[str, ...] = ()
    policy_name: str
    policy_digest: str
    looks: Annotated[int, Field(ge=0)] = 0
    judged_at: Instant

    def _repr_html_(self) -> str:
        rows = [[c.score, c.outcome, short_interval(c.low, c.high), c.n, c.reason] for c in self.criteria]
        return html_table(
            f"{self.answer}: {'; '.join(self.reasons)}",
            ["criterion", "outcome", "interval", "n", "why"],
            rows,
        )
