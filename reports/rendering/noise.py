"""Who was paged for nothing: false and repeated pages per service and per route."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from titleshot.datasets.contracts.scores import PageOutcome, Scorecard

MOST_ROWS = 25
_FALSE = {"false", "unmatched"}


@dataclass(frozen=True)
class Noise:
    """Of one service or route; one entry per contender. Widths in percent of the noisiest."""

    name: str
    false: tuple[int, ...]
    repeated: tuple[int, ...]
    false_width: tuple[float, ...]
    repeated_width: tuple[float, ...]


@dataclass(frozen=True)
class NoiseTable:
    """Noisiest first; ``left_out`` have fewer than any row shown."""

    rows: tuple[Noise, ...]
    left_out: int


def per_service(cards: tuple[Scorecard, ...]) -> NoiseTable:
    """A page that names several services counts once for each of them."""
    return _table([((s, p) for p in card.pages for s in p.services) for card in cards])


def per_route(cards: tuple[Scorecard, ...]) -> NoiseTable:
    """A route is whoever a page was sent to: a team's rotation, or a fixed name."""
    return _table([((p.route, p) for p in card.pages) for card in cards])


def _table(lanes: list[Iterable[tuple[str, PageOutcome]]]) -> NoiseTable:
    false: list[Counter[str]] = []
    repeated: list[Counter[str]] = []
    for lane in lanes:
        false.append(Counter())
        repeated.append(Counter())
        for key, page in lane:
            if page.outcome in _FALSE:
                false[-1][key] += 1
            elif page.outcome == "duplicate":
                repeated[-1][key] += 1
    names = {key for counter in (*false, *repeated) for key in counter}
    most = max((f[key] + r[key] for f, r in zip(false, repeated, strict=True) for key in names), default=1)
    ordered = sorted(names, key=lambda key: (-sum(c[key] for c in (*false, *repeated)), key))
    rows = tuple(
        Noise(
            name=key,
            false=tuple(c[key] for c in false),
            repeated=tuple(c[key] for c in repeated),
            false_width=tuple(round(100 * c[key] / most, 2) for c in false),
            repeated_width=tuple(round(100 * c[key] / most, 2) for c in repeated),
        )
        for key in ordered[:MOST_ROWS]
    )
    return NoiseTable(rows, max(0, len(ordered) - MOST_ROWS))
