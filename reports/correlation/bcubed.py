"""BCubed with the element itself left out, over events and over incidents.

Of the other alerts in its candidate, how many are of an alert's own incident (precision); of the other alerts
of its incident, how many are in its candidate (recall). An alert is not counted as a companion of itself:
counted in, leaving every alert alone would have a precision of 1 and small incidents a recall well above 0.

Departure from Amigó et al. (2009), who count the element itself. An alert without companions says nothing:
alone in its candidate it has no precision, the only one of its incident no recall. Noise is not averaged
over, but costs precision where it was put beside an incident.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.scores import Direction
from titleshot.reports.correlation.definition import TOLD_BY, CorrelationScore
from titleshot.reports.correlation.partition import Partition
from titleshot.reports.statistics import Summands

Float64 = NDArray[np.float64]

_SOURCE = "SCORING 3; Amigó et al. (2009), Information Retrieval 12, with the element itself left out"
_EVENTS = "A single long storm of alerts outweighs all other incidents here; see the form by incident."
_INCIDENTS = "An incident of two alerts weighs as much as one of two thousand; see the form over events."


def _columns(partition: Partition, by_incident: bool, noise: bool = True) -> Float64:
    """Blocks x 4: sums of precision and their number, sums of recall and their number.

    Without ``noise`` a candidate is only what it holds of incidents.
    """
    incident, group, n = partition.cells
    held = partition.group_sizes if noise else np.bincount(group, n).astype(np.int64)
    columns: list[Float64] = []
    for size in (held[group], partition.incident_sizes[incident]):
        joined = size > 1
        each = n * (n - 1) / np.maximum(size - 1, 1)
        number = np.bincount(incident, joined * n, partition.incidents).astype(float)
        total = np.bincount(incident, joined * each, partition.incidents).astype(float)
        if by_incident:
            total = total / np.maximum(number, 1)
        told = (number > 0) if by_incident else number
        columns += [partition.per_incident(total), partition.per_incident(told)]
    return np.column_stack(columns)


def _share(above: Float64, below: Float64) -> Float64:
    return np.where(below > 0, above / np.maximum(below, 1e-300), np.nan)


def _precision(sums: Float64) -> Float64:
    return _share(sums[..., 0], sums[..., 1])


def _recall(sums: Float64) -> Float64:
    return _share(sums[..., 2], sums[..., 3])


def _f(sums: Float64) -> Float64:
    """Harmonic mean. Where one of the two is 0 it is 0, even if nothing defines the other."""
    precision, recall = _precision(sums), _recall(sums)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean: Float64 = 2 * precision * recall / (precision + recall)
    return np.where((precision == 0) | (recall == 0), 0.0, mean)


def _score(name: str, of: str, better: Direction, by_incident: bool) -> CorrelationScore[Partition]:
    part = {"precision": _precision, "recall": _recall, "f": _f}[of]
    unit = "incidents with alerts" if by_incident else "alerts of incidents"
    over = "mean over incidents of the mean over their alerts" if by_incident else "mean over alerts"
    formula = {
        "precision": f"{over}: other alerts of the same incident in its candidate / other alerts in it",
        "recall": f"{over}: other alerts of its incident in the same candidate / other alerts of it",
        "f": "2 precision recall / (precision + recall), of the two means; 0 where one of them is 0",
    }[of]
    question = {
        "precision": "Of what was put beside an incident's alert, how much belongs there?",
        "recall": "Of what belongs beside an incident's alert, how much was put there?",
        "f": "Are alerts of one incident together, and with nothing else?",
    }[of]

    def n(partition: Partition) -> int:
        return int(partition.seen.sum()) if by_incident else partition.alerts

    def undefined(partition: Partition) -> str:
        if not partition.seen.any():
            return "no alert belongs to a labelled incident"
        if of == "precision":
            return "no alert of an incident was put beside another: every one is alone"
        return "every incident has one alert only: there was nothing to put together"

    alone = {
        "precision": " Alerts left alone are not in it: who joins little, with care, has a high one.",
        "recall": " One giant candidate has a recall of 1.",
        "f": "",
    }[of]
    return CorrelationScore(
        name=name,
        better=better,
        n_of=unit,
        question=question,
        formula=formula,
        range="0 to 1; 1 is best",
        misleads=(_INCIDENTS if by_incident else _EVENTS) + alone,
        source=_SOURCE,
        summands=lambda partition: Summands(_columns(partition, by_incident), part),
        n=n,
        undefined=undefined,
        seen_by_both=True,
        groups=TOLD_BY if by_incident and of == "f" else frozenset(),
    )


BCUBED_PRECISION = _score("bcubed_precision", "precision", "up", by_incident=False)
BCUBED_RECALL = _score("bcubed_recall", "recall", "up", by_incident=False)
BCUBED_F = _score("bcubed_f", "f", "up", by_incident=False)
BCUBED_PRECISION_BY_INCIDENT = _score("bcubed_precision_by_incident", "precision", "up", by_incident=True)
BCUBED_RECALL_BY_INCIDENT = _score("bcubed_recall_by_incident", "recall", "up", by_incident=True)
BCUBED_F_BY_INCIDENT = _score("bcubed_f_by_incident", "f", "up", by_incident=True)
BCUBED_F_WITHOUT_NOISE = replace(
    BCUBED_F,
    name="bcubed_f_without_noise",
    better=None,
    question="Had the detector said nothing but alerts of incidents, how well would they be put together?",
    formula=f"{BCUBED_F.formula}; candidates without what they hold of noise",
    misleads=(
        "Noise thrown in with an incident costs nothing here; a responder reads it all the same. It is how"
        " correlators are often compared on given incidents."
    ),
    summands=lambda partition: Summands(_columns(partition, by_incident=False, noise=False), _f),
)
