"""What an answer is expected to narrow: against a slow reading of the same words, and against the bracket."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
from history import dataset, incident, page
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student

from titleshot.datasets.contracts.labels import FeedbackVerdict
from titleshot.reports import identity
from titleshot.reports.feedback.answers import Judgement
from titleshot.reports.feedback.draws import inclusion, spread
from titleshot.reports.feedback.narrowing import Outlook
from titleshot.reports.feedback.panel import CHALLENGER, CHAMPION, Panel
from titleshot.reports.feedback.report import difference
from titleshot.reports.terms import Terms

DESERVED = ("useful", "late", "duplicated")


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Panel:
    """Three routes, several stories a day, pages of both that hit incidents and that do not."""
    of = dataset(
        tmp_path_factory.mktemp("narrowing"), [incident(k + 0.2, hours=3) for k in range(0, 24, 2)], days=24
    )
    terms = Terms.of(of, [], resamples=4000)
    champion = [page(k + 0.21) for k in range(0, 24, 2)]
    champion += [page(k + 0.23, route="two") for k in range(0, 12, 3)]
    champion += [page(k + 0.6, minutes=30) for k in range(0, 24, 3)]
    challenger = [page(k + 0.22, route="other") for k in range(0, 24, 3)]
    challenger += [page(k + 0.605, minutes=30) for k in range(0, 24, 4)]
    challenger += [page(k + 0.8, "web") for k in range(1, 24, 5)]
    challenger = [one.model_copy(update={"page_id": f"b {one.page_id}"}) for one in challenger]
    who = identity.of_never(of, terms.labels)
    return Panel.of(terms, terms.paging(champion, who), terms.paging(challenger, who))


def width(panel: Panel, useful: np.ndarray, unjudged: np.ndarray, pages: np.ndarray) -> float:  # type: ignore[type-arg]
    """From limit to limit, by the words of ``narrowing``."""
    blocks, confidence = pages.shape[1], panel.terms.settings.confidence
    steps = sqrt(blocks / (blocks - 1)) * student.ppf((1 + confidence) / 2, blocks - 1)
    total = pages.sum(axis=1)
    limits = []
    for sign, taken in ((-1, (1, 0)), (1, (0, 1))):
        numbers = [useful[side] + taken[side] * unjudged[side] for side in (CHAMPION, CHALLENGER)]
        ratio = [number.sum() / of for number, of in zip(numbers, total, strict=True)]
        variance = float((0.25 / total).sum())
        for day in range(blocks):
            ours, theirs = (
                (numbers[side][day] - ratio[side] * pages[side][day]) / total[side]
                for side in (CHALLENGER, CHAMPION)
            )
            variance += (ours - theirs) ** 2
        limits.append(ratio[CHALLENGER] - ratio[CHAMPION] + sign * steps * sqrt(variance))
    return float(limits[1] - limits[0])


@settings(max_examples=25)
@given(answered=st.dictionaries(st.integers(0, 60), st.sampled_from(["useful", "noisy"]), max_size=8))
def test_it_is_what_a_slow_reading_finds(panel: Panel, answered: dict[int, FeedbackVerdict]) -> None:
    rows = panel.stories.rows
    judged = {
        rows[at % len(rows)].page.page_id: Judgement(verdict, None, 1) for at, verdict in answered.items()
    }
    of = replace(panel, judged=judged)
    settled = of.stories.settle(judged)
    sums = of.sums(settled)
    pages, useful, unjudged = (
        np.array([getattr(side, name) for side in sums]) for name in ("pages", "useful", "unjudged")
    )
    outlook = Outlook(of, settled)
    before = width(of, useful, unjudged, pages)
    known = [row for row, verdict in enumerate(settled.verdict) if verdict is not None]
    worthy = [row for row in known if settled.verdict[row] in DESERVED]
    for name, gain in zip(outlook.names, outlook.gains().tolist(), strict=True):
        row = of.stories.named[name][0]
        alike = [one for one in known if rows[one].result == rows[row].result]
        overall = (len(worthy) + 1) / (len(known) + 2)
        likely = (sum(one in worthy for one in alike) + 2 * overall) / (len(alike) + 2)
        expected = 0.0
        for chance, deserved in ((likely, True), (1 - likely, False)):
            said = of.stories.if_deserved(row) if deserved else "noisy"
            after = of.stories.settle({**judged, name: Judgement(said, None, 1)})
            then = of.sums(after)
            expected += chance * (
                before
                - width(
                    of,
                    np.array([side.useful for side in then]),
                    np.array([side.unjudged for side in then]),
                    pages,
                )
            )
        if said_of_all(of, name):
            assert gain == pytest.approx(expected, abs=1e-9), name


def said_of_all(of: Panel, name: str) -> bool:
    """Whether no answer given before is nearer to a page that this one would settle."""
    row = of.stories.named[name][0]
    return all(of.stories.rows[other].page.page_id not in of.judged for other in of.stories.peers(row))


def test_it_ranks_pages_as_the_bracket_itself_does(panel: Panel) -> None:
    settled = panel.stories.settle({})
    # Something must be judged, else the bracket ends at what is possible and no single answer moves it.
    judged = {told.page.page_id: Judgement("useful", None, 1) for told in panel.stories.rows[:12:4]}
    judged |= {told.page.page_id: Judgement("noisy", None, 1) for told in panel.stories.rows[-6::2]}
    of = replace(panel, judged=judged)
    settled = of.stories.settle(judged)
    outlook = Outlook(of, settled)
    now = difference(of, settled).width or 0.0
    found = []
    for name in outlook.names:
        row = of.stories.named[name][0]
        widths = [
            difference(of, of.stories.settle({**judged, name: Judgement(said, None, 1)})).width or 0.0
            for said in (of.stories.if_deserved(row), "noisy")
        ]
        found.append(now - sum(widths) / 2)
    assert np.corrcoef(found, outlook.gains())[0, 1] > 0.8


def test_what_was_taken_is_worth_nothing_more(panel: Panel) -> None:
    outlook = Outlook(panel, panel.stories.settle({}))
    best = outlook.names[int(np.argmax(outlook.gains()))]
    rows = outlook.take(best)
    assert rows == outlook.reach[best]
    assert outlook.settles(best) == frozenset()
    assert outlook.gains()[outlook.names.index(best)] == pytest.approx(0, abs=1e-12)
    assert outlook.take(best) == frozenset()


@settings(max_examples=100)
@given(
    sizes=st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=30),
    n=st.integers(1, 30),
    seed=st.integers(0, 2**32),
)
def test_as_many_are_drawn_as_asked_and_none_twice(sizes: list[float], n: int, seed: int) -> None:
    n = min(n, len(sizes))
    chance = inclusion(np.array(sizes), n)
    assert chance.sum() == pytest.approx(n)
    assert ((chance > 0) & (chance <= 1)).all()
    shares = (chance / np.array(sizes))[chance < 1]
    assert np.allclose(shares, shares[:1])
    assert not len(shares) or (chance / np.array(sizes) <= shares[0] + 1e-9).all()
    groups = [list(range(start, min(start + 3, len(sizes)))) for start in range(0, len(sizes), 3)]
    drawn = spread(chance, groups, np.random.default_rng(seed))
    assert len(drawn) == len(set(drawn)) == n


def test_two_of_one_story_are_not_drawn_while_it_is_worth_one() -> None:
    chance = np.full(12, 0.25)
    groups = [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    for seed in range(200):
        drawn = spread(chance, groups, np.random.default_rng(seed))
        assert sorted(place // 4 for place in drawn) == [0, 1, 2]
