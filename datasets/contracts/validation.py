"""What ``validate`` found: one result a rule, and whether the dataset may be replayed."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from titleshot.datasets.contracts.html_table import ShowsItself, html_table
from titleshot.datasets.contracts.instants import Instant, format_instant
from titleshot.datasets.contracts.record import Record
from titleshot.datasets.contracts.telemetry import Name

MOST_EXAMPLES = 20
Count = Annotated[int, Field(ge=0)]


class RuleResult(BaseModel):
    """How one rule came out. An ``error`` that did not pass blocks replay, a ``warning`` is shown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: Name
    table: Name
    severity: Literal["error", "warning"]
    passed: bool
    rows: Count = 0
    """Rows that break the rule."""
    examples: tuple[str, ...] = Field(default=(), max_length=MOST_EXAMPLES)
    """The first few of them, in words."""
    detail: str = ""
    """What was seen and what to do about it."""


class Threshold(BaseModel):
    """What one rule let pass when it was judged, and how grave a failure was."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: Name
    severity: Literal["error", "warning"]
    min_value: float | None = None
    max_value: float | None = None
    own: bool = False
    """Whether ``dataset.yaml`` says so; otherwise it is as shipped."""


class MetricRange(BaseModel):
    """Values that metrics of these names may have; the first that matches holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str
    low: float | None = None
    high: float | None = None
    own: bool = False


class Period(BaseModel):
    """The samples of all series from ``start`` on, for ``period_days`` of the report."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: Instant
    samples: Count
    series: Count
    """Series with at least one sample."""
    non_finite: Count = 0
    out_of_range: Count = 0
    repeated: Count = 0
    disordered: Count = 0
    gaps: Count = 0
    """Series that fell silent for longer than the rule ``gaps`` allows."""


class ValidationReport(ShowsItself, Record):
    """``validation.json`` of a dataset. It speaks of exactly these digests and of no later state."""

    VERSION: ClassVar[str] = "1.1"

    schema_version: str = "1.1"
    passed: bool
    """No rule of severity ``error`` failed."""
    dataset_digest: str
    labels_digest: str
    rules: tuple[RuleResult, ...]
    validated_at: Instant
    thresholds: tuple[Threshold, ...] = ()
    """In force when the rules were judged: of each rule that can be tuned, and of each that was changed."""
    ranges: tuple[MetricRange, ...] = ()
    period_days: Annotated[int, Field(ge=1)] = 1
    periods: tuple[Period, ...] = ()
    quarantined: dict[str, dict[str, Count]] = Field(default_factory=dict)
    """Rows the import set aside, by kind and reason."""
    decisions: tuple[tuple[str, str], ...] = ()
    """What else the import says of itself, as (what, how)."""

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
