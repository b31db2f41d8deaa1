"""Incidents on the page as a responder sees them: the graph, the time beneath it, and all of it in words."""

from __future__ import annotations

from dataclasses import dataclass

from titleshot.datasets.contracts.incident_views import EvidenceView, IncidentView, LabelHit
from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.scores import Scorecard
from titleshot.reports.rendering.incident_graph import Graph, incident_graph
from titleshot.reports.rendering.wording import clock, counted, duration, listed, moment, name, percent

_LEFT, _WIDTH = 7.0, 91.0
"""Of the time strip in percent; numbers of services stand before it."""


@dataclass(frozen=True)
class TimeRow:
    """One service in time, places in percent from the left."""

    number: int
    low: float
    high: float
    marks: tuple[float, ...]
    title: str


@dataclass(frozen=True)
class TimeStrip:
    """Services in the order of their first alerts; ``pages`` are the places of pages."""

    rows: tuple[TimeRow, ...]
    pages: tuple[float, ...]
    left: str
    right: str
    words: str


@dataclass(frozen=True)
class ServiceRow:
    """One service in the table beneath the drawing."""

    number: int
    service: str
    people: str
    first: str
    alerts: int
    came: str


@dataclass(frozen=True)
class Story:
    """One incident."""

    anchor: str
    title: str
    suspected: str
    reason: str
    labelled: str
    paged: str
    graph: Graph | None
    strip: TimeStrip | None
    rows: tuple[ServiceRow, ...]
    evidence: tuple[tuple[str, str], ...]
    missing: tuple[tuple[str | None, str], ...]


def stories_of(card: Scorecard) -> list[Story]:
    """Every story a scorecard keeps; none in records that keep none."""
    return [_story(view, place) for place, view in enumerate(card.stories, 1)]


def _story(view: IncidentView, place: int) -> Story:
    graph = incident_graph(view)
    first = view.hypotheses[0] if view.hypotheses else None
    return Story(
        anchor=f"story-{place}",
        title=(
            f"{moment(view.opened_at)}: {view.severity}, {counted(len(view.services), 'service')}, "
            f"{counted(view.events, 'event')}"
        ),
        suspected="nobody"
        if first is None
        else f"{name(first.service, 60)} ({percent(round(first.confidence, 2))})",
        reason="the correlator named no starting service" if first is None else first.reason,
        labelled=_labelled(view.labelled, view.events),
        paged=listed(
            [
                f"{name(page.route, 40)} at {clock(page.paged_at)}"
                + (f", {page.outcome.replace('_', ' ')}" if page.outcome else "")
                for page in view.pages
            ],
            4,
        )
        or "nobody",
        graph=graph,
        strip=None if graph is None else _strip(view, len(graph.nodes)),
        rows=_rows(view),
        evidence=tuple(_evidence(one) for one in view.evidence),
        missing=tuple((gap.about, gap.why) for gap in view.missing),
    )


def _evidence(one: EvidenceView) -> tuple[str, str]:
    between = f"{one.lower_bound:.3g} to {one.upper_bound:.3g}"
    said = (
        f"{one.value:.3g}, expected {one.expected:.3g} ({between}), score {one.anomaly_score:.2f}, "
        f"{name(one.detector, 40)}"
    )
    return f"{name(one.metric_name, 48)} of {name(one.service, 60)}", said


def _labelled(hits: tuple[LabelHit, ...] | None, events: int) -> str:
    if hits is None:
        return "no labels were named"
    if not hits:
        return "none: its alerts belong to no labelled incident"
    said = []
    for hit in hits:
        rank = "not suspected" if hit.suspected_at is None else f"suspected in place {hit.suspected_at}"
        said.append(
            f"{name(hit.incident_id, 32)} at {name(hit.root_service, 60)} "
            f"({rank}; {hit.alerts:,} of {events:,} events)"
        )
    return listed(said, 4)


def _strip(view: IncidentView, most: int) -> TimeStrip:
    shown = view.services[:most]
    start, end = view.opened_at, max(one.last_alert for one in shown)
    length = max(end - start, 1)

    def at(instant: int) -> float:
        return round(_LEFT + _WIDTH * min(max((instant - start) / length, 0.0), 1.0), 2)

    pages = [page.paged_at for page in view.pages if start <= page.paged_at <= end]
    rows = tuple(
        TimeRow(
            number,
            at(one.first_alert),
            at(one.last_alert),
            tuple(dict.fromkeys(at(moment) for moment in one.alerted_at)),
            f"{name(one.service, 60)}: {counted(one.alerts, 'alert')} from {clock(one.first_alert)} to "
            f"{clock(one.last_alert)}",
        )
        for number, one in enumerate(shown, 1)
    )
    paged = f", paged at {listed([clock(page) for page in pages], 4)}" if pages else ""
    return TimeStrip(
        rows,
        tuple(dict.fromkeys(at(page) for page in pages)),
        moment(start),
        f"{clock(end)}, {duration((end - start) / SECOND)} later",
        f"From {moment(start)} to {clock(end)}{paged}. {'. '.join(row.title for row in rows)}.",
    )


def _rows(view: IncidentView) -> tuple[ServiceRow, ...]:
    rows = []
    for number, one in enumerate(view.services, 1):
        via = [call.callee for call in view.calls if call.caller == one.service and call.travelled]
        calls = [call.callee for call in view.calls if call.caller == one.service]
        came = (
            f"calls {listed([name(callee, 48) for callee in via], 3)}, which alerted before"
            if via
            else f"calls {listed([name(callee, 48) for callee in calls], 3)}, which alerted no earlier"
            if calls
            else "calls none of the others"
        )
        rows.append(
            ServiceRow(
                number,
                one.service,
                ", ".join(said for said in (one.team, one.tier) if said) or "unknown",
                clock(one.first_alert),
                one.alerts,
                came,
            )
        )
    return tuple(rows)
