"""How soon incidents are paged: the share of all of them within a delay."""

from __future__ import annotations

from dataclasses import dataclass

from titleshot.datasets.contracts.scores import Scorecard
from titleshot.reports.rendering.axes import steps
from titleshot.reports.rendering.wording import amount, duration


@dataclass(frozen=True)
class Line:
    """``path`` in a square of 1000 by 1000."""

    role: str
    path: str


@dataclass(frozen=True)
class Curve:
    """Ticks in percent with their labels; ``limit`` is the delay after which a page no longer helps.

    ``rows`` say the same in numbers: (delay, share per contender).
    """

    lines: tuple[Line, ...]
    across: tuple[tuple[float, str], ...]
    up: tuple[tuple[float, str], ...]
    limit: float | None
    limit_label: str
    rows: tuple[tuple[str, tuple[str, ...]], ...]


def delay_curve(cards: tuple[Scorecard, ...], roles: tuple[str, ...]) -> Curve | None:
    """Share of all incidents paged within a delay, as steps; None without a curve.

    Drawn up to about six times the decision's delay: what comes a day late would squeeze what matters.
    """
    places = sorted({delay for card in cards for delay, _ in card.delay_curve})
    if not places or places[-1] <= 0:
        return None
    limit_s = cards[-1].settings.detect_within_s
    until = next((place for place in places if place >= 6 * limit_s), places[-1])
    return Curve(
        lines=tuple(
            Line(role, _steps([point for point in card.delay_curve if point[0] <= until], until))
            for card, role in zip(cards, roles, strict=True)
            if card.delay_curve
        ),
        across=tuple((round(100 * t / until, 2), duration(t)) for t in _ticks(until)),
        up=tuple((100.0 - share, f"{share:.0f} %") for share in (0, 25, 50, 75, 100)),
        limit=round(100 * limit_s / until, 2) if limit_s <= until else None,
        limit_label=duration(limit_s),
        rows=tuple((duration(t), tuple(amount(_within(card, t), "ratio") for card in cards)) for t in places),
    )


def _within(card: Scorecard, delay_s: float) -> float | None:
    return max((share for at, share in card.delay_curve if at <= delay_s), default=None)


def _ticks(until: float) -> list[float]:
    unit = 86_400 if until >= 172_800 else 3_600 if until >= 7_200 else 60 if until >= 120 else 1
    return [tick * unit for tick in steps(0, until / unit, 6)]


def _steps(curve: list[tuple[float, float]], until: float) -> str:
    parts = []
    for index, (delay, share) in enumerate(curve):
        x, y = round(1000 * delay / until, 1), round(1000 * (1 - share), 1)
        parts.append(f"M{x:g} {y:g}" if index == 0 else f"H{x:g}V{y:g}")
    return "".join([*parts, "H1000"])
