"""What feedback is summed up in, in words for readers; computed in ``report`` beside this file."""

from __future__ import annotations

from dataclasses import dataclass

from titleshot.datasets.contracts.scores import Direction


@dataclass(frozen=True, kw_only=True)
class FeedbackScore:
    """One score of what reviewers said. Its words; pages are sums by day as of every other score."""

    name: str
    unit: str
    better: Direction | None
    n_of: str
    question: str
    formula: str
    range: str
    misleads: str
    """When the number says less than it seems to."""
    source: str = "SCORING 5"


USEFULNESS = FeedbackScore(
    name="usefulness",
    unit="ratio",
    better="up",
    n_of="judged pages",
    question="Of all the times somebody was paged, how often did they call it useful?",
    formula=(
        "pages judged useful / judged pages, own verdicts and those carried over from the same story; the"
        " interval runs from the lower confidence limit with every unjudged page taken as noisy to the upper"
        " one with every unjudged page taken as useful, in a comparison each way for each side"
    ),
    range="0 to 1; 1 is best; null without a judged page",
    misleads=(
        "The value speaks of pages somebody cared to judge; only the interval speaks of all. late and"
        " duplicated pages are not useful, however right they were."
    ),
)
FEEDBACK_SCORES: tuple[FeedbackScore, ...] = (USEFULNESS,)
