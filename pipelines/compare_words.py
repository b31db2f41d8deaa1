"""What ``compare`` says of a changed correlator, as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from titleshot.datasets.contracts.correlator_changes import CorrelatorChange, RegroupedView
from titleshot.datasets.contracts.instants import format_instant
from titleshot.datasets.contracts.scores import Score
from titleshot.reports.rendering.correlator_change import page_words, paging_words, saved_words
from titleshot.reports.rendering.wording import amount, counted, interval, listed, percent


def told_of_change(change: CorrelatorChange | None) -> list[str]:
    """The section; empty where detectors differ."""
    return [] if change is None else list(_lines(change))


def _lines(change: CorrelatorChange) -> Iterator[str]:
    yield (
        f"only the correlator differs ({change.challenger} for {change.champion}) on the same"
        f" {counted(change.alerts, 'alert')}: {saved_words(change)}"
    )
    yield (
        f"  {change.pages_spared:,} spared, {change.pages_added:,} added; {change.incidents[0]:,} candidates"
        f" became {change.incidents[1]:,}, {change.unchanged:,} are the same"
    )
    if caution := paging_words(change):
        yield f"  beware: {caution}"
    for page in change.worst_pages:
        services = listed(list(page.services), 3)
        yield f"  spared page {format_instant(page.paged_at)} {page.route} {services}: {page_words(page)}"
    yield from _regrouped("split", change.split, change.worst_splits)
    yield from _regrouped("merged", change.merged, change.worst_merges)


def _regrouped(what: str, share: Score, worst: tuple[RegroupedView, ...]) -> Iterator[str]:
    if share.value is None:
        yield f"  {what}: unknown, {share.reason}"
        return
    ends = f"{percent(share.confidence or 0)}: {interval(share.low, share.high, 'ratio')}"
    yield f"  {what}: {amount(share.value, 'ratio')} ({ends}) of {share.n:,} {share.n_of}"
    for one in worst:
        pieces = len(one.pieces) + one.pieces_left_out
        labels = listed(list(one.labelled), 3) or "no labelled incident"
        yield (
            f"    {format_instant(one.opened_at)} {one.incident_id[:12]} {counted(one.alerts, 'alert')},"
            f" {counted(pieces, 'candidate')} of the other side: {labels}"
        )
