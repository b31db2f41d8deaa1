"""What responders' answers say of two contenders, and which pages to ask about next."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from titleshot.datasets.contracts.html_table import ShowsItself, html_table, short_interval
from titleshot.datasets.contracts.instants import Instant
from titleshot.datasets.contracts.labels import FeedbackVerdict
from titleshot.datasets.contracts.record import Record, Severity

Standing = Literal["own", "carried", "tied", "unjudged"]
"""``own``: somebody judged this page. ``carried``: a page of the same story was judged. ``tied``: its
reviewers disagree and none has the majority. Tied pages count as unjudged and nothing is carried to them."""
Contender = Literal["champion", "challenger"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PageVerdict(_Part):
    """What is known of one page of a contender from feedback."""

    page_id: str
    standing: Standing
    verdict: FeedbackVerdict | None = None
    """None where tied or unjudged."""
    carried_from: str | None = None
    """The page whose verdict it is, where carried."""
    cause: str | None = None
    """The service a reviewer named as the actual one, own or carried."""


class Coverage(_Part):
    """How many of some pages are judged."""

    pages: int
    own: int
    carried: int

    @property
    def share(self) -> float | None:
        """Judged share, own and carried; None without a page."""
        return (self.own + self.carried) / self.pages if self.pages else None


class Bracket(_Part):
    """A number of which only the two ends are known, with the confidence limit of each end.

    ``low``: every unjudged page taken the worse way for the challenger, ``high``: the better way.
    ``low_limit`` is the lower confidence limit of ``low``, ``high_limit`` the upper one of ``high``.
    """

    low: float | None = None
    high: float | None = None
    low_limit: float | None = None
    high_limit: float | None = None
    confidence: float
    method: str | None = None
    reason: str | None = None
    """Why an end or a limit is null."""

    @property
    def width(self) -> float | None:
        """From limit to limit; None where one is missing."""
        if self.low_limit is None or self.high_limit is None:
            return None
        return self.high_limit - self.low_limit


class Usefulness(_Part):
    """Share of a contender's scored pages that were useful.

    ``value`` is over judged pages only: it stands for all of them as far as those asked about do.
    """

    judged: Coverage
    tied: int
    """Pages whose reviewers disagree without a majority."""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    method: str | None = None
    reason: str | None = None
    """Why the value or its interval is null."""
    bracket: Bracket
    """Over all scored pages."""
    verdicts: dict[str, int] = Field(default_factory=dict)
    """Judged pages by verdict, own and carried."""
    causes: int = 0
    """Judged pages of which the actual service is known."""
    causes_named: int = 0
    """Those of them that held that service for the probable one."""
    by_service: dict[str, Coverage] = Field(default_factory=dict)
    by_severity: dict[str, Coverage] = Field(default_factory=dict)
    by_team: dict[str, Coverage] = Field(default_factory=dict)


class Agreement(_Part):
    """Krippendorff's alpha for nominal data over pages that several reviewers judged.

    1 is full agreement, 0 what chance gives, below 0 systematic disagreement.
    """

    alpha: float | None = None
    low: float | None = None
    high: float | None = None
    confidence: float | None = None
    """Of the interval; None where there is none."""
    method: str | None = None
    pages: int
    """With two answers or more."""
    answers: int
    """On those pages."""
    reason: str | None = None
    """Why alpha or its interval is null."""


class Answers(_Part):
    """Where the answers come from, how late they came and how old they are."""

    answers: int
    """The latest of each reviewer on each page."""
    pages: int
    """Pages answered."""
    unknown_pages: int
    """Answers on pages that neither contender nor the label layer has; they are not used."""
    by_reviewer: dict[str, int] = Field(default_factory=dict)
    by_sender: dict[str, int] = Field(default_factory=dict)
    """Answers on pages of ``champion``, ``challenger``, ``both`` or ``other`` senders."""
    delay_p50_s: float | None = None
    """From the page to the answer."""
    delay_p90_s: float | None = None
    age_p50_s: float | None = None
    """From the answer to ``labels_as_of``."""
    newest_age_s: float | None = None
    agreement: Agreement


class FeedbackReport(ShowsItself, Record):
    """Usefulness of two contenders under partial judgement, and its paired difference."""

    labels_as_of: Instant
    seed: int
    resamples: int
    blocks: int
    champion: Usefulness
    challenger: Usefulness
    difference: Bracket
    """Challenger minus champion on the same days; the judge reads ``low_limit``."""
    conflicts: int
    """Stories of which two judged pages say opposite things: the one nearest in time is carried."""
    answers: Answers
    champion_pages: tuple[PageVerdict, ...] = ()
    challenger_pages: tuple[PageVerdict, ...] = ()

    def _repr_html_(self) -> str:
        rows = [
            [name, *_cells(of.bracket), of.value, of.judged.own, of.judged.carried, of.judged.pages]
            for name, of in (("champion", self.champion), ("challenger", self.challenger))
        ]
        rows.append(["difference", *_cells(self.difference), None, None, None, None])
        header = ["usefulness", "bracket", "at its limits", "on judged", "judged", "carried", "pages"]
        return html_table("usefulness, from feedback", header, rows)


def _cells(bracket: Bracket) -> list[str]:
    return [
        short_interval(bracket.low, bracket.high),
        short_interval(bracket.low_limit, bracket.high_limit),
    ]


class QueuedPage(_Part):
    """One page to ask about, and why."""

    page_id: str
    paged_at: Instant
    services: tuple[str, ...]
    route: str
    severity: Severity
    summary: str = ""
    sent_by: tuple[Contender, ...]
    drawn: Literal["chosen", "random"]
    why: str
    settles: int
    """Unjudged pages that get a verdict with this one, itself included."""
    narrows: float
    """By how much an answer is expected to narrow the paired difference's bracket at its limits."""
    weight: float
    """Inverse of the probability of being drawn, for ``random`` pages; 1 for chosen ones, which stand for
    themselves alone."""


class ReviewQueue(ShowsItself, Record):
    """Pages to label next, in the order to ask about them. Any first part of it holds a third at random."""

    labels_as_of: Instant
    seed: int
    unjudged: int
    """Distinct pages of both that could be asked about."""
    pages: tuple[QueuedPage, ...]
    difference: Bracket
    """As it is before any answer."""
    notes: tuple[str, ...] = ()

    def _repr_html_(self) -> str:
        rows = [
            [page.page_id, "/".join(page.sent_by), " ".join(page.services), page.why] for page in self.pages
        ]
        return html_table("pages to label next", ["page", "sent by", "services", "why"], rows)
