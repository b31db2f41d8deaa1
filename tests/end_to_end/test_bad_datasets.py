"""Datasets that are cut off, edited, of another version or not there: the right code, one clear message."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from breaking import SAMPLES, as_folder, cut, edit, edit_json, edit_label, fill, rewrite

from titleshot.datasets.dataset import Dataset
from titleshot.datasets.replay_log import ReplayLog

Refused = Callable[..., str]
Break = Callable[[Path], object]


def _latin(path: Path) -> None:
    path.write_bytes(b"name: caf\xe9\n")


NOT_REPLAYED: list[tuple[str, Break, int, tuple[str, ...]]] = [
    ("absent", shutil.rmtree, 2, ("no dataset here", "import or generate")),
    ("samples cut off", lambda d: cut(d / SAMPLES), 2, (SAMPLES, "cut off: import again")),
    ("samples absent", lambda d: (d / SAMPLES).unlink(), 2, ("no telemetry/samples-*.parquet",)),
    ("samples a folder", lambda d: as_folder(d / SAMPLES), 2, (SAMPLES, "Is a directory")),
    ("series cut off", lambda d: cut(d / "telemetry/series.parquet"), 2, ("series.parquet", "import again")),
    ("log events cut off", lambda d: cut(d / "telemetry/log_events.parquet"), 2, ("cut off: import again",)),
    ("topology cut off", lambda d: cut(d / "reference/topology.parquet"), 2, ("cut off: import again",)),
    ("topology absent", lambda d: (d / "reference/topology.parquet").unlink(), 1, ("restore it or import",)),
    (
        "text for values",
        lambda d: rewrite(d / SAMPLES, fill("value", "x")),
        2,
        ("'value' is string, not double",),
    ),
    (
        "no values",
        lambda d: rewrite(d / SAMPLES, lambda t: t.drop_columns(["value"])),
        2,
        ("no column 'value'",),
    ),
    (
        "edited",
        lambda d: rewrite(d / SAMPLES, fill("value", 1.0)),
        1,
        ("samples is not the one", "import again"),
    ),
    ("empty", lambda d: rewrite(d / SAMPLES, lambda t: t.slice(0, 0)), 1, ("samples is not the one",)),
    (
        "another delay",
        lambda d: edit(d / "dataset.yaml", "delay_s: 30", "delay_s: 29"),
        1,
        ("ingest_delay_s",),
    ),
    (
        "another version",
        lambda d: edit(d / "dataset.yaml", '"1.0"', '"9.0"'),
        2,
        ("'9.0'", "reads 1.x; upgrade"),
    ),
    (
        "no version",
        lambda d: edit(d / "dataset.yaml", '"1.0"', "new"),
        2,
        ("'new' is not MAJOR.MINOR like 1.0",),
    ),
    (
        "card no YAML",
        lambda d: edit(d / "dataset.yaml", "name:", "name: [\nx:"),
        2,
        ("dataset.yaml:4: not YAML",),
    ),
    (
        "card mistyped",
        lambda d: edit(d / "dataset.yaml", "cadence_s:", "cadense_s:"),
        2,
        ("mean 'cadence_s'?",),
    ),
    (
        "card no UTF-8",
        lambda d: _latin(d / "dataset.yaml"),
        2,
        ("not UTF-8 text (byte 9); save it as UTF-8",),
    ),
    ("card a folder", lambda d: as_folder(d / "dataset.yaml"), 2, ("no dataset here",)),
    (
        "never validated",
        lambda d: (d / "validation.json").unlink(),
        2,
        ("not validated; run: titleshot validate",),
    ),
    (
        "failed",
        lambda d: _fail(d),
        2,
        ("did not pass", "label_contract on labels: 3 rows, for example first; second"),
    ),
    (
        "report no JSON",
        lambda d: (d / "validation.json").write_text("{"),
        2,
        ("validation.json", "Invalid JSON"),
    ),
    (
        "report's version",
        lambda d: edit_json(d / "validation.json", schema_version="3.0"),
        2,
        ("'3.0'", "upgrade"),
    ),
]


def _fail(dataset: Path) -> None:
    rule = {"rule": "label_contract", "table": "labels", "severity": "error", "passed": False, "rows": 3}
    edit_json(dataset / "validation.json", passed=False, rules=[{**rule, "examples": ["first", "second"]}])


@pytest.mark.parametrize(
    ("damage", "code", "says"), [row[1:] for row in NOT_REPLAYED], ids=[row[0] for row in NOT_REPLAYED]
)
def test_a_damaged_dataset_is_not_replayed(
    damage: Break,
    code: int,
    says: tuple[str, ...],
    small_platform: Dataset,
    copy_of: Callable[..., Path],
    refused: Refused,
    tmp_path: Path,
) -> None:
    dataset = copy_of(small_platform.path, "platform")
    damage(dataset)
    refused(["replay", dataset, "baseline", "--out", tmp_path / "log"], code, "titleshot: ", *says)


VALIDATED: list[tuple[str, Break, tuple[str, ...]]] = [
    ("samples cut off", lambda d: cut(d / SAMPLES), ("table_readable", "cut off: import again")),
    ("text for values", lambda d: rewrite(d / SAMPLES, fill("value", "x")), ("table_readable", "string")),
    ("empty", lambda d: rewrite(d / SAMPLES, lambda t: t.slice(0, 0)), ("there are no samples", "unchanged")),
    (
        "label outside",
        lambda d: edit_label(d, start="2031-01-01T00:00:00Z", end="2031-01-01T01:00:00Z"),
        ("2031-01-01", "retract"),
    ),
    ("label backwards", lambda d: edit_label(d, end="2020-01-01T00:00:00Z"), ("end must be after start",)),
    ("label without a zone", lambda d: edit_label(d, start="2026-01-07T00:00:00"), ("no zone",)),
    (
        "label of a newer version",
        lambda d: edit_label(d, schema_version="7.0"),
        ("'7.0'", "upgrade titleshot"),
    ),
    ("label of nobody", lambda d: edit_label(d, root_service="nobody/knows"), ("nobody/knows", "alias row")),
    ("a hostile name", lambda d: edit_label(d, root_service="../x/<script>"), ("../x/<script>",)),
]


@pytest.mark.parametrize(
    ("damage", "says"), [row[1:] for row in VALIDATED], ids=[row[0] for row in VALIDATED]
)
def test_validate_names_what_blocks_and_then_nothing_is_replayed(
    damage: Break,
    says: tuple[str, ...],
    small_platform: Dataset,
    copy_of: Callable[..., Path],
    refused: Refused,
    titleshot: Callable[..., Any],
    tmp_path: Path,
) -> None:
    dataset = copy_of(small_platform.path, "platform")
    damage(dataset)
    ran = titleshot("validate", dataset)
    assert ran.code == 1
    blocking = ran.err.partition("  warning")[0]
    assert all(fragment in blocking for fragment in ("FAILED", "way out: ", *says))
    refused(["replay", dataset, "baseline", "--out", tmp_path / "log"], 2)


def test_a_dataset_without_labels_is_warned_of_and_promotes_nothing(
    small_platform: Dataset,
    small_log: ReplayLog,
    copy_of: Callable[..., Path],
    titleshot: Callable[..., Any],
) -> None:
    dataset = copy_of(small_platform.path, "platform")
    shutil.rmtree(dataset / "labels")

    validated = titleshot("validate", dataset)
    assert validated.code == 0
    assert "there are no incident labels, so recall and delay of a replay are undefined" in validated.err

    scored = titleshot("score", small_log.path, "--labels", dataset, "--json")
    recall = next(score for score in scored.document["scores"] if score["name"] == "incident_recall")
    assert recall["value"] is None
    assert recall["reason"] == "no labelled incident in scored time"

    compared = titleshot("compare", "never", small_log.path, "--labels", dataset)
    assert compared.code == 3
    assert "0 incidents scored" in compared.err


def test_a_byte_order_mark_is_no_fault(
    small_platform: Dataset, copy_of: Callable[..., Path], titleshot: Callable[..., Any], tmp_path: Path
) -> None:
    dataset = copy_of(small_platform.path, "platform")
    card = dataset / "dataset.yaml"
    card.write_bytes(b"\xef\xbb\xbf" + card.read_bytes())
    assert titleshot("replay", dataset, "baseline", "--out", tmp_path / "log").code == 0
    assert json.loads((tmp_path / "log" / "log.json").read_text())["contender"] == "baseline"
