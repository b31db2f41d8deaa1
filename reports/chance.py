"""What pages would have earned against labels at the wrong times: the chance level of a score.

Labels move, pages stay. Whole weeks keep time of day and weekday. From nine weeks on all labels move
together; from three weeks on the labels of each weekday move by weeks of their own, since few whole shifts
are left; below that, or where services are scored at different times, each moves round the time its root is
scored in, by the same share of it. That keeps neither, and is marked. Moves shorter than the longest incident
are left out: there a label would meet its own pages.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.instants import DAY, WEEK
from titleshot.datasets.contracts.scores import ChanceLevel
from titleshot.reports.assignment import IncidentTable
from titleshot.reports.exposure import Exposure
from titleshot.reports.match_tables import root_scored
from titleshot.reports.matching import Matching
from titleshot.reports.scored_time import ScoredTime
from titleshot.reports.scores.score import ScoreDefinition
from titleshot.reports.tally import tally

Int64 = NDArray[np.int64]
Method = Literal["whole_weeks", "within_weekday", "circular"]

FEWEST_WEEKS = 3
FEWEST_WHOLE_SHIFTS = 8
MOST_SHIFTS = 100
HIGH = 0.95
"""The quantile over shifts that a score must beat to be more than luck."""


class Chance(NamedTuple):
    """How labels were moved, and (mean, 95 % quantile) over the moves of each score that had values."""

    level: ChanceLevel
    scores: dict[str, tuple[float, float]]


def chance(
    definitions: Sequence[ScoreDefinition],
    matching: Matching,
    roots: Sequence[str],
    rotations: Int64,
    exposure: Exposure,
    time: ScoredTime,
    *,
    within_s: float,
    complete: bool,
    seed: int,
) -> Chance:
    """Score the pages of a matching against moved labels.

    Args:
        roots: root service of each incident, by the matching's rows.
        rotations: whom each page woke, by the matching's rows.
    """
    incidents = matching.incidents
    if not incidents.scored.any():
        return Chance(ChanceLevel(method=None, shifts=0, reason="no labelled incident in scored time"), {})
    rows = np.flatnonzero(incidents.scored)
    table, names = incidents.take(rows), [roots[row] for row in rows.tolist()]
    extents = np.array([time.extent(name) for name in names], np.int64)
    pages, weeks = matching.pages, (time.end - time.start) // WEEK
    method: Method = "circular"
    if weeks >= FEWEST_WEEKS and np.ptp(extents, axis=0).max() < WEEK:
        method = "whole_weeks" if weeks > FEWEST_WHOLE_SHIFTS else "within_weekday"
        until = time.start + weeks * WEEK
        inside = np.flatnonzero(table.start < until)
        table, names = table.take(inside), [names[row] for row in inside.tolist()]
        pages = replace(pages, scored=pages.scored & (pages.paged_at < until))
        moves = list(_by_weeks(method, table, time.start, weeks * WEEK, seed))
    else:
        moves = list(_round(table, extents))
    found: dict[str, list[float]] = {definition.name: [] for definition in definitions if definition.chance}
    for by in moves:
        moved = table.moved(by, root_scored(names, table.start + by, time))
        result = tally(
            Matching.of(pages, moved, complete, time.end),
            exposure,
            rotations,
            end=time.end,
            within_s=within_s,
            complete=complete,
        )
        for definition in definitions:
            if definition.chance:
                found[definition.name].append(definition.summands(result).value())
    reason = None if moves else "the span leaves no move that is longer than the longest incident"
    level = ChanceLevel(method=method if moves else None, shifts=len(moves), reason=reason)
    levels = {}
    for name, values in found.items():
        defined = np.array(values)[np.isfinite(values)]
        if len(defined):
            levels[name] = float(defined.mean()), float(np.quantile(defined, HIGH))
    return Chance(level, levels)


def _by_weeks(method: Method, table: IncidentTable, start: int, length: int, seed: int) -> Iterator[Int64]:
    """Nanoseconds to move each incident by, round [start, start + length)."""
    since = table.start - start
    longest = int((table.closes - table.opens).max(initial=0))
    weeks = np.arange(WEEK, length, WEEK, dtype=np.int64)
    weeks = weeks[(weeks >= longest) & (length - weeks >= longest)]
    if not len(weeks):
        return
    if method == "whole_weeks":
        for week in _thinned(weeks):
            yield (since + week) % length - since
        return
    weekday = table.start // DAY % 7
    draws = np.random.default_rng([seed, 2]).integers(len(weeks), size=(MOST_SHIFTS, 7))
    for draw in np.unique(draws, axis=0):
        yield (since + weeks[draw][weekday]) % length - since


def _round(table: IncidentTable, extents: Int64) -> Iterator[Int64]:
    """Each incident round its own extent, by the same share of it."""
    since, lengths = table.start - extents[:, 0], extents[:, 1] - extents[:, 0]
    step = float(((table.closes - table.opens) / lengths).max())
    for number in _thinned(np.arange(1, int(1 / step), dtype=np.int64)):
        yield (since + (number * step * lengths).astype(np.int64)) % lengths - since


def _thinned(moves: Int64) -> Int64:
    if len(moves) <= MOST_SHIFTS:
        return moves
    thinned: Int64 = moves[np.linspace(0, len(moves) - 1, MOST_SHIFTS).astype(int)]
    return thinned
