"""Nights on call: whose sleep was broken, and whether there was anything to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.scores import PageOutcome
from titleshot.datasets.errors import UsageError

NEEDLESS = frozenset({"false", "unmatched", "duplicate"})
"""Pages that told nobody anything new. ``unmatched`` stands for false where labels are not complete."""


@dataclass(frozen=True)
class Night:
    """The hours people sleep: ``[start_h, end_h)`` by the clock of ``zone``, over midnight or not."""

    start_h: int = 22
    end_h: int = 6
    zone: str = "UTC"

    def __post_init__(self) -> None:
        for hour in (self.start_h, self.end_h):
            if not 0 <= hour <= 23:
                raise UsageError(f"night hour {hour} is not on the clock; write 0 to 23")
        if self.start_h == self.end_h:
            raise UsageError(
                f"a night from {self.start_h} to {self.end_h} has no hours; write two different hours"
            )
        self.clock_zone()

    def clock_zone(self) -> tzinfo:
        """The time zone; UsageError when this machine does not know it."""
        if self.zone == "UTC":
            return UTC
        try:
            return ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise UsageError(
                f"time zone {self.zone!r} is not known here; write one like Europe/Berlin, or UTC"
            ) from None

    def of(self, instant: int) -> int | None:
        """Day number (of its evening) of the night an instant falls in; None by day.

        >>> Night().of(23 * 3600 * SECOND), Night().of(29 * 3600 * SECOND), Night().of(12 * 3600 * SECOND)
        (719163, 719163, None)
        """
        when = datetime.fromtimestamp(instant // SECOND, UTC).astimezone(self.clock_zone())
        if self.start_h > self.end_h:
            if when.hour < self.end_h:
                when -= timedelta(days=1)
            elif when.hour < self.start_h:
                return None
        elif not self.start_h <= when.hour < self.end_h:
            return None
        return when.toordinal()

    def hours(self) -> str:
        """In words, for a footnote.

        >>> Night().hours()
        '22:00 to 06:00 UTC'
        """
        return f"{self.start_h:02d}:00 to {self.end_h:02d}:00 {self.zone}"


def broken_for_nothing(pages: Iterable[PageOutcome], night: Night, *, by_route: bool = True) -> int:
    """On-call nights (a route and a night) with pages, none of which was the first word of an incident.

    Args:
        by_route: False where two sides name their routes differently: then a night is everybody's.
    """
    heard: dict[tuple[str, int], bool] = {}
    for page in pages:
        when = night.of(page.paged_at)
        if when is None or page.outcome in {"unscored", "set_aside"}:
            continue
        key = (page.route if by_route else "", when)
        heard[key] = heard.get(key, True) and page.outcome in NEEDLESS
    return sum(heard.values())
