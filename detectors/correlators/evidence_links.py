"""Alerts that enough evidence ties to what a story hangs on are that story."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any

from titleshot.datasets.contracts.incidents import IncidentCandidate, Link
from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.record import service_id
from titleshot.datasets.contracts.telemetry import LogEvent, PlatformEvent
from titleshot.detectors.correlators.correlator import (
    Alert,
    Change,
    Correlator,
    What,
    incident_id,
)
from titleshot.detectors.correlators.evidence_history import History, Past, print_of
from titleshot.detectors.correlators.evidence_hypotheses import evidence_of, ranked, reality
from titleshot.detectors.correlators.evidence_params import EvidenceLinksParams
from titleshot.detectors.correlators.evidence_scores import noisy_or
from titleshot.detectors.correlators.evidence_sessions import Fingerprint, LinkSaid, Member, Session
from titleshot.detectors.correlators.evidence_stories import Stories
from titleshot.detectors.correlators.evidence_texts import Texts, text_of
from titleshot.detectors.correlators.evidence_ties import Ties
from titleshot.detectors.kin import Kin
from titleshot.detectors.world import World

_TIER_POINTS = {"critical": 1, "low": -1}


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
        reset, gap = round(params.reset_s * SECOND), round(params.gap_s * SECOND)
        self._texts = Texts(gap, reset)
        self._history = History(reset, params.history_resets, gap)
        self._ties = Ties(params, self._texts, self._history)
        self._stories = Stories(params)

    @property
    def memory_s(self) -> float:
        # What recurs is a story made with the history of its own day, which closes a day later.
        resets = self.params.history_resets
        return (2 * resets + 3 if resets else 1) * self.params.reset_s

    def alert(self, alert: Alert, clock: int, world: World) -> list[Change]:
        if alert.event_id in self._stories.events:
            return []
        at = alert.timestamp
        service = world.canonical(alert.service, at)
        self._history.hear(service, at)
        fingerprint = Fingerprint(service, alert.metric_name, alert.direction, alert.detector)
        changes: list[Change] = []
        session = self._stories.repeated(service, fingerprint, at)
        if session is not None:
            session.moves()
            session.reopened += self._stories.awakened(session, at)
            self._take(alert, session, service, fingerprint, session.members[service])
            return [self._change("joined", session, clock, world)]
        new = self._newcomer(alert, service, world)
        kin = world.kin(service, at, self.params.hops, self.params.through_callers)
        found = self._tied(alert.event_id, service, new, kin)
        name = incident_id(self.name, alert.event_id)
        session = found[0][0] if found else self._stories.open(name, at, service)
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
            self._stories.note_team(new.team, session)
        changes.append(self._change("joined" if found else "opened", session, clock, world))
        return changes

    def hear(self, event: LogEvent | PlatformEvent, world: World) -> None:
        text = text_of(event)
        if text is not None:
            named = service_id(event.namespace, event.service)
            self._texts.note(world.canonical(named, event.timestamp), text, event.timestamp)

    def due(self) -> int | None:
        return self._stories.due()

    def tick(self, now: int, clock: int, world: World) -> list[Change]:
        changes = []
        for session in self._stories.ended(now):
            session.recurs_of = self._earlier(session)
            prints = frozenset(map(print_of, session.prints))
            self._history.learn(Past(session.incident_id, session.opened_at, session.anchor, prints))
            changes.append(self._change("closed", session, clock, world))
        return changes

    def flush(self, clock: int, world: World) -> list[Change]:
        changes = []
        for session in self._stories.all_ended():
            session.recurs_of = self._earlier(session)
            changes.append(self._change("closed", session, clock, world, flushed=True))
        return changes

    def state(self) -> dict[str, Any]:
        return {
            "stories": self._stories.state(),
            "texts": self._texts.state(),
            "history": self._history.state(),
        }

    def load(self, state: dict[str, Any]) -> None:
        self._stories.load(state["stories"])
        self._texts.load(state["texts"])
        self._history.load(state["history"])

    def _take(
        self, alert: Alert, session: Session, service: str, fingerprint: Fingerprint, member: Member
    ) -> None:
        session.moves()
        member = member._replace(last=alert.timestamp, strangest=max(member.strangest, alert.strangeness))
        session.take(alert, service, member, fingerprint)
        self._stories.events.add(alert.event_id)
        self._stories.home[service] = session

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
        found = []
        for session, members in self._stories.near(service, new, kin, self._ties):
            said = self._ties.link(event_id, service, new, session, members, kin)
            if said is not None:
                found.append((session, said))
        return sorted(found, key=lambda each: (-each[1].score, each[0].opened_at, each[0].incident_id))

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
        tie = self._ties.tie(kept.anchor, near._replace(first=near.last), gone.anchor, far, kin)
        if noisy_or(tie) < self.params.link_from:
            return one
        kept.moves()
        gone.moves()
        self._stories.drop(gone)
        changes.append(self._change("closed", gone, clock, world, merged_into=kept.incident_id))
        kept.absorb(gone)
        self._sink(
            kept, gone.anchor, world.kin(gone.anchor, at, self.params.hops, self.params.through_callers)
        )
        self._stories.events.update(gone.events)
        for service in gone.members:
            self._stories.home.setdefault(service, kept)
        return kept

    def _earlier(self, session: Session) -> tuple[str, ...]:
        prints = frozenset(map(print_of, session.prints))
        return self._history.earlier(session.anchor, prints, session.opened_at)

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
