"""What reference data and the calendar say of services at a tick, as columns of feature rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from titleshot.datasets.contracts.instants import DAY, HOUR, SECOND
from titleshot.detectors.block import F64, I8, I32
from titleshot.detectors.features.feature_rows import NO_SAMPLES, NOT_KNOWN, PRESENT
from titleshot.detectors.features.service_health_columns import NAMES
from titleshot.detectors.features.service_health_params import ServiceHealthParams
from titleshot.detectors.world import World

_FIRST_MONDAY: Final = 4 * DAY
_NEIGHBOURS: Final = (
    ("callee_burn_rate", "callees", NAMES.index("burn_rate_5m")),
    ("callee_latency_change", "callees", NAMES.index("latency_change")),
    ("caller_burn_rate", "callers", NAMES.index("burn_rate_5m")),
)
Columns = dict[str, tuple[F64, I8]]
"""Name to numbers and reason codes, one per service asked about."""


def surroundings(names: Sequence[str], now: int, world: World, params: ServiceHealthParams) -> Columns:
    """Deploys, planned changes, maintenance, hour and weekday.

    A flag is 1 or 0 where the world knows of any such row, and missing where it knows of none at all: nobody
    has told it of deploys is another thing than nobody has deployed.
    """
    local = now + int(params.utc_offset_s * SECOND)

    def flag(kind: str, ask: Callable[[str], object]) -> tuple[F64, I8]:
        if not world.knows(kind):
            return np.full(len(names), np.nan), np.full(len(names), NOT_KNOWN, np.int8)
        return np.array([bool(ask(name)) for name in names], np.float64), _present(len(names))

    return {
        "recent_deploy": flag("deploy", lambda name: world.recent_deploy(name, now, params.recent_deploy_s)),
        "planned_change": flag("planned_change", lambda name: world.planned_change(name, now)),
        "maintenance": flag("maintenance", lambda name: world.in_maintenance(name, now)),
        "hour": (np.full(len(names), local % DAY / HOUR), _present(len(names))),
        "weekday": (np.full(len(names), (local - _FIRST_MONDAY) // DAY % 7.0), _present(len(names))),
    }


def neighbours(
    chosen: I32, names: Sequence[str], places: Mapping[str, int], now: int, world: World, measured: F64
) -> Columns:
    """The worst of what the services called, and those calling, measured at the same tick.

    Args:
        chosen: places of the services asked about; ``measured`` has a row for every place.
    """
    out: Columns = {}
    for column, side, of in _NEIGHBOURS:
        numbers, why = np.full(len(chosen), np.nan), np.full(len(chosen), NOT_KNOWN, np.int8)
        if world.knows(side):
            adjacent = world.callees if side == "callees" else world.callers
            for row, place in enumerate(chosen.tolist()):
                beside = adjacent(names[place], now)
                found = [measured[places[one], of] for one in beside if one in places]
                numbers[row] = max((one for one in found if one == one), default=np.nan)
                if beside:
                    why[row] = PRESENT if numbers[row] == numbers[row] else NO_SAMPLES
        out[column] = (numbers, why)
    return out


def words(name: str, now: int, world: World) -> dict[str, str]:
    """What of a row is no number: owner, tier and deployed version; absent where nobody knows."""
    found: dict[str, Any] = {
        "owner": world.team(name, now),
        "tier": world.tier(name, now),
        "version": world.recent_deploy(name, now, float("inf")),
    }
    return {word: said for word, said in found.items() if said is not None}


def _present(n: int) -> I8:
    return np.full(n, PRESENT, np.int8)
