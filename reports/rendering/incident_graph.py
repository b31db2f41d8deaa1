"""The graph of an incident: services in layers, calls between them, and the way the fault came.

One row a service, one column a layer, so that no name can cover another and a phone shows all of it. Calls
leave to the right and run down a lane of their caller between the columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from titleshot.datasets.contracts.incident_views import IncidentView, ServiceView
from titleshot.datasets.contracts.instants import SECOND
from titleshot.reports.rendering.call_layers import call_layers
from titleshot.reports.rendering.wording import counted, duration, name, percent

MOST_SERVICES = 12
"""Drawn; of more, those that alerted first."""
ROW, RADIUS = 40, 9
_LANE, _CLEAR = 5, 5
_PHONE, _LETTER, _WIDEST = 340, 7, 240

Way = Literal["first", "along", "apart"]
"""How a service came in: alerted first; called one that had alerted before; neither."""


@dataclass(frozen=True)
class Node:
    """A service at its place, in pixels; ``number`` is its place by first alert, from 1."""

    number: int
    x: int
    y: int
    way: Way
    suspected: bool
    label: str
    told: str
    title: str


@dataclass(frozen=True)
class Line:
    """A call from caller to callee as an SVG path; ``travelled``: the fault may have come back along it."""

    path: str
    head: str
    travelled: bool


@dataclass(frozen=True)
class Graph:
    """Everything in pixels from the left upper corner; names begin at ``names_x``."""

    nodes: tuple[Node, ...]
    lines: tuple[Line, ...]
    names_x: int
    height: int
    left_out: int
    words: str


def incident_graph(view: IncidentView) -> Graph | None:
    """The graph of one incident; None where the log has none of its alerts.

    Of services that alerted last, as many are left out as it takes for a phone to show the others' names.
    """
    for most in range(min(MOST_SERVICES, len(view.services)), 0, -1):
        graph = _drawn(view, view.services[:most])
        if graph.names_x <= _WIDEST:
            return graph
    return None


def _drawn(view: IncidentView, shown: tuple[ServiceView, ...]) -> Graph:
    names = [one.service for one in shown]
    calls = [call for call in view.calls if call.caller in names and call.callee in names]
    layers = dict(zip(names, call_layers(names, [(call.caller, call.callee) for call in calls]), strict=True))
    rows = {one: place for place, one in enumerate(sorted(names, key=lambda one: layers[one]))}
    lanes, columns = _columns(layers, [one for one in rows if any(call.caller == one for call in calls)])
    names_x = max(columns[-1] + RADIUS, *lanes.values(), 0) + 10
    reached = {call.caller for call in calls if call.travelled}
    nodes = []
    for number, one in enumerate(shown, 1):
        first = one.first_alert == shown[0].first_alert
        way: Way = "along" if one.service in reached else "first" if first else "apart"
        nodes.append(
            Node(
                number=number,
                x=columns[layers[one.service]],
                y=_middle(rows[one.service]),
                way=way,
                suspected=bool(view.hypotheses) and view.hypotheses[0].service == one.service,
                label=name(one.service, max(10, (_PHONE - names_x) // _LETTER)),
                told=_told(one, view),
                title=f"{name(one.service, 120)}, {_told(one, view)}",
            )
        )
    place = {one.service: node for one, node in zip(shown, nodes, strict=True)}
    lines = [
        _line(place[call.caller], place[call.callee], lanes[call.caller], call.travelled) for call in calls
    ]
    return Graph(
        nodes=tuple(sorted(nodes, key=lambda node: node.y)),
        # What is drawn last lies above.
        lines=tuple(sorted(lines, key=lambda line: line.travelled)),
        names_x=names_x,
        height=ROW * len(shown),
        left_out=len(view.services) - len(shown),
        words=_words(view, shown),
    )


def _columns(layers: dict[str, int], callers: list[str]) -> tuple[dict[str, int], list[int]]:
    """Where the lane of each caller and the column of each layer lie."""
    lanes: dict[str, int] = {}
    columns = [RADIUS + 3]
    for layer in range(max(layers.values()) + 1):
        at = columns[layer] + RADIUS + _CLEAR
        for one in (one for one in callers if layers[one] == layer):
            lanes[one] = at
            at += _LANE
        columns.append(at + RADIUS + _CLEAR)
    return lanes, columns[:-1]


def _middle(row: int) -> int:
    return ROW * row + ROW // 2


def _line(caller: Node, callee: Node, lane: int, travelled: bool) -> Line:
    # A call within a ring leads back and comes from the right.
    side = -1 if lane < callee.x else 1
    end = callee.x + side * (RADIUS + 1)
    path = f"M{caller.x + RADIUS} {caller.y}H{lane}V{callee.y}H{end}"
    head = f"M{end + side * 4} {callee.y - 3}L{end} {callee.y}L{end + side * 4} {callee.y + 3}"
    return Line(path, head, travelled)


def _told(one: ServiceView, view: IncidentView) -> str:
    since = one.first_alert - view.opened_at
    parts = [f"+{duration(since / SECOND)}" if since > 0 else "first", counted(one.alerts, "alert")]
    sure = next((said.confidence for said in view.hypotheses if said.service == one.service), None)
    if sure is not None and view.hypotheses[0].service == one.service:
        parts.append(f"suspected {percent(round(sure, 2))}")
    return ", ".join(parts)


def _words(view: IncidentView, shown: tuple[ServiceView, ...]) -> str:
    """The drawing in words, for those who do not see it."""
    said = []
    for number, one in enumerate(shown, 1):
        via = [name(call.callee, 60) for call in view.calls if call.caller == one.service and call.travelled]
        way = f", calls {' and '.join(via)}, which alerted before" if via else ""
        said.append(f"{number}. {name(one.service, 60)}, {_told(one, view)}{way}")
    return f"Services by first alert: {'; '.join(said)}."
