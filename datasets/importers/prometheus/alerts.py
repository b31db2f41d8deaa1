"""Alert history: firing samples of ALERTS into episodes, and episodes into pages.

An episode is a run of firing samples of one label set that are at most the gap apart. It opens and pages at
its first sample and closes one evaluation (the smallest step between its samples) after its last.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.incidents import Page
from titleshot.datasets.contracts.instants import MINUTE, SECOND
from titleshot.datasets.contracts.record import Severity, canonical_json, service_id
from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.importers.prometheus.label_rules import NAME, LabelRules, first_filled
from titleshot.datasets.importers.prometheus.questions import SEVERITIES, AlertRules

_LONGEST_ROUTE = 1024


@dataclass
class _Alert:
    """One label set: its episodes as (first, last), and the smallest step between two samples."""

    labels: dict[str, str]
    episodes: list[tuple[int, int]] = field(default_factory=list)
    step: int | None = None


class AlertHistory:
    """Takes firing samples piece by piece, in order of time; keeps two instants an episode.

    Args:
        gap: nanoseconds; samples further apart belong to two episodes.
    """

    def __init__(self, gap: int) -> None:
        self._gap = gap
        self._alerts: dict[str, _Alert] = {}

    def add(self, labels: Mapping[str, str], times: NDArray[np.int64]) -> None:
        """Firing samples of one label set: int64[n], nanoseconds UTC, ascending."""
        if not len(times):
            return
        kept = {name: text for name, text in labels.items() if name not in {NAME, "alertstate"} and text}
        alert = self._alerts.setdefault(canonical_json(kept), _Alert(kept))
        if alert.episodes:  # the step over the edge of a piece counts too
            times = np.concatenate([[alert.episodes[-1][1]], times])
        steps = np.diff(times)
        if np.any(steps > 0):
            smallest = int(steps[steps > 0].min())
            alert.step = smallest if alert.step is None else min(alert.step, smallest)
        cuts = np.flatnonzero(steps > self._gap) + 1
        for run in np.split(times, cuts):
            first, last = int(run[0]), int(run[-1])
            if alert.episodes and first - alert.episodes[-1][1] <= self._gap:
                alert.episodes[-1] = (alert.episodes[-1][0], max(last, alert.episodes[-1][1]))
            else:
                alert.episodes.append((first, last))

    def write(self, into: DatasetWriter, rules: LabelRules, alerts: AlertRules, start: int, end: int) -> None:
        """Write the pages of episodes that opened in [start, end) and report what was decided."""
        usual = min((alert.step for alert in self._alerts.values() if alert.step), default=MINUTE)
        counts: Counter[str] = Counter()
        pages: list[Page] = []
        for name, alert in sorted(self._alerts.items()):
            step = alert.step or usual
            for first, last in alert.episodes:
                if first < start:
                    counts["opened_before_the_span"] += 1
                    detail = "it was firing before the span began; when it was sent is not known"
                    into.quarantine("pages", "opened before the span", detail, "ALERTS", 0, name)
                    continue
                page = _page(name, alert.labels, first, rules, alerts, counts)
                pages.append(page)
                if last + self._gap < end:
                    closed = {"status": "closed", "last_event_at": last, "closed_at": last + step}
                    pages.append(page.model_copy(update=closed))
                else:
                    counts["open_at_the_end"] += 1
        pages.sort(key=lambda page: (page.paged_at, page.page_id))  # stable: sent stands before closed
        into.add_labels(pages=pages)
        if not self._alerts:
            into.report["alerts"] = f"none: {alerts.query} has no sample in the span"
            return
        into.report["alerts"] = {
            "label_sets": len(self._alerts),
            "pages": sum(page.status == "sent" for page in pages),
            **dict(sorted((+counts).items())),
        }
        into.report["alerts_rule"] = (
            f"a page is a run of firing samples of one label set at most {self._gap / SECOND:g} s apart, sent"
            " at the first, closed one evaluation after the last; grouping, group_wait, silences and"
            " inhibition of Alertmanager are not in it; a severity that is not known is medium"
        )


def _page(
    name: str, labels: dict[str, str], first: int, rules: LabelRules, alerts: AlertRules, counts: Counter[str]
) -> Page:
    digest = hashlib.blake2b(f"{name} {first}".encode(errors="backslashreplace"), digest_size=8).hexdigest()
    namespace, service = first_filled(rules.namespace, labels), first_filled(rules.service, labels)
    services: tuple[str, ...] = ()
    if namespace and service and _printable(namespace[0] + service[0]) == namespace[0] + service[0]:
        services = (service_id(namespace[0].replace("/", "_"), service[0]),)
    counts["without_service"] += not services
    route = first_filled(alerts.route, labels)
    told = {"alertname", "severity"}
    rest = ", ".join(f"{label}={text}" for label, text in sorted(labels.items()) if label not in told)
    return Page(
        page_id=f"alert-{digest}",
        incident_id=f"alert-incident-{digest}",
        status="sent",
        route=_printable(route[0] if route else "")[:_LONGEST_ROUTE] or "prometheus",
        severity=_severity(labels.get("severity", ""), alerts, counts),
        services=services,
        opened_at=first,
        paged_at=first,
        last_event_at=first,
        probable_service=services[0] if services else None,
        summary=_printable(f"{labels.get('alertname', 'alert')}{f' ({rest})' if rest else ''}"),
    )


def _severity(word: str, alerts: AlertRules, counts: Counter[str]) -> Severity:
    known = {**SEVERITIES, **{own.lower(): severity for own, severity in alerts.severities.items()}}
    found = known.get(word.strip().lower())
    counts["severity_unknown"] += found is None
    return found or "medium"


def _printable(text: str) -> str:
    """Without controls, which no name has, and without halves of surrogate pairs, which no file takes."""
    return "".join(sign if sign >= " " else " " for sign in text.encode(errors="replace").decode())
