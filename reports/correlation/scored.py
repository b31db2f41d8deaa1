"""What a log's incident candidates and hypotheses are worth, beside what knows nothing and what knows all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from titleshot.datasets.contracts.scores import CorrelationScores, Score
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.replay_log import ReplayLog
from titleshot.reports.correlation import baselines, hypothesis_rows
from titleshot.reports.correlation.account import Account
from titleshot.reports.correlation.confidence import Claims, abstention_curve, reliability
from titleshot.reports.correlation.definition import CorrelationScore, estimate, over_draws
from titleshot.reports.correlation.hypotheses import Naming
from titleshot.reports.correlation.partition import Partition
from titleshot.reports.correlation.quiet import QuietHours
from titleshot.reports.correlation.random_window import Windows
from titleshot.reports.correlation.registered import (
    CLAIMS,
    CUTS,
    GRADED,
    NAMINGS,
    OPENINGS,
    QUIET,
    WINDOWS,
)
from titleshot.reports.correlation.severity import Graded
from titleshot.reports.correlation.time_to_open import Openings
from titleshot.reports.terms import Terms

Subject = TypeVar("Subject")
_BESIDE = "a row to compare with; the contender's own has the interval"


def correlation_scores(
    log: ReplayLog,
    dataset: Dataset,
    *,
    as_of: int | None = None,
    detect_within_s: float | None = None,
    seed: int = 7,
    resamples: int = 2000,
    confidence: float = 0.95,
    span: tuple[int, int] | None = None,
) -> CorrelationScores:
    """Score the candidates of a log against the labels of the dataset it was replayed on.

    The options are those of :func:`titleshot.reports.scorecard.score_log`, whose scorecard has the same
    under ``correlation``.

    Raises:
        InvalidDataset: the log was replayed from other data.
        IntegrityError: an imported page history was changed since.
        UsageError: nothing to score in the span.
    """
    terms = Terms.of(
        dataset,
        [log],
        as_of=as_of,
        detect_within_s=detect_within_s,
        seed=seed,
        resamples=resamples,
        confidence=confidence,
        span=span,
    )
    terms.contestant(log)  # refuses a log of other data
    return correlation_of(terms, account_of(terms, log))


def account_of(terms: Terms, log: ReplayLog | None) -> Account | str:
    """What a log said of its candidates; the reason where it holds none by design."""
    reason = no_candidates(log)
    return Account.of(terms, log) if log is not None and reason is None else reason or ""


def subjects(account: Account) -> tuple[tuple[tuple[CorrelationScore[Any], ...], Any], ...]:
    """Every score, with what it is a score of, in the order they are shown."""
    return (
        (CUTS, account.partition),
        (OPENINGS, Openings.of(account)),
        (NAMINGS, Naming.of(account)),
        (CLAIMS, Claims.of(account)),
        (QUIET, QuietHours.of(account)),
        (GRADED, Graded.of(account)),
        (WINDOWS, Windows.of(account)),
    )


def correlation_of(
    terms: Terms, account: Account | str, confidences: Mapping[str, float] | None = None
) -> CorrelationScores:
    """The same under settled terms; empty with a reason where there are no candidates to score."""
    if isinstance(account, str):
        return CorrelationScores(reason=account)
    claims = Claims.of(account)
    needed, usual = confidences or {}, terms.settings.confidence
    scores = [
        estimate(score, subject, terms.resampling, needed.get(score.name, usual))
        for family, subject in subjects(account)
        for score in family
    ]
    rows = {
        "random_member": hypothesis_rows.random_member(account),
        "most_frequent_cause": hypothesis_rows.most_frequent_cause(account),
        "earliest_alert": hypothesis_rows.earliest_alert(account),
        "oracle": hypothesis_rows.oracle(account),
    }
    return CorrelationScores(
        scores=tuple(score for score in scores if score.better is not None),
        context=tuple(score for score in scores if score.better is None),
        baselines={name: _row(terms, CUTS, draws) for name, draws in _cuts(account).items()},
        hypothesis_baselines={name: _row(terms, NAMINGS, [naming]) for name, naming in rows.items()},
        abstention_curve=abstention_curve(claims),
        reliability=reliability(claims),
        notes=(*account.notes, baselines.MEANING, hypothesis_rows.MEANING),
    )


def no_candidates(log: ReplayLog | None) -> str | None:
    """Why a log holds no candidates by design; None where it may hold some."""
    if log is None:
        return "nothing pages yet: there are no candidates"
    if log.about.get("opaque"):
        return "an imported page history holds pages, not the events and candidates behind them"
    recipe = log.about.get("recipe")
    if isinstance(recipe, dict) and recipe.get("correlator", ...) is None:
        return "the contender has no correlator (correlator: null): it says events and nothing more"
    if not log.table("events").num_rows and not log.table("incidents").num_rows:
        return "the log holds neither events nor incident candidates"
    return None


def _cuts(account: Account) -> dict[str, list[Partition]]:
    partition, seed = account.partition, account.terms.settings.seed
    days = account.terms.exposure.block(account.times)
    draws = range(baselines.DRAWS)
    return {
        "truth": [baselines.truth(partition)],
        "singletons": [baselines.singletons(partition, days)],
        "one_giant": [baselines.one_giant(partition)],
        "shuffled": [baselines.shuffled(partition, seed, draw) for draw in draws],
        "random_windows": [baselines.random_windows(account, seed, draw) for draw in draws],
    }


def _row(
    terms: Terms, scores: Sequence[CorrelationScore[Subject]], draws: Sequence[Subject]
) -> tuple[Score, ...]:
    return tuple(over_draws(score, draws, terms.settings.confidence, _BESIDE) for score in scores)
