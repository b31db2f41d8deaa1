"""How far an answer on each page is expected to narrow the paired difference's bracket at its limits.

An answer settles its page and, by carrying, the unjudged pages of its story, of both contenders. It has two
outcomes. The story deserved a person: then each page is useful, late or repeated by its own timing. Or it did
not, and none of them was useful. The first is as likely as it was among judged pages of the same matching
result. A page found useful lifts the worse end of the difference if the challenger sent it and pulls the
better one down if the champion did, one that was not useful the other way round; and what is settled on a day
changes how much the days differ, which is the way from an end to its limit. Ends and limits here are those of
the delta method: days as they were, variance of a ratio of day sums, the bootstrap's widened quantile. It
chooses as well as replicates do, at a hundredth of their cost.

What is taken counts as settled from then on, each page at its expected answer.

Source of the variance: Cochran (1977), Sampling Techniques, section 6.4.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from titleshot.reports.assignment import RESULTS
from titleshot.reports.feedback.panel import CHALLENGER, CHAMPION, Panel
from titleshot.reports.feedback.stories import Settled
from titleshot.reports.statistics import FEWEST_BLOCKS

Float64 = NDArray[np.float64]
Rows = NDArray[np.int64]
_DESERVED = ("useful", "late", "duplicated")


class Outlook:
    """What answers that nobody gave yet would settle and narrow."""

    def __init__(self, panel: Panel, settled: Settled) -> None:
        self.reach = _reach(panel, settled)
        """Rows settled, by id of the page that is asked about."""
        self.names = sorted(self.reach)
        self._panel = panel
        self._open = np.zeros(len(panel.sender), bool)
        self._open[[row for rows in self.reach.values() for row in rows]] = True
        self._likely = _likely(panel, settled, self.names)
        sums = panel.sums(settled)
        self._pages = np.array([of.pages for of in sums])
        self._useful = np.array([of.useful for of in sums])
        self._unjudged = np.array([of.unjudged for of in sums])
        self._total = np.maximum(self._pages.sum(axis=1), 1)
        blocks = self._pages.shape[1]
        confidence = panel.terms.settings.confidence
        # Under so few days there are no limits to narrow, only ends.
        self._steps = (
            sqrt(blocks / (blocks - 1)) * float(stdtrit(blocks - 1, (1 + confidence) / 2))
            if blocks >= FEWEST_BLOCKS
            else 0.0
        )
        self._lay_out()

    def _lay_out(self) -> None:
        """A touch is one row that one page's answer would settle."""
        touches = [(at, row) for at, name in enumerate(self.names) for row in sorted(self.reach[name])]
        self._asked = np.array([at for at, _ in touches], np.int64)
        self._row = np.array([row for _, row in touches], np.int64)
        self._fine = np.array([self._useful_if_deserved(self.names[at], row) for at, row in touches], bool)
        self._side = self._panel.sender[self._row]
        self._day = self._panel.block[self._row]
        blocks = self._pages.shape[1]
        keys, self._cell = np.unique(self._asked * blocks + self._day, return_inverse=True)
        self._cell_asked, self._cell_day = keys // max(blocks, 1), keys % max(blocks, 1)

    def _useful_if_deserved(self, name: str, row: int) -> bool:
        stories = self._panel.stories
        asked = stories.named[name]
        if row in asked:
            return stories.if_deserved(row) == "useful"
        return stories.carried(row, asked[0], stories.if_deserved(asked[0])) == "useful"

    def settles(self, name: str) -> frozenset[int]:
        """Rows that an answer on the page would settle now."""
        return frozenset(row for row in self.reach[name] if self._open[row])

    def gains(self) -> Float64:
        """Expected narrowing by an answer now, in the order of ``names``."""
        live = self._open[self._row]
        worst = self._useful + np.outer([1, 0], [1]) * self._unjudged
        best = self._useful + np.outer([0, 1], [1]) * self._unjudged
        gain = np.zeros(len(self.names))
        for likely, fine in (
            (self._likely, self._fine),
            (1 - self._likely, np.zeros(len(self._fine), bool)),
        ):
            champion, challenger = self._side == CHAMPION, self._side == CHALLENGER
            lifts = np.where(live & fine & challenger, 1.0, 0.0) - np.where(live & ~fine & champion, 1.0, 0.0)
            sinks = np.where(live & fine & champion, 1.0, 0.0) - np.where(live & ~fine & challenger, 1.0, 0.0)
            gain += likely * (self._moved(worst, lifts, -1) - self._moved(best, sinks, 1))
        return gain

    def take(self, name: str) -> frozenset[int]:
        """Count an answer on the page as given; the rows it settles."""
        at = self.names.index(name)
        rows = self.settles(name)
        for touch in np.flatnonzero(self._asked == at).tolist():
            row = int(self._row[touch])
            if row in rows:
                place = self._side[touch], self._day[touch]
                self._unjudged[place] -= 1
                self._useful[place] += self._likely[at] * self._fine[touch]
        self._open[list(rows)] = False
        return rows

    def _moved(self, useful: Float64, change: Float64, sign: int) -> Float64:
        """How far the limit of an end moves up, by page.

        Args:
            useful: useful pages at this end, sides x days.
            change: what each touch adds to them.
            sign: −1 where the limit lies below its end, 1 above.
        """
        of, total, size = self._pages, self._total, len(self.names)
        ratio = useful.sum(axis=1) / total
        apart = (useful - ratio[:, None] * of) / total[:, None]
        days = apart[CHALLENGER] - apart[CHAMPION]
        signed = np.where(self._side == CHALLENGER, 1.0, -1.0) * change / total[self._side]
        cell = np.bincount(self._cell, signed, minlength=len(self._cell_asked))

        def by_page(values: NDArray[Any]) -> Float64:
            found: Float64 = np.bincount(self._cell_asked, values, minlength=size).astype(float)
            return found

        # By page, a day's change is its cell less what the moved ratios take from every day's pages.
        drops = [
            np.bincount(self._asked, np.where(self._side == side, signed, 0.0), minlength=size) / total[side]
            for side in (CHAMPION, CHALLENGER)
        ]
        cross = by_page(cell * days[self._cell_day])
        square = by_page(cell**2)
        for side, drop in enumerate(drops):
            cross = cross - drop * float(of[side] @ days)
            square = square - 2 * drop * by_page(cell * of[side][self._cell_day])
            for other, another in enumerate(drops):
                square = square + drop * another * float(of[side] @ of[other])
        # Where all is unjudged no day differs from another at an end, though they will: not less than what
        # answers vary at most.
        before = float(days @ days) + float((0.25 / total).sum())
        after = np.sqrt(np.maximum(before + 2 * cross + square, 0.0))
        moved: Float64 = by_page(cell) + sign * self._steps * (after - sqrt(before))
        return moved


