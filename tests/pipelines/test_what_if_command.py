"""``what-if`` on the command line, and its way onto the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from titleshot.datasets.contracts.html_table import text_table
from titleshot.datasets.contracts.what_if import WHAT_IF_FILE, WhatIfReport
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.replay_log import ReplayLog
from titleshot.pipelines.what_if import what_if

RULES = """name: restarts
rules:
  - name: restart when score > 0.9
    action: restart
    when: {score_above: 0.9}
    reversible: true
  - name: roll back what is suspected
    action: roll back
    on: incident
    target: hypothesis
    when: {severity: high, hypothesis: {confidence_at_least: 0.3}}
    reversible: true
    guardrails: {scope: ["*/*"], most_callers: 9, human_approval: false}
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    return path


def test_the_terminal_says_all_that_is_asked(
    titleshot: Any, small_log: ReplayLog, small_platform: Dataset, rules: Path, tmp_path: Path
) -> None:
    out = tmp_path / "what-if.json"
    words = ("what-if", small_log.path, rules, "--labels", small_platform.path, "--out", out)
    ran = titleshot(*words, "--quiet")
    assert ran.code == 0
    assert "Nothing was carried out." in ran.err
    for said in (
        "on the wrong service", "during maintenance", "again too soon", "blast radius", "reversible",
        "scoped", "root cause evidence", "rate limited", "human approval", "left by guardrails",
        "may go as far as",
    ):  # fmt: skip
        assert f"  {said}" in ran.err
    written = WhatIfReport.from_json(out.read_bytes())
    again = titleshot(*words, "--json")
    assert again.document == written.model_dump(mode="json")


def test_numbers_agree_with_the_actions_listed(
    small_log: ReplayLog, small_platform: Dataset, rules: Path
) -> None:
    report = what_if(small_log, rules, labels=small_platform)
    assert report.actions_left_out == 0
    assert [action.at for action in report.actions] == sorted(action.at for action in report.actions)
    for rule in report.rules:
        mine = [action for action in report.actions if action.rule == rule.rule]
        assert len(mine) == rule.actions > 0
        for outcome, number in (rule.outcomes or {}).items():
            assert number == sum(action.outcome == outcome for action in mine)
        repeated = rule.share("action_repeat_ratio")
        assert repeated.value == pytest.approx(sum(action.repeated for action in mine) / len(mine))
        for one in rule.guardrails:
            held = sum(one.guardrail in action.stopped_by for action in mine)
            assert one.stopped.value == pytest.approx(held / len(mine))
    assert "nothing was carried out" in text_table(report._repr_html_())


def test_the_log_and_the_dataset_stay_as_they_were(
    small_log: ReplayLog, small_platform: Dataset, rules: Path
) -> None:
    def content(folder: Path) -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    before = content(small_log.path), content(small_platform.path)
    what_if(small_log, rules, labels=small_platform)
    assert (content(small_log.path), content(small_platform.path)) == before


def test_the_page_shows_what_lies_in_the_log_and_refuses_what_is_of_another(
    titleshot: Any, small_log: ReplayLog, small_platform: Dataset, rules: Path, copy_of: Any, tmp_path: Path
) -> None:
    log = copy_of(small_log.path, "log")
    assert titleshot("what-if", log, rules, "--labels", small_platform.path).code == 0
    page = tmp_path / "page.html"
    words = ("report", log, "--labels", small_platform.path, "--out", page)
    assert titleshot(*words).code == 0
    assert "What remediation would have done" in page.read_text()
    assert "Incidents as a responder sees them" in page.read_text()
    report = WhatIfReport.from_json((log / WHAT_IF_FILE).read_bytes())
    other = tmp_path / "other.json"
    other.write_text(report.model_copy(update={"artifact_digest": "0" * 64}).to_json())
    ran = titleshot(*words, "--what-if", other)
    assert ran.code == 2
    assert "leave out --what-if" in ran.err
