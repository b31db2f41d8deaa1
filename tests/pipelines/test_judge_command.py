"""``judge``: past evidence under another policy, one folder or many, and what came of it since."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from titleshot.datasets.contracts.instants import DAY
from titleshot.datasets.yaml_file import dump_yaml
from titleshot.registry.evidence import Evidence, write_evidence
from titleshot.registry.judge import judge
from titleshot.registry.ledger import Committed, Intended, Ledger
from titleshot.registry.policy import Policy, load_policy
from titleshot.registry.rehearsal import CASES, Case, rehearsed

BETTER, SHORT, NOISY = CASES[0], CASES[1], CASES[4]
POLICY = load_policy()
STRICTER = POLICY.model_copy(update={"minimum": POLICY.minimum.model_copy(update={"incidents": 1000})})
Make = Callable[..., Evidence]


@pytest.fixture
def past(tmp_path: Path) -> Make:
    """Evidence below ``past``, a day apart."""
    days = iter(range(1, 100))

    def make(name: str, case: Case, policy: Policy = POLICY) -> Evidence:
        comparison = rehearsed(policy, case)
        at = 20_500 * DAY + next(days) * DAY
        verdict = judge(comparison, policy, judged_at=at)
        return write_evidence(tmp_path / "past" / name, comparison, verdict, policy, beneath=tmp_path)

    return make


def file_of(policy: Policy, tmp_path: Path) -> Path:
    path = tmp_path / f"{len(list(tmp_path.glob('*.yaml')))}.yaml"
    path.write_text(dump_yaml(policy.model_dump(mode="json")), encoding="utf-8")
    return path


def went_live(home: Path, evidence: Evidence, version: int, *, back: str | None = None) -> None:
    """The ledger's lines of a promotion on evidence, and of a rollback three days later."""
    ledger = Ledger(home / "ledger.jsonl")
    common = {"name": "checkout-paging", "alias": "champion"}
    promoted = ledger.append(
        Intended,
        "ann",
        move="promote",
        from_version=None,
        to_version=version,
        reason="judged",
        evidence_digest=evidence.digest,
        decision_id=evidence.record.decision_id,
        **common,
    )
    ledger.append(Committed, "ann", intent=promoted.seq)
    if back is not None:
        rolled = ledger.append(
            Intended, "bob", move="rollback", from_version=version, to_version=None, reason=back, **common
        )
        ledger.append(Committed, "bob", intent=rolled.seq)


def test_many_folders_become_a_table_with_what_flips_each_and_what_is_missing(
    titleshot, past: Make, tmp_path: Path
) -> None:
    promoted, rejected, short = past("a", BETTER), past("b", NOISY), past("c", SHORT)
    went_live(tmp_path / "home", promoted, 2, back="paged the wrong team")
    ran = titleshot(
        "judge", tmp_path / "past", "--policy", file_of(STRICTER, tmp_path), "--home", tmp_path / "home"
    )
    assert ran.code == 0
    lines = ran.err.splitlines()
    rows = [
        next(line for line in lines if line.startswith(one.record.decision_id))
        for one in (promoted, rejected, short)
    ]
    assert [row.split()[-1] for row in rows] == ["not_enough_evidence", "same", "same"]
    assert lines.index(rows[0]) < lines.index(rows[1]) < lines.index(rows[2])
    assert "    because of 240 incidents scored, the policy asks for 1,000" in lines
    assert any("ROLLED BACK after 0.0 days (paged the wrong team)" in line for line in lines)
    assert "    missing: 760 incidents more, about 54 weeks at this rate" in lines
    assert "of 1 promotions it would have stopped 1, 1 of which were rolled back later" in lines
    assert "of 1 rejections it would have let pass 0" in lines


def test_rejections_a_laxer_policy_lets_pass_are_counted(titleshot, past: Make, tmp_path: Path) -> None:
    kept = past("a", BETTER)
    past("b", NOISY)
    went_live(tmp_path / "home", kept, 2, back="too loud")
    lax = POLICY.model_copy(
        update={"criteria": (POLICY.criteria[1],), "promote_equals": True, "without_champion": ()}
    )
    ran = titleshot(
        "judge",
        tmp_path / "past",
        "--policy",
        file_of(lax, tmp_path),
        "--home",
        tmp_path / "home",
        "--json",
    )
    assert ran.code == 0
    counts = ran.document["counts"]
    assert (counts["let_pass"], counts["same"], counts["kept_and_rolled_back"]) == (1, 1, 1)
    freed = next(row for row in ran.document["judged"] if row["answer"] == "reject")
    assert freed["verdict"]["answer"] == "promote"
    assert any(why.startswith("no longer: ") for why in freed["flips"])


def test_a_broken_folder_is_named_and_the_others_are_judged(titleshot, past: Make, tmp_path: Path) -> None:
    past("a", BETTER)
    changed = past("b", NOISY).folder
    (changed / "verdict.json").write_text("{}")
    (tmp_path / "past" / "c").mkdir()
    ran = titleshot("judge", tmp_path / "past", "--policy", file_of(POLICY, tmp_path), "--json")
    assert ran.code == 2
    assert len(ran.document["judged"]) == 1
    broken = {Path(one["evidence"]).name: one["error"] for one in ran.document["broken"]}
    assert "verdict.json changed since" in broken["b"]
    assert "no evidence here" in broken["c"]


@pytest.mark.parametrize(("case", "code"), [(BETTER, 0), (NOISY, 1), (SHORT, 3)])
def test_of_one_folder_the_exit_code_is_the_verdicts(
    titleshot, past: Make, tmp_path: Path, case: Case, code: int
) -> None:
    made = past("a", case)
    ran = titleshot("judge", made.folder, "--policy", file_of(POLICY, tmp_path), "--json")
    assert ran.code == code
    assert ran.document["judged"][0]["decision_id"] == made.record.decision_id


def test_one_broken_folder_is_an_error_as_ever(titleshot, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    ran = titleshot("judge", tmp_path / "empty", "--policy", file_of(POLICY, tmp_path))
    assert ran.code == 2
    assert "no evidence here" in ran.err


def test_intervals_narrower_than_the_policy_needs_are_to_be_compared_again(
    titleshot, past: Make, tmp_path: Path
) -> None:
    past("a", BETTER)
    past("b", NOISY)
    sure = POLICY.model_copy(update={"confidence": 0.98})
    ran = titleshot("judge", tmp_path / "past", "--policy", file_of(sure, tmp_path), "--json")
    assert ran.code == 0
    for row in ran.document["judged"]:
        assert row["verdict"]["answer"] == "invalid"
        assert (
            "needs a 99.5 % interval and the comparison has one of 97.5 %; compare again" in row["flips"][0]
        )


def test_a_copy_of_evidence_is_judged_once(titleshot, past: Make, tmp_path: Path) -> None:
    made = past("a", BETTER)
    shutil.copytree(made.folder, tmp_path / "past" / "b")
    ran = titleshot("judge", tmp_path / "past", "--policy", file_of(POLICY, tmp_path), "--json")
    assert len(ran.document["judged"]) == 1
    assert json.loads(json.dumps(ran.document["counts"]))["same"] == 1
