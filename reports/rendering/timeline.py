"""Incidents and pages, week by week and day by day: who saw what, when, and who cried wolf."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from titleshot.datasets.contracts.instants import DAY, HOUR, SECOND, WEEK, format_instant
from titleshot.datasets.contracts.scores import IncidentOutcome, Scorecard
from titleshot.reports.rendering.marks import Mark, Moment, coarseness, merged, moments, told
from titleshot.reports.rendering.nights import Night
from titleshot.reports.rendering.wording import clock, counted, day, duration, name

MOST_MARKS = 6_000
"""Above it marks are merged more coarsely, so that a storm of pages is still a page of a few MB."""
MOST_SPANS = 4_000
MOST_WEEKS = 160
"""Weeks drawn day by day; of more, those that differ most and hold most. The others keep their counts."""
_MONDAY = 4 * DAY  # 1970-01-01 was a Thursday; weeks run from Monday
_LEVELS = 3


@dataclass(frozen=True)
class Span:
    """An incident within one day; ``level`` stacks those that overlap, ``grave`` are high and critical."""

    x: float
    width: float
    level: int
    grave: bool
    scored: bool
    anchor: str | None
    title: str


@dataclass(frozen=True)
class Drawn:
    """A mark at its place."""

    x: float
    mark: Mark


@dataclass(frozen=True)
class Day:
    """One row. ``lanes`` holds the champion's marks and then the challenger's (or the one contender's)."""

    label: str
    date: str
    spans: tuple[Span, ...]
    levels: int
    lanes: tuple[tuple[Drawn, ...], ...]
    nights: tuple[tuple[float, float], ...]
    told: str


@dataclass(frozen=True)
class Tally:
    """A contender in a week."""

    caught: int
    missed: int
    false: int
    duplicates: int


@dataclass(frozen=True)
class Week:
    """``quiet_before`` weeks without any incident or page are left out before it."""

    monday: int
    label: str
    anchor: str
    incidents: int
    tallies: tuple[Tally, ...]
    differs: int
    open: bool
    days: tuple[Day, ...]
    quiet_days: int
    quiet_before: int


@dataclass(frozen=True)
class Timeline:
    """All weeks that hold anything."""

    weeks: tuple[Week, ...]
    kinds: tuple[str, ...]
    within_s: float
    left_out: int
    """Incident spans not drawn because there are too many."""


def timeline(
    cards: tuple[Scorecard, ...],
    night: Night,
    *,
    anchors: Mapping[str, str],
    discordant: Iterable[str] = (),
) -> Timeline:
    """Of one contender or of two.

    Args:
        anchors: incident id to the id of its row on the page.
        discordant: incidents the contenders did not do equally well on; the week with most of them is open.
    """
    by_day = [_per_day(moments(card.incidents, card.pages)) for card in cards]
    spans, left_out = _spans(cards[0].incidents, anchors)
    within_s = coarseness([found for lane in by_day for found in lane.values()], MOST_MARKS)
    apart = set(discordant)
    weeks = _weeks(cards, by_day, spans, apart)
    most = max((differs for _, _, differs in weeks.values()), default=0)
    drawn = set(sorted(weeks, key=lambda monday: (-weeks[monday][2], -weeks[monday][1], monday))[:MOST_WEEKS])
    opened = next((monday for monday, (_, _, differs) in weeks.items() if differs == most), None)
    made = []
    previous: int | None = None
    for monday, (days, incidents, differs) in weeks.items():
        made.append(
            Week(
                monday=monday,
                label=f"Week of {day(monday).split(' ', 1)[1]}",
                anchor=f"w-{format_instant(monday)[:10]}",
                incidents=incidents,
                tallies=tuple(_tally(lane, monday) for lane in by_day),
                differs=differs,
                open=monday == opened,
                days=tuple(_day(at, by_day, spans.get(at, []), within_s, night) for at in days)
                if monday in drawn
                else (),
                quiet_days=7 - len(days),
                quiet_before=0 if previous is None else (monday - previous) // WEEK - 1,
            )
        )
        previous = monday
    seen = {moment.kind for lane in by_day for found in lane.values() for moment in found}
    return Timeline(tuple(made), tuple(sorted(seen)), within_s, left_out)


def monday_of(instant: int) -> int:
    """Start of the week an instant lies in."""
    return (instant - _MONDAY) // WEEK * WEEK + _MONDAY


def _per_day(found: list[Moment]) -> dict[int, list[Moment]]:
    days: dict[int, list[Moment]] = defaultdict(list)
    for moment in found:
        days[moment.at // DAY * DAY].append(moment)
    return dict(days)


@dataclass(frozen=True)
class _Piece:
    start: int
    end: int
    incident: IncidentOutcome
    anchor: str | None


def _spans(
    incidents: tuple[IncidentOutcome, ...], anchors: Mapping[str, str]
) -> tuple[dict[int, list[_Piece]], int]:
    days: dict[int, list[_Piece]] = defaultdict(list)
    drawn = 0
    ordered = sorted(incidents, key=lambda i: (i.start, i.incident_id))
    for index, incident in enumerate(ordered):
        at = incident.start // DAY * DAY
        while at < incident.end:
            if drawn == MOST_SPANS:
                return dict(days), len(ordered) - index
            piece = _Piece(
                max(incident.start, at),
                min(incident.end, at + DAY),
                incident,
                anchors.get(incident.incident_id),
            )
            days[at].append(piece)
            drawn += 1
            at += DAY
    return dict(days), 0


def _weeks(
    cards: tuple[Scorecard, ...],
    by_day: list[dict[int, list[Moment]]],
    spans: dict[int, list[_Piece]],
    apart: set[str],
) -> dict[int, tuple[list[int], int, int]]:
    days = sorted({at for lane in by_day for at in lane} | set(spans))
    weeks: dict[int, tuple[list[int], int, int]] = {}
    for at in days:
        weeks.setdefault(monday_of(at), ([], 0, 0))[0].append(at)
    for incident in cards[0].incidents:
        monday = monday_of(incident.start)
        if monday in weeks:
            found, incidents, differs = weeks[monday]
            weeks[monday] = (found, incidents + 1, differs + (incident.incident_id in apart))
    return weeks


def _tally(lane: dict[int, list[Moment]], monday: int) -> Tally:
    kinds = [m.kind for at, found in lane.items() if monday <= at < monday + WEEK for m in found]
    return Tally(
        caught=kinds.count("detection"),
        missed=kinds.count("missed"),
        false=kinds.count("false") + kinds.count("unmatched"),
        duplicates=kinds.count("duplicate"),
    )


def _day(
    at: int, by_day: list[dict[int, list[Moment]]], pieces: list[_Piece], within_s: float, night: Night
) -> Day:
    levels: list[int] = []
    spans = []
    for piece in pieces:
        level = next((n for n, end in enumerate(levels) if end <= piece.start), len(levels))
        levels[level : level + 1] = [piece.end]
        spans.append(_span(piece, at, min(level, _LEVELS - 1)))
    lanes = [lane.get(at, []) for lane in by_day]
    roles = ("champion", "challenger") if len(lanes) == 2 else ("pages",)
    said = "; ".join(f"{role}: {told(found)}" for role, found in zip(roles, lanes, strict=True))
    return Day(
        label=" ".join(day(at).split(" ")[:2]),
        date=format_instant(at)[:10],
        spans=tuple(spans),
        levels=max(1, min(len(levels), _LEVELS)),
        lanes=tuple(
            tuple(Drawn(_x(mark.first, at), mark) for mark in merged(found, within_s)) for found in lanes
        ),
        nights=_nights(at, night),
        told=f"{day(at)}. {counted(len(pieces), 'incident')}. {said}.",
    )


def _span(piece: _Piece, at: int, level: int) -> Span:
    incident = piece.incident
    x = _x(piece.start, at)
    lasts = duration((incident.end - incident.start) / SECOND)
    return Span(
        x=x,
        width=max(0.25, round(_x(piece.end, at) - x, 2)),
        level=level,
        grave=incident.severity in {"high", "critical"},
        scored=incident.outcome not in {"unscored", "censored"},
        anchor=piece.anchor,
        title=(
            f"{name(incident.incident_id, 32)}, {incident.severity}, {name(incident.kind, 32)} at "
            f"{name(incident.root_service, 48)}, {clock(incident.start)}, {lasts}"
        ),
    )


def _x(instant: int, at: int) -> float:
    return round(100 * (instant - at) / DAY, 2)


def _nights(at: int, night: Night) -> tuple[tuple[float, float], ...]:
    """Hours of a UTC day that are night on call, as (x, width)."""
    asleep = [night.of(at + hour * HOUR + HOUR // 2) is not None for hour in range(24)]
    made = []
    start: int | None = None
    for hour in range(25):
        on = hour < 24 and asleep[hour]
        if on and start is None:
            start = hour
        elif not on and start is not None:
            made.append((round(100 * start / 24, 2), round(100 * (hour - start) / 24, 2)))
            start = None
    return tuple(made)
