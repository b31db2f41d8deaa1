"""A decision whose success nobody computes is refused before anything is registered or compared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from titleshot.datasets.contracts.decision import Decision
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import MalformedInput
from titleshot.datasets.replay_log import ReplayLog
from titleshot.detectors.contender import Contender
from titleshot.pipelines.compare import compare
from titleshot.registry.home import Home
from titleshot.registry.known_scores import KNOWN
from titleshot.registry.registration import register
from titleshot.registry.success_score import check_success_score


def named(decision: Decision, score: str) -> Decision:
    return decision.model_copy(update={"success_score": score})


def test_every_score_there_is_may_be_named(decision: Decision) -> None:
    for score in KNOWN:
        check_success_score(named(decision, score))


def test_another_is_refused_with_the_nearest(
    decision: Decision, contender: Callable[..., Contender], tmp_path: Path
) -> None:
    with pytest.raises(
        MalformedInput, match="no score is called 'incident_recal'; did you mean 'incident_rec"
    ):
        register(contender(), named(decision, "incident_recal"), home=Home(tmp_path / "home"), actor="ann")
    assert not (tmp_path / "home").exists()


def test_compare_refuses_it_too_and_counts_no_look(
    decision: Decision, small_platform: Dataset, small_log: ReplayLog, tmp_path: Path
) -> None:
    with pytest.raises(MalformedInput, match="success_score: no score is called 'success'"):
        compare(
            None,
            small_log,
            labels=small_platform,
            home=tmp_path / "home",
            decision=named(decision, "success"),
        )
    assert not (tmp_path / "home").exists()
