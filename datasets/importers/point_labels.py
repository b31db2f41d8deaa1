"""Labels of single rows into incidents: the one rule of every format that labels points."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.labels import IncidentLabel
from titleshot.datasets.errors import UsageError

RULE = (
    "labelled rows that follow each other are one incident [first row, last row + cadence); an unlabelled row"
    " or a missing one ends it; its severity, high, is ours, and it counts as known at its end"
)
"""The rule in words, for reports and notes."""
_NEXT_ROW_CADENCES = 1.5
_LONGEST_STEP_S = 366 * 86_400.0


class Runs(NamedTuple):
    """Stretches of labelled rows; instants in nanoseconds UTC."""

    first: NDArray[np.int64]
    """int64[k], the first labelled row of each, rising."""
    last: NDArray[np.int64]
    """int64[k], the last labelled row of each."""
    disputed: int
    """Times of which one row is labelled and another is not; they count as labelled."""


def labelled_runs(
    times: NDArray[np.int64], labelled: NDArray[np.bool_], cadence: int, gap_rows: int = 0
) -> Runs:
    """Stretches of labelled rows.

    Two labelled rows belong together where at most ``gap_rows`` unlabelled rows lie between them and they are
    at most ``gap_rows`` + 1.5 cadences apart, so that missing rows end a stretch as unlabelled ones do.

    Args:
        times: int64[n], nanoseconds UTC, in any order, repeats allowed.
        labelled: bool[n].
        cadence: nanoseconds between rows.

    >>> runs = labelled_runs(np.array([0, 10, 20, 30, 60]), np.array([False, True, True, False, True]), 10)
    >>> runs.first.tolist(), runs.last.tolist()
    ([10, 60], [20, 60])
    """
    distinct, place = np.unique(times, return_inverse=True)
    rows = np.bincount(place, minlength=len(distinct))
    of_them = np.bincount(place, weights=labelled, minlength=len(distinct)).astype(np.int64)
    at = np.flatnonzero(of_them)
    apart = (np.diff(at) > gap_rows + 1) | (
        np.diff(distinct[at]) / max(cadence, 1) > gap_rows + _NEXT_ROW_CADENCES
    )
    starts = np.concatenate([[True], apart]) if len(at) else np.zeros(0, np.bool_)
    ends = np.concatenate([apart, [True]]) if len(at) else np.zeros(0, np.bool_)
    disputed = int(np.count_nonzero((of_them > 0) & (of_them < rows)))
    return Runs(distinct[at[starts]], distinct[at[ends]], disputed)


def usual_step(times: NDArray[np.int64]) -> int:
    """The median nanoseconds between distinct times; 1 where there are fewer than two."""
    steps = np.diff(np.unique(times))
    return int(np.median(steps)) if len(steps) else 1


def row_step(given_s: float | None, usual: int) -> int:
    """Nanoseconds between rows: as the user gave it in seconds, else ``usual``.

    Raises:
        UsageError: what was given is no time that can pass between rows.
    """
    if given_s is None:
        return usual
    if not 1e-9 <= given_s <= _LONGEST_STEP_S:
        raise UsageError(f"cadence_s must be from 1e-9 to {_LONGEST_STEP_S:g} seconds, got {given_s:g}")
    return round(given_s * SECOND)


def incident(
    service: str, number: int, start: int, end: int, *, kind: str = "anomaly", notes: str = ""
) -> IncidentLabel:
    """A label of a public set that names neither severity nor when it was known.

    Args:
        service: ``namespace/service``.
        number: of the incident of that service, from 1.
        start, end: nanoseconds UTC, [start, end).

    Raises:
        pydantic.ValidationError: the end is not after the start, or no such service can be.
    """
    return IncidentLabel(
        incident_id=f"{service.partition('/')[2]}#{number}",
        start=start,
        end=end,
        root_service=service,
        affected_services=(service,),
        severity="high",
        kind=kind,
        source="imported",
        known_at=end,
        notes=notes,
    )
