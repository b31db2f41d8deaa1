"""Witnesses: where a single series watches, nobody can agree, so a trusted detector may speak alone."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.telemetry import Name
from titleshot.detectors.correlators.correlator import Alert
from titleshot.detectors.world import World


class WitnessParams(BaseModel):
    """Who may speak where nobody else could agree, as part of the paging rule."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    alone: tuple[Name, ...]
    """Families of detectors that page by themselves about a lone series, and say nothing elsewhere."""
    hops: Annotated[int, Field(ge=0, le=5)] = 1
    """Calls, in either direction, within which another series could agree."""
    seen_s: Annotated[float, Field(ge=3_600, le=366 * 86_400)] = 2_419_200
    """A series that alerted within so long could agree; one that never does is no witness."""


class Witnesses:
    """Who is trusted with a story: several alerts where there are several series, else one that is rare.

    A series (service and metric) is a witness for ``seen_s`` after each of its alerts. Where one has no other
    within ``hops``, nobody can agree with it: its story pages as soon as a detector named in ``alone``
    speaks, one whose alarms are rare by its own calibration, and no other suffices. Where there are others,
    the paging rule asks for what it asks for, and what the detectors of ``alone`` say belongs to no story:
    a known fault that comes again is news to them once only.

    A witness is known by what it said before, so this needs nothing but alerts, and gives the same pages
    whichever machine counts them. State: an instant a series.

    Deaf to series of one metric of a service that differ in labels only: they are one witness.
    """

    def __init__(self, params: WitnessParams) -> None:
        self.params = params
        self._seen = round(params.seen_s * SECOND)
        self._spoke: dict[str, dict[str, int]] = {}  # service to metric to its last alert
        self._alone = self._trusted = False  # of the alert that was heard last

    def hears(self, alert: Alert, world: World) -> bool:
        """Note who speaks; False where the alert belongs to no story."""
        now = alert.timestamp
        service = world.canonical(alert.service, now)
        self._spoke.setdefault(service, {})[alert.metric_name] = now
        there = sum(
            now - at <= self._seen
            for near in world.within(service, now, self.params.hops)
            for at in self._spoke.get(near, {}).values()
        )
        self._alone = there < 2
        self._trusted = alert.detector.partition("@")[0] in self.params.alone
        return self._alone or not self._trusted

    def suffice(self, enough: bool) -> bool:
        """Whether the story of the last alert pages, given whether it has what the rule asks for."""
        return self._trusted if self._alone else enough

    def state(self) -> dict[str, Any]:
        """JSON that :meth:`load` continues from."""
        spoke = [[service, metric, at] for service, of in self._spoke.items() for metric, at in of.items()]
        return {"spoke": spoke}

    def load(self, state: dict[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._spoke = {}
        for service, metric, at in state["spoke"]:
            self._spoke.setdefault(service, {})[metric] = at
