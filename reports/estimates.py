"""A score with its interval, and the difference of two with theirs: which method for which kind of score."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.comparisons import PairedScore
from titleshot.datasets.contracts.scores import Score
from titleshot.reports.defined import least_and_most
from titleshot.reports.intervals import (
    ALL_ALIKE,
    Drawn,
    Interval,
    defined_of,
    drawn_shares,
    farther,
    too_few,
)
from titleshot.reports.proportions import PairedCounts, tango, wilson
from titleshot.reports.scores.score import ScoreDefinition
from titleshot.reports.statistics import FEWEST_BLOCKS, Resampling, Summands, permutation_p
from titleshot.reports.tally import Tally
from titleshot.reports.unseen import Sums, unseen, unseen_pair

Float64 = NDArray[np.float64]

NO_ESTIMATE = "a count of what was there, not an estimate"
UNSEEN = "limit of the unseen"
PAIRED = "paired day-block bootstrap"


def estimate(definition: ScoreDefinition, tally: Tally, resampling: Resampling, confidence: float) -> Score:
    """One contender's score with its interval."""
    summands = definition.summands(tally)
    value = summands.value()
    if not isfinite(value):
        found, interval = None, Interval(None, None, None, definition.undefined(tally))
    else:
        found = value
        interval = _in_range(definition, _single(definition, tally, summands, resampling, confidence))
    return Score(
        name=definition.name,
        unit=definition.unit,
        value=found,
        better=definition.better,
        n=definition.n(tally),
        n_of=definition.n_of,
        low=interval.low,
        high=interval.high,
        confidence=confidence if interval.method else None,
        method=interval.method,
        reason=interval.reason,
    )


def prepare(
    definitions: Iterable[ScoreDefinition], resampling: Resampling, tally: Tally, against: Tally | None = None
) -> None:
    """Add up for many scores at once what :func:`estimate`, or :func:`paired_estimate`, resample."""
    summed = [one for one in definitions if one.kind not in {"quantile", "maximum", "count"}]
    own = [one.summands(tally) for one in summed]
    if against is None:
        resampling.prepare(own)
    else:
        resampling.prepare([], [(one.summands(against), of) for one, of in zip(summed, own, strict=True)])


def over_draws(definition: ScoreDefinition, draws: Sequence[Tally], confidence: float) -> Score:
    """The mean of a score over repeated draws of a random contender, and where the middle of them lies."""
    values = np.array([definition.summands(tally).value() for tally in draws])
    defined = values[np.isfinite(values)]
    limits: list[float | None] = [None, None]
    reason = None if len(defined) else definition.undefined(draws[0])
    if len(defined):
        limits = np.quantile(defined, [(1 - confidence) / 2, (1 + confidence) / 2]).tolist()
    return Score(
        name=definition.name,
        unit=definition.unit,
        value=float(defined.mean()) if len(defined) else None,
        better=definition.better,
        n=definition.n(draws[0]),
        n_of=definition.n_of,
        low=limits[0],
        high=limits[1],
        confidence=confidence if len(defined) else None,
        method=f"middle of {len(draws)} draws" if len(defined) else None,
        reason=reason,
    )


def paired_estimate(
    definition: ScoreDefinition,
    champion: Tally,
    challenger: Tally,
    resampling: Resampling,
    confidence: float,
    decisive_confidence: float,
) -> PairedScore:
    """Challenger minus champion. Both tallies must be over the same incidents, see ``tally.paired``."""
    first, second = definition.summands(champion), definition.summands(challenger)
    values = [value if isfinite(value) else None for value in (first.value(), second.value())]
    p_value, counts = None, None
    interval = decisive = beside = Interval(None, None, None)
    difference = None
    if values[0] is None or values[1] is None:
        sides = {
            name: definition.undefined(of)
            for name, of, value in zip(
                ("champion", "challenger"), (champion, challenger), values, strict=True
            )
            if value is None
        }
        # What is true of the data is said once, not of either side.
        if len(sides) == 2 and len(set(sides.values())) == 1:
            sides = {"both": next(iter(sides.values()))}
        interval = Interval(reason="; ".join(f"{name}: {reason}" for name, reason in sides.items()))
    else:
        difference = values[1] - values[0]
        resampled = _Paired(definition, champion, challenger, first, second, resampling)
        interval = resampled.interval(confidence)
        decisive = resampled.interval(decisive_confidence)
        if definition.kind == "proportion":
            counts = resampled.discordant()
            beside = resampled.bootstrap(confidence)
        if definition.kind not in {"quantile", "count"} and resampling.blocks:
            p_value = permutation_p(resampling.permuted(first, second), difference)
    return PairedScore(
        name=definition.name,
        unit=definition.unit,
        better=definition.better,
        champion=values[0],
        challenger=values[1],
        difference=difference,
        low=interval.low,
        high=interval.high,
        decisive_low=decisive.low,
        decisive_high=decisive.high,
        beside_low=beside.low,
        beside_high=beside.high,
        beside_method=beside.method,
        confidence=confidence,
        method=interval.method,
        p_value=p_value,
        n=min(definition.n(champion), definition.n(challenger)),
        n_of=definition.n_of,
        discordant=None if counts is None else (int(counts.only_challenger), int(counts.only_champion)),
        reason=interval.reason,
    )


