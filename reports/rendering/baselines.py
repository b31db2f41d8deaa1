"""A contender beside never, always and random paging, beside luck, and under other matching times."""

from __future__ import annotations

from titleshot.datasets.contracts.scores import ChanceLevel, Score, Scorecard
from titleshot.reports.rendering.wording import NONE, amount, change, counted, number

_BY_LUCK = "by luck"
_ORDER = ("never", "always", "random")


def baseline_table(
    cards: tuple[Scorecard, ...], roles: tuple[str, ...]
) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """Column names, and per score its name and cells; scores without baseline and luck are left out.

    Baselines are those of the last card: a challenger's page compares with what it must beat.
    """
    card = cards[-1]
    baselines = card.baselines or cards[0].baselines
    names = sorted(baselines, key=lambda name: (_ORDER.index(name) if name in _ORDER else len(_ORDER), name))
    rows = []
    for score in card.scores:
        beside = [_of(baselines[name], score.name) for name in names]
        if score.better is None or not (score.chance is not None or any(_has(one) for one in beside)):
            continue
        found = [*beside, *(_of(other.scores, score.name) for other in cards)]
        cells = [NONE if one is None else amount(one.value, one.unit) for one in found]
        rows.append((score.name, [*cells, amount(score.chance, score.unit)]))
    return [*names, *roles, _BY_LUCK], rows


def _of(scores: tuple[Score, ...], wanted: str) -> Score | None:
    return next((score for score in scores if score.name == wanted), None)


def _has(score: Score | None) -> bool:
    return score is not None and score.value is not None


def luck_words(level: ChanceLevel | None) -> str:
    """How labels were moved, as the middle of a sentence."""
    if level is None or level.method is None:
        why = f" ({level.reason})" if level is not None and level.reason else ""
        return f"against labels that are moved away, which this history does not allow{why}"
    moved = {
        "whole_weeks": "moved by whole weeks",
        "within_weekday": "moved to other weeks, each weekday for itself",
        "circular": "moved round the span, so that neither hour nor weekday is kept, the span being short",
    }[level.method]
    return f"against labels {moved}, on average over {counted(level.shifts, 'move')}"


def sensitivity_table(
    cards: tuple[Scorecard, ...], roles: tuple[str, ...]
) -> tuple[list[str], list[tuple[str, list[str]]]] | None:
    """Scores under shorter and longer early and grace times beside those as set; None without any.

    Of two cards the differences too: whether these turn is what a verdict hangs on.
    """
    tried = cards[-1].sensitivity
    if not tried:
        return None
    columns: list[str] = []
    for role in roles:
        columns += [f"{role}, {_times(one.factor)}" for one in tried if one.factor < 1]
        columns.append(f"{role}, as set")
        columns += [f"{role}, {_times(one.factor)}" for one in tried if one.factor >= 1]
    if len(cards) == 2:
        columns += [f"difference, {_times(one.factor)}" for one in tried]
    rows = []
    for name in tried[0].scores:
        cells: list[str] = []
        for card in cards:
            score = _of(card.scores, name)
            unit = score.unit if score else ""
            cells += [amount(one.scores.get(name), unit) for one in card.sensitivity if one.factor < 1]
            cells.append(NONE if score is None else amount(score.value, unit))
            cells += [amount(one.scores.get(name), unit) for one in card.sensitivity if one.factor >= 1]
        if len(cards) == 2:
            cells += [
                change(_apart(first.scores.get(name), second.scores.get(name)), unit)
                for first, second in zip(cards[0].sensitivity, tried, strict=True)
            ]
        rows.append((name, cells))
    return columns, rows


def _apart(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else second - first


def _times(factor: float) -> str:
    return {0.5: "half", 2.0: "double"}.get(factor, f"{number(factor)} times")