def _reach(panel: Panel, settled: Settled) -> dict[str, frozenset[int]]:
    unsaid = panel.scored & np.array([verdict is None for verdict in settled.verdict], bool)
    untied = unsaid & np.array([standing == "unjudged" for standing in settled.standing], bool)
    reach: dict[str, frozenset[int]] = {}
    for row in np.flatnonzero(unsaid).tolist():
        name = panel.stories.rows[row].page.page_id
        same = [one for one in panel.stories.named[name] if unsaid[one]]
        story = [one for one in panel.stories.peers(row) if untied[one]]
        reach[name] = reach.get(name, frozenset()).union(same, story)
    return reach


def _likely(panel: Panel, settled: Settled, names: list[str]) -> Float64:
    """How likely the story of each page deserved a person, from judged pages of the same matching result.

    Shares of few are drawn to that of all by two pages' weight.
    """
    result = np.array([told.result for told in panel.stories.rows], np.int64)
    known = np.array([verdict is not None for verdict in settled.verdict], bool)
    deserved = np.array([verdict in _DESERVED for verdict in settled.verdict], bool)
    overall = (deserved.sum() + 1) / (known.sum() + 2)
    size = len(RESULTS)
    share = (np.bincount(result[deserved], minlength=size) + 2 * overall) / (
        np.bincount(result[known], minlength=size) + 2
    )
    by_row = share[result].tolist()
    named = panel.stories.named
    return np.array([sum(by_row[row] for row in named[name]) / len(named[name]) for name in names], float)
