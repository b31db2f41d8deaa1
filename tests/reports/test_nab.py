"""NAB's protocol: equal to the rules row by row, and to the benchmark's own figures."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nab_oracle import raw_score

from titleshot.datasets.errors import MalformedInput
from titleshot.reports.literature.nab import NOTHING, PROFILES, NabFile, nab_file, nab_score, nab_sweep
from titleshot.reports.literature.nab_results import nab_results

Raw = tuple[list[int], list[float], list[tuple[int, int]]]


@st.composite
def corpora(draw: st.DrawFn) -> list[Raw]:
    """Files with repeated times, equal scores and windows that may touch or overlap."""
    files = []
    for _ in range(draw(st.integers(1, 3))):
        rows = draw(st.integers(8, 40))
        times = sorted(draw(st.lists(st.integers(0, 60), min_size=rows, max_size=rows)))
        scores = draw(st.lists(st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]), min_size=rows, max_size=rows))
        distinct = sorted(set(times))
        windows = []
        for _ in range(draw(st.integers(0, 2))):
            first, last = sorted(draw(st.tuples(*[st.sampled_from(distinct)] * 2)))
            if times.index(last) > times.index(first) and first not in [edge for edge, _ in windows]:
                windows.append((first, last))
        files.append((times, scores, windows))
    return files


def made(corpus: list[Raw]) -> list[NabFile]:
    return [
        nab_file(f"file-{at}", np.array(times), np.array(scores), windows)
        for at, (times, scores, windows) in enumerate(corpus)
    ]


@given(corpora(), st.sampled_from([*PROFILES]), st.sampled_from([0.0, 0.1, 0.5, 0.95, 1.1]))
def test_a_threshold_scores_what_the_rules_say_row_by_row(
    corpus: list[Raw], profile: str, threshold: float
) -> None:
    weights = PROFILES[profile]
    if not any(windows for _, _, windows in corpus):
        with pytest.raises(MalformedInput, match="has a window"):
            nab_score(made(corpus), weights, threshold)
        return
    expected = sum(raw_score(*file, (weights.tp, weights.fp, weights.fn), threshold) for file in corpus)

    found = nab_score(made(corpus), weights, threshold)

    assert found.raw == pytest.approx(expected, abs=1e-12)
    windows = sum(len(windows) for _, _, windows in corpus)
    assert found.score == pytest.approx(
        100 * (expected + windows * weights.fn) / (windows * (weights.tp + weights.fn)), abs=1e-10
    )


@given(corpora(), st.sampled_from([*PROFILES]))
@settings(deadline=None)
def test_the_sweep_finds_the_best_of_all_thresholds_and_the_highest_of_equal_ones(
    corpus: list[Raw], profile: str
) -> None:
    weights = PROFILES[profile]
    files = made(corpus)
    if not any(file.windows for file in files):
        return
    scorable = {float(score) for file in files for score in file.scores}
    thresholds = [NOTHING, *sorted(scorable, reverse=True)]
    raws = [nab_score(files, weights, threshold).raw for threshold in thresholds]

    found = nab_sweep(files, {profile: weights})[profile]

    assert found.raw == pytest.approx(max(raws), abs=1e-12)
    first = next(t for t, raw in zip(thresholds, raws, strict=True) if raw >= max(raws) - 1e-12)
    assert found.threshold == first


def test_the_first_row_of_a_window_scores_100_and_silence_0() -> None:
    scores = np.zeros(100)
    scores[50] = 1.0
    file = nab_file("one", np.arange(100), scores, [(50, 59)])

    assert nab_score([file], PROFILES["standard"], 1.0).score == pytest.approx(100)
    assert nab_score([file], PROFILES["standard"], NOTHING).score == 0


def test_a_repeat_in_a_window_is_free_and_a_row_before_it_costs_the_full_weight() -> None:
    hit, repeated, early = (np.zeros(100) for _ in range(3))
    hit[50] = repeated[[50, 55]] = early[[49, 50]] = 1.0
    raw = [
        nab_score([nab_file("one", np.arange(100), scores, [(50, 59)])], PROFILES["standard"], 1.0).raw
        for scores in (hit, repeated, early)
    ]

    assert raw[1] == raw[0]
    assert raw[2] == pytest.approx(raw[0] - 0.11)


@pytest.mark.parametrize(
    ("windows", "says"),
    [
        ([(50, 1000)], "window edge 1000 is no row's time"),
        ([(50, 50)], "must span two rows or more"),
    ],
)
def test_windows_that_cannot_be_scored_are_refused(windows: list[tuple[int, int]], says: str) -> None:
    with pytest.raises(MalformedInput, match=says):
        nab_file("one", np.arange(100), np.zeros(100), windows)


def test_a_score_that_is_no_number_is_refused() -> None:
    with pytest.raises(MalformedInput, match="row 3 has score nan"):
        nab_file("one", np.arange(4), np.array([0, 0, np.nan, 0]), [(0, 1)])


@pytest.mark.data
@pytest.mark.parametrize("detector", ["contextOSE", "numenta", "windowedGaussian"])
def test_the_published_detectors_score_what_the_benchmark_says(detector: str) -> None:
    data = os.environ.get("TITLESHOT_DATA")
    if not data:
        pytest.skip("TITLESHOT_DATA is not set")
    # Acceptance values for the 29 files there, from the shared reference.
    expected = json.loads(Path(data, "../reference/nab_expected.json").read_text(encoding="utf-8"))
    files = nab_results(Path(data) / "nab", detector)

    assert len(files) == expected["series"]
    assert sum(file.windows for file in files) == expected["windows"]
    assert sum(file.rows for file in files) == expected["rows"]
    assert sum(len(file.scores) for file in files) == expected["scored_rows"]
    swept = nab_sweep(files, PROFILES)
    for profile, wanted in expected["detectors"][detector].items():
        found = swept[profile]
        assert found.threshold == wanted["threshold"]
        assert found.raw == pytest.approx(wanted["raw"], abs=1e-9)
        assert found.score == pytest.approx(wanted["score"], abs=1e-9)
