"""Moved, rewritten or grown it is the dataset that was judged; edited or another in its place it is not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from titleshot.datasets.contracts.labels import FeedbackLabel, IncidentLabel
from titleshot.datasets.contracts.scores import IncidentOutcome
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.identity_check import IdentityCheck, Judged, check_identity

SAMPLES = "telemetry/samples-00000.parquet"


def label(name: str, known_at: int, **other: object) -> IncidentLabel:
    fields = {
        "incident_id": name,
        "start": 12,
        "end": 25,
        "root_service": "shop/web",
        "affected_services": ("shop/web",),
        "severity": "high",
        "kind": "latency",
        "source": "human",
        "known_at": known_at,
        **other,
    }
    return IncidentLabel.model_validate(fields)


@pytest.fixture
def labelled(shop: Path) -> Path:
    Dataset.open(shop).label_layer.append(incidents=[label("inc-1", 26), label("inc-2", 28, kind="errors")])
    return shop


def judged(folder: Path, *, parts: bool = True) -> Judged:
    dataset = Dataset.open(folder)
    labels = dataset.labels()
    return Judged(
        where="evidence e",
        dataset=dataset.card.name,
        digest=dataset.card.digest,
        parts=dataset.card.parts if parts else None,
        labels_digest=labels.digest,
        labels_as_of=labels.as_of,
        incidents=tuple(
            IncidentOutcome(
                incident_id=one.incident_id,
                start=one.start,
                end=one.end,
                root_service=one.root_service,
                affected_services=(),
                severity=one.severity,
                kind=one.kind,
                outcome="missed",
            )
            for one in labels.incidents
        ),
    )


def check(folder: Path, then: Judged) -> IdentityCheck:
    return check_identity(Dataset.open(folder), then)


def test_a_copy_elsewhere_in_another_layout_is_the_same(labelled: Path, tmp_path: Path) -> None:
    then = judged(labelled)
    moved = Path(shutil.move(labelled, tmp_path / "else where" / "moved"))
    rows = pq.read_table(moved / SAMPLES)
    pq.write_table(rows, moved / SAMPLES, compression="gzip", row_group_size=2)

    said = check(moved, then)

    assert said.same
    assert said.digest == then.digest
    assert said.labels == "same"
    assert not said.differences
    assert not said.notes


def test_labels_that_became_known_later_are_fine_and_said(labelled: Path) -> None:
    then = judged(labelled)
    later = FeedbackLabel.model_validate(
        {"page_id": "p", "verdict": "useful", "reviewer": "ann", "labelled_at": 31, "feedback_id": "f"}
    )
    Dataset.open(labelled).label_layer.append(
        incidents=[label("inc-1", 30, retracted=True)], feedback=[later]
    )

    said = check(labelled, then)

    assert said.same
    assert said.later_label_rows == 2
    assert said.notes == ("2 label rows became known since; what was judged does not rest on them",)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('"incident_id":"inc-2"', '"incident_id":"inc-9"', "inc-2 is gone"),
        ('"severity":"high"', '"severity":"low"', "inc-1 has another severity"),
        ('"kind":"errors"', '"kind":"latency"', "inc-2 has another kind"),
        ('"root_service":"shop/web"', '"root_service":"shop/cart-api"', "rows were edited"),
    ],
)
def test_an_edited_label_is_not_what_was_judged(labelled: Path, old: str, new: str, named: str) -> None:
    then = judged(labelled)
    file = labelled / "labels" / "incidents.jsonl"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))

    said = check(labelled, then)

    assert not said.same
    assert said.labels == "differ"
    assert not said.tables
    assert named in said.differences[0]


def test_labels_taken_out_or_dated_back_are_not_what_was_judged(labelled: Path) -> None:
    then = judged(labelled)
    file = labelled / "labels" / "incidents.jsonl"
    as_judged = file.read_text()
    Dataset.open(labelled).label_layer.append(incidents=[label("inc-3", 27)])
    assert "added as if known by then" in check(labelled, then).differences[0]

    file.write_text(as_judged.splitlines(keepends=True)[0])
    assert "inc-2 is gone" in check(labelled, then).differences[0]

    shutil.rmtree(labelled / "labels")
    assert "inc-1 is gone; inc-2 is gone" in check(labelled, then).differences[0]


@pytest.mark.parametrize("parts", [True, False])
def test_an_edited_table_is_named_even_if_the_card_was_left_as_it_was(labelled: Path, parts: bool) -> None:
    then = judged(labelled, parts=parts)
    rows = pq.read_table(labelled / SAMPLES)
    pq.write_table(rows.slice(1), labelled / SAMPLES)

    said = check(labelled, then)

    assert said.tables == ("samples",)
    assert "table samples: 5 rows" in said.differences[0]
    assert "then, 4 rows" in said.differences[0]


def test_another_dataset_in_its_place_is_told_table_by_table(labelled: Path, tmp_path: Path) -> None:
    then = judged(labelled)
    with DatasetWriter(tmp_path / "other", name="other", ingest_delay_s=3) as writer:
        writer.add_samples(writer.add_series(Dataset.open(labelled).series()), [10, 10], [1.0, 2.0])
    shutil.rmtree(labelled)
    (tmp_path / "other").rename(labelled)

    said = check(labelled, then)

    assert not said.same
    assert said.tables == ("samples",), "the series are the same, and are not named"
    assert "ingest_delay_s: 2 then, 3 now; every arrival rests on it" in said.differences
    assert said.labels == "differ"
    assert "it was called 'shop' then, 'other' now" in said.notes


def test_a_table_that_cannot_be_read_is_named_beside_those_that_differ(labelled: Path) -> None:
    then = judged(labelled)
    (labelled / "telemetry" / "series.parquet").write_bytes(b"PAR1")
    rows = pq.read_table(labelled / SAMPLES)
    pq.write_table(rows.slice(1), labelled / SAMPLES)

    said = check(labelled, then)

    assert said.tables == ("samples", "series")
    assert said.digest is None
    assert "cannot be read as Parquet" in said.differences[1]


def test_evaluation_settings_are_compared_one_by_one(labelled: Path) -> None:
    then = judged(labelled)
    card = labelled / "dataset.yaml"
    text = card.read_text().replace("grace_s: 0.0", "grace_s: 60.0")
    card.write_text(
        text.replace("dont_care: []", "dont_care: [{from: 1970-01-01T00:00:00Z, to: 1970-01-01T00:00:01Z}]")
    )

    said = check(labelled, then)

    assert said.settings == ("dont_care", "grace_s")
    assert not said.tables
    assert said.differences == ("evaluation in dataset.yaml: dont_care, grace_s set otherwise then",)


def test_what_was_not_kept_then_is_said_and_not_guessed(labelled: Path) -> None:
    old = judged(labelled, parts=False)
    card = labelled / "dataset.yaml"
    card.write_text(card.read_text().replace("grace_s: 0.0", "grace_s: 60.0"))

    assert check(labelled, old).same
    assert "evaluation settings were not kept then and are not compared" in check(labelled, old).notes

    of_log = Judged(where="log", dataset="shop", digest=old.digest)
    assert check(labelled, of_log).labels == "not_recorded"
    assert "no labels were read then" in check(labelled, of_log).notes[0]
