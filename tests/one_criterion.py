"""Criteria that tests of the judge share, and policies that ask for nothing else."""

from __future__ import annotations

from titleshot.datasets.contracts.measured import Measured
from titleshot.registry.policy import Criterion, Policy

RECALL = Criterion(score="incident_recall", kind="non_inferiority", margin=0.05, critical=True)
PRECISION = Criterion(score="alarming_precision", kind="superiority")
FALSE_PAGES = Criterion(score="false_pages_per_week", kind="non_inferiority", margin=1, margin_ratio=0.1)
SHIFT = Criterion(score="pages_per_shift", kind="ceiling", margin=2.0)


def policy_of(*criteria: Criterion, **more: object) -> Policy:
    return Policy.model_validate({"name": "p", "criteria": criteria, "promote_equals": True, **more})


def ran(*, hours: float = 200.0, **more: object) -> Measured:
    """A challenger that ran in shadow."""
    common = {"contender": "challenger", "measured_from": 0, "measured_to": 0, "shadow_coverage": 1.0}
    return Measured.model_validate({**common, "shadow_hours": hours, **more})
