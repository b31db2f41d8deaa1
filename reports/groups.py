"""Parts of a tally: one severity, kind, service or team.

Severity and kind are the label's. A service's incidents are those it was the root of, a team's those whose
root it owned when they started. Pages belong to the service they are counted under and the team they woke.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from titleshot.reports.exposure import NO_OWNER
from titleshot.reports.scores.score import Group
from titleshot.reports.tally import Tally
from titleshot.reports.terms import Contestant, Terms

GROUPS: tuple[Group, ...] = get_args(Group)


def names(terms: Terms, contestants: Sequence[Contestant], group: Group) -> list[str]:
    """The groups with anything to score: an incident, or a page of one of the contestants."""
    scored = contestants[0].matched.matching.incidents.scored
    found = set(_of_incidents(contestants[0], group)[scored].tolist())
    if group == "team":
        return list(terms.exposure.rotations)
    if group == "service":
        found.update(head for one in contestants for head in one.heads)
        return sorted(found & set(terms.exposure.services))
    return sorted(found)


def part(terms: Terms, contestant: Contestant, tally: Tally, group: Group, name: str) -> Tally:
    """Only that group of a contestant's tally."""
    alone = tally.incidents_where(_of_incidents(contestant, group) == name)
    exposure = terms.exposure
    if group == "service":
        days = exposure.service_days[:, exposure.services.index(name)]
        return alone.pages_where(np.array([head == name for head in contestant.heads], bool), days * 0, days)
    if group == "team":
        rotation = exposure.rotations.index(name)
        weeks = exposure.weeks[:, rotation]
        shifts = None if exposure.shifts_of is None else exposure.shifts_of[:, rotation]
        return alone.pages_where(contestant.rotations == rotation, weeks, weeks * 0, shifts)
    return alone


def _of_incidents(contestant: Contestant, group: Group) -> NDArray[Any]:
    matched = contestant.matched
    if group == "service":
        found = matched.roots
    elif group == "team":
        found = [team or NO_OWNER for team in matched.teams]
    else:
        found = [str(getattr(label, group)) for label in matched.incidents]
    return np.array(found, object)
