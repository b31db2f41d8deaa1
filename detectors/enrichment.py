"""What the world knows of rows of series: planned or maintained, and labels and deploys for their events."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.record import canonical_json
from titleshot.detectors.block import F64, I32, I64
from titleshot.detectors.world import World


def planned(world: World, services: Sequence[str], codes: I32, timestamps: I64) -> NDArray[np.bool_]:
    """Rows within maintenance or a planned change of their service."""
    out = np.zeros(len(codes), np.bool_)
    if not (world.knows("maintenance") or world.knows("planned_change")):
        return out
    for code in np.unique(codes).tolist():
        rows = np.flatnonzero(codes == code)
        times = timestamps[rows]
        start = 0
        while start < len(rows):
            service, at = services[code], int(times[start])
            inside, _, until = world.planned_span(service, at)
            stop = int(np.searchsorted(times, until, "left"))
            out[rows[start:stop]] = inside
            start = stop
    return out


def maintained(
    world: World, services: Sequence[str], codes: I32, timestamps: I64, u: F64
) -> NDArray[np.bool_]:
    """Whether a strange sample fell into a maintenance window; asked for strange ones only."""
    out = np.zeros(len(codes), np.bool_)
    if not world.knows("maintenance"):
        return out
    for i in np.flatnonzero(u >= 1):
        out[i] = world.in_maintenance(services[codes[i]], int(timestamps[i]))
    return out


def enrichment(
    world: World, services: Sequence[str], codes: I32, instants: list[int], within: float
) -> tuple[list[str], list[str | None]]:
    """What the world knows of each event's service: labels as canonical JSON, and a recent deploy."""
    named, deployed = world.knows("ownership") or world.knows("tier"), world.knows("deploy")
    labels = ["{}"] * len(instants)
    deploys: list[str | None] = [None] * len(instants)
    if not (named or deployed):
        return labels, deploys
    for i, (code, instant) in enumerate(zip(codes.tolist(), instants, strict=True)):
        service = services[code]
        if named:
            found = {"team": world.team(service, instant), "tier": world.tier(service, instant)}
            labels[i] = canonical_json({k: value for k, value in found.items() if value is not None})
        if deployed:
            deploys[i] = world.recent_deploy(service, instant, within)
    return labels, deploys
