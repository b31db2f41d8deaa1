"""The registered detector families: one line each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from titleshot.datasets.contracts.record import broken
from titleshot.datasets.errors import UsageError
from titleshot.datasets.nearest import nearest
from titleshot.detectors.change_point import ChangePoint
from titleshot.detectors.detector import Detector
from titleshot.detectors.dspot import Dspot
from titleshot.detectors.ensemble import Ensemble
from titleshot.detectors.flatline import Flatline
from titleshot.detectors.lab import Lab
from titleshot.detectors.no_data import NoData
from titleshot.detectors.novelty import Novelty
from titleshot.detectors.prophet_forecast import ProphetForecast
from titleshot.detectors.robust_mad import RobustMad
from titleshot.detectors.rolling_z_score import RollingZScore
from titleshot.detectors.seasonal_baseline import SeasonalBaseline
from titleshot.detectors.time_of_day import TimeOfDay
from titleshot.detectors.value_novelty import ValueNovelty

FAMILIES: dict[str, type[Detector]] = {
    "change_point": ChangePoint,
    "dspot": Dspot,
    "ensemble": Ensemble,
    "flatline": Flatline,
    "no_data": NoData,
    "novelty": Novelty,
    "prophet_forecast": ProphetForecast,
    "robust_mad": RobustMad,
    "rolling_z_score": RollingZScore,
    "seasonal_baseline": SeasonalBaseline,
    "time_of_day": TimeOfDay,
    "value_novelty": ValueNovelty,
}


def detector_family(name: str) -> type[Detector]:
    """The class registered under a name.

    Raises:
        UsageError: no such family; names the nearest.
    """
    known: dict[str, type[Detector]] = {**FAMILIES, Lab.family: Lab}
    if name not in known:
        raise UsageError(f"unknown detector {name!r}{nearest(name, known)}")
    return known[name]


def make_detector(name: str, params: Mapping[str, Any] | None = None, where: str = "detector") -> Detector:
    """A detector of a family with checked parameters.

    Raises:
        UsageError: no such family.
        MalformedInput: parameters that break their contract; names ``where`` and every field.

    >>> make_detector("rolling_z_score", {"window": 30}).params.window
    30
    """
    family = detector_family(name)
    try:
        checked = family.Params.model_validate(dict(params or {}))
    except ValidationError as error:
        raise broken(error, f"{where} {name}", family.Params.model_fields) from None
    return family(checked)
