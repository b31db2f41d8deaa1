"""Decisions another correlator changes, as rows of tables."""

from __future__ import annotations

from dataclasses import dataclass

from titleshot.datasets.contracts.correlator_changes import CorrelatorChange, RegroupedView, SparedPage
from titleshot.reports.rendering.marks import KINDS
from titleshot.reports.rendering.strips import ScoreRow, score_rows
from titleshot.reports.rendering.wording import clock, counted, listed, moment, name


@dataclass(frozen=True)
class RegroupedRow:
    """A candidate of one side and what the other made of it."""

    at: str
    what: str
    labelled: str
    pieces: tuple[str, ...]
    left_out: int


@dataclass(frozen=True)
class PageRow:
    """A page that was spared."""

    at: str
    what: str
    outcome: str


@dataclass(frozen=True)
class ChangePanel:
    """Everything another correlator changes."""

    champion: str
    challenger: str
    alerts: str
    saved: str
    spared: str
    caution: str
    outcomes: tuple[tuple[str, int, int], ...]
    shares: tuple[ScoreRow, ...]
    candidates: str
    pages: tuple[PageRow, ...]
    splits: tuple[RegroupedRow, ...]
    merges: tuple[RegroupedRow, ...]


def change_panel(change: CorrelatorChange | None) -> ChangePanel | None:
    """The panel; None where detectors differ, or nothing is known."""
    if change is None:
        return None
    return ChangePanel(
        name(change.champion, 60),
        name(change.challenger, 60),
        counted(change.alerts, "alert"),
        saved_words(change),
        f"{counted(change.pages_spared, 'page')} of the champion spared, {change.pages_added:,} added",
        paging_words(change),
        tuple((KINDS[kind][0], *pair) for kind, pair in change.pages_by_outcome.items()),
        tuple(score_rows((change.split, change.merged))),
        f"{change.incidents[0]:,} candidates became {change.incidents[1]:,}, {change.unchanged:,} as before",
        tuple(_page(page) for page in change.worst_pages),
        tuple(_regrouped(one) for one in change.worst_splits),
        tuple(_regrouped(one) for one in change.worst_merges),
    )


def saved_words(change: CorrelatorChange) -> str:
    """How many pages less, or more, in words."""
    saved = change.pages_saved
    what = f"{counted(abs(saved), 'page')} {'saved' if saved >= 0 else 'more'}"
    return f"{what}: {change.pages[0]:,} became {change.pages[1]:,}"


def paging_words(change: CorrelatorChange) -> str:
    """What else may be at work; empty where it is the correlator alone."""
    if change.same_paging:
        return ""
    if change.same_paging is None:
        return "a log does not hold its recipe, so the paging rules may differ too"
    return "the paging rules differ too, so pages are not the correlator's alone"


def page_words(page: SparedPage) -> str:
    """What became of a page that was spared."""
    if page.hit is None:
        return KINDS[page.outcome][0] if page.outcome in KINDS else page.outcome
    found = "found it too" if page.challenger_found_it else "missed it"
    return f"{page.outcome.replace('_', ' ')} of {name(page.hit, 40)}; the challenger {found}"


def _page(page: SparedPage) -> PageRow:
    services = listed([name(one, 48) for one in page.services], 3)
    return PageRow(moment(page.paged_at), f"{name(page.route, 40)}: {services}", page_words(page))


def _regrouped(one: RegroupedView) -> RegroupedRow:
    services = listed([name(service, 48) for service in one.services], 3)
    return RegroupedRow(
        moment(one.opened_at),
        f"{one.severity}, {counted(one.alerts, 'alert')}: {services}",
        listed([name(label, 32) for label in one.labelled], 4) or "none",
        tuple(
            f"{clock(piece.opened_at)}, {counted(piece.alerts, 'alert')}: "
            f"{listed([name(service, 40) for service in piece.services], 2)}"
            f" ({listed([name(label, 24) for label in piece.labelled], 2) or 'no labelled incident'})"
            for piece in one.pieces
        ),
        one.pieces_left_out,
    )
