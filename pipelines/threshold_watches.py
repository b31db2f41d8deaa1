"""The detectors of a recipe, each with the series it watches and the threshold it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.record import SeriesKey, canonical_json
from titleshot.detectors.alert_policy import AlertPolicyParams
from titleshot.detectors.detector import BandParams
from titleshot.detectors.recipe import Match, Recipe, detector_of
from titleshot.detectors.row_families import row_detector_of


@dataclass(frozen=True)
class Watch:
    """One detector with its alert policy, and the series that selectors lead to it."""

    name: str
    """``family@digest``."""
    threshold: float | None
    """None where the family has no parameter of that name."""
    unit: str | None
    alert: AlertPolicyParams
    globs: tuple[str, ...]
    places: tuple[int, ...]
    """Of its selectors in the recipe."""
    codes: NDArray[np.int32]
    apart: bool
    """Dense scores of its series are its own: no other detector watches them, and it speaks at samples."""


def watches_of(recipe: Recipe, series: Sequence[SeriesKey]) -> list[Watch]:
    """The recipe's detectors in its order; selectors with equal detector and policy are one.

    Those over feature rows come last: what they were fitted to says how strange a row is, so they have no
    threshold to move, and dense scores are of samples.
    """
    watchers = [recipe.watchers(key) for key in series]
    places: dict[str, list[int]] = {}
    for place, selector in enumerate(recipe.detectors):
        if selector.detector:
            policy = selector.alert or recipe.alert
            same = canonical_json([selector.detector, policy.model_dump(mode="json")])
            places.setdefault(same, []).append(place)
    made = []
    for of in places.values():
        first = recipe.detectors[of[0]]
        detector = detector_of(first.detector or {})
        codes = [code for code, seen_by in enumerate(watchers) if not set(of).isdisjoint(seen_by)]
        made.append(
            Watch(
                name=detector.name,
                threshold=getattr(detector.params, "threshold", None),
                unit="deviations" if isinstance(detector.params, BandParams) else None,
                alert=first.alert or recipe.alert,
                globs=tuple(_glob(recipe.detectors[place].match, place) for place in of),
                places=tuple(of),
                codes=np.array(codes, np.int32),
                apart=not detector.hears_ticks and all(len(watchers[code]) == 1 for code in codes),
            )
        )
    made += [
        Watch(
            name=row_detector_of(selector.detector).name,
            threshold=None,
            unit=None,
            alert=selector.alert or recipe.alert,
            globs=(_glob(selector.match, 0),),
            places=(),
            codes=np.empty(0, np.int32),
            apart=False,
        )
        for selector in recipe.rows
    ]
    return made


def _glob(match: Match, place: int) -> str:
    parts = [
        f"{name}={glob}"
        for name, glob in (
            ("namespace", match.namespace),
            ("service", match.service),
            ("metric", match.metric_name),
            *sorted(match.labels.items()),
        )
        if glob != "*"
    ]
    return " ".join(parts) or ("every other series" if place else "every series")
