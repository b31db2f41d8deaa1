"""Families by name, and what their noise tails claim."""

import pytest
from scipy import stats

from titleshot.datasets.errors import MalformedInput, UsageError
from titleshot.detectors.detector import Detector
from titleshot.detectors.families import FAMILIES, detector_family, make_detector
from titleshot.detectors.gaussian_tails import two_sided_t_tail


def test_an_unknown_family_is_refused_with_the_nearest_name():
    with pytest.raises(UsageError, match="unknown detector 'rolling_zscore'; did you mean 'rolling_z_score'"):
        detector_family("rolling_zscore")


def test_every_fault_of_parameters_is_named_at_once():
    with pytest.raises(MalformedInput, match=r"place robust_mad: threshold: .*; window: "):
        make_detector("robust_mad", {"window": "wide", "threshold": -1}, where="place")


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_is_registered_under_its_own_name_and_explains_itself(name):
    family = FAMILIES[name]
    assert issubclass(family, Detector)
    assert family.family == name
    for promised in ("u =", "Assumes", "Deaf to", "noise", "Source:", ">>>"):
        assert promised in (family.__doc__ or "")


@pytest.mark.parametrize("degrees", [1, 3.5, 19, 200, 1e5])
@pytest.mark.parametrize("x", [0.0, 1.0, 3.0, 6.0])
def test_the_t_tail_is_that_of_scipy(x, degrees):
    assert two_sided_t_tail(x, degrees) == pytest.approx(2 * stats.t.sf(x, degrees), rel=1e-4)
