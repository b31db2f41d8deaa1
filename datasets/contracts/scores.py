"""Scores of one contender. Undefined is null with a reason, never 0."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from titleshot.datasets.contracts.data_parts import DataParts
from titleshot.datasets.contracts.html_table import ShowsItself, html_table, short_interval
from titleshot.datasets.contracts.incident_views import IncidentView
from titleshot.datasets.contracts.instants import Instant
from titleshot.datasets.contracts.record import Record, Severity

Direction = Literal["up", "down"]
Outcome = Literal["detected", "missed", "carried", "censored", "unscored"]


class Score(BaseModel):
    """A number with its n, its interval and its chance level."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    value: float | None = None
    unit: str
    """``ratio``, ``s``, ``per_week``, ``count``."""
    better: Direction | None = None
    """None: context, neither good nor bad by itself."""
    n: int
    """What the number rests on: incidents, pages, weeks …; ``n_of`` says which."""
    n_of: str
    low: float | None = None
    high: float | None = None
    confidence: float | None = None
    method: str | None = None
    chance: float | None = None
    """Mean of the same score against shifted labels."""
    chance_high: float | None = None
    """95 % quantile of the same."""
    reason: str | None = None
    """Why ``value`` (or the interval) is null."""

    @model_validator(mode="after")
    def _explained(self) -> Score:
        if (self.value is None or self.low is None) and not self.reason:
            raise ValueError(f"score {self.name}: a null value or interval needs a reason")
        return self


class IncidentOutcome(BaseModel):
    """What became of one labelled incident under one contender."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    incident_id: str
    start: Instant
    end: Instant
    root_service: str
    affected_services: tuple[str, ...]
    severity: Severity
    kind: str
    team: str | None = None
    outcome: Outcome
    detected_at: Instant | None = None
    time_to_detect_s: float | None = None
    page_ids: tuple[str, ...] = ()
    duplicates: int = 0
    fan_out: int = 0


class PageOutcome(BaseModel):
    """What became of one page."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    page_id: str
    paged_at: Instant
    route: str
    severity: Severity
    services: tuple[str, ...]
    outcome: Literal[
        "detection", "duplicate", "fan_out", "carried", "false", "unmatched", "unscored", "set_aside"
    ]
    incident_id: str | None = None


class Identity(BaseModel):
    """Which bytes the numbers speak of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    contender: str
    recipe_digest: str | None = None
    artifact_digest: str | None = None
    pages_digest: str | None = None
    """Of an imported page history, which has no recipe: SHA-256 of its pages."""
    dataset: str
    dataset_digest: str
    labels_digest: str
    labels_as_of: Instant
    parts: DataParts | None = None
    """What the dataset was made of; None in what was written before this was kept."""
    code_commit: str | None = None
    code_dirty: bool | None = None
    lock_digest: str | None = None


class Settings(BaseModel):
    """What was scored and how; the evaluation settings as resolved."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    span_from: Instant
    span_to: Instant
    warm_up_s: float
    early_s: dict[str, float]
    """By label source."""
    grace_s: float
    hops: int
    labels_complete: bool
    detect_within_s: float
    seed: int
    resamples: int
    blocks: int
    confidence: float


class ChanceLevel(BaseModel):
    """How labels were shifted to see what pages at the wrong times would have earned."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Literal["whole_weeks", "within_weekday", "circular"] | None = None
    """``circular``: under three weeks, or services scored at different times; weekdays are not kept."""
    shifts: int
    """Distinct shifts tried."""
    reason: str | None = None
    """Why there are none."""


Stretched = Literal["early_s", "grace_s", "both"]


class Sensitivity(BaseModel):
    """Scores where early times, grace times or both are ``factor`` times as long."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    factor: float
    of: Stretched = "both"
    scores: dict[str, float | None]


