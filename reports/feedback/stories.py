"""Which pages tell the same story, whoever sent them, and what a verdict on one says of another.

Two pages are of the same story when they hit the same incident or, where neither hits one, when they
overlap in time and went to the same route about a shared service. Overlap is that of [opened, last activity]
with both ends; services are compared by the name they went by then. Being of the same story is not passed
on: each page has its own circle.

What is carried is whether the story deserved a person: ``useful`` and ``late`` say it did, ``noisy`` and
``dangerous`` that it did not and are carried as they are. ``duplicated`` says it did only where there was an
incident, else nothing: noise is repeated too. Whether a page that deserved it was ``late`` or ``duplicated``
is computed from its own time and from what its own sender had sent before. Late is what was sent after a page
called late, or longer than ``within_s`` after the start unless a page sent no sooner was called useful. Of
several judged pages the one nearest in time is taken, then the earlier, then the first by id. Verdicts that
were carried are never carried on.

Source: SCORING 5, after pooled relevance judgements in retrieval (Spärck Jones and van Rijsbergen 1975).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from titleshot.datasets.contracts.feedback import Standing
from titleshot.datasets.contracts.incidents import Page
from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.labels import FeedbackVerdict
from titleshot.reports.assignment import DETECTION, DUPLICATE, FAN_OUT, SET_ASIDE
from titleshot.reports.feedback.answers import Judgement
from titleshot.reports.matching import Matched

HITS: Final = frozenset({DETECTION, DUPLICATE, FAN_OUT, SET_ASIDE})
_DESERVED: Final = frozenset({"useful", "late"})


@dataclass(frozen=True)
class Told:
    """One page of one sender, with what matching said of it."""

    page: Page
    sender: int
    incident: int
    """Row of the incident it hit; −1 for none."""
    start: int
    """Start of that incident, nanoseconds UTC."""
    result: int
    services: frozenset[str]

    @property
    def begins(self) -> int:
        return min(self.page.opened_at, self.page.paged_at)

    @property
    def ends(self) -> int:
        return max(self.page.last_event_at, self.page.closed_at or 0, self.page.paged_at)


@dataclass(frozen=True)
class Settled:
    """What is known of each row."""

    standing: list[Standing]
    verdict: list[FeedbackVerdict | None]
    source: list[int]
    """The row a verdict was carried from; −1 for none."""
    cause: list[str | None]
    conflicts: int
    """Rows carried to, of whose story another judged page says the opposite."""


class Stories:
    """Pages of several senders and which of them belong together.

    Args:
        senders: what each sent, matched with the same incidents.
        within_s: a page of a deserving story later than this after its start is late.
    """

    def __init__(self, senders: Sequence[Matched], within_s: float) -> None:
        self.rows: list[Told] = [
            told for sender, matched in enumerate(senders) for told in _told(sender, matched)
        ]
        self._within = round(within_s * SECOND)
        self._of_incident: dict[int, list[int]] = defaultdict(list)
        for row, told in enumerate(self.rows):
            if told.incident >= 0:
                self._of_incident[told.incident].append(row)
        self._overlapping = _overlaps(self.rows)
        self.named: dict[str, list[int]] = defaultdict(list)
        """Rows of each page id; contenders that share a recipe share ids."""
        for row, told in enumerate(self.rows):
            self.named[told.page.page_id].append(row)

    def peers(self, row: int) -> list[int]:
        """Rows of the same story, this one perhaps among them."""
        incident = self.rows[row].incident
        return self._of_incident[incident] if incident >= 0 else self._overlapping[row]

    def settle(self, judged: Mapping[str, Judgement]) -> Settled:
        """The verdict on every row: its own, else that of the nearest judged page of its story."""
        size = len(self.rows)
        found = Settled(["unjudged"] * size, [None] * size, [-1] * size, [None] * size, 0)
        for row, told in enumerate(self.rows):
            own = judged.get(told.page.page_id)
            if own is not None:
                found.standing[row] = "tied" if own.verdict is None else "own"
                found.verdict[row], found.cause[row] = own.verdict, own.cause
        conflicts = 0
        for row in range(size):
            if found.standing[row] == "unjudged":
                conflicts += self._carry(row, found)
        return Settled(found.standing, found.verdict, found.source, found.cause, conflicts)

    def _carry(self, row: int, found: Settled) -> bool:
        """Settle a row from its story, if that is judged; whether its judged pages disagree."""
        said = [
            (self._distance(row, other), other, verdict)
            for other in self.peers(row)
            if found.standing[other] == "own"
            and (verdict := self.carried(row, other, found.verdict[other])) is not None
        ]
        if not said:
            return False
        _, source, verdict = min(said)
        found.standing[row], found.verdict[row] = "carried", verdict
        found.source[row], found.cause[row] = source, found.cause[source]
        worth = {found.verdict[other] not in {"noisy", "dangerous"} for _, other, _ in said}
        return len(worth) > 1

    def _distance(self, row: int, other: int) -> tuple[int, int, str]:
        page, near = self.rows[row].page, self.rows[other].page
        return abs(near.paged_at - page.paged_at), near.paged_at, near.page_id

    def carried(self, row: int, source: int, verdict: FeedbackVerdict | None) -> FeedbackVerdict | None:
        """What ``verdict`` on ``source`` says of ``row``; None for nothing."""
        if verdict in {"noisy", "dangerous"}:
            return verdict
        if verdict not in _DESERVED and not (verdict == "duplicated" and self.rows[row].incident >= 0):
            return None
        if self.repeated(row):
            return "duplicated"
        return "late" if self._late(row, source, verdict) else "useful"

    def if_deserved(self, row: int) -> FeedbackVerdict:
        """What somebody would say of a page by its timing, if its story deserved a person."""
        told = self.rows[row]
        if self.repeated(row):
            return "duplicated"
        return "late" if told.incident >= 0 and told.page.paged_at - told.start > self._within else "useful"

    def repeated(self, row: int) -> bool:
        """Whether the same sender had told the same route of the story before."""
        told = self.rows[row]
        if told.incident >= 0:
            return told.result == DUPLICATE
        place = (told.page.paged_at, told.page.page_id)
        return any(
            (self.rows[other].page.paged_at, self.rows[other].page.page_id) < place
            for other in self.peers(row)
            if self.rows[other].sender == told.sender
        )

    def _late(self, row: int, source: int, verdict: FeedbackVerdict | None) -> bool:
        told, near = self.rows[row], self.rows[source]
        # People's sense of late comes before the decision's: it is about these very pages.
        if verdict == "late" and told.page.paged_at >= near.page.paged_at:
            return True
        if verdict == "useful" and told.page.paged_at <= near.page.paged_at:
            return False
        # No incident says when the story began? Then the judged page does.
        return told.page.paged_at - (told.start if told.incident >= 0 else near.begins) > self._within


def _told(sender: int, matched: Matched) -> list[Told]:
    of = matched.matching.assignment
    told = []
    for page, result, incident in zip(matched.pages, of.result.tolist(), of.incident.tolist(), strict=True):
        hit = incident if result in HITS else -1
        start = matched.incidents[hit].start if hit >= 0 else 0
        services = frozenset(matched.reference.canonical(name, page.paged_at) for name in page.services)
        told.append(Told(page, sender, hit, start, result, services))
    return told


def _overlaps(rows: Sequence[Told]) -> dict[int, list[int]]:
    together: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row in sorted(range(len(rows)), key=lambda row: rows[row].begins):
        if rows[row].incident < 0:
            for service in rows[row].services:
                together[rows[row].page.route, service].append(row)
    found: dict[int, set[int]] = defaultdict(set)
    for group in together.values():
        for place, row in enumerate(group):
            for other in group[place + 1 :]:
                if rows[other].begins > rows[row].ends:
                    break
                found[row].add(other)
                found[other].add(row)
    return defaultdict(list, {row: sorted(others) for row, others in found.items()})
