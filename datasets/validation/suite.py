"""Suites as data: which expectations a table must meet, how grave it is when it does not, and the way out."""

from __future__ import annotations

import math
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from titleshot.datasets.yaml_file import load_yaml

FOLDER = Path(__file__).resolve().parent.parent / "suites"
ROW_COUNT = "expect_table_row_count_to_be_between"
Severity = Literal["error", "warning"]
Limit = Literal["min_value", "max_value"]
Bound = Annotated[float, Field(allow_inf_nan=False)] | None


class Check(BaseModel):
    """What Great Expectations (or one of our own expectations) is asked about one table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: Annotated[str, Field(pattern=r"^[a-z][a-z_]*$")]
    expect: Annotated[str, Field(pattern=r"^expect_[a-z_]+$")]
    """The expectation's name in Great Expectations, or in ``expectations``."""
    arguments: dict[str, Any] = Field(default_factory=dict)
    empty: Literal["blocks", "judged"] = "blocks"
    """What an empty, NaN or infinite cell of a column the check reads means. Great Expectations passes rows
    with empty cells by, so ``blocks``: the check could not be made. ``judged``: this check, or another that
    stands beside it, is about exactly those cells."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column the check judges."""
        named = [self.arguments.get(name) for name in ("column", "column_A", "column_B")]
        named += self.arguments.get("column_list", ())
        return tuple(dict.fromkeys(name for name in named if isinstance(name, str)))

    @property
    def limits(self) -> dict[str, float]:
        """The least and the most the check lets pass, where it has such."""
        return {name: self.arguments[name] for name in ("min_value", "max_value") if name in self.arguments}


class Expected(Check):
    """One rule of the gate, and what to tell whoever breaks it."""

    severity: Severity
    rows: str | None = None
    """Column that says how many rows of the dataset each failing row stands for; None: one each."""
    tunable: tuple[Limit, ...] = ()
    """Limits that ``validation`` of ``dataset.yaml`` may set."""
    may_warn: bool = False
    """Whether ``dataset.yaml`` may lower this error to a warning. Never where a replay would rest on what is
    not there or not known: unreadable, changed or empty tables, identity, references to nothing."""
    says: str
    """What is wrong, in plain words, where it fails; ``{max_value}`` and ``{min_value}`` are the limits."""
    way_out: str

    @property
    def told(self) -> str:
        """``says`` with the limits in force."""
        return self.says.format(**{name: f"{value:g}" for name, value in self.limits.items()})

    @model_validator(mode="after")
    def _holds_together(self) -> Expected:
        missing = [name for name in self.tunable if name not in self.limits]
        if missing:
            raise ValueError(f"rule {self.rule} has no {missing[0]} to tune")
        if self.may_warn and self.severity == "warning":
            raise ValueError(f"rule {self.rule} warns already")
        try:
            _ = self.told
        except (KeyError, IndexError):
            raise ValueError(f"rule {self.rule} speaks of a limit it does not have") from None
        return self


class Range(BaseModel):
    """Values a metric may have, by a glob on its name; the first that matches holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: Annotated[str, Field(min_length=1)]
    low: Bound = None
    high: Bound = None
    """None: open."""

    @property
    def least(self) -> float:
        return -math.inf if self.low is None else self.low

    @property
    def most(self) -> float:
        return math.inf if self.high is None else self.high

    @model_validator(mode="after")
    def _in_order(self) -> Range:
        if self.least > self.most:
            raise ValueError(f"low {self.low} must not be above high {self.high}")
        return self

    def holds_for(self, metric_name: str) -> bool:
        """Whether the glob matches a metric's name."""
        return fnmatchcase(metric_name, self.metric)


class Suite(BaseModel):
    """All rules of one table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    table: str
    about: str
    """What a row of the table is."""
    ranges: tuple[Range, ...] = ()
    rules: Annotated[tuple[Expected, ...], Field(min_length=1)]
    by_rows: tuple[Check, ...] = ()
    """The same rules asked of every row of the dataset, for the cross-check; a rule may need several."""

    @model_validator(mode="after")
    def _holds_together(self) -> Suite:
        names = [rule.rule for rule in self.rules]
        if len(set(names)) < len(names):
            raise ValueError(f"a rule of suite {self.table} is named twice")
        stray = [check.rule for check in self.by_rows if check.rule not in names]
        if stray:
            raise ValueError(f"by_rows of suite {self.table} names {stray[0]!r}, which is none of its rules")
        if not any(demands_rows(rule) and rule.severity == "error" for rule in self.rules):
            raise ValueError(f"suite {self.table} must demand rows: an empty table breaks no rule of rows")
        return self

    def rule(self, name: str) -> Expected:
        """One rule by its name."""
        return next(rule for rule in self.rules if rule.rule == name)

    def range_of(self, metric_name: str) -> Range:
        """The declared range of a metric, open where none is declared."""
        for held in self.ranges:
            if held.holds_for(metric_name):
                return held
        return Range(metric=metric_name)


def demands_rows(check: Check) -> bool:
    """Whether a check fails on a table without rows."""
    return check.expect == ROW_COUNT and check.arguments.get("min_value", 0) >= 1


@cache
def load_suite(table: str) -> Suite:
    """The shipped suite of a table.

    Raises:
        MalformedInput: no such suite, or a file that breaks its contract; names file and line.

    >>> load_suite("labels").rules[0].rule
    'label_rows'
    """
    return load_yaml(FOLDER / f"{table}.yaml", Suite)


@cache
def shipped_suites() -> tuple[Suite, ...]:
    """Every shipped suite, by the name of its table."""
    return tuple(load_suite(path.stem) for path in sorted(FOLDER.glob("*.yaml")))


@cache
def shipped_rules() -> dict[str, Expected]:
    """Every rule of the gate by its name, which is its own among all suites.

    >>> shipped_rules()["unchanged"].severity
    'error'
    """
    return {rule.rule: rule for suite in shipped_suites() for rule in suite.rules}
