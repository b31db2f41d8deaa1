"""The paging rule: which incidents reach a route, when, and with which services named."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from titleshot.datasets.contracts.incidents import IncidentCandidate, Page
from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.record import SEVERITIES, Severity
from titleshot.datasets.contracts.telemetry import Name
from titleshot.detectors.correlators.correlator import Alert, Change
from titleshot.detectors.witnesses import Witnesses, WitnessParams
from titleshot.detectors.world import World

_AFRESH = 4


class PagingParams(BaseModel):
    """Parameters of the paging rule, part of the recipe."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    minimum_severity: Severity = "low"
    minimum_events: Annotated[int, Field(ge=1)] = 1
    maximum_tail_probability: Annotated[float, Field(gt=0, lt=1)] | None = None
    """The incident must have an alert this rare for its series. An alert of which that is not known counts as
    rare: a cold start silences nobody."""
    route: Name = "by_owner"
    """``by_owner``: the team that owns the probable service; anything else is the one route there is."""
    default_route: Name = "on-call"
    """Where ``by_owner`` pages about a service nobody is known to own."""
    cooldown_s: Annotated[float, Field(ge=0, le=86_400 * 30)] = 0.0
    maximum_services: Annotated[int, Field(ge=1, le=1000)] = 5
    """Services a page may name, those of the best hypotheses first."""
    witnesses: WitnessParams | None = None
    """Who may speak alone where a service and its neighbours have a single series; None: nobody may."""


