"""What another correlator makes of the same alerts: pages saved, incidents split and merged."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from titleshot.datasets.contracts.instants import Instant
from titleshot.datasets.contracts.record import Severity
from titleshot.datasets.contracts.scores import Score

Count = Annotated[int, Field(ge=0)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PieceView(_Part):
    """An incident candidate of the other side, and how many alerts it shares."""

    incident_id: str | None
    """None: an alert the other side put in no candidate."""
    opened_at: Instant
    alerts: Count
    services: tuple[str, ...]
    labelled: tuple[str, ...] = ()
    """Labelled incidents that the shared alerts belong to."""


class RegroupedView(_Part):
    """An incident candidate of one side that is several of the other's."""

    incident_id: str
    opened_at: Instant
    severity: Severity
    services: tuple[str, ...]
    alerts: Count
    labelled: tuple[str, ...]
    """Labelled incidents that its alerts belong to."""
    pieces: tuple[PieceView, ...]
    """Most alerts first, at most eight."""
    pieces_left_out: Count = 0


class SparedPage(_Part):
    """A page of the champion about alerts of which the challenger paged nobody."""

    page_id: str
    paged_at: Instant
    route: str
    severity: Severity
    services: tuple[str, ...]
    outcome: str
    hit: str | None = None
    challenger_found_it: bool | None = None
    """Whether the challenger detected the incident all the same; None: the page hit none."""


class CorrelatorChange(_Part):
    """Two contenders whose detectors said the same alerts and whose correlators differ."""

    champion: str
    challenger: str
    """Correlators, as their candidates name them."""
    alerts: Count
    """The same on both sides, by event id."""
    same_paging: bool | None = None
    """Whether the paging rules are equal; None: a log does not hold its recipe."""
    pages: tuple[Count, Count]
    """(champion, challenger)."""
    pages_by_outcome: dict[str, tuple[Count, Count]]
    pages_spared: Count
    """Pages of the champion about alerts of which the challenger paged nobody."""
    pages_added: Count
    """The other way round."""
    incidents: tuple[Count, Count]
    unchanged: Count
    """Candidates with exactly the same alerts on both sides."""
    split: Score
    """Share of the champion's candidates that are several of the challenger's."""
    merged: Score
    """Share of the challenger's candidates that are several of the champion's."""
    worst_pages: tuple[SparedPage, ...] = ()
    worst_splits: tuple[RegroupedView, ...] = ()
    worst_merges: tuple[RegroupedView, ...] = ()

    @property
    def pages_saved(self) -> int:
        """Champion's less challenger's; negative where the challenger pages more."""
        return self.pages[0] - self.pages[1]
