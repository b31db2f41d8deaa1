"""What a contender says of ``service_health``: which metric plays which part, and the budget."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from titleshot.detectors.features.service_health_columns import VERSION, Role

_USUAL_NAMES: Final[dict[Role, str]] = {
    "requests": "*requests_per_second*",
    "error_ratio": "*error_ratio*",
    "latency": "*latency*",
    "saturation": "*cpu*",
    "queue": "*queue*",
}


class ServiceHealthParams(BaseModel):
    """Which metric of a service plays which part (globs on its name), and what its budget is."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    version: Literal["1.0"] = VERSION
    roles: dict[Role, str] = Field(default_factory=lambda: dict(_USUAL_NAMES))
    objective: Annotated[float, Field(gt=0, lt=1)] = 0.999
    """Share of requests that must succeed; the error budget is the rest."""
    recent_deploy_s: Annotated[float, Field(ge=0, le=604_800)] = 3600
    utc_offset_s: Annotated[float, Field(ge=-86_400, le=86_400)] = 0
    least_half_hours: Annotated[int, Field(ge=2, le=336)] = 48
    """Half hours of traffic before a percentile is given."""
