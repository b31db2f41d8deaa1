"""Where a score is explained on the page, and which scores every page draws."""

from __future__ import annotations

from dataclasses import dataclass

from titleshot.reports.defined import Words
from titleshot.reports.score_titles import title_of
from titleshot.reports.score_words import anchor, defined

MAIN = (
    "incident_recall",
    "mean_time_to_detect_s",
    "page_precision",
    "alarming_precision",
    "false_pages_per_week",
    "duplicates_per_week",
)
"""Scores drawn at the head of a page whether a policy names them or not."""


@dataclass(frozen=True)
class Meaning:
    """``title`` heads rows, ``anchor`` is where the page explains it."""

    title: str
    anchor: str


def meaning(score: str) -> Meaning:
    """Of a score by its name.

    >>> meaning("incident_recall").title, meaning("my_own_ratio").title
    ('Incidents caught', 'My own')
    """
    words = defined(score)
    return Meaning(words.title if isinstance(words, Words) else title_of(score), anchor(score))
