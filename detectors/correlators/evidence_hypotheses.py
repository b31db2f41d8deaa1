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
_WEIGHTS = {
    "no_anomalous_callee": 0.85,
    "explains_others": 0.5,
    "guilty_change": 1.9,
    "named_in_texts": 2.5,
    "magnitude": 0.6,
    "onset": -0.8,
}
"""Points of each piece of evidence at 1; of magnitude for each doubling of 1 + u."""
_MOST_DOUBLINGS = 6.0
_UNSEEN = 1.2
"""Points of a starting service that shows no alert at all."""
_REAL = (-4.5, 0.75, 0.0, 0.6)
"""Logit of an incident: at nothing, per doubling of 1 + u, of services, of alerts."""


def evidence_of(
    members: Mapping[str, Member],
    at: int,
    world: World,
    named: Mapping[str, int],
    *,
    gap_s: float,
    sample_period_s: float,
    hops: int,
    through: int,
) -> dict[str, dict[str, float]]:
    """Points of each member by the name of the evidence; what says nothing is left out.

    Args:
        members: by canonical name.
        named: how many other members' log and platform events name each service.
        gap_s: an onset so much later than the first counts fully, one twice as late twice.
        sample_period_s: an onset at most this much later than the first is no later: sampling cannot tell.
        hops: calls over which a service can explain who calls it.
        through: callers of a service beyond which nothing is explained through it.
    """
    opened = min(member.first for member in members.values())
    weighed = {}
    for service, member in members.items():
        late = (member.first - opened) / SECOND
        others = len(members) - 1
        strength = {
            "no_anomalous_callee": float(world.callees(service, at).isdisjoint(members)),
            "explains_others": others
            and sum(
                name in members and way.side == "caller"
                for name, way in world.kin(service, at, hops, through).items()
            )
            / others,
            "guilty_change": float(member.deploy is not None),
            "named_in_texts": float(named.get(service, 0) > 0),
            "magnitude": min(math.log2(1.0 + member.strangest), _MOST_DOUBLINGS),
            "onset": min(late / gap_s, 2.0) if late > sample_period_s else 0.0,
        }
        weighed[service] = {name: round(_WEIGHTS[name] * each, 4) for name, each in strength.items() if each}
    return weighed


def ranked(
    members: Mapping[str, Member], evidence: Mapping[str, Mapping[str, float]], real: float
) -> tuple[Hypothesis, ...]:
    """Hypotheses, most probable first; confidences add up to less than ``real``.

    Args:
        real: probability that there is an incident at all.
    """
    weighed = sorted(
        (-math.fsum(points.values()), members[service].first, service) for service, points in evidence.items()
    )
    odds = [math.exp(-loss) for loss, *_ in weighed]
    whole = math.fsum(odds) + math.exp(_UNSEEN)
    return tuple(
        Hypothesis(
            service=members[service].name,
            reason=_reason(members[service], evidence[service]),
            confidence=round(real * share / whole, 4),
            evidence=dict(evidence[service]),
        )
        for share, (_, _, service) in zip(odds[:MOST], weighed[:MOST], strict=True)
    )


def reality(strangest: float, services: int, alerts: int) -> float:
    """Probability that a story is an incident and no noise, from its size; rises with each argument.

    >>> reality(1.1, 1, 1) < 0.2 < reality(8.0, 5, 12)
    True
    """
    size = (1.0, min(math.log2(1.0 + strangest), _MOST_DOUBLINGS), math.log2(services), math.log2(alerts))
    return 1.0 / (1.0 + math.exp(-math.fsum(w * s for w, s in zip(_REAL, size, strict=True))))


def _reason(member: Member, points: Mapping[str, float]) -> str:
    lone = "no_anomalous_callee" in points
    said = ["calls no anomalous service" if lone else "calls an anomalous service"]
    if member.deploy is not None:
        said.append(f"{member.deploy} deployed shortly before")
    if "named_in_texts" in points:
        said.append("named by logs of the others")
    if "onset" in points:
        said.append("alerted later than the first")
    return ", ".join(said)
