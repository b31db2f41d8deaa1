"""Answers as they were given: the majority on each page, how far reviewers agree, how late and how old."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.feedback import Agreement, Answers
from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.labels import FeedbackLabel, FeedbackVerdict
from titleshot.reports.statistics import FEWEST_BLOCKS, MOST_UNDEFINED, percentile_interval


@dataclass(frozen=True)
class Judgement:
    """What the reviewers of one page say together. ``verdict`` is None where they are tied."""

    verdict: FeedbackVerdict | None
    cause: str | None
    answers: int


def latest(feedback: Iterable[FeedbackLabel]) -> list[FeedbackLabel]:
    """The latest answer of each reviewer on each page: nobody counts twice. In any order."""
    found: dict[tuple[str, str], FeedbackLabel] = {}
    for said in sorted(feedback, key=lambda said: (said.labelled_at, said.feedback_id)):
        found[said.page_id, said.reviewer] = said
    return list(found.values())


def judgements(feedback: Iterable[FeedbackLabel]) -> dict[str, Judgement]:
    """By page: the verdict most reviewers gave, None where several have as many.

    The cause is the one most often named, by those who gave that verdict where any of them named one; of
    several the first by name.
    """
    by_page: dict[str, list[FeedbackLabel]] = defaultdict(list)
    for said in latest(feedback):
        by_page[said.page_id].append(said)
    return {page: _together(said) for page, said in by_page.items()}


def _together(said: Sequence[FeedbackLabel]) -> Judgement:
    counts = Counter(one.verdict for one in said)
    most = max(counts.values())
    first = [verdict for verdict, count in counts.items() if count == most]
    verdict = first[0] if len(first) == 1 else None
    named = [one.actual_service for one in said if one.actual_service and one.verdict == verdict]
    named = named or [one.actual_service for one in said if one.actual_service]
    causes = Counter(named)
    cause = min(causes, key=lambda name: (-causes[name], name), default=None)
    return Judgement(verdict, cause, len(said))


def agreement(
    feedback: Iterable[FeedbackLabel], *, confidence: float = 0.95, resamples: int = 2000, seed: int = 7
) -> Agreement:
    """Krippendorff's alpha, nominal, with an interval over pages.

    1 − observed / expected disagreement, over pairs of answers on the same page, each page's pairs weighted
    by 1 / (answers − 1). Undefined where no page has two answers, or all answers are one and the same. The
    interval draws whole pages with replacement; it is null under 20 pages.

    Source: Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability", section C. Interval: Zapf,
    Castell, Morawietz and Karch (2016), BMC Medical Research Methodology 16:93.
    """
    by_page: dict[str, list[str]] = defaultdict(list)
    for said in latest(feedback):
        by_page[said.page_id].append(said.verdict)
    units = [Counter(verdicts) for _, verdicts in sorted(by_page.items()) if len(verdicts) > 1]
    pages, answers = len(units), sum(map(Counter.total, units))
    if not units:
        return Agreement(pages=0, answers=0, reason="no page was judged by two reviewers")
    verdicts = sorted(set().union(*units))
    counts = np.array([[unit[verdict] for verdict in verdicts] for unit in units], float)
    alpha = float(_alpha(np.ones((1, pages)), counts)[0])
    if np.isnan(alpha):
        why = "all of them gave the same verdict, and agreement by chance cannot be told from it"
        return Agreement(pages=pages, answers=answers, reason=why)
    if pages < FEWEST_BLOCKS:
        why = f"{pages} pages with two answers; an interval over pages needs {FEWEST_BLOCKS}"
        return Agreement(alpha=alpha, pages=pages, answers=answers, reason=why)
    drawn = np.random.default_rng(seed).multinomial(pages, np.full(pages, 1 / pages), size=resamples)
    found = _alpha(drawn.astype(float), counts)
    found = found[~np.isnan(found)]
    if len(found) < (1 - MOST_UNDEFINED) * resamples:
        why = f"undefined in {1 - len(found) / resamples:.0%} of the resamples"
        return Agreement(alpha=alpha, pages=pages, answers=answers, reason=why)
    low, high = percentile_interval(found, confidence, pages)
    return Agreement(
        alpha=alpha,
        low=low,
        high=high,
        confidence=confidence,
        method=f"bootstrap of {pages} pages",
        pages=pages,
        answers=answers,
    )


def _alpha(drawn: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Alpha of each draw of pages (draws x pages) from answers by page and verdict; NaN where undefined."""
    size = counts.sum(axis=1)
    apart = size**2 - (counts**2).sum(axis=1)  # ordered pairs of answers that differ
    total, sums = drawn @ size, drawn @ counts
    observed = drawn @ (apart / (size - 1)) / total
    expected = (total**2 - (sums**2).sum(axis=1)) / (total * (total - 1))
    found: NDArray[np.float64] = 1 - observed / np.where(expected > 0, expected, np.nan)
    return found


def about_answers(
    feedback: Iterable[FeedbackLabel],
    paged_at: Mapping[str, int],
    senders: Mapping[str, str],
    as_of: int,
    confidence: float = 0.95,
) -> Answers:
    """Source, delay and age.

    Args:
        paged_at: when each known page was sent, nanoseconds UTC.
        senders: who sent it; pages left out were sent by ``other``.
    """
    said = latest(feedback)
    used = [one for one in said if one.page_id in paged_at]
    delays = [max(0, one.labelled_at - paged_at[one.page_id]) / SECOND for one in used]
    ages = [(as_of - one.labelled_at) / SECOND for one in used]
    return Answers(
        answers=len(used),
        pages=len({one.page_id for one in used}),
        unknown_pages=len(said) - len(used),
        by_reviewer=dict(sorted(Counter(one.reviewer for one in used).items())),
        by_sender=dict(sorted(Counter(senders.get(one.page_id, "other") for one in used).items())),
        delay_p50_s=float(np.quantile(delays, 0.5)) if delays else None,
        delay_p90_s=float(np.quantile(delays, 0.9)) if delays else None,
        age_p50_s=float(np.quantile(ages, 0.5)) if ages else None,
        newest_age_s=min(ages, default=None),
        agreement=agreement(used, confidence=confidence),
    )
