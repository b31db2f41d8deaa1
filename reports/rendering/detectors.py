"""By detector: its alerts taken as pages, what it watches, and what of the contender's pages rests on it."""

from __future__ import annotations

from dataclasses import dataclass

from titleshot.datasets.contracts.scores import Scorecard
from titleshot.reports.rendering.strips import ScoreRow, score_rows
from titleshot.reports.rendering.wording import listed, name, number

MOST_DETECTORS = 40


@dataclass(frozen=True)
class DetectorRows:
    """One detector of one contender."""

    detector: str
    watches: str
    said: str
    rows: tuple[ScoreRow, ...]


@dataclass(frozen=True)
class DetectorPanel:
    """All detectors of one contender; ``reason`` why there are none."""

    role: str
    detectors: tuple[DetectorRows, ...]
    left_out: int
    reason: str
    notes: tuple[str, ...]


def detectors_of(cards: tuple[Scorecard, ...], roles: tuple[str, ...]) -> list[DetectorPanel]:
    """One panel per contender; none in records that say nothing of detectors."""
    panels = []
    for card, role in zip(cards, roles, strict=True):
        if card.detectors is None:
            continue
        groups = card.by_group.get("detector", {})
        names = sorted(groups)
        made = []
        for detector in names[:MOST_DETECTORS]:
            watched = card.detectors.watched.get(detector)
            made.append(
                DetectorRows(
                    detector,
                    "" if watched is None else _watches(watched.selectors, watched.metrics),
                    ""
                    if watched is None
                    else f"{number(watched.alerts)} alerts, {number(watched.alerts_scored)} scored",
                    tuple(score_rows(groups[detector])),
                )
            )
        left = max(0, len(names) - MOST_DETECTORS)
        panels.append(
            DetectorPanel(role, tuple(made), left, card.detectors.reason or "", card.detectors.notes)
        )
    return panels


def _watches(selectors: tuple[str, ...], metrics: tuple[str, ...]) -> str:
    said = listed([name(one, 80) for one in selectors], 6)
    about = listed([name(one, 60) for one in metrics], 8)
    return "; ".join(part for part in (said, f"alerted on {about}" if about else "") if part)
