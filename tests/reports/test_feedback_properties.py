"""What must hold of any pages and any answers: labelling narrows, judged pages stand, order is nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from history import MINUTES, at, dataset, incident, page
from hypothesis import given, settings
from hypothesis import strategies as st

from titleshot.datasets.contracts.incidents import Page
from titleshot.datasets.contracts.labels import FeedbackLabel, FeedbackVerdict
from titleshot.reports import identity
from titleshot.reports.feedback.answers import Judgement
from titleshot.reports.feedback.panel import OTHER, Panel
from titleshot.reports.feedback.queue import review_queue
from titleshot.reports.feedback.report import difference, feedback_report
from titleshot.reports.feedback.stories import HITS
from titleshot.reports.terms import Terms

VERDICTS: tuple[FeedbackVerdict, ...] = ("useful", "noisy", "late", "duplicated", "dangerous")


@pytest.fixture(scope="module")
def terms(tmp_path_factory: pytest.TempPathFactory) -> Terms:
    incidents = [incident(k + 0.2, "db" if k % 2 else "web", hours=3) for k in range(0, 24, 2)]
    of = dataset(tmp_path_factory.mktemp("properties"), incidents, days=24, detect_within_s=1800)
    return Terms.of(of, [], resamples=100)


_PAGE = st.builds(
    lambda slot, service, route, minutes: page(slot * 40 * MINUTES, service, route=route, minutes=minutes),
    st.integers(0, 200),
    st.sampled_from(["db", "web"]),
    st.sampled_from(["one", "two"]),
    st.integers(1, 90),
)
_PAGES = st.lists(_PAGE, max_size=25, unique_by=lambda page: page.page_id)


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Page], list[Page], list[FeedbackLabel]]:
    champion, challenger = draw(_PAGES), draw(_PAGES)
    # Ids tell senders apart, as those of two recipes do.
    champion = [page.model_copy(update={"page_id": f"a {page.page_id}"}) for page in champion]
    challenger = [page.model_copy(update={"page_id": f"b {page.page_id}"}) for page in challenger]
    every = [*champion, *challenger]
    answered = draw(st.lists(st.sampled_from(every), max_size=8)) if every else []
    feedback = [
        FeedbackLabel(
            feedback_id=str(number),
            page_id=one.page_id,
            verdict=draw(st.sampled_from(VERDICTS)),
            reviewer=draw(st.sampled_from(["ann", "eve"])),
            labelled_at=at(24) + number,
        )
        for number, one in enumerate(answered)
    ]
    return champion, challenger, feedback


def panel(terms: Terms, of: tuple[Sequence[Page], Sequence[Page], Sequence[FeedbackLabel]]) -> Panel:
    known = replace(terms, labels=replace(terms.labels, feedback=list(of[2])))
    who = identity.of_never(known.dataset, known.labels)
    return Panel.of(known, known.paging(list(of[0]), who), known.paging(list(of[1]), who))


@settings(max_examples=60)
@given(case=cases(), verdict=st.sampled_from(VERDICTS), pick=st.integers(0, 1000))
def test_labelling_a_page_never_widens_the_bracket(
    terms: Terms,
    case: tuple[list[Page], list[Page], list[FeedbackLabel]],
    verdict: FeedbackVerdict,
    pick: int,
) -> None:
    of = panel(terms, case)
    unasked = sorted({told.page.page_id for told in of.stories.rows} - set(of.judged))
    if not unasked:
        return
    asked = {**of.judged, unasked[pick % len(unasked)]: Judgement(verdict, None, 1)}
    before, after = of.stories.settle(of.judged), of.stories.settle(asked)
    wide, narrow = difference(of, before), difference(of, after)
    assert all(a is None or b is not None for a, b in zip(before.verdict, after.verdict, strict=True))
    if wide.low is None or wide.high is None:
        return
    assert narrow.high is not None
    assert narrow.low is not None
    assert narrow.high - narrow.low <= wide.high - wide.low + 1e-12
    # At the limits too, unless the answer overturns what was carried or leaves days that are all alike.
    kept = all(a is None or a == b for a, b in zip(before.verdict, after.verdict, strict=True))
    alike = narrow.low_limit in {-1.0, narrow.low} or _alike(of, after)
    if kept and not alike and wide.width is not None and narrow.width is not None:
        assert narrow.width <= wide.width + 1e-12


def _alike(of: Panel, settled: object) -> bool:
    from titleshot.reports.feedback.usefulness import differences, ends

    found = [differences(*end, of.terms.resampling) for end in ends(*of.sums(settled))]  # type: ignore[arg-type]
    return any(isinstance(one, str) or one.min() == one.max() for one in found)


@settings(max_examples=60)
@given(case=cases())
def test_carrying_never_changes_a_judged_page_and_takes_what_a_search_of_all_pages_finds(
    terms: Terms, case: tuple[list[Page], list[Page], list[FeedbackLabel]]
) -> None:
    of = panel(terms, case)
    found = of.stories.settle(of.judged)
    rows = of.stories.rows
    for row, told in enumerate(rows):
        own = of.judged.get(told.page.page_id)
        if own is not None:
            assert found.verdict[row] == own.verdict
            assert found.standing[row] == ("tied" if own.verdict is None else "own")
            continue
        sources = []
        for other, near in enumerate(rows):
            said = of.judged.get(near.page.page_id)
            if said is None or said.verdict is None:
                continue
            hits = told.result in HITS, near.result in HITS
            if any(hits):
                same = all(hits) and told.incident == near.incident
            else:
                same = (
                    told.page.route == near.page.route
                    and bool(told.services & near.services)
                    and told.page.opened_at <= (near.page.closed_at or 0)
                    and near.page.opened_at <= (told.page.closed_at or 0)
                )
            if same and (said.verdict != "duplicated" or all(hits)):
                apart = abs(near.page.paged_at - told.page.paged_at)
                sources.append((apart, near.page.paged_at, near.page.page_id, other))
        if not sources:
            assert (found.standing[row], found.verdict[row]) == ("unjudged", None)
            continue
        source = min(sources)[-1]
        assert (found.standing[row], found.source[row]) == ("carried", source)
        worthless = found.verdict[source] in {"noisy", "dangerous"}
        assert (found.verdict[row] in {"noisy", "dangerous"}) == worthless


@settings(max_examples=40)
@given(case=cases(), seed=st.integers(0, 1000))
def test_the_order_that_pages_and_answers_come_in_does_not_matter(
    terms: Terms, case: tuple[list[Page], list[Page], list[FeedbackLabel]], seed: int
) -> None:
    random = np.random.default_rng(seed)
    mixed = tuple([part[at] for at in random.permutation(len(part)).tolist()] for part in case)
    there, back = panel(terms, case), panel(terms, mixed)  # type: ignore[arg-type]
    assert feedback_report(there).to_json() == feedback_report(back).to_json()
    assert review_queue(there, n=6, seed=1).to_json() == review_queue(back, n=6, seed=1).to_json()


@settings(max_examples=40)
@given(case=cases(), n=st.integers(1, 30), seed=st.integers(0, 5))
def test_the_queue_asks_each_unjudged_page_at_most_once_and_says_what_it_settles(
    terms: Terms, case: tuple[list[Page], list[Page], list[FeedbackLabel]], n: int, seed: int
) -> None:
    of = panel(terms, case)
    queue = review_queue(of, n=n, seed=seed)
    names = [one.page_id for one in queue.pages]
    assert len(names) == len(set(names)) == min(n, queue.unjudged)
    judged, settled = dict(of.judged), of.stories.settle(of.judged)
    for one in queue.pages:
        assert all(settled.verdict[row] is None for row in of.stories.named[one.page_id]) or one.settles == 0
        judged[one.page_id] = Judgement("noisy", None, 1)
        after = of.stories.settle(judged)
        fresh = [
            row
            for row in range(len(after.verdict))
            if of.scored[row] and settled.verdict[row] is None and after.verdict[row] is not None
        ]
        assert one.settles == len(fresh)
        assert OTHER not in {int(of.sender[row]) for row in fresh}
        settled = after
