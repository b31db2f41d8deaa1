"""What is scored and how, settled once before any contender is looked at: both sides get the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.incidents import Page
from titleshot.datasets.contracts.instants import DAY, SECOND, format_instant, parse_instant
from titleshot.datasets.contracts.scores import Identity, Settings
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import IntegrityError, UsageError
from titleshot.datasets.label_layer import Labels
from titleshot.datasets.pages_digest import pages_digest
from titleshot.datasets.planting.traces import WAY_OUT, traces_of
from titleshot.datasets.replay_log import ReplayLog
from titleshot.reports import identity
from titleshot.reports.assignment import PageTable, Rules
from titleshot.reports.exposure import Exposure, head_service
from titleshot.reports.matching import Matched, Matching, match
from titleshot.reports.point_in_time import Reference
from titleshot.reports.scored_time import ScoredTime, Window
from titleshot.reports.statistics import Resampling
from titleshot.reports.tally import Tally, tally

LATE = 0.9
"""The quantile of label delays before which a span may still lack labels."""


class Span(NamedTuple):
    """[start, end) in nanoseconds UTC, and what a reader should know of how it came about."""

    start: int
    end: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Terms:
    """The common ground of every contender scored on one dataset."""

    dataset: Dataset
    labels: Labels
    reference: Reference
    time: ScoredTime
    rules: Rules
    exposure: Exposure
    resampling: Resampling
    settings: Settings
    notes: tuple[str, ...]

    @classmethod
    def of(
        cls,
        dataset: Dataset,
        logs: Sequence[ReplayLog],
        *,
        as_of: int | None = None,
        detect_within_s: float | None = None,
        seed: int = 7,
        resamples: int = 2000,
        confidence: float = 0.95,
        span: tuple[int, int] | None = None,
    ) -> Terms:
        """Settle them. ``span`` overrides what card, logs and ``as_of`` say of it.

        Raises:
            UsageError: nothing is left to score, or a number is outside its rule.
        """
        _check(detect_within_s, resamples, confidence)
        given = dataset.card.evaluation
        labels = dataset.labels(as_of)
        reference = Reference(dataset.reference(), labels.as_of)
        found = _span(dataset, logs, as_of) if span is None else Span(*span)
        if found.end <= found.start:
            raise UsageError(
                f"nothing to score: log and labels do not overlap ({format_instant(found.start)} is not"
                f" before {format_instant(found.end)}); score the log on the dataset it is about"
            )
        time = ScoredTime(found.start, found.end, given.warm_up_s, _left_out(dataset, reference))
        if not len(time.days):
            raise UsageError(
                f"nothing to score from {format_instant(found.start)} to {format_instant(found.end)}, less"
                f" {given.warm_up_s:g} s of warm-up and what the dataset leaves out; score a longer span"
            )
        services = {key.service_id for key in dataset.series()}
        exposure = Exposure.of(time, services or reference.owned(), reference)
        settings = Settings(
            span_from=found.start,
            span_to=found.end,
            warm_up_s=given.warm_up_s,
            early_s=given.early_s,
            grace_s=given.grace_s,
            hops=given.hops,
            labels_complete=given.labels_complete,
            detect_within_s=detect_within_s or given.detect_within_s,
            seed=seed,
            resamples=resamples,
            blocks=len(time.days),
            confidence=confidence,
        )
        rules = Rules(given.early_s, given.grace_s, given.hops, given.labels_complete)
        resampling = Resampling(len(time.days), resamples, seed)
        notes = (
            *found.notes,
            *_planted_notes(dataset),
            *_label_notes(labels, None if as_of is None else found.end),
        )
        return cls(dataset, labels, reference, time, rules, exposure, resampling, settings, notes)

    def contestant(self, log: ReplayLog | None) -> Contestant:
        """A contender under these terms; None is one that never pages.

        Raises:
            InvalidDataset: the log was replayed from other data.
            IntegrityError: an imported history was changed since.
        """
        if log is None:
            return self.paging([], identity.of_never(self.dataset, self.labels))
        who, pages = identity.of_log(log, self.dataset, self.labels), log.pages()
        if log.about.get("opaque") and who.pages_digest is None:
            who = who.model_copy(update={"pages_digest": pages_digest(pages)})
        elif who.pages_digest is not None and who.pages_digest != pages_digest(pages):
            raise IntegrityError(
                f"{log.path}: pages are not those that were imported; import the history again"
            )
        return self.paging(pages, who, identity.notes_of(log, self.dataset), log)

    def paging(
        self, pages: list[Page], who: Identity, notes: tuple[str, ...] = (), log: ReplayLog | None = None
    ) -> Contestant:
        """A contender that sent these pages; ``notes`` say where from, ``log`` what else it said."""
        matched = match(
            pages, self.labels.incidents, rules=self.rules, time=self.time, reference=self.reference
        )
        rotations = self.exposure.woken(matched.pages, self.reference)
        heads = [self.reference.canonical(head_service(page), page.paged_at) for page in matched.pages]
        flushed = sum(page.flushed for page in pages)
        counted = self.count(matched.matching, rotations)
        return Contestant(who, matched, rotations, heads, counted, flushed, notes, log)

    def count(self, matching: Matching, rotations: NDArray[np.int64]) -> Tally:
        """A matching by day block."""
        return tally(
            matching,
            self.exposure,
            rotations,
            end=self.time.end,
            within_s=self.settings.detect_within_s,
            complete=self.rules.labels_complete,
        )

    def rematched(self, pages: PageTable, matched: Matched) -> Matching:
        """Other pages against the same incidents."""
        return Matching.of(pages, matched.matching.incidents, self.rules.labels_complete, self.time.end)


@dataclass(frozen=True)
class Contestant:
    """One contender, matched and counted."""

    identity: Identity
    matched: Matched
    rotations: NDArray[np.int64]
    """Whom each page woke: positions in the exposure's rotations."""
    heads: list[str]
    """The service each page is counted under."""
    tally: Tally
    flushed: int
    """Pages left out because they were sent only when the replay ended."""
    notes: tuple[str, ...] = ()
    """What a reader must know of where the pages come from."""
    log: ReplayLog | None = None
    """Where its events and candidates are; None: nobody sent these pages."""


