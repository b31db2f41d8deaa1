"""What hangs on how early or late a page may come: scores and differences under other times of matching."""

from __future__ import annotations

from dataclasses import dataclass

from titleshot.datasets.contracts.comparisons import Comparison
from titleshot.datasets.contracts.scores import Scorecard, Stretched
from titleshot.reports.rendering.wording import NONE, amount, change, interval, number

_TIMES: dict[Stretched, str] = {"early_s": "early", "grace_s": "late", "both": "both"}


@dataclass(frozen=True)
class StretchedRow:
    """One score: as set, then (value, interval, whether its sign turned) for each column."""

    score: str
    as_set: str
    cells: tuple[tuple[str, str, bool], ...]


@dataclass(frozen=True)
class StretchedTable:
    """``columns`` say which time was stretched how far; ``reason`` why there is none."""

    differences: bool
    columns: tuple[str, ...]
    rows: tuple[StretchedRow, ...]
    turned: int
    reason: str


def stretched_differences(comparison: Comparison) -> StretchedTable | None:
    """Of a comparison: the differences, or the challenger's scores in records that kept no differences."""
    tried = comparison.sensitivity
    if not tried:
        if comparison.sensitivity_reason:
            return StretchedTable(True, (), (), 0, comparison.sensitivity_reason)
        return stretched_scores(comparison.challenger)
    as_set = {pair.name: pair for pair in (*comparison.pairs, *comparison.correlation_pairs)}
    names = dict.fromkeys(pair.name for one in tried for pair in one.pairs)
    found = [{pair.name: pair for pair in one.pairs} for one in tried]
    rows = []
    for name in names:
        cells = []
        for one, pairs in zip(tried, found, strict=True):
            pair = pairs.get(name)
            if pair is None:
                cells.append((NONE, "", False))
                continue
            between = interval(pair.low, pair.high, pair.unit, signed=True)
            said = "" if between == NONE else between
            cells.append((change(pair.difference, pair.unit), said, name in one.turned))
        own = as_set.get(name)
        rows.append(
            StretchedRow(name, NONE if own is None else change(own.difference, own.unit), tuple(cells))
        )
    turned = len({name for one in tried for name in one.turned})
    return StretchedTable(True, tuple(_column(one.of, one.factor) for one in tried), tuple(rows), turned, "")


def stretched_scores(card: Scorecard) -> StretchedTable | None:
    """Of one contender; None in records that say nothing of it."""
    tried = card.sensitivity
    if not tried:
        reason = card.sensitivity_reason
        return StretchedTable(False, (), (), 0, reason) if reason else None
    own = {score.name: score for score in card.scores}
    rows = []
    for name in dict.fromkeys(name for one in tried for name in one.scores):
        unit = own[name].unit if name in own else ""
        as_set = NONE if name not in own else amount(own[name].value, unit)
        rows.append(
            StretchedRow(
                name, as_set, tuple((amount(one.scores.get(name), unit), "", False) for one in tried)
            )
        )
    return StretchedTable(False, tuple(_column(one.of, one.factor) for one in tried), tuple(rows), 0, "")


def _column(of: Stretched, factor: float) -> str:
    times = {0.5: "half", 2.0: "double"}.get(factor, f"{number(factor)} times")
    return f"{_TIMES[of]} {times}"
