"""How right suspicions are, by how sure they are: the abstention curve and the reliability in rows."""

from __future__ import annotations

from titleshot.datasets.contracts.scores import Scorecard
from titleshot.reports.rendering.wording import amount

MOST_ROWS = 10


def abstention_of(
    cards: tuple[Scorecard, ...], roles: tuple[str, ...]
) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """Per contender with a curve, (at least so sure, share of suspicions left, share of these right).

    At most ``MOST_ROWS`` of a curve, its two ends among them.
    """
    found = []
    for card, role in zip(cards, roles, strict=True):
        curve = () if card.correlation is None else card.correlation.abstention_curve
        if not curve:
            continue
        last = len(curve) - 1
        places = sorted({round(step * last / (MOST_ROWS - 1)) for step in range(MOST_ROWS)})
        rows = [tuple(amount(number, "ratio") for number in curve[place]) for place in places]
        found.append((role, [(sure, left, right) for sure, left, right in rows]))
    return found


def reliability_of(
    cards: tuple[Scorecard, ...], roles: tuple[str, ...]
) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """Per contender with any, (confidence stated, share found right, suspicions) of the held-out span."""
    return [
        (role, [(amount(said, "ratio"), amount(found, "ratio"), f"{n:,}") for said, found, n in rows])
        for card, role in zip(cards, roles, strict=True)
        if card.correlation is not None and (rows := card.correlation.reliability)
    ]
