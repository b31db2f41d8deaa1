"""Opsgenie: its alerts, as the CSV export or the alert API's list as JSON."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from titleshot.datasets.importers.pages.fields import Fields, texts
from titleshot.datasets.importers.pages.tool_page import Found, Reading, Tool, ToolPage, Unusable

_ID = ("id", "alertid", "tinyid")
_CREATED = ("createdat", "createdatdate", "createddate", "creationtime")
_CLOSED = ("closedat", "closedatdate", "closeddate", "closetimestamp")
_UPDATED = ("updatedat", "updatedatdate")
_SERVICE = ("service", "servicename", "services", "impactedservices")
_TEAM = ("teams", "team", "ownerteam", "responders")
_TAG = re.compile(r"service\s*[:=]\s*(.+)", re.IGNORECASE)
_MILLISECOND = 1_000_000


class Opsgenie(Tool):
    """Fields of the alert API (``createdAt``, ``report.closeTime``, …) and columns of the export.

    Opsgenie alerts have no field that must name a service: a field or detail ``service`` is taken, then a
    tag ``service:NAME``, then ``entity``; ``--service-field`` says where else it stands.

    Source: Opsgenie's alert API v2; its alert fields.
    """

    name: ClassVar[str] = "opsgenie"
    title: ClassVar[str] = "Opsgenie"
    rules: ClassVar[tuple[str, ...]] = (
        "an alert is a page: it was sent when the alert was created, however often it was deduplicated after",
        (
            "it closed at closedAt, else creation + report.closeTime, else, where its status is closed,"
            " when it was last updated"
        ),
        "severity is the priority: P1 critical, P2 high, P3 medium, P4 and P5 low",
        "the route is the team, else the first responder",
    )

    def page_of(self, found: Found, reading: Reading) -> ToolPage:
        of = Fields(found.record)
        if of.first(_CREATED) is None:
            raise Unusable("no creation time", "no createdAt: not an alert")
        at = reading.instant(of.first(_CREATED), "created")
        closed_at = _closed_at(of, at, reading)
        if _whole(of.first(["count"])) > 1:
            reading.counts["deduplicated by the tool"] += 1
        return ToolPage(
            page_id=of.text(_ID),
            paged_at=at,
            names=_services(of, reading.service_fields),
            severity=of.text(["priority"]),
            route=of.text(_TEAM, self.name),
            title=of.text(["message", "description"]),
            opened_at=at,
            closed_at=closed_at,
            last_event_at=at if closed_at is None else closed_at,
            source=found.source,
            row=found.row,
        )


def _closed_at(of: Fields, at: int, reading: Reading) -> int | None:
    if (closed := of.first(_CLOSED)) is not None:
        return reading.instant(closed, "closed")
    report = of.first(["report"])
    took = report.get("closeTime") if isinstance(report, dict) else of.first(["reportclosetime", "closetime"])
    if (passed := _whole(took)) > 0:
        return at + passed * _MILLISECOND
    updated = of.first(_UPDATED) if of.text(["status"]).lower() == "closed" else None
    return None if updated is None else reading.instant(updated, "updated")


def _whole(value: Any) -> int:
    try:
        number = int(str(value))
    except ValueError:
        return 0
    return number if 0 < number < 10**15 else 0


def _services(of: Fields, chosen: tuple[str, ...]) -> tuple[str, ...]:
    details = of.first(["details", "extraproperties"])
    inner = Fields(details) if isinstance(details, dict) else Fields({})
    for fields in (chosen,) if chosen else (_SERVICE,):
        if found := of.texts(fields) or inner.texts(fields):
            return found
    if chosen:
        return ()
    tags = [tag for text in texts(of.first(["tags"])) for tag in re.split(r"[,;|]", text.strip("[]"))]
    tagged = [match[1].strip() for tag in tags if (match := _TAG.fullmatch(tag.strip().strip('"')))]
    return tuple(dict.fromkeys(tagged)) or of.texts(["entity"])
