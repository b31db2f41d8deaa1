"""What the judge asks for beside its criteria: each can stop a promotion, and none is passed in silence."""

from __future__ import annotations

import pytest
from one_criterion import FALSE_PAGES, PRECISION, RECALL, policy_of, ran

from titleshot.datasets.contracts.comparisons import Comparison
from titleshot.datasets.contracts.feedback import (
    Agreement,
    Answers,
    Bracket,
    Coverage,
    FeedbackReport,
    Usefulness,
)
from titleshot.datasets.contracts.scores import CorrelationScores
from titleshot.datasets.contracts.validation import RuleResult, ValidationReport
from titleshot.datasets.contracts.verdicts import Verdict
from titleshot.registry.judge import in_short, judge, what_decided
from titleshot.registry.policy import Criterion, Looks, Minimum, Policy, load_policy
from titleshot.registry.rehearsal import CASES, Case, rehearsed

BETTER = CASES[0]


def judged(policy: Policy, **more: object) -> Verdict:
    return judge(rehearsed(policy, BETTER), policy, **more)  # type: ignore[arg-type]


class TestBudgets:
    """What a contender may cost: kept, exceeded, or not measured and then unmet."""

    policy = policy_of(PRECISION, budgets={"p99_latency_ms": 50, "memory_mb": 512})

    def test_kept_ones_let_it_pass(self) -> None:
        verdict = judged(self.policy, measured=ran(p99_latency_ms=50, memory_mb=500))
        assert verdict.answer == "promote"
        assert [budget.outcome for budget in verdict.budgets] == ["kept", "kept"]
        assert "all 3 criteria passed" in verdict.reasons[0]

    def test_an_exceeded_one_rejects_and_is_told(self) -> None:
        verdict = judged(self.policy, measured=ran(p99_latency_ms=50.1, memory_mb=500))
        assert verdict.answer == "reject"
        assert "failed on the budget of p99_latency_ms" in verdict.reasons[0]
        assert "p99 latency is 50.1 ms; may be at most 50 ms: exceeded" in verdict.reasons
        assert what_decided(verdict) == ["p99_latency_ms"]

    @pytest.mark.parametrize("measured", [None, ran(p99_latency_ms=1)])
    def test_one_that_was_not_measured_is_unmet_and_the_way_out_is_told(self, measured: object) -> None:
        verdict = judged(self.policy, measured=measured)
        assert verdict.answer == "not_enough_evidence"
        assert any("memory was not measured, the budget is 512 MB" in unmet for unmet in verdict.unmet)
        assert any(line.startswith("memory: run titleshot shadow") for line in verdict.missing)
        assert {budget.budget: budget.outcome for budget in verdict.budgets}["memory_mb"] == "not_measured"

    def test_what_ran_in_the_shadow_must_be_the_challenger(self) -> None:
        comparison = rehearsed(self.policy, BETTER)
        card = comparison.challenger
        identity = card.identity.model_copy(update={"artifact_digest": "1" * 64})
        other = comparison.model_copy(update={"challenger": card.model_copy(update={"identity": identity})})
        measured = ran(p99_latency_ms=1, memory_mb=1, artifact_digest="2" * 64)
        verdict = judge(other, self.policy, measured=measured)
        assert verdict.answer == "invalid"
        assert "is not the challenger" in verdict.faults[0]

    def test_pages_per_shift_are_read_from_the_scorecard_with_their_interval(self) -> None:
        for limit, answer in ((3.0, "promote"), (0.5, "reject"), (0.9, "not_enough_evidence")):
            policy = policy_of(PRECISION, budgets={"pages_per_shift": limit})
            assert judged(policy).answer == answer, limit


