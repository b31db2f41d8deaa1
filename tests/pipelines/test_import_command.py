"""``titleshot import`` tells what came in, what was set aside and what to do next."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from titleshot.datasets.errors import MalformedInput, UsageError
from titleshot.pipelines import import_
from titleshot.pipelines.outcome import Outcome, silent

SAMPLE = (
    '{"timestamp": "2026-04-26T01:00:00Z", "namespace": "commerce", "service": "checkout-api",'
    ' "metric_name": "latency_p99", "value": 0.41}\n'
)


def run(*words: str) -> Outcome:
    parser = argparse.ArgumentParser()
    import_.arguments(parser)
    return import_.command(parser.parse_args(words), silent)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "samples.jsonl"
    path.write_text(SAMPLE + SAMPLE + "oops\n")
    return path


def test_it_tells_what_was_kept_counted_and_set_aside(source: Path, tmp_path: Path) -> None:
    outcome = run("jsonl", str(source), str(tmp_path / "shop"))

    assert outcome.exit_code == 0
    assert "3 rows in, 2 samples of 1 series kept, 1 set aside" in outcome.text
    assert "duplicates   1, the first to arrive is used" in outcome.text
    assert "set aside in quarantine/samples.parquet: not JSON (1)" in outcome.text
    assert f"next: titleshot validate {tmp_path / 'shop'}" in outcome.text
    assert outcome.document["samples"] == 2
    assert json.dumps(outcome.document)


def test_it_tells_cadences_gaps_disorder_and_how_times_were_read(tmp_path: Path) -> None:
    source = tmp_path / "samples.jsonl"
    minutes = [0, 1, 2, 3, 9, 8, 10]
    lines = [SAMPLE.replace("01:00:00Z", f"01:{minute:02d}:00") for minute in minutes]
    source.write_text("".join(lines) + SAMPLE.replace("0.41", '"NaN"').replace("26T01:00", "25T23:11"))

    said = run("jsonl", str(source), str(tmp_path / "shop"), "--zone", "Europe/Berlin").text

    assert "span         2026-04-25T23:00:00Z to 2026-04-25T23:11:00.000000001Z" in said
    assert "disorder     1 rows behind the one before them" in said
    assert "not finite   1, kept and never scored" in said
    assert "times        7 without a zone read as Europe/Berlin" in said
    assert "gaps         1 days of a series, 4 samples missing, the longest 300 s" in said
    assert said.count("not declared complete") == 1


def test_the_same_source_gives_the_same_digest(source: Path, tmp_path: Path) -> None:
    first, second = (run("jsonl", str(source), str(tmp_path / name)) for name in ("a", "b"))

    assert first.document["digest"] == second.document["digest"]


def test_an_unknown_format_offers_the_nearest(source: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'jsonl'"):
        run("json", str(source), str(tmp_path / "shop"))


def test_an_absent_source_is_malformed_input(tmp_path: Path) -> None:
    with pytest.raises(MalformedInput, match="no such file or folder"):
        run("jsonl", str(tmp_path / "absent"), str(tmp_path / "shop"))


def test_a_dataset_is_replaced_only_when_told_to(source: Path, tmp_path: Path) -> None:
    run("jsonl", str(source), str(tmp_path / "shop"))

    with pytest.raises(UsageError, match="holds a dataset"):
        run("jsonl", str(source), str(tmp_path / "shop"))
    run("jsonl", str(source), str(tmp_path / "shop"), "--replace")


INCIDENT = (
    '{"incident_id": "INC-1", "start": "2026-04-26T01:00:00Z", "end": "2026-04-26T02:00:00Z",'
    ' "root_service": "commerce/checkout-api", "severity": "high", "kind": "latency", "source": "human",'
    ' "known_at": "2026-04-27T00:00:00Z"}\n'
)


def test_labels_of_a_folder_come_in_beside_telemetry_of_any_format(source: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels"
    labels.mkdir()
    (labels / "incidents-2026.jsonl").write_text(INCIDENT + "oops\n")

    without = run("jsonl", str(source), str(tmp_path / "without"))
    beside = run("jsonl", str(source), str(tmp_path / "shop"), "--beside", str(labels))

    assert (without.document["incidents"], beside.document["incidents"]) == (0, 1)
    assert "labels       not declared complete" in without.text
    assert "labels       not declared complete" not in beside.text
    assert "set aside in quarantine/incidents.parquet: not JSON (1)" in beside.text
    assert beside.document["digest"] == without.document["digest"]


def test_a_folder_that_holds_nothing_to_read_beside_is_refused(source: Path, tmp_path: Path) -> None:
    (tmp_path / "labels").mkdir()

    with pytest.raises(MalformedInput, match=r"--beside .*no folder with incidents"):
        run("jsonl", str(source), str(tmp_path / "shop"), "--beside", str(tmp_path / "labels"))
    assert not (tmp_path / "shop").exists()
