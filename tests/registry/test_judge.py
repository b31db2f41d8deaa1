"""The judge: one criterion at a time, then the order of the rules, then what must never happen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from one_criterion import FALSE_PAGES, PRECISION, RECALL, SHIFT, policy_of, ran

from titleshot.datasets.contracts.comparisons import Comparison, PairedScore
from titleshot.datasets.contracts.validation import ValidationReport
from titleshot.datasets.contracts.verdicts import Verdict
from titleshot.registry.judge import judge
from titleshot.registry.policy import Criterion, GroupGuardrail, Looks, Minimum, Policy, load_policy
from titleshot.registry.rehearsal import CASES, Case, rehearsed

FAILED = ValidationReport(
    passed=False, dataset_digest="0" * 64, labels_digest="0" * 64, rules=(), validated_at=0
)


def with_pair(comparison: Comparison, name: str, **values: object) -> Comparison:
    pairs = tuple(
        PairedScore.model_validate({**pair.model_dump(), **values}) if pair.name == name else pair
        for pair in comparison.pairs
    )
    return comparison.model_copy(update={"pairs": pairs})


def one(criterion: Criterion, low: float | None, high: float | None, **more: object) -> Verdict:
    """The verdict of a policy of one criterion on an interval."""
    policy = policy_of(criterion)
    middle = None if low is None or high is None else (low + high) / 2
    values = {"difference": middle, "low": low, "high": high, "decisive_low": None, "decisive_high": None}
    plain = rehearsed(policy, Case("plain", {}))
    return judge(with_pair(plain, criterion.score, **{**values, **more}), policy)


@pytest.mark.parametrize(
    ("criterion", "low", "high", "outcome"),
    [
        (PRECISION, 0.01, 0.10, "pass"),
        (PRECISION, -0.01, 0.10, "undecided"),
        (PRECISION, 0.0, 0.10, "undecided"),
        (PRECISION, 0.0, 0.0, "undecided"),
        (PRECISION, -0.10, -0.01, "fail"),
        (Criterion(score="alarming_precision", kind="superiority", margin=0.05), 0.01, 0.04, "fail"),
        (Criterion(score="alarming_precision", kind="superiority", margin=0.05), 0.06, 0.09, "pass"),
        (RECALL, -0.04, 0.10, "pass"),
        (RECALL, -0.06, 0.10, "undecided"),
        (RECALL, -0.05, 0.10, "undecided"),
        (RECALL, -0.20, -0.06, "fail"),
        (RECALL, 0.0, 0.0, "pass"),
        # Down is better: a rise is the loss.
        (FALSE_PAGES, -3.0, 0.9, "pass"),
        (FALSE_PAGES, -3.0, 1.1, "undecided"),
        (FALSE_PAGES, 1.1, 5.0, "fail"),
    ],
)
def test_an_interval_passes_fails_or_straddles_the_margin(
    criterion: Criterion, low: float, high: float, outcome: str
) -> None:
    verdict = one(criterion, low, high)
    assert verdict.criteria[0].outcome == outcome
    assert (
        verdict.answer == {"pass": "promote", "fail": "reject", "undecided": "not_enough_evidence"}[outcome]
    )


@pytest.mark.parametrize(
    ("low", "high", "better", "outcome"),
    [
        (1.0, 1.9, "down", "pass"),
        (1.0, 2.1, "down", "undecided"),
        (2.1, 3.0, "down", "fail"),
        (2.1, 3.0, "up", "pass"),  # a ceiling on what should be high is a floor
        (1.0, 1.9, "up", "fail"),
    ],
)
def test_a_ceiling_is_on_the_challengers_own_value(
    low: float, high: float, better: str, outcome: str
) -> None:
    policy = policy_of(SHIFT)
    plain = rehearsed(policy, Case("plain", {}))
    update = {"value": (low + high) / 2, "low": low, "high": high, "better": better}
    scores = tuple(
        score.model_copy(update=update) if score.name == "pages_per_shift" else score
        for score in plain.challenger.scores
    )
    changed = plain.model_copy(update={"challenger": plain.challenger.model_copy(update={"scores": scores})})
    assert judge(changed, policy).criteria[0].outcome == outcome


def test_a_margin_ratio_grows_with_the_champions_value() -> None:
    margin = one(FALSE_PAGES, -1.0, 4.0, champion=50.0).criteria[0].margin
    assert 4.5 < margin < 5.0  # a tenth of what the champion has at least
    assert one(FALSE_PAGES, -1.0, 4.0, champion=50.0).answer == "promote"
    assert one(FALSE_PAGES, -1.0, 4.0, champion=5.0).answer == "not_enough_evidence"
    # What is wholly beyond the least margin, and not beyond the largest, has neither passed nor failed.
    assert one(FALSE_PAGES, 5.01, 6.0, champion=50.0).criteria[0].outcome == "undecided"
    assert one(FALSE_PAGES, 6.0, 7.0, champion=50.0).criteria[0].outcome == "fail"


def test_nothing_passes_on_undefined() -> None:
    verdict = one(RECALL, None, None, reason="under 20 days, no interval")
    assert verdict.answer == "not_enough_evidence"
    assert verdict.missing == ("incident recall: under 20 days, no interval",)


def test_what_is_missing_is_said_in_numbers() -> None:
    verdict = one(RECALL, -0.06, 0.06)
    # It reaches 0.06 and may reach 0.05; at 80 % power that takes (0.06 / 0.05 x 1.51) squared as many.
    assert verdict.missing[0].startswith(
        "incident recall: about 550 incidents more (790 in all) would let it pass four times in five"
    )


def test_days_are_waited_for_at_seven_a_week_at_most() -> None:
    """A replay of minutes is one day scored; four more weeks of days take four weeks."""
    policy = policy_of(RECALL, minimum=Minimum(incidents=1, blocks=28))
    minutes = rehearsed(policy, Case("minutes", {})).model_copy(update={"blocks": 1, "weeks": 0.001})
    assert "27 days more, about 4 weeks at this rate" in judge(minutes, policy).missing


def test_more_than_the_policy_will_wait_for_is_called_futile() -> None:
    policy = policy_of(RECALL, maximum_incidents=500)
    plain = rehearsed(policy, Case("plain", {}))
    verdict = judge(with_pair(plain, "incident_recall", difference=0.0, low=-0.06, high=0.06), policy)
    assert (
        "incident recall: futile, it would take 790 in all and the policy stops at 500 incidents"
        in verdict.missing
    )


class TestOrder:
    """invalid > decisive failure of a critical one > minimum evidence > failure > undecided > promote."""

    def comparison(self, policy: Policy, *, incidents: int = 240) -> Comparison:
        return rehearsed(policy, Case("plain", {"alarming_precision": 0.2}, incidents=incidents))

    def test_invalid_comes_before_everything(self) -> None:
        policy = policy_of(RECALL, minimum=Minimum(incidents=1000))
        values = {"difference": -0.5, "low": -0.6, "high": -0.4, "decisive_low": -0.6, "decisive_high": -0.4}
        lost = with_pair(self.comparison(policy), "incident_recall", **values)
        assert judge(lost, policy).answer == "reject"
        assert judge(lost, policy, validation=FAILED).answer == "invalid"

    def test_a_decisive_failure_of_what_is_critical_needs_no_minimum(self) -> None:
        policy = policy_of(RECALL, minimum=Minimum(incidents=1000))
        lost = {"difference": -0.3, "low": -0.4, "high": -0.2, "decisive_low": -0.45, "decisive_high": -0.1}
        assert judge(with_pair(self.comparison(policy), "incident_recall", **lost), policy).answer == "reject"

    def test_any_other_failure_waits_for_the_minimum(self) -> None:
        lost = {"difference": -0.3, "low": -0.4, "high": -0.2, "decisive_low": -0.7, "decisive_high": 0.1}
        for criterion, values in (
            (RECALL, lost),
            (RECALL.model_copy(update={"critical": False}), {**lost, "decisive_high": -0.1}),
        ):
            few = policy_of(criterion, minimum=Minimum(incidents=1000))
            changed = with_pair(self.comparison(few), "incident_recall", **values)
            assert judge(changed, few).answer == "not_enough_evidence"
            assert judge(changed, policy_of(criterion)).answer == "reject"

    def test_a_failure_comes_before_an_undecided(self) -> None:
        policy = policy_of(RECALL, PRECISION)
        mixed = with_pair(self.comparison(policy), "incident_recall", difference=0.0, low=-0.1, high=0.1)
        assert judge(mixed, policy).answer == "not_enough_evidence"
        worse = with_pair(mixed, "alarming_precision", difference=-0.1, low=-0.2, high=-0.05)
        assert judge(worse, policy).answer == "reject"

    def test_all_passed_is_a_promotion_only_with_the_minimum_met(self) -> None:
        policy = policy_of(PRECISION, minimum=Minimum(incidents=50, blocks=28))
        assert judge(self.comparison(policy), policy).answer == "promote"
        few = judge(self.comparison(policy, incidents=40), policy)
        assert few.answer == "not_enough_evidence"
        assert few.missing == (
            "10 incidents more, about 1 week at this rate",
            "8 days more, about 1 week at this rate",
        )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"low": 0.5, "high": 0.1}, "its interval ends before it starts"),
        ({"difference": float("nan")}, "not finite"),
        ({"confidence": 0.5}, "needs a 90 % interval and the comparison has one of 50 %"),
        ({"better": None}, "give it a direction"),
    ],
)
def test_a_malformed_score_is_invalid_and_says_why(change: dict[str, object], words: str) -> None:
    policy = policy_of(RECALL)
    verdict = judge(with_pair(rehearsed(policy, CASES[0]), "incident_recall", **change), policy)
    assert verdict.answer == "invalid"
    assert words in verdict.reasons[0]


def test_other_data_under_the_two_is_invalid() -> None:
    policy = policy_of(RECALL)
    made = rehearsed(policy, CASES[0])
    identity = made.champion.identity.model_copy(update={"dataset_digest": "1" * 64})
    other = made.model_copy(update={"champion": made.champion.model_copy(update={"identity": identity})})
    verdict = judge(other, policy)
    assert verdict.answer == "invalid"
    assert "different data (dataset_digest)" in verdict.reasons[0]


def test_a_score_nobody_computed_is_invalid_and_the_nearest_is_named() -> None:
    policy = policy_of(Criterion(score="incident_recal", kind="superiority"))
    verdict = judge(rehearsed(policy, CASES[0]), policy)
    assert verdict.answer == "invalid"
    assert "did you mean 'incident_recall'?" in verdict.reasons[0]


@pytest.mark.parametrize("margin", [1.0, 5.0])
def test_five_points_written_as_five_promote_nobody(margin: float) -> None:
    found = one(Criterion(score="incident_recall", kind="non_inferiority", margin=margin), -0.01, 0.01)
    assert found.answer == "invalid"
    assert any("5 points are 0.05" in reason for reason in found.reasons)


def test_a_group_that_is_shown_to_lose_stops_a_promotion_and_a_small_one_is_named() -> None:
    rail = GroupGuardrail(by="severity", margin=0.15, minimum_n=20)
    policy = policy_of(RECALL.model_copy(update={"group_guardrail": rail}))
    made = rehearsed(policy, CASES[0])
    pair = made.pair("incident_recall")

    def judged(**group: object) -> Verdict:
        high = pair.model_copy(update={"n": 40, **group})
        few = pair.model_copy(update={"n": 3, "low": -0.9, "high": -0.8})
        grouped = made.model_copy(update={"by_group": {"severity": {"high": (high,), "low": (few,)}}})
        return judge(grouped, policy)

    assert judged(low=-0.3, high=0.1).answer == "promote"
    lost = judged(low=-0.5, high=-0.2)
    assert lost.answer == "reject"
    assert "failed on incident recall (severity high)" in lost.reasons[0]
    assert "Too few to guard on their own: severity low." in lost.reasons


def test_looks_beyond_the_planned_ones_promote_nothing() -> None:
    policy = policy_of(PRECISION, looks=Looks(rule="alpha_spending", planned=3))
    made = rehearsed(policy, CASES[0])
    assert made.pair("alarming_precision").confidence == pytest.approx(1 - 0.1 / 3)
    assert judge(made, policy, looks=2).answer == "promote"
    spent = judge(made, policy, looks=3)
    assert spent.answer == "not_enough_evidence"
    assert "judged 3 times before, the policy plans 3 looks" in spent.reasons[0]


def test_evidence_from_the_shadow_is_asked_for_where_the_policy_does() -> None:
    policy = policy_of(PRECISION, minimum=Minimum(shadow_hours=168, judged_share=0.5))
    made = rehearsed(policy, CASES[0])
    unmeasured = judge(made, policy)
    assert unmeasured.answer == "not_enough_evidence"
    assert "shadow hours not measured, the policy asks for 168" in unmeasured.reasons[0]
    assert judge(made, policy, measured=ran(hours=200), judged_share=0.6).answer == "promote"


def test_old_labels_are_not_enough() -> None:
    policy = policy_of(PRECISION, data={"maximum_label_age_days": 7})
    made = rehearsed(policy, CASES[0])
    assert judge(made, policy, judged_at=5 * 86_400 * 10**9).answer == "promote"
    assert judge(made, policy, judged_at=9 * 86_400 * 10**9).answer == "not_enough_evidence"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_default_policy_answers_known_cases_rightly(case: Case) -> None:
    policy = load_policy()
    verdict = judge(rehearsed(policy, case), policy)
    assert verdict.answer == case.must or (case.must is None and verdict.answer != "promote")


SHIFTS = st.fixed_dictionaries(
    {},
    optional={
        "incident_recall": st.floats(-0.2, 0.2),
        "alarming_precision": st.floats(-0.3, 0.3),
        "mean_time_to_detect_s": st.floats(-200, 200),
        "false_pages_per_week": st.floats(-6, 6),
        "duplicates_per_week": st.floats(-4, 4),
        "pages_per_shift": st.floats(-1, 1),
        "naming_precision": st.floats(-0.3, 0.3),
    },
)


@given(shift=SHIFTS, incidents=st.integers(50, 5000))
def test_swapping_champion_and_challenger_never_promotes_both_ways(
    shift: dict[str, float], incidents: int
) -> None:
    policy = load_policy()
    answers = [
        judge(rehearsed(policy, Case("any", shift, incidents, swapped=swapped)), policy).answer
        for swapped in (False, True)
    ]
    assert answers.count("promote") <= 1


def test_under_twenty_days_what_is_missing_is_days_and_is_said_once() -> None:
    policy = load_policy().model_copy(update={"minimum": Minimum()})
    comparison = rehearsed(policy, CASES[0])
    short = [
        pair.model_copy(update={"low": None, "high": None, "reason": "12 day blocks"})
        for pair in comparison.pairs
    ]
    verdict = judge(comparison.model_copy(update={"pairs": tuple(short), "blocks": 12}), policy, judged_at=0)
    assert verdict.answer == "not_enough_evidence"
    assert verdict.missing.count("8 days more: an interval over days needs 20") == 1
