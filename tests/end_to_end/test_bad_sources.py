"""Sources that an import cannot use and words it cannot take; kinds by format are in test_bad_imports.py."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Refused = Callable[..., str]

GOOD = (
    '{"timestamp": "2026-04-26T01:00:00Z", "namespace": "commerce", "service": "checkout-api",'
    ' "metric_name": "latency_p99", "value": 0.41}\n'
)

LINES: list[tuple[str, str | bytes, tuple[str, ...]]] = [
    ("no JSON", "time,value\n1,2\n", ("none of 2 lines is a sample: not JSON (2)",)),
    ("no zone", GOOD.replace("00Z", "00"), ("timestamp: no zone (1); name the zone with --zone",)),
    ("text for a value", GOOD.replace("0.41", '"high"'), ("value: not allowed (1)",)),
    ("a value beyond floats", GOOD.replace("0.41", "9" * 400), ("number too large (1)",)),
    ("beyond 2262", GOOD.replace("2026", "3026"), ("timestamp: not allowed (1)",)),
    ("a service with a control", GOOD.replace("checkout", "\\u001b[2J"), ("service: not allowed (1)",)),
    (
        "another version",
        GOOD + GOOD.replace("{", '{"schema_version": "7.0", '),
        ("samples.jsonl:2", "'7.0': this code reads 1.x; upgrade titleshot"),
    ),
]


@pytest.mark.parametrize(("lines", "says"), [row[1:] for row in LINES], ids=[row[0] for row in LINES])
def test_a_source_without_a_usable_sample_makes_no_dataset(
    lines: str | bytes, says: tuple[str, ...], refused: Refused, tmp_path: Path
) -> None:
    source = tmp_path / "samples.jsonl"
    source.write_bytes(lines if isinstance(lines, bytes) else lines.encode())
    refused(["import", "jsonl", source, tmp_path / "platform"], 2, "samples.jsonl", *says)


def test_hostile_names_of_services_stay_names(titleshot: Callable[..., Any], tmp_path: Path) -> None:
    source, dataset = tmp_path / "samples.jsonl", tmp_path / "platform"
    names = ["../../etc/passwd", "<script>alert(1)</script>", "%00", "con.txt ", "'; drop table"]
    source.write_text("".join(GOOD.replace("checkout-api", name) for name in names))
    before = sorted(tmp_path.parent.iterdir())
    assert titleshot("import", "jsonl", source, dataset, "--name", "../<b>x").code == 0
    assert sorted(tmp_path.parent.iterdir()) == before
    assert sorted(path.name for path in dataset.iterdir()) == [
        "dataset.yaml", "import.json", "labels", "telemetry",
    ]  # fmt: skip
    assert titleshot("validate", dataset).code == 0


def _nab(rows: str, windows: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / "data" / "group").mkdir(parents=True)
        (folder / "labels").mkdir()
        (folder / "data" / "group" / "cpu.csv").write_text(rows)
        (folder / "labels" / "combined_windows.json").write_text(windows)
        return folder

    return make


ROW = "timestamp,value\n2014-01-01 00:00:00,1\n"

WORDS: list[tuple[str, list[object], tuple[str, ...]]] = [
    ("unknown format", ["jsnl", "GOOD"], ("no importer for format 'jsnl'; did you mean 'jsonl'?",)),
    ("absent", ["jsonl", "ABSENT"], ("absent: no such file or folder",)),
    ("an empty folder", ["jsonl", "FOLDER"], ("no samples*.jsonl here; a folder holds samples, log_events",)),
    ("a file for a folder", ["petshop", "GOOD"], ("give the folder that holds dataset/",)),
    (
        "an unknown zone",
        ["jsonl", "GOOD", "--zone", "Mars/Base"],
        ("give a name like Europe/Berlin, or UTC",),
    ),
    ("a zone that is a path", ["jsonl", "GOOD", "--zone", "../../etc/passwd"], ("is unknown; give a name",)),
    ("a delay below nothing", ["jsonl", "GOOD", "--ingest-delay-s", "-5"], ("seconds from 0, got -5",)),
    ("a delay that is none", ["jsonl", "GOOD", "--ingest-delay-s", "nan"], ("seconds from 0, got nan",)),
]


@pytest.mark.parametrize(("words", "says"), [row[1:] for row in WORDS], ids=[row[0] for row in WORDS])
def test_words_of_an_import_that_cannot_be(
    words: list[object], says: tuple[str, ...], refused: Refused, tmp_path: Path
) -> None:
    places = {name: tmp_path / name.lower() for name in ("GOOD", "ABSENT", "FOLDER")}
    places["GOOD"].write_text(GOOD)
    places["FOLDER"].mkdir()
    format_, source, *options = (places.get(str(word), word) for word in words)
    refused(["import", format_, source, tmp_path / "platform", *options], 2, *says)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (_nab("a,b\n1,2\n", "{}"), "none of 1 files holds rows of timestamp,value"),
        (_nab("timestamp,value\n", "{}"), "none of 1 files holds rows of timestamp,value"),
        (_nab("x" * 200_000, "{}"), "none of 1 files holds rows of timestamp,value"),
        (_nab(ROW, "["), "combined_windows.json cannot be read as JSON"),
        (_nab(ROW, "[1]"), "must map each file to its windows"),
    ],
)
def test_a_folder_in_nabs_layout_that_cannot_be_used(
    make: Callable[[Path], Path], says: str, refused: Refused, tmp_path: Path
) -> None:
    refused(["import", "nab", make(tmp_path / "nab"), tmp_path / "platform"], 2, says)


def test_a_dataset_is_replaced_only_when_asked_and_only_by_a_whole_one(
    refused: Refused, titleshot: Callable[..., Any], tmp_path: Path
) -> None:
    good, bad, dataset = tmp_path / "good.jsonl", tmp_path / "bad.jsonl", tmp_path / "platform"
    good.write_text(GOOD)
    bad.write_text("no JSON\n")
    assert titleshot("import", "jsonl", good, dataset).code == 0
    refused(["import", "jsonl", good, dataset], 2, "holds a dataset", "--replace")
    refused(["import", "jsonl", bad, dataset, "--replace"], 2, "none of 1 lines is a sample")
    assert titleshot("import", "jsonl", good, dataset, "--replace").code == 0


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--days", "0"], "days must be from 3 to 3650, got 0; try 120"),
        (["--days", "many"], "--days: invalid int value: 'many'"),
        (["--services", "1"], "services must be from 4"),
        (["--services", "1000000"], "to 2000, got 1000000"),
        (["--cadence-s", "7"], "divide a day, got 7; try 300"),
        (["--cadence-s", "nan"], "got nan; try 300"),
        (["--seed", "-1"], "seed must be 0 or more, got -1"),
        (["--incidents-per-week", "-1"], "from 0 to 1000, got -1"),
    ],
)
def test_a_platform_that_cannot_be_made(
    options: list[object], says: str, refused: Refused, tmp_path: Path
) -> None:
    refused(["generate", tmp_path / "platform", *options], 2, says)
