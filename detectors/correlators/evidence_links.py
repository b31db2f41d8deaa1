"""Alerts that enough evidence ties to what a story hangs on are that story."""

from __future__ import annotations

import heapq
import weakref
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field, model_validator

from titleshot.datasets.contracts.incidents import IncidentCandidate, Link
from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.record import service_id
from titleshot.datasets.contracts.telemetry import LogEvent, PlatformEvent
from titleshot.detectors.correlators.correlator import (
    Alert,
    Change,
    Correlator,
    CorrelatorParams,
    What,
    incident_id,
)
from titleshot.detectors.correlators.evidence_history import History, Past, print_of
from titleshot.detectors.correlators.evidence_hypotheses import evidence_of, ranked, reality
from titleshot.detectors.correlators.evidence_scores import (
    Share,
    Weights,
    decay,
    kinship,
    noisy_or,
    shares,
)
from titleshot.detectors.correlators.evidence_sessions import Fingerprint, LinkSaid, Member, Session
from titleshot.detectors.correlators.evidence_texts import Texts, text_of
from titleshot.detectors.world import Kin, World

_TIER_POINTS = {"critical": 1, "low": -1}
_OF_A_TEAM = 8
"""Newest sessions of a team that are looked at though no call leads there."""


class EvidenceLinksParams(CorrelatorParams):
    """Parameters of ``evidence_links``."""

    gap_s: Annotated[float, Field(gt=0, le=86_400)] = 1200.0
    """Silence after which a story draws nobody in."""
    reopen_s: Annotated[float, Field(ge=0, le=86_400)] = 600.0
    """How long after its gap a story wakes up again if an alert of it is repeated."""
    cap_s: Annotated[float, Field(gt=0, le=86_400)] = 14_400.0
    """No story lasts longer."""
    reset_s: Annotated[float, Field(gt=0, le=86_400 * 7)] = 86_400.0
    """Every story is cut at multiples of this, counted from 1970: so the past is forgotten for sure."""
    history_resets: Annotated[int, Field(ge=0, le=100)] = 7
    """How many stretches of ``reset_s`` teach what fails together and what recurs; 0: none."""
    half_life_s: Annotated[float, Field(gt=0)] = 3600.0
    """Evidence is worth half between alerts so far apart."""
    hops: Annotated[int, Field(ge=0, le=5)] = 3
    """Calls along which evidence is looked for."""
    through_callers: Annotated[int, Field(ge=1, le=1000)] = 50
    """No way of several calls leads through a service with more callers."""
    deploy_within_s: Annotated[float, Field(ge=0, le=86_400 * 30)] = 3600.0
    """A deploy counts as recent for this long."""
    sample_period_s: Annotated[float, Field(ge=0)] = 60.0
    """Onsets no further apart are not told apart."""
    abstain_below: Share = 0.02
    """No hypothesis is offered where even the first is less sure than this."""
    anchor_share: Annotated[float, Field(ge=0, le=1)] = 0.5
    """What the tie to the anchor counts; the rest is the tie to the nearest member."""
    link_from: Share = 0.45
    """A story takes an alert from this score."""
    weights: Weights = Weights()

    @model_validator(mode="after")
    def _within_reset(self) -> EvidenceLinksParams:
        if self.cap_s > self.reset_s:
            raise ValueError(f"cap_s must be at most reset_s ({self.reset_s:g}), got {self.cap_s:g}")
        if self.gap_s > self.cap_s:
            raise ValueError(f"gap_s must be at most cap_s ({self.cap_s:g}), got {self.gap_s:g}")
        return self


