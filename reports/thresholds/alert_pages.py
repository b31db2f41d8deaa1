"""A detector taken alone: each of its alerts is a page about its service (SCORING 1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from titleshot.reports.assignment import Members, PageTable
from titleshot.reports.match_tables import scored_anywhere
from titleshot.reports.matching import Matched
from titleshot.reports.tally import Tally
from titleshot.reports.terms import Terms


class Alerts(NamedTuple):
    """Alerts in release order, as arrays of equal length; times in nanoseconds UTC."""

    codes: NDArray[np.int32]
    """Series."""
    timestamps: NDArray[np.int64]
    paged_at: NDArray[np.int64]
    """The engine's clock at which each was said; it never falls."""

    @classmethod
    def joined(cls, parts: Sequence[Alerts]) -> Alerts:
        """The rows of several, in the order given."""
        return cls(
            np.concatenate([np.empty(0, np.int32), *(part.codes for part in parts)]),
            np.concatenate([np.empty(0, np.int64), *(part.timestamps for part in parts)]),
            np.concatenate([np.empty(0, np.int64), *(part.paged_at for part in parts)]),
        )


def alert_tally(
    terms: Terms, base: Matched, services: Sequence[str], alerts: Alerts, *, renamed: bool
) -> Tally:
    """Alerts as pages, each closed at once, matched with the incidents of ``base`` and counted.

    All go to one route, so a repeat is a duplicate and never a fan-out, and whom a page woke is not known:
    scores by rotation mean nothing here. Pages of one instant are taken in release order.

    Args:
        services: of each series code, ``namespace/service``.
        renamed: some service has an alias, so names must be looked up at each instant.
    """
    n = len(alerts.codes)
    members = Members(np.arange(n), _named(terms, base, services, alerts, renamed))
    pages = PageTable(
        paged_at=alerts.paged_at,
        open_until=alerts.paged_at,
        active_until=alerts.timestamps,
        route=np.zeros(n, np.int64),
        scored=scored_anywhere(members, alerts.paged_at, terms.time, base.codes),
        services=members,
    )
    return terms.count(terms.rematched(pages, base), np.full(n, -1))


def _named(
    terms: Terms, base: Matched, services: Sequence[str], alerts: Alerts, renamed: bool
) -> NDArray[np.int64]:
    """The number of each alert's service, by the name it went by then."""
    if renamed:
        canonical = terms.reference.canonical
        pairs = zip(alerts.codes.tolist(), alerts.paged_at.tolist(), strict=True)
        return np.array([base.codes(canonical(services[code], at)) for code, at in pairs], np.int64)
    used = np.unique(alerts.codes)
    numbers = np.zeros(len(services), np.int64)
    numbers[used] = [base.codes(services[code]) for code in used.tolist()]
    return numbers[alerts.codes]
