"""``journal``: what was served as a replay log, the same as a replay's, scored by the same ``score``."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from titleshot.datasets.contracts.record import Record
from titleshot.datasets.contracts.telemetry import Sample
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import FailedCheck, UsageError
from titleshot.datasets.replay_log import ReplayLog
from titleshot.detectors.contender import Contender
from titleshot.pipelines.journal import check_journal, journal
from titleshot.pipelines.score import score
from titleshot.registry.serving.journal_reader import JournalReader
from titleshot.registry.serving.resolver import Found, Loaded
from titleshot.registry.serving.shim import Shim
from titleshot.registry.serving.sidecar import Sidecar
from titleshot.registry.serving.wire import Incoming, read

BASELINE = Contender.load("baseline")


def loaded(name: str = "baseline", version: int = 1) -> Loaded:
    contender = Contender.load(name)
    return Loaded(Found("paging", "champion", version, f"tree-{name}"), contender)


def records_of(data: Dataset) -> Iterator[Record]:
    """Reference data at once, then everything else in the order it arrived."""
    yield from data.reference()
    keys = data.series()
    delay = round(data.card.ingest_delay_s * 1e9)
    arrived: list[tuple[int, int, Record]] = []
    for number, events in enumerate((data.platform_events(), data.log_events())):
        arrived += [
            (e.timestamp + delay if e.ingested_at is None else e.ingested_at, number, e) for e in events
        ]
    for block in data.blocks():
        columns = (block.codes, block.timestamps, block.values, block.arrivals)
        for code, timestamp, value, arrival in zip(*(column.tolist() for column in columns), strict=True):
            key = keys[code]
            fields = {"namespace": key.namespace, "service": key.service, "metric_name": key.metric_name}
            labels = json.loads(key.series_labels)
            sample = Sample(
                timestamp=timestamp, value=value, ingested_at=arrival, series_labels=labels, **fields
            )
            arrived.append((arrival, 2, sample))
    arrived.sort(key=lambda entry: entry[:2])
    yield from (record for _, _, record in arrived)


@pytest.fixture(scope="module")
def served(small_platform: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The journal of a shim that served the baseline the whole platform, and a shadow's beside it."""
    folder = tmp_path_factory.mktemp("served")
    path = folder / "champion.db"
    shim = Shim(path, loaded(), clock="records", delay_s=small_platform.card.ingest_delay_s)
    given = [read(record.model_dump(mode="json")) for record in records_of(small_platform)]
    assert all(isinstance(one, Incoming) for one in given)
    for start in range(0, len(given), 5_000):
        shim.accept(given[start : start + 5_000])
    shim.end()
    shim.close()
    sidecar = Sidecar(folder / "challenger.db", path, loaded("module", version=2))
    while sidecar.step():
        pass
    sidecar.close()
    return path


def said(log: ReplayLog, table: str) -> list[dict[str, object]]:
    return [row for row in log.table(table).to_pylist() if not row["flushed"]]


@pytest.mark.slow
def test_the_log_of_a_shim_is_that_of_a_replay_without_its_end(served, small_platform, small_log, tmp_path):
    log = journal(served, out=tmp_path / "log", dataset=small_platform)
    for table in ("events", "incidents", "pages", "dead_letters"):
        assert said(log, table) == said(small_log, table), table
    assert log.table("pages").num_rows > 50
    for key in ("contender", "recipe_digest", "artifact_digest", "recipe", "dataset", "opaque"):
        assert log.about[key] == small_log.about[key], key
    waited = small_log.about["counts"]["samples"] - log.about["counts"]["samples"]
    assert 0 <= waited <= 4 * 5, "samples that waited for the watermark when the journal ended"
    assert log.about["counts"]["dead_late"] == small_log.about["counts"]["dead_late"]


@pytest.mark.slow
def test_it_is_scored_like_one(served, small_platform, small_log, tmp_path):
    log = journal(served, out=tmp_path / "log", dataset=small_platform)
    ours = score(log, labels=small_platform, resamples=100)
    theirs = score(small_log, labels=small_platform, resamples=100)
    values = {one.name: one.value for one in ours.scores}
    assert values["incident_recall"] == {one.name: one.value for one in theirs.scores}["incident_recall"]
    assert ours.identity.recipe_digest == theirs.identity.recipe_digest


