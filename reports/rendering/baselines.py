"""A contender beside never, always and random paging, beside luck, and under other matching times."""

from __future__ import annotations

from titleshot.datasets.contracts.scores import ChanceLevel, Score, Scorecard
from titleshot.reports.rendering.wording import NONE, amount, counted

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
