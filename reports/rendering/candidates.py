"""How incident candidates fare beside other cuts of the same alerts, and suspicions beside guesses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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
