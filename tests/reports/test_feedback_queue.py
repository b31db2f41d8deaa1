"""Which pages are asked about first, and that asking so narrows the bracket faster than asking anywhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from history import dataset, incident, page

from titleshot.datasets.contracts.feedback import FeedbackReport, ReviewQueue
from titleshot.datasets.errors import UsageError
from titleshot.reports import identity
from titleshot.reports.feedback.answers import Judgement
from titleshot.reports.feedback.panel import Panel
from titleshot.reports.feedback.queue import random_pages, review_queue
from titleshot.reports.feedback.report import feedback_report
from titleshot.reports.terms import Terms

SEEDS = range(20)
ASKED = 20


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Panel:
    """A story that five unjudged pages tell, stories that one tells, and pages that hit nothing."""
    of = dataset(tmp_path_factory.mktemp("queue"), [incident(k + 0.2, hours=3) for k in range(24)])
    terms = Terms.of(of, [], resamples=200)
    champion = [page(k + 0.21) for k in range(12)] + [page(5.22, route="two"), page(5.23, route="three")]
    challenger = [page(k + 0.25, route="other") for k in (5, 14, 15)] + [page(5.26, route="four")]
    who = identity.of_never(of, terms.labels)
    return Panel.of(terms, terms.paging(champion, who), terms.paging(challenger, who))


def test_first_comes_the_page_that_settles_most(small: Panel) -> None:
    queue = review_queue(small, n=1, seed=1)
    assert queue.pages[0].settles == 5
    assert queue.pages[0].drawn == "chosen"
    assert "settles 3 pages of the champion and 2 of the challenger" in queue.pages[0].why


def test_a_settled_story_is_not_chosen_again_and_each_choice_narrows(small: Panel) -> None:
    chosen = [one for one in review_queue(small, n=9, seed=1).pages if one.drawn == "chosen"]
    assert all(one.settles >= 1 for one in chosen)
    assert all(one.narrows > 0 for one in chosen)


def test_no_page_is_chosen_for_a_story_that_a_random_one_settles(small: Panel) -> None:
    story = {small.stories.rows[row].page.page_id for row in small.stories.peers(5)}
    assert len(story) == 5
    queues = [review_queue(small, n=3, seed=seed).pages for seed in range(40)]
    drawn = [{one.page_id for one in queue if one.drawn == "random"} for queue in queues]
    chosen = [{one.page_id for one in queue if one.drawn == "chosen"} for queue in queues]
    assert {len(names & story) for names in drawn} == {0, 1}
    assert all(
        len(one & story) == (0 if other & story else 1) for one, other in zip(chosen, drawn, strict=True)
    )


def test_a_third_is_random_wherever_one_stops(small: Panel) -> None:
    queue = review_queue(small, n=18, seed=3)
    assert queue.unjudged == len(queue.pages) == 18
    for length in range(1, 19):
        drawn = [one for one in queue.pages[:length] if one.drawn == "random"]
        assert len(drawn) == random_pages(length)
        assert abs(len(drawn) - length / 3) < 1
    assert {one.weight for one in queue.pages if one.drawn == "chosen"} == {1.0}


def test_a_page_is_drawn_at_random_as_often_as_its_weight_says(small: Panel) -> None:
    draws = 400
    drawn: dict[str, list[float]] = {}
    for seed in range(draws):
        for one in review_queue(small, n=9, seed=seed).pages:
            if one.drawn == "random":
                drawn.setdefault(one.page_id, []).append(one.weight)
    assert len(drawn) == 18
    weights = {name: set(of) for name, of in drawn.items()}
    assert all(len(of) == 1 for of in weights.values())
    chances = {name: 1 / of.pop() for name, of in weights.items()}
    assert sum(chances.values()) == pytest.approx(3)
    assert max(chances.values()) > 2 * min(chances.values())
    for name, chance in chances.items():
        error = (chance * (1 - chance) / draws) ** 0.5
        assert abs(len(drawn[name]) / draws - chance) <= 5 * error, name


def test_by_their_weights_the_random_pages_speak_for_all_unjudged_ones(small: Panel) -> None:
    """Horvitz and Thompson's estimate of how many unjudged pages were useful, however they were chosen."""
    useful = {
        name
        for place, name in enumerate(sorted({told.page.page_id for told in small.stories.rows}))
        if place % 3
    }
    estimates = [
        sum(
            one.weight
            for one in review_queue(small, n=9, seed=seed).pages
            if one.drawn == "random" and one.page_id in useful
        )
        for seed in range(400)
    ]
    error = np.std(estimates) / len(estimates) ** 0.5
    assert abs(np.mean(estimates) - len(useful)) < 4 * error


def test_the_same_seed_asks_the_same_pages_and_another_does_not(small: Panel) -> None:
    one, same, other = (review_queue(small, n=9, seed=seed) for seed in (1, 1, 2))
    assert one == same
    assert {page.page_id for page in one.pages} != {page.page_id for page in other.pages}


def test_the_queue_is_a_record_and_asks_for_at_least_one_page(small: Panel) -> None:
    queue = review_queue(small, n=4, seed=1)
    assert ReviewQueue.from_json(queue.to_json()) == queue
    assert "settles 3 pages" in queue._repr_html_()
    with pytest.raises(UsageError, match="at least 1 page, got 0"):
        review_queue(small, n=0, seed=1)


def test_when_all_is_judged_nothing_is_asked(small: Panel) -> None:

    known = replace(
        small,
        judged={told.page.page_id: Judgement("useful", None, 1) for told in small.stories.rows},
    )
    queue = review_queue(known, n=5, seed=1)
    assert (queue.unjudged, queue.pages) == (0, ())


def test_a_report_is_a_record(small: Panel) -> None:

    report = feedback_report(small)
    assert FeedbackReport.from_json(report.to_json()) == report
    assert "challenger" in report._repr_html_()
