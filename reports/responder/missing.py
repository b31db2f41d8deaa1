"""What a responder would want to know of an incident and nobody can tell: said outright, not left blank."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from titleshot.datasets.contracts.incident_views import (
    EvidenceView,
    MissingContext,
    MissingWhat,
    ServiceView,
)
from titleshot.datasets.contracts.incidents import IncidentCandidate
from titleshot.reports.point_in_time import Reference
from titleshot.reports.responder.known import Known

_TABLES: tuple[tuple[MissingWhat, str, str], ...] = (
    ("deploys", "reference/deploy", "no deploys are recorded, so a guilty change cannot be ruled out"),
    (
        "planned_changes",
        "reference/planned_change",
        "no planned changes are recorded: a load test or a sale looks like a fault",
    ),
    ("log_events", "log_events", "there are no log events, so only numbers speak"),
    ("platform_events", "platform_events", "there are no platform events: kills and evictions are not seen"),
)


def missing_of(
    services: Sequence[ServiceView],
    candidate: IncidentCandidate,
    evidence: Sequence[EvidenceView],
    *,
    opened_at: int,
    is_open: bool,
    lost_events: int,
    known: Known | None,
    reference: Reference,
) -> tuple[MissingContext, ...]:
    """Everything that is missing, what hurts most first.

    Args:
        is_open: the log ends before the incident does.
        lost_events: events the incident names and the log does not have.
        known: None where no dataset was named; then nothing can be said of its tables.
        reference: as known when the incident was last said.
    """
    return (
        *_suspicion(candidate),
        *_events(services, lost_events),
        *_people(services, known),
        *_surroundings(services, opened_at, known, reference),
        *_baselines(evidence),
        *([MissingContext(what="closing", why="the log ends before this incident does")] if is_open else []),
    )


def _suspicion(candidate: IncidentCandidate) -> Iterator[MissingContext]:
    if not candidate.hypotheses:
        why = candidate.abstains or "nothing spoke for one"
        yield MissingContext(what="hypothesis", why=f"the correlator named no starting service: {why}")


def _events(services: Sequence[ServiceView], lost: int) -> Iterator[MissingContext]:
    if not services:
        yield MissingContext(
            what="events", why="the log has none of its events, so what it rests on cannot be seen"
        )
    elif lost:
        said = "event it names is" if lost == 1 else "events it names are"
        yield MissingContext(what="events", why=f"{lost} {said} not in the log")


def _people(services: Sequence[ServiceView], known: Known | None) -> Iterator[MissingContext]:
    where = "in the events" if known is None else "in the ownership table then, nor in the events"
    for service in services:
        if service.team is None:
            yield MissingContext(
                what="owner", about=service.service, why=f"no owner is known {where}: whom to wake?"
            )
        if service.tier is None:
            where_tier = where.replace("ownership", "tier")
            yield MissingContext(
                what="tier", about=service.service, why=f"no tier is known {where_tier}: how much it matters"
            )


def _surroundings(
    services: Sequence[ServiceView], at: int, known: Known | None, reference: Reference
) -> Iterator[MissingContext]:
    if known is None:
        yield MissingContext(
            what="dataset",
            why="no dataset was named, so calls, deploys and labels are unknown; name it with --labels",
        )
        return
    if "reference/topology" not in known.tables:
        yield MissingContext(what="topology", why="no calls are recorded, so no path can be drawn")
    else:
        for service in services:
            if not reference.in_topology(reference.canonical(service.service, at), at):
                yield MissingContext(
                    what="topology",
                    about=service.service,
                    why="no call of it or to it was known then, so its place on the path is unknown",
                )
    for what, table, why in _TABLES:
        if table not in known.tables:
            yield MissingContext(what=what, why=why)


def _baselines(evidence: Sequence[EvidenceView]) -> Iterator[MissingContext]:
    bare = [one for one in evidence if one.sample_count is None]
    for detector in dict.fromkeys(one.detector for one in bare):
        yield MissingContext(
            what="sample_count",
            why=f"{detector} does not say how many samples its expectation rests on",
        )
