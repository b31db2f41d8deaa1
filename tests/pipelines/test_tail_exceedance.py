"""Calibrated tail probabilities on a healthy stretch of a platform nobody has seen, for every family."""

from pathlib import Path

import pytest

from titleshot.datasets.dataset import Dataset
from titleshot.detectors.families import FAMILIES
from titleshot.pipelines.generate import generate
from titleshot.pipelines.tail_exceedance import LEVELS, exceedance, with_tails

MEASURED = ("dspot", "robust_mad", "rolling_z_score", "seasonal_baseline", "time_of_day")
"""The book of families has all of them. Families that mostly say nothing are careful rather than right."""
WITHIN = ((0.5, 2.0), (0.5, 2.0), (0.3, 2.5))


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return generate(Path(tmp_path_factory.mktemp("tails")) / "shop", services=12, days=42, seed=3)


@pytest.mark.slow
@pytest.mark.parametrize("name", MEASURED)
def test_a_level_is_passed_about_as_often_as_it_says(name: str, platform: Dataset) -> None:
    found = exceedance(platform, [name])[name]
    assert found.n > 100_000
    for level, ratio, (least, most) in zip(LEVELS, found.ratios, WITHIN, strict=True):
        assert least < ratio < most, level


def test_a_family_without_a_tail_says_so() -> None:
    assert set(FAMILIES) - set(with_tails()) == {"change_point", "flatline", "no_data"}
