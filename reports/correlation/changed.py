"""Which decisions another correlator changes, where detectors said the same: pages, splits and merges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from titleshot.datasets.contracts.correlator_changes import (
    CorrelatorChange,
    PieceView,
    RegroupedView,
    SparedPage,
)
from titleshot.datasets.contracts.incidents import Page
from titleshot.datasets.contracts.record import SEVERITIES
from titleshot.datasets.contracts.scores import PageOutcome, Score, Scorecard
from titleshot.datasets.replay_log import ReplayLog
from titleshot.reports.correlation.same_alerts import ALONE, Grouped, SameAlerts
from titleshot.reports.day_shares import Days
from titleshot.reports.responder.label_hits import Labelled
from titleshot.reports.terms import Contestant, Terms

WORST, MOST_PIECES = 3, 8


def correlator_change(
    terms: Terms, sides: tuple[Contestant, Contestant], cards: Sequence[Scorecard]
) -> CorrelatorChange | None:
    """What the challenger's correlator changes; None unless both sides' alerts are the same.

    A split is worst where one labelled incident lies in most pieces, a merge where it holds most labelled
    incidents, a spared page where it had found an incident that the challenger then missed.
    """
    same = SameAlerts.of(sides[0].log, sides[1].log)
    if same is None:
        return None
    labelled = Labelled(terms).names(same.times, same.services)
    first, second = same.sides
    days = Days((terms.settings.span_from, terms.settings.span_to), terms.settings.confidence)
    splits = _regrouped(same, first, second, labelled)
    merges = _regrouped(same, second, first, labelled)
    spared, added = _unpaged(sides[0], first, sides[1], second), _unpaged(sides[1], second, sides[0], first)
    outcomes = [Counter(page.outcome for page in card.pages) for card in cards]
    return CorrelatorChange(
        champion=same.correlators[0],
        challenger=same.correlators[1],
        alerts=len(same.event_ids),
        same_paging=_same_paging(sides[0].log, sides[1].log),
        pages=(len(cards[0].pages), len(cards[1].pages)),
        pages_by_outcome={
            name: (outcomes[0][name], outcomes[1][name]) for name in sorted({*outcomes[0], *outcomes[1]})
        },
        pages_spared=len(spared),
        pages_added=len(added),
        incidents=(len(first.alerts), len(second.alerts)),
        unchanged=len(
            {frozenset(alerts) for alerts in first.alerts.values()}
            & {frozenset(alerts) for alerts in second.alerts.values()}
        ),
        split=_share(days, "split_ratio", first, splits, "candidates of the champion"),
        merged=_share(days, "merged_ratio", second, merges, "candidates of the challenger"),
        worst_pages=_worst_pages(spared, cards),
        worst_splits=_worst(splits, _torn),
        worst_merges=_worst(merges, _lumped),
    )


def _regrouped(
    same: SameAlerts, ours: Grouped, theirs: Grouped, labelled: Sequence[str | None]
) -> dict[int, RegroupedView]:
    """Candidates of ours whose alerts lie in several of theirs."""
    found = {}
    for group, alerts in ours.alerts.items():
        pieces = theirs.pieces(alerts)
        if len(pieces) < 2:
            continue
        candidate = ours.wholes[group].candidate
        parts = [_piece(same, theirs, theirs_of, mine, labelled) for (theirs_of, _), mine in pieces.items()]
        parts.sort(key=lambda part: (-part.alerts, part.opened_at, part.incident_id or ""))
        found[group] = RegroupedView(
            incident_id=candidate.incident_id,
            opened_at=candidate.opened_at,
            severity=candidate.severity,
            services=_distinct(same.services[alert] for alert in alerts),
            alerts=len(alerts),
            labelled=_distinct(name for alert in alerts if (name := labelled[alert])),
            pieces=tuple(parts),
        )
    return found


def _piece(
    same: SameAlerts, side: Grouped, group: int, mine: Sequence[int], labelled: Sequence[str | None]
) -> PieceView:
    candidate = None if group == ALONE else side.wholes[group].candidate
    return PieceView(
        incident_id=None if candidate is None else candidate.incident_id,
        opened_at=same.times[mine[0]] if candidate is None else candidate.opened_at,
        alerts=len(mine),
        services=_distinct(same.services[alert] for alert in mine),
        labelled=_distinct(name for alert in mine if (name := labelled[alert])),
    )


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names)))


def _torn(one: RegroupedView) -> int:
    """Most pieces that one labelled incident lies in."""
    return max(Counter(name for piece in one.pieces for name in piece.labelled).values(), default=0)


def _lumped(one: RegroupedView) -> int:
    """Labelled incidents put together."""
    return len(one.labelled)


def _worst(
    found: dict[int, RegroupedView], harm: Callable[[RegroupedView], int]
) -> tuple[RegroupedView, ...]:
    ordered = sorted(
        found.values(),
        key=lambda one: (-harm(one), -len(one.pieces), -one.alerts, one.opened_at, one.incident_id),
    )
    return tuple(
        one.model_copy(
            update={
                "pieces": one.pieces[:MOST_PIECES],
                "pieces_left_out": max(len(one.pieces) - MOST_PIECES, 0),
            }
        )
        for one in ordered[:WORST]
    )


def _share(days: Days, name: str, side: Grouped, found: dict[int, RegroupedView], n_of: str) -> Score:
    moments = [side.wholes[group].candidate.opened_at for group in side.alerts]
    return days.share(name, moments, [group in found for group in side.alerts], n_of=n_of, better=None)


def _unpaged(ours: Contestant, our_groups: Grouped, theirs: Contestant, their_groups: Grouped) -> list[Page]:
    """Our pages about alerts of which they paged nobody."""
    paged = {their_groups.place.get(page.incident_id, ALONE) for page in theirs.matched.pages} - {ALONE}
    found = []
    for page in ours.matched.pages:
        alerts = our_groups.alerts.get(our_groups.place.get(page.incident_id, ALONE), [])
        if not any(their_groups.of_alert[alert] in paged for alert in alerts):
            found.append(page)
    return found


def _worst_pages(spared: Sequence[Page], cards: Sequence[Scorecard]) -> tuple[SparedPage, ...]:
    fates: dict[str, PageOutcome] = {page.page_id: page for page in cards[0].pages}
    detected = {one.incident_id for one in cards[1].incidents if one.outcome == "detected"}
    views = [
        SparedPage(
            page_id=page.page_id,
            paged_at=page.paged_at,
            route=page.route,
            severity=page.severity,
            services=page.services,
            outcome=fates[page.page_id].outcome,
            hit=fates[page.page_id].incident_id,
            challenger_found_it=None if (hit := fates[page.page_id].incident_id) is None else hit in detected,
        )
        for page in spared
    ]
    views.sort(
        key=lambda one: (
            not (one.outcome == "detection" and one.challenger_found_it is False),
            one.outcome != "detection",
            one.hit is None,
            -SEVERITIES.index(one.severity),
            one.paged_at,
            one.page_id,
        )
    )
    return tuple(views[:WORST])


def _same_paging(champion: ReplayLog | None, challenger: ReplayLog | None) -> bool | None:
    rules = [_paging(log) for log in (champion, challenger) if log is not None]
    return None if len(rules) < 2 or None in rules else rules[0] == rules[1]


def _paging(log: ReplayLog) -> Any:
    recipe = log.about.get("recipe")
    return recipe.get("paging") if isinstance(recipe, dict) else None
