"""``validate --judged``: what speaks of a dataset, and whether this is the one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import IntegrityError, MalformedInput, TitleshotError, UsageError
from titleshot.datasets.identity_check import check_identity
from titleshot.datasets.replay_log import ReplayLog
from titleshot.pipelines.compare import compare
from titleshot.pipelines.judged import judged_by
from titleshot.pipelines.score import score

DECISION = {
    "schema_version": "1.0",
    "name": "checkout-paging",
    "decision": "page the checkout on-call within 120 s when checkout loses orders",
    "services": ["commerce/checkout-*"],
    "detect_within_s": 120,
    "success_score": "incident_recall",
    "human_workflow": "on-call rolls back",
    "owners": {"data": "a", "model": "b", "runtime": "c", "feedback": "d"},
}


@pytest.fixture(scope="module")
def said(small_platform: Dataset, small_log: ReplayLog, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Evidence and a scorecard of the small platform."""
    folder = tmp_path_factory.mktemp("said")
    compare("never", small_log, labels=small_platform, home=folder / "home", out=folder / "evidence")
    card = score(small_log, labels=small_platform, resamples=100)
    (folder / "score.json").write_text(json.dumps(card.model_dump(mode="json")))
    return folder


@pytest.mark.parametrize(
    ("source", "labels"), [("evidence", "same"), ("score.json", "same"), ("log", "not_recorded")]
)
def test_evidence_scorecard_and_log_each_tell_which_dataset_they_are_of(
    source: str,
    labels: str,
    said: Path,
    small_platform: Dataset,
    small_log: ReplayLog,
    copy_of: Callable[..., Path],
) -> None:
    judged = judged_by(str(small_log.path if source == "log" else said / source), home=said / "home")
    moved = copy_of(small_platform.path, "moved")

    assert check_identity(Dataset.open(moved), judged).same
    assert check_identity(Dataset.open(moved), judged).labels == labels

    deploys = moved / "reference" / "deploy.parquet"
    pq.write_table(pq.read_table(deploys).slice(1), deploys)
    edited = check_identity(Dataset.open(moved), judged)
    assert edited.tables == ("reference/deploy",)
    assert not edited.same


def test_the_command_proves_a_moved_dataset_and_refuses_an_edited_one(
    said: Path, small_platform: Dataset, copy_of: Callable[..., Path], titleshot: Callable[..., Any]
) -> None:
    moved = copy_of(small_platform.path, "moved")
    ran = titleshot("validate", moved, "--judged", said / "evidence")
    assert ran.code == 0
    assert "the same dataset as in evidence 20" in ran.err
    assert small_platform.card.digest[:12] in ran.err

    labels = moved / "labels" / "incidents.jsonl"
    labels.write_text(labels.read_text().replace('"severity":"', '"notes":"x","severity":"', 1))
    ran = titleshot("validate", moved, "--judged", said / "evidence", "--json")
    assert ran.code == 1
    assert ran.document["passed"] is True
    assert ran.document["judged"]["same"] is False
    assert ran.document["judged"]["labels"] == "differ"


def test_a_second_compare_scores_nothing_on_a_changed_dataset(
    small_platform: Dataset, small_log: ReplayLog, copy_of: Callable[..., Path]
) -> None:
    moved = copy_of(small_platform.path, "moved")
    topology = moved / "reference" / "topology.parquet"
    pq.write_table(pq.read_table(topology).slice(1), topology)

    with pytest.raises(IntegrityError, match="reference/topology"):
        score(small_log, labels=moved)


@pytest.mark.parametrize(
    ("source", "error", "says"),
    [
        ("absent", MalformedInput, "is neither an evidence folder"),
        ("empty", MalformedInput, "is neither an evidence folder"),
        ("garbage.json", MalformedInput, "garbage.json: record: Invalid JSON"),
        ("other.json", MalformedInput, "identity: is missing"),
        ("tampered", IntegrityError, "verdict.json changed since the evidence was written"),
        ("opaque", UsageError, "names no dataset"),
        ("models:/../x", UsageError, "is no address; write models:/NAME@ALIAS"),
        ("models:/checkout-paging@champion", UsageError, "has no champion"),
        ("models:/checkout-paging/1", UsageError, "no model 'checkout-paging' is registered"),
    ],
)
def test_what_tells_of_no_dataset_is_refused(
    source: str,
    error: type[TitleshotError],
    says: str,
    said: Path,
    small_log: ReplayLog,
    copy_of: Callable[..., Path],
    tmp_path: Path,
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "garbage.json").write_bytes(b"\x00\xff{")
    (tmp_path / "other.json").write_text('{"schema_version": "1.0"}')
    verdict = copy_of(said / "evidence", "tampered") / "verdict.json"
    verdict.write_text(verdict.read_text() + " ")
    log = copy_of(small_log.path, "opaque") / "log.json"
    log.write_text(json.dumps({**json.loads(log.read_text()), "dataset": None, "opaque": True}))

    with pytest.raises(error, match=says):
        judged_by(source if source.startswith("models:") else str(tmp_path / source), home=tmp_path / "home")


@pytest.mark.slow
def test_a_registered_version_leads_to_the_evidence_it_was_promoted_on(
    said: Path, small_platform: Dataset, small_log: ReplayLog, tmp_path: Path
) -> None:
    from titleshot.pipelines.promote import promote
    from titleshot.pipelines.register import register

    home, decision = tmp_path / "home", tmp_path / "decision.yaml"
    decision.write_text(json.dumps(DECISION))
    register("baseline", decision=decision, home=home, actor="ann")
    with pytest.raises(UsageError, match="has no champion"):
        judged_by("models:/checkout-paging@champion", home=home)
    with pytest.raises(UsageError, match="was never promoted on evidence"):
        judged_by("models:/checkout-paging/1", home=home)

    promote(
        "checkout-paging", 1, home=home, evidence=said / "evidence", override=True, reason="test", actor="ann"
    )

    for address in ("models:/checkout-paging@champion", "models:/checkout-paging/1"):
        assert check_identity(small_platform, judged_by(address, home=home)).same
    kept = next((home / "evidence").iterdir())
    shutil.rmtree(kept)
    with pytest.raises(MalformedInput, match="no evidence here"):
        judged_by("models:/checkout-paging/1", home=home)
