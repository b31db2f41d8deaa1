"""Answers as they were given: the majority on each page, how far reviewers agree, how late and how old."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from titleshot.datasets.contracts.feedback import Agreement, Answers
from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.labels import FeedbackLabel, FeedbackVerdict


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


def agreement(feedback: Iterable[FeedbackLabel]) -> Agreement:
    """Krippendorff's alpha, nominal.

    1 − observed / expected disagreement, over pairs of answers on the same page, each page's pairs weighted
    by 1 / (answers − 1). Undefined where no page has two answers, or all answers are one and the same.

    Source: Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability", section C.
    """
    by_page: dict[str, list[str]] = defaultdict(list)
    for said in latest(feedback):
        by_page[said.page_id].append(said.verdict)
    units = [Counter(verdicts) for verdicts in by_page.values() if len(verdicts) > 1]
    total = sum(map(Counter.total, units))
    if not units:
        return Agreement(pages=0, answers=0, reason="no page was judged by two reviewers")
    observed = sum(_pairs_apart(unit) / (unit.total() - 1) for unit in units) / total
    expected = _pairs_apart(sum(units, Counter())) / (total * (total - 1))
    if expected == 0:
        why = "all of them gave the same verdict, and agreement by chance cannot be told from it"
        return Agreement(pages=len(units), answers=total, reason=why)
    return Agreement(alpha=1 - observed / expected, pages=len(units), answers=total)


def _pairs_apart(counts: Counter[str]) -> int:
    """Ordered pairs of answers that differ."""
    return counts.total() ** 2 - sum(count * count for count in counts.values())


def about_answers(
    feedback: Iterable[FeedbackLabel], paged_at: Mapping[str, int], senders: Mapping[str, str], as_of: int
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
        agreement=agreement(used),
    )
