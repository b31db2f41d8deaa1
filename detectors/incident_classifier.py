"""Incident classifier: the calibrated probability that a service is in an incident, learnt from labels."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import numpy as np
from numba import njit
from numpy.typing import NDArray
from pydantic import Field

from titleshot.datasets.contracts.record import canonical_json
from titleshot.datasets.errors import MalformedInput, UsageError
from titleshot.detectors.block import F64
from titleshot.detectors.detector import HIGHEST_STRANGENESS, Arrays
from titleshot.detectors.row_detector import History, RowDetector, RowParams

_CALIBRATED_ON = 0.3
"""Share of the incidents, the latest, that calibrate and do not teach."""


class IncidentClassifierParams(RowParams):
    """The trees, the probability that makes an event, and how much must be known to learn at all."""

    columns: Annotated[tuple[str, ...], Field(min_length=1)] = (
        "requests_change",
        "traffic_percentile",
        "burn_rate_5m",
        "burn_rate_1h",
        "latency_change",
        "saturation_5m",
        "saturation_change",
        "queue_change",
        "callee_burn_rate",
        "callee_latency_change",
        "caller_burn_rate",
        "recent_deploy",
        "planned_change",
    )
    probability: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Calibrated probability of an incident at which an event is made."""
    trees: Annotated[int, Field(ge=1, le=1000)] = 80
    """Trees, each correcting those before it."""
    depth: Annotated[int, Field(ge=1, le=8)] = 3
    """Cuts on the longest way down a tree."""
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Share of its correction that each tree is given."""
    judged_weight: Annotated[float, Field(ge=1, le=100)] = 5.0
    """Weight of a row a responder has judged; others weigh 1."""
    min_incidents: Annotated[int, Field(ge=5)] = 30
    """Labelled incidents with rows below which nothing is learnt."""
    seed: int = 0
    """Of the random choices of the fit."""


class IncidentClassifier(RowDetector):
    """Odds of being in an incident, in units of the odds that make an event.

        p = logistic(a · margin + b)                    margin: base + sum of the trees' leaves
        u = (p / (1 - p)) / (p0 / (1 - p0))             p0 = probability; at p0 = .5 anomaly_score is p

    Fitted on rows whose labels were known by the cutoff and whose labels are likely all in: incidents make
    their services' rows faulty, a responder's ``useful`` makes a page's rows faulty and ``noisy`` makes them
    healthy with more weight. The latest 30 % of the incidents calibrate (Platt) and do not teach.

    What drove a row: each step down a tree is worth the change of its mean, added up by column (Saabas),
    positive parts only.

    Assumes that incidents to come look like labelled ones. Deaf to kinds nobody has labelled, and as blind
    as the labels: where they came from pages, it learns what was paged.

    On healthy rows the share with u >= 1 is what the calibration rows show; the fit reports it.

    Source: Friedman, "Greedy function approximation", Annals of Statistics 29 (2001); Platt, "Probabilistic
    outputs for support vector machines" (1999). Deviation: attribution by node means counts rows of the fit.

    >>> IncidentClassifier().params.probability
    0.5
    """

    family: ClassVar[str] = "incident_classifier"
    takes_missing: ClassVar[bool] = True
    Params = IncidentClassifierParams
    params: IncidentClassifierParams

    def __init__(self, params: IncidentClassifierParams | None = None) -> None:
        super().__init__(params)
        self._trees: tuple[NDArray[Any], ...] = ()
        self._base = 0.0
        self._platt = np.array([1.0, 0.0])
        self._false_alarm_ratio = 0.0

    @property
    def false_alarm_ratio(self) -> float:
        """Share of the healthy calibration rows, as the fit reported it."""
        return self._false_alarm_ratio

    def fit(self, history: History) -> Arrays:
        """Trees from the earlier incidents, calibration from the later ones, and a report on the labels.

        Raises:
            UsageError: too few labelled incidents with rows; says how many there are and what to do.
        """
        from titleshot.detectors.fitting.boosted_arrays import boosted_trees, calibration

        p, sure = self.params, history.trusted
        faulty = np.where(history.judged != 0, history.judged > 0, history.faulty)
        found = np.unique(history.incident[sure & (history.incident >= 0)])
        if len(found) < p.min_incidents:
            raise UsageError(
                f"{self.name}: {len(found)} labelled incidents have feature rows, min_incidents is"
                f" {p.min_incidents}; label more (titleshot feedback queue), take a longer history, or leave"
                " this detector out: with so few it would learn the noise"
            )
        later = found[round(len(found) * (1 - _CALIBRATED_ON)) :]
        boundary = int(history.rows.timestamps[history.incident == later[0]].min())
        teaches = sure & (history.rows.timestamps < boundary)
        calibrates = sure & (history.rows.timestamps >= boundary)
        given = history.rows.values[:, self._columns]
        weights = np.where(history.judged != 0, p.judged_weight, 1.0)
        for rows, what in ((teaches, "earlier"), (calibrates, "later")):
            if len(np.unique(faulty[rows])) < 2:
                raise UsageError(f"{self.name}: the {what} rows are all healthy or all faulty; label more")
        arrays = boosted_trees(
            given[teaches],
            faulty[teaches],
            weights[teaches],
            trees=p.trees,
            depth=p.depth,
            learning_rate=p.learning_rate,
            seed=p.seed,
        )
        self._use({**arrays, "platt": self._platt})
        platt = calibration(self.margin(given[calibrates]), faulty[calibrates])
        self._platt = platt
        report = {
            **history.labels,
            "incidents": len(found),
            "calibrated_on": len(later),
            **_quality(self.probability(given[calibrates]), faulty[calibrates], p.probability),
        }
        words = np.frombuffer(canonical_json(report).encode(), np.uint8).copy()
        return {**self.described(history.rows.values[sure]), **arrays, "platt": platt, "report": words}

    def _use(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        names = ("roots", "column", "threshold", "left", "right", "missing_left", "value")
        self._trees = tuple(np.ascontiguousarray(arrays[name]) for name in names)
        if len({len(part) for part in self._trees[1:]}) > 1 or self._trees[0][-1] != len(self._trees[1]):
            raise MalformedInput(f"fitted arrays of {self.name} do not fit together; fit again")
        self._base, self._platt = float(arrays["base"][0]), np.asarray(arrays["platt"], np.float64)
        if "report" in arrays:
            self._false_alarm_ratio = float(self.label_report(arrays)["false_alarm_ratio"])

    def margin(self, given: F64) -> F64:
        """Sum of the trees for rows (n, columns), before calibration."""
        return self._walked(given)[0]

    def probability(self, given: F64) -> F64:
        """Calibrated probability for rows (n, columns)."""
        chance: F64 = 1 / (1 + np.exp(-(self._platt[0] * self.margin(given) + self._platt[1])))
        return chance

    def _walked(self, given: F64) -> tuple[F64, F64, F64]:
        """Margins, u and the shares of each column, of rows (n, columns)."""
        n, odds = len(given), self.params.probability / (1 - self.params.probability)
        margins, u, shares = np.empty(n), np.empty(n), np.zeros((n, given.shape[1]))
        rows = np.ascontiguousarray(given)
        _walk(rows, self._base, *self._trees, self._platt, odds, margins, u, shares)
        return margins, u, shares

    def _strangeness(self, given: F64) -> tuple[F64, F64]:
        return self._walked(given)[1:]

    @staticmethod
    def label_report(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
        """What the fit said of its labels: sources, reviewers, age, services without labels, calibration."""
        found: dict[str, Any] = json.loads(arrays["report"].tobytes())
        return found


def _quality(chance: F64, faulty: NDArray[np.bool_], threshold: float) -> dict[str, float]:
    """Brier score, expected calibration error over tenths, and how often healthy rows are called faulty."""
    places = np.minimum((chance * 10).astype(int), 9)
    gaps = [
        abs(float(chance[places == b].mean() - faulty[places == b].mean())) * float((places == b).mean())
        for b in np.unique(places)
    ]
    return {
        "brier": round(float(np.mean((chance - faulty) ** 2)), 5),
        "calibration_error": round(sum(gaps), 5),
        "false_alarm_ratio": round(float(np.mean(chance[~faulty] >= threshold)), 6),
        "row_recall": round(float(np.mean(chance[faulty] >= threshold)), 4),
    }


@njit(cache=True, nogil=True, error_model="numpy")
def _walk(  # type: ignore[no-untyped-def] # pragma: no cover
    given, base, roots, column, threshold, left, right, missing_left, value, platt, odds,
    margins, strangeness, shares,
):  # fmt: skip
    for row in range(len(given)):
        total = base
        for tree in range(len(roots) - 1):
            node = roots[tree]
            while column[node] >= 0:
                x = given[row, column[node]]
                to_left = missing_left[node] != 0 if x != x else x <= threshold[node]
                child = left[node] if to_left else right[node]
                shares[row, column[node]] += value[child] - value[node]
                node = child
            total += value[node]
        margins[row] = total
        found = np.exp(min(platt[0] * total + platt[1], 700.0))
        strangeness[row] = min(found / odds, HIGHEST_STRANGENESS)
        pushed = 0.0
        for place in range(shares.shape[1]):
            shares[row, place] = max(shares[row, place], 0.0)
            pushed += shares[row, place]
        if pushed > 0.0:
            shares[row] /= pushed
