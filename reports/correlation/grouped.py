"""Incidents by what they are, for scores that say something of each incident."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.scores import Score
from titleshot.reports.correlation.account import Account
from titleshot.reports.correlation.definition import CorrelationScore, estimate
from titleshot.reports.correlation.registered import CORRELATION_SCORES
from titleshot.reports.correlation.scored import subjects
from titleshot.reports.exposure import NO_OWNER
from titleshot.reports.terms import Terms

GROUPED: tuple[CorrelationScore[Any], ...] = tuple(score for score in CORRELATION_SCORES if score.groups)
"""Those that say something of each incident, so that they can be told by what incidents are."""
FEWEST_INCIDENTS = 10
"""A group with fewer incidents is left out."""


def masks(account: Account) -> dict[str, dict[str, NDArray[np.bool_]]]:
    """Which incidents, by severity, kind and team (owner of the root at the start); small groups left out."""
    teams = [
        account.reference.team(root, label.start) or NO_OWNER
        for root, label in zip(account.roots, account.labels, strict=True)
    ]
    of = {
        "severity": [str(label.severity) for label in account.labels],
        "kind": [label.kind for label in account.labels],
        "team": teams,
    }
    found: dict[str, dict[str, NDArray[np.bool_]]] = {}
    for group, names in of.items():
        column = np.array(names, object)
        among = {name: np.asarray(column == name, bool) for name in sorted(set(names))}
        found[group] = {name: mask for name, mask in among.items() if mask.sum() >= FEWEST_INCIDENTS}
    return found


def scores_by_group(
    terms: Terms, account: Account | str, confidences: Mapping[str, float]
) -> dict[str, dict[str, tuple[Score, ...]]]:
    """``GROUPED`` of one contender; empty where it has no candidates."""
    if isinstance(account, str):
        return {}
    of = {score.name: subject for family, subject in subjects(account) for score in family}
    usual = terms.settings.confidence
    return {
        group: {
            name: tuple(
                estimate(
                    score,
                    of[score.name].only(among),
                    terms.resampling,
                    confidences.get(score.name, usual),
                )
                for score in GROUPED
            )
            for name, among in found.items()
        }
        for group, found in masks(account).items()
    }
