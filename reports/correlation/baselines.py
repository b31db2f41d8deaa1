"""Cuts of the same alerts that know nothing, and the one that knows all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.instants import SECOND
from titleshot.reports.correlation.account import Account
from titleshot.reports.correlation.partition import Partition

Int64 = NDArray[np.int64]
DRAWS = 10
WINDOW_S = 300
MEANING = (
    "truth cuts the alerts as labelled and leaves noise alone: the most these alerts allow; singletons leave"
    " each alert in a candidate of its own; one_giant puts all in one; shuffled deals the contender's own"
    f" candidates out again at random; random_windows are as many windows of {WINDOW_S} s at random times"
    f" (means of {DRAWS} draws each)"
)


def truth(partition: Partition) -> Partition:
    """One candidate for each incident, noise in none."""
    return partition.cut_into(partition.truth, partition.incidents, partition.incident_block)


def singletons(partition: Partition, blocks: Int64) -> Partition:
    """Every alert a candidate; ``blocks`` are the days of the alerts."""
    return partition.cut_into(np.arange(len(partition.truth)), len(partition.truth), blocks)


def one_giant(partition: Partition) -> Partition:
    """All alerts in one candidate."""
    return partition.cut_into(np.zeros(len(partition.truth), np.int64), 1, np.zeros(1, np.int64))


def shuffled(partition: Partition, seed: int, draw: int) -> Partition:
    """The same candidates, as large as they are, with other alerts in them."""
    random = np.random.default_rng([seed, 11, draw])
    return partition.cut_into(random.permutation(partition.group), partition.groups, partition.group_block)


def random_windows(account: Account, seed: int, draw: int) -> Partition:
    """As many windows as there are candidates; an alert belongs to the first it lies in."""
    partition, time = account.partition, account.terms.time
    random = np.random.default_rng([seed, 12, draw])
    number = int(partition.held.sum())
    starts = np.sort(time.instants(None, random.random(number)))
    group = in_windows(account.times, starts)
    return partition.cut_into(group, number, account.terms.exposure.block(starts))


def in_windows(times: Int64, starts: Int64) -> Int64:
    """The first window [start, start + WINDOW_S) each time lies in; −1 for none. ``starts`` rise."""
    first = np.searchsorted(starts, times - WINDOW_S * SECOND, "right")
    inside = np.append(starts, np.iinfo(np.int64).max)[first] <= times
    return np.where(inside, first, -1)


def share_with_alert(times: Int64, start: int, end: int) -> float:
    """Share of windows of ``WINDOW_S`` within [start, end) that hold an alert; NaN where none fits."""
    room = end - start - WINDOW_S * SECOND
    if room <= 0:
        return float("nan")
    # A window from s holds a time t where t − WINDOW < s ≤ t: the length of the union of these.
    ordered = np.unique(times)
    lower = np.clip(ordered - WINDOW_S * SECOND, start, start + room)
    upper = np.clip(ordered, start, start + room)
    covered = np.maximum(upper - np.maximum(lower, np.append(start, upper[:-1])), 0).sum()
    return float(covered / room)