class TestData:
    """Suites, baseline and sealed span: other data than the policy asks for is no evidence at all."""

    def report(self, *, passed: bool, suite: str = "labels") -> ValidationReport:
        rule = RuleResult(rule="label_partly_outside", table=suite, severity="warning", passed=passed)
        return ValidationReport(
            passed=True, dataset_digest="", labels_digest="", rules=(rule,), validated_at=0
        )

    def test_a_suite_must_have_been_run_and_have_passed_whole(self) -> None:
        policy = policy_of(PRECISION, data={"suites": ["labels"]})
        assert judged(policy, validation=self.report(passed=True)).answer == "promote"
        failed = judged(policy, validation=self.report(passed=False))
        assert failed.answer == "invalid"
        assert "label_partly_outside did not pass" in failed.faults[0]
        absent = judged(policy, validation=self.report(passed=True, suite="label_faults"))
        assert absent.faults == (
            "the policy asks for the suite labels, which was not run; did you mean 'label_faults'?",
        )
        assert judged(policy).answer == "invalid"

    @pytest.mark.parametrize("kind", ["champion", "page_history", "never"])
    def test_another_baseline_than_the_policys_is_invalid(self, kind: str) -> None:
        for asked in ("live", "champion", "page_history", "never"):
            policy = policy_of(PRECISION, baseline=asked)
            made = rehearsed(policy, BETTER)
            digest = "1" * 64 if kind == "page_history" else None
            who = made.champion.identity.model_copy(update={"contender": kind, "pages_digest": digest})
            champion = made.champion.model_copy(update={"identity": who})
            answer = judge(made.model_copy(update={"champion": champion}), policy).answer
            assert answer == ("promote" if asked in {"live", kind} else "invalid"), asked

    def test_another_span_than_the_sealed_one_is_invalid_and_it_is_looked_at_once(self) -> None:
        span = {"span_from": "2026-01-01T00:00:00Z", "span_to": "2026-03-01T00:00:00Z"}
        policy = policy_of(PRECISION, data={"sealed_span": span})
        made = rehearsed(policy, BETTER)
        settings = {
            "span_from": policy.data.sealed_span.span_from,  # type: ignore[union-attr]
            "span_to": policy.data.sealed_span.span_to,  # type: ignore[union-attr]
        }
        assert judge(made, policy).answer == "promote"
        assert judge(made, policy, looks=1).answer == "not_enough_evidence"
        cards = {
            side: getattr(made, side).model_copy(
                update={
                    "settings": getattr(made, side).settings.model_copy(
                        update={**settings, "span_to": settings["span_to"] + 1}
                    )
                }
            )
            for side in ("champion", "challenger")
        }
        assert judge(made.model_copy(update=cards), policy).answer == "invalid"


class TestNarrowGroups:
    """Less evidence for groups with few incidents, at an error that is stated."""

    policy = load_policy().model_copy(
        update={
            "narrow": policy_of(
                PRECISION,
                confidence=0.9,
                narrow={
                    "groups": ["checkout"],
                    "minimum": {"incidents": 30, "blocks": 15},
                    "confidence": 0.6,
                },
            ).narrow
        }
    )
    few = Case("few", {**BETTER.shift, "incident_recall": 0.1, "alarming_precision": 0.4}, incidents=34)

    def test_what_is_too_little_for_everyone_may_do_for_a_narrow_group(self) -> None:
        made = rehearsed(policy_of(PRECISION, confidence=0.6), self.few)
        made = made.model_copy(update={"pairs": rehearsed(self.policy, self.few).pairs})
        assert judge(made, self.policy).answer == "invalid"  # its own values are at a lower confidence
        made = rehearsed(self.policy, self.few)
        assert judge(made, self.policy).unmet != ()
        verdict = judge(made, self.policy, group="checkout")
        assert verdict.unmet == ()
        assert verdict.group == "checkout"
        assert "passes 20 % of the time instead of 5 %" in (verdict.narrow or "")
        assert any("narrow groups was used for checkout" in reason for reason in verdict.reasons)
        assert judge(made, self.policy, group="search").narrow is None

    def test_it_reads_intervals_at_its_own_confidence(self) -> None:
        narrower = policy_of(PRECISION, confidence=0.6)
        made = rehearsed(narrower, BETTER)
        one = self.policy.model_copy(update={"criteria": (PRECISION,), "looks": Looks()})
        assert judge(made, one).answer == "invalid"
        assert judge(made, one, group="checkout").answer == "promote"

    def test_a_policy_for_one_group_is_not_for_another(self) -> None:
        policy = policy_of(PRECISION, scope="checkout")
        assert judged(policy, group="checkout").answer == judged(policy).answer == "promote"
        other = judged(policy, group="search")
        assert other.answer == "invalid"
        assert "the policy is for the group checkout" in other.faults[0]


