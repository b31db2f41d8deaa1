"""DSPOT: distances from the last few values, by a generalised Pareto tail."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

from titleshot.datasets.contracts.instants import MINUTE
from titleshot.detectors.answers import Ticks
from titleshot.detectors.dspot import Dspot, DspotParams


def answered(params: DspotParams, values: list[float]):
    detector = Dspot(params)
    detector.grow(1)
    n = len(values)
    return detector.answer(
        np.zeros(n, np.int32), np.arange(n) * MINUTE, np.array(values, float), Ticks.none()
    )


def tail_quantile(distances: np.ndarray, params: DspotParams) -> float:
    """The definition, for the upper side: the distance exceeded with ``risk``."""
    n = len(distances)
    k = max(10, int(params.tail_ratio * n))
    ordered = np.sort(distances)
    edge = ordered[n - 1 - k]
    excess = ordered[n - k :] - edge
    mean = excess.mean()
    weighted = np.mean((1 - (np.arange(1, k + 1) - 0.35) / k) * excess)
    if mean <= 0:
        return float(edge)
    xi = 2 - mean / (mean - 2 * weighted) if mean > 2 * weighted else -0.5
    xi = float(np.clip(xi, -0.5, 0.5))
    return float(edge + stats.genpareto.isf(params.risk * n / k, xi, scale=mean * (1 - xi)))


def slowly(params: DspotParams, values: list[float]) -> list[float]:
    distances: list[float] = []
    out = []
    for i, value in enumerate(values):
        u = np.nan
        if i >= params.depth:
            away = value - np.mean(values[i - params.depth : i])
            behind = np.array(distances[-params.window :])
            if len(behind) >= params.min_points:
                unit = tail_quantile(behind if away >= 0 else -behind, params)
                u = abs(away) / unit if unit > 0 else 0.0
            distances.append(float(away))
        out.append(u)
    return out


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 10_000),
    st.sampled_from(["normal", "standard_cauchy", "exponential", "random"]),
    st.integers(1, 8),
)
def test_it_is_the_definition(seed, law, depth):
    values = getattr(np.random.default_rng(seed), law)(size=170).tolist()
    params = DspotParams(window=100, min_points=50, depth=depth, tail_ratio=0.1, risk=1e-3)
    found = answered(params, values).scored
    np.testing.assert_allclose(found.strangeness, slowly(params, values), rtol=1e-8)


@pytest.mark.parametrize("law", ["normal", "lognormal", "standard_cauchy", "random"])
def test_it_is_as_rare_as_it_says_whatever_the_law(law):
    values = getattr(np.random.default_rng(1), law)(size=40_000).tolist()
    tail = answered(DspotParams(), values).notes["tail"][3_000:]
    for share in (0.01, 0.001):
        assert 0.5 * share < np.mean(tail <= share) < 2 * share


def test_a_floor_keeps_near_values_quiet_and_gives_a_constant_a_unit():
    values = [5.0] * 400 + [5.4, 5.0, 9.0]
    assert answered(DspotParams(), values).scored.strangeness[400] == 0
    floored = answered(DspotParams(spread_floor=1.0), values).scored
    assert floored.strangeness[400] == pytest.approx(0.4)
    assert floored.strangeness[402] > 1 > floored.strangeness[401]


def test_a_risk_that_lies_within_what_was_seen_is_refused():
    with pytest.raises(ValidationError, match=r"risk must be below tail_ratio \(0.01\), got 0.02"):
        DspotParams(risk=0.02, tail_ratio=0.01)
