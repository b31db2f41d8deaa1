"""A contender with all its thresholds moved together, replayed: the true second half, no estimate of it."""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from pathlib import Path

from pydantic import ValidationError

from titleshot.datasets.contracts.incidents import Page
from titleshot.datasets.contracts.instants import format_instant
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import IntegrityError, UsageError
from titleshot.datasets.replay_log import ReplayLog
from titleshot.detectors.contender import Contender
from titleshot.detectors.recipe import Recipe
from titleshot.pipelines.outcome import Progress
from titleshot.pipelines.replay import replay


def moved(contender: Contender, factor: float) -> Contender:
    """The same contender with every detector's threshold times ``factor``.

    What was fitted stays as it is: no family learns its threshold.

    A detector without a threshold stays as it is too.

    Raises:
        UsageError: a threshold may not be so high or so low.
    """
    recipe = contender.recipe.model_dump(mode="json")
    for selector in recipe["detectors"]:
        if selector["detector"] and "threshold" in selector["detector"]:
            selector["detector"]["threshold"] *= factor
    try:
        return Contender(Recipe.model_validate(recipe), contender.fitted)
    except ValidationError as error:
        raise UsageError(
            f"thresholds of {contender.name!r} times {factor:g}: {error.errors()[0]['msg']}; leave that"
            " factor out of --factors"
        ) from None


def alone(contender: Contender, places: Collection[int]) -> Contender:
    """The detectors of some selectors without the others, each alert a page of its own."""
    recipe = contender.recipe.model_dump(mode="json")
    for place, selector in enumerate(recipe["detectors"]):
        if place not in places:
            selector["detector"] = None
    recipe["rows"] = []
    recipe |= {"correlator": {"family": "every_alert"}, "paging": {"route": "on-call"}}
    return Contender(Recipe.model_validate(recipe), contender.fitted)


def pages_at(
    data: Dataset,
    contender: Contender,
    factor: float,
    *,
    from_: int | None,
    to: int | None,
    workers: int,
    progress: Progress,
) -> list[Page]:
    """What the contender pages with its thresholds times ``factor``, between two instants.

    The replay is made below the folder for temporary files and removed.
    """
    with tempfile.TemporaryDirectory(prefix="titleshot-thresholds-") as scratch:
        place = Path(scratch) / "log"
        return replay(
            data, moved(contender, factor), out=place, from_=from_, to=to, workers=workers, progress=progress
        ).pages()


def check_same(log: ReplayLog, replayed: list[Page], until: int) -> None:
    """Hold a replay at the present thresholds to the log, for pages sent before ``until``.

    Raises:
        IntegrityError: they differ, so the log was made by other code or from other fitted arrays.
    """

    def said(pages: list[Page]) -> dict[str, tuple[object, ...]]:
        return {
            page.page_id: (page.paged_at, page.route, page.severity, page.services, page.opened_at)
            for page in pages
            if not page.flushed and page.paged_at < until
        }

    ours, theirs = said(replayed), said(log.pages())
    if ours != theirs:
        apart = sum(ours.get(name) != theirs.get(name) for name in ours.keys() | theirs.keys())
        raise IntegrityError(
            f"{log.path}: replaying its contender until {format_instant(until)} gives {len(ours):,} pages,"
            f" the log holds {len(theirs):,}, and {apart:,} are not the same; it was made by other code or"
            " other fitted arrays: replay again with --scores"
        )