class CorrelationScores(ShowsItself, BaseModel):
    """What candidates and their hypotheses are worth; empty with a ``reason`` where a log has none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scores: tuple[Score, ...] = ()
    """Those that may decide."""
    context: tuple[Score, ...] = ()
    """Those that something worthless earns much of."""
    baselines: dict[str, tuple[Score, ...]] = Field(default_factory=dict)
    """The same alerts cut as ``truth``, ``singletons``, ``one_giant``, ``shuffled``, ``random_windows``."""
    hypothesis_baselines: dict[str, tuple[Score, ...]] = Field(default_factory=dict)
    """``random_member``, ``most_frequent_cause``, ``earliest_alert``, ``oracle``."""
    abstention_curve: tuple[tuple[float, float, float], ...] = ()
    """(confidence, share of claims at least that confident, share of these that are right)."""
    reliability: tuple[tuple[float, float, int], ...] = ()
    """(mean confidence, share that is right, claims) by bin of confidence, of held-out claims: what
    expected_calibration_error adds up."""
    notes: tuple[str, ...] = ()
    reason: str | None = None
    """Why there is nothing to score."""

    def score(self, name: str) -> Score:
        """The score of that name, decisive or context; KeyError names those there are."""
        found = {score.name: score for score in (*self.scores, *self.context)}
        if name not in found:
            raise KeyError(f"no score {name!r}; there are {', '.join(found) or self.reason}")
        return found[name]

    def _repr_html_(self) -> str:
        rows = {**self.baselines, **self.hypothesis_baselines}
        beside = [{score.name: score.value for score in row} for row in rows.values()]
        shown = [
            [
                *(s.name if s.better else f"({s.name})", s.value, short_interval(s.low, s.high)),
                *(f"{s.n} {s.n_of}", *(row.get(s.name, "") for row in beside)),
                s.reason if s.value is None else s.method,
            ]
            for s in (*self.scores, *self.context)
        ]
        header = ["score", "value", "interval", "n", *rows, "method or reason"]
        return html_table(self.reason or "incident candidates; context in brackets", header, shown)


class WatchedBy(BaseModel):
    """What one detector of a contender looks at, and how much it said."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    selectors: tuple[str, ...] = ()
    """What the recipe sends to it, in words; empty where the log has no recipe."""
    metrics: tuple[str, ...] = ()
    """Names of the metrics its alerts were about."""
    alerts: int
    """Events of it that passed the alert policy."""
    alerts_scored: int


class DetectorScores(BaseModel):
    """What ``by_group["detector"]`` speaks of, by detector string."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    watched: dict[str, WatchedBy] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()
    reason: str | None = None
    """Why there is nothing by detector."""


class Scorecard(ShowsItself, Record):
    """Everything ``score`` says of one replay log."""

    VERSION: ClassVar[str] = "1.2"

    schema_version: str = "1.2"

    identity: Identity
    settings: Settings
    scores: tuple[Score, ...]
    by_group: dict[str, dict[str, tuple[Score, ...]]] = Field(default_factory=dict)
    """``{"severity": {"high": (…)}, "kind": …, "service": …, "team": …, "detector": …}``.

    By detector each alert is a page, see ``detectors``.
    """
    baselines: dict[str, tuple[Score, ...]] = Field(default_factory=dict)
    """``never``, ``always``, ``random``."""
    chance: ChanceLevel | None = None
    sensitivity: tuple[Sensitivity, ...] = ()
    sensitivity_reason: str | None = None
    """Why there is none: where both times are 0, half and double of them are too."""
    delay_curve: tuple[tuple[float, float], ...] = ()
    """(T in s, share of all incidents detected within T)."""
    duplicates_spread: tuple[tuple[int, int], ...] = ()
    """(repeated pages, detected incidents that had so many), rising; duplicates_per_incident is its mean."""
    incidents: tuple[IncidentOutcome, ...] = ()
    pages: tuple[PageOutcome, ...] = ()
    correlation: CorrelationScores | None = None
    """None in what was written before it was scored."""
    detectors: DetectorScores | None = None
    """What the groups by detector are; None in what was written before they were scored."""
    stories: tuple[IncidentView, ...] = ()
    """The widest incident candidates as a responder would have seen them. Empty where no candidate has two
    services, and in what was written before they were kept."""
    notes: tuple[str, ...] = ()

    def score(self, name: str) -> Score:
        """The score of that name; KeyError names those there are."""
        for score in self.scores:
            if score.name == name:
                return score
        raise KeyError(f"no score {name!r}; there are {', '.join(score.name for score in self.scores)}")

    def _repr_html_(self) -> str:
        caption = f"{self.identity.contender} on {self.identity.dataset}"
        rows = [[*_in_short(s), s.chance, s.reason or s.method] for s in self.scores]
        header = ["score", "value", "interval", "n", "chance", "method or reason"]
        shown = html_table(caption, header, rows)
        if by_detector := self.by_group.get("detector"):
            rows = [[name, *_in_short(s), s.chance] for name, scores in by_detector.items() for s in scores]
            shown += html_table("by detector, each alert a page", ["detector", *header[:5]], rows)
        return shown


def _in_short(score: Score) -> list[object]:
    return [score.name, score.value, short_interval(score.low, score.high), f"{score.n} {score.n_of}"]
