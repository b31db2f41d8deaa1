"""Which of the services of one story probably started it: ranked, with a confidence that stays below 1."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from titleshot.datasets.contracts.incidents import Hypothesis
from titleshot.datasets.contracts.instants import SECOND
from titleshot.detectors.world import World

MOST = 10
"""Hypotheses kept per incident; nobody reads further."""
_NO_ANOMALOUS_CALLEE = 1.2
_RECENT_DEPLOY = 1.5
_PER_DOUBLING = 0.3
_MOST_DOUBLINGS = 6.0
_PER_GAP_LATER = 0.5
_UNSEEN = 1.2


class Member(NamedTuple):
    """What one service contributed: its name as in its first alert, first and last instant, highest u."""

    name: str
    first: int
    last: int
    strangest: float


def ranked(
    members: Mapping[str, Member], at: int, world: World, *, gap_s: float, deploy_within_s: float
) -> tuple[Hypothesis, ...]:
    """Hypotheses, most probable first.

    A service gains if none of the services it calls is anomalous too (what is wrong below shows above), if it
    was deployed within ``deploy_within_s`` before its first alert, by each doubling of its strangeness, and
    loses by the time it came after the first. Points become shares by softmax; one more share stands for a
    starting service that shows no alert at all, so the confidences add up to less than 1.

    Args:
        members: by canonical name.
        gap_s: a service this much later than the first loses as much as a session's gap is worth.
    """
    opened = min(member.first for member in members.values())
    weighed = []
    for service, member in members.items():
        leaf = members.keys().isdisjoint(world.callees(service, at))
        deploy = world.recent_deploy(service, member.first, deploy_within_s)
        later = (member.first - opened) / SECOND
        points = _PER_DOUBLING * min(math.log2(1.0 + member.strangest), _MOST_DOUBLINGS)
        points += _NO_ANOMALOUS_CALLEE * leaf + _RECENT_DEPLOY * (deploy is not None)
        points -= _PER_GAP_LATER * min(later / gap_s, 2.0)
        weighed.append((-points, member.first, service, _reason(leaf, deploy, later)))
    weighed.sort()
    shares = [math.exp(-loss) for loss, *_ in weighed]
    whole = math.fsum(shares) + math.exp(_UNSEEN)
    return tuple(
        Hypothesis(service=members[service].name, reason=reason, confidence=round(share / whole, 4))
        for share, (_, _, service, reason) in zip(shares[:MOST], weighed[:MOST], strict=True)
    )


def _reason(leaf: bool, deploy: str | None, later_s: float) -> str:
    said = ["calls no anomalous service" if leaf else "calls an anomalous service"]
    if deploy is not None:
        said.append(f"{deploy} deployed shortly before")
    said.append("first to alert" if later_s == 0 else f"alerted {later_s:.0f} s after the first")
    return ", ".join(said)
