"""What the past teaches: in full days, bounded, and forgotten."""

import json

from titleshot.datasets.contracts.incidents import IncidentCandidate
from titleshot.datasets.contracts.instants import DAY, HOUR, MINUTE, SECOND
from titleshot.detectors.correlators.correlator import Alert
from titleshot.detectors.correlators.evidence_history import (
    ANCHORS_A_DAY,
    AT_ONCE,
    OF_AN_ANCHOR,
    PAIRS_A_DAY,
    History,
    Past,
)
from titleshot.detectors.correlators.evidence_links import EvidenceLinks
from titleshot.detectors.correlators.evidence_params import EvidenceLinksParams
from titleshot.detectors.world import World


def past(day: float, anchor: str = "shop/a", metric: str = "m") -> Past:
    at = round(day * DAY)
    return Past(f"{anchor}@{day}", at, anchor, frozenset({(anchor, metric, "high")}))


def taught(*days: float) -> History:
    """Services a and b start to alert together at each of ``days``."""
    history = History(DAY, days=3, gap=20 * MINUTE)
    for day in days:
        history.learn(past(day))
        history.hear("shop/a", round(day * DAY))
        history.hear("shop/b", round(day * DAY) + MINUTE)
    return history


class TestTogether:
    def test_the_more_often_the_surer(self) -> None:
        once, often = (taught(*days).partners("shop/a", DAY) for days in ((0.1,), (0.1, 0.2, 0.3, 0.4)))
        assert 0.2 < once["shop/b"] < 1 / 4
        assert 0.4 < often["shop/b"] < 4 / 7

    def test_failing_without_the_other_speaks_against(self) -> None:
        history = taught(0.1, 0.2)
        before = taught(0.1, 0.2).partners("shop/b", DAY)["shop/a"]
        history.hear("shop/b", round(0.5 * DAY))
        history.hear("shop/a", round(0.7 * DAY))
        assert history.partners("shop/b", DAY)["shop/a"] < before

    def test_what_chance_would_bring_together_is_no_evidence(self) -> None:
        history = History(DAY, days=3, gap=20 * MINUTE)
        for half_hour in range(47):
            history.hear("shop/a", half_hour * 30 * MINUTE)
            if half_hour % 2:
                history.hear("shop/b", half_hour * 30 * MINUTE + MINUTE)
        assert history.partners("shop/a", DAY) == {}

    def test_an_alert_that_goes_on_is_one_onset(self) -> None:
        history = History(DAY, days=3, gap=20 * MINUTE)
        for minute in range(300):
            history.hear("shop/a", minute * MINUTE)
            history.hear("shop/b", minute * MINUTE)
        ((_, pairs, alone),) = history.state()["pairs"]
        assert pairs == [["shop/a", "shop/b", 1]]
        assert alone == [["shop/a", 1], ["shop/b", 1]]

    def test_a_day_teaches_from_the_next_one_on_until_it_is_too_old(self) -> None:
        known = [bool(taught(0.5).partners("shop/a", round(day * DAY))) for day in (0.9, 1, 3.9, 4)]
        assert known == [False, True, True, False]


class TestRecurrence:
    def test_the_same_alerts_on_the_same_anchor_recur_newest_first(self) -> None:
        history = taught(0.1, 1.2)
        prints = frozenset({("shop/a", "m", "high"), ("shop/b", "m", "high")})
        assert history.earlier("shop/a", prints, 2 * DAY) == ("shop/a@1.2", "shop/a@0.1")

    def test_other_alerts_or_another_anchor_do_not(self) -> None:
        history = taught(0.1)
        assert history.earlier("shop/a", frozenset({("shop/a", "other", "high")}), DAY) == ()
        assert history.earlier("shop/b", frozenset({("shop/a", "m", "high")}), DAY) == ()

    def test_what_is_too_old_is_forgotten(self) -> None:
        prints = past(0).prints
        assert taught(0.5).earlier("shop/a", prints, 3 * DAY) == ("shop/a@0.5",)
        assert taught(0.5).earlier("shop/a", prints, 4 * DAY) == ()


class TestBounds:
    def test_a_storm_fills_a_day_and_no_more(self) -> None:
        history = History(DAY, days=3, gap=20 * MINUTE)
        for number in range(PAIRS_A_DAY + 500):
            history.learn(past(0.5, anchor=f"shop/{number}"))
            history.hear(f"shop/{number}", number * SECOND)
        ((_, pairs, alone),) = history.state()["pairs"]
        ((_, kept),) = history.state()["past"]
        assert (len(pairs), len(alone), len(kept)) == (PAIRS_A_DAY, PAIRS_A_DAY, ANCHORS_A_DAY)
        assert len(history.state()["onsets"]) == AT_ONCE
        assert len(history.state()["heard"]) == 20 * 60 + 1

    def test_one_anchor_keeps_its_newest(self) -> None:
        history = taught(*(number / 100 for number in range(50)))
        ((_, kept),) = history.state()["past"]
        assert len(kept) == OF_AN_ANCHOR
        assert kept[-1][0] == "shop/a@0.49"

    def test_days_past_leave_the_state(self) -> None:
        history = taught(0.5, 1.5, 5.5)
        history.partners("shop/a", 6 * DAY)
        assert [day for day, *_ in history.state()["pairs"]] == [5]

    def test_state_through_json_answers_alike(self) -> None:
        first, second = taught(0.1, 0.2, 1.1), History(DAY, days=3, gap=20 * MINUTE)
        second.load(json.loads(json.dumps(first.state())))
        assert second.state() == first.state()
        assert second.partners("shop/b", 2 * DAY) == first.partners("shop/b", 2 * DAY) != {}


def alert(service: str, at: int) -> Alert:
    return Alert(f"{service}@{at}", at, f"shop/{service}", "m", 0.6, "high", "d")


def test_services_that_failed_together_are_tied_later_though_nothing_else_ties_them() -> None:
    correlator, world = EvidenceLinks(EvidenceLinksParams(link_from=0.3)), World()
    for day in range(7):
        for service in ("a", "b"):
            correlator.alert(alert(service, day * DAY + HOUR), 0, world)
    incidents = [change.candidate for change in correlator.flush(0, world)]
    assert len(incidents[0].services) == 1
    assert incidents[-1].services == ("shop/a", "shop/b")
    assert incidents[-1].links is not None
    assert incidents[-1].links[0].evidence["history"] > 0.25


def test_an_incident_that_recurs_names_its_earlier_ones_and_stays_another() -> None:
    correlator, world = EvidenceLinks(EvidenceLinksParams()), World()
    last: dict[str, IncidentCandidate] = {}
    for at in (HOUR, 5 * HOUR, DAY):
        for change in [*correlator.tick(at, at, world), *correlator.alert(alert("a", at), at, world)]:
            last[change.incident_id] = change.candidate
    first, second, third = last.values()
    assert first.recurs_of == ()
    assert second.recurs_of == (first.incident_id,)
    assert third.recurs_of == (second.incident_id, first.incident_id)
