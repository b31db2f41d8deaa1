"""Recall, false pages and delay against threshold: drawings with their numbers, exchanges and choices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

from titleshot.datasets.contracts.comparisons import PairedScore
from titleshot.datasets.contracts.scores import Score
from titleshot.datasets.contracts.thresholds import (
    RULES,
    ThresholdChoice,
    ThresholdCurve,
    ThresholdExchange,
    ThresholdPoint,
    ThresholdReport,
)
from titleshot.reports.rendering.threshold_axes import UpAxis, axis_of
from titleshot.reports.rendering.wording import amount, change, counted, day, interval, number, percent
from titleshot.reports.thresholds.exchanges import setting_words

_DRAWN = (
    ("incident_recall", "incident_recall"),
    ("false_pages_per_week", "unmatched_pages_per_week"),
    ("mean_time_to_detect_s", "mean_time_to_detect_s"),
)
"""Scores drawn, and what stands in for them where labels are not complete."""
_MORE = (("alarming_precision", "alarming_precision_low"), ("pages_per_shift", "pages_per_shift"))
"""Further columns of the table."""
_APART = 13
"""Percent between labels under a drawing."""


@dataclass(frozen=True)
class Dot:
    """Percent from the left, percent from the top, and what a reader sees on pointing."""

    x: float
    y: float
    title: str


@dataclass(frozen=True)
class Drawing:
    """One score against threshold; paths in a square of 1000 by 1000, marks in percent from the left."""

    score: str
    words: str
    path: str
    bands: tuple[str, ...]
    dots: tuple[Dot, ...]
    up: tuple[tuple[float, str], ...]
    across: tuple[tuple[float, str], ...]
    present: float
    chosen: float | None


@dataclass(frozen=True)
class ExchangeRow:
    """``words``: the exchange in a sentence; ``cells``: difference and its interval, a pair a column."""

    setting: str
    words: str
    cells: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ChoiceRow:
    """``check``: how it does on the scored span, or why that is not known."""

    rule: str
    setting: str
    oracle: bool
    check: str


@dataclass(frozen=True)
class CurvePanel:
    """One curve. ``rows``: (threshold, factor, cells of ``columns`` with their intervals, found)."""

    title: str
    whole: bool
    about: str
    reason: str | None
    drawings: tuple[Drawing, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, str, tuple[tuple[str, str], ...], str], ...] = ()
    exchange_columns: tuple[str, ...] = ()
    exchanges: tuple[ExchangeRow, ...] = ()
    choices: tuple[ChoiceRow, ...] = ()


@dataclass(frozen=True)
class ThresholdPanel:
    """The curves of one contender."""

    contender: str
    oracle: bool
    span: str
    confidence: str
    stale: str | None
    curves: tuple[CurvePanel, ...]
    notes: tuple[str, ...]


def threshold_panel(report: ThresholdReport, labels_digest: str) -> ThresholdPanel:
    """``labels_digest``: of the labels the rest of the page is about."""
    settings = report.settings
    stale = None
    if report.identity.labels_digest != labels_digest:
        stale = (
            f"The curves were drawn with labels as of {day(report.identity.labels_as_of)}, the rest of this"
            " page with others; run titleshot thresholds again."
        )
    return ThresholdPanel(
        contender=report.identity.contender,
        oracle=report.drawn_on == "scored",
        span=f"{day(settings.span_from)} to {day(settings.span_to)}, {counted(settings.blocks, 'day')}",
        confidence=percent(settings.confidence),
        stale=stale,
        curves=tuple(_curve(curve, settings.detect_within_s) for curve in report.curves),
        notes=report.notes,
    )


def _curve(curve: ThresholdCurve, within_s: float) -> CurvePanel:
    whole = curve.subject == "contender"
    parts = [counted(curve.series, "series", "series")]
    if curve.threshold is not None:
        parts.insert(0, f"threshold {number(curve.threshold)} {curve.unit or ''}".strip())
    title = "The whole contender"
    if not whole:
        title = f"{curve.name.partition('@')[0]} on {', '.join(curve.watches) or 'every series'}"
        parts.append(curve.name)
    made = CurvePanel(title, whole, "; ".join(parts), curve.reason)
    if not curve.points:
        return made
    columns = [_present_name(curve.points, *names) for names in (*_DRAWN, *_MORE)]
    shown = columns[: len(_DRAWN)]
    chosen = curve.choices[0].factor if curve.choices else None
    return CurvePanel(
        title=made.title,
        whole=whole,
        about=made.about,
        reason=None,
        drawings=tuple(_drawing(name, curve.points, chosen, within_s) for name in shown),
        columns=tuple(columns),
        rows=tuple(_row(point, columns) for point in curve.points),
        exchange_columns=tuple(shown),
        exchanges=tuple(_exchange(one, curve.threshold, shown) for one in curve.exchanges),
        choices=tuple(_choice(one, curve.threshold) for one in curve.choices),
    )


def _present_name(points: Sequence[ThresholdPoint], name: str, otherwise: str) -> str:
    known = any(score is not None and score.value is not None for score in (p.score(name) for p in points))
    return name if known or points[0].score(otherwise) is None else otherwise


def _drawing(name: str, points: Sequence[ThresholdPoint], chosen: float | None, within_s: float) -> Drawing:
    scores = [point.score(name) for point in points]
    axis = axis_of(name, scores, within_s)
    logs = [log(point.factor) for point in points]
    room = (logs[-1] - logs[0]) or 1.0
    places = [round(4 + 92 * (at - logs[0]) / room, 2) for at in logs]
    drawn = [
        (x, score, point)
        for x, score, point in zip(places, scores, points, strict=True)
        if score is not None and score.value is not None
    ]
    line = [f"{10 * x:.0f} {10 * axis.down(score.value):.0f}" for x, score, _ in drawn]  # type: ignore[arg-type]
    here = {point.factor: x for x, point in zip(places, points, strict=True)}
    return Drawing(
        score=name,
        words="; ".join(f"at {_label(point)} {amount(score.value, score.unit)}" for _, score, point in drawn),
        path=f"M{'L'.join(line)}" if line else "",
        bands=tuple(_bands([(x, score) for x, score, _ in drawn], axis)),
        dots=tuple(
            Dot(x, axis.down(score.value), f"{_label(point)}: {_value(score)}")  # type: ignore[arg-type]
            for x, score, point in drawn
        ),
        up=axis.ticks,
        across=tuple(_across(places, points)),
        present=here[1.0],
        chosen=here.get(chosen) if chosen is not None and chosen != 1 else None,
    )


def _bands(drawn: Sequence[tuple[float, Score]], axis: UpAxis) -> list[str]:
    """A closed path over each run of points that have both ends of an interval."""
    runs: list[list[tuple[float, float, float]]] = [[]]
    for x, score in drawn:
        if score.low is None or score.high is None:
            runs.append([])
        else:
            runs[-1].append((x, axis.down(score.high), axis.down(score.low)))
    paths = []
    for run in runs:
        if len(run) > 1:
            upper = [f"{10 * x:.0f} {10 * high:.0f}" for x, high, _ in run]
            lower = [f"{10 * x:.0f} {10 * low:.0f}" for x, _, low in reversed(run)]
            paths.append(f"M{'L'.join([*upper, *lower])}Z")
    return paths


def _across(places: Sequence[float], points: Sequence[ThresholdPoint]) -> list[tuple[float, str]]:
    """Labels that do not touch: the present one first, then the ends, then what fits between."""
    present = next(at for at, point in enumerate(points) if point.factor == 1)
    kept: list[int] = []
    for at in dict.fromkeys([present, 0, len(points) - 1, *range(len(points))]):
        if all(abs(places[at] - places[other]) >= _APART for other in kept):
            kept.append(at)
    return [(places[at], _label(points[at])) for at in sorted(kept)]


def _label(point: ThresholdPoint) -> str:
    return f"×{point.factor:.3g}" if point.threshold is None else f"{point.threshold:.3g}"


def _value(score: Score | None) -> str:
    if score is None:
        return "–"
    ends = interval(score.low, score.high, score.unit)
    return amount(score.value, score.unit) + ("" if ends == "–" else f" ({ends})")


def _row(point: ThresholdPoint, columns: Sequence[str]) -> tuple[str, str, tuple[tuple[str, str], ...], str]:
    cells = []
    for name in columns:
        score = point.score(name)
        if score is None:
            cells.append(("–", ""))
            continue
        ends = interval(score.low, score.high, score.unit)
        cells.append((amount(score.value, score.unit), "" if ends == "–" else ends))
    return _label(point), f"{point.factor:.3g}", tuple(cells), f"{point.found:,} of {point.of:,}"


def _exchange(one: ThresholdExchange, threshold: float | None, columns: Sequence[str]) -> ExchangeRow:
    by_name = {score.name: score for score in one.differences}
    return ExchangeRow(
        setting_words(one.factor, threshold), one.words, tuple(_change(by_name.get(name)) for name in columns)
    )


def _change(score: PairedScore | None) -> tuple[str, str]:
    if score is None or score.difference is None:
        return "–", ""
    ends = interval(score.low, score.high, score.unit, signed=True)
    return change(score.difference, score.unit), "" if ends == "–" else ends


def _choice(one: ThresholdChoice, threshold: float | None) -> ChoiceRow:
    if one.factor is None:
        setting = f"none: {one.reason}"
    elif one.factor == 1:
        setting = "the present one"
    else:
        setting = setting_words(one.factor, threshold)
    oracle = one.chosen_on == "oracle"
    if one.check is not None:
        check = one.check.words
    elif one.factor is None or one.factor == 1:
        check = "–"
    else:
        check = "none: an oracle" if oracle else f"none: {one.check_reason}"
    return ChoiceRow(RULES[one.rule], setting, oracle, check)
