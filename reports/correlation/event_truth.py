"""Which labelled incident each event belongs to, by the same window and services as a page's hit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from titleshot.reports.assignment import IncidentTable

Int64 = NDArray[np.int64]

NOISE = -1
"""The incident of an event that belongs to none."""


def incident_of_events(times: Int64, services: Int64, incidents: IncidentTable) -> Int64:
    """The row of the incident of each event; ``NOISE`` where it has none.

    An event belongs to an incident if its service is affected and its timestamp lies in
    [start − early, end + grace). Of several incidents it belongs to one: first where its service is the
    root, then the latest start, then the first row. Unlike a page, which goes to an incident not hit yet,
    an event's incident never depends on other events, so their order and number do not matter.

    Args:
        times: nanoseconds UTC, in any order.
        services: numbers of canonical names, from the same codes as the table's.

    Cost: O((events + incidents) log events), and the events that lie in several windows.

    Source: SCORING 1, applied to events.
    """
    by_time = np.argsort(times, kind="stable")
    ordered, wide = times[by_time], len(times) + 1
    keys = np.sort(services[by_time] * wide + np.arange(len(times)))
    incident, code = incidents.affected
    lower = np.searchsorted(ordered, incidents.opens)[incident]
    upper = np.searchsorted(ordered, incidents.closes)[incident]
    first, last = np.searchsorted(keys, code * wide + lower), np.searchsorted(keys, code * wide + upper)

    lengths = np.maximum(last - first, 0)
    of = np.repeat(np.arange(len(lengths)), lengths)
    place = np.arange(len(of)) - np.repeat(np.cumsum(lengths) - lengths - first, lengths)
    event, row = by_time[keys[place] % wide], incident[of]
    rooted = code[of] == incidents.root[row]
    best_last = np.lexsort((-row, incidents.start[row], rooted, event))
    found = np.full(len(times), NOISE, np.int64)
    found[event[best_last]] = row[best_last]  # of equal places the last one written stays
    return found
