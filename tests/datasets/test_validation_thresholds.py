"""Thresholds in ``dataset.yaml``: read with file, line and field, in force both ways, told in the report."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import planted_defects as planted
import pytest
from small_dataset import clean

from titleshot.datasets.contracts.validation import ValidationReport
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.dataset_card import CARD, DatasetCard
from titleshot.datasets.errors import MalformedInput
from titleshot.datasets.validation.suite import shipped_rules
from titleshot.datasets.validation.thresholds import Thresholds
from titleshot.datasets.validation.validate import validate_dataset


@pytest.fixture
def card(tmp_path: Path) -> Path:
    return clean().write(tmp_path / "small").path / CARD


def under(path: Path, section: str) -> Dataset:
    """The dataset with this text as its ``validation``."""
    text = re.sub(r"^validation:\n(?:[ -].*\n)*", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    path.write_text(f"{text}validation:\n{section}", encoding="utf-8")
    return Dataset.open(path.parent)


def failed(report: ValidationReport) -> dict[str, str]:
    return {rule.rule: rule.severity for rule in report.rules if not rule.passed}


FAULTS = [
    ("- {rule: gapps, max_value: 9}", 2, "rules.0.rule: there is no rule 'gapps'; did you mean 'gaps'?"),
    ("- rule: gaps\n      min_value: 9", 3, "rule gaps has no such threshold; it has max_value"),
    ("- {rule: unchanged, max_value: 1}", 2, "rule unchanged has no such threshold; leave it out"),
    ("- rule: gaps\n      max_value: .nan", 3, "max_value: Input should be a finite number"),
    ("- rule: gaps\n      max_value: many", 3, "max_value: Input should be a valid number"),
    ("- {rule: gaps}", 2, "rule gaps is not changed by this; give a threshold or a severity"),
    ("- {rule: gaps, max_vale: 3}", 2, "unknown field; did you mean 'max_value'?"),
    ("- {rule: gaps, severity: fatal}", 2, "severity: Input should be 'error' or 'warning'"),
    ("- rule: unchanged\n      severity: warning", 3, "rule unchanged always blocks; restore the files"),
    ("- rule: cadence\n      min_value: 3", 2, "nothing passes rule cadence: min_value is above max_value"),
    ("- {rule: gaps, max_value: 3}\n    - {rule: gaps, max_value: 4}", 1, "rule gaps stands twice"),
    ("ranges: [{metric: x, low: 3, high: 1}]", 1, "low 3.0 must not be above high 1.0"),
    ("range: [{metric: x}]", 1, "unknown field; did you mean 'ranges'?"),
]


@pytest.mark.parametrize(("section", "line", "says"), FAULTS)
def test_a_fault_is_named_by_file_line_and_field(section: str, line: int, says: str, card: Path) -> None:
    before = len(card.read_text(encoding="utf-8").splitlines()) + 1
    with pytest.raises(MalformedInput, match=re.escape(says)) as caught:
        under(card, f"  rules:\n    {section}\n" if section.startswith("-") else f"  {section}\n")
    assert f"{CARD}:{before + line}:" in str(caught.value)


def test_thresholds_are_settings_and_no_part_of_the_digest(card: Path) -> None:
    before = DatasetCard.load(card)
    dataset = under(card, "  rules:\n    - {rule: gaps, max_value: 9}\n")
    assert dataset.card.digest == before.digest
    dataset.verify()
    dataset.unchanged()
    card.write_text(dataset.card.to_yaml(), encoding="utf-8")
    assert DatasetCard.load(card) == dataset.card
    assert "validation" not in before.to_yaml()


def test_a_changed_threshold_is_in_force_both_ways_and_told(tmp_path: Path) -> None:
    from titleshot.datasets.validation.cross_check import cross_check

    names = ["samples missing", "page open for weeks", "nearly all deploys are decoys", "series falls silent"]
    dataset = planted.write(tmp_path / "small", names, 5)
    assert {"gaps", "page_long", "deploy_decoys", "series_freshness"} == set(cross_check(dataset))
    dataset = under(
        dataset.path / CARD,
        "  rules:\n    - {rule: gaps, max_value: 8}\n    - {rule: page_long, max_value: 400}\n"
        "    - {rule: deploy_decoys, max_value: 1}\n    - {rule: series_freshness, max_value: 600}\n",
    )
    report = validate_dataset(dataset)
    assert failed(report) == {}
    assert cross_check(dataset) == set()
    own = {held.rule: held.max_value for held in report.thresholds if held.own}
    assert own == {"gaps": 8, "page_long": 400, "deploy_decoys": 1, "series_freshness": 600}
    assert {held.rule for held in report.thresholds if not held.own} == {
        name for name, rule in shipped_rules().items() if rule.tunable
    } - set(own)


def test_a_warning_can_be_raised_and_its_words_name_the_limit_in_force(tmp_path: Path) -> None:
    dataset = planted.write(tmp_path / "small", ["samples missing"], 5)
    dataset = under(dataset.path / CARD, "  rules:\n    - {rule: gaps, max_value: 2, severity: error}\n")
    report = validate_dataset(dataset)
    assert failed(report) == {"gaps": "error"}
    assert not report.passed
    gaps = next(rule for rule in report.rules if rule.rule == "gaps")
    assert "a gap of more than 2 of its usual steps" in gaps.detail


def test_an_error_can_be_lowered_only_where_the_rule_allows_it(tmp_path: Path) -> None:
    dataset = planted.write(tmp_path / "small", ["topology ends before the label"], 5)
    assert not validate_dataset(dataset).passed
    lowered = "  rules:\n    - {rule: label_service_outside_topology, severity: warning}\n"
    report = validate_dataset(under(dataset.path / CARD, lowered))
    assert report.passed
    assert failed(report) == {"label_service_outside_topology": "warning"}
    assert {held.rule for held in report.thresholds if held.own} == {"label_service_outside_topology"}


def test_what_a_replay_rests_on_can_never_be_lowered() -> None:
    lowerable = {name for name, rule in shipped_rules().items() if rule.may_warn}
    assert lowerable == {
        "alias_of_itself",
        "alias_ring",
        "label_service_outside_topology",
        "quarantined_share",
    }


@pytest.mark.parametrize("rule", [rule for rule in shipped_rules().values() if rule.severity == "warning"])
def test_every_warning_can_be_raised(rule: Any) -> None:
    Thresholds.model_validate({"rules": [{"rule": rule.rule, "severity": "error"}]})


def test_ranges_of_the_card_hold_before_the_shipped_ones(card: Path) -> None:
    dataset = under(card, '  ranges:\n    - {metric: "latency_p*", low: 0, high: 0.2573}\n')
    report = validate_dataset(dataset)
    assert failed(report) == {"out_of_range": "warning"}
    found = next(rule for rule in report.rules if rule.rule == "out_of_range")
    assert found.rows == 9
    assert (report.ranges[0].metric, report.ranges[0].high, report.ranges[0].own) == (
        "latency_p*",
        0.2573,
        True,
    )
    assert not report.ranges[1].own


def test_most_rows_in_quarantine_block_until_the_card_allows_it(tmp_path: Path) -> None:
    small = clean()
    small.quarantined = 2_000
    dataset = small.write(tmp_path / "small")
    assert failed(validate_dataset(dataset)) == {"quarantined": "warning", "quarantined_share": "error"}
    allowed = under(dataset.path / CARD, "  rules:\n    - {rule: quarantined_share, max_value: 0.6}\n")
    report = validate_dataset(allowed)
    assert failed(report) == {"quarantined": "warning"}
    assert report.quarantined == {"samples": {"bad_value": 2_000}}


def test_a_report_of_the_first_version_is_still_read(tmp_path: Path) -> None:
    dataset = clean().write(tmp_path / "small")
    rule = {"rule": "gaps", "table": "profile", "severity": "warning", "passed": True}
    old = {
        "schema_version": "1.0",
        "passed": True,
        "dataset_digest": dataset.card.digest,
        "labels_digest": "",
        "rules": [{**rule, "rows": 0, "examples": [], "detail": ""}],
        "validated_at": "2026-01-01T00:00:00Z",
    }
    (dataset.path / "validation.json").write_text(json.dumps(old))
    report = dataset.validated()
    assert report.periods == ()
    assert report.thresholds == ()


def test_the_days_of_the_report_add_up(tmp_path: Path) -> None:
    names = ["nan", "sample twice", "samples missing", "negative latency", "two samples swapped"]
    dataset = planted.write(tmp_path / "small", names, 11)
    report = validate_dataset(dataset)
    assert report.period_days == 1
    assert len(report.periods) == 2
    assert sum(period.samples for period in report.periods) == dataset.card.rows
    counts = {rule.rule: rule.rows for rule in report.rules}
    for name in ("non_finite", "repeated", "out_of_range", "disordered", "gaps"):
        assert sum(getattr(period, name) for period in report.periods) == counts[name]
    assert [period.series for period in report.periods] == [3, 3]


def test_a_long_history_has_longer_periods_and_silent_ones_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    from titleshot.datasets.contracts.instants import DAY
    from titleshot.datasets.contracts.record import SeriesKey
    from titleshot.datasets.validation import report_parts
    from titleshot.datasets.validation.profile import Rows, profile_samples
    from titleshot.datasets.validation.suite import load_suite

    monkeypatch.setattr(report_parts, "MOST_PERIODS", 4)
    days = np.array([0, 1, 2, 3, 9], np.int64)
    rows = Rows(np.zeros(5, np.int32), days * DAY, np.ones(5), np.arange(5))
    profile = profile_samples([SeriesKey("a", "b", "c")], lambda: [rows], (0, 10 * DAY))
    period_days, periods = report_parts.periods_of(profile, load_suite("profile"))
    assert period_days == 3
    assert [period.start // DAY for period in periods] == [0, 3, 6, 9]
    assert [period.samples for period in periods] == [3, 1, 0, 1]
    assert [period.series for period in periods] == [1, 1, 0, 1]
    assert [period.gaps for period in periods] == [0, 0, 0, 1]
