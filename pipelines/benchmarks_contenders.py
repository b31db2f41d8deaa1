"""What ``benchmarks`` measures: every single-series family that needs no fit, as it ships, and contenders."""

from __future__ import annotations

from datetime import date
from typing import Any

from titleshot.detectors.contender import Contender
from titleshot.detectors.invariants import Invariant
from titleshot.detectors.recipe import Recipe, load_recipe

COOLDOWN_S = 3600.0
SHIPPED = ("general", "novelty", "by_signal", "baseline")
"""Shipped contenders, with their own correlators and paging rules, but with the same cooldown."""
FAMILIES = (
    "value_novelty",
    "robust_mad",
    "rolling_z_score",
    "time_of_day",
    "dspot",
    "ensemble",
    "change_point",
    "flatline",
    "no_data",
)
"""Families with their defaults, each alert a page."""
BARS = (0.7, 0.85, 1.0, 1.2, 1.5, 2.0)
"""Thresholds of ``novelty`` within ``general``, in units of the one it ships with."""
NEED_FIT = ("prophet_forecast", "seasonal_baseline")
"""Families left out: these sets have no healthy history before what is scored."""


def contenders() -> dict[str, Contender]:
    """By the name of a row; the one that the page is about first."""
    shipped = {name: _for_single_series(load_recipe(name)) for name in SHIPPED}
    return shipped | {name: _paging_each_alert(name, {"family": name}) for name in FAMILIES}


def at_other_bars() -> dict[str, Contender]:
    """``general`` with lone series held to each of ``BARS``, by the name of a row."""
    recipe = load_recipe("general")
    return {f"bar of {bar:g}": _for_single_series(_with_bar(recipe, bar)) for bar in BARS}


def _with_bar(recipe: Recipe, bar: float) -> Recipe:
    selectors = []
    for selector in recipe.detectors:
        spec = selector.detector
        if spec and spec["family"] == "novelty":
            spec = {**spec, "threshold": spec["threshold"] * bar}
        selectors.append(selector.model_copy(update={"detector": spec}))
    return recipe.model_copy(update={"detectors": tuple(selectors)})


def at_or_above(name: str, threshold: float) -> Contender:
    """Pages where the value, a score that somebody published, is at or above a threshold."""
    rule = Invariant(
        name="below-threshold",
        must=f"value < {threshold!r}",
        owner="benchmarks",
        expires=date(2200, 1, 1),
        reason="a published score at or above its published threshold",
    )
    return Contender(_recipe(name, invariants=(rule,)))


def _paging_each_alert(name: str, detector: dict[str, Any]) -> Contender:
    return Contender(_recipe(name, detectors=({"match": {}, "detector": detector},)))


def _recipe(name: str, **watching: Any) -> Recipe:
    return Recipe.model_validate(
        {
            "name": name,
            "lateness_s": 0,
            "correlator": {"family": "every_alert"},
            "paging": {"cooldown_s": COOLDOWN_S},
            **watching,
        }
    )


def _for_single_series(recipe: Recipe) -> Contender:
    # Nothing in these sets comes late; waiting for it would put pages behind incidents of a single row.
    paging = recipe.paging.model_copy(update={"cooldown_s": COOLDOWN_S})
    return Contender(recipe.model_copy(update={"lateness_s": 0.0, "paging": paging}))
