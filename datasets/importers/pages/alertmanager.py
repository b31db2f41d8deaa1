"""Alertmanager: what its webhook was sent, a notification a line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

from titleshot.datasets.contracts.record import SEVERITIES
from titleshot.datasets.importers.pages.fields import Fields, clean
from titleshot.datasets.importers.pages.severities import severity_of
from titleshot.datasets.importers.pages.tool_page import Found, Reading, Tool, ToolPage, Unusable

_SERVICE = ("service", "app", "job")
_RECEIVED = ("receivedat", "received", "timestamp", "time", "ts", "datetime")
_VERSIONS = {"4", "1", ""}
"""Of Alertmanager's webhook, of Grafana's of the same shape, and not said."""
_OPEN = "0001-01-01"


class _Alert(NamedTuple):
    """One firing alert: who, since when, about which service, how grave."""

    key: tuple[str, int]
    name: str
    severity: str


@dataclass
class _Notification:
    """One payload, boiled down."""

    at: int
    received: bool
    receiver: str
    group: str
    title: str
    source: str
    row: int
    firing: list[_Alert] = field(default_factory=list)


@dataclass
class _Episode:
    """A group from its first firing notification until it is resolved."""

    pages: list[ToolPage]
    firing: set[tuple[str, int]]
    named: set[str]
    last: int


class Alertmanager(Tool):
    """Payloads of version 4, bare or wrapped by what wrote them down with the time they came.

    Source: Alertmanager's webhook_config; how it groups and repeats, its group_interval and repeat_interval.
    """

    name: ClassVar[str] = "alertmanager"
    title: ClassVar[str] = "Alertmanager"
    rules: ClassVar[tuple[str, ...]] = (
        (
            "a group's first firing notification is a page; a later one of the same episode is a page only"
            " where it names a service the episode had not named yet, else a repeat, counted and no page"
        ),
        (
            "an episode ends when a notification says resolved, or when nothing of what fired before fires"
            " still (webhooks that are sent no resolved notifications)"
        ),
        (
            "paged_at is when the line was received, where it says so; else the latest startsAt of the"
            " alerts that fire in it, earlier than the true moment by up to group_wait:"
            " in favour of the champion"
        ),
        "a service is what the labels service, app or job name, with the label namespace before it",
        "severity is the gravest of the firing alerts' label severity; the route is the receiver",
    )

    def pages(self, records: Iterable[Found], reading: Reading) -> Iterator[ToolPage]:
        notifications = []
        for found in records:
            try:
                notifications.append(self._notification(found, reading))
            except Unusable as error:
                reading.aside(error.reason, str(error), found.source, found.row, found.record)
        if all(one.received for one in notifications):
            # Without times of their own lines say nothing but their order.
            ordered = sorted(notifications, key=lambda one: one.at)
            before = notifications
            notifications = ordered
            reading.counts["out_of_order"] += sum(a is not b for a, b in zip(before, ordered, strict=True))
        else:
            reading.counts["without a received time"] += sum(not one.received for one in notifications)
        yield from _pages(notifications, reading)

    def page_of(self, found: Found, reading: Reading) -> ToolPage:
        return next(_pages([self._notification(found, reading)], reading))

    def _notification(self, found: Found, reading: Reading) -> _Notification:
        payload, received = payload_of(found.record)
        if payload is None:
            raise Unusable("no webhook payload", "no object with groupKey and alerts")
        version = str(payload.get("version", ""))
        if version not in _VERSIONS:
            raise Unusable("unknown version", f"version {version[:40]!r}; version 4 is read")
        labels = payload.get("groupLabels")
        one = _Notification(
            at=0,
            received=received is not None,
            receiver=clean(str(payload.get("receiver") or self.name)),
            group=str(payload["groupKey"]),
            title=_title(payload, labels if isinstance(labels, dict) else {}),
            source=found.source,
            row=found.row,
        )
        ends = []
        for alert in payload["alerts"]:
            if not isinstance(alert, dict) or not isinstance(alert.get("labels", {}), dict):
                raise Unusable("alert: no object", "an alert of the payload is no object with labels")
            if (alert.get("status") or payload.get("status")) == "resolved":
                if not str(alert.get("endsAt", _OPEN)).startswith(_OPEN):
                    ends.append(reading.instant(alert["endsAt"], "endsAt"))
            else:
                one.firing.append(_alert(alert, reading))
        known = [alert.key[1] for alert in one.firing] or ends
        if received is None and not known:
            raise Unusable("no time", "no alert of the payload says when it started or ended")
        one.at = max(known) if received is None else reading.instant(received, "received")
        truncated = payload.get("truncatedAlerts")
        if isinstance(truncated, int) and truncated > 0:
            reading.counts["truncated by the tool"] += 1
        return one


def payload_of(record: dict[str, Any]) -> tuple[dict[str, Any] | None, Any]:
    """The webhook payload in a line, and when it was received where the line says so."""
    of = Fields(record)
    received = of.first(_RECEIVED)
    if _is_payload(record):
        return record, received
    for value in record.values():
        inner = value
        if isinstance(value, str) and value.lstrip()[:1] == "{":
            try:
                inner = json.loads(value)
            except (ValueError, RecursionError):
                continue
        if isinstance(inner, dict) and _is_payload(inner):
            return inner, received
    return None, None


def _is_payload(value: dict[str, Any]) -> bool:
    return "groupKey" in value and isinstance(value.get("alerts"), list)


def _title(payload: dict[str, Any], labels: dict[str, Any]) -> str:
    said = payload.get("commonAnnotations")
    common = payload.get("commonLabels")
    summary = said.get("summary") if isinstance(said, dict) else None
    name = labels.get("alertname") or (common.get("alertname") if isinstance(common, dict) else None)
    return clean(str(summary or name or ""))


def _alert(alert: dict[str, Any], reading: Reading) -> _Alert:
    labels = Fields(alert.get("labels", {}))
    starts = reading.instant(alert.get("startsAt"), "startsAt")
    who = str(alert.get("fingerprint") or json.dumps(alert.get("labels"), sort_keys=True))
    service = labels.text(reading.service_fields or _SERVICE)
    namespace = labels.text(["namespace"])
    named = service if not namespace or "/" in service or not service else f"{namespace}/{service}"
    return _Alert((who, starts), named, labels.text(["severity"]))


def _pages(notifications: list[_Notification], reading: Reading) -> Iterator[ToolPage]:
    episodes: dict[tuple[str, str], _Episode] = {}
    for one in notifications:
        group = (one.receiver, one.group)
        episode = episodes.get(group)
        if not one.firing:
            if episode is None:
                reading.counts["resolved without a page"] += 1
            else:
                yield from _closed(episodes.pop(group), one.at)
            continue
        keys = {alert.key for alert in one.firing}
        if episode is not None and episode.firing.isdisjoint(keys):
            reading.counts["ended without a resolved notification"] += 1
            yield from _closed(episodes.pop(group), None)
            episode = None
        named = {alert.name for alert in one.firing}
        if episode is None:
            episodes[group] = _Episode([_page(one)], keys, named, one.at)
            continue
        if named <= episode.named:
            reading.counts["repeated notifications"] += 1
        else:
            episode.pages.append(_page(one))
        episode.firing, episode.named, episode.last = keys, episode.named | named, max(episode.last, one.at)
    for episode in episodes.values():
        yield from _closed(episode, None)


def _page(one: _Notification) -> ToolPage:
    words = [alert.severity for alert in one.firing if alert.severity]
    identity = json.dumps([one.receiver, one.group, one.at, sorted(alert.key for alert in one.firing)])
    return ToolPage(
        page_id=f"alertmanager-{hashlib.sha256(identity.encode()).hexdigest()[:16]}",
        paged_at=one.at,
        names=tuple(dict.fromkeys(alert.name for alert in one.firing if alert.name)),
        severity=max(words, key=_gravity, default=""),
        route=one.receiver or Alertmanager.name,
        title=one.title,
        opened_at=min(min(alert.key[1] for alert in one.firing), one.at),
        closed_at=None,
        last_event_at=one.at,
        source=one.source,
        row=one.row,
    )


def _gravity(word: str) -> tuple[int, str]:
    severity = severity_of(Alertmanager.name, word)
    return (-1 if severity is None else SEVERITIES.index(severity), word)


def _closed(episode: _Episode, at: int | None) -> Iterator[ToolPage]:
    for page in episode.pages:
        yield ToolPage(
            **{**vars(page), "closed_at": at, "last_event_at": max(page.paged_at, at or episode.last)}
        )
