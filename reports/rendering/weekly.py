"""Needless pages and missed incidents week by week, the champion above the line, the challenger below."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from titleshot.datasets.contracts.instants import WEEK
from titleshot.reports.rendering.timeline import Tally, Timeline, Week, monday_of
from titleshot.reports.rendering.wording import day

MOST_COLUMNS = 60


@dataclass(frozen=True)
class Column:
    """A week, or several of them. ``solid`` and ``pale`` are heights in percent, one per contender."""

    x: float
    width: float
    anchor: str | None
    solid: tuple[float, ...]
    pale: tuple[float, ...]
    title: str


@dataclass(frozen=True)
class Bars:
    """One drawing; ``most`` is what a full height stands for."""

    title: str
    solid_name: str
    pale_name: str | None
    columns: tuple[Column, ...]
    labels: tuple[tuple[float, str], ...]
    most: int
    each: str


@dataclass(frozen=True)
class _Group:
    monday: int
    weeks: tuple[Week, ...]

    def sums(self, count: Callable[[Tally], int], roles: int) -> tuple[int, ...]:
        return tuple(sum(count(week.tallies[role]) for week in self.weeks) for role in range(roles))


def weekly(drawn: Timeline, span: tuple[int, int], roles: tuple[str, ...]) -> tuple[Bars, ...]:
    """Both drawings over the scored span and whatever lies outside it; none when nothing happened."""
    if not drawn.weeks:
        return ()
    first = min(monday_of(span[0]), drawn.weeks[0].monday)
    last = max(monday_of(span[1] - 1), drawn.weeks[-1].monday)
    weeks = (last - first) // WEEK + 1
    together = -(-weeks // MOST_COLUMNS)
    length = together * WEEK
    groups = [
        _Group(at, tuple(week for week in drawn.weeks if at <= week.monday < at + length))
        for at in range(first, last + 1, length)
    ]
    each = "week" if together == 1 else f"{together} weeks"
    return (
        _bars("Needless pages", "false", "repeated", groups, roles, each),
        _bars("Missed incidents", "missed", None, groups, roles, each),
    )


_COUNTS: dict[str, Callable[[Tally], int]] = {
    "false": lambda tally: tally.false,
    "repeated": lambda tally: tally.duplicates,
    "missed": lambda tally: tally.missed,
}


def _bars(
    title: str, solid: str, pale: str | None, groups: list[_Group], roles: tuple[str, ...], each: str
) -> Bars:
    solids = [group.sums(_COUNTS[solid], len(roles)) for group in groups]
    pales = [group.sums(_COUNTS[pale], len(roles)) if pale else (0,) * len(roles) for group in groups]
    most = max(s + p for row in zip(solids, pales, strict=True) for s, p in zip(*row, strict=True))
    width = 100 / len(groups)
    columns = []
    for index, (group, full, light) in enumerate(zip(groups, solids, pales, strict=True)):
        said = "; ".join(
            f"{role} {s:,} {solid}" + (f", {p:,} {pale}" if pale else "")
            for role, s, p in zip(roles, full, light, strict=True)
        )
        columns.append(
            Column(
                x=round((index + 0.14) * width, 3),
                width=round(width * 0.72, 3),
                anchor=group.weeks[0].anchor if group.weeks else None,
                solid=tuple(round(100 * n / (most or 1), 2) for n in full),
                pale=tuple(round(100 * n / (most or 1), 2) for n in light),
                title=f"{each.capitalize()} from {day(group.monday)}: {said}",
            )
        )
    return Bars(title, solid, pale, tuple(columns), _labels(groups), most, each)


def _labels(groups: list[_Group]) -> tuple[tuple[float, str], ...]:
    """At most five dates, the first one at the left edge; with the year where there are several."""
    apart = max(1, -(-len(groups) // 5))
    width = 100 / len(groups)
    dates = [day(group.monday).split(" ") for group in groups]
    several = dates[0][3] != dates[-1][3]
    return tuple(
        (round(index * width, 2), " ".join(dates[index][2:] if several else dates[index][1:3]))
        for index in range(0, len(groups), apart)
    )
