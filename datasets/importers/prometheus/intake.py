"""Answers into the writer: one part of a question at a time, each point in the span that was asked for."""

from __future__ import annotations

from collections import Counter

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

    def add(self, question: Question, piece: Piece, answer: Answer) -> None:
        """Add the points of an answer that lie within the piece; set aside what is no sample.

        Raises:
            MalformedInput: two results have one name, or none of the first results has one.
        """
        codes, times, values = [], [], []
        for series in answer.series:
            code = self._names.code(question, series)
            if code < 0:
                continue
            self._faults(question, series, code)
            kept = self._within(question, piece, series)
            codes.append(np.full(int(kept.sum()), code, np.int32))
            times.append(series.times[kept])
            values.append(series.values[kept])
        self._names.check_some(question)
        if codes:
            joined = np.concatenate(times)
            self._points[question.number] += len(joined)
            self._into.add_samples(np.concatenate(codes), joined, np.concatenate(values))

    def finish(self, questions: list[Question]) -> None:
        """Report every question.

        Raises:
            MalformedInput: all of them came back empty.
        """
        report = self._into.report
        report["queries"] = [self._came(question) for question in questions]
        empty = [question.query for question in questions if not self._points[question.number]]
        report["queries_without_results"] = empty
        report["namespaces_with_slash_replaced"] = self._names.slashes
        if len(empty) == len(questions):
            aside = sum(self._aside.values())
            span = f"from {report['asked']['from']} to {report['asked']['to']}"
            set_aside = f"; {aside:,} points were set aside, native histograms among them" if aside else ""
            raise MalformedInput(
                f"{report['asked']['server']}: no query has a sample {span}{set_aside}; does the server reach"
                " back that far, and do the selectors name series it has?"
            )

    def _came(self, question: Question) -> dict[str, str | int | float]:
        number, query = question.number, question.query
        aside = self._aside[number] + self._names.points_without_name[number]
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
