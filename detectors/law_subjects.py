"""Naming what the laws are tried on: a contender, a registered family, or a class of one's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from titleshot.datasets.contracts.record import SeriesKey, broken
from titleshot.datasets.errors import UsageError
from titleshot.detectors.contender import Contender
from titleshot.detectors.correlators.correlator import Correlator
from titleshot.detectors.correlators.families import FAMILIES as CORRELATORS
from titleshot.detectors.detector import Detector
from titleshot.detectors.families import FAMILIES as DETECTORS
from titleshot.detectors.imported_class import imported_class
from titleshot.detectors.lab import Lab, manner_of
from titleshot.detectors.law_parts import ContenderPart, CorrelatorPart, DetectorPart, Part
from titleshot.detectors.law_rows import RowPart, row_keys, row_subject_of, row_subject_of_recipe
from titleshot.detectors.law_streams import plain_keys
from titleshot.detectors.row_detector import RowDetector
from titleshot.detectors.row_families import ROW_FAMILIES


@dataclass(frozen=True)
class Subject:
    """Something to try the laws on; another process makes it again from ``target`` and ``params``."""

    target: str
    params: Mapping[str, Any]
    keys: tuple[SeriesKey, ...]
    make: Callable[[Sequence[SeriesKey]], Part] = field(repr=False)

    def part(self) -> Part:
        """A fresh one for ``keys``."""
        return self.make(self.keys)


def subject_of(target: str, params: Mapping[str, Any] | None = None) -> Subject:
    """What a target names.

    Args:
        target: a contender (YAML file, fitted folder, shipped name), a registered family, or ``module:Class``
            (``path/to/file.py:Class`` too) of a Detector, RowDetector, Correlator or Part of your own, or of
            any class the family ``lab`` can ask: estimators of scikit-learn, PyOD and river, or one with
            ``score``.
        params: parameters of a family or class; the defaults where left out.

    Raises:
        UsageError: the target names nothing, or something the laws are not about.
        MalformedInput: parameters or recipe break their contract.
    """
    given = dict(params or {})
    registered: dict[str, type] = {**DETECTORS, **CORRELATORS, **ROW_FAMILIES}
    found = registered.get(target) or (imported_class(target) if ":" in target else None)
    if found is not None:
        return Subject(target, given, _keys(found), _maker(found, given, target))
    contender = Contender.load(target)
    recipe = contender.recipe
    if recipe.rows and not any(selector.detector for selector in recipe.detectors):
        of_rows = row_subject_of_recipe(recipe)
        return Subject(target, given, row_keys(recipe.features), lambda keys: RowPart(of_rows, keys))
    return Subject(target, given, _watched(contender), lambda keys: ContenderPart(contender, keys))


def _keys(found: type) -> tuple[SeriesKey, ...]:
    if issubclass(found, Part):
        return found.tried_on()
    return row_keys() if issubclass(found, RowDetector) else plain_keys()


def _maker(found: type, given: dict[str, Any], target: str) -> Callable[[Sequence[SeriesKey]], Part]:
    if issubclass(found, Part):
        return found
    if not issubclass(found, Detector | Correlator | RowDetector):
        try:
            manner_of(found)
        except UsageError as error:
            raise UsageError(
                f"{target} is no Detector, RowDetector, Correlator or Part, and {error}"
            ) from None
        found, given = Lab, {"target": target, **given}
    try:
        checked: Any = found.Params.model_validate(given)
    except ValidationError as error:
        raise broken(error, target, found.Params.model_fields) from None
    if issubclass(found, RowDetector):
        of_rows = row_subject_of(lambda: found(checked))
        return lambda keys: RowPart(of_rows, keys)
    if issubclass(found, Detector):
        return lambda keys: DetectorPart(found(checked), keys)
    return lambda keys: CorrelatorPart(found(checked), keys)


def _watched(contender: Contender) -> tuple[SeriesKey, ...]:
    """Keys that the recipe's selectors take, at least three."""
    metrics = [
        selector.match.metric_name.replace("*", "x").replace("?", "x")
        for selector in contender.recipe.detectors
        if selector.detector
    ]
    if not metrics:
        raise UsageError(
            f"contender {contender.name!r} has neither detectors nor feature rows; the laws are not about"
            " invariants alone: name a detector in detectors or rows"
        )
    keys = plain_keys((metrics * 3)[: max(3, len(metrics))])
    keys = tuple(key for key in keys if contender.recipe.watchers(key))
    if not keys:
        raise UsageError(
            f"contender {contender.name!r} watches no series the laws can make up; use globs in match"
        )
    return keys
