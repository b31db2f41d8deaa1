"""The registry away, damaged, or asked for what it does not have."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from breaking import edit

from titleshot.datasets.dataset import Dataset

Refused = Callable[..., str]
Titleshot = Callable[..., Any]

AWAY = "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("checkout-paging", "../x", "decision.yaml:2: name: String should match pattern"),
        ("checkout-paging", "<script>", "got '<script>'"),
        ("page the checkout on-call within 120 s when checkout loses orders", "page", "decision.yaml:3"),
        ("feedback: sre", "feedbak: sre", "owners.feedback: is missing"),
        ("120\n", "-1\n", "decision.yaml:5: detect_within_s: Input should be greater than 0, got -1"),
        ('"1.0"', '"5.0"', "decision.yaml:1: schema_version '5.0': this code reads 1.x; upgrade titleshot"),
        ("name:", "name: [\nx:", "decision.yaml:4: not YAML"),
    ],
)
def test_a_decision_that_is_none_registers_nothing(
    old: str, new: str, says: str, decision: Path, refused: Refused
) -> None:
    edit(decision, old, new)
    refused(["register", "baseline", "--decision", decision], 2, says)


def test_a_decision_that_is_not_there_or_another_name(decision: Path, refused: Refused) -> None:
    refused(["register", "baseline", "--decision", decision.with_name("no.yaml")], 2, "no.yaml: no such file")
    refused(["register", "baseline", "--decision", decision, "--name", "x"], 2, "leave --name out")


def test_a_registry_that_does_not_answer_is_worth_another_try(
    decision: Path, home: Path, refused: Refused, titleshot: Titleshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", AWAY)
    for words in (
        ["register", "module", "--decision", decision],
        ["promote", "checkout-paging", "1", "--override", "--reason", "night"],
        ["rollback", "checkout-paging", "--reason", "night"],
    ):
        refused(words, 4, f"registry {AWAY} does not answer; try again later")
    status = titleshot("status", "checkout-paging")
    assert status.code == 4
    assert "challenger: version 1" in status.err
    assert "does not answer" in status.err
    assert titleshot("history", "checkout-paging").code == 0


def test_a_home_that_is_no_folder(decision: Path, refused: Refused, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    refused(["register", "baseline", "--decision", decision, "--home", file], 2, "name another with --home")


def test_a_damaged_store_is_said_to_be(decision: Path, refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "mlflow.db").write_bytes(os.urandom(5000))
    refused(["register", "baseline", "--decision", decision], 2, "is damaged", "restore it from a backup")


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["status", "../x"], 2, "no model '../x'"),
        (["history", "<script>"], 2, "no model '<script>'"),
        (["promote", "chekout-paging", "1", "--override", "--reason", "x"], 2, "there are checkout-paging"),
        (["promote", "checkout-paging", "9", "--override", "--reason", "x"], 2, "no version 9"),
        (["promote", "checkout-paging", "one"], 2, "VERSION: invalid int value: 'one'"),
        (["promote", "checkout-paging", "1"], 2, "needs --evidence; compare writes it"),
        (["promote", "checkout-paging", "1", "--evidence", "absent"], 2, "no evidence here"),
        (["promote", "checkout-paging", "1", "--override"], 2, "--override needs --reason"),
        (["rollback", "checkout-paging"], 2, "required: --reason"),
        (["rollback", "checkout-paging", "--reason", "x"], 2, "nothing to go back to"),
    ],
)
def test_what_the_registry_does_not_have(
    words: list[object], code: int, says: str, home: Path, refused: Refused
) -> None:
    refused(words, code, says)


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("models:/checkout-paging@champion", "no champion; there are challenger"),
        ("models:/checkout-paging/9", "no version 9"),
        ("models:/checkout-paging", "is no address"),
    ],
)
def test_an_address_that_leads_nowhere(
    address: str, says: str, home: Path, small_platform: Dataset, refused: Refused, tmp_path: Path
) -> None:
    refused(["replay", small_platform.path, address, "--out", tmp_path / "log"], 2, says)


def test_tampering_is_seen_before_anything_is_loaded(
    home: Path, small_platform: Dataset, refused: Refused, tmp_path: Path
) -> None:
    recipe = next((home / "artifacts").glob("*/contender.yaml"))
    edit(recipe, "tick_s: 60", "tick_s: 61")
    words = ["replay", small_platform.path, "models:/checkout-paging@challenger", "--out", tmp_path / "log"]
    refused(words, 1, "its bytes have digest", "it was changed since")
    edit(home / "ledger.jsonl", "ann", "bob")
    refused(["status", "checkout-paging"], 1, "ledger.jsonl:1: its hash does not match")
