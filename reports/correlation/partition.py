"""Alerts cut in two ways: by the incident they belong to, and by the candidate they were put in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Bool = NDArray[np.bool_]
Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

Number = TypeVar("Number", bound=np.generic)
ALONE = -1
"""The candidate of an alert that was put in none."""
_DENSE = 4_000_000


class Cells(NamedTuple):
    """Where an incident and a candidate share alerts: which, and how many."""

    incident: Int64
    group: Int64
    n: Int64


@dataclass(frozen=True)
class Partition:
    """One row per alert that counts: both cuts, and the day blocks of incidents and candidates."""

    truth: Int64
    """0 … incidents − 1, or ``NOISE``."""
    group: Int64
    """0 … groups − 1, or ``ALONE``."""
    incidents: int
    """Labelled incidents that count, with alerts or without."""
    groups: int
    incident_block: Int64
    group_block: Int64
    blocks: int
    complete: bool = True
    """Labels are declared complete: a candidate that holds no incident is false."""
    among: Bool | None = None
    """The incidents that means are taken over; None: all. The others stay where they are: putting two
    incidents together is wrong whichever of them is asked about."""

    @cached_property
    def cells(self) -> Cells:
        """Alerts of incidents only. One left alone is a candidate of its own, numbered from ``groups``."""
        rows = np.flatnonzero(self.truth >= 0)
        truth, group = self.truth[rows], self.group[rows].copy()
        alone = np.flatnonzero(group < 0)
        wide = self.groups + len(alone)
        group[alone] = self.groups + np.arange(len(alone))
        keys = truth * max(wide, 1) + group
        if self.incidents * wide <= _DENSE:
            counts = np.bincount(keys, minlength=1)
            found = np.flatnonzero(counts)
            n = counts[found]
        else:
            found, n = np.unique(keys, return_counts=True)
        return Cells(found // max(wide, 1), found % max(wide, 1), n.astype(np.int64))

    @cached_property
    def incident_sizes(self) -> Int64:
        """Alerts of each incident."""
        return np.bincount(self.truth[self.truth >= 0], minlength=self.incidents)

    @cached_property
    def group_sizes(self) -> Int64:
        """Alerts in each candidate, noise and all; 1 for each alert of an incident that was left alone."""
        sizes = np.bincount(self.group[self.group >= 0], minlength=self.groups)
        alone = int(((self.truth >= 0) & (self.group < 0)).sum())
        return np.concatenate([sizes, np.ones(alone, np.int64)])

    @cached_property
    def seen(self) -> NDArray[np.bool_]:
        """Incidents asked about with any alert: the others are misses of the detector."""
        seen: Bool = self.asked(self.incident_sizes) > 0
        return seen

    @property
    def alerts(self) -> int:
        """Alerts of the incidents asked about."""
        return int(self.asked(self.incident_sizes).sum())

    @cached_property
    def held(self) -> NDArray[np.bool_]:
        """Candidates with any alert that counts."""
        held: NDArray[np.bool_] = self.group_sizes[: self.groups] > 0
        return held

    def per_incident(self, values: NDArray[np.generic]) -> Float64:
        """A value per incident, summed by day block."""
        return by_block(self.incident_block, self.asked(values), self.blocks)

    def asked(self, values: NDArray[Number]) -> NDArray[Number]:
        """Values per incident, 0 for those that are not asked about."""
        return values if self.among is None else values * self.among

    def only(self, among: Bool) -> Partition:
        """The same, asked about these incidents. What does not hang on them is not counted again."""
        asked = replace(self, among=among)
        for name in ("cells", "incident_sizes", "group_sizes", "held"):
            asked.__dict__[name] = getattr(self, name)
        return asked

    def per_group(self, values: NDArray[np.generic]) -> Float64:
        """A value per candidate, summed by day block."""
        return by_block(self.group_block, values, self.blocks)

    def cut_into(self, group: Int64, groups: int, group_block: Int64) -> Partition:
        """The same alerts and incidents under other candidates."""
        return Partition(
            self.truth,
            group,
            self.incidents,
            groups,
            self.incident_block,
            group_block,
            self.blocks,
            self.complete,
        )


def by_block(blocks_of: Int64, values: NDArray[np.generic], blocks: int) -> Float64:
    """Sums of a value per row over the day block of each row."""
    sums: Float64 = np.bincount(blocks_of, values.astype(float), minlength=blocks)[:blocks].astype(float)
    return sums
