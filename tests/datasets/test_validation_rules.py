"""Each defect planted in a clean small dataset fires its own rules and no others, fast and row by row."""

from __future__ import annotations

import math
from pathlib import Path

import planted_defects as planted
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from planted_defects import APART, DEFECTS, GHOST, TOGETHER
from small_dataset import clean, incident

from titleshot.datasets.contracts.validation import RuleResult, ValidationReport
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import InvalidDataset, MalformedInput
from titleshot.datasets.validation.suite import demands_rows, shipped_rules, shipped_suites
from titleshot.datasets.validation.validate import validate_dataset


def failed(report: ValidationReport) -> dict[str, RuleResult]:
    return {rule.rule: rule for rule in report.rules if not rule.passed}


def both_ways_agree(path: Path, names: list[str], seed: int = 7) -> None:
    """Exactly the rules of these defects fire in the report, and those that rows can show row by row."""
    from titleshot.datasets.validation.cross_check import NOT_IN_ROWS, cross_check

    dataset = planted.write(path, names, seed)
    expected = set().union(*(DEFECTS[name].rules for name in names))
    report = validate_dataset(dataset)
    found = failed(report)
    assert set(found) == expected
    rules = shipped_rules()
    assert {name: rule.severity for name, rule in found.items()} == {
        name: rules[name].severity for name in expected
    }
    assert report.passed == all(rules[name].severity == "warning" for name in expected)
    for rule in found.values():
        assert rule.rows >= 1
        assert rule.examples
        assert "; " in rule.detail
    if "table_readable" not in expected:
        assert cross_check(dataset) == expected - set(NOT_IN_ROWS)


def test_all_defects_at_once_are_told_at_once_by_both(tmp_path: Path) -> None:
    both_ways_agree(tmp_path / "small", TOGETHER)


