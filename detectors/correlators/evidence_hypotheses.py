"""Which service of a story probably started it, with the points of each piece of evidence."""

from __future__ import annotations

import math
from collections.abc import Mapping

from titleshot.datasets.contracts.incidents import Hypothesis
from titleshot.datasets.contracts.instants import SECOND
from titleshot.detectors.correlators.evidence_sessions import Member
from titleshot.detectors.world import World

MOST = 10
"""Hypotheses kept per incident; nobody reads further."""
_POINTS = {"no_anomalous_callee": 1.2, "guilty_change": 1.5, "planned_change": 0.5, "named_in_texts": 1.0}
_PER_DOUBLING = 0.3
_MOST_DOUBLINGS = 6.0
_PER_GAP_LATER = 0.5
_UNSEEN = 1.2
"""Points of a starting service that shows no alert at all."""


def evidence_of(
    members: Mapping[str, Member],
    at: int,
    world: World,
    named: Mapping[str, int],
    *,
    gap_s: float,
    sample_period_s: float,
) -> dict[str, dict[str, float]]:
    """Points of each member by the name of the evidence; what says nothing is left out.

    Args:
        members: by canonical name.
        named: how many other members' log and platform events name each service.
        sample_period_s: an onset this much later than the first is no later: sampling cannot tell.
    """
    opened = min(member.first for member in members.values())
    weighed = {}
    for service, member in members.items():
        late = (member.first - opened) / SECOND
        points = {
            "no_anomalous_callee": _POINTS["no_anomalous_callee"]
            * world.callees(service, at).isdisjoint(members),
            "guilty_change": _POINTS["guilty_change"] * (member.deploy is not None),
            "planned_change": _POINTS["planned_change"] * (member.planned is not None),
            "named_in_texts": _POINTS["named_in_texts"] * (named.get(service, 0) > 0),
            "magnitude": _PER_DOUBLING * min(math.log2(1.0 + member.strangest), _MOST_DOUBLINGS),
            "onset": -_PER_GAP_LATER * min(late / gap_s, 2.0) if late > sample_period_s else 0.0,
        }
        weighed[service] = {name: round(each, 4) for name, each in points.items() if each}
    return weighed


def ranked(
    members: Mapping[str, Member], evidence: Mapping[str, Mapping[str, float]]
) -> tuple[Hypothesis, ...]:
    """Hypotheses, most probable first; confidences add up to less than 1."""
    weighed = sorted(
        (-math.fsum(points.values()), members[service].first, service) for service, points in evidence.items()
    )
    odds = [math.exp(-loss) for loss, *_ in weighed]
    whole = math.fsum(odds) + math.exp(_UNSEEN)
    return tuple(
        Hypothesis(
            service=members[service].name,
            reason=_reason(members[service], evidence[service]),
            confidence=round(share / whole, 4),
            evidence=dict(evidence[service]),
        )
        for share, (_, _, service) in zip(odds[:MOST], weighed[:MOST], strict=True)
    )


def _reason(member: Member, points: Mapping[str, float]) -> str:
    lone = "no_anomalous_callee" in points
    said = ["calls no anomalous service" if lone else "calls an anomalous service"]
    if member.deploy is not None:
        said.append(f"{member.deploy} deployed shortly before")
    if member.planned is not None:
        said.append(f"in a planned change ({member.planned})")
    if "named_in_texts" in points:
        said.append("named by logs of the others")
    if "onset" in points:
        said.append("alerted later than the first")
    return ", ".join(said)
