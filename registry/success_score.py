"""A decision's success score must be one that is computed, or nobody could ever say whether it succeeded."""

from __future__ import annotations

from titleshot.datasets.contracts.decision import Decision
from titleshot.datasets.errors import MalformedInput
from titleshot.datasets.nearest import nearest
from titleshot.registry.known_scores import KNOWN


def check_success_score(decision: Decision) -> None:
    """Pass, or say which score was meant.

    Raises:
        MalformedInput: no score has that name.
    """
    if decision.success_score not in KNOWN:
        raise MalformedInput(
            f"decision {decision.name}: success_score: no score is called {decision.success_score!r}"
            f"{nearest(decision.success_score, KNOWN)}"
        )
