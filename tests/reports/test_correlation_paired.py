"""Candidates and hypotheses of two contenders, paired."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from history import dataset
from history import log as page_log
from hypothesis import given, settings
from hypothesis import strategies as st
from told import alert, candidate, log, minute

from titleshot.datasets.contracts.comparisons import Comparison
from titleshot.datasets.contracts.incidents import IncidentCandidate
from titleshot.datasets.contracts.labels import IncidentLabel
from titleshot.datasets.contracts.record import Severity
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.replay_log import ReplayLog
from titleshot.registry.judge import judge
from titleshot.registry.policy import Policy
from titleshot.reports.comparison import compare_logs
from titleshot.reports.correlation.bcubed import BCUBED_F_BY_INCIDENT
from titleshot.reports.correlation.fragments import FRAGMENTS_PER_INCIDENT
from titleshot.reports.correlation.grouped import FEWEST_INCIDENTS, GROUPED
from titleshot.reports.correlation.paired import PAIRED
from titleshot.reports.correlation.partition import Partition

DAYS = 30
DAILY = 1440.0
_SEVERITIES: tuple[Severity, ...] = ("high", "low")


def incident(at: float, severity: Severity = "high") -> IncidentLabel:
    return IncidentLabel(
        incident_id=f"INC-{at:g}",
        start=minute(at),
        end=minute(at + 60),
        root_service="shop/db",
        affected_services=("shop/db", "shop/web"),
        severity=severity,
        kind="spike",
        source="exact",
        known_at=minute(at + 60),
    )


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """An incident a day for thirty days; the last three are of low severity."""
    labels = [incident(DAILY * k + 600, _SEVERITIES[k >= DAYS - 3]) for k in range(DAYS)]
    return dataset(tmp_path_factory.mktemp("paired"), labels, days=DAYS)


def contender(
    folder: Path,
    of: Dataset,
    name: str,
    right: Sequence[bool],
    pieces: int | Sequence[int] = 1,
    skip: int = 0,
) -> ReplayLog:
    """Names the root where it is right; cuts each incident's alerts into so many pieces."""
    cuts = [pieces] * len(right) if isinstance(pieces, int) else pieces
    alerts: list[dict[str, Any]] = []
    candidates: list[list[IncidentCandidate]] = []
    for k, says in enumerate(right):
        if k < skip:
            continue
        at = DAILY * k + 602
        own = [alert(at + i, ("db", "web")[i % 2], detector=name) for i in range(6)]
        alerts += own
        cause = [("db", 0.8), ("web", 0.1)] if says else [("web", 0.8), ("cart", 0.1)]
        candidates += [
            candidate(f"{name}-{k}-{piece}", own[piece :: cuts[k]], causes=cause) for piece in range(cuts[k])
        ]
    return log(folder, of, alerts, candidates, name=name)


def some_right(every: int) -> list[bool]:
    return [k % every == 0 for k in range(DAYS)]


def test_each_side_has_its_own_and_the_difference_has_an_interval(tmp_path: Path, history: Dataset) -> None:
    old = contender(tmp_path, history, "old", some_right(3), pieces=2)
    new = contender(tmp_path, history, "new", [True] * DAYS)
    found = compare_logs(old, new, history, resamples=400)
    assert found.champion.correlation is not None
    assert found.challenger.correlation is not None
    assert [pair.name for pair in found.correlation_pairs] == [score.name for score in PAIRED]
    first = found.pair("ac_at_1")
    assert (first.champion, first.challenger) == (10 / 30, 1.0)
    assert (first.champion, first.challenger) == (
        found.champion.correlation.score("ac_at_1").value,
        found.challenger.correlation.score("ac_at_1").value,
    )
    assert first.discordant == (20, 0)
    assert first.low is not None
    assert first.low > 0.3
    assert first.p_value is not None
    assert first.p_value < 0.01
    pieces = found.pair("fragments_per_incident")
    assert (pieces.champion, pieces.challenger, pieces.n) == (2.0, 1.0, DAYS)
    assert found.pair("bcubed_f").difference == pytest.approx(1 - found.pair("bcubed_f").champion)  # type: ignore[operator]
    for pair in found.correlation_pairs:
        assert pair.low is not None or pair.reason, pair.name


def test_swapping_the_two_turns_every_difference_round(tmp_path: Path, history: Dataset) -> None:
    old = contender(tmp_path, history, "old", some_right(3), pieces=2)
    new = contender(tmp_path, history, "new", some_right(2))
    there, back = (compare_logs(*pair, history, resamples=400) for pair in ((old, new), (new, old)))
    for one, other in zip(there.correlation_pairs, back.correlation_pairs, strict=True):
        if one.difference is None:
            assert other.difference is None
        else:
            assert other.difference == pytest.approx(-one.difference, abs=1e-12), one.name
        assert one.n == other.n, one.name
        assert one.p_value == pytest.approx(other.p_value, abs=0.01)


def test_a_contender_against_itself_differs_by_nothing_but_not_for_certain(
    tmp_path: Path, history: Dataset
) -> None:
    same = contender(tmp_path, history, "same", some_right(2), pieces=2)
    for pair in compare_logs(same, same, history, resamples=400).correlation_pairs:
        if pair.difference is not None and pair.low is not None and pair.high is not None:
            assert pair.difference == 0
            assert pair.low < 0 < pair.high, pair.name