@pytest.mark.slow
def test_the_log_of_a_shadow_is_about_the_challenger(served, small_platform, tmp_path):
    log = journal(served.with_name("challenger.db"), out=tmp_path / "log", dataset=small_platform)
    assert (log.about["contender"], log.about["journal"]["role"]) == ("module", "sidecar")
    assert score(log, labels=small_platform, resamples=100).identity.contender == "module"


@pytest.mark.slow
def test_without_a_dataset_the_log_names_none_and_is_tied_to_labels_by_time_alone(
    served, small_platform, tmp_path
):
    log = journal(served, out=tmp_path / "log")
    assert log.about["dataset"] is None
    assert score(log, labels=small_platform, resamples=100).identity.dataset == small_platform.card.name


@pytest.mark.slow
def test_a_replay_of_the_journal_agrees_and_notices_what_was_changed(served, tmp_path):
    assert check_journal(served, BASELINE).equal
    shadow = served.with_name("challenger.db")
    assert check_journal(shadow, Contender.load("module"), inputs=served).equal
    with pytest.raises(UsageError, match="spoke, not 'module'"):
        check_journal(served, Contender.load("module"))


def test_after_a_change_of_version_the_log_is_about_the_one_that_speaks(tmp_path):
    path = tmp_path / "j.db"
    sample = {"namespace": "a", "service": "b", "metric_name": "m"}

    def samples(start: int) -> list[Incoming]:
        times = [
            f"2026-04-26T{hour:02d}:{minute:02d}:00Z"
            for hour in range(start, start + 2)
            for minute in range(60)
        ]
        values = [90.0 if place == 100 else 10.0 + place % 3 for place in range(120)]
        fields = zip(times, values, strict=True)
        return [read({**sample, "timestamp": at, "value": value}) for at, value in fields]  # type: ignore[misc]

    shim = Shim(path, loaded("module"), clock="records")
    shim.accept(samples(0))
    shim.replace(loaded("baseline", version=2))
    shim.accept(samples(2))
    shim.close()
    log = journal(path, out=tmp_path / "log")
    assert (log.about["contender"], log.about["journal"]["contenders_before"]) == ("baseline", 1)
    assert {row["detector"].split("@")[0] for row in log.table("events").to_pylist()} <= {"robust_mad"}
    assert log.about["span"]["from"] == "2026-04-26T02:00:00Z"
    assert 110 <= log.about["counts"]["samples"] <= 120


@pytest.mark.slow
def test_the_command_checks_and_writes(served, small_platform, titleshot, tmp_path):
    ran = titleshot(
        "journal",
        served,
        "--check",
        "baseline",
        "--out",
        tmp_path / "log",
        "--dataset",
        small_platform.path,
        "--json",
    )
    assert ran.code == 0
    assert ran.document["check"]["equal"] is True
    assert ran.document["rows"]["pages"] > 50
    told = titleshot("journal", served, "--check", "baseline")
    assert "says what was served, record for record" in told.err


@pytest.mark.slow
def test_the_command_says_no_where_a_replay_differs(served, titleshot, tmp_path):
    copy = tmp_path / "changed.db"
    shutil.copyfile(served, copy)
    with sqlite3.connect(copy) as db:
        db.execute("DELETE FROM said WHERE seq = (SELECT max(seq) FROM said WHERE kind = 'page')")
    db.close()
    ran = titleshot("journal", copy, "--check", "baseline", "--out", tmp_path / "log")
    assert ran.code == FailedCheck.exit_code
    assert "of kind page were served" in ran.err
    assert not (tmp_path / "log").exists()


@pytest.mark.parametrize("words", [[], ["--out", "x"], ["--check"]])
def test_bad_requests_are_usage_errors(titleshot, tmp_path, words):
    ran = titleshot("journal", tmp_path / "absent.db", *words)
    assert ran.code == 2
    assert ran.err.startswith("titleshot: ")


def test_a_journal_in_which_nobody_spoke_makes_no_log(tmp_path):
    path = tmp_path / "j.db"
    shim = Shim(path, loaded(), clock="records")
    with shim.journal.transaction() as db:
        db.execute("DELETE FROM swaps")
    shim.close()
    assert JournalReader(path).swaps() == []
    with pytest.raises(UsageError, match="nobody has spoken"):
        journal(path, out=tmp_path / "log")
