"""``titleshot nab`` scores published results and contenders by one protocol, beside what chance scores."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Corpus = Callable[..., Path]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Two files of NAB's layout with a spike in a window each, and a detector that saw one of them."""
    source = tmp_path / "nab"
    windows = {"group/absent.csv": [["2014-01-01 00:00:00.000000", "2014-01-01 01:00:00.000000"]]}
    rng = np.random.default_rng(1)
    for number in range(2):
        name = f"file_{number}"
        times = [datetime(2014, 4, 1) + timedelta(minutes=5 * row) for row in range(600)]  # noqa: DTZ001
        times[301] = times[300]  # a repeated time
        values = 10 + rng.normal(size=600)
        values[450] = 60
        scores = np.zeros(600)
        scores[450 - number * 200] = 0.9
        window = [f"{times[row]:%Y-%m-%d %H:%M:%S.000000}" for row in (440, 470)]
        windows[f"group/{name}.csv"] = [window]
        rows = [f"{time:%Y-%m-%d %H:%M:%S},{value}" for time, value in zip(times, values, strict=True)]
        write(source / "data" / "group" / f"{name}.csv", ["timestamp,value", *rows])
        scored = [f"{row},{score},0" for row, score in zip(rows, scores, strict=True)]
        header = "timestamp,value,anomaly_score,label"
        write(source / "results" / "mine" / "group" / f"mine_{name}.csv", [header, *scored])
    (source / "labels").mkdir()
    (source / "labels" / "combined_windows.json").write_text(json.dumps(windows))
    return source


def write(path: Path, lines: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_published_results_are_swept_and_the_threshold_is_called_oracle(
    corpus: Path, titleshot: Callable[..., Any]
) -> None:
    ran = titleshot("nab", corpus, "--results", "mine", "--json")

    assert ran.code == 0
    assert (ran.document["files"], ran.document["windows"], ran.document["rows"]) == (2, 2, 1200)
    assert ran.document["threshold_is"] == "oracle"
    # Of two windows one is hit, ten rows in; a row before the other is false.
    assert ran.document["profiles"]["standard"]["raw"] == pytest.approx(0.9473 - 1 - 0.11, abs=1e-4)
    assert ran.document["profiles"]["standard"]["threshold"] == 0.9
    assert set(ran.document["never"].values()) == {0.0}
    assert ran.document["always"]["standard"] < ran.document["random_mean"]["standard"]
    assert "thresholds are oracle" in titleshot("nab", corpus, "--results", "mine").err


def test_a_given_threshold_is_used_as_it_is(corpus: Path, titleshot: Callable[..., Any]) -> None:
    ran = titleshot("nab", corpus, "--results", "mine", "--threshold", "0.95", "--json")

    assert ran.document["threshold_is"] == "given"
    assert {of["score"] for of in ran.document["profiles"].values()} == {0.0}
    assert "oracle" not in titleshot("nab", corpus, "--results", "mine", "--threshold", "0.95").err


def test_a_contender_is_replayed_and_repeated_rows_score_nothing(
    corpus: Path, titleshot: Callable[..., Any]
) -> None:
    ran = titleshot("nab", corpus, "--contender", "module", "--threshold", "0.5", "--json")

    assert ran.code == 0
    assert (ran.document["of"], ran.document["rows"]) == ("module", 1200)
    assert ran.document["scored_rows"] == 2 * 510
    # Both spikes are found; noise beyond three deviations costs a little.
    assert 50 < ran.document["profiles"]["standard"]["score"] < 100


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "give either --contender FILE or --results DETECTOR"),
        (["--results", "mime"], "did you mean 'mine'?"),
        (["--results", "mine", "--threshold", "nan"], "must be a finite number"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    words: list[str], says: str, corpus: Path, titleshot: Callable[..., Any]
) -> None:
    ran = titleshot("nab", corpus, *words)

    assert (ran.code, says in ran.err) == (2, True)


def test_a_file_without_listed_windows_is_refused_by_name(
    corpus: Path, titleshot: Callable[..., Any]
) -> None:
    (corpus / "labels" / "combined_windows.json").write_text('{"group/file_0.csv": []}')

    ran = titleshot("nab", corpus, "--results", "mine")

    assert ran.code == 2
    assert "group/file_1.csv is not in labels/combined_windows.json" in ran.err
