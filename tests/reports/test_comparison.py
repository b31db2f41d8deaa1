"""Champion against challenger: pairing, won and lost, and that worse never looks better."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from history import MINUTES, dataset, incident, log, page

from titleshot.datasets.contracts.comparisons import Comparison
from titleshot.datasets.contracts.incidents import Page
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import InvalidDataset
from titleshot.reports.comparison import compare_logs

INCIDENTS = [incident(k + 0.2, severity="high" if k % 2 else "low") for k in range(28)]
HITS = [page(k + 0.2 + 3 * MINUTES) for k in range(28)]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return dataset(tmp_path_factory.mktemp("history"), INCIDENTS)


def compared(
    folder: Path, of: Dataset, champion: Sequence[Page] | None, challenger: Sequence[Page], **given: object
) -> Comparison:
    return compare_logs(
        None if champion is None else log(folder, champion, of, "champion"),
        log(folder, challenger, of, "challenger"),
        of,
        **{"resamples": 300, **given},  # type: ignore[arg-type]
    )


def test_a_challenger_that_finds_more_wins_the_incidents_it_found(tmp_path: Path, history: Dataset) -> None:
    found = compared(tmp_path, history, HITS[:14], HITS)
    assert [pair.verdict for pair in found.incidents] == ["tied"] * 14 + ["won"] * 14
    assert found.incidents[-1].why == "only the challenger detected it, after 180 s"
    recall = found.pair("incident_recall")
    assert (recall.champion, recall.challenger, recall.difference) == (0.5, 1.0, 0.5)
    assert recall.discordant == (14, 0)
    assert recall.low is not None
    assert recall.low > 0.25
    assert recall.decisive_low is not None
    assert recall.decisive_low < recall.low
    assert recall.p_value is not None
    assert recall.p_value < 0.01


def test_swapping_the_two_turns_every_difference_round(tmp_path: Path, history: Dataset) -> None:
    a, b = HITS[:20], [*HITS[10:], page(4), page(5.5)]
    there = compared(tmp_path / "a", history, a, b)
    back = compared(tmp_path / "b", history, b, a)
    for one, other in zip(there.pairs, back.pairs, strict=True):
        if one.difference is not None and other.difference is not None:
            assert one.difference == pytest.approx(-other.difference)
        if one.low is not None and other.high is not None:
            assert one.low == pytest.approx(-other.high)
        assert one.p_value == pytest.approx(other.p_value)
    turned = {"won": "lost", "lost": "won", "tied": "tied"}
    assert [turned[pair.verdict] for pair in there.incidents] == [pair.verdict for pair in back.incidents]


def test_a_contender_against_itself_differs_by_nothing_but_not_for_certain(
    tmp_path: Path, history: Dataset
) -> None:
    same = compared(tmp_path, history, HITS, HITS)
    for name in ("incident_recall", "alarming_precision", "mean_time_to_detect_s", "false_pages_per_week"):
        pair = same.pair(name)
        assert pair.difference == 0
        assert pair.low is not None
        assert pair.high is not None
        assert pair.low < 0 < pair.high, name
        assert pair.p_value == 1.0
    recall = same.pair("incident_recall")
    assert recall.discordant == (0, 0)
    assert (recall.beside_low, recall.beside_high) == (0.0, 0.0)
    z2 = 1.959964**2
    assert recall.high == pytest.approx(z2 / (28 + z2), abs=1e-5)


def test_under_twenty_days_paired_proportions_keep_their_interval_and_others_have_none(
    tmp_path: Path,
) -> None:
    short = dataset(tmp_path, INCIDENTS[:10], days=10)
    found = compared(tmp_path, short, HITS[:4], HITS[:9])
    assert found.blocks == 10
    recall = found.pair("incident_recall")
    assert recall.low is not None
    assert recall.method == "Tango score interval"
    for name in ("alarming_precision", "mean_time_to_detect_s", "false_pages_per_week"):
        pair = found.pair(name)
        assert pair.difference is not None
        assert (pair.low, pair.high, pair.decisive_low) == (None, None, None)
        assert "10 day blocks" in (pair.reason or "")


def test_being_in_time_decides_between_two_that_detected(tmp_path: Path) -> None:
    of = dataset(tmp_path, [incident(1), incident(2), incident(3)], detect_within_s=600)
    champion = [page(1 + 20 * MINUTES), page(2 + 5 * MINUTES), page(3 + 5 * MINUTES)]
    challenger = [page(1 + 5 * MINUTES), page(2 + 20 * MINUTES), page(3 + 8 * MINUTES), page(3 + 9 * MINUTES)]
    found = compared(tmp_path, of, champion, challenger)
    assert [pair.verdict for pair in found.incidents] == ["won", "lost", "tied"]
    assert found.incidents[2].why == "both detected it, the challenger 180 s later with 1 more repeated page"


def test_carried_and_censored_incidents_are_in_neither_denominator(tmp_path: Path) -> None:
    of = dataset(tmp_path, [incident(1), incident(2), incident(29.9, hours=24), incident(3)], days=30)
    champion = [page(1 + MINUTES), page(2 + MINUTES), page(3 + MINUTES)]
    challenger = [page(1 + MINUTES), page(1.9, minutes=60 * 24 * 0.2), page(3 + MINUTES)]
    found = compared(tmp_path, of, champion, challenger)
    assert [pair.verdict for pair in found.incidents] == ["tied", "unscored", "tied", "unscored"]
    assert found.incidents_scored == found.pair("incident_recall").n == 2
    # One that only one of them had detected when the span ended is a difference.
    late = compared(tmp_path / "late", of, [*champion, page(29.95)], challenger)
    assert late.incidents[-1].verdict == "lost"
    assert late.incidents_scored == 3


def test_without_a_champion_the_challenger_is_compared_with_never(tmp_path: Path, history: Dataset) -> None:
    found = compared(tmp_path, history, None, HITS)
    assert found.champion.identity.contender == "never"
    assert found.pair("incident_recall").difference == 1.0
    precision = found.pair("alarming_precision")
    assert precision.difference is None
    assert precision.reason == "champion: no scored page"


def test_each_criterion_may_ask_for_its_own_confidence(tmp_path: Path, history: Dataset) -> None:
    found = compared(
        tmp_path, history, HITS[:14], HITS, confidence=0.9, confidences={"incident_recall": 0.975}
    )
    assert found.pair("incident_recall").confidence == 0.975
    assert found.challenger.score("incident_recall").confidence == 0.975
    assert found.pair("alarming_precision").confidence == 0.9


def test_groups_are_paired_too(tmp_path: Path, history: Dataset) -> None:
    found = compared(tmp_path, history, HITS[:14], HITS)
    by_severity = {name: pairs[0] for name, pairs in found.by_group["severity"].items()}
    assert {name: (pair.name, pair.n) for name, pair in by_severity.items()} == {
        "high": ("incident_recall", 14),
        "low": ("incident_recall", 14),
    }


def test_logs_of_different_data_are_refused(tmp_path: Path, history: Dataset) -> None:
    other = dataset(tmp_path, [], name="other", value=2.0)
    with pytest.raises(InvalidDataset, match="replayed from other"):
        compare_logs(log(tmp_path, [], history, "a"), log(tmp_path, [], other, "b"), history)


def test_a_difference_that_turns_with_early_times_is_told(tmp_path: Path) -> None:
    labels = [incident(k, source="human") for k in range(2, 28)]
    of = dataset(tmp_path, labels, days=30)
    eager = log(tmp_path, [page(k - 8 * MINUTES) for k in range(2, 28)], of, "eager")
    sober = log(tmp_path, [page(k + 2 * MINUTES) for k in range(2, 15)], of, "sober")
    found = compare_logs(sober, eager, of, resamples=200)
    assert (found.pair("incident_recall").difference or 0) > 0
    rows = {(one.of, one.factor): one for one in found.sensitivity}
    assert set(rows) == {("early_s", 0.5), ("early_s", 2.0)}
    halved = {pair.name: pair for pair in rows["early_s", 0.5].pairs}
    assert "incident_recall" in rows["early_s", 0.5].turned
    assert (halved["incident_recall"].difference or 0) < 0
    assert halved["incident_recall"].low is not None
    assert rows["early_s", 2.0].turned == ()
    assert found.under(rows["early_s", 0.5]).pair("incident_recall") == halved["incident_recall"]
    assert found.under(rows["early_s", 0.5]).pair("reset_time_s") == found.pair("reset_time_s")


def test_where_no_time_is_given_no_difference_can_turn(tmp_path: Path, history: Dataset) -> None:
    one = log(tmp_path, [page(1 + MINUTES)], history, "one")
    found = compare_logs(one, one, history, resamples=200)
    assert found.sensitivity == ()
    assert found.sensitivity_reason


def test_repeats_are_spread_over_the_incidents_both_detected(tmp_path: Path) -> None:
    of = dataset(tmp_path, [incident(1), incident(3), incident(5)])
    first = log(tmp_path, [page(1), page(1 + MINUTES), page(3)], of, "first")
    second = log(tmp_path, [page(1), page(3), page(5), page(5 + MINUTES)], of, "second")
    assert compare_logs(first, second, of, resamples=200).duplicates_spread == ((0, 1, 2), (1, 1, 0))


def test_a_comparison_reads_back_as_written(tmp_path: Path, history: Dataset) -> None:
    found = compared(tmp_path, history, HITS[:14], HITS)
    assert Comparison.from_json(found.to_json()) == found
    assert found._repr_html_().startswith("<table>")


WORSE = {
    "a false page": lambda pages: [*pages, page(28.5)],
    "a repeated page": lambda pages: [*pages, page(INCIDENTS_START + 30 * MINUTES)],
    "a miss": lambda pages: pages[1:],
    "a later page": lambda pages: [page(INCIDENTS_START + 40 * MINUTES), *pages[1:]],
}
INCIDENTS_START = 0.2


@pytest.mark.parametrize("how", WORSE)
def test_what_makes_a_challenger_worse_never_makes_a_score_better(
    how: str, tmp_path: Path, history: Dataset
) -> None:
    before = compared(tmp_path / "a", history, HITS[:20], HITS)
    after = compared(tmp_path / "b", history, HITS[:20], WORSE[how](HITS))
    better = {"up": 1, "down": -1}
    gated = (
        "incident_recall",
        "detected_in_time_ratio",
        "mean_time_to_detect_s",
        "false_pages_per_week",
        "duplicates_per_week",
    )
    changed = 0
    for name in gated:
        one, other = before.pair(name), after.pair(name)
        assert one.better is not None
        assert one.difference is not None
        assert other.difference is not None
        step = (other.difference - one.difference) * better[one.better]
        assert step <= 1e-12, name
        changed += step < -1e-12
    assert changed


def test_the_order_in_which_pages_lie_in_a_log_changes_nothing(tmp_path: Path, history: Dataset) -> None:
    pages = [*HITS[:10], page(4), page(5.5)]
    straight = compared(tmp_path / "a", history, HITS[:5], pages)
    assert compared(tmp_path / "b", history, HITS[:5], pages[::-1]) == straight
