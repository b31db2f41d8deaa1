"""Whether reference rows speak of services the dataset knows, of times it has, and one thing at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from titleshot.datasets.contracts.instants import DAY, format_instant
from titleshot.datasets.contracts.reference import (
    REFERENCE_KINDS,
    Alias,
    Deploy,
    Maintenance,
    Ownership,
    PlannedChange,
    ReferenceRow,
    Tier,
    TopologyEdge,
)
from titleshot.datasets.dataset_card import DatasetCard
from titleshot.datasets.validation.frame import Frame, frame_of
from titleshot.datasets.validation.known_services import KnownServices

FOREVER = int(np.iinfo(np.int64).max)
"""The end of what still holds."""
_SPANS = ("valid_from", "valid_end", "span_from", "span_to")


def reference_frames(rows: Sequence[ReferenceRow], services: KnownServices, card: DatasetCard) -> list[Frame]:
    """One frame of all reference rows, and one of each kind there is."""
    kinds = {kind: [row for row in rows if row.kind == kind] for kind in REFERENCE_KINDS}
    frames = [_of_kind(kind, held, services, card) for kind, held in kinds.items() if held]
    return [_every_row(rows, services, card), *frames] if rows else []


def _every_row(rows: Sequence[ReferenceRow], services: KnownServices, card: DatasetCard) -> Frame:
    """A topology row makes its services known; the others must name known ones."""
    cells = [
        (
            isinstance(row, TopologyEdge) or services.known(row.service),
            f"{row.kind} {row.to_json()}",
            row.known_from,
            min(_end(row), card.span_to),
        )
        for row in rows
    ]
    columns = ("service_known", "content", "known_from", "last_use")
    return frame_of("reference", columns, cells, lambda at: _words(rows[at]))


def _of_kind(kind: str, rows: Sequence[Any], services: KnownServices, card: DatasetCard) -> Frame:
    columns, cells = _CELLS[kind]
    cyclic = _cyclic(rows) if kind == "alias" else set()

    def row_cells(row: Any) -> tuple[Any, ...]:
        spans = (row.valid_from, _end(row), card.span_from, card.span_to)
        return (*spans, *cells(row, services, card), *((id(row) not in cyclic,) if kind == "alias" else ()))

    return frame_of(kind, (*_SPANS, *columns), map(row_cells, rows), lambda at: _words(rows[at]))


def _topology(row: TopologyEdge, services: KnownServices, _: DatasetCard) -> tuple[Any, ...]:
    return ({row.caller, row.callee} <= services.series,)


def _ownership(row: Ownership, *_: Any) -> tuple[Any, ...]:
    return row.service, row.team


def _tier(row: Tier, *_: Any) -> tuple[Any, ...]:
    return row.service, row.tier


def _deploy(row: Deploy, *_: Any) -> tuple[Any, ...]:
    moment_end = row.valid_from + 1
    return row.service, row.version, moment_end, (row.valid_from - row.known_from) / DAY, row.decoy


def _window(row: Maintenance | PlannedChange, *_: Any) -> tuple[Any, ...]:
    # One without an end is told by its own rule.
    return row.valid_to is not None, ((row.valid_to or row.valid_from) - row.valid_from) / DAY


def _alias(row: Alias, *_: Any) -> tuple[Any, ...]:
    return row.service, row.alias, row.service != row.alias


Cells = Callable[[Any, KnownServices, DatasetCard], tuple[Any, ...]]
_CELLS: dict[str, tuple[tuple[str, ...], Cells]] = {
    "topology": (("has_series",), _topology),
    "ownership": (("service", "team"), _ownership),
    "tier": (("service", "tier"), _tier),
    "deploy": (("service", "version", "moment_end", "known_days_before", "decoy"), _deploy),
    "maintenance": (("ends", "days"), _window),
    "planned_change": (("ends", "days"), _window),
    "alias": (("service", "alias", "another", "ends_somewhere"), _alias),
}


def _cyclic(rows: Sequence[Alias]) -> set[int]:
    """Ids of the row objects that close a ring of names, each an alias of the next at one moment."""
    by_alias: defaultdict[str, list[Alias]] = defaultdict(list)
    for row in rows:
        by_alias[row.alias].append(row)
    found = set()
    for row in rows:
        # A ring is whole at the moment its last row begins. A name of itself is told by its own rule.
        moment, reached, ahead = row.valid_from, set[str](), [row.service]
        while ahead and row.alias != row.service:
            name = ahead.pop()
            if name == row.alias:
                found.add(id(row))
                break
            if name not in reached:
                reached.add(name)
                ahead += [held.service for held in by_alias[name] if held.holds_at(moment)]
    return found


def _end(row: ReferenceRow) -> int:
    return FOREVER if row.valid_to is None else row.valid_to


def _words(row: ReferenceRow) -> str:
    since = f"from {format_instant(row.valid_from)}"
    if row.valid_to is not None:
        since += f" to {format_instant(row.valid_to)}"
    if isinstance(row, TopologyEdge):
        return f"topology {row.caller} calls {row.callee} {since}"
    said = next(
        (getattr(row, name) for name in ("team", "tier", "version", "change", "alias") if hasattr(row, name)),
        "",
    )
    known = f"known {format_instant(row.known_from)}"
    return " ".join(filter(None, (row.kind, row.service, said, since, known)))