class TestScoresThatDataMayLack:
    """A known score that is not there is undecided; a name that nobody knows is invalid."""

    @pytest.mark.parametrize("kind", ["superiority", "ceiling"])
    def test_usefulness_where_nobody_gave_feedback(self, kind: str) -> None:
        verdict = judged(
            policy_of(Criterion.model_validate({"score": "usefulness", "kind": kind, "margin": 0.1}))
        )
        assert verdict.answer == "not_enough_evidence"
        assert verdict.criteria[0].outcome == "undecided"
        assert verdict.missing == ("usefulness: answers on pages; titleshot feedback queue says which first",)

    def test_a_correlation_score_where_the_challenger_has_no_candidates(self) -> None:
        policy = policy_of(Criterion(score="bcubed_f", kind="ceiling", margin=0.5))
        made = rehearsed(policy, BETTER)
        assert "compare again" in judge(made, policy).missing[0]
        none = CorrelationScores(reason="the contender has no correlator (correlator: null)")
        card = made.challenger.model_copy(update={"correlation": none})
        verdict = judge(made.model_copy(update={"challenger": card}), policy)
        assert verdict.answer == "not_enough_evidence"
        assert "the contender has no correlator" in verdict.criteria[0].reason
        assert "a challenger with a correlator" in verdict.missing[0]

    def test_a_name_that_nobody_knows(self) -> None:
        verdict = judged(policy_of(Criterion(score="usefullness", kind="superiority")))
        assert verdict.answer == "invalid"
        assert "did you mean 'usefulness'?" in verdict.faults[0]


def feedback(
    pages: int, judged_pages: int, useful: tuple[float, float], *, day_width: float
) -> FeedbackReport:
    """Of each side so many pages judged, a share of them useful, days adding a width to each end."""
    share = judged_pages / pages
    ends = [(rate * share, rate * share + 1 - share) for rate in useful]

    def side(at: int) -> Usefulness:
        return Usefulness(
            judged=Coverage(pages=pages, own=judged_pages, carried=0),
            tied=0,
            value=useful[at],
            reason="an example",
            bracket=Bracket(low=ends[at][0], high=ends[at][1], confidence=0.9),
        )

    low, high = ends[1][0] - ends[0][1], ends[1][1] - ends[0][0]
    return FeedbackReport(
        labels_as_of=0,
        seed=0,
        resamples=200,
        blocks=60,
        champion=side(0),
        challenger=side(1),
        difference=Bracket(
            low=low, high=high, low_limit=low - day_width, high_limit=high + day_width, confidence=0.9
        ),
        conflicts=0,
        answers=Answers(answers=0, pages=0, unknown_pages=0, agreement=Agreement(pages=0, answers=0)),
    )


def with_usefulness(policy: Policy, report: FeedbackReport) -> Comparison:
    made = rehearsed(policy, BETTER)
    values = (report.champion.value or 0.0, report.challenger.value or 0.0)
    pair = made.pairs[0].model_copy(
        update={
            "name": "usefulness",
            "n_of": "judged pages",
            "n": report.challenger.judged.own,
            "champion": values[0],
            "challenger": values[1],
            "difference": values[1] - values[0],
            "low": report.difference.low_limit,
            "high": report.difference.high_limit,
        }
    )
    return made.model_copy(update={"pairs": (*made.pairs, pair), "feedback": report})


