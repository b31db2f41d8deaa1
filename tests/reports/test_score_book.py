"""The book of scores says of every score what its definition says, and nothing else."""

from __future__ import annotations

import re

from titleshot.reports.correlation.registered import CORRELATION_SCORES
from titleshot.reports.feedback.definitions import FEEDBACK_SCORES
from titleshot.reports.score_book import BOOK, score_book
from titleshot.reports.scores.registered import SCORES


def test_the_book_is_as_its_definitions_make_it() -> None:
    assert BOOK.read_text(encoding="utf-8") == score_book(), "run python -m titleshot.reports.score_book"


def test_every_score_has_one_heading_and_all_its_words() -> None:
    headings = re.findall(r"^### `(.+)`$", score_book(), re.MULTILINE)

    assert headings == [score.name for score in (*SCORES, *CORRELATION_SCORES, *FEEDBACK_SCORES)]
    assert len(set(headings)) == len(headings)
    for score in (*SCORES, *CORRELATION_SCORES, *FEEDBACK_SCORES):
        for words in (score.question, score.formula, score.range, score.misleads, score.source):
            assert words.strip(), score.name
            assert words in score_book()
