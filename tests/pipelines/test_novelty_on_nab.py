"""What the novelty contender reaches on the part of NAB in the data folder, so that it stays reached."""

from __future__ import annotations

import csv
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from titleshot.detectors.contender import Contender
from titleshot.pipelines.import_ import import_dataset
from titleshot.pipelines.replay import replay
from titleshot.pipelines.validate import validate
from titleshot.reports.literature.nab import F64, I64, PROFILES, NabFile, nab_file, nab_score, nab_sweep
from titleshot.reports.literature.nab_results import nab_times, nab_windows, windows_of

pytestmark = [pytest.mark.slow, pytest.mark.data]

HOUR = 3_600_000_000_000
WEEK = 168 * HOUR
ALARM = 0.5
"""The threshold that needs no labels."""
OSE_THRESHOLD = 0.768571428571
"""The published threshold of contextOSE, chosen on the labels that are scored."""

Dense = dict[str, tuple[I64, F64]]
"""Times and scores of every row by file."""


@pytest.fixture(scope="module")
def nab(data_folder: Path) -> Path:
    return data_folder / "nab"


@pytest.fixture(scope="module")
def novelty(nab: Path, tmp_path_factory: pytest.TempPathFactory) -> Dense:
    scratch = tmp_path_factory.mktemp("nab")
    dataset = import_dataset(format="nab", source=nab, dataset=scratch / "nab")
    validate(dataset)
    log = replay(dataset, Contender.load("novelty"), out=scratch / "log", scores=True)
    table = log.table("scores")
    codes = table.column("series").to_numpy()
    stamps = table.column("timestamp").cast("int64").to_numpy()
    said = table.column("anomaly_score").fill_null(0.0).to_numpy()
    found = {}
    for code, key in enumerate(dataset.series()):
        times = nab_times(nab)[f"{key.service}.csv"]
        dense = np.zeros(len(times))
        mine = dict(zip(stamps[codes == code].tolist(), said[codes == code].tolist(), strict=True))
        for row, at in enumerate(times.tolist()):
            dense[row] = mine.pop(at, 0.0)
        found[f"{key.service}.csv"] = (times, dense)
    return found


@pytest.fixture(scope="module")
def context_ose(nab: Path) -> Dense:
    found = {}
    for name, times in nab_times(nab).items():
        group, file = name.split("/")
        with (nab / "results" / "contextOSE" / group / f"contextOSE_{file}").open(newline="") as opened:
            found[name] = (times, np.array([float(row["anomaly_score"]) for row in csv.DictReader(opened)]))
    return found


def files(nab: Path, dense: Dense) -> list[NabFile]:
    windows = nab_windows(nab)
    return [nab_file(name, *both, windows_of(windows, name)) for name, both in dense.items()]


def operational(nab: Path, dense: Dense, threshold: float) -> tuple[int, float]:
    """Events hit, and false pages per series-week, with an hour's cooldown; the probation left out."""
    hits = false = 0
    weeks = 0.0
    for name, (times, scores) in dense.items():
        start = min(int(0.15 * len(times)), 750)
        pages: list[int] = []
        for at in np.sort(times[start:][scores[start:] >= threshold]).tolist():
            if not pages or at - pages[-1] >= HOUR:
                pages.append(at)
        within = [[first <= at <= last for at in pages] for first, last in windows_of(nab_windows(nab), name)]
        hits += sum(any(window) for window in within)
        false += sum(not any(window[i] for window in within) for i in range(len(pages)))
        weeks += float(times[start:].max() - times[start:].min()) / WEEK
    return hits, false / weeks


def test_its_thresholds_need_no_labels_and_it_stays_above_the_published_detectors(
    nab: Path, novelty: Dense
) -> None:
    swept = {name: found.score for name, found in nab_sweep(files(nab, novelty), PROFILES).items()}
    at_half = nab_score(files(nab, novelty), PROFILES["standard"], ALARM).score
    assert swept["standard"] > 76.0
    assert swept["reward_low_FP_rate"] > 67.0
    assert swept["reward_low_FN_rate"] > 81.0
    assert at_half > 72.0


def test_it_hits_more_events_than_context_ose_with_fewer_false_pages(
    nab: Path, novelty: Dense, context_ose: Dense
) -> None:
    hits, false = operational(nab, novelty, ALARM)
    their_hits, their_false = operational(nab, context_ose, OSE_THRESHOLD)
    assert (their_hits, round(their_false, 2)) == (49, 0.2)
    assert hits > their_hits
    assert false < their_false


def test_what_it_says_hardly_hangs_on_a_lower_threshold(nab: Path, novelty: Dense) -> None:
    scores = [
        nab_score(files(nab, novelty), PROFILES["standard"], at).score for at in (0.34, 0.38, 0.42, 0.46, 0.5)
    ]
    assert min(scores) > 70
    assert all(abs(one - other) < 5 for one, other in pairwise(scores))
