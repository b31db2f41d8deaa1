"""Tail calibration: against counting in plain Python, by the laws, and by what it claims."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from titleshot.datasets.contracts.instants import MINUTE
from titleshot.detectors.check import LAWS
from titleshot.detectors.contender import Contender
from titleshot.detectors.law_findings import breach
from titleshot.detectors.law_streams import hard_stream
from titleshot.detectors.law_subjects import subject_of
from titleshot.detectors.tail_calibration import TailCalibration, TailParams, Tails

RECIPE = """\
schema_version: "1.0"
name: rare
detectors:
  - match: {}
    detector: {family: rolling_z_score, min_points: 3, memory_s: 1200}
tails: {memory_s: 14400, min_scores: 50}
correlator: {family: topology_sessions, gap_s: 300, cap_s: 1200, rare: [0.02, 0.005]}
paging: {maximum_tail_probability: 0.05}
"""


def said_of(tails: TailCalibration, u: list[float], *, start: int = 0, every: int = MINUTE) -> Tails:
    tails.grow(1)
    times = (start + np.arange(len(u))) * every
    return tails.fold(np.zeros(len(u), np.int32), times, np.array(u), from_u=0.0)


def naive(
    u: list[float], every: int, memory_s: float, least: int, *, knows_faults: bool
) -> list[tuple[float, int]]:
    """Counting in dictionaries, the tail by the formulas of the docstring."""
    period = round(memory_s * 1e9) // 2
    generations: dict[int, list[int]] = {}
    run, cut, last, out = 0, 0, None, []
    level, most = (2**-6, 1) if knows_faults else (1, 4)

    def cell(x: float) -> int:
        return 0 if x < 2**-6 else 97 if x >= 64 else 1 + math.floor(round((math.log2(x) + 6) * 8, 12))

    for i, x in enumerate(u):
        if math.isnan(x):
            out.append((math.nan, 0))
            continue
        now = i * every // period
        if last is not None and now > last + 1:
            run = cut = 0
        last = now
        past = generations.get(now, []) + generations.get(now - 1, [])
        n, mine = len(past), cell(x)
        rare = math.nan
        if n >= least:
            rare = tail(past, x, mine)
        out.append((rare, n))
        run = 0 if x < level or mine < cut else run + 1
        if run <= most:
            mine_now = generations.setdefault(now, [])
            mine_now.append(mine)
            if mine_now.count(mine) % 32 == 0:
                counted = mine_now + generations.get(now - 1, [])
                common = [i for i in range(1, 98) if sum(c >= i for c in counted) > 0.01 * len(counted)]
                cut = max(common, default=0) + 1
    return out


def tail(past: list[int], x: float, mine: int) -> float:
    n = len(past)
    above = sum(c > mine for c in past)
    if mine == 0:
        return 1.0
    if above >= 10 and mine < 97:
        share = (x / (2 ** ((mine - 1) / 8 - 6)) - 1) / (2**0.125 - 1)
        return (above + past.count(mine) * (1 - share) + 0.5) / (n + 1)
    beyond = {i: sum(c >= i for c in past) for i in range(1, mine + 1)}
    first = next((i for i in range(mine, 0, -1) if beyond[i] >= 10), None)
    second = first and next((i for i in range(first - 1, 0, -1) if beyond[i] >= 4 * beyond[first]), None)
    if not first or not second:
        return math.nan
    near, far = (-math.log((beyond[i] + 0.5) / (n + 1)) for i in (first, second))
    shape = math.log(near / far) / math.log(2 ** ((first - second) / 8))
    return max(math.exp(-near * (x / 2 ** ((first - 1) / 8 - 6)) ** shape), 0.1 / (n + 1))


@given(
    seed=st.integers(0, 1_000),
    n=st.integers(1, 400),
    scale=st.sampled_from([0.02, 0.3, 1.0, 20.0]),
    every=st.sampled_from([MINUTE, 40 * MINUTE]),
    holes=st.booleans(),
    knows_faults=st.booleans(),
)
def test_it_counts_as_plain_python_does(
    seed: int, n: int, scale: float, every: int, holes: bool, knows_faults: bool
) -> None:
    rng = np.random.default_rng(seed)
    u = scale * np.abs(rng.standard_t(3, n))
    if holes:
        u[rng.random(n) < 0.1] = math.nan
    tails = TailCalibration(TailParams(memory_s=14_400, min_scores=50), knows_faults=knows_faults)
    said = said_of(tails, u.tolist(), every=every)
    theirs = naive(u.tolist(), every, 14_400, 50, knows_faults=knows_faults)
    for p, support, (rare, count) in zip(
        said.probability.tolist(), said.support.tolist(), theirs, strict=True
    ):
        assert support == count
        assert p == pytest.approx(rare, rel=1e-9, nan_ok=True)


@pytest.mark.parametrize("law", [law for law in LAWS if law.number != 8], ids=lambda law: law.promise)
def test_a_contender_with_tails_keeps_the_law(law: object, tmp_path: Path) -> None:
    (tmp_path / "rare.yaml").write_text(RECIPE)
    subject = subject_of(str(tmp_path / "rare.yaml"))
    for seed in (3, 4):
        assert breach(law, subject, hard_stream(subject.keys, seed, 160)) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("draw", ["standard_normal", "standard_exponential", "standard_cauchy"])
def test_a_probability_comes_as_often_as_it_says_whatever_the_noise(draw: str) -> None:
    tails = TailCalibration(TailParams())
    u = 0.2 * np.abs(getattr(np.random.default_rng(5), draw)(20_000))
    said = said_of(tails, u.tolist()).probability[2_000:]
    for p in (0.05, 0.01, 0.001):
        assert 0.5 < np.mean(said <= p) / p < 2


def test_the_stranger_the_rarer_down_to_a_tenth_of_one_over_the_past() -> None:
    u = np.abs(np.random.default_rng(6).standard_normal(3_000)) / 3
    rare = []
    for strangeness in np.geomspace(0.02, 90, 40):
        tails = TailCalibration(TailParams())
        said_of(tails, u.tolist())
        rare.append(float(said_of(tails, [strangeness], start=3_000).probability[0]))
    assert rare == sorted(rare, reverse=True)
    assert rare[-1] == pytest.approx(0.1 / 3_001)


def test_a_fault_that_lasts_does_not_become_the_usual() -> None:
    healthy = (np.abs(np.random.default_rng(7).standard_normal(4_000)) / 4).tolist()
    calm, after = TailCalibration(TailParams()), TailCalibration(TailParams())
    said_of(calm, healthy)
    said_of(after, healthy[:2_000] + [3.0] * 300 + healthy[2_000:])
    before, then = (float(said_of(each, [3.0], start=5_000).probability[0]) for each in (calm, after))
    assert before < 0.0005
    assert then < 0.003


def test_a_cold_start_has_no_probability_and_says_why() -> None:
    tails = TailCalibration(TailParams())
    said = said_of(tails, [0.1] * 80 + [4.0])
    assert math.isnan(said.probability[-1])
    (told,) = tails.told([None], said, np.array([80]))
    assert told == {
        "tail_probability": None,
        "tail_support": 80,
        "tail_reason": "cold start: 80 of 500 past scores",
    }


def test_a_past_of_equal_scores_has_no_tail_and_says_why() -> None:
    tails = TailCalibration(TailParams())
    said = said_of(tails, [0.0] * 900 + [4.0])
    (told,) = tails.told([None], said, np.array([900]))
    assert told is not None
    assert told["tail_reason"] == "too few different past scores to fit a tail to"


def test_a_probability_of_the_detector_s_own_stands_until_there_is_a_calibrated_one() -> None:
    tails = TailCalibration(TailParams())
    said = said_of(tails, np.abs(np.random.default_rng(8).standard_normal(900)).tolist())
    young, grown = tails.told([{"tail_probability": 0.5}] * 2, said, np.array([10, 899]))
    assert young is not None
    assert grown is not None
    assert young["tail_probability"] == 0.5
    assert grown["tail_probability"] == pytest.approx(said.probability[899], rel=1e-2)


def test_a_contender_remembers_as_long_as_its_tails(tmp_path: Path) -> None:
    (tmp_path / "rare.yaml").write_text(RECIPE)
    (tmp_path / "plain.yaml").write_text(RECIPE.replace("tails: {memory_s: 14400, min_scores: 50}\n", ""))
    rare, plain = (Contender.load(tmp_path / f"{name}.yaml").memory_s for name in ("rare", "plain"))
    assert rare is not None
    assert plain is not None
    assert rare == plain + 14_400
