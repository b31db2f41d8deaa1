"""The alert policy: which strange samples become alerts, and why the others are held."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import numpy as np
import numpy.typing as npt
from numba import njit
from pydantic import Field

from titleshot.datasets.contracts.instants import SECOND
from titleshot.detectors.detector import Arrays, Codes, DetectorParams, Flags, Floats, Instants
from titleshot.detectors.series_columns import Layout, SeriesColumns

NO_EVENT, ALERTED, HELD_MIN_LENGTH, HELD_COOLDOWN, HELD_MAINTENANCE = range(5)
POLICY_WORDS = ("", "alerted", "held_min_length", "held_cooldown", "held_maintenance")
"""``Policy`` of the event contract by code."""

_NEVER = int(np.iinfo(np.int64).min)
_STATE: Layout = {
    "run": (np.int32, (), 0),
    "calm": (np.int32, (), 0),
    "open": (np.int8, (), 0),
    "strange_at": (np.int64, (), _NEVER),
    "earned_at": (np.int64, (), _NEVER),
    "ended_at": (np.int64, (), _NEVER),
}
"""Per series: strange samples in a row; calm ones in a row; is an episode open; when was the last strange
sample, the last one that earned the episode by a full run, the last one of the episode before."""


class AlertPolicyParams(DetectorParams):
    """The defaults let every event through, outside maintenance."""

    min_length: Annotated[int, Field(ge=1, le=10_000)] = 1
    """Strange samples in a row (u >= 1) that open an episode."""
    clear_ratio: Annotated[float, Field(gt=0, le=1)] = 1.0
    """A sample is calm where u is below this, in units of the threshold."""
    clear_samples: Annotated[int, Field(ge=1, le=10_000)] = 1
    """Calm samples in a row that end an episode."""
    cooldown_s: Annotated[float, Field(ge=0, le=366 * 86_400)] = 0
    """How long after an episode's last strange sample the next episode is held."""
    forget_s: Annotated[float, Field(gt=0, le=366 * 86_400)] = 21_600
    """A run breaks over a gap longer than this, and an episode lives no longer on its last full run."""
    respect_maintenance: bool = True


class AlertPolicy:
    """Minimum length, hysteresis, cooldown and maintenance, one series at a time.

    ``min_length`` strange samples in a row open an **episode**; from then on each strange sample is an alert,
    until ``clear_samples`` calm ones in a row end it. Samples between ``clear_ratio`` and 1 neither count nor
    end anything except a run. An episode that begins within ``cooldown_s`` of the last strange sample of the
    one before is held until that time is over: a flapping series alerts once, a lasting fault still gets
    through. A strange sample in maintenance is held and ends run and episode. Unscored samples (NaN) change
    nothing.

    The order of reasons is maintenance, min_length, cooldown.

    Everything is forgotten after ``memory_s``: this is why an episode must be earned again by a full run
    within ``forget_s``, and why a cooldown counts from held episodes too. Cooldowns that count from alerts
    only never forget: whether the thousandth of a string of episodes alerts would hang on the first.

    >>> policy = AlertPolicy(AlertPolicyParams(min_length=2))
    >>> policy.grow(1)
    >>> minute, calm = 60 * SECOND * np.arange(4), np.zeros(4, bool)
    >>> codes = policy.fold(np.zeros(4, np.int32), minute, np.array([1.0, 1.5, 0.2, 3.0]), calm)
    >>> [POLICY_WORDS[code] for code in codes]
    ['held_min_length', 'alerted', '', 'held_min_length']
    """

    def __init__(self, params: AlertPolicyParams | None = None) -> None:
        self.params = AlertPolicyParams() if params is None else params
        self._columns = SeriesColumns(_STATE, "an alert policy")

    @property
    def memory_s(self) -> float:
        """Rows more than this many seconds older than a row cannot change its answer."""
        p = self.params
        return p.cooldown_s + (p.min_length * p.forget_s if p.min_length > 1 else 0)

    def grow(self, n: int) -> None:
        """Make state for the codes below n. What is there stays as it is; a smaller n does nothing."""
        self._columns.grow(n)

    def fold(
        self, codes: Codes, timestamps: Instants, strangeness: Floats, in_maintenance: Flags
    ) -> npt.NDArray[np.int8]:
        """One code per row: ``NO_EVENT``, ``ALERTED`` or one of ``HELD_…``. Rows in release order.

        ``in_maintenance`` is read only where u >= 1.
        """
        p, c = self.params, self._columns
        said = np.empty(len(codes), np.int8)
        _fold(
            codes, timestamps, strangeness, in_maintenance,
            c["run"], c["calm"], c["open"], c["strange_at"], c["earned_at"], c["ended_at"],
            p.min_length, p.clear_ratio, p.clear_samples,
            int(p.cooldown_s * SECOND), int(p.forget_s * SECOND), p.respect_maintenance, said,
        )  # fmt: skip
        return said

    def state(self) -> Arrays:
        """The state as arrays of one length: live ones, so write them out before the next fold."""
        return self._columns.state()

    def load(self, arrays: Mapping[str, npt.NDArray[np.generic]]) -> None:
        """Continue from what ``state`` gave; copies.

        Raises:
            MalformedInput: arrays of something else.
        """
        self._columns.load(arrays)


@njit(cache=True, nogil=True, error_model="numpy")
def _fold(  # type: ignore[no-untyped-def] # pragma: no cover
    codes, timestamps, strangeness, in_maintenance, run, calm, opened, strange_at, earned_at, ended_at,
    min_length, clear_ratio, clear_samples, cooldown, forget, respect_maintenance, said,
):  # fmt: skip
    for row in range(len(codes)):
        code = codes[row]
        u = strangeness[row]
        now = timestamps[row]
        said[row] = NO_EVENT
        if np.isnan(u):
            continue
        if opened[code] and now - earned_at[code] > forget:
            opened[code] = 0
            ended_at[code] = strange_at[code]
        if run[code] > 0 and now - strange_at[code] > forget:
            run[code] = 0
        if u >= 1.0 and respect_maintenance and in_maintenance[row]:
            if opened[code]:
                ended_at[code] = strange_at[code]
            opened[code] = 0
            run[code] = 0
            said[row] = HELD_MAINTENANCE
            continue
        if u >= 1.0:
            calm[code] = 0
            run[code] = min(run[code] + 1, min_length)
            strange_at[code] = now
            if run[code] == min_length:
                opened[code] = 1
                earned_at[code] = now
            if not opened[code]:
                said[row] = HELD_MIN_LENGTH
            elif ended_at[code] != _NEVER and now - ended_at[code] < cooldown:
                said[row] = HELD_COOLDOWN
            else:
                said[row] = ALERTED
            continue
        run[code] = 0
        calm[code] = calm[code] + 1 if u < clear_ratio else 0
        if opened[code] and calm[code] >= clear_samples:
            opened[code] = 0
            ended_at[code] = strange_at[code]
        calm[code] = min(calm[code], clear_samples)
