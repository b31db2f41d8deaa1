"""One contender on one public set: imported, validated, replayed and scored by the code that decides."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from titleshot.datasets.contracts.scores import Score, Scorecard
from titleshot.datasets.dataset import Dataset
from titleshot.detectors.contender import Contender
from titleshot.pipelines.outcome import Progress
from titleshot.pipelines.replay import replay
from titleshot.reports.baselines import RANDOM_DRAWS
from titleshot.reports.scorecard import score_log

DAYS_OF_WEEK = 7
SEED, RESAMPLES = 7, 2000


@dataclass(frozen=True)
class Measured:
    """The operational scores of a row of the page.

    Attributes:
        kind: ``contender``, ``oracle`` (its threshold was chosen on the labels scored) or ``chance``.
        events: incidents hit; a mean over draws for ``random``.
        recall: their share, with its interval.
        false: false pages per series-week with its interval; None where it was not measured.
        false_pages: how many; None where only a rate is known.
        alarming: incidents detected of all scored pages.
        delay_s: median over all incidents, None where fewer than half were hit.
        cpu_s: processor seconds of replay and scoring.
    """

    name: str
    kind: str
    events: float
    of_events: int
    recall: Score
    false: tuple[float | None, float | None, float | None]
    false_pages: int | None
    alarming: Score
    delay_s: float | None
    cpu_s: float | None


def measured(
    dataset: Dataset,
    contenders: Mapping[str, Contender],
    *,
    scratch: Path,
    kind: str = "contender",
    chance_of: str | None = None,
    scores: Sequence[str] = (),
    progress: Progress,
) -> list[Measured]:
    """A row for each contender, then never, always and random at the rate of ``chance_of``.

    Args:
        scratch: folder for the replay logs, ``<scratch>/<name>``.
        scores: contenders of which dense scores are kept in the log.
    """
    rows, chance = [], []
    for number, (name, contender) in enumerate(contenders.items()):
        progress(f"benchmarks on {dataset.card.name}", number, len(contenders))
        began = time.process_time()
        log = replay(dataset, contender, out=scratch / name, scores=name in scores)
        card = score_log(log, dataset, seed=SEED, resamples=RESAMPLES)
        # What a published detector itself cost is not known.
        cpu_s = time.process_time() - began if kind == "contender" else None
        rows.append(_row(name, kind, card, cpu_s))
        if name == chance_of:
            chance = _chance(card, name)
    return rows + chance


def _row(name: str, kind: str, card: Scorecard, cpu_s: float | None) -> Measured:
    recall, rate = card.score("incident_recall"), card.score("false_pages_per_service_day")
    pages = Counter(page.outcome for page in card.pages)
    fates = Counter(incident.outcome for incident in card.incidents)
    return Measured(
        name,
        kind,
        fates["detected"],
        recall.n,
        recall,
        (_weekly(rate.value), _weekly(rate.low), _weekly(rate.high)),
        pages["false"],
        card.score("alarming_precision"),
        card.score("time_to_detect_p50_s").value,
        cpu_s,
    )


def _weekly(per_day: float | None) -> float | None:
    return None if per_day is None else DAYS_OF_WEEK * per_day


def _chance(card: Scorecard, of: str) -> list[Measured]:
    """Rows that know nothing; rates per on-call week become those of a series."""
    weeks, days = (card.score(name).n for name in ("false_pages_per_week", "false_pages_per_service_day"))
    rows = []
    for name, found in card.baselines.items():
        of_name = {score.name: score for score in found}
        recall, rate = of_name["incident_recall"], of_name["false_pages_per_week"]
        share = weeks / (days / DAYS_OF_WEEK) if days else None
        false = [None if share is None or end is None else end * share for end in _ends(rate)]
        said = f"random, {RANDOM_DRAWS} draws at the rate of {of}" if name == "random" else name
        rows.append(
            Measured(
                said,
                "chance",
                (recall.value or 0.0) * recall.n,
                recall.n,
                recall,
                (false[0], false[1], false[2]),
                None,
                of_name["alarming_precision"],
                None,
                None,
            )
        )
    return rows


def _ends(score: Score) -> tuple[float | None, float | None, float | None]:
    return score.value, score.low, score.high
