"""The book of scores says of every number what its definition says, and nothing else."""

from __future__ import annotations

import re

from titleshot.reports.correlation.registered import CORRELATION_SCORES
from titleshot.reports.defined import DIRECTIONS
from titleshot.reports.feedback.definitions import FEEDBACK_SCORES
from titleshot.reports.score_book import BOOK, score_book
from titleshot.reports.score_titles import TITLES
from titleshot.reports.score_words import PARTS
from titleshot.reports.scores.registered import SCORES

ENTRIES = [entry for part in PARTS for entry in part.entries]


def test_the_book_is_as_its_definitions_make_it() -> None:
    assert BOOK.read_text(encoding="utf-8") == score_book(), "run python -m titleshot.reports.score_book"


def test_every_number_has_one_heading_and_all_its_words() -> None:
    headings = re.findall(r"^### `(.+)`$", score_book(), re.MULTILINE)

    assert headings == [entry.name for entry in ENTRIES]
    assert len(set(headings)) == len(headings)
    assert {score.name for score in (*SCORES, *CORRELATION_SCORES, *FEEDBACK_SCORES)} <= set(headings)
    for entry in ENTRIES:
        for words in (entry.question, entry.formula, entry.range, entry.misleads, entry.source, entry.unit):
            assert words.strip(), entry.name
            assert words in score_book()
        assert DIRECTIONS[entry.better] in score_book()


def test_what_is_said_of_a_score_is_what_its_definition_says() -> None:
    by_name = {entry.name: entry for entry in ENTRIES}
    for score in (*SCORES, *CORRELATION_SCORES, *FEEDBACK_SCORES):
        entry = by_name[score.name]
        for part in ("question", "formula", "unit", "better", "n_of", "range", "misleads", "source"):
            assert getattr(entry, part) == getattr(score, part), (score.name, part)


def test_related_numbers_name_each_other_and_every_link_leads_somewhere() -> None:
    by_name = {entry.name: entry for entry in ENTRIES}
    for entry in ENTRIES:
        assert all(entry.name in by_name[other].related for other in entry.related), entry.name
        assert entry.name not in entry.related
    book = score_book()
    anchors = re.findall(r'<a id="([^"]+)"></a>', book)
    assert len(set(anchors)) == len(anchors)
    assert set(re.findall(r"\]\(#([^)]+)\)", book)) <= set(anchors)


def test_titles_are_of_numbers_there_are_and_no_two_are_alike() -> None:
    assert set(TITLES) <= {entry.name for entry in ENTRIES}
    titles = [entry.title for entry in ENTRIES]
    assert len(set(titles)) == len(titles)
