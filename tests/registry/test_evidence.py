"""Evidence: whole, digested, found out when changed, and judged anew to the same answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from titleshot.datasets.contracts.comparisons import IncidentPair
from titleshot.datasets.contracts.decision import Decision
from titleshot.datasets.contracts.record import canonical_json
from titleshot.datasets.contracts.scores import IncidentOutcome
from titleshot.datasets.errors import FailedCheck, IntegrityError, MalformedInput, UsageError
from titleshot.pipelines.judge import judge_again
from titleshot.pipelines.verify import verify
from titleshot.registry.evidence import (
    Evidence,
    incident_table,
    look_of,
    read_evidence,
    rejudge,
    write_evidence,
)
from titleshot.registry.home import Home
from titleshot.registry.judge import judge
from titleshot.registry.ledger import Ledger
from titleshot.registry.looks import looks_before, record_look
from titleshot.registry.policy import load_policy
from titleshot.registry.rehearsal import CASES, rehearsed


@pytest.fixture
def evidence(tmp_path: Path, decision: Decision) -> Evidence:
    policy = load_policy()
    comparison = rehearsed(policy, CASES[0])
    verdict = judge(comparison, policy)
    return write_evidence(tmp_path / "e", comparison, verdict, policy, beneath=tmp_path, decision=decision)


def test_it_is_whole_and_holds(evidence: Evidence, decision: Decision) -> None:
    assert sorted(path.name for path in evidence.folder.iterdir()) == [
        "comparison.json",
        "decision.json",
        "decision.yaml",
        "digest.json",
        "incidents.parquet",
        "policy.yaml",
        "report.html",
        "verdict.json",
    ]
    assert evidence.decision == decision
    assert evidence.record.decision_name == "checkout-paging"
    assert rejudge(evidence) == evidence.verdict
    assert verify(evidence.folder).looked is None
    raw = (evidence.folder / "decision.json").read_text()
    assert raw == canonical_json(json.loads(raw)) + "\n"


def edit(folder: Path) -> None:
    path = folder / "verdict.json"
    path.write_text(path.read_text().replace("promote", "reject"))


def add(folder: Path) -> None:
    (folder / "note.txt").write_text("trust me")


def remove(folder: Path) -> None:
    (folder / "report.html").unlink()


def forge_digest(folder: Path) -> None:
    path = folder / "digest.json"
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, "digest": "0" * 64}))


@pytest.mark.parametrize(
    ("tamper", "named"),
    [(edit, "verdict.json"), (add, "note.txt"), (remove, "report.html"), (forge_digest, "digest.json")],
)
def test_a_change_is_found_and_the_file_named(
    evidence: Evidence, tamper: Callable[[Path], None], named: str
) -> None:
    tamper(evidence.folder)
    with pytest.raises(IntegrityError, match=named):
        verify(evidence.folder)


def test_a_verdict_its_comparison_does_not_get_is_found(evidence: Evidence, tmp_path: Path) -> None:
    claimed = evidence.verdict.model_copy(update={"answer": "reject"})
    forged = write_evidence(
        tmp_path / "forged", evidence.comparison, claimed, evidence.policy, beneath=tmp_path
    )
    with pytest.raises(FailedCheck, match="judged anew it is promote, it claims reject"):
        verify(forged.folder)


def test_evidence_written_anew_by_hand_is_not_what_the_ledger_saw(evidence: Evidence, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    record_look(Ledger(home.ledger), evidence, "ann")
    assert verify(evidence.folder, home=home.path).looked is not None
    path = evidence.folder / "report.html"
    path.write_text(path.read_text().replace("better", "best"))
    (evidence.folder / "digest.json").unlink()
    again = write_evidence(
        tmp_path / "again", evidence.comparison, evidence.verdict, evidence.policy, beneath=tmp_path,
        decision=evidence.decision,
    )  # fmt: skip
    assert again.digest == evidence.digest
    (again.folder / "report.html").write_text("<p>best</p>")
    with pytest.raises(IntegrityError):
        verify(again.folder, home=home.path)


def test_another_policy_judges_the_same_comparison(evidence: Evidence, tmp_path: Path) -> None:
    strict = tmp_path / "strict.yaml"
    strict.write_text(
        "name: strict\ncriteria:\n  - {score: alarming_precision, kind: superiority, margin: 0.5}\n"
    )
    _, verdict = judge_again(evidence.folder, policy=strict)
    assert (verdict.answer, verdict.policy_name) == ("reject", "strict")
    demanding = tmp_path / "demanding.yaml"
    demanding.write_text(
        strict.read_text().replace("margin: 0.5", "confidence: 0.9999") + "decisive_confidence: 0.99999\n"
    )
    _, verdict = judge_again(evidence.folder, policy=demanding)
    assert verdict.answer == "invalid"
    assert "compare again with this policy" in verdict.reasons[0]


def test_incidents_are_told_a_row_each(evidence: Evidence) -> None:
    outcome = IncidentOutcome(
        incident_id="i", start=0, end=10**9, root_service="a/b", affected_services=("a/b",), severity="high",
        kind="spike", team=None, outcome="detected", detected_at=5 * 10**8, time_to_detect_s=0.5,
    )  # fmt: skip
    missed = outcome.model_copy(update={"outcome": "missed", "detected_at": None, "time_to_detect_s": None})
    pair = IncidentPair(incident_id="i", verdict="won", why="w", champion=missed, challenger=outcome)
    table = incident_table(evidence.comparison.model_copy(update={"incidents": (pair,)}))
    row = table.to_pylist()[0]
    assert (row["champion_outcome"], row["challenger_outcome"], row["verdict"]) == (
        "missed",
        "detected",
        "won",
    )
    assert row["champion_time_to_detect_s"] is None
    assert pq.read_table(evidence.folder / "incidents.parquet").schema == table.schema


def test_looks_are_counted_by_span_and_the_same_look_again_is_none(
    evidence: Evidence, tmp_path: Path
) -> None:
    ledger, comparison = Ledger(tmp_path / "ledger.jsonl"), evidence.comparison
    assert looks_before(ledger, comparison) == 0
    for _ in range(2):
        record_look(ledger, evidence, "ann")
    assert looks_before(ledger, comparison) == 0

    def other(**settings: int) -> object:
        card = comparison.challenger
        identity = card.identity.model_copy(update={"contender": "another"})
        changed = card.settings.model_copy(update=settings)
        return comparison.model_copy(
            update={"challenger": card.model_copy(update={"identity": identity, "settings": changed})}
        )

    end = comparison.challenger.settings.span_to
    assert looks_before(ledger, other()) == 1  # another challenger on the same span
    assert looks_before(ledger, other(span_to=end + 10)) == 1  # the span has grown
    assert looks_before(ledger, other(span_from=end, span_to=2 * end)) == 0  # a fresh span
    assert look_of(other()) != look_of(comparison)


def test_nothing_that_is_not_evidence_is_overwritten_and_no_half_is_left(
    evidence: Evidence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = (evidence.comparison, evidence.verdict, evidence.policy)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="not an evidence folder"):
        write_evidence(tmp_path / "mine", *parts, beneath=tmp_path)
    write_evidence(evidence.folder, *parts, beneath=tmp_path)

    def fail(*_: object) -> str:
        raise RuntimeError("no page")

    monkeypatch.setattr("titleshot.registry.evidence._page", fail)
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(RuntimeError):
        write_evidence(tmp_path / "half", *parts, beneath=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_what_is_no_evidence_says_so(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(MalformedInput, match="no evidence here"):
            read_evidence(folder)
    (tmp_path / "digest.json").write_text("[]")
    with pytest.raises(MalformedInput, match="cannot be read"):
        read_evidence(tmp_path)
