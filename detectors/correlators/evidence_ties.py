"""What ties an alert of one service to a member of a story, and so to the story."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from titleshot.datasets.contracts.instants import SECOND
from titleshot.detectors.correlators.evidence_history import History
from titleshot.detectors.correlators.evidence_params import EvidenceLinksParams
from titleshot.detectors.correlators.evidence_scores import decay, kinship, noisy_or, shares
from titleshot.detectors.correlators.evidence_sessions import LinkSaid, Member, Session
from titleshot.detectors.correlators.evidence_texts import Texts
from titleshot.detectors.kin import Kin


class Ties:
    """Weighs evidence from the call graph, owners, changes, texts and history."""

    def __init__(self, params: EvidenceLinksParams, texts: Texts, history: History) -> None:
        self.params = params
        self.texts = texts
        self.history = history

    def tie(
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
        regular = self.history.partners(service, new.first).get(other, 0.0)
        if regular:
            tie["history"] = weights.history * regular * near
        alike = self.texts.likeness(service, other, new.first)
        if alike:
            tie["text"] = weights.text * alike * near
        changed = (new.deploy is not None) + (known.deploy is not None)
        same_plan = new.planned is not None and new.planned == known.planned
        if changed == 2 or same_plan or (changed and way is not None and way.hops == 1):
            tie["change"] = weights.change * near
        return tie

    def link(
        self,
        event_id: str,
        service: str,
        new: Member,
        session: Session,
        members: Iterable[str],
        kin: Mapping[str, Kin],
    ) -> LinkSaid | None:
        """How an alert of ``service`` is tied to a story; None where that is not enough.

        Args:
            members: those of the story that may be tied closer than its anchor.
        """
        params = self.params
        to_anchor = self.tie(service, new, session.anchor, session.members[session.anchor], kin)
        anchored = noisy_or(to_anchor)
        best, to_best, nearest = session.anchor, to_anchor, anchored
        for name in members:
            tie = self.tie(service, new, name, session.members[name], kin)
            strength = noisy_or(tie)
            if (strength, best) > (nearest, name):
                best, to_best, nearest = name, tie, strength
        score = params.anchor_share * anchored + (1 - params.anchor_share) * nearest
        if score < params.link_from:
            return None
        evidence: dict[str, float] = {}
        for share, tie in ((params.anchor_share, to_anchor), (1 - params.anchor_share, to_best)):
            for name, part in shares(tie).items():
                evidence[name] = evidence.get(name, 0.0) + share * part
        return LinkSaid(
            event_id,
            new.name,
            session.members[best].name,
            session.members[session.anchor].name,
            round(score, 4),
            {name: round(part, 4) for name, part in sorted(evidence.items())},
        )
