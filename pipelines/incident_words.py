"""Incidents as text for a terminal: what to know first stands first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from titleshot.datasets.contracts.incident_views import (
    EvidenceView,
    IncidentView,
    LabelHit,
    MissingContext,
    PageView,
    ResponderView,
    ServiceView,
)
from titleshot.datasets.contracts.incidents import Link
from titleshot.datasets.contracts.instants import SECOND, format_instant
from titleshot.reports.rendering.wording import counted, duration, listed

_LABEL = 22
_MOST_SERVICES = 8


def told(view: ResponderView) -> str:
    """Every incident with what is known of it, and what is not."""
    shown = len(view.incidents)
    head = f"{view.contender}: {counted(view.in_log, 'incident')} in the log"
    if view.matching != view.in_log:
        head += f", {view.matching:,} as asked"
    if shown < view.matching:
        head += f"; here the latest {shown:,}, --limit 0 shows all"
    return "\n\n".join([head, *("\n".join(_incident(one)) for one in view.incidents)])


def _incident(one: IncidentView) -> Iterator[str]:
    yield f"Incident: {one.incident_id}"
    lasted = duration((one.last_event_at - one.opened_at) / SECOND)
    yield _line("opened", f"{format_instant(one.opened_at)}, last alert {lasted} later, {one.state}")
    yield _line("severity", one.severity)
    names = [service.service for service in one.services]
    yield _line("services", listed(names, _MOST_SERVICES) or "unknown")
    yield _line("events", f"{one.events:,}")
    yield from _suspicion(one)
    yield from _several("evidence", [_evidence(said) for said in one.evidence], one.evidence_left_out)
    yield from _several("path", list(_path(one)))
    yield from _several("paged", [_page(page) for page in one.pages] or ["nobody"])
    yield from _several("why together", [_link(link) for link in one.links[:_MOST_SERVICES]])
    if one.recurs_of:
        yield _line("seen before as", listed([name[:12] for name in one.recurs_of], 3))
    if one.merged_from:
        yield _line("merged from", listed([name[:12] for name in one.merged_from]))
    if one.labelled is not None:
        hits = [_hit(hit, one.events) for hit in one.labelled]
        yield from _several("labelled incident", hits or ["none: its alerts belong to no labelled incident"])
    yield from _several("missing", [_missing(gap) for gap in one.missing] or ["nothing we know to ask for"])


def _suspicion(one: IncidentView) -> Iterator[str]:
    if not one.hypotheses:
        yield _line("starting hypothesis", "none: the correlator named nobody")
        return
    first, *others = one.hypotheses
    yield _line("starting hypothesis", first.service)
    yield _line("reason", first.reason)
    if first.evidence:
        yield _line("points", _points(first.evidence, signed=True))
    beside = listed([f"{other.service} {other.confidence:.2f}" for other in others], 3)
    yield _line("confidence", f"{first.confidence:.2f}{f'; then {beside}' if beside else ''}")


def _service(service: ServiceView) -> str:
    known = ", ".join(said for said in (service.team, service.tier) if said)
    return f"{service.service} ({known})" if known else service.service


def _evidence(said: EvidenceView) -> str:
    between = f"{said.lower_bound:.3g} to {said.upper_bound:.3g}"
    text = (
        f"{said.metric_name} of {said.service} {said.value:.3g}, expected {said.expected:.3g} ({between}),"
        f" score {said.anomaly_score:.2f}, {said.detector}"
    )
    if said.sample_count is not None:
        text += f", {counted(said.sample_count, 'sample')}"
    return f"{text}, deploy {said.recent_deploy}" if said.recent_deploy else text


def _path(one: IncidentView) -> Iterator[str]:
    """Services in the order they alerted, with the calls by which the fault may have come."""
    for place, service in enumerate(one.services, 1):
        since = duration((service.first_alert - one.opened_at) / SECOND)
        came = [call.callee for call in one.calls if call.caller == service.service and call.travelled]
        way = f", calls {listed(came, 3)}" if came else ""
        yield f"{place}. {_service(service)} +{since}, {counted(service.alerts, 'alert')}{way}"
        if place == _MOST_SERVICES and len(one.services) > place:
            yield f"and {len(one.services) - place} more services"
            return


def _link(link: Link) -> str:
    return f"{link.service} to {link.to}, {link.score:.2f}: {_points(link.evidence)}"


def _points(evidence: Mapping[str, float], *, signed: bool = False) -> str:
    """Named evidence, what counts most first.

    >>> _points({"hops": 0.2, "owner": 0.5, "deploy": 0.0})
    'owner 0.50, hops 0.20'
    """
    ranked = sorted(evidence.items(), key=lambda item: -abs(item[1]))
    sign = "+" if signed else ""
    return ", ".join(f"{name.replace('_', ' ')} {share:{sign}.2f}" for name, share in ranked if share)


def _page(page: PageView) -> str:
    text = f"{page.route} at {format_instant(page.paged_at)}"
    if page.outcome is None:
        return text
    return f"{text}: {page.outcome.replace('_', ' ')}{f' of {page.hit}' if page.hit else ''}"


def _hit(hit: LabelHit, events: int) -> str:
    named = "not among the hypotheses" if hit.suspected_at is None else f"hypothesis {hit.suspected_at}"
    return (
        f"{hit.incident_id}, {hit.severity}, {hit.kind} at {hit.root_service} ({named});"
        f" {hit.alerts:,} of {events:,} events"
    )


def _missing(gap: MissingContext) -> str:
    return f"{gap.about}: {gap.why}" if gap.about else gap.why


def _line(label: str, text: str) -> str:
    return f"  {label:<{_LABEL}}{text}"


def _several(label: str, texts: list[str], left_out: int = 0) -> Iterator[str]:
    for place, text in enumerate(texts):
        yield _line("" if place else label, text)
    if left_out:
        yield _line("", f"and {left_out:,} more metrics")
