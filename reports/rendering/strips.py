"""Dot-and-interval strips: a number, how sure it is, and the line it must not cross."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from titleshot.datasets.contracts.comparisons import Comparison, PairedScore
from titleshot.datasets.contracts.scores import Score
from titleshot.datasets.contracts.verdicts import CriterionOutcome, Verdict
from titleshot.reports.rendering.axes import Axis, around
from titleshot.reports.rendering.glossary import MAIN, meaning
from titleshot.reports.rendering.tones import Tone, counted_of, tone
from titleshot.reports.rendering.wording import amount, change, counted, interval, percent


@dataclass(frozen=True)
class Strip:
    """All places in percent from the left. ``left`` and ``right`` label the ends, ``words`` say it all."""

    dot: float
    low: float | None
    high: float | None
    outer_low: float | None
    outer_high: float | None
    zero: float | None
    limit: float | None
    left: str
    right: str
    words: str


@dataclass(frozen=True)
class PairedRow:
    """One paired score as a row of the chart and of the table."""

    title: str
    score: str
    tone: Tone
    champion: str
    challenger: str
    difference: str
    interval: str
    n: str
    strip: Strip | None
    limit: str
    p_value: str
    method: str
    confidence: str
    beside: str
    """The second interval of a paired proportion, in words."""
    discordant: tuple[int, int] | None
    reason: str | None
    main: bool
    """Named by the policy or by everybody; the others stand further down."""
    drawn: bool
    """Whether the row is in the chart too, not only in a table."""


@dataclass(frozen=True)
class ScoreRow:
    """One score of one contender."""

    title: str
    score: str
    value: str
    interval: str
    n: str
    chance: str
    strip: Strip | None
    reason: str | None
    drawn: bool


def limit_of(criterion: CriterionOutcome, better: str | None) -> float | None:
    """Where a criterion's line lies on the axis of the difference; None for ceilings and context.

    A margin is a distance, written with or without its sign: non-inferiority allows it on the bad side,
    superiority asks for it on the good side.
    """
    if criterion.kind == "ceiling" or better is None:
        return None
    good = 1 if better == "up" else -1
    return abs(criterion.margin) * (good if criterion.kind == "superiority" else -good)


def paired_rows(comparison: Comparison, verdict: Verdict | None) -> list[PairedRow]:
    """Scores the policy names first, then the main ones, then the others, context last."""
    criteria = () if verdict is None else verdict.criteria
    named = {c.score: c for c in reversed(criteria) if c.group is None and c.kind != "ceiling"}
    order = [*reversed(named), *MAIN]
    pairs = sorted(
        comparison.pairs,
        key=lambda p: (order.index(p.name) if p.name in order else len(order), p.better is None),
    )
    return [paired_row(pair, named.get(pair.name)) for pair in pairs]


MAIN_CANDIDATES = (
    "fragments_per_incident",
    "over_merge_ratio",
    "bcubed_f_by_incident",
    "incident_f1_iou50",
    "ari",
    "mean_time_to_open_s",
    "ac_at_1",
    "mrr",
    "quiet_specificity",
    "severity_accuracy",
)
"""Scores of candidates that stand unfolded."""


def candidate_rows(comparison: Comparison, verdict: Verdict | None) -> list[PairedRow]:
    """Paired scores of candidates and hypotheses, in the record's order."""
    asked = set() if verdict is None else {criterion.score for criterion in verdict.criteria}
    rows = [paired_row(pair) for pair in comparison.correlation_pairs]
    return [replace(row, main=row.score in MAIN_CANDIDATES or row.score in asked) for row in rows]


