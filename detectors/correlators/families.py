"""The registered correlator families: one line each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from titleshot.datasets.contracts.record import broken
from titleshot.datasets.errors import MalformedInput, UsageError
from titleshot.datasets.nearest import nearest
from titleshot.detectors.correlators.bucket import BucketCorrelator
from titleshot.detectors.correlators.correlator import Correlator
from titleshot.detectors.correlators.every_alert import EveryAlert
from titleshot.detectors.correlators.evidence_links import EvidenceLinks
from titleshot.detectors.correlators.label_groups import LabelGroups
from titleshot.detectors.correlators.service_sessions import ServiceSessions
from titleshot.detectors.correlators.time_sessions import TimeSessions
from titleshot.detectors.correlators.topology_sessions import TopologySessions

FAMILIES: dict[str, type[Correlator]] = {
    "bucket": BucketCorrelator,
    "evidence_links": EvidenceLinks,
    "every_alert": EveryAlert,
    "label_groups": LabelGroups,
    "service_sessions": ServiceSessions,
    "time_sessions": TimeSessions,
    "topology_sessions": TopologySessions,
}


def correlator_from(spec: Mapping[str, Any], where: str = "correlator") -> Correlator:
    """The correlator that ``{"family": …}`` and its parameters describe.

    Raises:
        UsageError: no such family; names the nearest.
        MalformedInput: no family named, or parameters that break their contract; names every field.

    >>> correlator_from({"family": "bucket", "bucket_s": 60}).memory_s
    60.0
    """
    if "family" not in spec:
        raise MalformedInput(f"{where}: family is missing; there are {', '.join(FAMILIES)}")
    family = str(spec["family"])
    if family not in FAMILIES:
        raise UsageError(f"unknown correlator {family!r}{nearest(family, FAMILIES)}")
    chosen = FAMILIES[family]
    try:
        params = chosen.Params.model_validate(
            {name: value for name, value in spec.items() if name != "family"}
        )
    except ValidationError as error:
        raise broken(error, f"{where} {family}", chosen.Params.model_fields) from None
    return chosen(params)
