"""Whether what people said fits what was measured: one row a label, a feedback, a page, a setting."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from titleshot.datasets.contracts.instants import DAY, format_instant
from titleshot.datasets.contracts.labels import IncidentLabel
from titleshot.datasets.contracts.reference import Deploy, ReferenceRow
from titleshot.datasets.dataset_card import DatasetCard
from titleshot.datasets.label_layer import Labels
from titleshot.datasets.validation.frame import Frame, frame_of
from titleshot.datasets.validation.known_services import KnownServices
from titleshot.datasets.validation.profile import Profile

LABEL_FILES = ("incidents.jsonl", "feedback.jsonl", "pages.jsonl")


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
    versions = {row.version for row in ground.reference if isinstance(row, Deploy)}
    has_deploys = any(isinstance(row, Deploy) for row in ground.reference)
    measured = _Measured(ground)
    rows = []
    for label in labels.incidents:
        named = dict.fromkeys((label.root_service, *label.affected_services))
        known = all(services.known(service) for service in named)
        there = all(services.in_topology(service, label.start, label.end) for service in named)
        rows.append(
            (
                label.start < card.span_to and label.end > card.span_from,
                label.start >= card.span_from and label.end <= card.span_to + _cadence(card),
                known,
                # An unknown service is one fault, not two.
                there or not known or not services.has_topology,
                not known or measured.during(label),
                not has_deploys or label.deploy is None or label.deploy in versions,
                label.source != "human" or label.known_at >= label.start,
                (label.end - label.start) / DAY,
                label.root_service,
                label.start,
                label.end,
            )
        )
    columns = (
        "overlaps_telemetry",
        "inside_telemetry",
        "services_known",
        "services_in_topology",
        "has_samples",
        "deploy_known",
        "known_after_start",
        "days",
        "root_service",
        "start",
        "end",
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
    sent = {page.page_id: page.paged_at for page in labels.pages}
    incidents = {page.incident_id for page in labels.pages} | {i.incident_id for i in labels.incidents}
    rows = [
        (
            said.page_id in sent or said.page_id in incidents,
            said.labelled_at >= sent.get(said.page_id, said.labelled_at),
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

    return frame_of("feedback", ("page_known", "after_page", "service_known"), rows, words)


def page_frame(labels: Labels, ground: Ground) -> Frame:
    """One row a page of the page history."""
    card = ground.card
    rows = [
        (
            all(ground.services.known(service) for service in page.services),
            card.span_from <= page.paged_at < card.span_to + DAY,
        )
        for page in labels.pages
    ]

    def words(at: int) -> str:
        page = labels.pages[at]
        return f"{page.page_id} {', '.join(page.services)} at {format_instant(page.paged_at)}"

    return frame_of("pages", ("services_known", "inside_telemetry"), rows, words)


def setting_frame(card: DatasetCard, services: KnownServices) -> Frame:
    """One row a setting of the card that names services or times; the first is the span that is scored."""
    rows = list(_settings(card, services))
    return frame_of("settings", ("holds",), [(holds,) for _, holds in rows], lambda at: rows[at][0])


def _settings(card: DatasetCard, services: KnownServices) -> Iterator[tuple[str, bool]]:
    settings = card.evaluation
    start = card.span_from if settings.span_from is None else settings.span_from
    end = card.span_to if settings.span_to is None else settings.span_to
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
