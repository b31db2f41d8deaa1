"""Labels only grow, are known from a moment on, and a broken line stops nobody."""

from __future__ import annotations

import random
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from titleshot.datasets.contracts.incidents import Page
from titleshot.datasets.contracts.labels import FeedbackLabel, IncidentLabel
from titleshot.datasets.errors import UnknownVersion
from titleshot.datasets.label_layer import LabelLayer


def incident(name: str, known_at: int, **changes: object) -> IncidentLabel:
    return IncidentLabel.model_validate(
        {
            "incident_id": name,
            "start": 10,
            "end": 20,
            "root_service": "shop/web",
            "severity": "high",
            "kind": "spike",
            "source": "human",
            "known_at": known_at,
            **changes,
        }
    )


def feedback(name: str, labelled_at: int, verdict: str = "useful") -> FeedbackLabel:
    return FeedbackLabel.model_validate(
        {
            "feedback_id": name,
            "page_id": "p",
            "verdict": verdict,
            "reviewer": "ada",
            "labelled_at": labelled_at,
        }
    )


PAGE = Page(
    page_id="p",
    incident_id="i",
    status="sent",
    route="front",
    severity="high",
    services=("shop/web",),
    opened_at=10,
    paged_at=12,
    last_event_at=12,
)


@pytest.fixture
def layer(tmp_path: Path) -> LabelLayer:
    return LabelLayer(tmp_path / "labels")


def test_a_revision_counts_from_when_it_was_known(layer: LabelLayer) -> None:
    layer.append(incidents=[incident("a", 30), incident("b", 40)])
    layer.append(incidents=[incident("a", 50, severity="low"), incident("b", 60, retracted=True)])

    assert layer.read(29).incidents == []
    assert [label.severity for label in layer.read(45).incidents] == ["high", "high"]
    assert [(label.incident_id, label.severity) for label in layer.read().incidents] == [("a", "low")]
    assert layer.read().as_of == 60


def test_the_later_knowledge_stands_whatever_the_order_of_lines(layer: LabelLayer) -> None:
    layer.append(incidents=[incident("a", 50, severity="low"), incident("a", 30)])

    assert layer.read().incidents[0].severity == "low"


def test_feedback_and_pages_are_known_when_said(layer: LabelLayer) -> None:
    closed = PAGE.model_copy(update={"status": "closed", "closed_at": 90, "last_event_at": 80})
    layer.append(feedback=[feedback("f", 100), feedback("f", 200, "noisy")], pages=[PAGE, closed])

    assert layer.read(11).pages == []
    assert layer.read(50).pages[0].closed_at is None
    assert layer.read(90).pages[0].closed_at == 90
    assert layer.read(90).feedback == []
    assert [answer.verdict for answer in layer.read().feedback] == ["noisy"]


def test_no_labels_are_legal(layer: LabelLayer) -> None:
    labels = layer.read(otherwise=77)

    assert (labels.incidents, labels.feedback, labels.pages, labels.as_of) == ([], [], [], 77)


def test_the_digest_as_of_a_moment_does_not_see_what_came_later(layer: LabelLayer) -> None:
    layer.append(incidents=[incident("a", 30)])
    before = layer.read(35).digest
    layer.append(incidents=[incident("b", 40)])

    assert layer.read(35).digest == before
    assert layer.read(40).digest != before
    layer.append(incidents=[incident("c", 5)])
    assert layer.read(35).digest != before, "what is slipped into the past shows"


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(30, 40)), max_size=8),
    st.randoms(use_true_random=False),
)
def test_the_digest_is_of_what_is_known_not_of_its_order(rows: list, shuffle: random.Random) -> None:
    labels = [incident(name, known_at) for name, known_at in rows]
    digests = set()
    for order in (labels, shuffle.sample(labels, len(labels)), labels * 2):
        with tempfile.TemporaryDirectory() as folder:
            layer = LabelLayer(Path(folder))
            layer.append(incidents=order)
            digests.add(layer.read(50).digest)

    assert len(digests) == 1


def test_a_half_written_line_is_reported_and_the_next_row_is_safe(layer: LabelLayer) -> None:
    layer.append(incidents=[incident("a", 30)])
    path = layer.folder / "incidents.jsonl"
    path.write_bytes(path.read_bytes() + incident("b", 30).to_json().encode()[:40])

    labels = layer.read()
    assert [label.incident_id for label in labels.incidents] == ["a"]
    assert [(fault.file, fault.line) for fault in labels.faults] == [("incidents.jsonl", 2)]
    assert "half written" in labels.faults[0].reason

    layer.append(incidents=[incident("c", 30)])
    labels = layer.read()
    assert [label.incident_id for label in labels.incidents] == ["a", "c"]
    assert len(labels.faults) == 1


def test_a_whole_last_line_without_an_end_is_read(layer: LabelLayer) -> None:
    layer.append(incidents=[incident("a", 30)])
    path = layer.folder / "incidents.jsonl"
    path.write_bytes(path.read_bytes().rstrip())
    layer.append(incidents=[incident("b", 30)])

    assert [label.incident_id for label in layer.read().incidents] == ["a", "b"]


def test_a_line_that_breaks_the_contract_is_reported_with_field(layer: LabelLayer) -> None:
    layer.append(incidents=[incident("a", 30)])
    path = layer.folder / "incidents.jsonl"
    path.write_text(path.read_text() + incident("b", 30).to_json().replace('"high"', '"huge"') + "\n")

    (fault,) = layer.read().faults

    assert (fault.line, "severity" in fault.reason) == (2, True)


def test_a_label_of_a_newer_major_version_is_refused(layer: LabelLayer) -> None:
    layer.append(incidents=[incident("a", 30)])
    path = layer.folder / "incidents.jsonl"
    path.write_text(path.read_text().replace('"schema_version":"1.0"', '"schema_version":"2.0"'))

    with pytest.raises(UnknownVersion):
        layer.read()


def test_writers_at_the_same_time_do_not_cut_each_other(layer: LabelLayer) -> None:
    def write(number: int) -> None:
        layer.append(incidents=[incident(f"{number}-{i}", 30) for i in range(20)])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(8)))

    labels = layer.read()
    assert (len(labels.incidents), labels.faults) == (160, ())