def _in_range(definition: ScoreDefinition, found: Interval) -> Interval:
    """What the unseen may reach ends where the score itself does: no share is above 1."""
    if found.low is None or found.high is None:
        return found
    least, most = least_and_most(definition.range)
    return found._replace(low=max(found.low, least), high=min(found.high, most))


def _single(
    definition: ScoreDefinition, tally: Tally, summands: Summands, resampling: Resampling, confidence: float
) -> Interval:
    blocks = resampling.blocks
    if definition.kind == "count":
        return Interval(reason=NO_ESTIMATE)
    closed = _closed(definition, tally, summands, confidence)
    if blocks < FEWEST_BLOCKS:
        return closed if definition.kind == "proportion" else Interval(reason=too_few(blocks))
    drawn = _drawn(definition, resampling.replicates(summands))
    return _reaching(closed, drawn, confidence, blocks, "day-block bootstrap")


def _closed(definition: ScoreDefinition, tally: Tally, summands: Summands, confidence: float) -> Interval:
    if definition.kind == "proportion":
        successes, n = summands.columns.sum(axis=0)
        return Interval(*wilson(successes, n, confidence), "Wilson score interval")
    limits = unseen(_sums(definition, tally, summands), confidence)
    return Interval(*limits, UNSEEN) if limits else Interval(reason=ALL_ALIKE)


def _drawn(definition: ScoreDefinition, replicates: Float64, against: Float64 | None = None) -> Drawn | str:
    """What was drawn, or why it says nothing."""
    if definition.kind == "share":
        return drawn_shares(replicates, against)
    if against is not None:
        with np.errstate(invalid="ignore"):  # infinite delays on both sides have no difference
            replicates = replicates - against
    defined = defined_of(replicates)
    if isinstance(defined, str):
        return defined
    ordered = np.sort(defined)
    if definition.kind == "quantile" and ordered[0] == ordered[-1]:
        return ALL_ALIKE
    return Drawn(ordered, ordered)


def _reaching(closed: Interval, drawn: Drawn | str, confidence: float, blocks: int, method: str) -> Interval:
    if isinstance(drawn, str):
        return closed if closed.method and closed.method != UNSEEN else Interval(reason=drawn)
    found = drawn.interval(confidence, blocks, method)
    return _open_ended(farther(found, closed) if closed.method else found)


@dataclass(frozen=True)
class _Paired:
    definition: ScoreDefinition
    champion: Tally
    challenger: Tally
    first: Summands
    second: Summands
    resampling: Resampling

    def interval(self, confidence: float) -> Interval:
        if self.definition.kind == "count":
            return Interval(reason=NO_ESTIMATE)
        closed, blocks = self._closed(confidence), self.resampling.blocks
        if blocks < FEWEST_BLOCKS:
            return closed if self.definition.kind == "proportion" else Interval(reason=too_few(blocks))
        return _reaching(closed, self._replicates, confidence, blocks, PAIRED)

    def bootstrap(self, confidence: float) -> Interval:
        """The day-block bootstrap alone, to stand beside."""
        blocks = self.resampling.blocks
        if blocks < FEWEST_BLOCKS:
            return Interval(reason=too_few(blocks))
        drawn = self._replicates
        return (
            Interval(reason=drawn) if isinstance(drawn, str) else drawn.interval(confidence, blocks, PAIRED)
        )

    def discordant(self) -> PairedCounts:
        if self.definition.success is None or self.definition.trials is None:
            raise TypeError(f"{self.definition.name}: a proportion needs success and trials")
        among = self.definition.trials(self.challenger)
        ours, theirs = self.definition.success(self.challenger), self.definition.success(self.champion)
        return PairedCounts(
            int((ours & ~theirs & among).sum()), int((theirs & ~ours & among).sum()), int(among.sum())
        )

    def _closed(self, confidence: float) -> Interval:
        if self.definition.kind == "proportion":
            return Interval(*tango(self.discordant(), confidence), "Tango score interval")
        sides = (
            _sums(self.definition, self.champion, self.first),
            _sums(self.definition, self.challenger, self.second),
        )
        limits = unseen_pair(*sides, confidence)
        return Interval(*limits, UNSEEN) if limits else Interval(reason=ALL_ALIKE)

    @cached_property
    def _replicates(self) -> Drawn | str:
        drawn = self.resampling.replicates(self.second), self.resampling.replicates(self.first)
        return _drawn(self.definition, *drawn)


def _sums(definition: ScoreDefinition, tally: Tally, summands: Summands) -> Sums:
    # A quantile is no ratio of two sums and has no such limit, a largest of several none that asks for them.
    above, below = (*summands.columns.sum(axis=0)[:2].tolist(), 0.0, 0.0)[:2]
    bound = None if definition.bound is None else definition.bound(tally)
    return Sums(definition.kind, summands.value(), above, below, definition.n(tally), bound)


def _open_ended(found: Interval) -> Interval:
    missing = [
        f"no {side} limit: too many are missed in some resamples"
        for side, limit in (("lower", found.low), ("upper", found.high))
        if limit is not None and not isfinite(limit)
    ]
    if not missing:
        return found
    low, high = (None if limit is None or not isfinite(limit) else limit for limit in (found.low, found.high))
    return Interval(low, high, found.method, "; ".join(missing))
