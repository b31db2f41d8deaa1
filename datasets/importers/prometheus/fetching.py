"""Answers to pieces of questions: kept ones first, asked for where there are none, halved where too much."""

from __future__ import annotations

import time
from collections.abc import Iterator

from titleshot.datasets.errors import MalformedInput
from titleshot.datasets.importers.prometheus.answer import Answer, NotAnAnswer, read_answer
from titleshot.datasets.importers.prometheus.fetched import Fetched
from titleshot.datasets.importers.prometheus.pieces import Piece, request
from titleshot.datasets.importers.prometheus.questions import Question
from titleshot.datasets.importers.prometheus.server import Server, TooMuch

_SETTLED_MS = 10 * 60_000
"""What is younger than this may still come in: it is used and not kept."""
_MOST_WARNINGS = 50


class Fetching:
    """One server, and what was kept of its answers."""

    def __init__(self, server: Server, fetched: Fetched) -> None:
        self.fetched = fetched
        self.warnings: dict[str, int] = {}
        """What the server warned of, and in how many answers."""
        self._server = server
        self._halved = 0

    def answers(self, question: Question, piece: Piece) -> Iterator[tuple[Piece, Answer]]:
        """The piece answered, in one part or, where that is too much, in several in order of time.

        Raises:
            MalformedInput: refused, no answer, or too much for a single step.
            UsageError, Unreachable: as :meth:`Server.ask`.
        """
        found = request(question, piece)
        if found is None:
            return
        path, parameters = found
        key = {"address": str(self._server.address), "path": path, **parameters}
        why = "it was before"
        if not self.fetched.was_too_much(key):
            try:
                answer = self._answer(question, piece, key, path, parameters)
            except TooMuch as error:
                why = str(error)
                self.fetched.note_too_much(key)
            else:
                yield piece, answer
                return
        halves = piece.halves(question.step_ms)
        if halves is None:
            raise MalformedInput(
                f"{question.said}: too much even for a single step: {self._server.words(why)}; ask for fewer"
                " series, or raise --most-response-mb"
            )
        self._halved += 1
        for half in halves:
            yield from self.answers(question, half)

    def report(self) -> dict[str, int]:
        """How often was asked, and how often not."""
        return {
            "sent": self._server.asked,
            "sent_again": self._server.again,
            "answers_kept_from_before": self.fetched.used,
            "halved": self._halved,
        }

    def _answer(
        self, question: Question, piece: Piece, key: dict[str, str], path: str, parameters: dict[str, str]
    ) -> Answer:
        text = self.fetched.answer(key)
        if text is not None:
            try:
                return self._read(text)
            except NotAnAnswer:  # kept by something else
                self.fetched.used -= 1
        asked_at = time.time_ns() // 1_000_000
        text = self._server.ask(question.said, path, parameters)
        try:
            answer = self._read(text)
        except NotAnAnswer as error:
            raise MalformedInput(
                f"{self._server.address}: the answer to {question.said} is none of Prometheus':"
                f" {self._server.words(str(error))}"
            ) from None
        if piece.end <= asked_at - _SETTLED_MS and not answer.partial:
            self.fetched.keep(key, text)
        return answer

    def _read(self, text: str) -> Answer:
        answer = read_answer(text)
        for warning in answer.warnings:
            words = self._server.words(warning)
            if words in self.warnings or len(self.warnings) < _MOST_WARNINGS:
                self.warnings[words] = self.warnings.get(words, 0) + 1
        return answer
