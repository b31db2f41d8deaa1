"""Which services a dataset knows: from its series, from its topology at a time, under another name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.contracts.reference import Alias, ReferenceRow, TopologyEdge

Span = tuple[int, int | None]


class KnownServices:
    """Service ids (``namespace/service``) and when they held.

    Deaf to when a fact became known: labels speak of what was, not of what was known.
    """

    def __init__(self, keys: Sequence[SeriesKey], reference: Iterable[ReferenceRow]) -> None:
        self.series = {key.service_id for key in keys}
        self.topology: dict[str, list[Span]] = defaultdict(list)
        self._aliases: dict[str, list[tuple[Span, str]]] = defaultdict(list)
        for row in reference:
            span = (row.valid_from, row.valid_to)
            match row:
                case TopologyEdge():
                    self.topology[row.caller].append(span)
                    self.topology[row.callee].append(span)
                case Alias():
                    self._aliases[row.alias].append((span, row.service))
                case _:
                    pass

    @property
    def has_topology(self) -> bool:
        return bool(self.topology)

    def known(self, service: str) -> bool:
        """Has series, or is in the topology at any time, under this name or one it is an alias of."""
        return any(name in self.series or name in self.topology for name in self.names(service))

    def in_topology(self, service: str, start: int, end: int) -> bool:
        """In the topology at some moment of [start, end), nanoseconds UTC."""
        names = {service}
        names.update(name for span, name in self._aliases.get(service, ()) if _overlap(span, start, end))
        return any(_overlap(span, start, end) for name in names for span in self.topology.get(name, ()))

    def names(self, service: str) -> set[str]:
        """The service and every service it is an alias of."""
        return {service, *(name for _, name in self._aliases.get(service, ()))}


def _overlap(span: Span, start: int, end: int) -> bool:
    return span[0] < end and (span[1] is None or start < span[1])
