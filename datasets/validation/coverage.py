"""Whether what people said fits what was measured: one row a label, a feedback, a page, a setting."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from titleshot.datasets.contracts.instants import DAY, SECOND, format_instant
from titleshot.datasets.contracts.labels import IncidentLabel
from titleshot.datasets.contracts.reference import Deploy, ReferenceRow
from titleshot.datasets.dataset_card import DatasetCard
from titleshot.datasets.label_layer import Labels
from titleshot.datasets.validation.frame import Frame, frame_of
from titleshot.datasets.validation.known_services import KnownServices
from titleshot.datasets.validation.profile import Profile

_LAST = np.iinfo(np.int64).max
LABEL_FILES = ("incidents.jsonl", "feedback.jsonl", "pages.jsonl", "other_pages.jsonl")


@dataclass(frozen=True)
class Ground:
    """What labels are held against."""

    card: DatasetCard
    services: KnownServices
    reference: Sequence[ReferenceRow]
    profile: Profile


def label_frame(labels: Labels, ground: Ground) -> Frame:
    """One row an incident label. Rules on a table the dataset does not have are met."""
    card, services = ground.card, ground.services
    deploys = [row for row in ground.reference if isinstance(row, Deploy)]
    versions = {row.version for row in deploys}
    rolled_out = {row.version for row in deploys if not row.decoy}
    measured = _Measured(ground)
    rows = []
    for label in labels.incidents:
        named = dict.fromkeys((label.root_service, *label.affected_services))
        known = all(services.known(service) for service in named)
        there = all(services.in_topology(service, label.start, label.end) for service in named)
        blamed = label.deploy if deploys else None
        rows.append(
            (
                label.start,
                label.end,
                card.span_from,
                card.span_to,
                card.span_to + _cadence(card),
                known,
                # An unknown service is one fault, not two.
                there or not known or not services.has_topology,
                not known or measured.during(label),
                blamed is None or blamed in versions,
                blamed is None or blamed not in versions or blamed in rolled_out,
                label.source != "human" or label.known_at >= label.start,
                (label.end - label.start) / DAY,
                label.root_service,
            )
        )
    columns = (
        "start",
        "end",
        "span_from",
        "span_to",
        "last_step_to",
        "services_known",
        "services_in_topology",
        "has_samples",
        "deploy_known",
        "deploy_real",
        "known_after_start",
        "days",
        "root_service",
    )

    def words(at: int) -> str:
        label = labels.incidents[at]
        named = dict.fromkeys((label.root_service, *label.affected_services))
        return (
            f"{label.incident_id} {', '.join(named)}"
            f" {format_instant(label.start)} to {format_instant(label.end)}"
            + (f" deploy {label.deploy}" if label.deploy else "")
        )

    return frame_of("labels", columns, rows, words)


def label_fault_frame(labels: Labels) -> Frame:
    """One row a file of the label layer, with the lines of it that are no labels."""

    def half(reason: str) -> bool:
        return reason.startswith("half written")

    rows = [
        (
            sum(f.file == name and not half(f.reason) for f in labels.faults),
            sum(f.file == name and half(f.reason) for f in labels.faults),
        )
        for name in LABEL_FILES
    ]

    def words(at: int) -> str:
        found = [fault for fault in labels.faults if fault.file == LABEL_FILES[at]]
        return "; ".join(f"{fault.file}:{fault.line} {fault.reason}" for fault in found[:3])

    return frame_of("label_faults", ("broken", "half_written"), rows, words)


def feedback_frame(labels: Labels, services: KnownServices) -> Frame:
    """One row a feedback label: it speaks of a page by its id, or of an incident by its."""
    sent = {page.page_id: page.paged_at for page in (*labels.other_pages, *labels.pages)}
    incidents = {page.incident_id for page in labels.pages} | {i.incident_id for i in labels.incidents}
    rows = [
        (
            said.page_id,
            said.reviewer,
            said.page_id in sent or said.page_id in incidents,
            said.labelled_at,
            sent.get(said.page_id, said.labelled_at),
            said.actual_service is None or services.known(said.actual_service),
        )
        for said in labels.feedback
    ]

    def words(at: int) -> str:
        said = labels.feedback[at]
        actual = f" actual {said.actual_service}" if said.actual_service else ""
        return (
            f"{said.feedback_id} on page {said.page_id} by {said.reviewer}"
            f" at {format_instant(said.labelled_at)}{actual}"
        )

    columns = ("page_id", "reviewer", "page_known", "labelled_at", "paged_at", "service_known")
    return frame_of("feedback", columns, rows, words)


def page_frame(labels: Labels, ground: Ground) -> Frame:
    """One row a page of the page history. A page that is still open has not been open for long."""
    card = ground.card
    rows = [
        (
            page.route,
            " ".join(sorted(page.services)),
            len(page.services),
            all(ground.services.known(service) for service in page.services),
            page.opened_at,
            page.paged_at,
            page.paged_at + 1,
            page.paged_at if page.closed_at is None else page.closed_at,
            0.0 if page.closed_at is None else (page.closed_at - page.paged_at) / DAY,
            card.span_from,
            card.span_to + DAY,
        )
        for page in labels.pages
    ]
    columns = (
        "route",
        "services",
        "services_named",
        "services_known",
        "opened_at",
        "paged_at",
        "paged_to",
        "closed_at",
        "days",
        "span_from",
        "span_to_and_a_day",
    )

    def words(at: int) -> str:
        page = labels.pages[at]
        closed = "" if page.closed_at is None else f", closed {format_instant(page.closed_at)}"
        named = ", ".join(page.services) or "no service"
        return f"{page.page_id} {named} at {format_instant(page.paged_at)}{closed}"

    return frame_of("pages", columns, rows, words)


def setting_frame(card: DatasetCard, services: KnownServices, metrics: Iterable[str]) -> Frame:
    """One row a setting of the card that speaks of services, times or metrics.

    The first is the span that is scored. Columns: ``holds``, ``scored``, ``used``; what a setting does not
    speak of is met.
    """
    names = set(metrics)
    rows = [
        *((words, holds, True, True) for words, holds in _settings(card, services)),
        (*_scored(card), True),
        *(
            (f"range of metrics {held.metric}", True, True, any(held.holds_for(name) for name in names))
            for held in card.validation.ranges
        ),
    ]
    return frame_of(
        "settings", ("holds", "scored", "used"), [row[1:] for row in rows], lambda at: rows[at][0]
    )


def _span(card: DatasetCard) -> tuple[int, int]:
    settings = card.evaluation
    return (
        card.span_from if settings.span_from is None else settings.span_from,
        card.span_to if settings.span_to is None else settings.span_to,
    )


def _scored(card: DatasetCard) -> tuple[str, bool, bool]:
    start, end = _span(card)
    settings = card.evaluation
    begin = max(start + round(settings.warm_up_s * SECOND), settings.tuning_until or start)
    words = f"scored from {format_instant(min(begin, _LAST))} to {format_instant(end)}"
    return words, True, begin < end or start >= end


def _settings(card: DatasetCard, services: KnownServices) -> Iterator[tuple[str, bool]]:
    settings = card.evaluation
    start, end = _span(card)
    scored = f"evaluation from {format_instant(start)} to {format_instant(end)}"
    yield scored, start < card.span_to and end > card.span_from and start < end
    for span in settings.dont_care:
        named = f"dont_care from {format_instant(span.from_)} names"
        yield from ((f"{named} {service}", services.known(service)) for service in span.services or ())
    for domain, members in card.correlation_domains.items():
        yield from ((f"correlation domain {domain} names {s}", services.known(s)) for s in members)


class _Measured:
    """Which services have samples on which days."""

    def __init__(self, ground: Ground) -> None:
        self._services = ground.services
        self._period = ground.profile.period_days * DAY
        self._days: dict[str, set[int]] = {}
        held = ground.profile.days
        starts: list[int] = np.flatnonzero(np.diff(held["series"], prepend=-1)).tolist()
        for begin, end in pairwise([*starts, len(held["series"])]):
            service = ground.profile.keys[int(held["series"][begin])].service_id
            self._days.setdefault(service, set()).update(held["day"][begin:end].tolist())

    def during(self, label: IncidentLabel) -> bool:
        first = label.start // self._period * self._period
        named = (label.root_service, *label.affected_services)
        days = [self._days.get(n, set()) for service in named for n in self._services.names(service)]
        touched = range(first, label.end, self._period)
        if len(touched) > len(self._days):
            return any(first <= day < label.end for held in days for day in held)
        return any(day in held for held in days for day in touched)


def _cadence(card: DatasetCard) -> int:
    # The span ends with the last sample, an incident with the step that sample stands for.
    return DAY if card.cadence_s is None else round(card.cadence_s * 1e9)
