"""Actions held against what really happened: the right service, the wrong one, or nothing at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from titleshot.datasets.contracts.what_if import ActionOutcome
from titleshot.reports.match_tables import Codes, incident_table
from titleshot.reports.terms import Terms
from titleshot.reports.what_if.acting import Action


@dataclass(frozen=True)
class Fate:
    """What became of one action, and what it would have touched."""

    outcome: ActionOutcome | None = None
    labelled: str | None = None
    in_maintenance: bool | None = None
    callers: int | None = None
    """Services that called the target; None where no call of it was known."""


def fates(actions: Sequence[Action], terms: Terms | None) -> list[Fate]:
    """One fate per action; without terms nothing is known of any.

    An action is right where its target is the root of a labelled incident going on then, within its early
    and grace times as for pages. It is on the wrong service where an incident that affects target or
    alerting service is going on and has another root. What lies outside scored time of the target is set
    aside.
    """
    if terms is None:
        return [Fate() for _ in actions]
    reference, codes = terms.reference, Codes()
    labels = sorted(terms.labels.incidents, key=lambda label: (label.start, label.incident_id))
    table = incident_table(labels, terms.rules, reference, terms.time, codes)
    affected: list[set[int]] = [set() for _ in labels]
    for row, code in zip(table.affected.rows.tolist(), table.affected.codes.tolist(), strict=True):
        affected[row].add(code)
    targets = [reference.canonical(action.target, action.at) for action in actions]
    alerted = [reference.canonical(action.alert.service, action.at) for action in actions]
    going_on: list[list[int]] = [[] for _ in actions]
    order = np.argsort([action.at for action in actions], kind="stable")
    times = np.array([action.at for action in actions], np.int64)[order]
    for row in range(len(labels)):
        low, high = np.searchsorted(times, [table.opens[row], table.closes[row]])
        for place in order[low:high].tolist():
            if affected[row] & {codes(targets[place]), codes(alerted[place])}:
                going_on[place].append(row)
    windows = terms.reference.maintenance()
    found = []
    for place, action in enumerate(actions):
        target, rows = targets[place], going_on[place]
        rooted = [row for row in rows if table.root[row] == codes(target)]
        hit = next(iter([*rooted, *rows]), None)
        scored = bool(terms.time.scored(target, np.array([action.at]))[0])
        if not scored or (hit is not None and not table.scored[hit]):
            outcome: ActionOutcome = "unscored"
        elif hit is None:
            outcome = "no_incident" if terms.rules.labels_complete else "unmatched"
        else:
            outcome = "right" if rooted else "wrong_service"
        known = reference.in_topology(target, action.at)
        found.append(
            Fate(
                outcome,
                None if hit is None else labels[hit].incident_id,
                any(
                    start <= action.at and (end is None or action.at < end)
                    for start, end in windows.get(target, ())
                ),
                len(reference.callers(target, action.at)) if known else None,
            )
        )
    return found
