"""``generate`` on the command line and from a notebook."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import UsageError
from titleshot.pipelines.generate import arguments, command, generate
from titleshot.pipelines.outcome import silent


def asked(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    arguments(parser)
    return parser.parse_args(words)


def test_the_command_makes_a_dataset_and_says_what_is_in_it(tmp_path: Path) -> None:
    out = tmp_path / "shop"
    outcome = command(asked(str(out), "--services", "5", "--days", "7", "--cadence-s", "600"), silent)
    made = Dataset.open(out)
    assert outcome.exit_code == 0
    assert outcome.document["digest"] == made.card.digest
    assert outcome.document["incidents"] == len(made.labels().incidents) > 0
    assert "titleshot validate" in outcome.text


def test_progress_is_told_service_by_service(tmp_path: Path) -> None:
    told: list[tuple[str, int, int | None]] = []
    generate(
        tmp_path / "shop",
        services=4,
        days=3,
        progress=lambda what, done, total=None: told.append((what, done, total)),
    )
    assert told == [("generating", done, 4) for done in (1, 2, 3, 4)]


def test_a_dataset_that_is_there_is_kept_unless_told_otherwise(tmp_path: Path) -> None:
    first = generate(tmp_path / "shop", services=4, days=3)
    with pytest.raises(UsageError, match="holds a dataset"):
        generate(tmp_path / "shop", services=4, days=3, seed=8)
    assert Dataset.open(tmp_path / "shop").card.digest == first.card.digest
    second = generate(tmp_path / "shop", services=4, days=3, seed=8, replace=True)
    assert second.card.digest != first.card.digest


def test_a_wrong_argument_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="services must be from 4"):
        command(asked(str(tmp_path / "shop"), "--services", "2"), silent)
    assert list(tmp_path.iterdir()) == []
