"""An imported page history beside a contender: it was never replayed, and not all is known of it."""

from __future__ import annotations

from titleshot.datasets.contracts.comparisons import Comparison
from titleshot.datasets.contracts.scores import Identity, Scorecard
from titleshot.reports.baselines import MEANING
from titleshot.reports.rendering.wording import counted, day, name, number


def is_history(identity: Identity) -> bool:
    """Whether the pages are an imported history: of a tool that has no recipe here and was never replayed."""
    return identity.pages_digest is not None


def caveats(card: Scorecard) -> list[str]:
    """What must be known before a number of an imported history is believed; none of a contender's."""
    return [note for note in card.notes if note != MEANING] if is_history(card.identity) else []


def share_routes(comparison: Comparison) -> bool:
    """False where a history names its routes by other words than the challenger, so that no two are one."""
    ours, theirs = (
        {page.route for page in card.pages} for card in (comparison.champion, comparison.challenger)
    )
    return not (is_history(comparison.champion.identity) and ours and theirs and ours.isdisjoint(theirs))


def both_ran(comparison: Comparison) -> str:
    """Over how much the two are compared, and how each came to its pages."""
    weeks = f"{number(round(comparison.weeks, 1))} weeks"
    incidents = counted(comparison.incidents_scored, "labelled incident")
    champion = comparison.champion.identity
    if is_history(champion):
        beside = f"beside what {name(champion.contender)} paged then"
        return f"The challenger was replayed over {weeks} with {incidents}, {beside}."
    return f"Replayed over {weeks} with {incidents}."


def it_ran(card: Scorecard) -> str:
    """Over which days a single card was scored, and how its pages came about."""
    how = "An imported page history" if is_history(card.identity) else "Replayed"
    return f"{how} from {day(card.settings.span_from)} to {day(card.settings.span_to)}."


def heading(card: Scorecard) -> str:
    """Of a page about one card."""
    paged = "paged" if is_history(card.identity) else "would have paged"
    return f"What {name(card.identity.contender)} {paged}"
