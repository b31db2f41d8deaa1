"""PagerDuty: the incidents of its CSV report, or of the REST API's list as JSON."""

from __future__ import annotations

from typing import ClassVar

from titleshot.datasets.importers.pages.fields import Fields, texts
from titleshot.datasets.importers.pages.tool_page import Found, Reading, Tool, ToolPage, Unusable

_ID = ("id", "incidentid", "incidentnumber", "number")
_CREATED = ("createdat", "createdon", "triggeredat", "triggeredon")
_RESOLVED = ("resolvedat", "resolvedon")
_CHANGED = ("laststatuschangeat", "laststatuschangeon")
_SERVICE = ("servicename", "servicesummary", "service")
_TEAM = ("teamname", "teams", "team", "teamsummary", "escalationpolicyname", "escalationpolicy")
_TITLE = ("title", "description", "summary")


class PagerDuty(Tool):
    """Columns of the report (``created_on``, ``service_name``, …) and fields of the API
    (``created_at``, ``service.summary``, …), whichever a record has.

    Source: PagerDuty's REST API v2, list incidents; its incident report.
    """

    name: ClassVar[str] = "pagerduty"
    title: ClassVar[str] = "PagerDuty"
    rules: ClassVar[tuple[str, ...]] = (
        "an incident is a page: it was sent when the incident was created and closed when it was resolved",
        "an incident merged into another had paged before it was merged: kept, closed at the merge, counted",
        (
            "severity is the priority (P1 critical, P2 high, P3 medium, P4 and P5 low), else the urgency;"
            " low urgency woke nobody by PagerDuty's defaults: --least-severity high leaves it out"
        ),
        "the route is the team, else the escalation policy",
    )

    def page_of(self, found: Found, reading: Reading) -> ToolPage:
        of = Fields(found.record)
        if of.first(_CREATED) is None:
            raise Unusable("no creation time", "no created_at or created_on: not an incident")
        at = reading.instant(of.first(_CREATED), "created")
        closed = of.first(_RESOLVED)
        if closed is None and of.text(["status"]).lower() == "resolved":
            closed = of.first(_CHANGED)
        if _merged(found):
            reading.counts["merged"] += 1
        closed_at = None if closed is None else reading.instant(closed, "resolved")
        return ToolPage(
            page_id=of.text(_ID),
            paged_at=at,
            names=of.texts(reading.service_fields or _SERVICE),
            severity=of.text(("priorityname", "prioritysummary", "priority")) or of.text(["urgency"]),
            route=of.text(_TEAM, self.name),
            title=of.text(_TITLE),
            opened_at=at,
            closed_at=closed_at,
            last_event_at=at if closed_at is None else closed_at,
            source=found.source,
            row=found.row,
        )


def _merged(found: Found) -> bool:
    reason = found.record.get("resolve_reason")
    kind = reason.get("type") if isinstance(reason, dict) else reason
    return "merge" in " ".join(texts(kind)).lower()
