"""How incident candidates fare beside other cuts of the same alerts, and suspicions beside guesses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from titleshot.datasets.contracts.scores import CorrelationScores, Score
from titleshot.reports.rendering.glossary import meaning
from titleshot.reports.rendering.wording import amount, interval

_COLUMNS = {
    "truth": "as labelled",
    "singletons": "each alone",
    "one_giant": "all in one",
    "shuffled": "shuffled",
    "random_windows": "random windows",
    "random_member": "random member",
    "most_frequent_cause": "most frequent",
    "earliest_alert": "earliest alert",
    "oracle": "cause if inside",
}


@dataclass(frozen=True)
class CandidateRow:
    """One score: its own value with interval and n, or why there is none, and the values beside it."""

    score: str
    title: str
    value: str
    interval: str
    n: str
    reason: str | None
    beside: tuple[str, ...]


@dataclass(frozen=True)
class CandidateTable:
    """Columns after the contender's own; ``context`` are rows that never decide."""

    columns: tuple[str, ...]
    rows: tuple[CandidateRow, ...]
    context: tuple[CandidateRow, ...]


@dataclass(frozen=True)
class CandidatePanel:
    """``reason``: why there is nothing to show; then both tables are empty."""

    reason: str | None
    cuts: CandidateTable
    causes: CandidateTable


def candidate_panel(found: CorrelationScores | None) -> CandidatePanel | None:
    """None where nothing was scored, as in scorecards written before it was."""
    if found is None:
        return None
    cut = {score.name for row in found.baselines.values() for score in row}

    def table(beside: Mapping[str, tuple[Score, ...]], of_cuts: bool) -> CandidateTable:
        of = [{score.name: score for score in row} for row in beside.values()]

        def rows(scores: tuple[Score, ...]) -> tuple[CandidateRow, ...]:
            return tuple(_row(score, of) for score in scores if (score.name in cut) is of_cuts)

        columns = tuple(_COLUMNS.get(name, name) for name in beside)
        return CandidateTable(columns, rows(found.scores), rows(found.context))

    return CandidatePanel(
        found.reason, table(found.baselines, True), table(found.hypothesis_baselines, False)
    )


def candidates_of_both(
    champion: CorrelationScores | None, challenger: CorrelationScores | None
) -> CandidatePanel | None:
    """Of two sides: each cell has the champion's value and the challenger's. None where none was scored."""
    sides = {"champion": candidate_panel(champion), "challenger": candidate_panel(challenger)}
    told = {role: panel for role, panel in sides.items() if panel is not None}
    if not told:
        return None
    reasons = [f"{role}: {panel.reason}" for role, panel in told.items() if panel.reason]
    scored = [panel for panel in told.values() if panel.reason is None]
    if len(scored) < 2:
        empty = CandidateTable((), (), ())
        return CandidatePanel("; ".join(reasons) or "only one side was", empty, empty)
    first, second = scored
    return CandidatePanel(None, _joined(first.cuts, second.cuts), _joined(first.causes, second.causes))


def _joined(first: CandidateTable, second: CandidateTable) -> CandidateTable:
    columns = tuple(column for column in first.columns if column in second.columns)

    def rows(these: tuple[CandidateRow, ...], those: tuple[CandidateRow, ...]) -> tuple[CandidateRow, ...]:
        by_score = {row.score: row for row in those}
        return tuple(
            _both(first, row, second, by_score[row.score], columns) for row in these if row.score in by_score
        )

    return CandidateTable(columns, rows(first.rows, second.rows), rows(first.context, second.context))


def _both(
    of: CandidateTable,
    row: CandidateRow,
    other_of: CandidateTable,
    other: CandidateRow,
    columns: tuple[str, ...],
) -> CandidateRow:
    one, two = (
        dict(zip(of.columns, row.beside, strict=True)),
        dict(zip(other_of.columns, other.beside, strict=True)),
    )
    beside = tuple(_pair_of(one[column], two[column]) for column in columns)
    return replace(
        row, value=_pair_of(row.value, other.value), reason=row.reason or other.reason, beside=beside
    )


def _pair_of(first: str, second: str) -> str:
    return f"{first} · {second}" if first or second else ""


def _row(score: Score, beside: list[dict[str, Score]]) -> CandidateRow:
    others = [row.get(score.name) for row in beside]
    return CandidateRow(
        score.name,
        meaning(score.name).title,
        amount(score.value, score.unit),
        interval(score.low, score.high, score.unit),
        f"{score.n:,} {score.n_of}",
        score.reason if score.value is None else None,
        tuple("" if other is None else amount(other.value, other.unit) for other in others),
    )