def paired_row(pair: PairedScore, criterion: CriterionOutcome | None = None) -> PairedRow:
    """One row; its strip has better at the right, whichever way the score runs."""
    limit = None if criterion is None else limit_of(criterion, pair.better)
    main = criterion is not None or pair.name in MAIN
    strip = _strip(pair, limit)
    return PairedRow(
        title=meaning(pair.name).title,
        score=pair.name,
        tone=tone(pair),
        champion=amount(pair.champion, pair.unit),
        challenger=amount(pair.challenger, pair.unit),
        difference=change(pair.difference, pair.unit),
        interval=interval(pair.low, pair.high, pair.unit, signed=True),
        n=counted_of(pair),
        strip=strip,
        limit="" if limit is None else change(limit, pair.unit) if limit else "no change",
        p_value="–"
        if pair.p_value is None
        else "under 0.001"
        if pair.p_value < 0.001
        else f"{pair.p_value:.2g}",
        method=pair.method or "",
        confidence="" if pair.low is None else percent(pair.confidence),
        beside=_beside(pair),
        discordant=pair.discordant,
        reason=pair.reason,
        main=main,
        drawn=main and strip is not None,
    )


def _beside(pair: PairedScore) -> str:
    if pair.beside_low is None or pair.beside_high is None:
        return ""
    between = interval(pair.beside_low, pair.beside_high, pair.unit, signed=True)
    return f"{pair.beside_method or 'beside it'}: {between}"


def _strip(pair: PairedScore, limit: float | None) -> Strip | None:
    if pair.difference is None or not math.isfinite(pair.difference):
        return None
    ends = [pair.low, pair.high, pair.decisive_low, pair.decisive_high, limit]
    axis = around([pair.difference, *(end for end in ends if end is not None)], flipped=pair.better == "down")
    low, high = ends_of(axis, pair.low, pair.high)
    outer_low, outer_high = ends_of(axis, pair.decisive_low, pair.decisive_high)
    words = f"difference {change(pair.difference, pair.unit)}, interval " + interval(
        pair.low, pair.high, pair.unit, signed=True
    )
    worse, better = ("less", "more") if pair.better is None else ("worse", "better")
    return Strip(
        dot=axis.at(pair.difference),
        low=low,
        high=high,
        outer_low=outer_low,
        outer_high=outer_high,
        zero=axis.at(0.0),
        limit=None if limit is None else axis.at(limit),
        left=worse,
        right=better,
        words=words if limit is None else f"{words}, limit {change(limit, pair.unit)}",
    )


def ends_of(axis: Axis, low: float | None, high: float | None) -> tuple[float | None, float | None]:
    """Both ends from left to right, or neither."""
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return None, None
    first, last = sorted((axis.at(low), axis.at(high)))
    return first, last


def score_rows(scores: tuple[Score, ...]) -> list[ScoreRow]:
    """Of a single contender; ratios on 0 to 1, everything else on its own axis from zero."""
    return [score_row(score) for score in scores]


def score_row(score: Score) -> ScoreRow:
    """One row."""
    return ScoreRow(
        title=meaning(score.name).title,
        score=score.name,
        value=amount(score.value, score.unit),
        interval=interval(score.low, score.high, score.unit),
        n=counted(score.n, score.n_of.removesuffix("s"), score.n_of),
        chance=_chance(score),
        strip=_score_strip(score),
        reason=score.reason,
        drawn=score.name in MAIN,
    )


def _chance(score: Score) -> str:
    if score.chance is None:
        return "–"
    if score.chance_high is None:
        return amount(score.chance, score.unit)
    return f"{amount(score.chance, score.unit)} (95 % below {amount(score.chance_high, score.unit)})"


def _score_strip(score: Score) -> Strip | None:
    if score.value is None or not math.isfinite(score.value):
        return None
    ends = (score.value, score.low, score.high, score.chance_high)
    known = [end for end in ends if end is not None and math.isfinite(end)]
    axis = Axis(0.0, 1.0) if score.unit == "ratio" else Axis(min(0.0, *known), max(known) * 1.1 or 1.0)
    low, high = ends_of(axis, score.low, score.high)
    return Strip(
        dot=axis.at(score.value),
        low=low,
        high=high,
        outer_low=None,
        outer_high=None,
        zero=None,
        limit=None if score.chance is None else axis.at(score.chance),
        left=amount(axis.low, score.unit),
        right=amount(axis.high, score.unit),
        words=f"{amount(score.value, score.unit)}, interval {interval(score.low, score.high, score.unit)}",
    )
