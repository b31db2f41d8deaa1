"""``validate`` on the command line and from a notebook."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np
import pytest

from titleshot.datasets.contracts.labels import IncidentLabel
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.errors import MalformedInput
from titleshot.pipelines.outcome import silent
from titleshot.pipelines.validate import arguments, command, validate

MINUTE = 60_000_000_000
START = 20_000 * 1440 * MINUTE


def asked(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    arguments(parser)
    return parser.parse_args(words)


def small(path: Path, root_service: str = "commerce/cart") -> Path:
    values = np.ones(500)
    values[[4, 5, 6, 7]] = math.nan
    label = IncidentLabel(
        incident_id="inc-1",
        start=START + 100 * MINUTE,
        end=START + 120 * MINUTE,
        root_service=root_service,
        severity="high",
        kind="step",
        source="human",
        known_at=START + 200 * MINUTE,
    )
    with DatasetWriter(path, name="small", created_at=START + 600 * MINUTE) as writer:
        code = writer.add_series([SeriesKey("commerce", "cart", "latency_p99")])
        writer.add_samples(np.repeat(code, 500), START + np.arange(500) * MINUTE, values)
        writer.add_labels(incidents=[label])
    return path


def test_a_warning_is_told_with_rows_examples_and_way_out_and_does_not_block(tmp_path: Path) -> None:
    out = small(tmp_path / "small")
    outcome = command(asked(str(out)), silent)
    assert outcome.exit_code == 0
    assert outcome.document["passed"] is True
    assert "passed;" in outcome.text.splitlines()[0]
    assert "warning  non_finite on profile, 4 rows: samples that are NaN or infinite" in outcome.text
    assert "commerce/cart latency_p99 at 2024-10-04T00:04:00Z = nan (source row 4)" in outcome.text
    assert "and 1 more" in outcome.text
    assert "way out: they are kept and counted" in outcome.text
    assert Dataset.open(out).validated().passed


def test_a_failed_rule_ends_with_1_and_names_what_to_do(tmp_path: Path) -> None:
    out = small(tmp_path / "small", root_service="commerce/ghost")
    outcome = command(asked(str(out)), silent)
    assert outcome.exit_code == 1
    assert "FAILED, 1 rule blocks" in outcome.text.splitlines()[0]
    assert "blocks   label_service_unknown on labels, 1 row:" in outcome.text
    assert "inc-1 commerce/ghost" in outcome.text


def test_progress_tells_how_far_the_samples_are(tmp_path: Path) -> None:
    told: list[tuple[str, int, int | None]] = []
    validate(
        small(tmp_path / "small"),
        progress=lambda what, done, total=None: told.append((what, done, total)),
    )
    assert ("profiling samples", 500, 500) in told


def test_a_folder_without_a_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MalformedInput, match="no dataset here"):
        validate(tmp_path)


def test_a_page_is_written_where_asked_and_named(tmp_path: Path) -> None:
    out = small(tmp_path / "small")
    page = tmp_path / "pages" / "small.html"
    outcome = command(asked(str(out), "--page", str(page)), silent)
    assert outcome.exit_code == 0
    assert str(page) in outcome.text.splitlines()[-1]
    text = page.read_text(encoding="utf-8")
    assert "Yes: it may be replayed" in text
    assert "Samples that are NaN or infinite" in text
    assert [path.name for path in page.parent.iterdir()] == ["small.html"]


def test_thresholds_of_the_card_are_told(tmp_path: Path) -> None:
    out = small(tmp_path / "small")
    card = out / "dataset.yaml"
    section = "validation:\n  rules:\n    - {rule: label_long, max_value: 3}\n"
    card.write_text(f"{card.read_text(encoding='utf-8')}{section}", encoding="utf-8")
    outcome = command(asked(str(out)), silent)
    assert "thresholds of dataset.yaml: rules label_long" in outcome.text
    own = [held for held in outcome.document["thresholds"] if held["own"]]
    assert own == [
        {"rule": "label_long", "severity": "warning", "min_value": None, "max_value": 3.0, "own": True}
    ]
