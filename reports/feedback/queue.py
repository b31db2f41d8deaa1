"""The review queue: the pages whose answer narrows the bracket of the paired difference fastest.

An answer settles its page and, by carrying, the unjudged pages of its story, of both contenders. A settled
page moves one limit inward: which one depends on the answer and on whose page it is, how far on how often
its day is drawn in the resamples that make that limit. A page is worth the sum of that over the pages it
settles, weighed by how often pages of the same matching result were judged useful. Pages are chosen one
after another, each worth what those before it leave to be settled.

Every third place is drawn at random among all unjudged pages instead, with its weight, so that what is known
does not come from chosen pages alone. The random ones are drawn first: their probability does not depend on
what is chosen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.feedback import Contender, QueuedPage, ReviewQueue
from titleshot.datasets.errors import UsageError
from titleshot.reports.assignment import RESULTS
from titleshot.reports.feedback.panel import CHALLENGER, CHAMPION, OTHER, Panel
from titleshot.reports.feedback.report import difference
from titleshot.reports.feedback.stories import Settled
from titleshot.reports.feedback.usefulness import differences, ends
from titleshot.reports.statistics import Summands

Float64 = NDArray[np.float64]
_EVERY = 3
"""One page in so many is random."""
_NEAR = 0.05
"""Share of the resamples, nearest to a limit, whose days say what moves it."""
_NAMES: tuple[Contender, Contender] = ("champion", "challenger")


def random_pages(n: int) -> int:
    """How many of ``n`` queued pages are random: any first part holds a third.

    >>> [random_pages(n) for n in (1, 2, 3, 20)]
    [0, 1, 1, 7]
    """
    return (n + 1) // _EVERY


def review_queue(panel: Panel, *, n: int, seed: int) -> ReviewQueue:
    """The ``n`` pages to ask about next; fewer where fewer are unjudged.

    Raises:
        UsageError: ``n`` below 1.
    """
    if n < 1:
        raise UsageError(f"n must be at least 1 page, got {n}")
    settled = panel.stories.settle(panel.judged)
    worth = _Worth.of(panel, settled)
    names = sorted(worth.reach)
    n = min(n, len(names))
    order = np.random.default_rng(seed).permutation(len(names))
    drawn = [names[at] for at in order[: random_pages(n)].tolist()]
    weight = len(names) / max(len(drawn), 1)
    chosen = iter(worth.best(n - len(drawn), drawn))
    by_chance = iter(drawn)
    pages = []
    open_rows = worth.open_rows()
    for place in range(1, n + 1):
        is_random = (place + 1) % _EVERY == 0
        name = next(by_chance if is_random else chosen)
        settles = worth.reach[name] & open_rows
        open_rows -= settles
        gain = worth.gain(settles)
        pages.append(_queued(panel, settled, name, settles, gain, weight if is_random else None))
    return ReviewQueue(
        labels_as_of=panel.terms.labels.as_of,
        seed=seed,
        unjudged=len(names),
        pages=tuple(pages),
        difference=difference(panel, settled),
    )


@dataclass(frozen=True)
class _Worth:
    """What an answer on each page that can be asked about would settle, and what that is worth."""

    reach: dict[str, frozenset[int]]
    """Rows settled, by page id."""
    by_row: Float64
    """Expected narrowing by each row, were it settled."""

    @classmethod
    def of(cls, panel: Panel, settled: Settled) -> _Worth:
        unsaid = panel.scored & np.array([verdict is None for verdict in settled.verdict], bool)
        untied = unsaid & np.array([standing == "unjudged" for standing in settled.standing], bool)
        reach: dict[str, frozenset[int]] = {}
        for row in np.flatnonzero(unsaid).tolist():
            name = panel.stories.rows[row].page.page_id
            same = [one for one in panel.stories.named[name] if unsaid[one]]
            story = [one for one in panel.stories.peers(row) if untied[one]]
            reach[name] = reach.get(name, frozenset()).union(same, story)
        return cls(reach, _by_row(panel, settled))

    def open_rows(self) -> set[int]:
        return set().union(*self.reach.values())

    def gain(self, rows: Iterable[int]) -> float:
        return float(sum(self.by_row[row] for row in sorted(rows)))

    def best(self, n: int, drawn: Sequence[str]) -> list[str]:
        """``n`` pages besides those drawn, each worth most after the drawn and those before it."""
        open_rows = self.open_rows()
        for name in drawn:
            open_rows -= self.reach[name]
        left = sorted(set(self.reach) - set(drawn))
        chosen = []
        for _ in range(n):
            best = max(left, key=lambda name: self.gain(self.reach[name] & open_rows))
            open_rows -= self.reach[best]
            left.remove(best)
            chosen.append(best)
        return chosen


def _by_row(panel: Panel, settled: Settled) -> Float64:
    useful = _likely_useful(panel, settled)
    first, second = panel.sums(settled)
    worst, best = ends(first, second)
    worth = np.zeros(len(panel.sender))
    # A page found useful lifts the lower end if the challenger sent it and pulls the upper one down if the
    # champion did; one found noisy the other way round.
    for side, if_useful, if_noisy in ((CHALLENGER, worst, best), (CHAMPION, best, worst)):
        rows = panel.sender == side
        up = _weights(panel, if_useful, if_useful is worst, side)[panel.block[rows]]
        down = _weights(panel, if_noisy, if_noisy is worst, side)[panel.block[rows]]
        worth[rows] = useful[rows] * up + (1 - useful[rows]) * down
    return worth


def _weights(panel: Panel, end: tuple[Summands, Summands], lower: bool, side: int) -> Float64:
    """By day: how far the limit of an end moves when one page of ``side`` on that day is settled."""
    pages = end[side].columns[:, 1]
    found = differences(*end, panel.terms.resampling)
    if isinstance(found, str) or len(found) < panel.terms.resampling.resamples:
        return np.full(len(pages), 1 / max(pages.sum(), 1))
    confidence = panel.terms.settings.confidence
    tail = (1 - confidence) / 2
    middle = (tail if lower else 1 - tail) * (len(found) - 1)
    near = max(1, round(_NEAR * len(found)))
    start = int(min(max(middle - near / 2, 0), len(found) - near))
    counts = panel.terms.resampling.counts[np.argsort(found, kind="stable")[start : start + near]]
    weights: Float64 = (counts / (counts @ pages)[:, None]).mean(axis=0)
    return weights


def _likely_useful(panel: Panel, settled: Settled) -> Float64:
    """How likely each row is useful, from judged pages of the same matching result, drawn to their mean."""
    result = np.array([told.result for told in panel.stories.rows], np.int64)
    known = np.array([verdict is not None for verdict in settled.verdict], bool)
    useful = np.array([verdict == "useful" for verdict in settled.verdict], bool)
    overall = (useful.sum() + 1) / (known.sum() + 2)
    size = len(RESULTS)
    share: Float64 = (np.bincount(result[useful], minlength=size) + 2 * overall) / (
        np.bincount(result[known], minlength=size) + 2
    )
    return share[result]


def _queued(
    panel: Panel, settled: Settled, name: str, settles: frozenset[int], gain: float, weight: float | None
) -> QueuedPage:
    rows = [row for row in panel.stories.named[name] if panel.sender[row] != OTHER]
    page = panel.stories.rows[rows[0]].page
    return QueuedPage(
        page_id=name,
        paged_at=page.paged_at,
        services=page.services,
        route=page.route,
        severity=page.severity,
        summary=page.summary,
        sent_by=tuple(_NAMES[panel.sender[row]] for row in rows),
        drawn="chosen" if weight is None else "random",
        why=_why(panel, settled, rows, settles, weight),
        settles=len(settles),
        narrows=gain,
        weight=1.0 if weight is None else weight,
    )


def _why(
    panel: Panel, settled: Settled, rows: Sequence[int], settles: frozenset[int], weight: float | None
) -> str:
    said = []
    if weight is not None:
        said.append(f"drawn at random, stands for {weight:.1f} pages")
    if any(settled.standing[row] == "tied" for row in rows):
        said.append("its reviewers are tied, one more answer may settle it")
    counts = [sum(panel.sender[row] == side for row in settles) for side in (CHAMPION, CHALLENGER)]
    if sum(counts) > 1:
        said.append(f"settles {counts[0]} pages of the champion and {counts[1]} of the challenger")
    tellers = {int(panel.sender[one]) for row in rows for one in (row, *panel.stories.peers(row))} - {OTHER}
    if len(tellers) == 1:
        said.append(f"only the {_NAMES[tellers.pop()]} told this story")
    elif not said:
        said.append("both told this story")
    return "; ".join(said)
