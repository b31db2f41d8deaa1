"""Was the severity of an incident said right?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from titleshot.reports.correlation.account import NONE, Account
from titleshot.reports.correlation.definition import TOLD_BY, CorrelationScore
from titleshot.reports.correlation.partition import by_block
from titleshot.reports.scores.score import ratio
from titleshot.reports.statistics import Summands


@dataclass(frozen=True)
class Graded:
    """Whether each incident's candidate, and the most frequent severity, has the labelled one."""

    right: NDArray[np.bool_]
    by_habit: NDArray[np.bool_]
    incident_block: NDArray[np.int64]
    blocks: int

    def only(self, among: NDArray[np.bool_]) -> Graded:
        """Of these incidents."""
        return Graded(self.right[among], self.by_habit[among], self.incident_block[among], self.blocks)

    @classmethod
    def of(cls, account: Account) -> Graded:
        said = [None if c == NONE else account.candidates.severity[c] for c in account.main.tolist()]
        labelled = [label.severity for label in account.labels]
        counted = Counter(labelled)
        usual = min(counted, key=lambda name: (-counted[name], name), default=None)
        return cls(
            np.array([one == other for one, other in zip(said, labelled, strict=True)], bool),
            np.array([c is not None and of == usual for c, of in zip(said, labelled, strict=True)], bool),
            account.partition.incident_block,
            account.partition.blocks,
        )


def _summands(graded: Graded, right: NDArray[np.bool_]) -> Summands:
    return ratio(
        by_block(graded.incident_block, right, graded.blocks),
        by_block(graded.incident_block, np.ones(len(right)), graded.blocks),
    )


SEVERITY_ACCURACY: CorrelationScore[Graded] = CorrelationScore(
    name="severity_accuracy",
    better="up",
    n_of="incidents",
    question="For how many incidents does the candidate have the labelled severity?",
    formula="incidents whose candidate with most of their alerts has their severity / all labelled incidents",
    range="0 to 1; 1 is best",
    misleads="Where nearly all incidents are of one severity, saying it always is right: severity_by_habit.",
    summands=lambda graded: _summands(graded, graded.right),
    n=lambda graded: len(graded.right),
    undefined=lambda _: "no labelled incident in scored time",
    kind="proportion",
    success=lambda graded: graded.right,
    trials=lambda graded: np.ones(len(graded.right), bool),
    groups=TOLD_BY,
)
SEVERITY_BY_HABIT: CorrelationScore[Graded] = CorrelationScore(
    name="severity_by_habit",
    better=None,
    n_of="incidents",
    question="How right would always saying the most frequent severity be?",
    formula="incidents of the most frequent severity that have a candidate / all labelled incidents",
    range="0 to 1",
    misleads="It knows the most frequent severity beforehand.",
    summands=lambda graded: _summands(graded, graded.by_habit),
    n=lambda graded: len(graded.right),
    undefined=lambda _: "no labelled incident in scored time",
    kind="proportion",
)
