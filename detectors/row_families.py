"""The registered families over feature rows: one line each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from titleshot.datasets.contracts.record import broken
from titleshot.datasets.errors import UsageError
from titleshot.datasets.nearest import nearest
from titleshot.detectors.incident_classifier import IncidentClassifier
from titleshot.detectors.isolation_forest import IsolationForest
from titleshot.detectors.row_detector import RowDetector

ROW_FAMILIES: dict[str, type[RowDetector]] = {
    "incident_classifier": IncidentClassifier,
    "isolation_forest": IsolationForest,
}


def row_detector_of(spec: Mapping[str, Any]) -> RowDetector:
    """A fresh detector over feature rows from its part of a recipe.

    Raises:
        UsageError: no such family; names the nearest.
        MalformedInput: parameters that break their contract; names every field.

    >>> row_detector_of({"family": "isolation_forest", "trees": 50}).params.trees
    50
    """
    name = str(spec["family"])
    if name not in ROW_FAMILIES:
        raise UsageError(f"unknown detector over feature rows {name!r}{nearest(name, ROW_FAMILIES)}")
    family = ROW_FAMILIES[name]
    given = {key: value for key, value in spec.items() if key != "family"}
    try:
        return family(family.Params.model_validate(given))
    except ValidationError as error:
        raise broken(error, f"detector {name}", family.Params.model_fields) from None
