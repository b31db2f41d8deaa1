"""Scores of one contender against another: the paired difference and its interval."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from titleshot.datasets.contracts.correlator_changes import CorrelatorChange
from titleshot.datasets.contracts.feedback import FeedbackReport, ReviewQueue
from titleshot.datasets.contracts.html_table import ShowsItself, html_table, short_interval
from titleshot.datasets.contracts.record import Record
from titleshot.datasets.contracts.scores import Direction, IncidentOutcome, Scorecard, Stretched


class PairedScore(BaseModel):
    """Challenger minus champion on the same blocks and incidents; the interval is of the difference."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    unit: str
    better: Direction | None = None
    champion: float | None = None
    challenger: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    decisive_low: float | None = None
    """Same interval at the policy's decisive confidence."""
    decisive_high: float | None = None
    beside_low: float | None = None
    """The day-block bootstrap of a paired proportion, whose deciding interval is a score interval."""
    beside_high: float | None = None
    beside_method: str | None = None
    confidence: float
    method: str | None = None
    p_value: float | None = None
    n: int
    n_of: str
    discordant: tuple[int, int] | None = None
    """(only the challenger, only the champion) for paired proportions."""
    reason: str | None = None


class IncidentPair(BaseModel):
    """One labelled incident under both."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    incident_id: str
    verdict: Literal["won", "lost", "tied", "unscored"]
    why: str
    champion: IncidentOutcome
    challenger: IncidentOutcome


class PairedSensitivity(BaseModel):
    """Differences where early times, grace times or both are ``factor`` times as long, for both sides."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    factor: float
    of: Stretched
    pairs: tuple[PairedScore, ...]
    turned: tuple[str, ...] = ()
    """Scores whose difference then points the other way."""


class Comparison(ShowsItself, Record):
    """The paired comparison ``compare`` makes; what the judge reads."""

    VERSION: ClassVar[str] = "1.2"

    schema_version: str = "1.2"

    champion: Scorecard
    challenger: Scorecard
    pairs: tuple[PairedScore, ...]
    """What reaches people."""
    correlation_pairs: tuple[PairedScore, ...] = ()
    """Of incident candidates and their hypotheses; null with a reason where a side has none. Empty in what
    was written before they were compared."""
    incidents: tuple[IncidentPair, ...]
    by_group: dict[str, dict[str, tuple[PairedScore, ...]]] = Field(default_factory=dict)
    sensitivity: tuple[PairedSensitivity, ...] = ()
    sensitivity_reason: str | None = None
    """Why there is none: where both times are 0, half and double of them are too."""
    duplicates_spread: tuple[tuple[int, int, int], ...] = ()
    """(repeated pages, incidents of the champion that had so many, of the challenger), over those both
    detected."""
    correlator_change: CorrelatorChange | None = None
    """What the challenger's correlator changes. None unless detectors said the same alerts on both sides and
    correlators differ, and in what was written before it was kept."""
    feedback: FeedbackReport | None = None
    """None where nobody gave any, and in what was written before it was kept."""
    review: ReviewQueue | None = None
    """Pages to label next, feedback or none; None in what was written before it was kept."""
    blocks: int
    weeks: float
    incidents_scored: int

    def pair(self, name: str) -> PairedScore:
        """The paired score of that name; KeyError names those there are."""
        for pair in self.all_pairs:
            if pair.name == name:
                return pair
        raise KeyError(f"no paired score {name!r}; there are {', '.join(p.name for p in self.all_pairs)}")

    def under(self, times: PairedSensitivity) -> Comparison:
        """The same with the differences of other early and grace times, for a judge to read again."""
        other = {pair.name: pair for pair in times.pairs}
        pairs = tuple(other.get(pair.name, pair) for pair in self.pairs)
        return self.model_copy(update={"pairs": pairs})

    @property
    def all_pairs(self) -> tuple[PairedScore, ...]:
        """What reaches people, then what is made of candidates: all a policy may ask for."""
        return (*self.pairs, *self.correlation_pairs)

    def _repr_html_(self) -> str:
        sides = self.champion.identity.contender, self.challenger.identity.contender
        rows = [
            [
                *(p.name, p.champion, p.challenger, p.difference, short_interval(p.low, p.high)),
                *(f"{p.n} {p.n_of}", p.p_value, p.reason or p.method),
            ]
            for p in self.all_pairs
        ]
        header = ["score", *sides, "difference", "interval", "n", "p", "method or reason"]
        return html_table(f"{sides[1]} against {sides[0]}", header, rows)
