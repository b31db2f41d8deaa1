"""What answers on some pages say of others, and the brackets that are left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from history import MINUTES, at, dataset, incident, log, page

from titleshot.datasets.contracts.incidents import Page
from titleshot.datasets.contracts.instants import DAY
from titleshot.datasets.contracts.labels import FeedbackLabel, FeedbackVerdict
from titleshot.registry.judge import judge
from titleshot.registry.policy import Policy
from titleshot.reports import identity
from titleshot.reports.comparison import compare_logs
from titleshot.reports.feedback.answers import agreement, judgements
from titleshot.reports.feedback.definitions import USEFULNESS
from titleshot.reports.feedback.panel import Panel
from titleshot.reports.feedback.report import feedback_report
from titleshot.reports.rendering.glossary import meaning
from titleshot.reports.rendering.labelling import labelling
from titleshot.reports.scorecard import score_log
from titleshot.reports.terms import Terms

INCIDENTS = [incident(k + 0.2, hours=4) for k in range(28)]


@pytest.fixture(scope="module")
def terms(tmp_path_factory: pytest.TempPathFactory) -> Terms:
    of = dataset(tmp_path_factory.mktemp("feedback"), INCIDENTS, detect_within_s=1800)
    return Terms.of(of, [], resamples=300)


def said(
    page: Page, verdict: FeedbackVerdict, reviewer: str = "ann", cause: str | None = None, day: float = 29
) -> FeedbackLabel:
    return FeedbackLabel(
        feedback_id=f"{page.page_id}:{reviewer}",
        page_id=page.page_id,
        verdict=verdict,
        actual_service=cause,
        reviewer=reviewer,
        labelled_at=at(day),
    )


def panel(
    terms: Terms,
    champion: Sequence[Page],
    challenger: Sequence[Page],
    feedback: Sequence[FeedbackLabel],
    others: Sequence[Page] = (),
) -> Panel:
    known = replace(terms, labels=replace(terms.labels, feedback=list(feedback), pages=list(others)))
    who = identity.of_never(known.dataset, known.labels)
    return Panel.of(known, known.paging(list(champion), who), known.paging(list(challenger), who))


def verdicts(of: Panel) -> Mapping[str, tuple[str, str | None]]:
    report = feedback_report(of)
    return {
        one.page_id: (one.standing, one.verdict) for one in (*report.champion_pages, *report.challenger_pages)
    }


def test_a_verdict_goes_to_pages_that_hit_the_same_incident_on_any_route(terms: Terms) -> None:
    ours, theirs = page(3.21), page(3.22, route="second line")
    elsewhere = page(4.21)
    found = verdicts(panel(terms, [ours], [theirs, elsewhere], [said(ours, "useful", cause="shop/db")]))
    assert found[ours.page_id] == ("own", "useful")
    assert found[theirs.page_id] == ("carried", "useful")
    assert found[elsewhere.page_id] == ("unjudged", None)
    report = feedback_report(panel(terms, [ours], [theirs], [said(ours, "useful", cause="shop/db")]))
    assert report.challenger_pages[0].carried_from == ours.page_id
    assert report.challenger_pages[0].cause == "shop/db"


@pytest.mark.parametrize(
    ("theirs", "same"),
    [
        (page(3.71, minutes=30), True),
        (page(3.71, "db", "web", minutes=30), True),
        (page(3.71, "web", minutes=30), False),
        (page(3.71, route="second line", minutes=30), False),
        (page(3.75, minutes=30), False),
    ],
    ids=["overlaps", "shares a service", "another service", "another route", "another time"],
)
def test_without_an_incident_overlap_route_and_service_make_a_story(
    terms: Terms, theirs: Page, same: bool
) -> None:
    ours = page(3.7, minutes=30)
    found = verdicts(panel(terms, [ours], [theirs], [said(ours, "dangerous")]))
    assert found[theirs.page_id] == (("carried", "dangerous") if same else ("unjudged", None))


def test_a_page_that_hits_an_incident_is_of_no_story_without_one(terms: Terms) -> None:
    before, within = page(3.19, minutes=10), page(3.21).model_copy(update={"opened_at": at(3.18)})
    found = verdicts(panel(terms, [within], [before], [said(within, "noisy")]))
    assert found[before.page_id] == ("unjudged", None)


def test_late_and_duplicated_are_computed_from_the_page_s_own_timing(terms: Terms) -> None:
    judged = page(3.2 + 50 * MINUTES)
    on_time, again = page(3.2 + 10 * MINUTES), page(3.2 + 20 * MINUTES)
    other, too_late = page(5.2 + 5 * MINUTES), page(5.2 + 40 * MINUTES)
    feedback = [said(judged, "late"), said(other, "useful")]
    found = verdicts(panel(terms, [judged, other], [on_time, again, too_late], feedback))
    assert found[judged.page_id] == ("own", "late")
    assert found[on_time.page_id] == ("carried", "useful")
    assert found[again.page_id] == ("carried", "duplicated")
    assert found[too_late.page_id] == ("carried", "late")


@pytest.mark.parametrize(
    ("judged_min", "verdict", "theirs_min", "expected"),
    [(5, "late", 10, "late"), (50, "useful", 40, "useful"), (50, "duplicated", 40, "late")],
)
def test_what_people_call_late_comes_before_the_decision_s_seconds(
    terms: Terms, judged_min: int, verdict: FeedbackVerdict, theirs_min: int, expected: str
) -> None:
    judged, theirs = page(3.2 + judged_min * MINUTES), page(3.2 + theirs_min * MINUTES, route="second line")
    found = verdicts(panel(terms, [judged], [theirs], [said(judged, verdict)]))
    assert found[theirs.page_id] == ("carried", expected)


def test_without_an_incident_the_judged_page_says_when_the_story_began(terms: Terms) -> None:
    judged = page(3.7, minutes=90)
    soon, late = page(3.7 + 20 * MINUTES, minutes=5), page(3.7 + 40 * MINUTES, minutes=5)
    assert verdicts(panel(terms, [judged], [soon], [said(judged, "useful")]))[soon.page_id][1] == "useful"
    assert verdicts(panel(terms, [judged], [late], [said(judged, "useful")]))[late.page_id][1] == "late"


def test_a_duplicate_says_nothing_of_a_story_that_was_perhaps_nothing(terms: Terms) -> None:
    noise, near = page(3.7, minutes=30), page(3.71, minutes=30)
    assert verdicts(panel(terms, [noise], [near], [said(noise, "duplicated")]))[near.page_id][0] == "unjudged"
    hit, also = page(3.21), page(3.22)
    assert verdicts(panel(terms, [hit], [also], [said(hit, "duplicated")]))[also.page_id] == (
        "carried",
        "useful",
    )


def test_of_several_judged_pages_the_nearest_in_time_is_carried_and_the_conflict_counted(
    terms: Terms,
) -> None:
    first, last = page(3.21), page(3.3)
    theirs = page(3.29)
    of = panel(terms, [first, last], [theirs], [said(first, "useful"), said(last, "noisy")])
    assert verdicts(of)[theirs.page_id] == ("carried", "noisy")
    assert feedback_report(of).conflicts == 1


def test_what_was_carried_is_not_carried_on(terms: Terms) -> None:
    chain = [page(3.7 + k * 25 * MINUTES, minutes=30) for k in range(3)]
    found = verdicts(panel(terms, chain[:1], chain[1:], [said(chain[0], "noisy")]))
    assert [found[one.page_id][0] for one in chain] == ["own", "carried", "unjudged"]


def test_what_a_deserving_story_makes_of_a_page_is_read_from_its_timing(terms: Terms) -> None:
    on_time, again = page(3.2 + 10 * MINUTES), page(3.2 + 20 * MINUTES)
    too_late, nowhere = page(5.2 + 40 * MINUTES), page(7.7)
    of = panel(terms, [], [on_time, again, too_late, nowhere], []).stories
    said_of = {told.page.page_id: of.if_deserved(row) for row, told in enumerate(of.rows)}
    assert [said_of[one.page_id] for one in (on_time, again, too_late, nowhere)] == [
        "useful",
        "duplicated",
        "late",
        "useful",
    ]


def test_pages_of_another_tool_are_judged_for_both(terms: Terms) -> None:
    tool, ours, theirs = page(3.21, route="tool"), page(3.22), page(3.23)
    of = panel(terms, [ours], [theirs], [said(tool, "useful")], others=[tool])
    assert {standing for standing, _ in verdicts(of).values()} == {"carried"}
    assert feedback_report(of).answers.by_sender == {"other": 1}
    assert tool.page_id not in verdicts(of)


def test_reviewers_count_once_the_majority_holds_and_a_tie_is_unjudged(terms: Terms) -> None:
    one = page(3.21)
    changed = [said(one, "noisy", "ann", day=28), said(one, "useful", "ann", day=29)]
    assert judgements(changed[::-1])[one.page_id].verdict == "useful"
    majority = [said(one, "useful", name) for name in ("ann", "bob")] + [said(one, "late", "eve")]
    assert judgements(majority)[one.page_id].verdict == "useful"
    tied = [said(one, "useful", "ann"), said(one, "late", "eve")]
    of = panel(terms, [one], [page(3.22)], tied)
    report = feedback_report(of)
    assert report.champion_pages[0].standing == "tied"
    assert report.challenger_pages[0].standing == "unjudged"
    assert report.champion.tied == 1


def test_alpha_equals_the_published_example() -> None:
    """Krippendorff (2011), section C: 12 units, 4 observers, nominal alpha .743."""
    names: tuple[FeedbackVerdict, ...] = ("useful", "noisy", "late", "duplicated", "dangerous")
    observers = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")
    units = [page(day) for day in range(12)]
    feedback = [
        said(unit, names[int(mark) - 1], f"observer {number}")
        for number, marks in enumerate(observers)
        for unit, mark in zip(units, marks, strict=True)
        if mark != "."
    ]
    found = agreement(feedback)
    assert found.alpha == pytest.approx(0.743, abs=5e-4)
    assert (found.pages, found.answers) == (11, 40)


def several(pages: int, seed: int) -> list[FeedbackLabel]:
    """Two or three answers on each page, of reviewers who agree more often than not."""
    random = np.random.default_rng(seed)
    names: tuple[FeedbackVerdict, ...] = ("useful", "noisy", "late")
    feedback = []
    for day in range(pages):
        truth = random.integers(3)
        for reviewer in range(int(random.integers(2, 4))):
            mark = truth if random.random() < 0.8 else random.integers(3)
            feedback.append(said(page(day), names[int(mark)], f"reviewer {reviewer}"))
    return feedback


def naive_alpha(units: Sequence[Sequence[str]]) -> float:
    """From the definition: every ordered pair of answers on a page, against every ordered pair of all."""
    every = [answer for unit in units for answer in unit]
    observed = sum(
        (a != b) / (len(unit) - 1)
        for unit in units
        for i, a in enumerate(unit)
        for j, b in enumerate(unit)
        if i != j
    ) / len(every)
    expected = sum(a != b for i, a in enumerate(every) for j, b in enumerate(every) if i != j) / (
        len(every) * (len(every) - 1)
    )
    return 1 - observed / expected


def test_alpha_has_an_interval_over_pages() -> None:
    feedback = several(40, 1)
    found = agreement(feedback)
    units: dict[str, list[str]] = {}
    for one in feedback:
        units.setdefault(one.page_id, []).append(one.verdict)
    assert found.alpha == pytest.approx(naive_alpha(list(units.values())))
    random = np.random.default_rng(5)
    drawn = [
        naive_alpha([list(units.values())[at] for at in random.integers(40, size=40).tolist()])
        for _ in range(400)
    ]
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])), abs=0.06)
    assert found.confidence == 0.95
    assert found.method == "bootstrap of 40 pages"
    more = agreement(several(160, 1))
    assert more.low is not None
    assert more.high is not None
    assert more.high - more.low < 0.7 * ((found.high or 0) - (found.low or 0))
    assert agreement(feedback) == agreement(feedback[::-1])


def test_the_report_s_page_shows_the_interval_of_alpha(tmp_path: Path) -> None:
    of = dataset(tmp_path, INCIDENTS)
    pages = [page(k + 0.21) for k in range(28)]
    answers = [said(one, "useful" if day % 3 else "noisy", day=40) for day, one in enumerate(pages)]
    answers += [
        said(one, "useful" if day % 3 or day < 9 else "noisy", "eve", day=40) for day, one in enumerate(pages)
    ]
    of.label_layer.append(feedback=answers, other_pages=pages)
    logs = log(tmp_path, pages, of, "today"), log(tmp_path, pages[:20], of, "tomorrow")
    made = compare_logs(*logs, of, resamples=200)
    assert made.feedback is not None
    found = made.feedback.answers.agreement
    assert found.low is not None
    assert found.high is not None
    shown = next(text for _, what, text in labelling(made).given if what == "Do reviewers agree")
    assert f"({found.low:.2f}"[:4] in shown
    assert "at 95 %)" in shown


def test_alpha_of_few_pages_has_no_interval() -> None:
    few = agreement(several(19, 1))
    assert few.alpha is not None
    assert few.low is None
    assert "19 pages with two answers" in (few.reason or "")


def test_alpha_is_null_with_a_reason_where_it_says_nothing() -> None:
    one = page(1)
    assert agreement([said(one, "useful")]).reason == "no page was judged by two reviewers"
    same = agreement([said(one, "useful", "ann"), said(one, "useful", "eve")])
    assert same.alpha is None
    assert "same verdict" in (same.reason or "")


def test_where_nobody_judged_a_page_usefulness_is_undecided_and_says_how_to_start(tmp_path: Path) -> None:
    of = dataset(tmp_path, INCIDENTS)
    logs = [
        log(tmp_path, [page(k + shift) for k in range(28)], of, name)
        for name, shift in (("today", 0.21), ("tomorrow", 0.22))
    ]
    asked = {"criteria": [{"score": "usefulness", "kind": "superiority"}], "name": "useful"}
    policy = Policy.model_validate(asked)
    nobody = compare_logs(*logs, of, resamples=200, confidence=policy.confidence)
    pair = nobody.pair("usefulness")
    assert (pair.champion, pair.challenger, pair.low, pair.high) == (None, None, None, None)
    assert pair.reason == "nobody judged a page; titleshot feedback queue names those to start with"
    assert nobody.challenger.score("usefulness").reason == pair.reason
    assert nobody.feedback is None
    verdict = judge(nobody, policy)
    assert verdict.answer == "not_enough_evidence"
    assert verdict.criteria[0].outcome == "undecided"
    floor = Policy.model_validate(
        {
            **asked,
            "promote_equals": True,
            "criteria": [{"score": "usefulness", "kind": "ceiling", "margin": 0.5}],
        }
    )
    assert judge(nobody, floor).answer == "not_enough_evidence"
    of.label_layer.append(feedback=[said(page(0.7), "noisy", day=40)], other_pages=[page(0.7)])
    elsewhere = compare_logs(*logs, of, resamples=200).pair("usefulness")
    assert elsewhere.reason is not None
    assert elsewhere.reason.startswith("of one of them no page is judged; titleshot feedback queue")


def test_the_judge_reads_the_confidence_limit_of_the_worse_end(tmp_path: Path) -> None:
    """On judged pages the challenger is far better; were all unjudged ones noisy, it would be worse."""
    of = dataset(tmp_path, INCIDENTS)
    ours = [page(k + 0.21) for k in range(28)]
    theirs = [page(k + 0.7) for k in range(28)]
    answers = [said(one, "useful" if day % 2 else "noisy", day=40) for day, one in enumerate(ours)]
    answers += [said(one, "useful", day=40) for one in theirs[:12]]
    of.label_layer.append(feedback=answers, other_pages=[*ours, *theirs])
    policy = Policy.model_validate(
        {"name": "useful", "criteria": [{"score": "usefulness", "kind": "superiority"}]}
    )
    logs = log(tmp_path, ours, of, "today"), log(tmp_path, theirs, of, "tomorrow")
    made = compare_logs(*logs, of, resamples=400, confidence=policy.confidence)
    pair = made.pair("usefulness")
    assert made.feedback is not None
    assert pair.difference == pytest.approx(0.5)
    assert pair.low == made.feedback.difference.low_limit
    assert pair.low is not None
    assert pair.low < 12 / 28 - 14 / 28 < 0
    assert judge(made, policy).criteria[0].outcome == "undecided"
    of.label_layer.append(feedback=[said(one, "useful", day=41) for one in theirs[12:]])
    assert (
        judge(compare_logs(*logs, of, resamples=400, confidence=policy.confidence), policy).answer
        == "promote"
    )


def test_brackets_take_the_unjudged_both_ways(terms: Terms) -> None:
    ours = [page(k + 0.21) for k in range(20)]
    theirs = [page(k + 0.7) for k in range(10)]
    feedback = [said(one, "useful") for one in ours[:5]] + [said(one, "noisy") for one in ours[5:10]]
    feedback += [said(one, "useful") for one in theirs[:4]]
    report = feedback_report(panel(terms, ours, theirs, feedback))
    assert report.champion.value == 0.5
    assert (report.champion.bracket.low, report.champion.bracket.high) == (0.25, 0.75)
    assert (report.challenger.bracket.low, report.challenger.bracket.high) == (0.4, 1.0)
    assert report.challenger.judged.share == 0.4
    assert report.difference.low == pytest.approx(0.4 - 0.75)
    assert report.difference.high == pytest.approx(1.0 - 0.25)
    assert report.difference.low_limit is not None
    assert report.difference.high_limit is not None
    assert -1 <= report.difference.low_limit < report.difference.low
    assert 1 >= report.difference.high_limit > report.difference.high


def test_swapping_the_two_turns_the_difference_round(terms: Terms) -> None:
    ours, theirs = [page(k + 0.21) for k in range(20)], [page(k + 0.7) for k in range(3, 16)]
    feedback = [said(one, "useful") for one in ours[:5]] + [said(one, "noisy") for one in theirs[:4]]
    there = feedback_report(panel(terms, ours, theirs, feedback)).difference
    back = feedback_report(panel(terms, theirs, ours, feedback)).difference
    assert there.low == pytest.approx(-(back.high or 0))
    assert there.low_limit == pytest.approx(-(back.high_limit or 0))


def test_all_judged_and_days_alike_is_no_certainty(terms: Terms) -> None:
    ours, theirs = [page(k + 0.21) for k in range(28)], [page(k + 0.22) for k in range(28)]
    report = feedback_report(panel(terms, ours, theirs, [said(one, "useful") for one in ours]))
    assert (report.difference.low, report.difference.high) == (0.0, 0.0)
    assert report.difference.width is not None
    assert report.difference.width > 0.05


def test_nothing_judged_is_everything_possible_and_no_pages_is_null(terms: Terms) -> None:
    report = feedback_report(panel(terms, [page(3.21)], [page(3.7)], []))
    assert report.champion.value is None
    assert report.champion.reason == "no page is judged"
    assert (report.difference.low, report.difference.high) == (-1.0, 1.0)
    empty = feedback_report(panel(terms, [], [page(3.7)], []))
    assert empty.difference.low is None
    assert empty.difference.reason == "no scored page"
    assert empty.champion.judged.share is None


def test_few_days_leave_the_bracket_and_take_its_limits(tmp_path: Path) -> None:
    short = Terms.of(dataset(tmp_path, INCIDENTS[:9], days=10), [], resamples=300)
    found = feedback_report(panel(short, [page(3.21)], [page(3.7)], [])).difference
    assert (found.low, found.low_limit) == (-1.0, None)
    assert "10 day blocks" in (found.reason or "")


def test_coverage_by_group_delay_and_age(terms: Terms) -> None:
    db, web = page(3.21, severity="critical"), page(4.7, "web", severity="low")
    feedback = [said(db, "useful", day=5.21), said(db, "useful", "eve", day=4.21)]
    feedback.append(said(page(29.5), "noisy"))
    known = replace(terms, labels=replace(terms.labels, as_of=at(10.21)))
    report = feedback_report(panel(known, [db, web], [], feedback))
    cover = report.champion.by_service
    assert {name: (of.own, of.pages) for name, of in cover.items()} == {"shop/db": (1, 1), "shop/web": (0, 1)}
    assert {name: of.own for name, of in report.champion.by_severity.items()} == {"critical": 1, "low": 0}
    assert sum(of.pages for of in report.champion.by_team.values()) == 2
    assert report.answers.delay_p50_s == pytest.approx(1.5 * DAY / 1e9)
    assert report.answers.age_p50_s == pytest.approx(5.5 * DAY / 1e9)
    assert report.answers.unknown_pages == 1
    assert report.answers.by_reviewer == {"ann": 1, "eve": 1}


def test_a_scorecard_has_usefulness_where_anybody_gave_feedback_and_its_words(tmp_path: Path) -> None:
    of = dataset(tmp_path, INCIDENTS)
    pages = [page(k + 0.21) for k in range(28)]
    replayed = log(tmp_path, pages, of)
    assert "usefulness" not in {score.name for score in score_log(replayed, of, resamples=100).scores}
    answers = [said(one, "useful" if day % 3 else "noisy", day=40) for day, one in enumerate(pages[:20])]
    of.label_layer.append(feedback=answers, other_pages=pages[:20])
    found = score_log(replayed, of, resamples=100).score("usefulness")
    assert (found.value, found.n, found.n_of) == (0.65, 20, "judged pages")
    assert found.low is not None
    assert found.high is not None
    assert found.low < 13 / 28
    assert found.high > 21 / 28
    assert "seful" in meaning("usefulness").title
    assert "useful" in USEFULNESS.question