class EvidenceLinks(Correlator):
    """An alert joins the story it is tied to best, by score = a·tie(anchor) + (1 − a)·max tie(member).

    tie(x, y) = 1 − Π (1 − pₖ): a noisy-or of named evidence pₖ = weight · strength · 2^(−Δt / half_life).
    Evidence: same service; a directed way through the calls that hold then (to what x calls, to who calls x,
    or to a common callee; never through a common caller), less with every hop and with the callers of what is
    called; one owner; a shared recent deploy or planned change; log and platform events of the last
    ``gap_s`` that read alike or name the other service; how regularly both started to alert together in
    the last ``history_resets`` days; the time alone.

    Each story hangs on an anchor, the lowest service known to be anomalous: it starts at the first alert and
    moves down to a member the anchor calls. Because the anchor counts ``anchor_share``, A~B~C chains no
    estate into one story. Two stories become one (``merged_into``) where an alert is tied to both and so are
    their anchors.

    A repetition of an alert in an open story joins it without further look. A story draws others for
    ``gap_s`` after its last alert, wakes up for a repetition (same service, metric, direction, detector)
    until ``reopen_s`` later, and is said closed only then, so nothing is taken back. It never lasts longer
    than ``cap_s`` and is cut at every multiple of ``reset_s``.

    An incident recurs (``recurs_of``) of earlier ones with the same anchor that share half of the alerts of
    the rarer one: they are other incidents, not duplicates.

    Severity adds a point each for strangeness (u from 2, from 4), blast radius (from 2 services, from 4),
    persistence (from 3 alerts, from 6) and a critical tier, and takes one where all tiers are low.

    Assumes: calls are known; what is wrong below shows above.
    Deaf to: causes that share no call, owner, change or text (a node nobody listed); a story across midnight
    UTC (with the default reset) becomes two.
    Cost: an alert of a member is a few lookups; one of another service looks at its kin and at no more than
    8 stories of its team.
    Source: sessions as in stream processing (Akidau et al. 2015); noisy-or as in Pearl 1988.
    """

    family = "evidence_links"
    Params = EvidenceLinksParams
    hears_texts = True

    def __init__(self, params: EvidenceLinksParams) -> None:
        super().__init__(params)
        self.params: EvidenceLinksParams = params
        self._gap = round(params.gap_s * SECOND)
        self._quiet = self._gap + round(params.reopen_s * SECOND)
        self._cap = round(params.cap_s * SECOND)
        self._reset = round(params.reset_s * SECOND)
        self._texts = Texts(self._gap, self._reset)
        self._history = History(self._reset, params.history_resets, self._gap)
        self._clear()

    def _clear(self) -> None:
        self._sessions: dict[str, Session] = {}
        self._home: dict[str, Session] = {}  # canonical service to the session of its last alert
        self._of_team: dict[str, list[str]] = {}  # team to its newest sessions, oldest first
        self._events: set[str] = set()
        self._dues: list[tuple[int, str]] = []  # heap; an entry may be early, never late

    @property
    def memory_s(self) -> float:
        # What recurs is a story made with the history of its own day, which closes a day later.
        resets = self.params.history_resets
        return (2 * resets + 3 if resets else 1) * self._reset / SECOND

    def alert(self, alert: Alert, clock: int, world: World) -> list[Change]:
        if alert.event_id in self._events:
            return []
        at = alert.timestamp
        service = world.canonical(alert.service, at)
        self._history.hear(service, at)
        fingerprint = Fingerprint(service, alert.metric_name, alert.direction, alert.detector)
        changes: list[Change] = []
        session = self._repeated(service, fingerprint, at)
        if session is not None:
            session.moves()
            session.reopened += at - session.last > self._gap
            self._take(alert, session, service, fingerprint, session.members[service])
            return [self._change("joined", session, clock, world)]
        new = self._newcomer(alert, service, world)
        kin = world.kin(service, at, self.params.hops, self.params.through_callers)
        found = self._tied(alert.event_id, service, new, kin)
        session = found[0][0] if found else self._open(alert, service)
        if found and service not in session.members:
            session.moves()
            session.link(found[0][1])
        self._take(alert, session, service, fingerprint, session.members.get(service, new))
        points = _TIER_POINTS.get(world.tier(service, at) or "", 0)
        session.tier_points = max(session.tier_points, points)
        if not found:
            session.recurs_of = self._earlier(session)
        self._sink(session, service, kin)
        for other, _ in found[1:]:
            session = self._merge(session, other, at, clock, world, changes)
        if new.team is not None:
            self._note_team(new.team, session)
        changes.append(self._change("joined" if found else "opened", session, clock, world))
        return changes

    def hear(self, event: LogEvent | PlatformEvent, world: World) -> None:
        text = text_of(event)
        if text is not None:
            named = service_id(event.namespace, event.service)
            self._texts.note(world.canonical(named, event.timestamp), text, event.timestamp)

    def due(self) -> int | None:
        while self._dues:
            early, name = self._dues[0]
            session = self._sessions.get(name)
            if session is None:
                heapq.heappop(self._dues)
            elif self._due(session) == early:
                return early
            else:
                heapq.heapreplace(self._dues, (self._due(session), name))
        return None

    def tick(self, now: int, clock: int, world: World) -> list[Change]:
        changes = []
        while (due := self.due()) is not None and due <= now:
            session = self._sessions[heapq.heappop(self._dues)[1]]
            self._drop(session)
            session.recurs_of = self._earlier(session)
            self._learn(session)
            changes.append(self._change("closed", session, clock, world))
        return changes

    def flush(self, clock: int, world: World) -> list[Change]:
        changes = []
        for session in sorted(self._sessions.values(), key=lambda s: (self._due(s), s.incident_id)):
            self._drop(session)
            session.recurs_of = self._earlier(session)
            changes.append(self._change("closed", session, clock, world, flushed=True))
        self._dues.clear()
        return changes

    def state(self) -> dict[str, Any]:
        return {
            "sessions": [session.state() for session in self._sessions.values()],
            "home": [[service, session.incident_id] for service, session in self._home.items()],
            "texts": self._texts.state(),
            "history": self._history.state(),
            "of_team": [[team, list(names)] for team, names in self._of_team.items()],
        }

    def load(self, state: dict[str, Any]) -> None:
        self._clear()
        self._texts.load(state["texts"])
        self._history.load(state["history"])
        for row in state["sessions"]:
            session = Session.of(row)
            self._sessions[session.incident_id] = session
            self._events.update(session.events)
            self._dues.append((self._due(session), session.incident_id))
        heapq.heapify(self._dues)
        self._home = {service: self._sessions[name] for service, name in state["home"]}
        self._of_team = {team: list(names) for team, names in state["of_team"]}

    def _due(self, session: Session) -> int:
        """From this instant on nothing can join."""
        return min(session.last + self._quiet, session.cut)

    def _repeated(self, service: str, fingerprint: Fingerprint, at: int) -> Session | None:
        """The open story that an alert of a service already in it goes on with."""
        session = self._home.get(service)
        if session is None or at >= session.cut:
            return None
        silent = at - session.last
        if silent > self._gap:
            return session if silent <= self._quiet and fingerprint in session.prints else None
        return session if at - session.members[service].last <= self._quiet else None

    def _take(
        self, alert: Alert, session: Session, service: str, fingerprint: Fingerprint, member: Member
    ) -> None:
        session.moves()
        member = member._replace(last=alert.timestamp, strangest=max(member.strangest, alert.strangeness))
        session.take(alert, service, member, fingerprint)
        self._events.add(alert.event_id)
        self._home[service] = session

    def _newcomer(self, alert: Alert, service: str, world: World) -> Member:
        at = alert.timestamp
        deploy = world.recent_deploy(service, at, self.params.deploy_within_s)
        return Member(
            alert.service,
            at,
            at,
            alert.strangeness,
            world.team(service, at),
            deploy,
            world.planned_change(service, at),
        )

    def _tied(
        self, event_id: str, service: str, new: Member, kin: Mapping[str, Kin]
    ) -> list[tuple[Session, LinkSaid]]:
        """Stories that take the alert, best tied first."""
        params, at = self.params, new.first
        near: dict[str, tuple[Session, list[str]]] = {}
        for name, session in self._around(service, new, kin):
            if at >= session.cut or at - session.last > self._gap:
                continue
            _, members = near.setdefault(session.incident_id, (session, []))
            if name is not None:
                members.append(name)
        found = []
        for session, members in near.values():
            to_anchor = self._tie(service, new, session.anchor, session.members[session.anchor], kin)
            anchored = noisy_or(to_anchor)
            best, to_best, nearest = session.anchor, to_anchor, anchored
            for name in members:
                tie = self._tie(service, new, name, session.members[name], kin)
                strength = noisy_or(tie)
                if (strength, best) > (nearest, name):
                    best, to_best, nearest = name, tie, strength
            score = params.anchor_share * anchored + (1 - params.anchor_share) * nearest
            if score < params.link_from:
                continue
            evidence: dict[str, float] = {}
            for share, tie in ((params.anchor_share, to_anchor), (1 - params.anchor_share, to_best)):
                for name, part in shares(tie).items():
                    evidence[name] = evidence.get(name, 0.0) + share * part
            rounded = {name: round(part, 4) for name, part in sorted(evidence.items())}
            said = LinkSaid(
                event_id, new.name, session.members[best].name, session.members[session.anchor].name,
                round(score, 4), rounded,
            )  # fmt: skip
            found.append((-score, session.opened_at, session.incident_id, session, said))
        found.sort(key=lambda each: each[:3])
        return [(session, said) for *_, session, said in found]

    def _around(
        self, service: str, new: Member, kin: Mapping[str, Kin]
    ) -> Iterator[tuple[str | None, Session]]:
        """Stories worth a look, each with a member that is near, or None."""
        home = self._home
        if service in home:
            yield service, home[service]
        for name in kin if len(kin) < len(home) else [name for name in home if name in kin]:
            session = home.get(name)
            if session is not None:
                yield name, session
        for named in self._texts.beside(service, new.first):
            if named in home and named not in kin:
                yield named, home[named]
        for partner in self._history.partners(service, new.first):
            if partner in home and partner not in kin:
                yield partner, home[partner]
        for known in self._of_team.get(new.team or "", ()):
            if known in self._sessions:
                yield None, self._sessions[known]

    def _tie(
        self, service: str, new: Member, other: str, known: Member, kin: Mapping[str, Kin]
    ) -> dict[str, float]:
        """Named evidence between a newcomer and a member, strongest possible 1."""
        weights = self.params.weights
        near = decay((new.first - known.last) / SECOND, self.params.half_life_s)
        tie = {"time": weights.time * near}
        if other == service:
            tie["same_service"] = weights.same_service * near
            return tie
        way = kin.get(other)
        if way is not None:
            tie["topology"] = kinship(way, weights) * near
        if new.team is not None and new.team == known.team:
            tie["owner"] = weights.owner * near
        regular = self._history.partners(service, new.first).get(other, 0.0)
        if regular:
            tie["history"] = weights.history * regular * near
        alike = self._texts.likeness(service, other, new.first)
        if alike:
            tie["text"] = weights.text * alike * near
        changed = (new.deploy is not None) + (known.deploy is not None)
        same_plan = new.planned is not None and new.planned == known.planned
        if changed == 2 or same_plan or (changed and way is not None and way.hops == 1):
            tie["change"] = weights.change * near
        return tie

    def _open(self, alert: Alert, service: str) -> Session:
        name = incident_id(self.name, alert.event_id)
        at = alert.timestamp
        cut = min(at + self._cap, (at // self._reset + 1) * self._reset)
        session = self._sessions[name] = Session(name, at, cut)
        session.anchor = service
        heapq.heappush(self._dues, (min(at + self._quiet, cut), name))
        return session

    def _sink(self, session: Session, service: str, kin: Mapping[str, Kin]) -> None:
        """Hang the story on ``service`` if the anchor calls it: what is wrong below shows above."""
        way = kin.get(session.anchor)
        if way is not None and way.side == "caller":
            session.anchor = service

    def _merge(
        self, one: Session, other: Session, at: int, clock: int, world: World, changes: list[Change]
    ) -> Session:
        """Make two stories one if their anchors are tied; the one opened first stays."""
        kept, gone = sorted((one, other), key=lambda s: (s.opened_at, s.incident_id))
        kin = world.kin(kept.anchor, at, self.params.hops, self.params.through_callers)
        near, far = kept.members[kept.anchor], gone.members[gone.anchor]
        # Both are alive, so what lies between their last alerts and now is at most a gap.
        tie = self._tie(kept.anchor, near._replace(first=near.last), gone.anchor, far, kin)
        if noisy_or(tie) < self.params.link_from:
            return one
        kept.moves()
        gone.moves()
        self._drop(gone)
        changes.append(self._change("closed", gone, clock, world, merged_into=kept.incident_id))
        kept.absorb(gone)
        self._sink(
            kept, gone.anchor, world.kin(gone.anchor, at, self.params.hops, self.params.through_callers)
        )
        self._events.update(gone.events)
        for service in gone.members:
            self._home.setdefault(service, kept)
        return kept

    def _earlier(self, session: Session) -> tuple[str, ...]:
        prints = frozenset(map(print_of, session.prints))
        return self._history.earlier(session.anchor, prints, session.opened_at)

    def _learn(self, session: Session) -> None:
        prints = frozenset(map(print_of, session.prints))
        self._history.learn(Past(session.incident_id, session.opened_at, session.anchor, prints))

    def _note_team(self, team: str, session: Session) -> None:
        names = [n for n in self._of_team.get(team, ()) if n in self._sessions and n != session.incident_id]
        self._of_team[team] = [*names[1 - _OF_A_TEAM :], session.incident_id]

    def _drop(self, session: Session) -> None:
        session.moves()
        del self._sessions[session.incident_id]
        self._events.difference_update(session.events)
        for service, member in session.members.items():
            if self._home.get(service) is session:
                del self._home[service]
            if member.team in self._of_team:
                names = [name for name in self._of_team[member.team] if name in self._sessions]
                self._of_team[member.team] = names
                if not names:
                    del self._of_team[member.team]

    def _change(
        self,
        what: What,
        session: Session,
        clock: int,
        world: World,
        *,
        merged_into: str | None = None,
        flushed: bool = False,
    ) -> Change:
        def candidate() -> IncidentCandidate:
            return self._candidate(what, session, clock, world, merged_into, flushed=flushed)

        change = Change(what, session.incident_id, session.severity, len(session.events), candidate)
        # Copying a large story at each alert would cost more than all else: it is written out on demand.
        session.told = weakref.ref(change)
        return change

    def _candidate(
        self,
        what: What,
        session: Session,
        clock: int,
        world: World,
        merged_into: str | None,
        *,
        flushed: bool,
    ) -> IncidentCandidate:
        params, members = self.params, session.members
        evidence = evidence_of(
            members,
            session.last,
            world,
            self._texts.naming(list(members), session.last),
            gap_s=params.gap_s,
            sample_period_s=params.sample_period_s,
            hops=params.hops,
            through=params.through_callers,
        )
        real = reality(session.strangest, len(members), len(session.events))
        hypotheses = ranked(members, evidence, real)
        silent = hypotheses[0].confidence < params.abstain_below
        return IncidentCandidate(
            incident_id=session.incident_id,
            status="closed" if what == "closed" else "opened",
            severity=session.severity,
            services=tuple(sorted({member.name for member in members.values()})),
            event_ids=tuple(session.events),
            opened_at=session.opened_at,
            last_event_at=session.last,
            emitted_at=clock,
            hypotheses=() if silent else hypotheses,
            merged_into=merged_into,
            correlator=self.name,
            flushed=flushed,
            links=tuple(Link(**link._asdict()) for link in session.links),
            recurs_of=session.recurs_of if params.history_resets else None,
            reopened=session.reopened or None,
            abstains=f"no service is {params.abstain_below:.0%} sure to have started it" if silent else None,
        )
