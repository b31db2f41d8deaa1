"""An alert storm: 10,000 services, a million alerts in one hour, through correlator and paging rule.

The reference is the hour itself: a correlator that needs longer falls behind while it matters. Each shipped
correlator takes the storm in a process of its own, with the paging rule of ``general`` behind it, fed in
blocks as a replay feeds it. Services call each other as a platform does: layers, a few hubs that hundreds
call, and shared databases.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from titleshot.datasets.contracts.instants import HOUR, MINUTE, SECOND, parse_instant
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.contracts.reference import Ownership, ReferenceRow, Tier, TopologyEdge
from titleshot.detectors.alert_policy import ALERTED
from titleshot.detectors.block import TICK
from titleshot.detectors.correlation import Correlation
from titleshot.detectors.correlators.families import FAMILIES
from titleshot.detectors.detected import Marks
from titleshot.detectors.events import Events
from titleshot.detectors.recipe import Recipe, shipped_contenders
from titleshot.detectors.series import SeriesIndex
from titleshot.pipelines.bench import Clock, Floor, Result, cost_of
from titleshot.pipelines.outcome import Progress

SERVICES, ALERTS, BLOCK, HUBS = 10_000, 1_000_000, 10_000, 20
_START = parse_instant("2026-01-05T00:00:00Z")


def bench(scratch: Path, progress: Progress) -> Result:
    """Every registered correlator through the same storm."""
    floors, more = [], {}
    default = None
    for place, family in enumerate(FAMILIES):
        progress(f"storm: {family}", place, len(FAMILIES))
        cost = cost_of(__file__, "stormed", family=family, alerts=ALERTS)
        floors.append(Floor(f"{family}: times real time", 3600 / cost.cpu_s, least=20))
        floors.append(Floor(f"{family}: peak GB", cost.peak_bytes / 1e9, most=2))
        more[family] = cost.said
        if family == "topology_sessions":
            default = cost
    assert default is not None
    return Result(
        ours=default.cpu_s,
        reference=3600.0,
        unit="CPU s for an hour's storm of a million alerts",
        reference_name="real time (topology_sessions)",
        floors=tuple(floors),
        more=more,
    )


def stormed(clock: Clock, family: str, alerts: int) -> dict[str, Any]:
    """One correlator; how much it said, and the most its state ever was, in JSON."""
    recipe = _recipe(family)
    series = SeriesIndex([SeriesKey("shop", f"s{number:05d}", "latency_p99") for number in range(SERVICES)])
    half = Correlation(recipe, series)
    for row in platform():
        half.world.apply(row)
    incidents = pages = widest = 0
    largest = 0
    for number, (events, marks) in enumerate(_storm(alerts)):
        with clock:
            said = half.push(events, marks)
        incidents += len(said.incidents)
        pages += len(said.pages)
        widest = max([widest, *(len(one.event_ids) for one in said.incidents)])
        if number % 10 == 9:
            largest = max(largest, len(json.dumps(half.state()["correlator"])))
    with clock:
        said = half.flush(_START + 2 * HOUR)
    widest = max([widest, *(len(one.event_ids) for one in said.incidents)])
    return {
        "incident_records": incidents + len(said.incidents),
        "page_records": pages + len(said.pages),
        "alerts_of_the_largest": widest,
        "state_mb": round(largest / 1e6, 1),
    }


def platform() -> list[ReferenceRow]:
    """Calls, owners and tiers of the services: three calls each to deeper ones, hubs called by hundreds."""
    random = np.random.default_rng(3)
    known = {"valid_from": _START - HOUR, "known_from": _START - HOUR}
    rows: list[ReferenceRow] = []
    for number in range(SERVICES - HUBS):
        # 50 domains of 200 services that call among themselves, and a hub in one call of ten.
        last = min((number // 200 + 1) * 200, SERVICES - HUBS)
        deeper = random.integers(number, last, 2).tolist()
        if random.random() < 0.1:
            deeper.append(SERVICES - 1 - int(random.integers(HUBS)))
        rows += [
            TopologyEdge(caller=f"shop/s{number:05d}", callee=f"shop/s{other:05d}", **known)
            for other in sorted(set(deeper))
        ]
        rows.append(Ownership(service=f"shop/s{number:05d}", team=f"team-{number // 200}", **known))
        if number % 20 == 0:
            rows.append(Tier(service=f"shop/s{number:05d}", tier="critical", **known))
    return rows


def _recipe(family: str) -> Recipe:
    import yaml

    about = yaml.safe_load(shipped_contenders()["general"].read_text(encoding="utf-8"))
    about["correlator"] = {"family": family}
    return Recipe.model_validate(about)


def _storm(alerts: int) -> Any:
    """Blocks of events in release order, and a tick a minute."""
    random = np.random.default_rng(7)
    times = np.sort(random.integers(0, HOUR // SECOND, alerts)) * SECOND + _START
    codes = random.integers(0, SERVICES, alerts).astype(np.int32)
    order = np.lexsort((codes, times))
    times, codes = times[order], codes[order]
    u = 1 + random.pareto(2.0, alerts)
    none = Events.none()
    for start in range(0, alerts, BLOCK):
        stop = min(start + BLOCK, alerts)
        n = stop - start
        at = times[start:stop]
        given: dict[str, Any] = {
            "event_ids": [f"{number:032x}" for number in range(start, stop)],
            "codes": codes[start:stop],
            "timestamps": at,
            "values": np.ones(n),
            "expected": np.zeros(n),
            "lower": np.zeros(n),
            "upper": np.full(n, 0.5),
            "strangeness": u[start:stop],
            "sample_counts": np.full(n, 50, np.int32),
            "policies": np.full(n, ALERTED, np.int8),
            "clocks": at + MINUTE,
            "detectors": ["made_up@0"] * n,
        }
        rest = {name: [""] * n for name in vars(none) if name not in given}
        rest |= {"windows": [None] * n, "deploys": [None] * n, "told": [None] * n}
        first = at[0] if start else _START
        ticks = np.arange(-(first // -MINUTE), at[-1] // MINUTE + (stop == alerts)) * MINUTE
        kinds = np.full(len(ticks), TICK, np.int8)
        yield Events(**given, **rest), Marks(ticks, kinds, ticks + MINUTE, (None,) * len(ticks))
