"""Two contenders before the same reviewers: their pages, their stories, and sums by day for the brackets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from titleshot.reports.assignment import DETECTION, DUPLICATE, FALSE, FAN_OUT, UNMATCHED
from titleshot.reports.feedback.answers import Judgement, judgements
from titleshot.reports.feedback.stories import Settled, Stories
from titleshot.reports.feedback.usefulness import Judged
from titleshot.reports.matching import match
from titleshot.reports.terms import Contestant, Terms

SCORED = (DETECTION, DUPLICATE, FAN_OUT, FALSE, UNMATCHED)
"""Results of pages that usefulness is a share of: those of alarming precision."""
CHAMPION, CHALLENGER, OTHER = range(3)


@dataclass(frozen=True)
class Panel:
    """Rows are the champion's pages, then the challenger's, then those of other senders; see ``Stories``."""

    terms: Terms
    sides: tuple[Contestant, Contestant]
    stories: Stories
    sender: NDArray[np.int64]
    scored: NDArray[np.bool_]
    """Whether the page is one that usefulness is a share of. No page of another sender is."""
    block: NDArray[np.int64]
    judged: Mapping[str, Judgement]
    """What reviewers said, by page id."""

    @classmethod
    def of(cls, terms: Terms, champion: Contestant, challenger: Contestant) -> Panel:
        """``terms.labels`` hold the feedback, and the pages of other senders it speaks of."""
        own = {page.page_id for side in (champion, challenger) for page in side.matched.pages}
        others = {
            page.page_id: page
            for page in (*terms.labels.other_pages, *terms.labels.pages)
            if page.page_id not in own
        }
        beside = match(
            others.values(),
            terms.labels.incidents,
            rules=terms.rules,
            time=terms.time,
            reference=terms.reference,
        )
        stories = Stories([champion.matched, challenger.matched, beside], terms.settings.detect_within_s)
        sender = np.array([told.sender for told in stories.rows], np.int64)
        result = np.array([told.result for told in stories.rows], np.int64)
        block = np.zeros(len(sender), np.int64)
        for number, side in enumerate((champion, challenger)):
            block[sender == number] = side.tally.page_block
        return cls(
            terms,
            (champion, challenger),
            stories,
            sender,
            np.isin(result, SCORED) & (sender != OTHER),
            block,
            judgements(terms.labels.feedback),
        )

    def sums(self, settled: Settled) -> tuple[Judged, Judged]:
        """By day block, of champion and challenger."""
        useful = np.array([verdict == "useful" for verdict in settled.verdict], bool)
        unjudged = np.array([verdict is None for verdict in settled.verdict], bool)
        first, second = (
            Judged(*(self._by_block((self.sender == side) & mask) for mask in (True, useful, unjudged)))
            for side in (CHAMPION, CHALLENGER)
        )
        return first, second

    def _by_block(self, rows: NDArray[np.bool_]) -> NDArray[np.float64]:
        blocks = self.block[rows & self.scored]
        sums: NDArray[np.float64] = np.bincount(blocks, minlength=self.terms.resampling.blocks).astype(float)
        return sums
