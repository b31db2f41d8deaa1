"""How much ties two services to one story: named pieces of evidence, joined by noisy-or."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from titleshot.detectors.kin import Kin

Share = Annotated[float, Field(ge=0, lt=1)]


class Weights(BaseModel):
    """What each piece of evidence is worth at its strongest: the probability that it alone makes a link."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    same_service: Share = 0.95
    """Both alerts are about one service."""
    topology: Share = 0.8
    """One calls the other directly, and the one called has few callers."""
    hop_decay: Annotated[float, Field(gt=0, le=1)] = 0.6
    """Factor for each further call between them."""
    hub_callers: Annotated[float, Field(ge=1)] = 4.0
    """Callers a service may have before a call to it says less."""
    owner: Share = 0.15
    """One team owns both."""
    change: Share = 0.3
    """Both were deployed lately, both are in a planned change of one kind, or one was and they are kin."""
    text: Share = 0.4
    """Their log and platform events read alike, or one names the other."""
    history: Share = 0.6
    """They were in one incident every time, often."""
    time: Share = 0.1
    """Nothing but that they came at the same time."""


def noisy_or(evidence: Mapping[str, float]) -> float:
    """Probability that at least one piece of evidence makes the link, each on its own.

    >>> round(noisy_or({"owner": 0.5, "text": 0.5}), 3)
    0.75
    """
    missed = 1.0
    for share in evidence.values():
        missed *= 1.0 - share
    return 1.0 - missed


def shares(evidence: Mapping[str, float]) -> dict[str, float]:
    """The noisy-or divided among its evidence, by how much each adds in logarithms; adds up to it.

    >>> {name: round(share, 3) for name, share in shares({"owner": 0.5, "text": 0.5}).items()}
    {'owner': 0.375, 'text': 0.375}
    """
    losses = {name: -math.log1p(-share) for name, share in evidence.items() if share > 0}
    whole = math.fsum(losses.values())
    score = -math.expm1(-whole)
    return {name: score * loss / whole for name, loss in losses.items()}


def decay(apart_s: float, half_life_s: float) -> float:
    """1 at the same time, half of it after ``half_life_s``, in either direction.

    >>> decay(-600.0, 600.0)
    0.5
    """
    return float(2.0 ** (-abs(apart_s) / half_life_s))


def kinship(kin: Kin, weights: Weights) -> float:
    """What the call graph says: decays with each call, and with how many callers share what was called.

    >>> kinship(Kin("callee", 1, 2), Weights()), round(kinship(Kin("sibling", 2, 16), Weights()), 3)
    (0.8, 0.24)
    """
    hub = 1.0 + 0.5 * max(math.log2(kin.widest / weights.hub_callers), 0.0) if kin.widest else 1.0
    return weights.topology * float(weights.hop_decay ** (kin.hops - 1)) / hub
