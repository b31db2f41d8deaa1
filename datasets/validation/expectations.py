"""Expectations of our own, where Great Expectations has none: spans, rival claims, order within a series.

Each is a real expectation (pandas only), so suites name it like any other and Data Docs show it. A null
in a cell compares as false, so it fails; infinities compare as numbers. Import it inside the gate only.

References to another table have no expectation here: that is a value set, which Great Expectations has
(``expect_column_values_to_be_in_set``), and services under their aliases at a time are a join, which is
better computed than configured.
"""

from __future__ import annotations

from typing import Any, ClassVar

import pandas as pd
from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import MulticolumnMapExpectation
from great_expectations.expectations.metrics.map_metric_provider import MulticolumnMapMetricProvider
from great_expectations.expectations.metrics.map_metric_provider.multicolumn_condition_partial import (
    multicolumn_condition_partial,
)

# The base classes have no types.
_DOMAIN = ("batch_id", "table", "column_list", "row_condition", "condition_parser", "ignore_row_if")


class SpansOverlap(MulticolumnMapMetricProvider):  # type: ignore[misc]
    """Columns start, end, other start, other end: whether the half-open spans share a moment."""

    condition_metric_name: ClassVar[str] = "titleshot.spans_overlap"
    condition_domain_keys: ClassVar[tuple[str, ...]] = _DOMAIN

    @multicolumn_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column_list: pd.DataFrame, **_: Any) -> Any:  # noqa: N805  Great Expectations' form
        start, end, other_start, other_end = _columns(column_list)
        return (start < other_end) & (end > other_start)


class ExpectSpansToOverlap(MulticolumnMapExpectation):  # type: ignore[misc]
    """Each row's span [first, second column) shares a moment with [third, fourth column)."""

    map_metric: ClassVar[str] = "titleshot.spans_overlap"


class SpansWithin(MulticolumnMapMetricProvider):  # type: ignore[misc]
    """Columns start, end, outer start, outer end: whether the span lies within the outer one."""

    condition_metric_name: ClassVar[str] = "titleshot.spans_within"
    condition_domain_keys: ClassVar[tuple[str, ...]] = _DOMAIN

    @multicolumn_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column_list: pd.DataFrame, **_: Any) -> Any:  # noqa: N805
        start, end, outer_start, outer_end = _columns(column_list)
        return (start >= outer_start) & (end <= outer_end)


class ExpectSpansToLieWithin(MulticolumnMapExpectation):  # type: ignore[misc]
    """Each row's span [first, second column) lies within [third, fourth column)."""

    map_metric: ClassVar[str] = "titleshot.spans_within"


class ClaimsAlone(MulticolumnMapMetricProvider):  # type: ignore[misc]
    """Columns thing, claim, start, end: whether no earlier row claims otherwise of the thing while it begins.

    Rows are taken by (start, end, position); of two that differ the later one fails.
    """

    condition_metric_name: ClassVar[str] = "titleshot.claims_alone"
    condition_domain_keys: ClassVar[tuple[str, ...]] = _DOMAIN

    @multicolumn_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column_list: pd.DataFrame, **_: Any) -> Any:  # noqa: N805
        return claims_alone(column_list.set_axis(["thing", "claim", "start", "end"], axis=1))


class ExpectClaimsNotToOverlap(MulticolumnMapExpectation):  # type: ignore[misc]
    """Of each thing (first column) one claim (second) at most holds within [third, fourth column)."""

    map_metric: ClassVar[str] = "titleshot.claims_alone"


class NeverFalls(MulticolumnMapMetricProvider):  # type: ignore[misc]
    """Columns group, order, value: whether a value is at least the one before it in its group."""

    condition_metric_name: ClassVar[str] = "titleshot.never_falls"
    condition_domain_keys: ClassVar[tuple[str, ...]] = _DOMAIN

    @multicolumn_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column_list: pd.DataFrame, **_: Any) -> Any:  # noqa: N805
        rows = column_list.set_axis(["group", "order", "value"], axis=1)
        in_order = rows.sort_values(["group", "order"], kind="stable")
        # Shifted and not subtracted: 64-bit instants have no room for their differences.
        before = in_order["value"].shift(fill_value=0)
        first = ~in_order["group"].duplicated()
        return (first & in_order["value"].notna() | (in_order["value"] >= before)).reindex(rows.index)


class ExpectValuesNeverToFallWithin(MulticolumnMapExpectation):  # type: ignore[misc]
    """Within each group (first column), in the order of the second, the third column never falls."""

    map_metric: ClassVar[str] = "titleshot.never_falls"


NAMES = (
    "expect_spans_to_overlap",
    "expect_spans_to_lie_within",
    "expect_claims_not_to_overlap",
    "expect_values_never_to_fall_within",
)
"""What suites call them."""


def claims_alone(rows: pd.DataFrame) -> pd.Series[bool]:
    """By row of (thing, claim, start, end): whether nothing else is claimed of the thing when it begins."""
    said = rows.notna().all(axis=1)
    in_order = rows[said].sort_values(["start", "end"], kind="stable")
    until: dict[Any, dict[Any, Any]] = {}
    rival = set()
    for at, thing, claim, start, end in in_order.itertuples():
        claims = until.setdefault(thing, {})
        if any(start < held and other != claim for other, held in claims.items()):
            rival.add(at)
        claims[claim] = max(claims.get(claim, end), end)
    return said & ~rows.index.isin(list(rival))


def _columns(rows: pd.DataFrame) -> tuple[pd.Series[Any], ...]:
    return tuple(rows.iloc[:, place] for place in range(rows.shape[1]))
