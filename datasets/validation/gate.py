"""The one module that runs Great Expectations: tables and checks in, outcomes by check out.

Great Expectations passes rows with empty cells by, calls an empty table good and lets NaN through some
comparisons. Here a check that would read an empty, NaN or infinite cell is not made and has not passed,
unless the suite says that such cells are what it judges.

Import it inside functions only: the import takes seconds.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
with warnings.catch_warnings():
    # It imports modules that Python 3.11 deprecates.
    warnings.filterwarnings("ignore", message="module 'sre_", category=DeprecationWarning)
    import great_expectations as gx
    from great_expectations.core.expectation_validation_result import ExpectationValidationResult
    from great_expectations.data_context.types.base import ProgressBarsConfig
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    from titleshot.datasets.validation import expectations
from titleshot.datasets.validation.frame import Frame
from titleshot.datasets.validation.suite import Check, Expected, Suite

_SEVERITY = {"error": "critical", "warning": "warning"}
_SOURCE, _ANY = "tables", "any"
_COMPLETE = {"result_format": "COMPLETE"}
OWN = expectations.NAMES
"""Expectations that are ours; naming them here is what makes Great Expectations know them."""


@dataclass(frozen=True)
class GateOutcome:
    """What became of one check on one table."""

    check: Check
    passed: bool
    failing: tuple[int, ...] = ()
    """Positions of the rows that break the check; none for checks of the whole table."""
    observed: str = ""
    """For checks of the whole table: what was seen."""
    error: str = ""
    """The check could not be made, and why. Such a check has not passed."""


def gate(checks: Sequence[tuple[Frame, Suite]], docs: Path | None = None) -> list[list[GateOutcome]]:
    """Run each suite on its frame; outcomes in the order of the checks and of each suite's rules.

    Args:
        docs: folder for Great Expectations' own pages, made where it is missing.
    """
    context = _context()
    if docs is not None:
        context.add_data_docs_site("titleshot", _site(docs))
    outcomes = [
        _run(context, suite.table, _needed(frame, suite), suite.rules, stored=docs is not None)
        for frame, suite in checks
    ]
    if docs is not None:
        context.build_data_docs(["titleshot"])
    return outcomes


def gate_rows(tables: Iterable[tuple[str, pd.DataFrame, Sequence[Check]]]) -> list[GateOutcome]:
    """Run checks on pandas tables as they are; outcomes in the order of the checks."""
    context = _context()
    return [outcome for name, data, checks in tables for outcome in _run(context, name, data, checks)]


def unjudgeable(data: pd.DataFrame, check: Check) -> str:
    """Why a check cannot be made on these cells; empty where it can.

    A column that is missing is left to Great Expectations, which says so.
    """
    if check.empty == "judged":
        return ""
    for name in check.columns:
        if name not in data:
            continue
        cells = data[name]
        lost = cells.isna().to_numpy(np.bool_, copy=True)
        if cells.dtype.kind == "f":
            lost |= np.isinf(cells.to_numpy(np.float64, na_value=np.nan))
        elif cells.dtype == object:
            lost |= np.array([isinstance(cell, float) and np.isinf(cell) for cell in cells], np.bool_)
        if lost.any():
            return f"column {name} has {int(lost.sum())} cells of {len(lost)} that are empty or not finite"
    return ""


def _context() -> Any:
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    asset = context.data_sources.add_pandas(_SOURCE).add_dataframe_asset(_ANY)
    asset.add_batch_definition_whole_dataframe(_ANY)
    return context


def _needed(frame: Frame, suite: Suite) -> pd.DataFrame:
    wanted = {name for rule in suite.rules for name in (*rule.columns, rule.rows)}
    # The index carries the number of rows where no rule names a column.
    return pd.DataFrame(
        {name: cells for name, cells in frame.columns.items() if name in wanted},
        index=pd.RangeIndex(frame.rows),
    )


def _run(
    context: Any, name: str, data: pd.DataFrame, checks: Sequence[Check], *, stored: bool = False
) -> list[GateOutcome]:
    refused = [unjudgeable(data, check) for check in checks]
    asked = [_configured(check, at) for at, check in enumerate(checks) if not refused[at]]
    ask = _stored if stored else _asked
    results = ask(context, name, data, gx.ExpectationSuite(name, expectations=asked)) if asked else []
    # Results do not come in the order of the suite.
    found = {result.expectation_config.meta["place"]: result for result in results}
    return [
        GateOutcome(check, passed=False, error=refused[at]) if refused[at] else _outcome(check, found.get(at))
        for at, check in enumerate(checks)
    ]


def _asked(context: Any, _: str, data: pd.DataFrame, suite: Any) -> list[ExpectationValidationResult]:
    # One asset for all tables: each that is added writes the whole context's YAML anew.
    batches = context.data_sources.get(_SOURCE).get_asset(_ANY).get_batch_definition(_ANY)
    batch = batches.get_batch(batch_parameters={"dataframe": data})
    return list(batch.validate(suite, result_format=_COMPLETE).results)


def _stored(context: Any, name: str, data: pd.DataFrame, suite: Any) -> list[ExpectationValidationResult]:
    """The same with everything named and kept in the context, for Data Docs."""
    asset = context.data_sources.get(_SOURCE).add_dataframe_asset(name)
    batches = asset.add_batch_definition_whole_dataframe("all")
    context.suites.add(suite)
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(name=name, data=batches, suite=suite)
    )
    return list(definition.run(batch_parameters={"dataframe": data}, result_format=_COMPLETE).results)


def _configured(check: Check, place: int) -> Any:
    told = {"says": check.told} if isinstance(check, Expected) else {}
    severity = check.severity if isinstance(check, Expected) else "error"
    return ExpectationConfiguration(
        type=check.expect,
        kwargs=dict(check.arguments),
        meta={"rule": check.rule, "place": place, **told},
        severity=_SEVERITY[severity],
    ).to_domain_obj()


def _outcome(check: Check, result: ExpectationValidationResult | None) -> GateOutcome:
    if result is None:
        return GateOutcome(check, passed=False, error="Great Expectations gave no result")
    error = _raised(result.exception_info)
    if error or result.success:
        return GateOutcome(check, passed=not error, error=error)
    seen = result.result
    failing = tuple(sorted(int(at) for at in seen.get("unexpected_index_list") or ()))
    return GateOutcome(check, passed=False, failing=failing, observed=str(seen.get("observed_value", "")))


def _raised(info: dict[str, Any] | None) -> str:
    # One form is the description itself, the other maps each metric to a description.
    held: Iterable[Any] = [info] if info and "raised_exception" in info else (info or {}).values()
    for one in held:
        if isinstance(one, dict) and one.get("raised_exception"):
            return str(one.get("exception_message") or "raised").splitlines()[0]
    return ""


def _site(docs: Path) -> Any:
    docs.mkdir(parents=True, exist_ok=True)
    return {
        "class_name": "SiteBuilder",
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        "store_backend": {
            "class_name": "TupleFilesystemStoreBackend",
            "base_directory": str(docs.resolve()),
        },
    }
