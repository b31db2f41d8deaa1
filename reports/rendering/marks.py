"""Pages as marks on a line: what each kind is called, and marks too close to tell apart as one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.scores import IncidentOutcome, PageOutcome
from titleshot.reports.rendering.wording import clock, minutes, name

KINDS: dict[str, tuple[str, str]] = {
    "detection": ("hit", "first page of an incident"),
    "duplicate": ("duplicate", "the same route paged again"),
    "fan_out": ("other route", "a further route paged"),
    "false": ("false", "matches no incident"),
    "unmatched": ("unmatched", "matches no label; labels are not complete"),
    "missed": ("missed", "an incident never paged"),
    "carried": ("carried", "page was open when the incident began"),
    "unscored": ("not scored", "outside the scored time"),
    "set_aside": ("set aside", "hits an incident that is not scored"),
}
"""Kind to (name, what it means), in the order of the legend."""

_NEAR = ("missed", "fan_out", "duplicate", "detection", "carried")
_PAINTED = (
    "unscored",
    "set_aside",
    "carried",
    "fan_out",
    "duplicate",
    "unmatched",
    "false",
    "missed",
    "detection",
)


@dataclass(frozen=True)
class Moment:
    """One page, or one incident that was missed."""

    at: int
    kind: str
    what: str


@dataclass(frozen=True)
class Mark:
    """One or more moments of a kind, drawn once. ``near`` puts it on the track beside the incidents."""

    first: int
    last: int
    kind: str
    count: int
    what: str

    @property
    def near(self) -> bool:
        return self.kind in _NEAR

    @property
    def size(self) -> int:
        """1 for a single moment, 2 for a few, 3 for five and more."""
        return 1 if self.count == 1 else 2 if self.count < 5 else 3

    def title(self) -> str:
        """What a reader sees on pointing at the mark."""
        label = KINDS[self.kind][0]
        if self.count == 1:
            return f"{clock(self.first)} {label}: {self.what}"
        return f"{clock(self.first)}–{clock(self.last)}: {self.count} × {label}, first {self.what}"


def moments(incidents: Iterable[IncidentOutcome], pages: Iterable[PageOutcome]) -> list[Moment]:
    """Of one contender, in time order."""
    made = [Moment(p.paged_at, p.outcome, f"{_services(p.services)} → {name(p.route, 32)}") for p in pages]
    made += [
        Moment(i.start, "missed", f"{name(i.incident_id, 32)} at {name(i.root_service, 48)}")
        for i in incidents
        if i.outcome == "missed"
    ]
    return sorted(made, key=lambda moment: (moment.at, moment.kind, moment.what))


def _services(services: tuple[str, ...]) -> str:
    if not services:
        return "no service"
    more = f" and {len(services) - 1} more" if len(services) > 1 else ""
    return f"{name(services[0], 48)}{more}"


def merged(found: list[Moment], within_s: float) -> list[Mark]:
    """Moments of the same kind within ``within_s`` of the first of them as one mark, in painting order."""
    marks: list[Mark] = []
    open_marks: dict[str, int] = {}
    for moment in found:
        index = open_marks.get(moment.kind)
        if index is not None and moment.at - marks[index].first <= within_s * SECOND:
            mark = marks[index]
            marks[index] = Mark(mark.first, moment.at, mark.kind, mark.count + 1, mark.what)
        else:
            open_marks[moment.kind] = len(marks)
            marks.append(Mark(moment.at, moment.at, moment.kind, 1, moment.what))
    return sorted(marks, key=lambda mark: (_PAINTED.index(mark.kind), mark.first))


def coarseness(days: Iterable[list[Moment]], most: int, finest_s: float = 600.0) -> float:
    """The finest merging distance, doubled from ``finest_s``, that leaves at most ``most`` marks.

    A day has at most one mark per kind at the end, so this ends.
    """
    all_days = list(days)
    within = finest_s
    while within < 86_400 and sum(len(merged(day, within)) for day in all_days) > most:
        within *= 2
    return within


def told(found: list[Moment]) -> str:
    """Counts by kind in words, for those who do not see the drawing.

    >>> told([Moment(0, "detection", "a"), Moment(1, "false", "b"), Moment(2, "false", "c")])
    '1 hit, 2 false'
    """
    counts = {kind: sum(moment.kind == kind for moment in found) for kind in KINDS}
    return ", ".join(f"{n:,} {KINDS[kind][0]}" for kind, n in counts.items() if n) or "no page"


def merging(within_s: float) -> str:
    """How far apart marks of a kind must lie to be drawn apart."""
    return f"Marks of the same kind within {minutes(within_s)} are drawn as one larger mark."
