"""Scores of how alerts are cut into candidates: what they condemn, and that they equal their definitions."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations, pairwise
from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score, v_measure_score

from titleshot.datasets.contracts.instants import SECOND
from titleshot.reports.correlation import baselines
from titleshot.reports.correlation.adjusted_rand import ARI
from titleshot.reports.correlation.bcubed import (
    BCUBED_F,
    BCUBED_F_BY_INCIDENT,
    BCUBED_F_WITHOUT_NOISE,
    BCUBED_PRECISION,
    BCUBED_PRECISION_BY_INCIDENT,
    BCUBED_RECALL,
    BCUBED_RECALL_BY_INCIDENT,
)
from titleshot.reports.correlation.confidence import (
    BRIER,
    CALIBRATION_ERROR,
    Claims,
    abstention_curve,
    reliability,
)
from titleshot.reports.correlation.contamination import CONTAMINATION_RATIO
from titleshot.reports.correlation.context import (
    ANY_HIT_PRECISION,
    ANY_HIT_RECALL,
    COMPRESSION_RATIO,
    PAIRWISE_F1,
    V_MEASURE,
)
from titleshot.reports.correlation.definition import CorrelationScore, estimate
from titleshot.reports.correlation.fragments import FRAGMENTED_RATIO, FRAGMENTS_PER_INCIDENT
from titleshot.reports.correlation.incident_f1 import INCIDENT_F1_IOU50
from titleshot.reports.correlation.merges import LARGEST_MERGE, OVER_MERGE_RATIO
from titleshot.reports.correlation.partition import Partition
from titleshot.reports.correlation.registered import CORRELATION_SCORES, CUTS
from titleshot.reports.scores.registered import SCORES
from titleshot.reports.statistics import Resampling

DECISIVE = tuple(score for score in CUTS if score.better is not None)


def cut(truth: list[int], group: list[int], incidents: int | None = None, complete: bool = True) -> Partition:
    number = max(truth, default=-1) + 1 if incidents is None else incidents
    groups = max(group, default=-1) + 1
    return Partition(
        np.array(truth, np.int64),
        np.array(group, np.int64),
        number,
        groups,
        np.zeros(number, np.int64),
        np.zeros(groups, np.int64),
        1,
        complete,
    )


def a_day() -> Partition:
    """Eight incidents of three to ten alerts among as much noise again."""
    truth = [incident for incident in range(8) for _ in range(3 + incident)]
    return cut([*truth, *[-1] * len(truth)], [*truth, *[-1] * len(truth)])


def worse(score: CorrelationScore[Partition], other: Partition, by: float = 0.0) -> bool:
    """Whether ``other`` is worse than the truth, by so much; undefined passes nothing."""
    best, found = score.value(baselines.truth(other)), score.value(other)
    return isnan(found) or (best - found if score.better == "up" else found - best) > by


def worthless() -> dict[str, Partition]:
    day = a_day()
    times = np.arange(len(day.truth), dtype=np.int64) * 60 * SECOND
    windows = baselines.in_windows(times, np.arange(4, dtype=np.int64) * 1500 * SECOND)
    return {
        "singletons": baselines.singletons(day, np.zeros(len(day.truth), np.int64)),
        "one_giant": baselines.one_giant(day),
        "shuffled": baselines.shuffled(day, 7, 0),
        "random_windows": day.cut_into(windows, 4, np.zeros(4, np.int64)),
    }


@pytest.mark.parametrize("name", ["singletons", "one_giant", "shuffled", "random_windows"])
def test_what_knows_nothing_is_condemned(name: str) -> None:
    found = worthless()[name]
    condemned = {score.name for score in DECISIVE if worse(score, found, by=0.3)}
    # The two that say it all, and the one that is adjusted for chance.
    assert {"bcubed_f", "bcubed_f_by_incident", "incident_f1_iou50", "ari"} <= condemned


@pytest.mark.parametrize("name", ["singletons", "one_giant", "shuffled", "random_windows"])
def test_no_decisive_score_prefers_what_knows_nothing_to_the_truth(name: str) -> None:
    found = worthless()[name]
    for score in DECISIVE:
        best, value = score.value(baselines.truth(found)), score.value(found)
        assert not isnan(best)
        assert isnan(value) or (value <= best if score.better == "up" else value >= best), score.name


def test_one_giant_candidate_has_an_any_hit_precision_of_one_and_decides_nothing() -> None:
    giant = worthless()["one_giant"]
    assert ANY_HIT_PRECISION.value(giant) == 1.0
    assert COMPRESSION_RATIO.value(giant) > 0.98
    assert FRAGMENTS_PER_INCIDENT.value(giant) == 1.0
    assert OVER_MERGE_RATIO.value(giant) == 1.0
    assert LARGEST_MERGE.value(giant) == 8
    assert {ANY_HIT_PRECISION.better, COMPRESSION_RATIO.better} == {None}


def test_shuffled_small_groups_have_a_high_v_measure_and_an_ari_of_none() -> None:
    random = np.random.default_rng(3)
    truth = random.integers(60, size=200)
    found = cut(truth.tolist(), random.permutation(truth).tolist())
    assert V_MEASURE.value(found) > 0.55
    assert abs(ARI.value(found)) < 0.05
    assert V_MEASURE.better is None


def test_fragments_and_merges_stand_against_each_other() -> None:
    split = cut([0, 0, 0, 1, 1], [0, 0, 1, 2, 2])
    assert FRAGMENTS_PER_INCIDENT.value(split) == 1.5
    assert FRAGMENTED_RATIO.value(split) == 0.5
    assert (OVER_MERGE_RATIO.value(split), LARGEST_MERGE.value(split)) == (0.0, 1.0)
    mixed = cut([0, 0, 1, 1, 2], [0, 0, 0, 0, 1])
    assert FRAGMENTS_PER_INCIDENT.value(mixed) == 1.0
    assert OVER_MERGE_RATIO.value(mixed) == pytest.approx(2 / 3)
    assert LARGEST_MERGE.value(mixed) == 2


def test_one_candidate_that_swallows_the_day_is_not_hidden_by_many_small_ones() -> None:
    swallowed = [0] * 18 + [1, 2]
    found = cut(list(range(20)), swallowed)
    assert OVER_MERGE_RATIO.value(found) == 0.9


def test_an_alert_left_alone_is_a_fragment_of_its_own() -> None:
    assert FRAGMENTS_PER_INCIDENT.value(cut([0, 0, 0], [0, -1, -1])) == 3.0


def test_noise_beside_an_incident_costs_precision_and_contaminates() -> None:
    clean, dirty = cut([0, 0, -1, -1], [0, 0, 1, 1]), cut([0, 0, -1, -1], [0, 0, 0, 0])
    assert BCUBED_PRECISION.value(clean) == 1.0
    assert BCUBED_PRECISION.value(dirty) == pytest.approx(1 / 3)
    assert (CONTAMINATION_RATIO.value(clean), CONTAMINATION_RATIO.value(dirty)) == (0.0, 0.5)


def test_an_incident_without_alerts_is_the_detectors_miss() -> None:
    found = cut([0, 0], [0, 0], incidents=2)
    assert BCUBED_F_BY_INCIDENT.value(found) == 1.0
    assert ANY_HIT_RECALL.value(found) == 0.5
    assert INCIDENT_F1_IOU50.value(found) == pytest.approx(2 / 3)  # the truth of these alerts, no better


def test_an_overlap_of_exactly_half_is_matched_one_to_one() -> None:
    # Two candidates each hold half of the one incident: one of them is it.
    found = cut([0, 0], [0, 1])
    assert INCIDENT_F1_IOU50.value(found) == pytest.approx(2 / 3)


@pytest.mark.parametrize("score", CUTS, ids=lambda score: score.name)
def test_nothing_to_score_is_undefined_and_says_why(score: CorrelationScore[Partition]) -> None:
    told = estimate(score, cut([], [], incidents=0), Resampling(1, 100, 7), 0.95)
    assert told.value is None
    assert told.reason
    assert told.reason == score.undefined(cut([], [], incidents=0))


def test_singletons_have_no_precision_rather_than_a_perfect_one() -> None:
    found = worthless()["singletons"]
    told = estimate(BCUBED_PRECISION, found, Resampling(1, 100, 7), 0.95)
    assert told.value is None
    assert "alone" in (told.reason or "")
    assert (BCUBED_RECALL.value(found), BCUBED_F.value(found)) == (0.0, 0.0)


def test_without_complete_labels_a_candidate_of_noise_may_be_right() -> None:
    found = cut([0, 0, -1], [0, 0, 1], complete=False)
    told = estimate(INCIDENT_F1_IOU50, found, Resampling(1, 100, 7), 0.95)
    assert told.value is None
    assert "complete" in (told.reason or "")


def test_days_give_an_interval_and_too_few_days_a_reason() -> None:
    random = np.random.default_rng(5)
    days, each = 40, 6
    truth = np.repeat(np.arange(days), each)
    group = np.where(random.random(len(truth)) < 0.7, truth, -1)
    blocks = np.arange(days)
    found = Partition(truth, group, days, days, blocks, blocks, days)
    told = estimate(BCUBED_F, found, Resampling(days, 500, 7), 0.95)
    assert told.low is not None
    assert told.high is not None
    assert told.value is not None
    assert told.low < told.value < told.high
    few = estimate(BCUBED_F, cut([0, 0], [0, 0]), Resampling(1, 500, 7), 0.95)
    assert few.low is None
    assert "20" in (few.reason or "")


def test_every_score_has_words_for_its_reader_and_a_name_of_its_own() -> None:
    names = [score.name for score in (*CORRELATION_SCORES, *SCORES)]
    assert len(names) == len(set(names))
    for score in CORRELATION_SCORES:
        words = (score.question, score.formula, score.range, score.misleads, score.source, score.n_of)
        assert all(words), score.name
        assert score.question.endswith("?"), score.name


CUT = st.integers(0, 40).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(-1, 5), min_size=n, max_size=n),
        st.lists(st.integers(-1, 5), min_size=n, max_size=n),
    )
)


def by_definition(
    truth: list[int], group: list[int]
) -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
    """(incident, precision) and (incident, recall) of each alert that has one, alert by alert."""
    precisions, recalls = [], []
    for i, incident in enumerate(truth):
        if incident < 0:
            continue
        others = [j for j in range(len(truth)) if j != i]
        beside = [j for j in others if group[j] == group[i] and group[i] >= 0]
        own = [j for j in others if truth[j] == incident]
        if beside:
            precisions.append((incident, sum(truth[j] == incident for j in beside) / len(beside)))
        if own:
            recalls.append((incident, sum(j in beside for j in own) / len(own)))
    return precisions, recalls


def mean(of: list[float]) -> float:
    return sum(of) / len(of) if of else nan


def mean_of_means(of: list[tuple[int, float]]) -> float:
    apart = defaultdict(list)
    for incident, value in of:
        apart[incident].append(value)
    return mean([mean(values) for values in apart.values()])


def harmonic(precision: float, recall: float) -> float:
    if 0 in (precision, recall):
        return 0.0
    return 2 * precision * recall / (precision + recall)


@given(CUT)
@settings(max_examples=150, deadline=None)
def test_bcubed_is_its_definition_alert_by_alert(given_cut: tuple[list[int], list[int]]) -> None:
    found = cut(*given_cut, incidents=6)
    precisions, recalls = by_definition(*given_cut)
    precision, recall = mean([v for _, v in precisions]), mean([v for _, v in recalls])
    by_incident = mean_of_means(precisions), mean_of_means(recalls)
    rows = [i for i, incident in enumerate(given_cut[0]) if incident >= 0]
    apart = by_definition([given_cut[0][i] for i in rows], [given_cut[1][i] for i in rows])
    without_noise = harmonic(*(mean([v for _, v in values]) for values in apart))
    for score, expected in (
        (BCUBED_PRECISION, precision),
        (BCUBED_RECALL, recall),
        (BCUBED_F, harmonic(precision, recall)),
        (BCUBED_PRECISION_BY_INCIDENT, by_incident[0]),
        (BCUBED_RECALL_BY_INCIDENT, by_incident[1]),
        (BCUBED_F_BY_INCIDENT, harmonic(*by_incident)),
        (BCUBED_F_WITHOUT_NOISE, without_noise),
    ):
        assert score.value(found) == pytest.approx(expected, nan_ok=True), score.name


def _labelled(truth: list[int], group: list[int]) -> tuple[list[int], list[int]]:
    """Alerts of incidents with every one left alone under a label of its own."""
    rows = [i for i, incident in enumerate(truth) if incident >= 0]
    return [truth[i] for i in rows], [group[i] if group[i] >= 0 else 100 + i for i in rows]


@given(CUT)
@settings(max_examples=150, deadline=None)
def test_ari_and_v_measure_are_those_of_scikit_learn(given_cut: tuple[list[int], list[int]]) -> None:
    found, (truth, group) = cut(*given_cut, incidents=6), _labelled(*given_cut)
    for score, expected in ((ARI, adjusted_rand_score), (V_MEASURE, v_measure_score)):
        value = score.value(found)
        if isnan(value):  # scikit-learn calls it 1 where nothing can be told apart
            assert not truth or len(set(truth)) == len(truth) or len(set(truth)) == 1
        else:
            assert value == pytest.approx(expected(truth, group), abs=1e-9)


@given(CUT)
@settings(max_examples=150, deadline=None)
def test_pairs_fragments_and_merges_are_their_definitions(given_cut: tuple[list[int], list[int]]) -> None:
    found, (truth, group) = cut(*given_cut, incidents=6), _labelled(*given_cut)
    pairs = list(combinations(range(len(truth)), 2))
    together = sum(truth[i] == truth[j] and group[i] == group[j] for i, j in pairs)
    claimed = sum(truth[i] == truth[j] for i, j in pairs) + sum(group[i] == group[j] for i, j in pairs)
    expected = 2 * together / claimed if claimed else nan
    assert PAIRWISE_F1.value(found) == pytest.approx(expected, nan_ok=True)
    held, parts = defaultdict(set), defaultdict(set)
    for incident, candidate in zip(truth, group, strict=True):
        held[candidate].add(incident)
        parts[incident].add(candidate)
    mixed = {incident for incidents in held.values() if len(incidents) > 1 for incident in incidents}
    sizes = [float(len(candidates)) for candidates in parts.values()]
    assert FRAGMENTS_PER_INCIDENT.value(found) == pytest.approx(mean(sizes), nan_ok=True)
    merged = len(mixed) / len(parts) if parts else nan
    assert OVER_MERGE_RATIO.value(found) == pytest.approx(merged, nan_ok=True)
    largest = float(max((len(incidents) for incidents in held.values()), default=0)) or nan
    assert LARGEST_MERGE.value(found) == pytest.approx(largest, nan_ok=True)


@given(CUT)
@settings(max_examples=150, deadline=None)
def test_contamination_is_its_definition_candidate_by_candidate(
    given_cut: tuple[list[int], list[int]],
) -> None:
    foreign = whole = 0
    for candidate in range(6):
        held = [t for t, g in zip(*given_cut, strict=True) if g == candidate]
        own = max((held.count(incident) for incident in range(6)), default=0)
        if own:
            foreign, whole = foreign + len(held) - own, whole + len(held)
    expected = foreign / whole if whole else nan
    assert CONTAMINATION_RATIO.value(cut(*given_cut, incidents=6)) == pytest.approx(expected, nan_ok=True)


CLAIM = st.tuples(st.sampled_from([0.0, 0.05, 0.1, 0.55, 0.7, 0.95, 1.0]), st.booleans(), st.booleans())


@given(st.lists(CLAIM, max_size=30))
@settings(max_examples=150, deadline=None)
def test_confidence_scores_are_their_definitions_claim_by_claim(
    claimed: list[tuple[float, bool, bool]],
) -> None:
    confidence, right, held_out = ([one[k] for one in claimed] for k in range(3))
    days = np.zeros(len(claimed), np.int64)
    claims = Claims(np.array(confidence, float), np.array(right, bool), np.array(held_out, bool), days, 1)
    brier = mean([(c - r) ** 2 for c, r in zip(confidence, right, strict=True)])
    assert BRIER.value(claims) == pytest.approx(brier, nan_ok=True)
    tenths = defaultdict(list)
    for c, r, held in claimed:
        if held:
            tenths[min(int(c * 10), 9)].append((c, r))
    n = sum(map(len, tenths.values()))
    gaps = [abs(mean([c for c, _ in of]) - mean([r for _, r in of])) * len(of) / n for of in tenths.values()]
    assert CALIBRATION_ERROR.value(claims) == pytest.approx(sum(gaps) if n else nan, nan_ok=True)
    assert reliability(claims) == tuple(
        (pytest.approx(mean([c for c, _ in of])), pytest.approx(mean([r for _, r in of])), len(of))
        for _, of in sorted(tenths.items())
    )
    curve = []
    for level in sorted(set(confidence), reverse=True):
        made = [r for c, r in zip(confidence, right, strict=True) if c >= level]
        curve.append((level, pytest.approx(len(made) / len(claimed)), pytest.approx(mean(made))))
    assert list(abstention_curve(claims)) == curve


@given(CUT)
@settings(max_examples=150, deadline=None)
def test_incident_f1_finds_as_many_pairs_as_an_optimal_assignment(
    given_cut: tuple[list[int], list[int]],
) -> None:
    truth, group = given_cut
    found = cut(truth, group, incidents=6)
    close = np.zeros((6, max(found.groups, 1)))
    for incident in range(6):
        ours = {i for i, of in enumerate(truth) if of == incident}
        for candidate in range(found.groups):
            theirs = {i for i, of in enumerate(group) if of == candidate}
            close[incident, candidate] = len(ours | theirs) > 0 and 2 * len(ours & theirs) >= len(
                ours | theirs
            )
    rows, columns = linear_sum_assignment(-close)
    said = len({of for of in group if of >= 0})
    assert INCIDENT_F1_IOU50.value(found) == pytest.approx(2 * close[rows, columns].sum() / (6 + said))


@given(CUT, st.integers(0, 5))
@settings(max_examples=100, deadline=None)
def test_the_truth_is_the_best_there_is(given_cut: tuple[list[int], list[int]], seed: int) -> None:
    found = cut(*given_cut, incidents=6)
    for other in (found, baselines.shuffled(found, seed, 0), baselines.one_giant(found)):
        for score in DECISIVE:
            best, value = score.value(baselines.truth(other)), score.value(other)
            if not isnan(best) and not isnan(value):
                assert value <= best + 1e-12 if score.better == "up" else value >= best - 1e-12, score.name


@given(
    st.lists(st.integers(0, 3000), max_size=20),
    st.integers(0, 1000),
    st.integers(301, 2000),
)
@settings(max_examples=100, deadline=None)
def test_the_share_of_windows_with_an_alert_is_that_of_sliding_one(
    times: list[int], start: int, length: int
) -> None:
    at = np.array(times, np.int64) * SECOND
    found = baselines.share_with_alert(at, start * SECOND, (start + length) * SECOND)
    places = [start + k / 2 + 0.25 for k in range(2 * (length - 300))]
    slid = sum(any(s <= t < s + 300 for t in times) for s in places) / len(places)
    assert found == pytest.approx(slid)


def test_alerts_in_overlapping_windows_belong_to_the_first() -> None:
    starts = np.array([0, 100, 1000], np.int64) * SECOND
    times = np.array([0, 150, 350, 400, 999, 1299, 1300], np.int64) * SECOND
    assert baselines.in_windows(times, starts).tolist() == [0, 0, 1, -1, -1, 2, -1]
    assert all(a <= b for a, b in pairwise(starts.tolist()))
