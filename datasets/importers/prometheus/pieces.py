"""A span of time cut into pieces that one request can answer, and the request for each.

Times here are milliseconds UTC, as Prometheus keeps them; spans are half-open [start, end).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from titleshot.datasets.importers.prometheus.questions import Question

MOST_POINTS = 11_000
"""Points of a series that Prometheus answers with in one range query."""


class Piece(NamedTuple):
    """A part of a span."""

    start: int
    end: int

    def halves(self, step: int) -> tuple[Piece, Piece] | None:
        """Two pieces that meet at a multiple of the step; None where there is none within."""
        middle = (self.start + self.end) // 2 // step * step
        if middle <= self.start:
            middle += step
        if middle >= self.end:
            return None
        return Piece(self.start, middle), Piece(middle, self.end)


def pieces(question: Question, start: int, end: int, points: int) -> Iterator[Piece]:
    """The span in pieces of at most ``points`` steps that meet at multiples of their length.

    So two imports of overlapping spans ask the same questions where they overlap.

    >>> from titleshot.datasets.importers.prometheus.label_rules import LabelRules
    >>> question = Question(1, "up", 10, False, LabelRules())
    >>> [(piece.start, piece.end) for piece in pieces(question, 150, 420, points=10)]
    [(150, 200), (200, 300), (300, 400), (400, 420)]
    """
    length = question.step_ms * points
    while start < end:
        edge = min((start // length + 1) * length, end)
        yield Piece(start, edge)
        start = edge


def count(question: Question, start: int, end: int, points: int) -> int:
    """How many pieces there are."""
    length = question.step_ms * points
    return max(0, (end - 1) // length - start // length + 1) if start < end else 0


def last_step(question: Question, start: int, end: int) -> Piece:
    """The last step of the span alone, to try a question out."""
    step = question.step_ms
    return Piece(max(start, (end - 1) // step * step), end)


def request(question: Question, piece: Piece) -> tuple[str, dict[str, str]] | None:
    """Path and parameters; None where no step lies within the piece.

    Evaluated: at each multiple of the step in [start, end). Recorded: the raw samples of a range selector.
    Its edges were inclusive until Prometheus 3 and exclude the earlier one since, so it reaches a millisecond
    further back; what stands there is left to the piece before.
    """
    if question.recorded:
        length = piece.end - piece.start
        return "/api/v1/query", {
            "query": f"{question.query}[{length}ms]",
            "time": _seconds(piece.end - 1),
        }
    step = question.step_ms
    first, last = -(-piece.start // step) * step, (piece.end - 1) // step * step
    if first > last:
        return None
    return "/api/v1/query_range", {
        "query": question.query,
        "start": _seconds(first),
        "end": _seconds(last),
        "step": _seconds(step),
    }


def _seconds(milliseconds: int) -> str:
    """Seconds with all their milliseconds: no float on the way.

    >>> _seconds(1700000000005), _seconds(-5)
    ('1700000000.005', '-0.005')
    """
    sign, size = "-" if milliseconds < 0 else "", abs(milliseconds)
    return f"{sign}{size // 1000}.{size % 1000:03d}"
