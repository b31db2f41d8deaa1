"""The judge on a comparison of real logs: what data may lack, and what a shadow run was measured to take."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import UsageError
from titleshot.datasets.replay_log import ReplayLog
from titleshot.pipelines.compare import compare
from titleshot.pipelines.verify import verify

pytestmark = pytest.mark.slow

PLAIN = "name: p\npromote_equals: true\nconfidence: 0.8\ndecisive_confidence: 0.9\ncriteria:\n"
RECALL = "  - {score: incident_recall, kind: ceiling, margin: 0.0001}\n"


@pytest.fixture
def compared(tmp_path: Path, small_platform: Dataset, small_log: ReplayLog):
    def make(policy: str, **more: object):
        path = tmp_path / "policy.yaml"
        path.write_text(PLAIN + policy)
        return compare("never", small_log, labels=small_platform, home=tmp_path / "home", policy=path, **more)

    return make


@pytest.fixture
def shadow(tmp_path: Path, small_log: ReplayLog) -> Path:
    """A log as ``journal`` makes it of a sidecar's journal."""
    folder = Path(shutil.copytree(small_log.path, tmp_path / "shadow"))
    about = json.loads((folder / "log.json").read_text())
    about["journal"] = {
        "measured": {
            "contender": small_log.about["contender"],
            "artifact_digest": small_log.about["artifact_digest"],
            "measured_from": "2026-02-02T00:00:00Z",
            "measured_to": "2026-02-09T00:00:00Z",
            "shadow_hours": 168,
            "shadow_coverage": 0.99,
            "p99_latency_ms": 12.5,
            "timed": 1000,
            "memory_mb": 300,
        }
    }
    (folder / "log.json").write_text(json.dumps(about))
    return folder


def test_budgets_are_held_against_what_the_shadow_run_took(compared, shadow: Path) -> None:
    policy = RECALL + "budgets: {p99_latency_ms: 20, memory_mb: 400}\nminimum: {shadow_hours: 100}\n"
    unmeasured = compared(policy).verdict
    assert len(unmeasured.unmet) == 3
    judged = compared(policy, shadow=shadow)
    assert judged.verdict.unmet == ()
    assert [budget.outcome for budget in judged.verdict.budgets] == ["kept", "kept"]
    assert judged.evidence.record.measured is not None
    assert verify(judged.evidence.folder).evidence.verdict == judged.verdict
    over = compared(RECALL + "budgets: {p99_latency_ms: 10}\n", shadow=shadow).verdict
    assert over.answer == "reject"


def test_a_log_without_measurements_is_no_shadow_run(compared, small_log: ReplayLog) -> None:
    with pytest.raises(UsageError, match="holds no measurements of a shadow run; make it with titleshot"):
        compared(RECALL, shadow=small_log.path)


def test_a_shadow_run_of_something_else_is_invalid(compared, shadow: Path) -> None:
    about = json.loads((shadow / "log.json").read_text())
    about["journal"]["measured"]["artifact_digest"] = "f" * 64
    (shadow / "log.json").write_text(json.dumps(about))
    verdict = compared(RECALL + "budgets: {memory_mb: 400}\n", shadow=shadow).verdict
    assert verdict.answer == "invalid"
    assert "is not the challenger" in verdict.faults[0]


@pytest.mark.parametrize(
    ("criterion", "words"),
    [
        ("{score: usefulness, kind: ceiling, margin: 0.5}", "titleshot feedback queue"),
        ("{score: usefulness, kind: non_inferiority, margin: 0.1}", "titleshot feedback queue"),
        ("{score: bcubed_f, kind: non_inferiority, margin: 0.1}", "bcubed f"),
    ],
)
def test_what_the_data_lacks_is_not_enough_evidence_and_never_invalid(
    compared, criterion: str, words: str
) -> None:
    judged = compared(f"  - {criterion}\n")
    assert judged.verdict.answer == "not_enough_evidence"
    assert any(words in line for line in judged.verdict.missing)


def test_a_floor_under_what_candidates_are_worth_reads_the_challengers_own(compared) -> None:
    answers = {
        margin: compared(f"  - {{score: ac_at_3, kind: ceiling, margin: {margin}}}\n").verdict
        for margin in (0.0001, 0.9999)
    }
    assert answers[0.0001].answer == "promote"
    assert answers[0.9999].answer == "reject"
    undefined = compared("  - {score: bcubed_f, kind: ceiling, margin: 0.1}\n").verdict
    assert undefined.answer == "not_enough_evidence"  # 19 days: of anything but a proportion no interval


def test_suites_are_looked_up_in_the_validation_that_let_the_data_pass(compared) -> None:
    verdict = compared(RECALL + "data: {suites: [labels]}\n").verdict
    assert verdict.answer == "invalid"  # the small platform was let pass without a rule
    assert "the suite labels, which was not run" in verdict.faults[0]


def test_a_narrow_group_is_judged_by_its_tier_and_the_evidence_says_so(compared) -> None:
    policy = (
        RECALL + "minimum: {incidents: 100000}\n"
        "narrow: {groups: [checkout], minimum: {incidents: 1}, confidence: 0.7}\n"
    )
    assert compared(policy).verdict.answer == "not_enough_evidence"
    judged = compared(policy, group="checkout")
    assert judged.verdict.unmet == ()
    assert judged.verdict.group == "checkout"
    assert "instead of 10 %" in judged.verdict.narrow
    assert verify(judged.evidence.folder).evidence.verdict.group == "checkout"
