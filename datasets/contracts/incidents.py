"""What a contender makes of its alerts: incident candidates, pages, and dead letters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from titleshot.datasets.contracts.instants import Instant
from titleshot.datasets.contracts.record import Record, Severity
from titleshot.datasets.contracts.telemetry import Name


class Hypothesis(Record):
    """A probable starting service, not a root cause, and how sure the correlator is."""

    VERSION: ClassVar[str] = "1.1"

    schema_version: str = "1.1"
    service: Name
    reason: str
    confidence: Annotated[float, Field(ge=0, le=1)]
    evidence: dict[str, float] | None = None
    """Points of each named piece of evidence, for and against; None where the correlator does not say."""


class Link(Record):
    """Why an alert is part of a story: what ties its service to one that was in already."""

    event_id: Name
    service: Name
    to: Name
    """The member it is tied to most."""
    anchor: Name
    """The service the story hung on at that moment."""
    score: Annotated[float, Field(ge=0, le=1)]
    evidence: dict[str, float]
    """What each named piece of evidence adds to the score; adds up to it, but for rounding."""


class IncidentCandidate(Record):
    """Events a correlator holds to be one story.

    A contender says each candidate twice: ``opened`` when its first alert is in, ``closed`` when no more
    can join. ``incident_id`` is the same in both and independent of order and redelivery.
    """

    VERSION: ClassVar[str] = "1.1"

    schema_version: str = "1.1"
    incident_id: Name
    status: Literal["opened", "closed"]
    severity: Severity
    services: tuple[str, ...]
    event_ids: tuple[str, ...]
    opened_at: Instant
    """Timestamp of the first event."""
    last_event_at: Instant
    emitted_at: Instant
    """Engine clock when this record was said."""
    hypotheses: tuple[Hypothesis, ...] = ()
    merged_into: str | None = None
    correlator: Name
    flushed: bool = False
    """Said only because the replay ended."""
    links: tuple[Link, ...] | None = None
    """How each service came in, the first left out; None where the correlator does not say."""
    recurs_of: tuple[str, ...] | None = None
    """Earlier incidents of the same kind, newest first; None where the correlator does not look."""
    reopened: int | None = None
    """Times it woke up after its gap had passed."""
    abstains: str | None = None
    """Why no hypothesis is offered."""


class Page(Record):
    """What the paging rule sent to a route: ``sent`` once, ``closed`` when its incident closed.

    ``services`` are the services as sent and never change.
    """

    page_id: Name
    incident_id: str
    status: Literal["sent", "closed"]
    route: Name
    severity: Severity
    services: tuple[str, ...]
    opened_at: Instant
    paged_at: Instant
    last_event_at: Instant
    closed_at: Instant | None = None
    probable_service: str | None = None
    summary: str = ""
    flushed: bool = False


def fold_pages(records: Iterable[Page]) -> list[Page]:
    """One record per page by (paged_at, page_id): as sent, with activity and end of its closing record."""
    folded: dict[str, Page] = {}
    for page in records:
        sent = folded.setdefault(page.page_id, page)
        if page.status == "closed":
            folded[page.page_id] = sent.model_copy(
                update={"last_event_at": page.last_event_at, "closed_at": page.closed_at}
            )
    return sorted(folded.values(), key=lambda page: (page.paged_at, page.page_id))


class DeadLetter(Record):
    """A record that was not used, and why."""

    reason: Literal["late", "from_the_future", "duplicate", "malformed", "unknown_version", "out_of_contract"]
    detail: str = ""
    kind: Literal["reference", "platform", "log", "sample", "tick", "unknown"]
    timestamp: Instant | None = None
    arrived_at: Instant
    record: dict[str, Any] = Field(default_factory=dict)
    flushed: bool = False
