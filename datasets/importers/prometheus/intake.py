"""Answers into the writer: one part of a question at a time, each point in the span that was asked for."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.instants import format_instant
from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.errors import MalformedInput
from titleshot.datasets.importers.prometheus.answer import Answer, AnsweredSeries
from titleshot.datasets.importers.prometheus.pieces import Piece
from titleshot.datasets.importers.prometheus.questions import Question
from titleshot.datasets.importers.prometheus.series_names import SeriesNames

_MILLISECOND = 1_000_000
_LONGEST_SHOWN = 500


class Intake:
    """Adds answers to a writer and counts what came of each question."""

    def __init__(self, into: DatasetWriter) -> None:
        self._into = into
        self._names = SeriesNames(into)
        self._points: Counter[int] = Counter()
        self._aside: Counter[int] = Counter()
        self._histograms: set[tuple[int, int]] = set()

    def look(self, question: Question, answer: Answer) -> None:
        """Name the results of an answer and add nothing.

        Raises:
            MalformedInput: as :meth:`add`.
        """
        self._named(question, answer)

    def add(self, question: Question, piece: Piece, answer: Answer) -> None:
        """Add the points of an answer that lie within the piece, by (time, series); set aside the others.

        Raises:
            MalformedInput: two results have one name, or none of the first results has one.
        """
        codes, times, values = [], [], []
        named = self._named(question, answer)
        points = sum(len(series.values) for series in answer.series)
        self._aside[question.number] += points - sum(len(series.values) for _, series in named)
        for code, series in named:
            self._faults(question, series, code)
            kept = self._within(question, piece, series)
            codes.append(np.full(int(kept.sum()), code, np.int32))
            times.append(series.times[kept])
            values.append(series.values[kept])
        if codes:
            joined = np.concatenate(times)
            order = np.argsort(joined, kind="stable")
            self._points[question.number] += len(joined)
            self._into.add_samples(np.concatenate(codes)[order], joined[order], np.concatenate(values)[order])

    def finish(self, questions: list[Question]) -> int:
        """Report every question; returns how many samples there are."""
        report = self._into.report
        report["queries"] = [self._came(question) for question in questions]
        report["queries_without_results"] = [
            question.query for question in questions if not self._points[question.number]
        ]
        report["namespaces_with_slash_replaced"] = self._names.slashes
        return self._points.total()

    def _named(self, question: Question, answer: Answer) -> list[tuple[int, AnsweredSeries]]:
        """Results with a name and their codes, by their keys."""
        coded = [(self._names.code(question, series), series) for series in answer.series]
        self._names.check_some(question)
        found = sorted((one for one in coded if one[0] >= 0), key=lambda one: self._names.key(one[0]))
        for (code, series), (following, _) in pairwise(found):
            if code == following:
                raise MalformedInput(
                    f"{question.said}: one result stands twice in an answer: {series.labels}"
                )
        return found

    def _came(self, question: Question) -> dict[str, str | int | float]:
        number, query = question.number, question.query
        aside = self._aside[number]
        return {
            "query": query if len(query) <= _LONGEST_SHOWN else f"{query[:_LONGEST_SHOWN]}…",
            "series": self._names.series[number],
            "samples": self._points[number],
            **({"set_aside": aside} if aside else {}),
            **({"times": "as recorded"} if question.recorded else {"step_s": question.step_ms / 1000}),
        }

    def _faults(self, question: Question, series: AnsweredSeries, code: int) -> None:
        where = f"query {question.number}"
        for reason, point in series.faults:
            self._into.quarantine("samples", reason, reason, where, self._next_row(question), point)
        if series.histograms:
            self._aside[question.number] += series.histograms
            if (question.number, code) not in self._histograms:
                self._histograms.add((question.number, code))
                self._into.quarantine(
                    "series",
                    "native histogram",
                    "a native histogram has no one value; ask for histogram_quantile(…) or histogram_avg(…)",
                    where,
                    code,
                    series.labels,
                )

    def _within(self, question: Question, piece: Piece, series: AnsweredSeries) -> NDArray[np.bool_]:
        start, end = piece.start * _MILLISECOND, piece.end * _MILLISECOND
        kept: NDArray[np.bool_] = (series.times >= start) & (series.times < end)
        if not question.recorded:  # a range selector reaches a little further back, see pieces.request
            kept &= series.times % (question.step_ms * _MILLISECOND) == 0
            for index in np.flatnonzero(~kept):
                time, value = int(series.times[index]), float(series.values[index])
                self._into.quarantine(
                    "samples",
                    "a time not asked for",
                    f"{format_instant(time)} is no step within the request",
                    f"query {question.number}",
                    self._next_row(question),
                    {**series.labels, "time": format_instant(time), "value": repr(value)},
                )
        return kept

    def _next_row(self, question: Question) -> int:
        self._aside[question.number] += 1
        return self._aside[question.number]