@given(names=st.sets(st.sampled_from(TOGETHER), max_size=12), seed=st.integers(0, 2**32))
@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_defects_anywhere_fire_exactly_their_rules(
    names: set[str], seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    both_ways_agree(tmp_path_factory.mktemp("drawn") / "small", sorted(names), seed)


@pytest.mark.slow
@given(names=st.sets(st.sampled_from(TOGETHER), max_size=25), seed=st.integers(0, 2**32))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_defects_anywhere_fire_exactly_their_rules_many_times(
    names: set[str], seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    both_ways_agree(tmp_path_factory.mktemp("drawn") / "small", sorted(names), seed)


@pytest.mark.slow
@pytest.mark.parametrize("defect", [*APART, *TOGETHER])
def test_a_defect_alone_fires_its_rules_and_no_other(defect: str, tmp_path: Path) -> None:
    both_ways_agree(tmp_path / "small", [defect])


@pytest.mark.parametrize("kept", [(), ("topology",), ("alias",)])
def test_tables_that_are_not_there_are_not_asked_by_either(kept: tuple[str, ...], tmp_path: Path) -> None:
    from titleshot.datasets.validation.cross_check import cross_check

    small = clean()
    small.reference = [row for row in small.reference if row.kind in kept]
    small.incidents, small.pages, small.feedback = [], [], []
    small.log_events, small.platform_events = [], []
    dataset = small.write(tmp_path / "small")
    assert set(failed(validate_dataset(dataset))) == {"has_labels"}
    assert cross_check(dataset) == set()


def test_every_rule_has_a_defect_that_fires_it() -> None:
    fired = set().union(*(defect.rules for defect in DEFECTS.values()))
    # Rules that demand rows are tried on empty tables, see test_validation_gate.
    rules = {name for name, rule in shipped_rules().items() if not demands_rows(rule)}
    assert fired == rules


def test_every_rule_is_asked_of_rows_or_says_why_not() -> None:
    from titleshot.datasets.validation.cross_check import NOT_IN_ROWS

    asked = {check.rule for suite in shipped_suites() for check in suite.by_rows}
    assert asked | set(NOT_IN_ROWS) == set(shipped_rules())
    assert not asked & set(NOT_IN_ROWS)


def test_counts_are_of_rows_and_examples_name_them(tmp_path: Path) -> None:
    small = clean()
    for at in (7, 8, 700):
        small.samples[at][3] = math.nan
    found = failed(validate_dataset(small.write(tmp_path / "small")))
    assert found["non_finite"].rows == 3
    assert found["non_finite"].examples[0] == (
        "commerce/checkout latency_p99 at 2024-10-04T00:10:00Z = nan (source row 7)"
    )


def test_a_valid_dataset_can_be_replayed_and_an_invalid_one_says_why_not(tmp_path: Path) -> None:
    dataset = clean().write(tmp_path / "good")
    validate_dataset(dataset)
    assert dataset.validated().passed
    small = clean()
    small.incidents = [incident(root_service=GHOST)]
    invalid = small.write(tmp_path / "bad")
    validate_dataset(invalid)
    with pytest.raises(
        InvalidDataset, match=r"label_service_unknown on labels: 1 rows.*inc-1 commerce/ghost"
    ):
        invalid.validated()


def test_a_dataset_edited_after_import_is_stopped(tmp_path: Path) -> None:
    dataset = clean().write(tmp_path / "small")
    path = dataset.path / "telemetry/samples-00000.parquet"
    table = pq.read_table(path)
    place = table.schema.get_field_index("value")
    values = table.column("value").to_pylist()
    values[5] = 0.9
    table = table.set_column(place, table.schema.field(place), pa.array(values))
    pq.write_table(table, path)
    found = failed(validate_dataset(dataset))
    assert set(found) == {"unchanged"}
    assert "samples" in found["unchanged"].examples[0]


@pytest.mark.parametrize(
    "name", ["telemetry/samples-00000.parquet", "telemetry/series.parquet", "reference/topology.parquet"]
)
def test_a_truncated_table_is_a_finding_and_no_crash(name: str, tmp_path: Path) -> None:
    dataset = clean().write(tmp_path / "small")
    path = dataset.path / name
    path.write_bytes(path.read_bytes()[:-20])
    report = validate_dataset(dataset)
    assert not report.passed
    assert set(failed(report)) == {"table_readable"}
    assert name in failed(report)["table_readable"].examples[0]


def test_a_column_of_another_type_is_a_finding(tmp_path: Path) -> None:
    dataset = clean().write(tmp_path / "small")
    path = dataset.path / "telemetry/samples-00000.parquet"
    table = pq.read_table(path)
    place = table.schema.get_field_index("value")
    pq.write_table(table.set_column(place, "value", table.column("value").cast(pa.string())), path)
    found = failed(validate_dataset(dataset))
    assert set(found) == {"table_readable"}
    assert "column 'value' is string, not double" in found["table_readable"].examples[0]


def test_labels_of_a_newer_major_version_block(tmp_path: Path) -> None:
    dataset = clean().write(tmp_path / "small")
    path = dataset.path / "labels/incidents.jsonl"
    path.write_text(path.read_text().replace('"schema_version":"1.0"', '"schema_version":"2.0"'))
    found = failed(validate_dataset(dataset))
    assert set(found) == {"table_readable"}
    assert "this code reads 1.x" in found["table_readable"].examples[0]


def test_data_docs_are_written_where_asked(tmp_path: Path) -> None:
    validate_dataset(clean().write(tmp_path / "small"), docs=tmp_path / "docs")
    pages = list((tmp_path / "docs").rglob("*.html"))
    assert (tmp_path / "docs/index.html") in pages
    assert any("labels" in str(page) for page in pages)


def test_a_report_is_replaced_whole_and_leaves_nothing_beside(tmp_path: Path) -> None:
    dataset = clean().write(tmp_path / "small")
    validate_dataset(dataset)
    report = validate_dataset(dataset)
    assert dataset.validation() == report
    assert [path.name for path in dataset.path.glob("*validation*")] == ["validation.json"]
    dataset.unchanged()


def test_broken_lines_of_labels_are_named_by_file_line_and_field(tmp_path: Path) -> None:
    dataset = planted.write(tmp_path / "small", ["label that is none", "label half written"], 0)
    found = failed(validate_dataset(dataset))
    assert "incidents.jsonl:3" in found["label_contract"].examples[0]
    assert "severity" in found["label_contract"].examples[0]
    assert "feedback.jsonl:3" in found["label_half_written"].examples[0]


def test_ranges_beside_the_card_are_refused_and_not_passed_over(tmp_path: Path) -> None:
    dataset = clean().write(tmp_path / "small")
    (dataset.path / "ranges.yaml").write_text("ranges:\n  - {metric: latency_p99, high: 0.25}\n")
    with pytest.raises(MalformedInput, match=r"ranges\.yaml is not read.*dataset\.yaml"):
        validate_dataset(dataset)


def test_a_dataset_written_by_another_writer_in_another_order_is_judged_the_same(tmp_path: Path) -> None:
    names = ["two samples swapped", "sample overtaken", "sample twice", "sample ahead of its clock"]
    dataset = planted.write(tmp_path / "small", names, 3)
    before = failed(validate_dataset(dataset))
    path = dataset.path / "telemetry/samples-00000.parquet"
    table = pq.read_table(path)
    pq.write_table(table.take(list(reversed(range(table.num_rows)))), path, compression="none")
    again = failed(validate_dataset(Dataset.open(dataset.path)))
    assert {name: rule.rows for name, rule in again.items()} == {
        name: rule.rows for name, rule in before.items()
    }
