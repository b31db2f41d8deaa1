"""The curves of one log: the whole contender from replays, detectors from dense scores where they can be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from titleshot.datasets.contracts.thresholds import ThresholdCurve
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.replay_log import ReplayLog
from titleshot.detectors.contender import Contender
from titleshot.pipelines.outcome import Progress
from titleshot.pipelines.threshold_alerts import Rescored, span_of
from titleshot.pipelines.threshold_replays import alone, check_same, moved, pages_at
from titleshot.pipelines.threshold_watches import Watch
from titleshot.reports.tally import Tally
from titleshot.reports.terms import Terms
from titleshot.reports.thresholds.alert_pages import Alerts, alert_tally
from titleshot.reports.thresholds.curve import Check, curve_of
from titleshot.reports.thresholds.spans import Spans


@dataclass(frozen=True)
class Curves:
    """What the curves of one log are made from."""

    log: ReplayLog
    data: Dataset
    spans: Spans
    factors: Sequence[float]
    """At which replays are made."""
    workers: int
    progress: Progress

    def of_contender(self, contender: Contender, watches: Sequence[Watch]) -> ThresholdCurve:
        """A replay at each factor of all thresholds together; the one at 1 must page as the log does.

        Raises:
            IntegrityError: it does not.
            UsageError: a threshold may not be moved so far.
        """
        own = {watch.threshold for watch in watches if watch.threshold is not None}
        alike = own.pop() if len(own) == 1 else None
        about = ThresholdCurve(
            subject="contender",
            name=contender.name,
            series=len({code for watch in watches for code in watch.codes.tolist()}),
            threshold=alike,
            unit=next((watch.unit for watch in watches if watch.threshold == alike), None),
        )
        if all(watch.threshold is None for watch in watches):
            return _without(about, "none of its detectors has a threshold to move")
        if contender.recipe.correlator is None:
            return _without(about, "it says events and nothing more: it pages nobody")
        return self._replayed(about, contender, same=True)

    def of_detector(self, rescored: Rescored, number: int, contender: Contender | None) -> ThresholdCurve:
        """From dense scores; by replays of the detector alone where its scores are mixed with another's."""
        watch = rescored.watches[number]
        about = ThresholdCurve(
            subject="detector",
            name=watch.name,
            watches=watch.globs,
            series=len(watch.codes),
            threshold=watch.threshold,
            unit=watch.unit,
        )
        if watch.threshold is None:
            return _without(about, "it has no threshold to move")
        if not len(watch.codes):
            return _without(about, "no series of this dataset leads to it")
        if watch.apart:
            return self._rescored(about, rescored.alerts[number])
        if contender is None:
            return _without(
                about, "another detector watches the same series, so its curve needs replays of its own"
            )
        return self._replayed(about, alone(contender, watch.places), same=False)

    def _rescored(self, about: ThresholdCurve, alerts: Mapping[float, Alerts]) -> ThresholdCurve:
        services = [key.service_id for key in self.data.series()]
        renamed = any(row.kind == "alias" for row in self.data.reference())

        def counting(terms: Terms) -> Callable[[float], Tally]:
            base = terms.contestant(None).matched
            return lambda factor: alert_tally(terms, base, services, alerts[factor], renamed=renamed)

        drawn, checked = self.spans.drawn, self.spans.checked
        tally = counting(drawn)
        check = None if checked is None else Check(checked, counting(checked))
        return self._curve(about, {factor: tally(factor) for factor in alerts}, check)

    def _replayed(self, about: ThresholdCurve, contender: Contender, *, same: bool) -> ThresholdCurve:
        for factor in self.factors:
            moved(contender, factor)  # a factor that cannot be is told before an hour of replays
        drawn, checked = self.spans.drawn, self.spans.checked
        from_, to = span_of(self.log, self.data)
        until = drawn.settings.span_to
        who = drawn.contestant(None).identity

        def tally(terms: Terms, factor: float, end: int | None) -> Tally:
            pages = pages_at(
                self.data,
                contender,
                factor,
                from_=from_,
                to=end,
                workers=self.workers,
                progress=self._named(f"{about.name} at {factor:.3g} times its thresholds"),
            )
            if same and factor == 1:
                check_same(self.log, pages, terms.settings.span_to)
            return terms.paging(pages, who).tally

        tallies = {factor: tally(drawn, factor, until if self.spans.tuned else to) for factor in self.factors}
        if checked is None:
            return self._curve(about, tallies, None)
        scored = checked
        known: dict[float, Tally] = {}

        def on_scored(factor: float) -> Tally:
            if factor not in known:
                known[factor] = tally(scored, factor, to)
            return known[factor]

        return self._curve(about, tallies, Check(scored, on_scored))

    def _curve(
        self, about: ThresholdCurve, tallies: Mapping[float, Tally], check: Check | None
    ) -> ThresholdCurve:
        spans = self.spans
        return curve_of(about, spans.drawn, tallies, check, no_check=spans.no_check, tuned=spans.tuned)

    def _named(self, name: str) -> Progress:
        def told(what: str, done: int, total: int | None = None) -> None:
            del what
            self.progress(name, done, total)

        return told


def _without(about: ThresholdCurve, reason: str) -> ThresholdCurve:
    return about.model_copy(update={"reason": reason})
