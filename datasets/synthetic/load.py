"""Demand over the week: how much each kind of service has to do, before noise.

Three rhythms, in UTC: shoppers (noon and evening, busier weekends), offices (working days from eight, quiet
weekends, a rush on Monday mornings) and jobs (nightly batch, a burst at each full hour). A service's load is
a mix of them by its role. Every 49 days one working day is a holiday and looks like a Sunday.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.instants import DAY, HOUR
from titleshot.datasets.synthetic.estate import Role

Floats = NDArray[np.float64]

# shares of shoppers, offices, jobs
MIX: Final[dict[Role, tuple[float, float, float]]] = {
    "gateway": (0.85, 0.15, 0.0),
    "api": (0.7, 0.25, 0.05),
    "worker": (0.15, 0.2, 0.65),
    "auth": (0.45, 0.55, 0.0),
    "database": (0.5, 0.25, 0.25),
    "cache": (0.8, 0.2, 0.0),
}
_MONDAY = 4 * 24  # 1970-01-01 was a Thursday
_FIRST_HOLIDAY, _HOLIDAY_EVERY = 25, 49


def rhythms(times: NDArray[np.int64], start: int) -> Floats:
    """Shoppers, offices and jobs at each time (ns), shape [3, times]; each has a weekly mean near 1.

    ``start`` (ns) is the first day of the platform, from which holidays are counted.

    >>> monday, sunday = 1767603600 * 10**9, 1767517200 * 10**9  # both at 9 in the morning
    >>> shoppers, offices, jobs = rhythms(np.array([monday, sunday]), monday)
    >>> bool(offices[0] > 5 * offices[1])
    True
    """
    hours = (times / HOUR - _MONDAY) % 168
    day, hour = hours // 24, hours % 24
    since = (times - start) // DAY
    holiday = (since >= _FIRST_HOLIDAY) & ((since - _FIRST_HOLIDAY) % _HOLIDAY_EVERY == 0)
    day = np.where(holiday, 6, day)
    monday, weekend = day == 0, day >= 5
    work = 0.22 + 0.5 * _bump(hour, 12.5, 3.2) + 0.75 * _bump(hour, 20.3, 2.2)
    rest = 0.24 + 0.68 * _bump(hour, 14.0, 3.8) + 0.62 * _bump(hour, 20.3, 2.5)
    shoppers = np.where(weekend, rest, work) * (1 + 0.35 * monday * _bump(hour, 9.5, 1.3)) / 0.55
    open_ = _ramp((hour - 8.2) / 0.35) * _ramp((17.6 - hour) / 0.5) * (1 - 0.2 * _bump(hour, 12.5, 0.6))
    closed = 0.12 + 0.06 * _bump(hour, 13.0, 4.0)
    offices = np.where(weekend, closed, 0.12 + open_ + 0.7 * monday * _bump(hour, 9.2, 0.9)) / 0.39
    jobs = 0.35 + 0.9 * _bump(hour, 2.0, 0.7) + 0.25 * (hour % 1 < 1 / 12)
    jobs = (jobs + 0.8 * (day == 6) * _bump(hour, 5.0, 0.6)) / 0.48
    return np.stack([shoppers, offices, jobs])


def _bump(hour: Floats, at: float, width: float) -> Floats:
    """A bell around ``at`` o'clock; midnight is no edge."""
    away = np.abs(hour - at)
    return np.asarray(np.exp(-0.5 * (np.minimum(away, 24 - away) / width) ** 2))


def _ramp(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-x)))
