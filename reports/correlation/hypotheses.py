"""Was the service that started it named, over all incidents that happened: AC@1, AC@3 and MRR.

An incident without a candidate, or whose candidate names nothing, counts 0. Asked is the candidate with most
of the incident's alerts, and a service under any of its names is that service.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.scores import Direction
from titleshot.reports.correlation.account import NONE, Account
from titleshot.reports.correlation.definition import TOLD_BY, CorrelationScore
from titleshot.reports.correlation.partition import by_block
from titleshot.reports.scores.score import ratio
from titleshot.reports.statistics import Summands

Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class Naming:
    """What each incident earns, 0 to 1; of a guess at random, what it earns on average."""

    at_1: Float64
    at_3: Float64
    reciprocal: Float64
    found: NDArray[np.bool_]
    """Incidents that have a candidate at all."""
    incident_block: NDArray[np.int64]
    blocks: int

    @classmethod
    def of_ranks(cls, account: Account, ranks: Sequence[int]) -> Naming:
        """``ranks`` of the root, from 1; 0 where it was not named."""
        rank = np.array(ranks, np.int64)
        return cls.earning(
            account,
            (rank == 1).astype(float),
            ((rank >= 1) & (rank <= 3)).astype(float),
            np.where(rank > 0, 1.0 / np.maximum(rank, 1), 0.0),
        )

    @classmethod
    def earning(cls, account: Account, at_1: Float64, at_3: Float64, reciprocal: Float64) -> Naming:
        partition = account.partition
        found = account.main != NONE
        return cls(at_1, at_3, reciprocal, found, partition.incident_block, partition.blocks)

    def only(self, among: NDArray[np.bool_]) -> Naming:
        """Of these incidents."""
        return Naming(
            self.at_1[among],
            self.at_3[among],
            self.reciprocal[among],
            self.found[among],
            self.incident_block[among],
            self.blocks,
        )

    @classmethod
    def of(cls, account: Account) -> Naming:
        """What the log's own hypotheses earn."""
        return cls.of_ranks(
            account,
            [rank_of(root, said) for root, said in zip(account.roots, account.ranked, strict=True)],
        )


def rank_of(root: str, named: Sequence[str]) -> int:
    """The rank of the root among what was named, from 1; 0 where it was not."""
    return named.index(root) + 1 if root in named else 0


def _score(name: str, what: str, said: str, whole: bool) -> CorrelationScore[Naming]:
    """``whole``: over all incidents; else over those with a candidate only, as context."""

    def summands(naming: Naming) -> Summands:
        among = np.ones(len(naming.found), bool) if whole else naming.found
        earned = np.where(among, getattr(naming, what), 0.0)
        return ratio(
            by_block(naming.incident_block, earned, naming.blocks),
            by_block(naming.incident_block, among, naming.blocks),
        )

    better: Direction | None = "up" if whole else None
    among = "all labelled incidents" if whole else "labelled incidents with a candidate"
    return CorrelationScore(
        name=name,
        better=better,
        n_of="incidents" if whole else "incidents with a candidate",
        question=f"Of {among}, {said}",
        formula=(
            f"sum over {among} of "
            + ("1 / rank of the root" if what == "reciprocal" else f"[root within the first {what[-1]}]")
            + f" / {among}; not named counts 0"
        ),
        range="0 to 1; 1 is best",
        misleads=(
            "Read it beside the rows random_member, most_frequent_cause and earliest_alert: few services, or"
            " one that always fails, make it high."
            if whole
            else "Saying nothing about hard incidents raises it; the form over all incidents does not."
        ),
        source="SCORING 3; AC@k as in the literature on root causes, but over all incidents",
        summands=summands,
        n=lambda naming: len(naming.found) if whole else int(naming.found.sum()),
        undefined=lambda _: (
            "no labelled incident in scored time" if whole else "no labelled incident has a candidate"
        ),
        kind="mean" if what == "reciprocal" else "proportion",
        success=lambda naming: getattr(naming, what) == 1.0,
        trials=lambda naming: np.ones(len(naming.found), bool) if whole else naming.found,
        groups=TOLD_BY if whole else frozenset(),
    )


AC_AT_1 = _score("ac_at_1", "at_1", "for how many is the first hypothesis right?", whole=True)
AC_AT_3 = _score("ac_at_3", "at_3", "for how many is one of the first three right?", whole=True)
MRR = _score("mrr", "reciprocal", "how high up stands the right hypothesis?", whole=True)
AC_AT_1_DETECTED = _score(
    "ac_at_1_detected", "at_1", "for how many is the first hypothesis right?", whole=False
)
AC_AT_3_DETECTED = _score(
    "ac_at_3_detected", "at_3", "for how many is one of the first three right?", whole=False
)
