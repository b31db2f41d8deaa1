"""What another correlator changes on the same alerts: counted by hand, and compared with a naive reading."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import page_fixture as pages
import pytest
from history import dataset
from hypothesis import given, settings
from hypothesis import strategies as st
from page_what_if import MARKUP
from test_page_definitions import unexplained
from test_responder import label
from told import alert, candidate, log, page_of

from titleshot.datasets.contracts.comparisons import Comparison
from titleshot.datasets.contracts.correlator_changes import CorrelatorChange
from titleshot.datasets.contracts.incidents import IncidentCandidate, Page
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.replay_log import ReplayLog
from titleshot.pipelines.compare_words import told_of_change
from titleshot.reports.comparison import compare_logs
from titleshot.reports.correlation.same_alerts import SameAlerts
from titleshot.reports.page import render_page

ALERTS = [alert(3000, "db"), alert(3001, "cart"), alert(3002, "web"), alert(4500, "db"), alert(4501, "web")]
Pairs = Sequence[Sequence[IncidentCandidate]]


def by(correlator: str, pairs: Pairs) -> Pairs:
    return [[one.model_copy(update={"correlator": correlator}) for one in pair] for pair in pairs]


def contender(
    folder: Path,
    of: Dataset,
    name: str,
    pairs: Pairs,
    sent: Sequence[Page] = (),
    alerts: Sequence[dict[str, Any]] = ALERTS,
    correlator: str | None = None,
    **about: Any,
) -> ReplayLog:
    return log(folder, of, alerts, by(correlator or f"of-{name}", pairs), sent, name, **about)


@pytest.fixture
def shop(tmp_path: Path) -> Dataset:
    return dataset(tmp_path, [label(2999, "db", "cart", "web"), label(4500, "db", "web")], days=4)


APART = [
    candidate("a", ALERTS[:1]),
    candidate("b", ALERTS[1:3]),
    candidate("c", ALERTS[3:4]),
    candidate("d", ALERTS[4:]),
]
TOGETHER = [candidate("ab", ALERTS[:3]), candidate("c", ALERTS[3:4]), candidate("d", ALERTS[4:])]


def compared(of: Dataset, champion: ReplayLog | None, challenger: ReplayLog) -> Comparison:
    return compare_logs(champion, challenger, of, resamples=100)


def changed(of: Dataset, champion: ReplayLog, challenger: ReplayLog) -> CorrelatorChange:
    change = compared(of, champion, challenger).correlator_change
    assert change is not None
    return change


def test_splits_merges_and_pages_that_can_be_counted_by_hand(tmp_path: Path, shop: Dataset) -> None:
    first = contender(
        tmp_path,
        shop,
        "first",
        APART,
        [page_of(APART[0], 3003), page_of(APART[1], 3004), page_of(APART[3], 4502)],
    )
    second = contender(tmp_path, shop, "second", TOGETHER, [page_of(TOGETHER[0], 3005)])
    change = changed(shop, first, second)
    assert (change.champion, change.challenger) == ("of-first", "of-second")
    assert (change.alerts, change.incidents, change.unchanged) == (5, (4, 3), 2)
    assert (change.pages, change.pages_saved) == ((3, 1), 2)
    # Of the first story both paged somebody; the page of the second was the only word of its incident.
    assert (change.pages_spared, change.pages_added) == (1, 0)
    assert [(one.outcome, one.hit, one.challenger_found_it) for one in change.worst_pages] == [
        ("detection", "INC-4500", False)
    ]
    assert change.split.value == 0.0
    assert (change.merged.value, change.merged.n) == (pytest.approx(1 / 3), 3)
    assert change.merged.low is not None
    merge = change.worst_merges[0]
    assert (merge.incident_id, merge.labelled, merge.alerts) == ("ab", ("INC-2999",), 3)
    assert [(piece.incident_id, piece.alerts) for piece in merge.pieces] == [("b", 2), ("a", 1)]
    assert change.same_paging is None


def test_swapped_a_merge_is_a_split_and_spared_is_added(tmp_path: Path, shop: Dataset) -> None:
    first = contender(tmp_path, shop, "first", APART, [page_of(APART[3], 4502)])
    second = contender(tmp_path, shop, "second", TOGETHER)
    there, back = changed(shop, first, second), changed(shop, second, first)
    assert there.pages_saved == -back.pages_saved == 1
    assert (there.pages_spared, there.pages_added) == (back.pages_added, back.pages_spared) == (1, 0)
    assert there.worst_merges == back.worst_splits
    assert there.merged.value == back.split.value


def test_an_alert_in_no_candidate_is_a_piece_of_its_own(tmp_path: Path, shop: Dataset) -> None:
    first = contender(tmp_path, shop, "first", TOGETHER)
    second = contender(tmp_path, shop, "second", [TOGETHER[1]])
    change = changed(shop, first, second)
    assert [piece.incident_id for piece in change.worst_splits[0].pieces] == [None, None, None]
    assert change.incidents == (3, 1)


def test_two_incidents_put_together_are_worse_than_one_put_together_often(
    tmp_path: Path, shop: Dataset
) -> None:
    lump = candidate("z-lump", [*ALERTS[2:3], *ALERTS[3:4]])
    first = contender(tmp_path, shop, "first", [candidate(f"{n}", [one]) for n, one in enumerate(ALERTS)])
    second = contender(tmp_path, shop, "second", [lump, candidate("many", ALERTS[:2])])
    worst = changed(shop, first, second).worst_merges
    assert [one.incident_id for one in worst] == ["z-lump", "many"]
    assert worst[0].labelled == ("INC-2999", "INC-4500")


@pytest.mark.parametrize(
    "other", ["an alert more", "another alert", "the same correlator", "no candidates", "opaque"]
)
def test_there_is_nothing_to_say_unless_only_the_correlator_differs(
    other: str, tmp_path: Path, shop: Dataset
) -> None:
    first = contender(tmp_path, shop, "first", TOGETHER)
    more: dict[str, Any] = {
        "an alert more": {"alerts": [*ALERTS, alert(5000, "db")]},
        "another alert": {"alerts": [*ALERTS[:-1], alert(4501, "cart")]},
        "the same correlator": {"correlator": "of-first"},
        "opaque": {"opaque": True},
    }.get(other, {})
    second = contender(tmp_path, shop, "second", [] if other == "no candidates" else APART, **more)
    assert compared(shop, first, second).correlator_change is None
    assert compared(shop, None, second).correlator_change is None
    assert told_of_change(None) == []


def test_another_paging_rule_is_said(tmp_path: Path, shop: Dataset) -> None:
    def recipe(severity: str) -> dict[str, Any]:
        return {"recipe": {"paging": {"minimum_severity": severity}, "correlator": {"family": "x"}}}

    first = contender(tmp_path, shop, "first", APART, **recipe("low"))
    same = contender(tmp_path, shop, "same", TOGETHER, **recipe("low"))
    other = contender(tmp_path, shop, "other", TOGETHER, **recipe("high"))
    assert changed(shop, first, same).same_paging is True
    assert changed(shop, first, other).same_paging is False
    assert any("paging rules differ" in line for line in told_of_change(changed(shop, first, other)))


cuts = st.lists(st.integers(0, 3), min_size=len(ALERTS), max_size=len(ALERTS))


def naive(ours: list[int], theirs: list[int]) -> set[int]:
    """Ours that are several of theirs, by looking at every pair of alerts."""
    several = set()
    for one in range(len(ours)):
        for other in range(one):
            if ours[one] == ours[other] and theirs[one] != theirs[other]:
                several.add(ours[one])
    return several


@given(cuts, cuts)
@settings(max_examples=25)
def test_regrouping_is_what_every_pair_of_alerts_says(one: list[int], other: list[int]) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        of = dataset(folder, [], days=4)
        logs = []
        for name, cut in (("first", one), ("second", other)):
            pairs = [
                candidate(f"{group}", [a for a, g in zip(ALERTS, cut, strict=True) if g == group])
                for group in sorted(set(cut))
            ]
            logs.append(contender(folder, of, name, pairs))
        same = SameAlerts.of(*logs)
        assert same is not None
        for ours, theirs, cut, uncut in ((0, 1, one, other), (1, 0, other, one)):
            found = {
                same.sides[ours].wholes[group].candidate.incident_id
                for group, alerts in same.sides[ours].alerts.items()
                if len(same.sides[theirs].pieces(alerts)) > 1
            }
            assert found == {f"{group}" for group in naive(cut, uncut)}


def test_the_page_shows_it_explained_and_never_as_markup(tmp_path: Path, shop: Dataset) -> None:
    first = contender(tmp_path, shop, "first", APART, [page_of(APART[3], 4502)])
    second = contender(tmp_path, shop, "second", TOGETHER)
    change = changed(shop, first, second)
    odd = change.model_copy(
        update={
            "challenger": MARKUP,
            "worst_pages": tuple(one.model_copy(update={"route": MARKUP}) for one in change.worst_pages),
            "worst_merges": tuple(
                one.model_copy(update={"services": (MARKUP,)}) for one in change.worst_merges
            ),
        }
    )
    made = pages.comparison(days=14, incidents=20)
    page = render_page(made.model_copy(update={"correlator_change": odd}), pages.verdict(made))
    assert unexplained(page) == []
    assert "What the other correlator changes" in page
    assert "1 page saved: 1 became 0" in page
    assert MARKUP not in page
    assert 'id="changed"' not in render_page(made, pages.verdict(made))
