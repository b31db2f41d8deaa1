"""``score`` on the command line and from a notebook."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from titleshot.datasets.contracts.incidents import Page
from titleshot.datasets.contracts.instants import DAY, HOUR, MINUTE
from titleshot.datasets.contracts.labels import IncidentLabel
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.contracts.scores import Scorecard
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.errors import IntegrityError, InvalidDataset, MalformedInput, UsageError
from titleshot.datasets.replay_log import LogWriter, ReplayLog, pages_table
from titleshot.pipelines.generate import generate
from titleshot.pipelines.outcome import silent
from titleshot.pipelines.score import arguments, command, score

START = 20_000 * DAY


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of 30 days with an incident every third day, and a log that finds every second of them."""
    folder = tmp_path_factory.mktemp("history")
    with DatasetWriter(folder / "shop", name="shop") as writer:
        code = writer.add_series([SeriesKey("shop", "cart", "latency_p99")])
        hours = START + np.arange(720, dtype=np.int64) * HOUR
        writer.add_samples(np.repeat(code, 720), hours, np.ones(720))
        writer.add_labels(
            incidents=[
                IncidentLabel(
                    incident_id=f"inc-{day}",
                    start=START + day * DAY + HOUR,
                    end=START + day * DAY + 2 * HOUR,
                    root_service="shop/cart",
                    severity="high",
                    kind="step",
                    source="exact",
                    known_at=START + (day + 1) * DAY,
                )
                for day in range(0, 30, 3)
            ]
        )
    card = Dataset.open(folder / "shop").card
    with LogWriter(folder / "log") as log:
        log.about = {"contender": "every-second", "dataset": {"name": "shop", "digest": card.digest}}
        log.append(
            "pages",
            pages_table(
                [
                    Page(
                        page_id=f"p{day}",
                        incident_id=f"c{day}",
                        status="sent",
                        route="on-call",
                        severity="high",
                        services=("shop/cart",),
                        opened_at=START + day * DAY + HOUR,
                        paged_at=START + day * DAY + HOUR + 5 * MINUTE,
                        last_event_at=START + day * DAY + HOUR + 6 * MINUTE,
                    )
                    for day in range(0, 30, 6)
                ]
            ),
        )
    return folder


def asked(history: Path, *words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    arguments(parser)
    return parser.parse_args([str(history / "log"), "--labels", str(history / "shop"), *words])


def test_the_text_has_value_interval_n_and_chance_and_the_document_reads_back(history: Path) -> None:
    outcome = command(asked(history, "--resamples", "200"), silent)
    line = next(line for line in outcome.text.splitlines() if line.startswith("incident_recall"))
    name, value, *rest = line.split()
    assert (name, value) == ("incident_recall", "0.5")
    assert "10 incidents" in line
    assert rest[0].startswith("[")
    assert "never: incident_recall 0, page_precision –" in outcome.text
    assert "chance: the mean over" in outcome.text
    assert "sensitivity: null, early_s is 0" in outcome.text
    assert outcome.exit_code == 0
    card = Scorecard.from_json(json.dumps(outcome.document))
    assert card == score(history / "log", labels=history / "shop", resamples=200)
    # Undefined is there, as null, with its reason.
    undefined = [entry for entry in outcome.document["scores"] if entry["value"] is None]
    assert undefined
    assert all(entry["reason"] for entry in undefined)


def test_labels_as_of_a_time_leave_out_what_was_not_known(history: Path) -> None:
    outcome = command(asked(history, "--as-of", "2024-10-14T00:00:00Z", "--resamples", "200"), silent)
    assert len(outcome.document["incidents"]) == 4
    assert outcome.document["identity"]["labels_as_of"] == "2024-10-14T00:00:00Z"
    assert "note: the span ends at 2024-10-14T00:00:00Z" in outcome.text


@pytest.mark.parametrize(
    ("words", "error", "says"),
    [
        (("--confidence", "95"), UsageError, "confidence must lie between 0.5 and 1, got 95"),
        (("--resamples", "3"), UsageError, "resamples must be at least 100"),
    ],
)
def test_bad_numbers_are_refused_in_words(
    history: Path, words: tuple[str, ...], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        command(asked(history, *words), silent)


def test_a_folder_that_is_no_log_or_no_dataset_is_named(history: Path, tmp_path: Path) -> None:
    with pytest.raises(MalformedInput, match=r"log\.json is missing"):
        score(tmp_path, labels=history / "shop")
    with pytest.raises(MalformedInput, match="no dataset here"):
        score(history / "log", labels=tmp_path)


def test_a_dataset_that_is_not_the_one_that_was_replayed_is_refused_and_told_apart(
    small_platform: Dataset, small_log: ReplayLog, copy_of: Callable[..., Path], tmp_path: Path
) -> None:
    """Changed on disk since its import; imported again with other content; another one altogether."""
    edited = copy_of(small_platform.path, "edited")
    table = edited / "reference" / "ownership.parquet"
    rows = pq.read_table(table)
    pq.write_table(rows.slice(1), table)
    with pytest.raises(IntegrityError, match="table reference/ownership is not the one that was imported"):
        score(small_log, labels=edited, resamples=200)

    again = generate(tmp_path / "again", services=4, days=21, cadence_s=600, seed=4)
    with pytest.raises(InvalidDataset, match=r"was replayed from .*, which differ in .*samples") as refused:
        score(small_log, labels=again, resamples=200)
    assert small_platform.card.digest[:12] in str(refused.value)
    assert again.card.digest[:12] in str(refused.value)

    loose = copy_of(small_platform.path, "loose")
    settings = loose / "dataset.yaml"
    text = settings.read_text(encoding="utf-8")
    assert "grace_s: 0" in text
    settings.write_text(text.replace("grace_s: 0", "grace_s: 60"), encoding="utf-8")
    card = score(small_log, labels=loose, resamples=200)
    assert any("changed since the log was made: grace_s" in note for note in card.notes)
    assert not any("changed since" in n for n in score(small_log, labels=small_platform, resamples=200).notes)
