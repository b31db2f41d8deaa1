"""Samples and what is wrong with them along the days: one strip a kind, all on the same axis of time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from titleshot.datasets.contracts.instants import DAY
from titleshot.datasets.contracts.validation import Period, ValidationReport
from titleshot.reports.rendering.wording import counted, day, number

MOST_COLUMNS = 180
"""Of a strip; more would be thinner than a pixel on a phone."""


@dataclass(frozen=True)
class Column:
    """Place, width and height in percent, and its words."""

    x: float
    width: float
    height: float
    title: str


@dataclass(frozen=True)
class DayStrip:
    """One kind of count; ``most`` is what full height stands for, ``tone`` its colour."""

    name: str
    footing: str
    tone: str
    columns: tuple[Column, ...]
    total: str
    most: str
    words: str


@dataclass(frozen=True)
class DayStrips:
    """All strips with at least one count; ``samples`` is always among them."""

    strips: tuple[DayStrip, ...]
    clean: tuple[str, ...]
    """Kinds of which there is none."""
    first: str
    last: str
    each: str
    """How long a column is."""


_KINDS: tuple[tuple[str, str, str, Callable[[Period], int]], ...] = (
    ("Samples", "all that were imported", "plain", lambda period: period.samples),
    ("Series", "the most with a sample on a day", "plain", lambda period: period.series),
    ("Gaps", "days of a series with a gap", "worse", lambda period: period.gaps),
    ("Not finite", "NaN or infinite", "worse", lambda period: period.non_finite),
    ("Out of range", "impossible by the metric's name", "worse", lambda period: period.out_of_range),
    ("Repeated", "the first to arrive is used", "open", lambda period: period.repeated),
    ("Out of order", "older than the one before", "open", lambda period: period.disordered),
)
_HIGHEST = {"Series"}
"""Kinds of which a longer column shows its highest day; of the others it shows the sum."""


def day_strips(report: ValidationReport) -> DayStrips | None:
    """The strips of a report; None where it knows no days."""
    if not report.periods:
        return None
    together = -(-len(report.periods) // MOST_COLUMNS)
    groups = [report.periods[at : at + together] for at in range(0, len(report.periods), together)]
    days = together * report.period_days
    drawn = {name: _strip(name, footing, tone, count, groups, days) for name, footing, tone, count in _KINDS}
    return DayStrips(
        strips=tuple(strip for strip in drawn.values() if strip is not None),
        clean=tuple(name.lower() for name, strip in drawn.items() if strip is None),
        first=day(report.periods[0].start),
        last=day(report.periods[-1].start + (report.period_days - 1) * DAY),
        each="day" if days == 1 else f"{days} days",
    )


def _strip(
    name: str,
    footing: str,
    tone: str,
    count: Callable[[Period], int],
    groups: Sequence[Sequence[Period]],
    days: int,
) -> DayStrip | None:
    fold = max if name in _HIGHEST else sum
    counts = [fold(count(period) for period in group) for group in groups]
    most = max(counts)
    if not most:
        return None
    width = 100 / len(groups)
    columns = [
        Column(
            x=round(at * width, 3),
            width=round(width * (0.8 if len(groups) <= MOST_COLUMNS // 2 else 0.9), 3),
            # What is there is seen, however little of it.
            height=max(round(100 * n / most, 2), 4.0),
            title=f"{day(groups[at][0].start)}{'' if days == 1 else f', {days} days'}: {n:,} {name.lower()}",
        )
        for at, n in enumerate(counts)
        if n
    ]
    busiest = groups[counts.index(most)][0].start
    touched = counted(len(columns), "column") if days > 1 else counted(len(columns), "day")
    total = max(counts) if name in _HIGHEST else sum(counts)
    return DayStrip(
        name=name,
        footing=footing,
        tone=tone,
        columns=tuple(columns),
        total=number(total),
        most=f"most {number(most)} on {day(busiest)}",
        words=f"{name}: {number(total)} on {touched} of {len(groups)}, most {number(most)} on {day(busiest)}",
    )
