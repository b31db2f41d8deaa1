"""The one module that runs Great Expectations: small frames and suites in, outcomes by rule out.

Import it inside functions only: the import takes seconds.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
with warnings.catch_warnings():
    # It imports modules that Python 3.11 deprecates.
    warnings.filterwarnings("ignore", message="module 'sre_", category=DeprecationWarning)
    import great_expectations as gx
    from great_expectations.core.expectation_validation_result import ExpectationValidationResult
    from great_expectations.data_context.types.base import ProgressBarsConfig
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
import pandas as pd

from titleshot.datasets.validation.frame import Frame
from titleshot.datasets.validation.suite import Expected, Suite

_SEVERITY = {"error": "critical", "warning": "warning"}


@dataclass(frozen=True)
class GateOutcome:
    """What became of one rule on one frame."""

    rule: Expected
    passed: bool
    failing: tuple[int, ...] = ()
    """Positions of the frame's rows that break the rule; none for rules of the whole table."""
    observed: str = ""
    """For rules of the whole table: what was seen."""
    error: str = ""
    """The rule could not be checked, and why. Such a rule has not passed."""


def gate(checks: Sequence[tuple[Frame, Suite]], docs: Path | None = None) -> list[list[GateOutcome]]:
    """Run each suite on its frame; outcomes in the order of the checks and of each suite's rules.

    Args:
        docs: folder for Great Expectations' own pages, made where it is missing.
    """
    context = _context()
    if docs is not None:
        context.add_data_docs_site("titleshot", _site(docs))
    outcomes = [_run(context, _needed(frame, suite), suite) for frame, suite in checks]
    if docs is not None:
        context.build_data_docs(["titleshot"])
    return outcomes


def gate_rows(data: pd.DataFrame, suite: Suite) -> list[GateOutcome]:
    """Run a suite on a pandas table as it is; outcomes in the order of its rules."""
    return _run(_context(), data, suite)


def _context() -> Any:
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    return context


def _needed(frame: Frame, suite: Suite) -> pd.DataFrame:
    wanted = {name for rule in suite.rules for name in rule.columns}
    # The index carries the number of rows where no rule names a column.
    return pd.DataFrame(
        {name: cells for name, cells in frame.columns.items() if name in wanted},
        index=pd.RangeIndex(frame.rows),
    )


def _run(context: Any, data: pd.DataFrame, suite: Suite) -> list[GateOutcome]:
    source = context.data_sources.add_pandas(suite.table)
    batch = source.add_dataframe_asset(suite.table).add_batch_definition_whole_dataframe("all")
    suite_run = gx.ExpectationSuite(suite.table, expectations=[_configured(rule) for rule in suite.rules])
    context.suites.add(suite_run)
    # Results do not come in the order of the suite: an expectation's own id says which is which.
    rules = {held.id: rule for held, rule in zip(suite_run.expectations, suite.rules, strict=True)}
    definition = gx.ValidationDefinition(name=suite.table, data=batch, suite=suite_run)
    results = context.validation_definitions.add(definition).run(
        batch_parameters={"dataframe": data}, result_format={"result_format": "COMPLETE"}
    )
    found = {rules[r.expectation_config.id].rule: r for r in results.results}
    return [_outcome(rule, found.get(rule.rule)) for rule in suite.rules]


def _configured(rule: Expected) -> Any:
    return ExpectationConfiguration(
        type=rule.expect,
        kwargs=dict(rule.arguments),
        meta={"rule": rule.rule, "says": rule.says},
        severity=_SEVERITY[rule.severity],
    ).to_domain_obj()


def _outcome(rule: Expected, result: ExpectationValidationResult | None) -> GateOutcome:
    if result is None:
        return GateOutcome(rule, passed=False, error="Great Expectations gave no result")
    error = _raised(result.exception_info)
    if error or result.success:
        return GateOutcome(rule, passed=not error, error=error)
    seen = result.result
    failing = tuple(sorted(int(at) for at in seen.get("unexpected_index_list") or ()))
    return GateOutcome(rule, passed=False, failing=failing, observed=str(seen.get("observed_value", "")))


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
