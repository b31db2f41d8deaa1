"""The second half of a contender in parts: each correlation domain by itself, in processes.

Every part sees every reference row and every tick and the alerts of its own services, so a correlator that
joins alerts along calls only says the same as in one process, as long as no call crosses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from titleshot.datasets.contracts.incidents import IncidentCandidate, Page
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.detectors.contender import Output
from titleshot.detectors.correlation import Correlation
from titleshot.detectors.correlation_domains import Domains
from titleshot.detectors.detected import Detected, Marks
from titleshot.detectors.events import Events
from titleshot.detectors.recipe import Recipe
from titleshot.detectors.series import SeriesIndex


class Told(NamedTuple):
    """What one domain said before the flush and at it."""

    incidents: list[IncidentCandidate]
    pages: list[Page]
    flushed_incidents: list[IncidentCandidate]
    flushed_pages: list[Page]


def correlate_in_domains(
    streamed: Detected,
    flushed: Detected,
    clock: int,
    recipe: Recipe,
    series: SeriesIndex,
    domains: Domains,
    run: Callable[[Iterable[Any]], Sequence[Told]],
) -> Iterator[Output]:
    """The outputs of the whole, by clock and then by id, since domains have no order among them.

    Args:
        clock: engine clock at the end; what is open is then closed.
        run: runs joblib's delayed calls.
    """
    from joblib import delayed

    of = np.array([domains.domain(service) for service in series.services], object)
    jobs = []
    for name in domains.names:
        events = tuple(
            said.events.take(of[said.events.codes] == name) if len(said.events) else said.events
            for said in (streamed, flushed)
        )
        if any(map(len, events)):
            jobs.append(
                delayed(correlate_domain)(recipe, series.keys, events, (streamed.marks, flushed.marks), clock)
            )
    told = run(jobs)
    incidents = sorted((one for part in told for one in part.incidents), key=_incident_order)
    pages = sorted((one for part in told for one in part.pages), key=_page_order)
    yield Output(streamed.events, incidents, pages, streamed.dead, streamed.scores)
    incidents = sorted((one for part in told for one in part.flushed_incidents), key=_incident_order)
    pages = sorted((one for part in told for one in part.flushed_pages), key=_page_order)
    yield Output(flushed.events, incidents, pages, flushed.dead, flushed.scores, flushed=True)


def correlate_domain(
    recipe: Recipe,
    keys: Sequence[SeriesKey],
    events: tuple[Events, Events],
    marks: tuple[Marks, Marks],
    clock: int,
) -> Told:
    """One domain: alerts of its services, all marks; before the flush and at it."""
    half = Correlation(recipe, SeriesIndex(keys))
    said = half.push(events[0], marks[0])
    last, closed = half.push(events[1], marks[1]), half.flush(clock)
    mark = {"flushed": True}
    return Told(
        said.incidents,
        said.pages,
        [record.model_copy(update=mark) for record in [*last.incidents, *closed.incidents]],
        [record.model_copy(update=mark) for record in [*last.pages, *closed.pages]],
    )


def _incident_order(one: IncidentCandidate) -> tuple[int, str, bool]:
    return one.emitted_at, one.incident_id, one.status == "closed"


def _page_order(one: Page) -> tuple[int, str, bool]:
    return (one.closed_at if one.closed_at is not None else one.paged_at), one.page_id, one.status == "closed"
