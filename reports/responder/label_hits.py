"""Which labelled incidents the alerts of a candidate belong to, by the same windows as everywhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from titleshot.datasets.contracts.incident_views import LabelHit
from titleshot.datasets.contracts.incidents import Hypothesis
from titleshot.reports.correlation.event_truth import NOISE, incident_of_events
from titleshot.reports.match_tables import Codes, incident_table
from titleshot.reports.responder.alerts import SaidAlert
from titleshot.reports.terms import Terms


class Labelled:
    """Labelled incidents under settled terms, asked which of them alerts belong to."""

    def __init__(self, terms: Terms) -> None:
        self._reference = terms.reference
        self._labels = sorted(terms.labels.incidents, key=lambda label: (label.start, label.incident_id))
        self._codes = Codes()
        self._table = incident_table(self._labels, terms.rules, terms.reference, terms.time, self._codes)

    def hits(self, alerts: Sequence[SaidAlert], hypotheses: Sequence[Hypothesis]) -> tuple[LabelHit, ...]:
        """Labelled incidents with any of these alerts, those with most ahead."""
        rows = Counter(self._rows([alert.timestamp for alert in alerts], [alert.service for alert in alerts]))
        rows.pop(NOISE, None)
        ordered = sorted(rows, key=lambda row: (-rows[row], row))
        return tuple(self._hit(row, rows[row], hypotheses) for row in ordered)

    def names(self, times: Sequence[int], services: Sequence[str]) -> list[str | None]:
        """The labelled incident each alert belongs to, by its id; None: it belongs to none."""
        rows = self._rows(times, services)
        return [None if row == NOISE else self._labels[row].incident_id for row in rows]

    def _rows(self, times: Sequence[int], services: Sequence[str]) -> list[int]:
        codes = [
            self._codes(self._reference.canonical(service, at))
            for service, at in zip(services, times, strict=True)
        ]
        found: list[int] = incident_of_events(
            np.array(times, np.int64), np.array(codes, np.int64), self._table
        ).tolist()
        return found

    def _hit(self, row: int, alerts: int, hypotheses: Sequence[Hypothesis]) -> LabelHit:
        label, named = self._labels[row], self._reference.canonical
        suspected = [named(one.service, label.start) for one in hypotheses]
        root = named(label.root_service, label.start)
        return LabelHit(
            incident_id=label.incident_id,
            kind=label.kind,
            severity=label.severity,
            root_service=label.root_service,
            start=label.start,
            end=label.end,
            alerts=alerts,
            suspected_at=suspected.index(root) + 1 if root in suspected else None,
        )
