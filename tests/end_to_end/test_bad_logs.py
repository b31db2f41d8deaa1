"""Replay logs and evidence that are cut off, edited, of another version or of other data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from breaking import as_folder, cut, edit, edit_json, fill, rewrite

from titleshot.datasets.dataset import Dataset
from titleshot.datasets.replay_log import TABLES, ReplayLog

Refused = Callable[..., str]
Break = Callable[[Path], object]

LOGS: list[tuple[str, Break, tuple[str, ...]]] = [
    *[
        (f"{name} cut off", lambda log, name=name: cut(log / f"{name}.parquet"), (f"{name}.parquet", "again"))
        for name in TABLES
        if name != "scores"
    ],
    ("a table absent", lambda log: (log / "events.parquet").unlink(), ("events.parquet: no such file",)),
    ("a table a folder", lambda log: as_folder(log / "pages.parquet"), ("pages.parquet", "replay again")),
    (
        "rows taken out",
        lambda log: rewrite(log / "pages.parquet", lambda table: table.slice(1)),
        ("rows, log.json says", "replay again"),
    ),
    (
        "a column taken out",
        lambda log: rewrite(log / "pages.parquet", lambda table: table.drop_columns(["route"])),
        ("no column 'route'; replay again",),
    ),
    (
        "text for lists",
        lambda log: rewrite(log / "pages.parquet", fill("services", "x")),
        ("pages.parquet: a column is of another type",),
    ),
    (
        "a severity there is not",
        lambda log: rewrite(log / "pages.parquet", fill("severity", "awful")),
        ("pages.parquet row 1: severity", "'low', 'medium', 'high' or 'critical'"),
    ),
    ("no log.json", lambda log: (log / "log.json").unlink(), ("no replay log here", "make one with replay")),
    ("no JSON", lambda log: (log / "log.json").write_text("{"), ("log.json is not JSON", "replay again")),
    ("no text", lambda log: (log / "log.json").write_bytes(b"\xff\xfe"), ("log.json is not JSON",)),
    ("a list", lambda log: (log / "log.json").write_text("[]"), ("log.json: record: Input should be",)),
    ("nested", lambda log: (log / "log.json").write_text("[" * 99_999), ("log.json is not JSON",)),
    (
        "another version",
        lambda log: edit_json(log / "log.json", log_version="9.0"),
        ("log_version 9.0; this code reads 1.x; upgrade titleshot",),
    ),
    (
        "no version",
        lambda log: edit_json(log / "log.json", log_version="new"),
        ("log_version 'new' is not MAJOR.MINOR like 1.0",),
    ),
    (
        "a span that is none",
        lambda log: edit_json(log / "log.json", span={"from": "May"}),
        ("log.json: span.from: timestamp 'May' is not ISO 8601",),
    ),
    (
        "of other data",
        lambda log: edit_json(log / "log.json", dataset={"name": "other", "digest": "ab" * 32}),
        ("was replayed from other (abababababab)", "and score that log"),
    ),
]


@pytest.mark.parametrize(("damage", "says"), [row[1:] for row in LOGS], ids=[row[0] for row in LOGS])
def test_a_damaged_log_is_neither_scored_nor_compared_nor_drawn(
    damage: Break,
    says: tuple[str, ...],
    small_platform: Dataset,
    small_log: ReplayLog,
    copy_of: Callable[..., Path],
    refused: Refused,
    tmp_path: Path,
) -> None:
    log, labels = copy_of(small_log.path, "log"), ["--labels", small_platform.path]
    damage(log)
    refused(["score", log, *labels], 2, *says)
    refused(["compare", small_log.path, log, *labels, "--out", tmp_path / "evidence"], 2, *says)
    if not (log / "log.json").is_file():
        says = ("is neither evidence (digest.json) nor a replay log (log.json)",)
    refused(["report", log, *labels, "--out", tmp_path / "page.html"], 2, *says)


@pytest.fixture(scope="module")
def evidence(small_platform: Dataset, small_log: ReplayLog, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from titleshot.pipelines.compare import compare

    folder = tmp_path_factory.mktemp("judged")
    judged = compare("never", small_log, labels=small_platform, home=folder / "home", out=folder / "evidence")
    return judged.evidence.folder


EVIDENCE: list[tuple[str, Break, int, tuple[str, ...]]] = [
    (
        "a kinder verdict",
        lambda e: edit(e / "verdict.json", "not_enough_evidence", "promote"),
        1,
        ("verdict.json changed since the evidence was written; compare again",),
    ),
    ("cut off", lambda e: cut(e / "comparison.json"), 1, ("comparison.json changed",)),
    ("a part absent", lambda e: (e / "decision.json").unlink(), 1, ("decision.json changed",)),
    ("a part more", lambda e: (e / "more.txt").write_text("x"), 1, ("more.txt changed",)),
    ("a link", lambda e: (e / "link").symlink_to("/etc/passwd"), 2, ("is a link or device",)),
    ("no digests", lambda e: (e / "digest.json").unlink(), 2, ("no evidence here", "make it with compare")),
    ("digests no JSON", lambda e: (e / "digest.json").write_text("["), 2, ("digest.json cannot be read",)),
    ("digests a list", lambda e: (e / "digest.json").write_text("[]"), 2, ("digest.json cannot be read",)),
]


@pytest.mark.parametrize(
    ("damage", "code", "says"), [row[1:] for row in EVIDENCE], ids=[row[0] for row in EVIDENCE]
)
def test_damaged_evidence_is_neither_verified_nor_judged_nor_drawn(
    damage: Break,
    code: int,
    says: tuple[str, ...],
    evidence: Path,
    copy_of: Callable[..., Path],
    refused: Refused,
    tmp_path: Path,
) -> None:
    folder = copy_of(evidence, "evidence")
    damage(folder)
    policy = tmp_path / "policy.yaml"
    policy.write_text("name: mine\ncriteria: [{score: incident_recall, kind: superiority, margin: 0}]\n")
    refused(["verify", folder], code, *says)
    refused(["judge", folder, "--policy", policy], code, *says)
    if not (folder / "digest.json").is_file():
        says = ("is neither evidence (digest.json) nor a replay log (log.json)",)
    refused(["report", folder, "--out", tmp_path / "page.html"], code, *says)


POLICIES = [
    ("absent", None, ("no such file",)),
    ("no YAML", "name: [", ("policy.yaml:1: not YAML",)),
    ("another version", "schema_version: 4.0\nname: x\n", ("policy.yaml:1: schema_version: 4.0", "upgrade")),
    ("no criteria", "name: x\ncriteria: []\n", ("policy.yaml:2: criteria",)),
    (
        "a kind there is not",
        "name: x\ncriteria:\n  - {score: incident_recall, kind: superior}\n",
        ("policy.yaml:3: criteria.0.kind", "got 'superior'"),
    ),
    (
        "mistyped",
        "name: x\nconfidense: 0.9\ncriteria: [{score: incident_recall, kind: superiority}]\n",
        ("policy.yaml:2: confidense: unknown field; did you mean 'confidence'?",),
    ),
    (
        "a score there is not",
        "name: x\ncriteria: [{score: incident_recal, kind: superiority}]\n",
        ("unknown score 'incident_recal'; did you mean 'incident_recall'?",),
    ),
]


@pytest.mark.parametrize(("text", "says"), [row[1:] for row in POLICIES], ids=[row[0] for row in POLICIES])
def test_a_faulty_policy_is_refused_with_line_and_way_out(
    text: str | None, says: tuple[str, ...], refused: Refused, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.yaml"
    if text is not None:
        policy.write_text(text)
    refused(["policy", "test", policy], 2, *says)


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("replay", "is not a replay log and not empty; choose another folder"),
        ("compare", "is not an evidence folder and not empty; choose another folder"),
        ("fit", "is not a contender and not empty; choose another folder"),
        ("report", "is a folder; name a file"),
    ],
)
def test_nothing_is_written_over_something_else(
    command: str,
    says: str,
    small_platform: Dataset,
    small_log: ReplayLog,
    refused: Refused,
    tmp_path: Path,
) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "thesis.txt").write_text("three years of work")
    log, labels = small_log.path, ["--labels", small_platform.path]
    words: dict[str, list[object]] = {
        "replay": ["replay", small_platform.path, "baseline"],
        "compare": ["compare", "never", log, *labels],
        "report": ["report", log, *labels],
        "fit": ["fit", small_platform.path, "baseline"],
    }
    refused([*words[command], "--out", theirs], 2, says)
    file = theirs / "thesis.txt"
    if command != "report":
        refused([*words[command], "--out", file], 2)
    refused([*words[command], "--out", file / "below"], 2, "nothing can be written there")


def test_the_working_directory_is_no_place_for_an_output(
    small_platform: Dataset, refused: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    refused(["replay", small_platform.path, "baseline", "--out", "."], 2, "is the working directory")


def test_a_second_replay_takes_the_place_of_the_first(
    small_platform: Dataset, titleshot: Callable[..., Any], tmp_path: Path
) -> None:
    log = tmp_path / "log"
    assert titleshot("replay", small_platform.path, "baseline", "--out", log).code == 0
    assert titleshot("replay", small_platform.path, "baseline", "--out", log).code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["log"]
