"""``reports/SCORES.md``: every score with its question, formula, range, what misleads and source.

Run ``python -m titleshot.reports.score_book`` after changing a definition; a test compares.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from titleshot.datasets.contracts.scores import Direction
from titleshot.reports.correlation.registered import CORRELATION_SCORES
from titleshot.reports.feedback.definitions import FEEDBACK_SCORES
from titleshot.reports.scores.registered import SCORES

BOOK = Path(__file__).with_name("SCORES.md")


class Defined(Protocol):
    """The words of a score."""

    @property
    def name(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def better(self) -> Direction | None: ...
    @property
    def n_of(self) -> str: ...
    @property
    def question(self) -> str: ...
    @property
    def formula(self) -> str: ...
    @property
    def range(self) -> str: ...
    @property
    def misleads(self) -> str: ...
    @property
    def source(self) -> str: ...


_PARTS: tuple[tuple[str, str, Iterable[Defined]], ...] = (
    ("What reaches people", "What a promotion is judged on.", SCORES),
    (
        "Candidates and hypotheses",
        "How alerts were put together and what was named as the cause, beside what knows nothing.",
        CORRELATION_SCORES,
    ),
    ("Feedback", "What responders said of pages.", FEEDBACK_SCORES),
)


def score_book() -> str:
    """The book as Markdown, a heading a score."""
    lines = [
        "# Scores",
        "",
        "Written by `python -m titleshot.reports.score_book` from the definitions. Every value carries its n",
        "and an interval, or why there is none; undefined is null, never 0. A score without a better",
        "direction is context and never decides. NAB's protocol is in `reports/literature/nab.py`.",
    ]
    for title, about, scores in _PARTS:
        lines += ["", f"## {title}", "", about]
        for score in scores:
            lines += ["", *_entry(score)]
    return "\n".join(lines) + "\n"


def _entry(score: Defined) -> list[str]:
    better = {"up": "more is better", "down": "less is better", None: "context"}[score.better]
    return [
        f"### `{score.name}`",
        "",
        score.question,
        "",
        f"- formula: {score.formula}",
        f"- unit {score.unit}, {better}, n counts {score.n_of}; range: {score.range}",
        f"- misleads: {score.misleads}",
        f"- source: {score.source}",
    ]


if __name__ == "__main__":
    BOOK.write_text(score_book(), encoding="utf-8")