@pytest.mark.parametrize("useful", [(0.3, 0.8), (0.8, 0.3)])
def test_as_many_answers_as_are_said_to_be_missing_decide_usefulness(useful: tuple[float, float]) -> None:
    """The number is right if what is judged later is like what was: then those answers decide it."""
    policy = policy_of(Criterion(score="usefulness", kind="superiority"))
    before = feedback(200, 60, useful, day_width=0.05)
    verdict = judge(with_usefulness(policy, before), policy)
    assert verdict.answer == "not_enough_evidence"
    words = verdict.missing[0].split("about ")[1]
    more = int(words.split()[0])
    after = feedback(200, 60 + -(-more // 2), useful, day_width=0.05)
    less = feedback(200, 60 + more // 2 - 4, useful, day_width=0.05)
    assert judge(with_usefulness(policy, after), policy).answer in {"promote", "reject"}
    assert judge(with_usefulness(policy, less), policy).answer == "not_enough_evidence"


def test_answers_that_would_never_decide_it_are_not_asked_for() -> None:
    policy = policy_of(Criterion(score="usefulness", kind="superiority"))
    alike = feedback(200, 60, (0.50, 0.52), day_width=0.05)
    verdict = judge(with_usefulness(policy, alike), policy)
    assert "more days of pages are needed" in verdict.missing[0]


def test_the_judged_share_that_is_missing_is_told_in_pages() -> None:
    policy = policy_of(PRECISION, minimum=Minimum(judged_share=0.5))
    made = rehearsed(policy, BETTER).model_copy(
        update={"feedback": feedback(200, 60, (0.5, 0.5), day_width=0)}
    )
    verdict = judge(made, policy)
    assert verdict.answer == "not_enough_evidence"
    assert "answers on 40 pages more of the challenger's 200" in verdict.missing[0]
    enough = made.model_copy(update={"feedback": feedback(200, 100, (0.5, 0.5), day_width=0)})
    assert judge(enough, policy).answer == "promote"


def test_discordant_pairs_are_asked_of_superiority_on_proportions() -> None:
    superior = Criterion(score="incident_recall", kind="superiority")
    for criterion, answer in ((superior, "not_enough_evidence"), (RECALL, "promote")):
        policy = policy_of(criterion, minimum=Minimum(discordant_pairs=20))
        made = rehearsed(policy, Case("better", {"incident_recall": 0.2}))
        pairs = tuple(
            pair.model_copy(update={"discordant": (9, 3)}) if pair.name == "incident_recall" else pair
            for pair in made.pairs
        )
        verdict = judge(made.model_copy(update={"pairs": pairs}), policy)
        assert verdict.answer == answer
    made = made.model_copy(update={"pairs": pairs})
    missing = judge(made, policy_of(superior, minimum=Minimum(discordant_pairs=20))).missing
    assert missing[0].startswith("8 more incidents that only one detects, about 11 weeks at this rate")


def test_shadow_hours_and_coverage_that_are_missing_are_told_in_numbers() -> None:
    policy = policy_of(PRECISION, minimum=Minimum(shadow_hours=168, shadow_coverage=0.95))
    verdict = judged(policy, measured=ran(hours=100, shadow_coverage=0.5))
    assert verdict.answer == "not_enough_evidence"
    assert "68 shadow hours more" in verdict.missing
    assert any("without gaps and lag" in line for line in verdict.missing)


def test_futility_counts_weeks_as_incidents_that_come_in_them() -> None:
    made = rehearsed(policy_of(FALSE_PAGES), Case("plain", {"false_pages_per_week": 0.9}))
    most = policy_of(FALSE_PAGES, maximum_incidents=1000)
    verdict = judge(made, most)
    assert "on-call weeks more" in verdict.missing[0] or "weeks more" in verdict.missing[0]
    assert any("futile, it would take" in line for line in verdict.missing)
    assert not any("futile" in line for line in judge(made, policy_of(FALSE_PAGES)).missing)


def test_the_next_step_of_the_rollout_is_told_with_a_promotion_only() -> None:
    steps = [{"step": "shadow", "days": 7}, {"step": "everyone"}]
    policy = policy_of(PRECISION, rollout=steps)
    assert "Next step of the rollout: shadow for 168 h." in in_short(judged(policy))
    worse = judge(rehearsed(policy, CASES[4]), policy)
    assert worse.next_step is None
