"""What ``validate`` found: one result a rule, and whether the dataset may be replayed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from titleshot.datasets.contracts.html_table import ShowsItself, html_table
from titleshot.datasets.contracts.instants import Instant, format_instant
from titleshot.datasets.contracts.record import Record
from titleshot.datasets.contracts.telemetry import Name

MOST_EXAMPLES = 20


class RuleResult(BaseModel):
    """How one rule came out. An ``error`` that did not pass blocks replay, a ``warning`` is shown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: Name
    table: Name
    severity: Literal["error", "warning"]
    passed: bool
    rows: Annotated[int, Field(ge=0)] = 0
    """Rows that break the rule."""
    examples: tuple[str, ...] = Field(default=(), max_length=MOST_EXAMPLES)
    """The first few of them, in words."""
    detail: str = ""
    """What was seen and what to do about it."""


class ValidationReport(ShowsItself, Record):
    """``validation.json`` of a dataset. It speaks of exactly these digests and of no later state."""

    passed: bool
    """No rule of severity ``error`` failed."""
    dataset_digest: str
    labels_digest: str
    rules: tuple[RuleResult, ...]
    validated_at: Instant

    def _repr_html_(self) -> str:
        rows = [
            [
                r.rule,
                r.table,
                r.severity,
                "passed" if r.passed else "failed",
                r.rows,
                "; ".join(r.examples[:3]),
            ]
            for r in self.rules
        ]
        caption = f"validation {'passed' if self.passed else 'failed'}, {format_instant(self.validated_at)}"
        return html_table(caption, ["rule", "table", "severity", "outcome", "rows", "examples"], rows)
