"""Alerts with equal labels are one story, as Alertmanager groups them."""

from __future__ import annotations

import json
from typing import Literal

from titleshot.detectors.correlators.correlator import Alert
from titleshot.detectors.correlators.keyed_sessions import KeyedSessions
from titleshot.detectors.correlators.sessions import SessionParams
from titleshot.detectors.world import World

Label = Literal["detector", "direction", "metric_name", "namespace", "service", "team", "tier"]


class LabelGroupsParams(SessionParams):
    """Parameters of ``label_groups``."""

    group_by: tuple[Label, ...] = ("namespace", "team")
    """Labels whose values alerts of one group share; none: one group for all."""


class LabelGroups(KeyedSessions):
    """An alert joins the open group whose ``group_by`` labels have the values of its own.

    Rule: key = the values of the labels; one an alert lacks (no owner known) counts as empty. Gap, cut,
    severity and hypotheses as in ``topology_sessions``.

    Where it differs from Alertmanager: an alert here is an instant and is never resolved, so ``gap_s`` stands
    for how long one fires, and a group ends when none of its alerts fires any more. A group is said at once
    and when it ends: waiting (``group_wait``) is the paging rule's ``minimum_events`` and severity, repeats
    (``repeat_interval``) are its cooldown, and there is no ``group_interval`` since a page is sent once. A
    group is cut at ``cap_s``, so that it forgets. Owners and tiers are those known when the alert comes.

    Assumes: who owns or holds a service tells which faults belong together.

    Deaf to: causes across teams; two faults of one team at a time, which become one.

    Source: Prometheus Alertmanager, configuration of ``route``: ``group_by``.

    Cost: O(1) an alert; the state has every event id of the last cap at most.
    """

    family = "label_groups"
    Params = LabelGroupsParams
    params: LabelGroupsParams

    def key(self, alert: Alert, world: World) -> str:
        return json.dumps([_value(label, alert, world) for label in self.params.group_by])


def _value(label: Label, alert: Alert, world: World) -> str:
    match label:
        case "namespace":
            return world.canonical(alert.service, alert.timestamp).partition("/")[0]
        case "service":
            return world.canonical(alert.service, alert.timestamp)
        case "team":
            return world.team(alert.service, alert.timestamp) or ""
        case "tier":
            return world.tier(alert.service, alert.timestamp) or ""
        case _:
            return getattr(alert, label) or ""
