"""Today's tool: a pager of fixed thresholds, as teams begin with, and the history of its pages.

Thresholds are set once per service from what it is like at its busiest, with room above. Two samples in a row
over any of them page the owning team; a page closes after three samples in a row below all, and the service
is then left alone for an hour. It knows no cycles, no topology and no deploys. It reads the telemetry without
its dirt: what it said is history, not a contender that could be replayed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.incidents import Page
from titleshot.datasets.contracts.instants import HOUR, SECOND
from titleshot.datasets.contracts.record import Severity
from titleshot.datasets.synthetic.dirt import INGEST_DELAY_S
from titleshot.datasets.synthetic.estate import Estate
from titleshot.datasets.synthetic.signals import (
    CPU,
    ERRORS,
    LATENCY,
    METRICS,
    QUEUE,
    REQUESTS,
    Signals,
    profile_of,
)

_IN_A_ROW, _CLEAR_IN_A_ROW = 2, 3
_REST = HOUR
_EVALUATED_EVERY = 30 * SECOND
_SEVERITY: dict[str, Severity] = {"critical": "critical", "high": "high", "medium": "medium", "low": "low"}


def pages_of(seed: int, estate: Estate, clean: Signals) -> Iterator[Page]:
    """What the tool sent about one service, in order of time; each page twice, as sent and as closed."""
    over = _over(seed, clean)
    delay = round(INGEST_DELAY_S * SECOND) + _EVALUATED_EVERY
    service, rest_until = clean.service, 0
    for first, last in _episodes(over):
        at = int(clean.times[first + _IN_A_ROW - 1]) + delay
        if at < rest_until:
            continue
        opened = int(clean.times[first])
        name = hashlib.blake2b(f"{service.id} {opened}".encode(), digest_size=8).hexdigest()
        metric = int(np.argmax(over[first]))
        page = Page(
            page_id=f"tool-{name}",
            incident_id=f"tool-incident-{name}",
            status="sent",
            route=estate.team(service.id, at),
            severity=_SEVERITY[service.tier],
            services=(service.id,),
            opened_at=opened,
            paged_at=at,
            last_event_at=int(clean.times[first + _IN_A_ROW - 1]),
            probable_service=service.id,
            summary=f"{METRICS[metric]} {clean.values[first, metric]:g} beyond its threshold",
        )
        yield page
        closes = int(clean.times[min(last + _CLEAR_IN_A_ROW, len(clean.times) - 1)]) + delay
        rest_until = closes + _REST
        yield page.model_copy(
            update={"status": "closed", "last_event_at": int(clean.times[last]), "closed_at": max(closes, at)}
        )


def _over(seed: int, clean: Signals) -> NDArray[np.bool_]:
    usual = profile_of(seed, clean.service)
    wait = usual.peak / (1 - usual.peak)
    over = np.zeros(clean.values.shape, dtype=bool)
    over[:, LATENCY] = clean.values[:, LATENCY] > 1.8 * usual.latency_s * (1 + 0.35 * wait)
    over[:, ERRORS] = clean.values[:, ERRORS] > max(0.01, 5 * usual.errors)
    over[:, REQUESTS] = clean.values[:, REQUESTS] == 0
    over[:, CPU] = clean.values[:, CPU] > 0.8
    over[:, QUEUE] = clean.values[:, QUEUE] > 3.5 * usual.queue * wait * 1.4
    over[clean.silent] = False
    return over


def _episodes(over: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """(first, last) sample over a threshold; shorter pauses than it takes to close do not part them."""
    where = np.flatnonzero(over.any(axis=1))
    if not len(where):
        return
    runs = np.split(where, np.flatnonzero(np.diff(where) > _CLEAR_IN_A_ROW) + 1)
    for run in runs:
        pairs = np.flatnonzero(np.diff(run) == 1)
        if len(pairs):
            yield int(run[pairs[0]]), int(run[-1])
