"""Suites as data: which expectations a table must meet, how grave it is when it does not, and the way out."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from titleshot.datasets.yaml_file import load_yaml

FOLDER = Path(__file__).resolve().parent.parent / "suites"
RANGES = "ranges.yaml"
"""In a dataset's folder: ``ranges`` of its own, which hold before the shipped ones."""


class Expected(BaseModel):
    """One rule: a Great Expectations type with its arguments, and what to tell whoever breaks it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: Annotated[str, Field(pattern=r"^[a-z][a-z_]*$")]
    severity: Literal["error", "warning"]
    expect: Annotated[str, Field(pattern=r"^expect_[a-z_]+$")]
    """The expectation's name in Great Expectations."""
    arguments: dict[str, Any] = Field(default_factory=dict)
    rows: str | None = None
    """Column that says how many rows of the dataset each failing row stands for; None: one each."""
    says: str
    """What is wrong, in plain words, where it fails."""
    way_out: str

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column the rule reads."""
        named = [self.arguments.get(name) for name in ("column", "column_A", "column_B")]
        named += [*self.arguments.get("column_list", ()), self.rows]
        return tuple(dict.fromkeys(name for name in named if isinstance(name, str)))


class Range(BaseModel):
    """Values a metric may have, by a glob on its name; the first that matches holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str
    low: float = float("-inf")
    high: float = float("inf")

    @model_validator(mode="after")
    def _in_order(self) -> Range:
        if not self.low <= self.high:
            raise ValueError(f"low {self.low} must not be above high {self.high}")
        return self


class Ranges(BaseModel):
    """``ranges.yaml`` of a dataset."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ranges: tuple[Range, ...]


class Suite(BaseModel):
    """All rules of one table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    table: str
    about: str
    """What a row of the table is."""
    ranges: tuple[Range, ...] = ()
    rules: Annotated[tuple[Expected, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _each_once(self) -> Suite:
        names = [rule.rule for rule in self.rules]
        if len(set(names)) < len(names):
            raise ValueError(f"a rule of suite {self.table} is named twice")
        return self

    def range_of(self, metric_name: str) -> Range:
        """The declared range of a metric, open where none is declared."""
        for held in self.ranges:
            if fnmatchcase(metric_name, held.metric):
                return held
        return Range(metric=metric_name)


def load_suite(table: str, dataset: Path | None = None) -> Suite:
    """The shipped suite of a table, with the ranges that the dataset's folder declares, if any.

    Raises:
        MalformedInput: no such suite, or a file that breaks its contract; names file and line.

    >>> load_suite("labels").rules[0].rule
    'label_rows'
    """
    suite = load_yaml(FOLDER / f"{table}.yaml", Suite)
    if dataset is None or not (dataset / RANGES).is_file():
        return suite
    own = load_yaml(dataset / RANGES, Ranges).ranges
    return suite.model_copy(update={"ranges": (*own, *suite.ranges)})
