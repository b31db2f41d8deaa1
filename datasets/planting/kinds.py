"""The kinds of faults that can be planted into any series: shapes of the synthetic platform, and silence.

=========  ===================================================  ==========================  =========
kind       what it does                                         size counts                 lasts
=========  ===================================================  ==========================  =========
spike      rises within two minutes and decays                  spreads at its height       half
step       another level, with short flanks                     spreads                     once
slow_leak  rises evenly from nothing                            spreads at its end          three times
burst      on and off at random, five minutes at a time         spreads while on            once
noise      normal noise is added, flanked as a step             its deviation, in spreads   once
flatline   every value is the last one before the fault         samples that are stuck      by its size
no_data    no samples                                           samples that are missing    by its size
=========  ===================================================  ==========================  =========

Lengths are in units of the duration asked for. A sample stands for the time since the one before it and moves
by the mean over that time, so what is shorter than a sample shows less of its size. One series at a time:
how a fault spreads to callers is the synthetic platform's subject (``synthetic/fault_kinds.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from titleshot.datasets.contracts.planted import PlantedKind, Unit
from titleshot.datasets.errors import UsageError
from titleshot.datasets.nearest import nearest
from titleshot.datasets.synthetic.effects import Shape

Direction = Literal["up", "down"]


@dataclass(frozen=True)
class Kind:
    """One kind: its name, its shape (None where values are not pushed), how long it lasts."""

    name: PlantedKind
    shape: Shape | None
    lasts: float = 1.0

    @property
    def unit(self) -> Unit:
        return "sample" if self.shape is None else "spread"

    @property
    def pushes(self) -> bool:
        """True where it moves values one way, by size times spread."""
        return self.shape is not None and self.name != "noise"


KINDS: Final = (
    Kind("spike", "spike", 0.5),
    Kind("step", "plateau"),
    Kind("slow_leak", "ramp", 3.0),
    Kind("burst", "burst"),
    Kind("noise", "plateau"),
    Kind("flatline", None),
    Kind("no_data", None),
)
KIND: Final = {kind.name: kind for kind in KINDS}

_HURTS: Final = (
    *("latency", "duration", "wait", "lag", "error", "fail", "queue"),
    *("cpu", "mem", "disk", "restart"),
)
_TRAFFIC: Final = ("request", "throughput", "rps", "qps", "availab", "success", "orders")


def kinds_named(names: tuple[str, ...]) -> tuple[Kind, ...]:
    """The kinds of those names, all where none is named.

    Raises:
        UsageError: no such kind, or one named twice.
    """
    for name in names:
        if name not in KIND:
            raise UsageError(
                f"unknown kind of fault {name!r}{nearest(name, KIND)}; there are {', '.join(KIND)}"
            )
    if len(set(names)) < len(names):
        raise UsageError(f"kinds {', '.join(names)}: one is named twice")
    return tuple(kind for kind in KINDS if not names or kind.name in names)


def ways_of(metric_name: str) -> tuple[Direction, ...]:
    """Where trouble goes, by the metric's name: one way where the name tells, else both in turn.

    Traffic goes down, what hurts when it grows goes up; what is named otherwise goes up and down by lot.

    >>> ways_of("requests_per_second"), ways_of("latency_p99"), ways_of("temperature")
    (('down',), ('up',), ('up', 'down'))
    """
    name = metric_name.lower()
    # First what hurts: request_latency and request_errors are not about traffic.
    if any(word in name for word in _HURTS):
        return ("up",)
    return ("down",) if any(word in name for word in _TRAFFIC) else ("up", "down")
