"""The review queue: the pages whose answer narrows the bracket of the paired difference fastest.

Pages are chosen one after another, each the one whose answer is expected to narrow most after those before it
(``narrowing`` beside this file).

Every third place is drawn at random among all unjudged pages instead, so that what is known does not come
from chosen pages alone. The chance of being drawn grows with what an answer is worth and is never 0; its
inverse is the page's weight, and weighted by it the random pages stand for all unjudged ones without bias.
They are drawn first: their chances do not depend on what is chosen.

Source of the weights: Horvitz and Thompson (1952), Journal of the American Statistical Association 47.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from titleshot.datasets.contracts.feedback import Contender, QueuedPage, ReviewQueue
from titleshot.datasets.errors import UsageError
from titleshot.reports.feedback.draws import inclusion, spread
from titleshot.reports.feedback.narrowing import Outlook
from titleshot.reports.feedback.panel import CHALLENGER, CHAMPION, OTHER, Panel
from titleshot.reports.feedback.report import difference
from titleshot.reports.feedback.stories import Settled

Float64 = NDArray[np.float64]
_EVERY = 3
"""One page in so many is random."""
_LEAST = 0.25
"""The smallest size of a page, as a share of their mean: no page weighs more than four times as much as it
would if all were as likely to be drawn."""
_LEANING = 1.5
"""Power of a page's worth that its size is. 1 makes what the random pages say of all sharpest, more lets them
narrow the bracket faster: at 1.5 half again as fast as if all were as likely, for a standard error a fifth
larger where both sides sent about as much, and much smaller where they did not."""
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
    outlook = Outlook(panel, settled)
    n = min(n, len(outlook.names))
    drawn = _drawn(outlook, random_pages(n), seed)
    by_chance = iter(drawn)
    chosen = iter(_chosen(Outlook(panel, settled), n - len(drawn), list(drawn)))
    pages = []
    for place in range(1, n + 1):
        is_random = (place + 1) % _EVERY == 0
        name = next(by_chance if is_random else chosen)
        gain = float(outlook.gains()[outlook.names.index(name)])
        settles = outlook.take(name)
        pages.append(_queued(panel, settled, name, settles, gain, drawn[name] if is_random else None))
    return ReviewQueue(
        labels_as_of=panel.terms.labels.as_of,
        seed=seed,
        unjudged=len(outlook.names),
        pages=tuple(pages),
        difference=difference(panel, settled),
    )


def _drawn(outlook: Outlook, n: int, seed: int) -> dict[str, float]:
    """The random pages and their weights, in the order to ask about them."""
    if n == 0:
        return {}
    worth = np.maximum(outlook.gains(), 0.0) ** _LEANING
    chance = inclusion(np.maximum(worth, _LEAST * worth.mean() or 1.0), n)
    places = spread(chance, _stories(outlook), np.random.default_rng(seed))
    return {outlook.names[place]: float(1 / chance[place]) for place in places}


def _chosen(outlook: Outlook, n: int, drawn: Sequence[str]) -> list[str]:
    """``n`` pages besides those drawn, each worth most after the drawn and those before it."""
    for name in drawn:
        outlook.take(name)
    left = np.ones(len(outlook.names), bool)
    left[[outlook.names.index(name) for name in drawn]] = False
    chosen = []
    for _ in range(n):
        best = int(np.argmax(np.where(left, outlook.gains(), -np.inf)))
        outlook.take(outlook.names[best])
        left[best] = False
        chosen.append(outlook.names[best])
    return chosen


def _stories(outlook: Outlook) -> list[list[int]]:
    """Places of pages that reach a common row, directly or by others between them."""
    touches = [(place, row) for place, name in enumerate(outlook.names) for row in outlook.reach[name]]
    places, rows = np.array(touches, np.int64).reshape(-1, 2).T
    pages = len(outlook.names)
    size = pages + int(rows.max(initial=-1)) + 1
    shared = coo_array((np.ones(len(rows), bool), (places, rows + pages)), shape=(size, size))
    _, of = connected_components(shared, directed=False)
    groups: dict[int, list[int]] = {}
    for place, group in enumerate(of[:pages].tolist()):
        groups.setdefault(group, []).append(place)
    return list(groups.values())


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