class PagingRule:
    """Pages once per incident, as soon as it is severe and large enough; closes the page with the incident.

    Services, route and probable service are those at the moment of paging and never change. An incident
    merged into another hands its page over: the one it became part of pages no second time, and the page
    closes with it; if both have paged one route already, the page handed over closes at once.

    ``cooldown_s``: a route is not paged again about the same probable service before incidents about it have
    been quiet for that long. At every fourth multiple of it, counted from 1970, this starts afresh: a service
    that never falls quiet still pages, and what happened long ago is forgotten.
    """

    def __init__(self, params: PagingParams) -> None:
        self.params = params
        self._cooldown = round(params.cooldown_s * SECOND)
        self._least = SEVERITIES.index(params.minimum_severity)
        self._rare = params.maximum_tail_probability
        self._rarest: dict[str, float] = {}  # open incident to the least tail probability of its alerts
        self._tail = 0.0  # of the alert that was heard last; not known counts as rare
        self._open: dict[str, list[Page]] = {}  # by the incident they close with
        self._stirred: dict[tuple[str, str | None], int] = {}  # (route, probable service) to clock
        self._witnesses = Witnesses(params.witnesses) if params.witnesses else None

    @property
    def memory_s(self) -> float:
        """Beyond incidents that are still open, the rule depends on no more than this much of the past."""
        seen_s = self.params.witnesses.seen_s if self.params.witnesses else 0.0
        return _AFRESH * self.params.cooldown_s + seen_s

    def hears(self, alert: Alert, world: World) -> bool:
        """Note who speaks; False: it is to be no part of a story. The changes that follow are due to it."""
        self._tail = alert.tail_probability or 0.0
        return self._witnesses is None or self._witnesses.hears(alert, world)

    def consider(self, change: Change, clock: int, world: World) -> list[Page]:
        """Pages sent or closed because of a change; ``clock`` becomes ``paged_at`` or ``closed_at``."""
        if change.what == "closed":
            if self._rare is not None:
                self._merge_rarest(change)
            return self._close(change.candidate, clock)
        if self._rare is not None:
            known = self._rarest.get(change.incident_id, 1.0)
            self._rarest[change.incident_id] = min(known, self._tail)
        paged = self._open.get(change.incident_id)
        if paged is not None:
            if self._cooldown:
                self._stirred.update(((page.route, page.probable_service), clock) for page in paged)
            return []
        enough = (
            change.event_count >= self.params.minimum_events
            and SEVERITIES.index(change.severity) >= self._least
            and (self._rare is None or self._rarest[change.incident_id] <= self._rare)
        )
        if self._witnesses is not None:
            enough = self._witnesses.suffice(enough)
        return self._page(change.candidate, clock, world) if enough else []

    def state(self) -> dict[str, Any]:
        """JSON that :meth:`load` continues from."""
        return {
            "open": [
                [name, [p.model_dump(mode="json") for p in pages]] for name, pages in self._open.items()
            ],
            "stirred": [[*key, clock] for key, clock in self._stirred.items()],
            **({} if self._witnesses is None else {"witnesses": self._witnesses.state()}),
            **({} if self._rare is None else {"rarest": self._rarest}),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._open = {name: [Page.model_validate(page) for page in pages] for name, pages in state["open"]}
        self._stirred = {(route, service): clock for route, service, clock in state["stirred"]}
        if self._witnesses is not None:
            self._witnesses.load(state["witnesses"])
        if self._rare is not None:
            self._rarest = dict(state["rarest"])

    def _merge_rarest(self, change: Change) -> None:
        rarest, heir = self._rarest.pop(change.incident_id, 1.0), change.candidate.merged_into
        if heir is not None:
            self._rarest[heir] = min(self._rarest.get(heir, 1.0), rarest)

    def _page(self, incident: IncidentCandidate, clock: int, world: World) -> list[Page]:
        probable = incident.hypotheses[0].service if incident.hypotheses else None
        route = self._route(probable, clock, world)
        if self._cooldown and self._held(route, probable, clock):
            return []
        page = Page(
            page_id=page_id(incident.incident_id, route),
            incident_id=incident.incident_id,
            status="sent",
            route=route,
            severity=incident.severity,
            services=_named(incident, self.params.maximum_services),
            opened_at=incident.opened_at,
            paged_at=clock,
            last_event_at=incident.last_event_at,
            probable_service=probable,
            summary=_summary(incident),
            flushed=incident.flushed,
        )
        self._open[incident.incident_id] = [page]
        return [page]

    def _route(self, probable: str | None, clock: int, world: World) -> str:
        if self.params.route != "by_owner":
            return self.params.route
        owner = world.team(probable, clock) if probable is not None else None
        return owner or self.params.default_route

    def _held(self, route: str, probable: str | None, clock: int) -> bool:
        last = self._stirred.get((route, probable))
        afresh = clock // (_AFRESH * self._cooldown)
        if last is None:
            # Few keys are new, and of a storm's many the sizes that are powers of two are few: the moment to
            # let go of those that no longer matter.
            size = len(self._stirred)
            if size & (size - 1) == 0:
                self._stirred = {
                    key: then for key, then in self._stirred.items() if self._matters(then, clock, afresh)
                }
        self._stirred[route, probable] = clock
        return last is not None and self._matters(last, clock, afresh)

    def _matters(self, last: int, clock: int, afresh: int) -> bool:
        return clock - last < self._cooldown and last // (_AFRESH * self._cooldown) == afresh

    def _close(self, incident: IncidentCandidate, clock: int) -> list[Page]:
        pages = self._open.pop(incident.incident_id, [])
        if not pages:
            return []
        if incident.merged_into is not None:
            kept = self._open.setdefault(incident.merged_into, [])
            routes = {page.route for page in kept}
            kept += [page for page in pages if page.route not in routes]
            pages = [page for page in pages if page.route in routes]
        closed = {"status": "closed", "closed_at": clock, "flushed": incident.flushed}
        return [page.model_copy(update={**closed, "last_event_at": incident.last_event_at}) for page in pages]


def page_id(incident_id: str, route: str) -> str:
    """32 hex digits from the incident and the route: equal however often it is said.

    >>> page_id("i1", "checkout")[:8]
    '291934fd'
    """
    return hashlib.blake2b(f"{incident_id}\n{route}".encode(), digest_size=16).hexdigest()


def _named(incident: IncidentCandidate, most: int) -> tuple[str, ...]:
    """Services by rank of their hypothesis, the rest by name, at most ``most``."""
    by_rank = dict.fromkeys(hypothesis.service for hypothesis in incident.hypotheses)
    return tuple({**by_rank, **dict.fromkeys(incident.services)})[:most]


def _summary(incident: IncidentCandidate) -> str:
    size = f"{_counted(incident.event_ids, 'alert')} on {_counted(incident.services, 'service')}"
    if not incident.hypotheses:
        return size
    best = incident.hypotheses[0]
    return f"{best.service} probably first ({best.confidence:.0%} sure: {best.reason}); {size}"


def _counted(things: tuple[str, ...], noun: str) -> str:
    return f"{len(things)} {noun}{'' if len(things) == 1 else 's'}"
