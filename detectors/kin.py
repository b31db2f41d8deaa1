"""Which services a fault could share: it travels from what is called to who calls."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Literal, NamedTuple

Side = Literal["callee", "caller", "sibling"]
Adjacent = Callable[[str], Collection[str]]


class Kin(NamedTuple):
    """How another service stands to the one asked about, by the shortest way and of these the least busy."""

    side: Side
    """It is called, directly or through others; it calls; or both call the same service."""
    hops: int
    widest: int
    """Most callers of any service called on the way: how much of a hub it leads through."""


def kin_of(service: str, hops: int, through: int, callees: Adjacent, callers: Adjacent) -> dict[str, Kin]:
    """Every kin of ``service``; one that is several is a callee first, then a caller, then a sibling.

    Two services called by one caller are no kin, two callers of one service are. No way leads through a
    service with more than ``through`` callers, though it may end there.
    """
    found: dict[str, Kin] = {}
    sides: tuple[tuple[Side, Adjacent, int], ...] = (
        ("callee", callees, 0),
        ("caller", callers, len(callers(service))),
    )
    for side, adjacent, widest in sides:
        edge = {service: widest}
        for hop in range(1, hops + 1):
            further: dict[str, int] = {}
            for name, width in edge.items():
                if hop > 1 and len(callers(name)) > through:
                    continue
                for other in adjacent(name):
                    if other == service or other in found:
                        continue
                    # Downwards the last one is called too; upwards it only calls.
                    way = max(width, len(callers(other if side == "callee" else name)))
                    further[other] = min(way, further.get(other, way))
            found |= {other: Kin(side, hop, way) for other, way in further.items()}
            edge = further
    for below in callees(service) if hops > 1 else ():
        beside = callers(below)
        if len(beside) <= through:
            for other in beside:
                known = found.get(other)
                if other != service and (
                    known is None or (known.side == "sibling" and known.widest > len(beside))
                ):
                    found[other] = Kin("sibling", 2, len(beside))
    return {name: found[name] for name in sorted(found)}
