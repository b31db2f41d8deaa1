"""What a policy asks, criterion by criterion, and what was found."""

from __future__ import annotations

import math
from dataclasses import dataclass

from titleshot.datasets.contracts.comparisons import Comparison
from titleshot.datasets.contracts.verdicts import CriterionOutcome, Verdict
from titleshot.reports.rendering.axes import around
from titleshot.reports.rendering.glossary import meaning
from titleshot.reports.rendering.strips import Strip, ends_of, limit_of
from titleshot.reports.rendering.wording import amount, change, interval


@dataclass(frozen=True)
class CriterionRow:
    """One criterion: what was asked, what was found."""

    title: str
    score: str
    asked: str
    found: str
    interval: str
    n: str
    outcome: str
    decisive: bool
    critical: bool
    group: str | None
    reason: str
    missing: str | None
    strip: Strip | None


def criterion_rows(comparison: Comparison | None, verdict: Verdict) -> list[CriterionRow]:
    """In the policy's order."""
    units = {} if comparison is None else {p.name: (p.unit, p.better) for p in comparison.pairs}
    if comparison is not None:
        for score in comparison.challenger.scores:
            units.setdefault(score.name, (score.unit, score.better))
    return [_criterion_row(c, *units.get(c.score, (_guess(c.score), None))) for c in verdict.criteria]


def _guess(score: str) -> str:
    for end, unit in (("_s", "s"), ("_ratio", "ratio"), ("_recall", "ratio"), ("_precision", "ratio")):
        if score.endswith(end):
            return unit
    return ""


def _criterion_row(criterion: CriterionOutcome, unit: str, better: str | None) -> CriterionRow:
    signed = criterion.kind != "ceiling"
    margin = abs(criterion.margin)
    size = (
        f"{amount(margin, unit)}" if unit != "ratio" or not signed else change(margin, unit).removeprefix("+")
    )
    asked = {
        "non_inferiority": (
            f"not shown to be worse by more than {size}"
            if criterion.group
            else f"not worse by {size} or more"
            if margin
            else "not worse"
        ),
        "superiority": f"better by more than {size}" if margin else "better",
        "ceiling": f"at {'least' if better == 'up' else 'most'} {amount(criterion.margin, unit)}",
    }[criterion.kind]
    say = change if signed else amount
    return CriterionRow(
        title=meaning(criterion.score).title,
        score=criterion.score,
        asked=asked,
        found=say(criterion.value, unit),
        interval=interval(criterion.low, criterion.high, unit, signed=signed),
        n=f"{criterion.n:,}",
        outcome=criterion.outcome,
        decisive=criterion.decisive,
        critical=criterion.critical,
        group=criterion.group,
        reason=criterion.reason,
        missing=criterion.missing,
        strip=_criterion_strip(criterion, unit, better),
    )


def _criterion_strip(criterion: CriterionOutcome, unit: str, better: str | None) -> Strip | None:
    if criterion.value is None or not math.isfinite(criterion.value):
        return None
    ceiling = criterion.kind == "ceiling"
    limit = criterion.margin if ceiling else limit_of(criterion, better)
    known = [v for v in (criterion.low, criterion.high, limit) if v is not None]
    axis = around([criterion.value, *known], flipped=better == "down" or (ceiling and better is None))
    low, high = ends_of(axis, criterion.low, criterion.high)
    return Strip(
        dot=axis.at(criterion.value),
        low=low,
        high=high,
        outer_low=None,
        outer_high=None,
        zero=None if ceiling else axis.at(0.0),
        limit=None if limit is None else axis.at(limit),
        left="worse",
        right="better",
        words=f"{criterion.outcome}: {interval(criterion.low, criterion.high, unit, signed=not ceiling)}",
    )
