"""Whether reference rows and events speak of services the dataset knows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from titleshot.datasets.contracts.instants import format_instant
from titleshot.datasets.contracts.record import service_id
from titleshot.datasets.contracts.reference import Ownership, ReferenceRow, TopologyEdge
from titleshot.datasets.contracts.telemetry import LogEvent, PlatformEvent
from titleshot.datasets.dataset_card import DatasetCard
from titleshot.datasets.validation.frame import Frame, frame_of
from titleshot.datasets.validation.known_services import KnownServices


def reference_frame(rows: Sequence[ReferenceRow], services: KnownServices) -> Frame:
    """One row a reference row. A topology row makes its services known; the others must name known ones."""
    disputed = _disputed([row for row in rows if isinstance(row, Ownership)])
    cells = [
        (
            isinstance(row, TopologyEdge) or services.known(row.service),
            not isinstance(row, TopologyEdge) or {row.caller, row.callee} <= services.series,
            f"{row.kind} {row.to_json()}",
            id(row) not in disputed,
        )
        for row in rows
    ]

    def words(at: int) -> str:
        row = rows[at]
        if isinstance(row, TopologyEdge):
            return f"topology {row.caller} calls {row.callee} from {format_instant(row.valid_from)}"
        said = row.team if isinstance(row, Ownership) else getattr(row, "version", "")
        return " ".join(filter(None, (row.kind, row.service, said, f"from {format_instant(row.valid_from)}")))

    return frame_of("reference", ("service_known", "has_series", "content", "undisputed"), cells, words)


def _disputed(rows: Sequence[Ownership]) -> set[int]:
    """Ids of the row objects that begin while another team still owns the service."""
    by_service: defaultdict[str, list[Ownership]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.valid_from):
        by_service[row.service].append(row)
    found = set()
    for held in by_service.values():
        current = held[0]
        for row in held[1:]:
            ended = current.valid_to is not None and current.valid_to <= row.valid_from
            if not ended and row.team != current.team:
                found.add(id(row))
            if ended or row.valid_to is None or (current.valid_to or 0) < row.valid_to:
                current = row
    return found


def event_frame(
    log_events: Iterable[LogEvent],
    platform_events: Iterable[PlatformEvent],
    services: KnownServices,
    card: DatasetCard,
) -> Frame:
    """One row a service and kind of event."""
    rows: Counter[tuple[str, str]] = Counter()
    outside: Counter[tuple[str, str]] = Counter()
    for kind, events in (("log", log_events), ("platform", platform_events)):
        for event in events:
            named = (kind, service_id(event.namespace, event.service))
            rows[named] += 1
            outside[named] += not card.span_from <= event.timestamp < card.span_to
    names = sorted(rows)
    cells = [(services.known(name[1]), rows[name], outside[name]) for name in names]

    def words(at: int) -> str:
        kind, service = names[at]
        return f"{kind} events of {service}: {rows[names[at]]}, of them {outside[names[at]]} outside"

    return frame_of("events", ("service_known", "rows", "outside"), cells, words)
