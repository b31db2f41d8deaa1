"""Feedback and a review queue for a pretended comparison, as ``compare`` keeps them."""

from __future__ import annotations

from titleshot.datasets.contracts.comparisons import Comparison
from titleshot.datasets.contracts.feedback import (
    Agreement,
    Answers,
    Bracket,
    Coverage,
    FeedbackReport,
    QueuedPage,
    ReviewQueue,
    Usefulness,
)
from titleshot.datasets.contracts.scores import PageOutcome

DIFFERENCE = Bracket(
    low=-0.41, high=0.52, low_limit=-0.466, high_limit=0.571, confidence=0.95,
    method="day-block bootstrap of each end, 120 days",
)  # fmt: skip


def judged(of: Comparison, *, feedback: bool = True) -> Comparison:
    """The comparison with twenty queued pages and, unless told otherwise, answers on a fifth of the pages."""
    report = _report(of) if feedback else None
    return of.model_copy(update={"feedback": report, "review": queue(of)})


def queue(of: Comparison, n: int = 20) -> ReviewQueue:
    """Pages of both sides in turn, every third drawn at random."""
    sides = {"champion": of.champion.pages, "challenger": of.challenger.pages}
    pages = []
    telling = [name for name, sent in sides.items() if sent]
    for place in range(n if telling else 0):
        sender = telling[place % len(telling)]
        at_random = (place + 2) % 3 == 0
        pages.append(
            _queued(sides[sender][17 * place % len(sides[sender])], sender, place, at_random=at_random)
        )
    return ReviewQueue(
        labels_as_of=of.champion.identity.labels_as_of,
        seed=7,
        unjudged=sum(len(side) for side in sides.values()) * 4 // 5,
        pages=tuple(pages),
        difference=DIFFERENCE,
    )


def _queued(page: PageOutcome, sender: str, place: int, *, at_random: bool) -> QueuedPage:
    return QueuedPage(
        page_id=page.page_id,
        paged_at=page.paged_at,
        services=page.services,
        route=page.route,
        severity=page.severity,
        sent_by=(sender,),  # type: ignore[arg-type]
        drawn="random" if at_random else "chosen",
        why="drawn at random, stands for 178.9 pages"
        if at_random
        else "settles 3 pages of the champion and 2 of the challenger",
        settles=1 if at_random else 5,
        narrows=0.0008 if at_random else 0.0145 / (place + 1),
        weight=178.9 if at_random else 1.0,
    )


def _report(of: Comparison) -> FeedbackReport:
    sides = [_usefulness(card.pages, value) for card, value in ((of.champion, 0.41), (of.challenger, 0.62))]
    return FeedbackReport(
        labels_as_of=of.champion.identity.labels_as_of,
        seed=7,
        resamples=2_000,
        blocks=of.blocks,
        champion=sides[0],
        challenger=sides[1],
        difference=DIFFERENCE,
        conflicts=2,
        answers=Answers(
            answers=212,
            pages=188,
            unknown_pages=3,
            by_reviewer={"ada": 120, "grace": 92},
            by_sender={"champion": 150, "challenger": 20, "both": 30, "other": 12},
            delay_p50_s=5_400.0,
            delay_p90_s=93_600.0,
            age_p50_s=3_888_000.0,
            newest_age_s=172_800.0,
            agreement=Agreement(alpha=0.637, pages=24, answers=48),
        ),
    )


def _usefulness(pages: tuple[PageOutcome, ...], value: float) -> Usefulness:
    def share(of: list[PageOutcome]) -> Coverage:
        return Coverage(pages=len(of), own=len(of) // 5, carried=len(of) // 12)

    def grouped(key: str) -> dict[str, Coverage]:
        names = sorted({str(getattr(page, key)) for page in pages})
        return {name: share([page for page in pages if getattr(page, key) == name]) for name in names}

    return Usefulness(
        judged=share(list(pages)),
        tied=1,
        value=value,
        low=value - 0.06,
        high=value + 0.06,
        method="day-block bootstrap, BCa, 120 days",
        bracket=Bracket(
            low=value * 0.3, high=0.7 + value * 0.3, low_limit=value * 0.25, high_limit=0.75 + value * 0.25,
            confidence=0.95, method="day-block bootstrap of each end, 120 days",
        ),
        causes=40,
        causes_named=29,
        by_team=grouped("route"),
        by_severity=grouped("severity"),
    )  # fmt: skip
