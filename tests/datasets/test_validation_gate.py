"""The gate: nothing passes because a cell is empty, NaN or infinite, a table empty, or a rule not asked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from small_dataset import clean

from titleshot.datasets.validation.frame import Frame, frame_of
from titleshot.datasets.validation.suite import (
    Check,
    Expected,
    Suite,
    demands_rows,
    load_suite,
    shipped_suites,
)

SUITES = shipped_suites()
RULES = [(suite.table, rule) for suite in SUITES for rule in suite.rules if rule.columns]
Cell = float | None


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Frame]:
    """Every table the gate sees of a clean dataset."""
    from titleshot.datasets.validation.tables_read import read_tables
    from titleshot.datasets.validation.validate import frames_of

    dataset = clean().write(tmp_path_factory.mktemp("clean") / "small")
    held = read_tables(dataset, load_suite("profile"), lambda *_: None)
    return {frame.table: frame for frame in frames_of(held)}


def test_a_clean_dataset_has_every_table_a_suite_is_for(frames: dict[str, Frame]) -> None:
    assert set(frames) == {suite.table for suite in SUITES}


@pytest.mark.parametrize(("table", "rule"), RULES, ids=lambda of: getattr(of, "rule", ""))
@pytest.mark.parametrize("cell", [float("nan"), float("inf"), float("-inf"), None], ids=str)
def test_an_empty_or_infinite_cell_never_passes(
    table: str, rule: Expected, cell: Cell, frames: dict[str, Frame]
) -> None:
    from titleshot.datasets.validation.gate import unjudgeable

    assert rule.empty == "blocks"
    columns = {name: pd.Series(frames[table].columns[name]) for name in rule.columns}
    assert not unjudgeable(pd.DataFrame(columns), rule)
    for name in rule.columns:
        held = columns[name]
        broken = held.astype("float64" if held.dtype.kind in "iuf" else object).copy()
        broken.iloc[-1] = cell
        assert f"column {name} has 1 cells of" in unjudgeable(pd.DataFrame({**columns, name: broken}), rule)


def test_a_rule_over_an_empty_cell_blocks_even_as_a_warning(frames: dict[str, Frame]) -> None:
    from titleshot.datasets.validation.gate import gate
    from titleshot.datasets.validation.validate import rule_result

    whole = frames["profile"]
    gaps = whole.columns["gap_cadences"].copy()
    gaps[0] = np.nan
    frame = Frame("profile", {**whole.columns, "gap_cadences": gaps}, whole.words)
    suite = load_suite("profile")
    outcomes = {found.check.rule: found for found in gate([(frame, suite)])[0]}
    assert {name for name, found in outcomes.items() if not found.passed} == {"gaps"}
    result = rule_result(outcomes["gaps"], frame, suite, None)
    assert (result.severity, result.passed) == ("error", False)
    assert "could not be checked: column gap_cadences has 1 cells" in result.detail


def test_an_empty_table_breaks_the_rule_that_demands_rows(frames: dict[str, Frame]) -> None:
    from titleshot.datasets.validation.gate import gate

    checks = []
    for suite in SUITES:
        whole = frames[suite.table]
        empty = {name: cells[:0] for name, cells in whole.columns.items()}
        checks.append((Frame(suite.table, empty, whole.words), suite))
    for (_, suite), outcomes in zip(checks, gate(checks), strict=True):
        broken = {found.check.rule for found in outcomes if not found.passed}
        demanding = {rule.rule for rule in suite.rules if demands_rows(rule)}
        # A mean of nothing is nothing, and no pass either.
        means = {rule.rule for rule in suite.rules if rule.expect == "expect_column_mean_to_be_between"}
        assert broken == demanding | means
        assert len(demanding) == 1


def test_a_rule_that_cannot_be_checked_blocks_even_as_a_warning() -> None:
    from titleshot.datasets.validation.gate import gate
    from titleshot.datasets.validation.validate import rule_result

    suite = load_suite("feedback")
    columns = ("page_known", "labelled_at", "paged_at", "page_id", "reviewer")
    rows = [(True, 1, 0, "a", "x"), (False, 1, 1, "b", "x")]
    whole = frame_of("feedback", columns, rows, str)
    outcomes = {found.check.rule: found for found in gate([(whole, suite)])[0]}
    missing = outcomes["feedback_service_unknown"]
    assert "service_known" in missing.error
    result = rule_result(missing, whole, suite, None)
    assert (result.severity, result.passed) == ("error", False)
    # Results come back in another order than the suite's; each still belongs to its own rule.
    assert outcomes["feedback_refers_to_nothing"].failing == (1,)
    assert outcomes["feedback_before_page"].passed


def test_a_suite_that_demands_no_rows_is_refused() -> None:
    rule = load_suite("labels").rules[1]
    with pytest.raises(ValidationError, match="must demand rows"):
        Suite(table="labels", about="", rules=(rule,))


def test_cross_checks_may_leave_cells_unjudged_only_where_another_check_judges_them() -> None:
    for suite in SUITES:
        for check in suite.by_rows:
            if check.empty == "judged":
                # By the same rule or by one whose whole matter these cells are.
                assert check.rule in {
                    "non_finite", "out_of_range", "gaps", "cadence", "series_freshness",
                    "maintenance_open", "maintenance_long", "planned_change_open", "planned_change_long",
                }  # fmt: skip


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.table)
def test_every_rule_says_what_and_how(suite: Suite) -> None:
    for rule in suite.rules:
        assert rule.told
        assert "{" not in rule.told
        assert rule.way_out


def run(expect: str, columns: dict[str, Sequence[Any]]) -> list[int]:
    """Positions that fail an expectation of ours."""
    from titleshot.datasets.validation.gate import gate_rows

    check = Check(rule="ours", expect=expect, arguments={"column_list": list(columns)}, empty="judged")
    outcome = gate_rows([("t", pd.DataFrame(columns), [check])])[0]
    assert not outcome.error
    return list(outcome.failing)


def test_spans_that_only_touch_share_no_moment() -> None:
    columns = {"start": [0, 5, 10, 0], "end": [5, 10, 12, 20], "from": [5] * 4, "to": [10] * 4}
    assert run("expect_spans_to_overlap", columns) == [0, 2]
    assert run("expect_spans_to_lie_within", columns) == [0, 2, 3]


def test_spans_with_an_empty_end_do_not_pass() -> None:
    columns = {"start": [0.0, 6.0], "end": [np.nan, np.nan], "from": [5.0] * 2, "to": [10.0] * 2}
    assert run("expect_spans_to_overlap", columns) == [0, 1]
    assert run("expect_spans_to_lie_within", columns) == [0, 1]


Claim = tuple[int, int, int, int]
CLAIMS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 9), st.integers(1, 5)), max_size=12
)


@given(rows=CLAIMS)
def test_of_rival_claims_the_later_fails_as_in_a_plain_loop(rows: list[Claim]) -> None:
    from titleshot.datasets.validation.expectations import claims_alone

    held = pd.DataFrame(
        [(thing, claim, start, start + length) for thing, claim, start, length in rows],
        columns=["thing", "claim", "start", "end"],
    )
    order = sorted(range(len(rows)), key=lambda at: (held["start"][at], held["end"][at], at))
    expected = [
        all(
            held["thing"][other] != held["thing"][at]
            or held["claim"][other] == held["claim"][at]
            or held["end"][other] <= held["start"][at]
            for other in order[: order.index(at)]
        )
        for at in range(len(rows))
    ]
    assert claims_alone(held).tolist() == expected


def test_values_may_rise_and_stay_but_not_fall_within_their_group() -> None:
    early, late = -(2**62), 2**62
    columns = {
        "group": [1, 2, 1, 2, 1, 1],
        "order": [0, 0, 1, 1, 3, 2],
        "value": [early, late, late, early, late, late - 1],
    }
    assert run("expect_values_never_to_fall_within", columns) == [3, 5]


def test_data_docs_name_every_table(frames: dict[str, Frame], tmp_path: Path) -> None:
    from titleshot.datasets.validation.gate import gate

    gate([(frames[name], load_suite(name)) for name in ("labels", "alias")], docs=tmp_path / "docs")
    pages = [str(path) for path in (tmp_path / "docs").rglob("*.html")]
    assert any("alias" in page for page in pages)
    assert any("labels" in page for page in pages)
