"""An ensemble says what its members say, counted by hand."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from titleshot.datasets.contracts.instants import MINUTE
from titleshot.datasets.errors import MalformedInput
from titleshot.detectors.answers import Ticks
from titleshot.detectors.ensemble import Ensemble, EnsembleParams
from titleshot.detectors.families import make_detector

MEMBERS: tuple[dict[str, Any], ...] = (
    {"family": "robust_mad", "min_points": 4, "window": 12},
    {"family": "rolling_z_score", "min_points": 3, "window": 8},
    {"family": "rolling_z_score", "min_points": 6, "window": 30, "threshold": 2.0},
)


def ensemble(needed: int = 1, members: Any = MEMBERS) -> Ensemble:
    made = Ensemble(EnsembleParams(members=members, needed=needed))
    made.grow(2)
    return made


@given(st.integers(0, 500), st.integers(1, 40), st.integers(1, 3))
def test_u_is_the_needed_th_largest_and_the_rest_that_member_s(seed: int, n: int, needed: int) -> None:
    rng = np.random.default_rng(seed)
    values = np.where(rng.random(n) < 0.1, math.nan, rng.standard_t(2, n))
    block = (rng.integers(0, 2, n).astype(np.int32), MINUTE * np.arange(n), values)
    said = ensemble(needed).answer(*block, Ticks.none()).scored
    alone = []
    for spec in MEMBERS:
        member = make_detector(spec["family"], {k: v for k, v in spec.items() if k != "family"})
        member.grow(2)
        alone.append(member.fold(*block))
    for row in range(n):
        votes = [(one.strangeness[row], -place) for place, one in enumerate(alone)]
        votes = sorted((vote for vote in votes if not math.isnan(vote[0])), reverse=True)
        if len(votes) < needed:
            assert math.isnan(said.strangeness[row])
            continue
        u, place = votes[needed - 1]
        assert tuple(float(column[row]) for column in said) == tuple(
            float(column[row]) for column in alone[-place]
        )
        assert said.strangeness[row] == u


def test_the_evidence_names_every_member_and_who_carried_it() -> None:
    made = ensemble(needed=2)
    values = np.concatenate([np.random.default_rng(1).normal(size=5), [30.0]])
    answers = made.answer(np.zeros(6, np.int32), MINUTE * np.arange(6), values, Ticks.none())
    assert answers.notes is not None
    told = made.tell(answers.notes, 5, 0)
    assert told["needed"] == 2
    assert [one["strange"] for one in told["members"]] == [True, True, None]
    assert told["members"][2]["why"] == "cannot score it yet"
    assert told["driven_by"] in {one["detector"] for one in told["members"][:2]}
    assert told["members"][0]["strangeness"] == round(float(answers.notes["u"][5][0]), 3)


def test_written_out_it_is_the_same_ensemble() -> None:
    bare = ensemble(members=({"family": "robust_mad"}, {"family": "dspot"}))
    whole = ensemble(members=bare.params.members)
    assert bare.name == whole.name


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"members": [{"family": "robust_mad"}]}, "at least 2"),
        ({"members": [{"family": "robust_mad"}, {"window": 9}]}, "names its family"),
        ({"members": [{"family": "robust_mad"}, {"family": "ensemble"}]}, "is an ensemble itself"),
        ({"members": [{"family": "robust_mad"}, {"family": "no_data"}]}, "listens for silence"),
        ({"members": [{"family": "robust_mad"}, {"family": "seasonal_baseline"}]}, "must be fitted"),
        ({"members": [{"family": "robust_mad"}, {"family": "dspot", "windw": 5}]}, "did you mean 'window'"),
        ({"members": [{"family": "robust_mad"}, {"family": "dspto"}]}, "did you mean 'dspot'"),
        ({"needed": 3}, "at most the 2 members, got 3"),
    ],
)
def test_what_makes_no_ensemble_is_refused(params: dict[str, Any], says: str) -> None:
    with pytest.raises(MalformedInput, match=says):
        make_detector("ensemble", params)
