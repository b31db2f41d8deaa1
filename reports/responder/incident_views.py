"""Incident candidates of a log as responders need them, with labels where there are any."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from titleshot.datasets.contracts.incident_views import (
    CallView,
    EvidenceView,
    IncidentView,
    PageView,
    ServiceView,
)
from titleshot.datasets.contracts.incidents import Page
from titleshot.datasets.contracts.scores import PageOutcome
from titleshot.datasets.replay_log import ReplayLog
from titleshot.reports.point_in_time import Reference
from titleshot.reports.responder.alerts import SaidAlert, alerts_of
from titleshot.reports.responder.candidate_records import Whole
from titleshot.reports.responder.known import Known
from titleshot.reports.responder.label_hits import Labelled
from titleshot.reports.responder.missing import missing_of

MOST_EVIDENCE = 8
MOST_MOMENTS = 50


def incident_views(
    log: ReplayLog,
    chosen: Sequence[Whole],
    *,
    pages: Iterable[Page],
    known: Known | None = None,
    labelled: Labelled | None = None,
    outcomes: Iterable[PageOutcome] = (),
) -> tuple[IncidentView, ...]:
    """The chosen incidents of a log, in the order given.

    Args:
        pages: all the log sent; those about a chosen incident are shown with it.
        known: what there is beside the log; None: no dataset was named.
        labelled: what really happened; None: no labels were named.
        outcomes: what became of pages against those labels.
    """
    events = alerts_of(log, (name for whole in chosen for name in whole.event_ids))
    by_incident: dict[str, list[Page]] = defaultdict(list)
    for page in pages:
        by_incident[page.incident_id].append(page)
    fates = {outcome.page_id: outcome for outcome in outcomes}
    return tuple(_view(whole, events, by_incident, fates, known, labelled) for whole in chosen)


def _view(
    whole: Whole,
    events: Mapping[str, SaidAlert],
    pages: Mapping[str, list[Page]],
    fates: Mapping[str, PageOutcome],
    known: Known | None,
    labelled: Labelled | None,
) -> IncidentView:
    candidate = whole.candidate
    ids = whole.event_ids
    alerts = sorted(
        (events[name] for name in ids if name in events), key=lambda one: (one.timestamp, one.event_id)
    )
    reference = Reference() if known is None else known.at(candidate.emitted_at)
    opened_at = min([candidate.opened_at, *(one.opened_at for one in whole.merged)])
    services = _services(alerts, reference, opened_at)
    evidence, left_out = _evidence(alerts)
    is_open = candidate.status == "opened" or candidate.flushed
    parts = (candidate, *whole.merged)
    return IncidentView(
        incident_id=candidate.incident_id,
        state="open" if is_open else "closed",
        severity=candidate.severity,
        correlator=candidate.correlator,
        opened_at=opened_at,
        last_event_at=max(one.last_event_at for one in parts),
        said_at=candidate.emitted_at,
        events=len(ids),
        services=services,
        calls=calls_among(services, reference, opened_at),
        hypotheses=candidate.hypotheses,
        evidence=evidence,
        evidence_left_out=left_out,
        pages=_pages([page for one in parts for page in pages.get(one.incident_id, ())], fates),
        merged_from=tuple(one.incident_id for one in whole.merged),
        links=candidate.links or (),
        recurs_of=candidate.recurs_of or (),
        labelled=None if labelled is None else labelled.hits(alerts, candidate.hypotheses),
        missing=missing_of(
            services,
            candidate,
            evidence,
            opened_at=opened_at,
            is_open=is_open,
            lost_events=len(ids) - len(alerts),
            known=known,
            reference=reference,
        ),
    )


def _services(alerts: Sequence[SaidAlert], reference: Reference, at: int) -> tuple[ServiceView, ...]:
    by_service: dict[str, list[SaidAlert]] = {}
    for alert in alerts:
        by_service.setdefault(alert.service, []).append(alert)
    found = []
    for service, mine in by_service.items():
        name = reference.canonical(service, at)
        found.append(
            ServiceView(
                service=service,
                team=reference.team(name, at) or _said(mine, "team"),
                tier=reference.tier(name, at) or _said(mine, "tier"),
                alerts=len(mine),
                first_alert=mine[0].timestamp,
                last_alert=mine[-1].timestamp,
                highest_score=max(alert.score for alert in mine),
                metrics=tuple(sorted({alert.metric for alert in mine})),
                alerted_at=spread([alert.timestamp for alert in mine], MOST_MOMENTS),
            )
        )
    return tuple(found)


def _said(alerts: Sequence[SaidAlert], label: str) -> str | None:
    return next((said for alert in alerts if (said := alert.label(label))), None)


def spread(moments: Sequence[int], most: int) -> tuple[int, ...]:
    """Rising moments, each once; of more than ``most`` the first of each of as many equal stretches.

    >>> spread([0, 0, 1, 50, 99, 100], 2), spread([5, 5], 2)
    ((0, 99), (5,))
    """
    once = sorted(set(moments))
    if len(once) <= most:
        return tuple(once)
    first, length = once[0], once[-1] - once[0] + 1
    found: dict[int, int] = {}
    for moment in once:
        found.setdefault((moment - first) * most // length, moment)
    return tuple(found.values())


def calls_among(services: Sequence[ServiceView], reference: Reference, at: int) -> tuple[CallView, ...]:
    """Calls between services of an incident that held at ``at``, by the places of caller and callee."""
    names = {reference.canonical(one.service, at): one for one in reversed(services)}
    found = []
    for one in services:
        for callee in reference.callees(reference.canonical(one.service, at), at):
            other = names.get(callee)
            if other is not None and other is not one:
                travelled = other.first_alert < one.first_alert
                found.append(CallView(caller=one.service, callee=other.service, travelled=travelled))
    place = {one.service: number for number, one in enumerate(services)}
    return tuple(sorted(found, key=lambda call: (place[call.caller], place[call.callee])))


def _evidence(alerts: Sequence[SaidAlert]) -> tuple[tuple[EvidenceView, ...], int]:
    strangest: dict[tuple[str, str], SaidAlert] = {}
    for alert in (one for one in alerts if one.whole):
        best = strangest.get((alert.service, alert.metric))
        if best is None or alert.score > best.score:
            strangest[alert.service, alert.metric] = alert
    ranked = sorted(strangest.values(), key=lambda one: (-one.score, one.timestamp, one.event_id))
    shown = ranked[:MOST_EVIDENCE]
    return tuple(alert.shown() for alert in shown), len(ranked) - len(shown)


def _pages(pages: Sequence[Page], fates: Mapping[str, PageOutcome]) -> tuple[PageView, ...]:
    found = []
    for page in sorted(pages, key=lambda one: (one.paged_at, one.page_id)):
        fate = fates.get(page.page_id)
        found.append(
            PageView(
                page_id=page.page_id,
                route=page.route,
                paged_at=page.paged_at,
                probable_service=page.probable_service,
                outcome=None if fate is None else fate.outcome,
                hit=None if fate is None else fate.incident_id,
            )
        )
    return tuple(found)
