"""Whether log and platform events speak of known services and of the time there is telemetry of."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence

from titleshot.datasets.contracts.record import service_id
from titleshot.datasets.contracts.telemetry import LogEvent, PlatformEvent
from titleshot.datasets.dataset_card import DatasetCard
from titleshot.datasets.validation.frame import Frame, frame_of
from titleshot.datasets.validation.known_services import KnownServices

_COLUMNS = ("service_known", "rows", "outside", "from_the_future", "repeated", "templates")


def log_event_frame(events: Sequence[LogEvent], services: KnownServices, card: DatasetCard) -> Frame:
    """One row a service with log events."""
    return _frame("log_events", events, services, card)


def platform_event_frame(
    events: Sequence[PlatformEvent], services: KnownServices, card: DatasetCard
) -> Frame:
    """One row a service with platform events."""
    return _frame("platform_events", events, services, card)


def _frame(
    table: str,
    events: Sequence[LogEvent] | Sequence[PlatformEvent],
    services: KnownServices,
    card: DatasetCard,
) -> Frame:
    rows: Counter[str] = Counter()
    outside: Counter[str] = Counter()
    early: Counter[str] = Counter()
    repeated: Counter[str] = Counter()
    said: defaultdict[str, set[Hashable]] = defaultdict(set)
    seen: set[Hashable] = set()
    for event in events:
        name = service_id(event.namespace, event.service)
        what = _what(event)
        rows[name] += 1
        outside[name] += not card.span_from <= event.timestamp < card.span_to
        early[name] += event.ingested_at is not None and event.ingested_at < event.timestamp
        repeated[name] += (name, event.timestamp, what) in seen
        seen.add((name, event.timestamp, what))
        said[name].add(what)
    names = sorted(rows)
    cells = [
        (services.known(name), rows[name], outside[name], early[name], repeated[name], len(said[name]))
        for name in names
    ]

    def words(at: int) -> str:
        name = names[at]
        faults = {"outside": outside, "from the future": early, "twice": repeated}
        found = "".join(f", {count[name]} {fault}" for fault, count in faults.items() if count[name])
        return f"{name}: {rows[name]} events, {len(said[name])} different{found}"

    return frame_of(table, _COLUMNS, cells, words)


def _what(event: LogEvent | PlatformEvent) -> tuple[str, str]:
    if isinstance(event, LogEvent):
        return event.level, event.template
    return event.reason, event.message
