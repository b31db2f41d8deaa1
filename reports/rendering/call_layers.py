"""Services in layers by the direction of calls: who calls stands before whom it calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence


def call_layers(services: Sequence[str], calls: Iterable[tuple[str, str]]) -> list[int]:
    """The layer of each service, from 0: one more than the last of its callers.

    Calls in a ring have no first: the service named first of those in it with fewest callers left begins it,
    and the call that closes the ring leads back.

    Args:
        services: each once; in case of a ring the order decides.
        calls: (caller, callee), both among the services; a call of itself counts for nothing.

    >>> call_layers(["db", "cart", "web"], [("web", "cart"), ("cart", "db"), ("web", "db")])
    [2, 1, 0]
    """
    callers: dict[str, set[str]] = {name: set() for name in services}
    for caller, callee in calls:
        if caller != callee:
            callers[callee].add(caller)
    layer: dict[str, int] = {}
    waiting = list(services)
    while waiting:
        left = {one: callers[one] - layer.keys() for one in waiting}
        name = min(_foremost(left), key=lambda one: len(left[one]))
        waiting.remove(name)
        layer[name] = 1 + max((layer[one] for one in callers[name] if one in layer), default=-1)
    return [layer[name] for name in services]


def _foremost(callers: Mapping[str, set[str]]) -> list[str]:
    """Services that nothing leads to but what they lead back to: those without callers, and first rings."""
    above = {name: _above(name, callers) for name in callers}
    return [name for name in callers if all(name in above[other] for other in above[name])]


def _above(name: str, callers: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    edge = callers[name]
    while edge:
        found |= edge
        edge = {caller for one in edge for caller in callers[one]} - found
    return found
