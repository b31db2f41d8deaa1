"""How many pages somebody must judge before usefulness decides.

What is judged later is taken to be judged like what was judged before; the width that days add to the bracket
is taken to stay. Both are guesses, and said to be: answers are the only way to know.
"""

from __future__ import annotations

from math import floor

from titleshot.datasets.contracts.comparisons import Comparison, PairedScore
from titleshot.datasets.contracts.feedback import Coverage, FeedbackReport
from titleshot.datasets.contracts.scores import Score
from titleshot.registry.wording import count, percent

QUEUE = "titleshot feedback queue says which first"
START = 20
"""Answers to begin with where there are none: enough for a first bracket."""


def pages_of(comparison: Comparison) -> int:
    """Scored pages of the challenger."""
    if comparison.feedback is not None:
        return comparison.feedback.challenger.judged.pages
    return sum(page.outcome not in {"unscored", "set_aside"} for page in comparison.challenger.pages)


def to_begin_with(comparison: Comparison) -> str:
    """What to do where nobody has judged enough for a number."""
    pages = pages_of(comparison)
    if comparison.feedback is None and not pages:
        return f"answers on pages; {QUEUE}"
    first = count(min(START, pages) or START, "pages")
    return f"answers on {first} of the challenger's {pages:,} to begin with; {QUEUE}"


def pages_to_label(score: PairedScore | Score, comparison: Comparison, bound: float) -> str:
    """How many answers would let usefulness pass, or fail, at a bound; up is better."""
    report = comparison.feedback
    if report is None:
        return to_begin_with(comparison)
    paired = isinstance(score, PairedScore)
    sides = (report.champion.judged, report.challenger.judged) if paired else (report.challenger.judged,)
    share = _share_needed(score, report, bound)
    if share is None:
        return to_begin_with(comparison)
    if share > 1:
        return (
            "even an answer on every page, if they are like those so far, would leave it undecided; "
            "more days of pages are needed"
        )
    more = sum(_more(side, share) for side in sides)
    answers = count(max(more, 1), "pages")
    return (
        f"answers on about {answers} more ({percent(round(share, 2))} of each side's pages judged) would "
        f"decide it, if they are like those so far; {QUEUE}"
    )


def _share_needed(score: PairedScore | Score, report: FeedbackReport, bound: float) -> float | None:
    """Share of pages judged at which the worse end clears the bound, or the better end falls short of it."""
    if isinstance(score, PairedScore):
        value, ends = score.difference, report.difference
        # Of pages not judged, all of one side useful and none of the other's.
        slope_up, start_up, slope_down, start_down = 1 + (value or 0), -1.0, 1 - (value or 0), 1.0
    else:
        value, ends = score.value, report.challenger.bracket
        slope_up, start_up, slope_down, start_down = (value or 0), 0.0, 1 - (value or 0), 1.0
    if value is None or score.low is None or score.high is None or ends.low is None or ends.high is None:
        return None
    if value > bound:
        slack = max(0.0, ends.low - score.low)
        return (bound + slack - start_up) / slope_up if slope_up > 0 else 2.0
    slack = max(0.0, score.high - ends.high)
    return (start_down - bound + slack) / slope_down if slope_down > 0 else 2.0


def _more(side: Coverage, share: float) -> int:
    # One more than brings the limit to the bound: it must lie beyond it.
    return max(0, floor(round(share * side.pages, 9)) + 1 - side.own - side.carried)
