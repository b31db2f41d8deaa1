"""How samples came, for whoever imported them: repeats, steps back in time, cadence and gaps."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from titleshot.datasets.validation.profile import Profile

_SAME_CADENCE_RATIO = 0.01
_GAP_CADENCES = 1.5
_MOST_CADENCES = 20


@dataclass(frozen=True)
class ArrivalReport:
    """Counts over all samples of an import; repeats, steps back and usual steps are those of the profile."""

    rows: int
    series: int
    non_finite: int
    duplicates: int
    """Rows whose series and timestamp had come before."""
    out_of_order: int
    """Rows earlier than the row before them of the same series, as they arrived or stood in the source."""
    cadence_s: float | None
    """Seconds between samples that at least half of the series share; None where there is no such."""
    series_by_cadence_s: dict[str, int]
    """Series by their usual step, the twenty most common; those without one are ``irregular``."""
    gaps: int
    """Days of a series (longer periods where there are very many) with a step of more than 1.5 usual ones."""
    missing_samples: int
    """Samples that the usual steps would have brought and did not."""
    longest_gap_s: float


def arrival_report(profile: Profile) -> ArrivalReport:
    """What a reader of these samples should know."""
    days, series = profile.days, profile.series
    cadences = series["cadence_s"][series["rows"] > 1]
    usual = Counter(f"{cadence:g}" if cadence == cadence else "irregular" for cadence in cadences.tolist())
    wide = days["gap_cadences"] > _GAP_CADENCES
    return ArrivalReport(
        rows=profile.rows,
        series=int(np.count_nonzero(series["rows"])),
        non_finite=int(days["non_finite"].sum()),
        duplicates=int(days["repeated"].sum()),
        out_of_order=int(days["disordered"].sum()),
        cadence_s=_shared([cadence for cadence in cadences.tolist() if cadence == cadence]),
        series_by_cadence_s=dict(usual.most_common(_MOST_CADENCES)),
        gaps=int(np.count_nonzero(wide)),
        missing_samples=int(series["missing"].sum()),
        longest_gap_s=float(days["largest_gap_s"][wide].max(initial=0.0)),
    )


def _shared(cadences: list[float]) -> float | None:
    if not cadences:
        return None
    usual, _ = max(Counter(cadences).items(), key=lambda kv: (kv[1], -kv[0]))
    near = sum(abs(cadence - usual) <= _SAME_CADENCE_RATIO * usual for cadence in cadences)
    return usual if 2 * near >= len(cadences) else None
