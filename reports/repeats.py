"""How repeated pages spread over incidents: the trains of pages that a mean hides."""

from __future__ import annotations

import numpy as np

from titleshot.reports.tally import Tally


def spread(tally: Tally) -> tuple[tuple[int, int], ...]:
    """(repeats, incidents that had so many), rising; duplicates_per_incident is its mean."""
    repeats, incidents = np.unique(tally.duplicates[tally.compared], return_counts=True)
    return tuple(zip(repeats.tolist(), incidents.tolist(), strict=True))


def paired_spread(champion: Tally, challenger: Tally) -> tuple[tuple[int, int, int], ...]:
    """(repeats, the champion's incidents, the challenger's), over the incidents both detected."""
    first, second = dict(spread(champion)), dict(spread(challenger))
    return tuple((k, first.get(k, 0), second.get(k, 0)) for k in sorted({*first, *second}))
