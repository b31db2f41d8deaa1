"""What is asked of a planting: kinds, sizes, how many, where, and how far apart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import get_args

from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.errors import UsageError
from titleshot.datasets.planting.free_time import Incidents
from titleshot.datasets.planting.kinds import Kind, kinds_named

SIZES = (2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
_SECONDS = ("duration_s", "spacing_s", "apart_s", "margin_s", "warm_up_s")
_LONGEST_S = 366 * 86_400.0


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What is asked of a planting.

    Args:
        seed: 0 or more; each plants others.
        kinds: names of kinds; none means all.
        sizes: in spreads of the series, or samples for flatline and no_data; above 0.
        per: faults for each service, metric and kind; None: one of each size.
        most: faults in all; shared out fairly where it is less than what cells ask for.
        services: glob on ``namespace/service`` or on the service's bare name.
        metrics: glob on the metric's name.
        whole_service: each fault takes all chosen series of a service at once, instead of one.
        duration_s: of a step; None: the longer of two hours and 12 steps of the series. Others are multiples.
        spacing_s: free seconds between two faults of one service, in which baselines recover.
        apart_s: free seconds between faults of different services; 0 lets them touch, not overlap.
        overlap: faults of different services may overlap; ``apart_s`` is then not asked.
        margin_s: free seconds between a fault and a labelled incident.
        warm_up_s: seconds at the start in which nothing is planted; None: the dataset's own warm-up or a
            week, whichever is longer, but at most a third of the span.
        incidents: whose time labelled incidents take: that of ``any`` service, or of those ``affected``.

    Raises:
        UsageError: an argument outside its rule.
    """

    seed: int = 7
    kinds: tuple[str, ...] = ()
    sizes: tuple[float, ...] = SIZES
    per: int | None = None
    most: int = 500
    services: str = "*"
    metrics: str = "*"
    whole_service: bool = False
    duration_s: float | None = None
    spacing_s: float = 86_400.0
    apart_s: float = 3_600.0
    overlap: bool = False
    margin_s: float = 3_600.0
    warm_up_s: float | None = None
    incidents: Incidents = "any"

    def __post_init__(self) -> None:
        kinds_named(self.kinds)
        if self.seed < 0:
            raise UsageError(f"seed must be 0 or more, got {self.seed}")
        if not self.sizes or not all(0 < size < math.inf for size in self.sizes):
            raise UsageError(
                f"sizes must be numbers above 0, got {_listed(self.sizes)}; try {_listed(SIZES)}"
            )
        if len(set(self.sizes)) < len(self.sizes):
            raise UsageError(f"sizes {_listed(self.sizes)}: one is named twice")
        for name in ("per", "most"):
            count = getattr(self, name)
            if count is not None and count < 1:
                raise UsageError(f"{name} must be at least 1 fault, got {count}")
        for name in _SECONDS:
            seconds = getattr(self, name)
            if seconds is not None and not 0 <= seconds <= _LONGEST_S:
                raise UsageError(f"{name} must be from 0 to {_LONGEST_S:.0f} seconds, got {seconds:g}")
        if self.duration_s == 0:
            raise UsageError("duration_s must be above 0 seconds; leave it out for two hours")
        if self.incidents not in get_args(Incidents):
            raise UsageError(f"incidents must be any or affected, got {self.incidents!r}")

    @property
    def chosen_kinds(self) -> tuple[Kind, ...]:
        """The kinds asked for, in their order."""
        return kinds_named(self.kinds)

    def wants(self, key: SeriesKey) -> bool:
        """True where both globs fit a series."""
        named = fnmatchcase(key.service_id, self.services) or fnmatchcase(key.service, self.services)
        return named and fnmatchcase(key.metric_name, self.metrics)


def _listed(sizes: tuple[float, ...]) -> str:
    return ", ".join(f"{size:g}" for size in sizes) or "none"
