"""How repeated pages spread over incidents: the mean hides the one that paged all night."""

from __future__ import annotations

from titleshot.datasets.contracts.scores import Scorecard

MOST_ROWS = 12


def spread_of(cards: tuple[Scorecard, ...]) -> list[tuple[str, tuple[int, ...]]]:
    """(repeated pages, detected incidents of each contender that had so many); the long end in one row."""
    counts = [dict(card.duplicates_spread) for card in cards]
    numbers = sorted({number for of in counts for number in of})
    if not numbers:
        return []
    rows = [(f"{number:,}", tuple(of.get(number, 0) for of in counts)) for number in numbers[: MOST_ROWS - 1]]
    rest = numbers[MOST_ROWS - 1 :]
    if rest:
        last = tuple(sum(of.get(number, 0) for number in rest) for of in counts)
        rows.append((f"{rest[0]:,} and more", last))
    return rows
