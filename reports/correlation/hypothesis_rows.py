"""What naming without knowledge earns on the same candidates, and the most that can be earned.

Each row names something only where the log has a candidate: a hypothesis needs one to stand in.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from titleshot.reports.correlation.account import NONE, Account
from titleshot.reports.correlation.hypotheses import Naming, rank_of

MEANING = (
    "random_member names the services of the candidate in random order (its mean); most_frequent_cause the"
    " roots of the other labelled incidents by frequency, which nobody knows beforehand; earliest_alert the"
    " services in the order of their first alerts; oracle the root wherever the candidate has an alert of it"
)


def members(account: Account) -> list[list[str]]:
    """Services with an alert in each incident's main candidate, in the order of their first alerts."""
    group = account.partition.group
    order = np.lexsort((account.services, account.times, group))
    edges = np.searchsorted(group[order], np.arange(account.partition.groups + 1))
    found = []
    for candidate in account.main.tolist():
        rows = order[edges[candidate] : edges[candidate + 1]] if candidate != NONE else order[:0]
        codes = dict.fromkeys(account.services[rows].tolist())
        found.append([account.names[code] for code in codes])
    return found


def random_member(account: Account) -> Naming:
    """The mean of every order of a candidate's services: k / m within the first k of m."""
    inside = [
        (len(named), root in named) for root, named in zip(account.roots, members(account), strict=True)
    ]

    def mean(within: int) -> NDArray[np.float64]:
        return np.array([min(within, m) / m if has else 0.0 for m, has in inside], float)

    harmonic = [sum(1 / rank for rank in range(1, m + 1)) / m if has else 0.0 for m, has in inside]
    return Naming.earning(account, mean(1), mean(3), np.array(harmonic, float))


def most_frequent_cause(account: Account) -> Naming:
    """The most frequent roots of the other incidents; an incident's own root does not count for itself."""
    names, of = np.unique(np.array(account.roots, object), return_inverse=True)
    counts = np.bincount(of, minlength=len(names))
    ranks = []
    for own, candidate in zip(of.tolist(), account.main.tolist(), strict=True):
        others = counts - (np.arange(len(names)) == own)
        # By frequency, then by name; a root nobody else has is not among them.
        above = (others > others[own]) | ((others == others[own]) & (np.arange(len(names)) < own))
        ranks.append(int(above.sum()) + 1 if candidate != NONE and others[own] > 0 else 0)
    return Naming.of_ranks(account, ranks)


def earliest_alert(account: Account) -> Naming:
    """Services in the order of their first alerts."""
    return Naming.of_ranks(
        account, [rank_of(root, named) for root, named in zip(account.roots, members(account), strict=True)]
    )


def oracle(account: Account) -> Naming:
    """The root itself, wherever it is among the services of the candidate."""
    return Naming.of_ranks(
        account, [int(root in named) for root, named in zip(account.roots, members(account), strict=True)]
    )