def test_how_alerts_are_cut_is_compared_on_incidents_both_have_alerts_of(
    tmp_path: Path, history: Dataset
) -> None:
    old = contender(tmp_path, history, "old", [True] * DAYS, pieces=[3] * 10 + [1] * 20)
    new = contender(tmp_path, history, "new", [True] * DAYS, skip=10)
    found = compare_logs(old, new, history, resamples=400)
    pieces = found.pair("fragments_per_incident")
    assert (pieces.champion, pieces.challenger, pieces.n) == (1.0, 1.0, DAYS - 10)
    assert found.champion.correlation is not None
    assert found.champion.correlation.score("fragments_per_incident").value == pytest.approx(50 / 30)
    assert found.pair("bcubed_recall_by_incident").n == DAYS - 10
    # What is said of incidents is compared over all of them: silence is a miss.
    assert (found.pair("ac_at_1").n, found.pair("ac_at_1").challenger) == (DAYS, 20 / 30)


@pytest.mark.parametrize("side", ["never", "imported"])
def test_a_side_without_candidates_is_null_with_a_reason(side: str, tmp_path: Path, history: Dataset) -> None:
    champion = None if side == "never" else page_log(tmp_path, [], history, name="imported", opaque=True)
    new = contender(tmp_path, history, "new", [True] * DAYS)
    found = compare_logs(champion, new, history, resamples=400)
    assert [pair.name for pair in found.correlation_pairs] == [score.name for score in PAIRED]
    for pair in found.correlation_pairs:
        assert pair.difference is None
        assert pair.champion is None
        assert (pair.reason or "").startswith("champion: "), pair.name
    assert found.pair("ac_at_1").challenger == 1.0
    assert found.champion.correlation is not None
    assert found.champion.correlation.reason in (found.pair("ac_at_1").reason or "")


def test_groups_have_it_where_there_are_enough_incidents(tmp_path: Path, history: Dataset) -> None:
    old = contender(tmp_path, history, "old", some_right(3))
    new = contender(tmp_path, history, "new", [True] * DAYS)
    found = compare_logs(old, new, history, resamples=400)
    severities = {
        name: {pair.name: pair for pair in pairs} for name, pairs in found.by_group["severity"].items()
    }
    assert severities["high"]["ac_at_1"].n == DAYS - 3 >= FEWEST_INCIDENTS
    assert severities["high"]["ac_at_1"].champion == pytest.approx(9 / 27)
    assert {score.name for score in GROUPED} <= set(severities["high"])
    assert "incident_recall" in severities["low"]
    assert "ac_at_1" not in severities["low"]
    assert severities["high"]["fragments_per_incident"].n == DAYS - 3
    own = {score.name: score for score in found.champion.by_group["severity"]["high"]}
    assert (own["ac_at_1"].value, own["ac_at_1"].n) == (severities["high"]["ac_at_1"].champion, DAYS - 3)
    assert "ac_at_1" not in {score.name for score in found.champion.by_group["severity"]["low"]}


def test_a_policy_may_ask_for_it(tmp_path: Path, history: Dataset) -> None:
    old = contender(tmp_path, history, "old", some_right(3))
    new = contender(tmp_path, history, "new", [True] * DAYS)
    asked = {
        "name": "causes",
        "criteria": [
            {
                "score": "ac_at_1",
                "kind": "superiority",
                "group_guardrail": {"by": "severity", "margin": 0.1},
            },
            {"score": "bcubed_f", "kind": "non_inferiority", "margin": 0.05},
            {"score": "over_merge_ratio", "kind": "ceiling", "margin": 0.2},
        ],
    }
    policy = Policy.model_validate(asked)

    def outcomes(champion: ReplayLog | None, challenger: ReplayLog) -> dict[str, str]:
        comparison = compare_logs(
            champion,
            challenger,
            history,
            resamples=400,
            confidence=policy.confidence,
            decisive_confidence=policy.decisive_confidence,
        )
        verdict = judge(comparison, policy)
        return {f"{one.score} {one.kind}": one.outcome for one in verdict.criteria if one.group is None}

    assert outcomes(old, new)["ac_at_1 superiority"] == "pass"
    assert outcomes(new, old)["ac_at_1 superiority"] == "fail"
    imported = page_log(tmp_path, [], history, name="imported", opaque=True)
    assert outcomes(imported, new)["ac_at_1 superiority"] == "undecided"


def test_a_comparison_without_it_is_still_read(tmp_path: Path, history: Dataset) -> None:
    new = contender(tmp_path, history, "new", [True] * DAYS)
    found = compare_logs(new, new, history, resamples=400)
    assert Comparison.from_json(found.to_json()) == found
    older = found.model_dump(mode="json", exclude={"correlation_pairs"}) | {"schema_version": "1.0"}
    assert Comparison.model_validate(older).correlation_pairs == ()


@settings(max_examples=60)
@given(
    cells=st.lists(st.tuples(st.integers(-1, 4), st.integers(-1, 4)), min_size=1, max_size=30),
    asked=st.lists(st.booleans(), min_size=5, max_size=5),
)
def test_asked_about_some_incidents_a_mean_is_over_those_and_nothing_else_moves(
    cells: list[tuple[int, int]], asked: list[bool]
) -> None:
    truth, group = (np.array(column, np.int64) for column in zip(*cells, strict=True))
    # Each incident on a day of its own: the day's sums are then the incident's.
    days = np.arange(5)
    whole = Partition(truth, group, 5, 5, days, np.zeros(5, np.int64), 5)
    some = whole.only(np.array(asked))
    for score in (FRAGMENTS_PER_INCIDENT, BCUBED_F_BY_INCIDENT):
        columns = score.summands(whole).columns
        kept = score.summands(some).columns
        assert np.array_equal(kept[asked], columns[asked])
        assert not kept[~np.array(asked)].any()
    assert FRAGMENTS_PER_INCIDENT.n(some) == int((whole.seen & asked).sum())
