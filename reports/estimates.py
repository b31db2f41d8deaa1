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
from titleshot.reports.intervals import ALL_ALIKE, Interval, defined_of, too_few, wilson_of_days
from titleshot.reports.proportions import PairedCounts, design_effect, tango
from titleshot.reports.scores.score import ScoreDefinition
from titleshot.reports.statistics import (
    FEWEST_BLOCKS,
    Resampling,
    Summands,
    bca_interval,
    percentile_interval,
    permutation_p,
)
from titleshot.reports.tally import Tally
from titleshot.reports.unseen import Alike, alike, alike_pair

Float64 = NDArray[np.float64]


def estimate(definition: ScoreDefinition, tally: Tally, resampling: Resampling, confidence: float) -> Score:
    """One contender's score with its interval."""
    summands = definition.summands(tally)
    value = summands.value()
    if not isfinite(value):
        found, interval = None, Interval(None, None, None, definition.undefined(tally))
    else:
        found, interval = value, _single(definition, tally, summands, resampling, confidence)
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
        sides = [
            f"{name}: {definition.undefined(of)}"
            for name, of, value in zip(
                ("champion", "challenger"), (champion, challenger), values, strict=True
            )
            if value is None
        ]
        interval = Interval(None, None, None, "; ".join(sides))
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


def _single(
    definition: ScoreDefinition, tally: Tally, summands: Summands, resampling: Resampling, confidence: float
) -> Interval:
    blocks = resampling.blocks
    if definition.kind == "count":
        return Interval(None, None, None, "a count of what was there, not an estimate")
    if definition.kind == "proportion":
        return wilson_of_days(summands, blocks, confidence)
    if blocks < FEWEST_BLOCKS:
        return Interval(None, None, None, too_few(blocks))
    replicates = defined_of(resampling.replicates(summands))
    if isinstance(replicates, str):
        return Interval(None, None, None, replicates)
    if replicates.min() == replicates.max():
        limits = alike(_alike(definition, tally, summands), confidence)
        return Interval(*limits) if limits else Interval(None, None, None, ALL_ALIKE)
    without = resampling.leave_one_out(summands)
    low, high = bca_interval(replicates, summands.value(), without, confidence, blocks)
    return _open_ended(low, high, f"day-block bootstrap, BCa, {blocks} days")


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
            return Interval(None, None, None, "a count of what was there, not an estimate")
        if self.definition.kind == "proportion":
            return self._score_interval(confidence)
        return self.bootstrap(confidence)

    def bootstrap(self, confidence: float) -> Interval:
        replicates = self._replicates
        if isinstance(replicates, str):
            return Interval(None, None, None, replicates)
        if replicates.min() == replicates.max() and self.definition.kind != "proportion":
            sides = (
                _alike(self.definition, self.champion, self.first),
                _alike(self.definition, self.challenger, self.second),
            )
            limits = alike_pair(*sides, confidence)
            return Interval(*limits) if limits else Interval(None, None, None, ALL_ALIKE)
        blocks = self.resampling.blocks
        low, high = percentile_interval(replicates, confidence, blocks)
        return _open_ended(low, high, f"paired day-block bootstrap, {blocks} days")

    @cached_property
    def _replicates(self) -> Float64 | str:
        if self.resampling.blocks < FEWEST_BLOCKS:
            return too_few(self.resampling.blocks)
        with np.errstate(invalid="ignore"):  # infinite delays on both sides have no difference
            drawn = self.resampling.replicates(self.second) - self.resampling.replicates(self.first)
        return defined_of(drawn)

    def discordant(self) -> PairedCounts:
        if self.definition.success is None or self.definition.trials is None:
            raise TypeError(f"{self.definition.name}: a proportion needs success and trials")
        among = self.definition.trials(self.challenger)
        ours, theirs = self.definition.success(self.challenger), self.definition.success(self.champion)
        return PairedCounts(
            int((ours & ~theirs & among).sum()), int((theirs & ~ours & among).sum()), int(among.sum())
        )

    def _score_interval(self, confidence: float) -> Interval:
        counts = self.discordant()
        method = "Tango score interval"
        if self.resampling.blocks >= FEWEST_BLOCKS:
            share = (counts.only_challenger - counts.only_champion) / counts.n
            variance = ((counts.only_challenger + counts.only_champion) / counts.n - share**2) / counts.n
            apart = self.second.columns[:, 0] - self.first.columns[:, 0]
            effect = design_effect(apart, self.second.columns[:, 1], variance)
            counts = PairedCounts(*(count / effect for count in counts))
            method += f", design effect of days {effect:.2f}"
        return Interval(*tango(counts, confidence), method)


def _alike(definition: ScoreDefinition, tally: Tally, summands: Summands) -> Alike:
    above, below = summands.columns.sum(axis=0)[:2]
    bound = None if definition.bound is None else definition.bound(tally)
    return Alike(definition.kind, float(above), float(below), definition.n(tally), bound)


def _open_ended(low: float, high: float, method: str) -> Interval:
    missing = [
        f"no {side} limit: too many are missed in some resamples"
        for side, limit in (("lower", low), ("upper", high))
        if not isfinite(limit)
    ]
    return Interval(
        low if isfinite(low) else None,
        high if isfinite(high) else None,
        method,
        "; ".join(missing) or None,
    )
