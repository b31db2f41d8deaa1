"""A contender beside never, always and random paging, and beside luck."""

from __future__ import annotations

from titleshot.datasets.contracts.scores import Score, Scorecard
from titleshot.reports.rendering.glossary import meaning
from titleshot.reports.rendering.wording import NONE, amount

_BY_LUCK = "by luck"


def baseline_table(
    cards: tuple[Scorecard, ...], roles: tuple[str, ...]
) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """Column names, and per score its title and cells; context scores are left out.

    Baselines are those of the last card: a challenger's page compares with what it must beat.
    """
    card = cards[-1]
    baselines = card.baselines or cards[0].baselines
    columns = [*baselines, *roles, _BY_LUCK]
    rows = []
    for score in card.scores:
        if score.better is None:
            continue
        found = [_of(scores, score.name) for scores in baselines.values()]
        found += [_of(other.scores, score.name) for other in cards]
        cells = [NONE if one is None else amount(one.value, one.unit) for one in found]
        rows.append((meaning(score.name).title, [*cells, amount(score.chance, score.unit)]))
    return columns, rows


def _of(scores: tuple[Score, ...], wanted: str) -> Score | None:
    return next((score for score in scores if score.name == wanted), None)
