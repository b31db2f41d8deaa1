"""A curve: points, exchanges with the settings beside the present one, and what the rules pick."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import log
from typing import NamedTuple

from titleshot.datasets.contracts.thresholds import (
    RULES,
    Rule,
    ThresholdChoice,
    ThresholdCurve,
    ThresholdPoint,
)
from titleshot.reports.tally import Tally
from titleshot.reports.terms import Terms
from titleshot.reports.thresholds.choices import pick
from titleshot.reports.thresholds.exchanges import exchange_of
from titleshot.reports.thresholds.points import point_of

_FAR = 1.5
"""Exchanges are told with the nearest settings, and with those nearest to 1 / 1.5 and 1.5 times."""


class Check(NamedTuple):
    """The scored span, which no rule sees: its terms, and the tally of a factor there."""

    terms: Terms
    tally: Callable[[float], Tally]


def curve_of(
    about: ThresholdCurve,
    terms: Terms,
    tallies: Mapping[float, Tally],
    check: Check | None,
    *,
    no_check: str | None = None,
    tuned: bool,
) -> ThresholdCurve:
    """``about`` with its points.

    Args:
        tallies: by factor, counted under ``terms``; factor 1 must be among them.
        check: None where there is no scored span apart from the one of ``terms``; ``no_check`` says why.
        tuned: ``terms`` are those of the tuning span; otherwise every choice is called oracle.
    """
    factors = sorted(tallies)
    points = [point_of(terms, tallies[factor], factor, about.threshold) for factor in factors]
    beside = _beside(factors)
    return about.model_copy(
        update={
            "points": tuple(points),
            "exchanges": tuple(
                exchange_of(terms, tallies[1.0], tallies[factor], factor, about.threshold)
                for factor in beside
            ),
            "choices": tuple(
                _choice(rule, points, about.threshold, check, no_check, tuned=tuned) for rule in RULES
            ),
        }
    )


def _beside(factors: Sequence[float]) -> list[float]:
    """The settings that exchanges are told with, rising.

    >>> _beside([0.4, 0.67, 0.9, 1.0, 1.1, 1.5, 2.0]), _beside([1.0, 1.2])
    ([0.67, 0.9, 1.1, 1.5], [1.2])
    """
    found = set()
    for side in ([f for f in factors if f < 1], [f for f in factors if f > 1]):
        if side:
            found |= {min(side, key=lambda f: abs(log(f))), min(side, key=_off)}
    return sorted(found)


def _off(factor: float) -> float:
    return abs(abs(log(factor)) - log(_FAR))


def _choice(
    rule: Rule,
    points: list[ThresholdPoint],
    threshold: float | None,
    check: Check | None,
    no_check: str | None,
    *,
    tuned: bool,
) -> ThresholdChoice:
    chosen_on = "tuning" if tuned else "oracle"
    found = pick(rule, points)
    if isinstance(found, str):
        return ThresholdChoice(rule=rule, chosen_on=chosen_on, reason=found)
    checked, why = None, no_check
    if found.factor == 1:
        why = "it is the present one"
    elif check is not None:
        checked = exchange_of(
            check.terms, check.tally(1.0), check.tally(found.factor), found.factor, threshold
        )
    return ThresholdChoice(
        rule=rule,
        chosen_on=chosen_on,
        factor=found.factor,
        threshold=found.threshold,
        check=checked,
        check_reason=None if checked else why,
    )
