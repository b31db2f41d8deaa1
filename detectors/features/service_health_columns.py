"""The columns of ``service_health``: names, order, units, ranges and meaning, under one version."""

from __future__ import annotations

import math
from typing import Final, Literal

from titleshot.detectors.features.feature_rows import Feature

Role = Literal["requests", "error_ratio", "latency", "saturation", "queue"]
ROLES: Final[tuple[Role, ...]] = ("requests", "error_ratio", "latency", "saturation", "queue")
VERSION: Final = "1.0"
"""Of the columns below. What was fitted on another version is refused."""
_ANY = math.inf

FEATURES: Final = (
    Feature("requests_5m", "1/s", 0, _ANY, "requests", "mean request rate of five minutes"),
    Feature(
        "requests_change", "log2", -64, 64, "requests", "requests of five minutes over those of the hour"
    ),
    Feature("traffic_percentile", "ratio", 0, 1, "requests", "share of the week's half hours with less"),
    Feature("error_ratio_5m", "ratio", 0, _ANY, "error_ratio", "mean error ratio of five minutes"),
    Feature("error_ratio_1h", "ratio", 0, _ANY, "error_ratio", "mean error ratio of the hour"),
    Feature("burn_rate_5m", "budgets", 0, _ANY, "error_ratio", "errors of five minutes over the budget"),
    Feature("burn_rate_1h", "budgets", 0, _ANY, "error_ratio", "errors of the hour over the budget"),
    Feature("latency_5m", "metric", -_ANY, _ANY, "latency", "mean latency of five minutes"),
    Feature("latency_change", "log2", -64, 64, "latency", "latency of five minutes over the day's"),
    Feature("saturation_5m", "metric", -_ANY, _ANY, "saturation", "mean saturation of five minutes"),
    Feature("saturation_change", "log2", -64, 64, "saturation", "saturation over the day's"),
    Feature("queue_change", "log2", -64, 64, "queue", "queue (plus one) over the day's"),
    Feature("callee_burn_rate", "budgets", 0, _ANY, None, "highest burn_rate_5m of services it calls"),
    Feature("callee_latency_change", "log2", -64, 64, None, "highest latency_change of services it calls"),
    Feature("caller_burn_rate", "budgets", 0, _ANY, None, "highest burn_rate_5m of services calling it"),
    Feature("recent_deploy", "flag", 0, 1, None, "1 where a version went out within recent_deploy_s"),
    Feature("planned_change", "flag", 0, 1, None, "1 within a canary, load test, sale or the like"),
    Feature("maintenance", "flag", 0, 1, None, "1 within a maintenance window"),
    Feature("hour", "h", 0, 24, None, "hour of the day on the clock shifted by utc_offset_s"),
    Feature("weekday", "days", 0, 6, None, "0 Monday to 6 Sunday on the same clock"),
)
NAMES: Final = tuple(feature.name for feature in FEATURES)
