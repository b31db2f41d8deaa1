"""Calls between services as topology rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from titleshot.datasets.contracts.reference import TopologyEdge

Calls = set[tuple[str, str]]
"""Pairs of caller and callee, each ``namespace/service``."""
_SERVICE = re.compile(r"[^/\x00-\x1f]{1,250}/[^\x00-\x1f]{1,1000}")


def is_service(name: str) -> bool:
    """Whether a text can be the ``namespace/service`` of a topology row."""
    return _SERVICE.fullmatch(name) is not None


def topology_rows(calls: Calls, services: Iterable[str], since: Mapping[str, int]) -> list[TopologyEdge]:
    """Topology rows that hold from ``since`` on, and one with itself for each service outside all calls.

    Where there is a topology, every service must be in it; where no call is known there is none.

    Args:
        services: every service there is, ``namespace/service``.
        since: nanoseconds UTC by namespace; from then on the calls hold and are known.
    """
    if not calls:
        return []
    called = {service for call in calls for service in call}
    alone = {(service, service) for service in services if service not in called}
    return [
        TopologyEdge(caller=caller, callee=callee, valid_from=start, known_from=start)
        for caller, callee in sorted(calls | alone)
        if (start := since.get(caller.partition("/")[0])) is not None
    ]


def lone(rows: Iterable[TopologyEdge]) -> int:
    """How many of the rows name a service twice."""
    return sum(row.caller == row.callee for row in rows)


def on_the_way(calls: Calls, first: str, last: str) -> set[str]:
    """Services on a path of calls from ``first`` to ``last``, both included; empty where there is none.

    >>> sorted(on_the_way({("a", "b"), ("b", "d"), ("a", "c")}, "a", "d"))
    ['a', 'b', 'd']
    """
    return _reached(calls, first) & _reached({(callee, caller) for caller, callee in calls}, last)


def _reached(calls: Calls, start: str) -> set[str]:
    following: dict[str, list[str]] = {}
    for caller, callee in calls:
        following.setdefault(caller, []).append(callee)
    reached, waiting = {start}, [start]
    while waiting:
        for callee in following.get(waiting.pop(), ()):
            if callee not in reached:
                reached.add(callee)
                waiting.append(callee)
    return reached
