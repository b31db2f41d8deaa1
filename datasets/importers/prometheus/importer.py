"""Prometheus' history over its HTTP API, and its alerts as page history."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from titleshot.datasets.contracts.instants import DAY, SECOND, format_instant
from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.errors import MalformedInput, Unreachable, UsageError
from titleshot.datasets.importers.importer import Importer, Told, option
from titleshot.datasets.importers.jsonl import labels_of
from titleshot.datasets.importers.naive_times import NaiveTimes
from titleshot.datasets.importers.prometheus.address import Address, token_of
from titleshot.datasets.importers.prometheus.alerts import AlertHistory
from titleshot.datasets.importers.prometheus.fetched import Fetched, remove_fetched
from titleshot.datasets.importers.prometheus.fetching import Fetching
from titleshot.datasets.importers.prometheus.intake import Intake
from titleshot.datasets.importers.prometheus.label_rules import LabelRules
from titleshot.datasets.importers.prometheus.pieces import MOST_POINTS, count, last_step, pieces
from titleshot.datasets.importers.prometheus.questions import AlertRules, Question, asked
from titleshot.datasets.importers.prometheus.server import Server

_MILLISECOND = 1_000_000
_DEFAULT_SPAN = 14 * DAY
_KEPT = "; what came is kept in {} beside the dataset and not asked for again by the next try"
_NOTES = """\
Values of evaluated queries stand at multiples of the step: each is what Prometheus would have answered at
that moment, made of samples at most its lookback (5 minutes unless it was told otherwise) old. So a value may
be up to one scrape interval old, a series that ended without a stale marker goes on for the lookback, and a
step shorter than the scrape interval repeats values: take a step of at least the scrape interval, or recorded
samples. Recorded samples stand at the moment their scrape began, as they are stored.
Neither says when a value could be read: that is a scrape's duration later (milliseconds, and no ingest delay
is assumed), and later still behind remote write or federation: give --ingest-delay-s for that."""


@dataclass(frozen=True, kw_only=True)
class PrometheusServer(Importer):
    """Queries over a span of time, each result a series; and ``ALERTS`` as pages.

    Without rules of their own results are named: namespace from the label ``namespace`` else ``job``, service
    from ``service``, ``app`` or ``job``, metric from the metric's name; all other labels are series labels.
    Answers are kept beside the dataset until it stands, so an import that broke off goes on where it was.
    """

    format: ClassVar[str] = "prometheus"
    summary: ClassVar[str] = "a Prometheus server (http://HOST:9090): its samples, and its alerts as pages"
    remote: ClassVar[bool] = True

    queries: Path | None = option(None, "YAML file of queries and their rules", "FILE")  # noqa: RUF009  a field
    query: tuple[str, ...] = option((), "a selector such as up or {job='web'}", "PROMQL")
    recorded: bool = option(
        False, "samples of every --query as recorded, at their own times, not evaluated at each step"
    )
    from_: str | None = option(
        None, "first moment, ISO 8601 with a zone (default: 14 days before --to)", "TIME"
    )
    to: str | None = option(None, "end, exclusive (default: now)", "TIME")
    step_s: float = option(60.0, "seconds between values of a series (default: 60)", "S")
    chunk_points: int = option(
        2000, "steps asked for at once, 1 to 11000; halved where it is too much (default: 2000)", "N"
    )
    no_alerts: bool = option(False, "leave alert history out")
    alert_gap_s: float = option(
        300.0, "firing samples further apart than this are two pages (default: 300)", "S"
    )
    bearer_token_file: Path | None = option(  # noqa: RUF009  a field
        None, "file with the bearer token (default: TITLESHOT_PROMETHEUS_TOKEN)", "FILE"
    )
    ca_file: Path | None = option(None, "authorities to trust, PEM", "FILE")  # noqa: RUF009  a field
    timeout_s: float = option(150.0, "seconds without an answer until it is asked again (default: 150)", "S")
    attempts: int = option(6, "times a request is made before the server counts as away (default: 6)", "N")
    most_response_mb: int = option(32, "megabytes of one answer at most (default: 32)", "MB")

    def read(self, source: str, into: DatasetWriter, naive: NaiveTimes, told: Told) -> None:
        self._check()
        questions, alerts, alert_rules = asked(self.queries, self.query, self.step_s, self.recorded)
        start, end = self._span(naive)
        address, token = Address.of(source), token_of(self.bearer_token_file)
        most = self.most_response_mb * 1_000_000
        server = Server(
            address,
            token=token,
            timeout_s=self.timeout_s,
            attempts=self.attempts,
            most_bytes=most,
            ca_file=None if self.ca_file is None else str(self.ca_file),
        )
        labels_of([], into)  # Prometheus has none; --beside may
        fetching = Fetching(server, Fetched(into.path, most))
        intake = Intake(into)
        into.report["asked"] = {"server": str(address), "from": _instant(start), "to": _instant(end)}
        try:
            self._samples(questions, fetching, intake, start, end, told)
            if not self.no_alerts:
                self._alerts(alerts, alert_rules, fetching, into, start, end, told)
        except (MalformedInput, UsageError, Unreachable) as error:
            kept = fetching.fetched.folder.name if fetching.fetched.any_there else None
            raise type(error)(f"{error}{_KEPT.format(kept) if kept else ''}") from None
        if not intake.finish(questions):
            remove_fetched(into.path)  # answers without a sample are to no one's use
            raise MalformedInput(
                f"{address}: no query has a sample from {_instant(start)} to {_instant(end)}; does the server"
                " reach back that far, and do the selectors name series it has? Native histograms are set"
                " aside: ask for histogram_quantile(…) of them"
            )
        warnings = [*fetching.warnings]
        if token and address.unencrypted_away:
            warnings.append("the token was sent unencrypted; use https")
        into.report["warnings"] = warnings
        into.report["requests"] = fetching.report()
        into.notes = _NOTES

    def succeeded(self, dataset: Path) -> None:
        """The dataset stands: what was kept beside it has served."""
        remove_fetched(dataset)

    def _samples(
        self, questions: list[Question], fetching: Fetching, intake: Intake, start: int, end: int, told: Told
    ) -> None:
        done, total = 0, sum(count(question, start, end, self.chunk_points) for question in questions)
        if len(questions) > 1:  # a typo in the last must not wait for all the others
            for question in questions:
                for _, answer in fetching.answers(question, last_step(question, start, end)):
                    intake.look(question, answer)
        # The order of rows is part of what a dataset is: neither the order of the queries nor the cut into
        # pieces may show in it.
        for question in sorted(questions, key=Question.in_order):
            for piece in pieces(question, start, end, self.chunk_points):
                for part, answer in fetching.answers(question, piece):
                    intake.add(question, part, answer)
                done += 1
                told("fetching", done, total)

    def _alerts(
        self,
        alerts: AlertRules,
        rules: LabelRules,
        fetching: Fetching,
        into: DatasetWriter,
        start: int,
        end: int,
        told: Told,
    ) -> None:
        gap = round(self.alert_gap_s * SECOND)
        history = AlertHistory(gap)
        question = Question(0, alerts.query, 60_000, True, rules)
        before = start - gap // _MILLISECOND - 1  # who fires there did not begin to fire within the span
        total = count(question, before, end, self.chunk_points)
        for done, piece in enumerate(pieces(question, before, end, self.chunk_points), 1):
            for part, answer in fetching.answers(question, piece):
                for series in answer.series:
                    times = series.times[series.times >= part.start * _MILLISECOND]
                    history.add(series.labels, times)
            told("fetching alerts", done, total)
        history.write(into, rules, alerts, start * _MILLISECOND, end * _MILLISECOND)

    def _check(self) -> None:
        for says, value, least, most in (
            ("--chunk-points", self.chunk_points, 1, MOST_POINTS),
            ("--attempts", self.attempts, 1, 1000),
            ("--most-response-mb", self.most_response_mb, 1, 1000),
            ("--timeout-s", self.timeout_s, 0.001, 86_400),
            ("--alert-gap-s", self.alert_gap_s, 0.001, 864_000),
        ):
            if not least <= value <= most:
                raise UsageError(f"{says} must be {least:,} to {most:,}, got {value}")

    def _span(self, naive: NaiveTimes) -> tuple[int, int]:
        """Milliseconds [from, to)."""
        now = time.time_ns()
        end = now if self.to is None else _given("--to", self.to, naive)
        start = end - _DEFAULT_SPAN if self.from_ is None else _given("--from", self.from_, naive)
        if end > now:
            raise UsageError(
                f"--to {self.to} lies ahead, where Prometheus carries its last values forward; leave it out"
            )
        if start >= end:
            raise UsageError(
                f"--from must be before --to, got {format_instant(start)} and {format_instant(end)}"
            )
        return -(-start // _MILLISECOND), -(-end // _MILLISECOND)


def _given(flag: str, text: str, naive: NaiveTimes) -> int:
    try:
        return naive.instant(text)
    except ValueError as error:
        raise UsageError(f"{flag}: {error}") from None


def _instant(milliseconds: int) -> str:
    return format_instant(milliseconds * _MILLISECOND)