def _check(detect_within_s: float | None, resamples: int, confidence: float) -> None:
    if detect_within_s is not None and not detect_within_s > 0:
        raise UsageError(f"detect_within_s must be above 0 seconds, got {detect_within_s:g}")
    if resamples < 100:
        raise UsageError(f"resamples must be at least 100 for the ends of an interval, got {resamples}")
    if not 0.5 < confidence < 1:
        raise UsageError(f"confidence must lie between 0.5 and 1, got {confidence:g}")


def _span(dataset: Dataset, logs: Sequence[ReplayLog], as_of: int | None) -> Span:
    card, given = dataset.card, dataset.card.evaluation
    start = card.span_from if given.span_from is None else given.span_from
    end = card.span_to if given.span_to is None else given.span_to
    notes = []
    whole = max(start, card.span_from), min(end, card.span_to)
    for log in logs:
        said = log.about.get("span") or {}
        covers = (
            parse_instant(said["from"]) if said.get("from") else start,
            parse_instant(said["to"]) if said.get("to") else end,
        )
        start, end = max(start, covers[0]), min(end, covers[1])
        if covers[0] > whole[0] or covers[1] < whole[1]:
            notes.append(
                f"{log.about.get('contender') or log.path.name} covers only {format_instant(covers[0])} to"
                f" {format_instant(covers[1] - covers[1] % SECOND)}: what lies outside is scored for nobody"
            )
    if given.tuning_until is not None and given.tuning_until > start:
        # Warm-up may lie in the tuning span; what is scored may not.
        start = max(start, given.tuning_until - round(given.warm_up_s * SECOND))
        notes.append(f"scored after the tuning span, which ends {format_instant(given.tuning_until)}")
    if as_of is not None and as_of < end:
        end = as_of
        notes.append(f"the span ends at {format_instant(as_of)}: later incidents could not be known then")
    return Span(start, end, tuple(notes))


def _left_out(dataset: Dataset, reference: Reference) -> list[Window]:
    far = 2**62
    windows = [
        Window(start, far if end is None else end, frozenset({reference.canonical(service, start)}))
        for service, spans in reference.maintenance().items()
        for start, end in spans
    ]
    for span in dataset.card.evaluation.dont_care:
        services = None
        if span.services is not None:
            services = frozenset(reference.canonical(name, span.from_) for name in span.services)
        windows.append(Window(span.from_, span.to, services))
    return windows


def _planted_notes(dataset: Dataset) -> list[str]:
    traces = traces_of(dataset)
    return [f"planted faults among the incidents ({'; '.join(traces)}): {WAY_OUT}"] if traces else []


def _label_notes(labels: Labels, end: int | None) -> list[str]:
    """``end`` of the span, where labels are taken as of a moment that was asked for."""
    notes = []
    if labels.faults:
        first = labels.faults[0]
        where = f"the first {first.file}:{first.line} ({first.reason})"
        notes.append(f"{len(labels.faults)} lines are no labels and were left out, {where}")
    if end is not None and labels.incidents:
        delay = float(np.quantile([label.known_at - label.start for label in labels.incidents], LATE))
        if labels.as_of - end < delay:
            notes.append(
                f"one label in ten became known more than {delay / DAY:.1f} days after the start: the last"
                f" days before {format_instant(labels.as_of)} may lack labels, and right pages look false"
            )
    return notes
