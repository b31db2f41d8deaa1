"""Intervals against published values, naive oracles and what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import binomtest

from titleshot.reports.proportions import PairedCounts, design_effect, tango, wilson, z_of
from titleshot.reports.scores.score import ratio
from titleshot.reports.statistics import (
    Resampling,
    Summands,
    bca_interval,
    percentile_interval,
    permutation_p,
)


@given(st.integers(0, 60), st.integers(1, 60), st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_equals_scipy(successes: int, n: int, confidence: float) -> None:
    successes = min(successes, n)
    expected = binomtest(successes, n).proportion_ci(confidence, method="wilson")
    assert wilson(successes, n, confidence) == pytest.approx((expected.low, expected.high), abs=1e-12)


def naive_tango(b: int, c: int, n: int, confidence: float) -> tuple[float, float]:
    """The limits of the test, with the likeliest q found by searching instead of solving."""

    def likeliest(difference: float) -> float:
        low, high = max(0.0, -difference), (1 - difference) / 2
        for _ in range(200):
            q1, q2 = low + (high - low) / 3, high - (high - low) / 3

            def log_likelihood(q: float) -> float:
                def term(count: float, share: float) -> float:
                    return 0.0 if count == 0 else count * np.log(max(share, 1e-300))

                return term(b, q + difference) + term(c, q) + term(n - b - c, 1 - 2 * q - difference)

            if log_likelihood(q1) < log_likelihood(q2):
                low = q1
            else:
                high = q2
        return (low + high) / 2

    def statistic(difference: float) -> float:
        spread = n * (2 * likeliest(difference) + difference * (1 - difference))
        return float((b - c - n * difference) / np.sqrt(max(spread, 1e-12)))

    z, middle = z_of(confidence), (b - c) / n
    return (
        float(brentq(lambda d: statistic(d) - z, -1 + 1e-9, middle)) if middle > -1 else -1.0,
        float(brentq(lambda d: statistic(d) + z, middle, 1 - 1e-9)) if middle < 1 else 1.0,
    )


@pytest.mark.parametrize(
    "table", [(12, 2, 50), (0, 0, 50), (5, 0, 20), (3, 3, 40), (1, 9, 100), (20, 15, 60)]
)
def test_tango_equals_inverting_the_test_by_search(table: tuple[int, int, int]) -> None:
    assert tango(PairedCounts(*table), 0.95) == pytest.approx(naive_tango(*table, 0.95), abs=2e-4)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 60))
def test_tango_turns_round_with_its_sides_and_never_has_no_width(b: int, c: int, same: int) -> None:
    n = b + c + same
    if n == 0:
        return
    low, high = tango(PairedCounts(b, c, n), 0.95)
    assert -1 <= low <= (b - c) / n <= high <= 1
    assert high - low > 0
    other = tango(PairedCounts(c, b, n), 0.95)
    assert (low, high) == pytest.approx((-other[1], -other[0]), abs=1e-9)


def test_days_that_clump_widen_a_proportion_and_independent_ones_do_not() -> None:
    n = np.full(40, 5.0)
    clumped = np.where(np.arange(40) % 2 == 0, 5.0, 0.0)
    assert design_effect(clumped, n, 0.25 / 200) == pytest.approx(5 * 40 / 39)
    assert design_effect(np.full(40, 2.5), n, 0.25 / 200) == 1.0


def block_sums(seed: int, days: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    random = np.random.default_rng(seed)
    below = random.poisson(3.0, days) + 1.0
    return random.binomial(below.astype(int), 0.7).astype(float), below


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.integers(2, 40))
def test_replicates_equal_a_loop_over_the_same_draws(seed: int, days: int) -> None:
    above, below = block_sums(seed, days)
    resampling = Resampling(days, 50, seed)
    expected = []
    for draw in resampling.counts:
        chosen = [day for day, times in enumerate(draw.astype(int)) for _ in range(times)]
        expected.append(sum(above[day] for day in chosen) / sum(below[day] for day in chosen))
    np.testing.assert_allclose(resampling.replicates(ratio(above, below)), expected, rtol=1e-12)
    without = [np.delete(above, day).sum() / np.delete(below, day).sum() for day in range(days)]
    np.testing.assert_allclose(resampling.leave_one_out(ratio(above, below)), without, rtol=1e-12)


def test_permutation_swaps_whole_days() -> None:
    above, below = block_sums(1, 30)
    other = block_sums(2, 30)[0]
    resampling = Resampling(30, 40, 5)
    expected = []
    for swap in resampling.swaps.astype(bool):
        first, second = np.where(swap, other, above), np.where(swap, above, other)
        expected.append(second.sum() / below.sum() - first.sum() / below.sum())
    found = resampling.permuted(ratio(above, below), ratio(other, below))
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_the_same_seed_draws_the_same_days_and_another_does_not() -> None:
    assert np.array_equal(Resampling(30, 50, 7).counts, Resampling(30, 50, 7).counts)
    assert not np.array_equal(Resampling(30, 50, 7).counts, Resampling(30, 50, 8).counts)


def test_intervals_hold_the_value_and_widen_with_confidence() -> None:
    above, below = block_sums(3, 60)
    resampling = Resampling(60, 2000, 1)
    summands = ratio(above, below)
    replicates, value = resampling.replicates(summands), summands.value()
    without = resampling.leave_one_out(summands)
    for interval in (
        lambda c: percentile_interval(replicates, c, 60),
        lambda c: bca_interval(replicates, value, without, c, 60),
    ):
        narrow, wide = interval(0.9), interval(0.99)
        assert wide[0] < narrow[0] < value < narrow[1] < wide[1]


def test_infinite_replicates_end_an_interval_in_infinity_not_in_a_warning() -> None:
    replicates = np.append(np.linspace(1, 2, 90), np.full(10, np.inf))
    low, high = percentile_interval(replicates, 0.95, 50)
    assert low < 1.1
    assert high == np.inf


def test_a_p_value_is_never_zero_and_undefined_permutations_count_against() -> None:
    assert permutation_p(np.zeros(99), 1.0) == 1 / 100
    assert permutation_p(np.full(99, np.nan), 1.0) == 1.0
    assert permutation_p(np.zeros(99), 0.0) == 1.0


def test_a_statistic_of_many_columns_is_cut_into_pieces_without_a_trace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    columns = np.random.default_rng(0).random((30, 7))
    summands = Summands(columns, lambda sums: sums.max(axis=-1))
    resampling = Resampling(30, 100, 1)
    whole = resampling.replicates(summands)
    monkeypatch.setattr("titleshot.reports.statistics._CELLS", 21)
    assert np.array_equal(resampling.replicates(summands), whole)


@pytest.mark.slow
@pytest.mark.parametrize("spread", [1e9, 1.0], ids=["independent days", "overdispersed days"])
def test_intervals_of_paired_differences_cover_as_they_say(spread: float) -> None:
    """A short form of the truth test: 300 pairs, so 95 % is known to about 1.3 points; tolerance is wide."""
    random = np.random.default_rng(11)
    days, pairs = 40, 300
    held = {"share": 0, "rate": 0, "tango": 0}
    for number in range(pairs):
        resampling = Resampling(days, 400, number)
        busy = random.gamma(spread, 1 / spread, days)
        n = random.poisson(3 * busy)
        ours, theirs = random.binomial(n, 0.8), random.binomial(n, 0.8)
        noise = random.gamma(spread, 1 / spread, (2, days))
        false = random.poisson(1.5 * noise)
        first, second = ratio(theirs, theirs + false[0]), ratio(ours, ours + false[1])
        low, high = percentile_interval(
            resampling.replicates(second) - resampling.replicates(first), 0.95, days
        )
        held["share"] += low <= 0 <= high
        weeks = np.full(days, 1 / 7)
        apart = resampling.replicates(ratio(false[1], weeks)) - resampling.replicates(ratio(false[0], weeks))
        low, high = percentile_interval(apart, 0.95, days)
        held["rate"] += low <= 0 <= high
        # Discordant incidents come in clumps: a day is good or bad for one of the two.
        lucky = np.clip(0.06 * random.gamma(spread, 1 / spread, (2, days)), 0, 0.5)
        b, c = random.binomial(n, lucky[0]), random.binomial(n, lucky[1])
        total = int(n.sum())
        variance = ((b + c).sum() / total - ((b - c).sum() / total) ** 2) / total
        effect = design_effect((b - c).astype(float), n.astype(float), variance)
        low, high = tango(PairedCounts(b.sum() / effect, c.sum() / effect, total / effect), 0.95)
        held["tango"] += low <= 0 <= high
    for name, count in held.items():
        assert 0.91 <= count / pairs <= 0.99, (name, count / pairs)


@given(st.integers(0, 50), st.integers(20, 40))
def test_scores_added_up_together_are_the_same_bits_as_one_by_one(seed: int, days: int) -> None:
    random = np.random.default_rng(seed)
    some = [ratio(random.normal(size=days) * 10.0**power, random.poisson(3, days)) for power in (-9, 0, 9)]
    together, apart = Resampling(days, 200, seed), Resampling(days, 200, seed)

    together.prepare(some, [(some[0], some[1])])

    for summands in some:
        assert together.replicates(summands).tobytes() == apart.replicates(summands).tobytes()
    assert together.permuted(some[0], some[1]).tobytes() == apart.permuted(some[0], some[1]).tobytes()


@given(st.integers(0, 50))
def test_columns_that_are_one_day_each_are_looked_up_to_the_same_result(seed: int) -> None:
    random = np.random.default_rng(seed)
    day = random.integers(25, size=30)
    columns = np.zeros((25, 30))
    columns[day, np.arange(30)] = 1
    summands = Summands(columns, lambda sums: (sums * np.arange(30)).sum(axis=-1).astype(float), day)
    resampling = Resampling(25, 100, seed)

    looked_up = resampling.replicates(summands)

    assert looked_up.tolist() == resampling.replicates(summands._replace(days=None)).tolist()
