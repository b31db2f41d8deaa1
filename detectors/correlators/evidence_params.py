"""Parameters of ``evidence_links``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from titleshot.detectors.correlators.correlator import CorrelatorParams
from titleshot.detectors.correlators.evidence_scores import Share, Weights


class EvidenceLinksParams(CorrelatorParams):
    """Parameters of ``evidence_links``."""

    gap_s: Annotated[float, Field(gt=0, le=86_400)] = 600.0
    """Silence after which a story draws nobody in."""
    reopen_s: Annotated[float, Field(ge=0, le=86_400)] = 600.0
    """How long after its gap a story wakes up again if an alert of it is repeated."""
    cap_s: Annotated[float, Field(gt=0, le=86_400)] = 14_400.0
    """No story lasts longer."""
    reset_s: Annotated[float, Field(gt=0, le=86_400 * 7)] = 86_400.0
    """Every story is cut at multiples of this, counted from 1970: so the past is forgotten for sure."""
    history_resets: Annotated[int, Field(ge=0, le=100)] = 7
    """How many stretches of ``reset_s`` teach what fails together and what recurs; 0: none."""
    half_life_s: Annotated[float, Field(gt=0)] = 3600.0
    """Evidence is worth half between alerts so far apart."""
    hops: Annotated[int, Field(ge=0, le=5)] = 3
    """Calls along which evidence is looked for."""
    through_callers: Annotated[int, Field(ge=1, le=1000)] = 50
    """No way of several calls leads through a service with more callers."""
    deploy_within_s: Annotated[float, Field(ge=0, le=86_400 * 30)] = 3600.0
    """A deploy counts as recent for this long."""
    sample_period_s: Annotated[float, Field(ge=0)] = 60.0
    """Onsets no further apart are not told apart."""
    abstain_below: Share = 0.02
    """No hypothesis is offered where even the first is less sure than this."""
    anchor_share: Annotated[float, Field(ge=0, le=1)] = 0.5
    """What the tie to the anchor counts; the rest is the tie to the nearest member."""
    link_from: Share = 0.45
    """A story takes an alert from this score."""
    weights: Weights = Weights()

    @model_validator(mode="after")
    def _within_reset(self) -> EvidenceLinksParams:
        if self.cap_s > self.reset_s:
            raise ValueError(f"cap_s must be at most reset_s ({self.reset_s:g}), got {self.cap_s:g}")
        if self.gap_s > self.cap_s:
            raise ValueError(f"gap_s must be at most cap_s ({self.cap_s:g}), got {self.gap_s:g}")
        return self
