"""An incident candidate as a responder needs it: who, since when, suspected whom, on what grounds, and what
is not known."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from titleshot.datasets.contracts.html_table import ShowsItself, html_table
from titleshot.datasets.contracts.incidents import Hypothesis, Link
from titleshot.datasets.contracts.instants import Instant, format_instant
from titleshot.datasets.contracts.record import Record, Severity

MissingWhat = Literal[
    "dataset", "owner", "tier", "topology", "deploys", "planned_changes", "log_events", "platform_events",
    "hypothesis", "events", "sample_count", "closing",
]  # fmt: skip


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MissingContext(_Part):
    """Something a responder would want to know and nobody can tell from the data."""

    what: MissingWhat
    about: str | None = None
    """The service it is about; None: the whole incident."""
    why: str


class ServiceView(_Part):
    """What one service has to do with an incident; services come in the order of their first alerts."""

    service: str
    team: str | None = None
    tier: str | None = None
    alerts: int
    first_alert: Instant
    last_alert: Instant
    highest_score: float
    metrics: tuple[str, ...]
    alerted_at: tuple[Instant, ...]
    """Moments of alerts, at most fifty, spread over the incident."""


class CallView(_Part):
    """A call between two services of an incident, as it was when the incident opened."""

    caller: str
    callee: str
    travelled: bool
    """Whether the callee alerted before the caller, so that the fault may have come this way."""


class EvidenceView(_Part):
    """An alert, with what its detector said of it."""

    event_id: str
    timestamp: Instant
    service: str
    metric_name: str
    value: float
    expected: float
    lower_bound: float
    upper_bound: float
    anomaly_score: float
    detector: str
    sample_count: int | None = None
    baseline: str | None = None
    direction: str | None = None
    recent_deploy: str | None = None


class PageView(_Part):
    """A page that was sent about an incident."""

    page_id: str
    route: str
    paged_at: Instant
    probable_service: str | None = None
    outcome: str | None = None
    """What became of it against labels; None: no labels were named."""
    hit: str | None = None
    """The labelled incident it hit."""


class LabelHit(_Part):
    """A labelled incident that alerts of a candidate belong to."""

    incident_id: str
    kind: str
    severity: Severity
    root_service: str
    start: Instant
    end: Instant
    alerts: int
    """Of the candidate's, within the labelled incident."""
    suspected_at: int | None = None
    """Place of the root among the hypotheses, from 1; None: not among them."""


class IncidentView(_Part):
    """One incident candidate as last said, with what is around it."""

    incident_id: str
    state: Literal["open", "closed"]
    """``open``: the log ends before it closed."""
    severity: Severity
    correlator: str
    opened_at: Instant
    last_event_at: Instant
    said_at: Instant
    """Engine clock of the last record; what became known later is not used."""
    events: int
    services: tuple[ServiceView, ...]
    calls: tuple[CallView, ...] = ()
    hypotheses: tuple[Hypothesis, ...] = ()
    """Most probable first; empty: the correlator named nobody."""
    evidence: tuple[EvidenceView, ...] = ()
    """The strangest alert of each metric, strangest first, at most eight."""
    evidence_left_out: int = 0
    """Further metrics."""
    pages: tuple[PageView, ...] = ()
    merged_from: tuple[str, ...] = ()
    """Candidates that were found to be this one."""
    links: tuple[Link, ...] = ()
    """Why each service is part of it; empty: the correlator does not say, or there is one."""
    recurs_of: tuple[str, ...] = ()
    """Earlier incidents of the same kind, newest first."""
    labelled: tuple[LabelHit, ...] | None = None
    """Most alerts first; None: no labels were named."""
    missing: tuple[MissingContext, ...] = ()


class ResponderView(ShowsItself, Record):
    """The incidents of a replay log that were asked for, latest first."""

    contender: str
    dataset: str | None = None
    """Whose reference data and labels were used; None: none."""
    labels_as_of: Instant | None = None
    incidents: tuple[IncidentView, ...]
    matching: int
    """Incidents that fit what was asked, shown or not."""
    in_log: int
    """All incidents of the log."""

    def _repr_html_(self) -> str:
        header = ["opened", "incident", "severity", "services", "events", "starting hypothesis", "confidence"]
        header += ["hits", "missing"]
        rows = [
            [
                *(format_instant(one.opened_at), one.incident_id[:12], one.severity),
                *(", ".join(service.service for service in one.services), one.events),
                *(
                    (one.hypotheses[0].service, one.hypotheses[0].confidence)
                    if one.hypotheses
                    else (None, None)
                ),
                None if one.labelled is None else ", ".join(hit.incident_id for hit in one.labelled),
                len(one.missing),
            ]
            for one in self.incidents
        ]
        return html_table(f"{self.contender}: {len(rows)} of {self.matching} incidents", header, rows)
