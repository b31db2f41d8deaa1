"""Detectors over feature rows behind the face the laws know: fitted on a history made up for them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import ClassVar

import numpy as np

from titleshot.datasets.contracts.instants import DAY, HOUR, MINUTE, SECOND
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.errors import UsageError
from titleshot.detectors.alert_policy import AlertPolicyParams
from titleshot.detectors.block import TICK, Block
from titleshot.detectors.contender import Contender, Output
from titleshot.detectors.detection import Detection
from titleshot.detectors.detector import Shape
from titleshot.detectors.features.feature_rows import FeatureRows
from titleshot.detectors.features.service_health_columns import NAMES, ROLES
from titleshot.detectors.features.service_health_params import ServiceHealthParams
from titleshot.detectors.fitted import Fitted
from titleshot.detectors.law_faults import spacing_of
from titleshot.detectors.law_parts import ContenderPart, Explained, Said
from titleshot.detectors.law_streams import SPREAD, START, healthy_stream
from titleshot.detectors.recipe import Match, Recipe, RowSelector
from titleshot.detectors.row_detection import RowAnswer, RowDetection
from titleshot.detectors.row_detector import History, RowDetector
from titleshot.detectors.row_families import row_detector_of
from titleshot.detectors.series import SeriesIndex

_SERVICES = ("service-a0", "service-b1")
_DAYS = 10
"""Of history at least; a day more goes before them and warms the windows up."""
_FAULTS_A_DAY = 2
"""Labelled incidents of each service."""
_FAULT_SAMPLES, _FAULT_SIZE = 15, 12 * SPREAD
_LINGERS = 70 * MINUTE
"""How long after a fault the means of an hour still hold it: labelled too, as neither is healthy."""
_SEED = 7


@dataclass(frozen=True)
class RowSubject:
    """A contender of feature rows alone, fitted, and how to make the detectors that it scores with."""

    contender: Contender
    make: Callable[[], list[RowDetector]]


def row_subject_of(make: Callable[[], RowDetector]) -> RowSubject:
    """A small contender around one detector, which need not be registered, fitted on made-up history.

    Raises:
        UsageError: the detector refuses the history; in its own words.
    """
    # The family named is only a place to stand: the detectors are those of ``make``.
    recipe = Recipe(
        name="rows-under-law",
        rows=(RowSelector(match=Match(), detector={"family": "isolation_forest"}),),
        alert=AlertPolicyParams(min_length=1),
    )
    return _fitted(recipe, lambda: [make()])


def row_subject_of_recipe(recipe: Recipe) -> RowSubject:
    """A contender's own recipe, fitted on made-up history whatever it was fitted on before."""
    return _fitted(recipe, lambda: [row_detector_of(selector.detector) for selector in recipe.rows])


def row_keys(features: ServiceHealthParams | None = None) -> tuple[SeriesKey, ...]:
    """Series of two services, one for every metric that feature rows are made of.

    >>> [key.metric_name for key in row_keys()[::2]]
    ['requests_per_second', 'error_ratio', 'latency', 'cpu', 'queue']
    """
    roles = (features or ServiceHealthParams()).roles
    names = [roles[role].replace("*", "").replace("?", "x") or role for role in ROLES if role in roles]
    found = [name for name in names if any(fnmatchcase(name, glob) for glob in roles.values())]
    return tuple(SeriesKey("shop", service, name) for name in found for service in _SERVICES)


def _fitted(recipe: Recipe, make: Callable[[], list[RowDetector]]) -> RowSubject:
    keys = row_keys(recipe.features)
    seen = {
        (selector, key.service)
        for selector, one in enumerate(recipe.rows)
        for key in keys
        if one.match.fits(SeriesKey(key.namespace, key.service, "service_health"), {})
    }
    if len({selector for selector, _ in seen}) < len(recipe.rows):
        raise UsageError(
            f"contender {recipe.name!r} watches feature rows of services the laws cannot make up;"
            " use globs in match"
        )
    past = _history(recipe, make())
    arrays = {place: one.fit(past) for place, one in enumerate(make(), len(recipe.detectors))}
    return RowSubject(Contender(recipe, Fitted([START], [arrays])), make)


def _warm_up_s(recipe: Recipe) -> float:
    """The day's means, and the half hours without which there is no percentile of traffic."""
    features = recipe.features or ServiceHealthParams()
    return max(DAY / SECOND, features.least_half_hours * HOUR / (2 * SECOND))


def _history(recipe: Recipe, detectors: Sequence[RowDetector]) -> History:
    """As long a history as the detectors need."""
    minutes = spacing_of(_warm_up_s(recipe))
    rows_a_day = len(_SERVICES) * 24 * 60 // minutes
    # What a family needs at least; the names are those of the registered ones.
    least_rows = max(getattr(one.params, "min_rows", 0) for one in detectors)
    least_incidents = max(getattr(one.params, "min_incidents", 0) for one in detectors)
    days = max(
        _DAYS,
        2 * math.ceil(1.5 * least_rows / rows_a_day),
        math.ceil(1.2 * least_incidents / (_FAULTS_A_DAY * len(_SERVICES))),
    )
    bare = recipe.model_copy(update={"name": "history", "rows": recipe.rows[:1], "detectors": ()})
    return _made_up(bare.to_json(), days)


@lru_cache(maxsize=4)
def _made_up(recipe_json: str, days: int) -> History:
    """Healthy days with labelled incidents before ``START``, spaced as the streams of law 8 are."""
    recipe = Recipe.model_validate_json(recipe_json)
    keys, minutes = row_keys(recipe.features), spacing_of(_warm_up_s(recipe))
    warm = math.ceil(_warm_up_s(recipe) * SECOND / DAY)
    stream = healthy_stream(keys, _SEED, (warm + days) * 24 * 60 // minutes, minutes=minutes)
    b, back = stream.block, (warm + days) * DAY
    services = np.array([_SERVICES.index(keys[code].service) if code >= 0 else -1 for code in b.codes])
    values, rng = b.values.copy(), np.random.default_rng(_SEED)
    length = _FAULT_SAMPLES * minutes * MINUTE
    incidents: list[tuple[int, int, int]] = []
    for day in range(warm, warm + days):
        for part in range(_FAULTS_A_DAY):
            for service in range(len(_SERVICES)):
                free = DAY // _FAULTS_A_DAY - length - _LINGERS
                at = START + day * DAY + part * (DAY // _FAULTS_A_DAY)
                at += int(rng.integers(0, free // MINUTE)) * MINUTE
                within = (services == service) & (b.timestamps >= at) & (b.timestamps < at + length)
                values[within] += _FAULT_SIZE
                incidents.append((at - back, at - back + length + _LINGERS, service))
    block = replace(b, values=values, timestamps=b.timestamps - back, arrivals=b.arrivals - back)
    series = SeriesIndex(keys)
    detection = Detection(recipe, series, part="rows")
    detection.rows = made = RowDetection(recipe, series, None, keep=True)
    detection.push(_on_the_grid(block, recipe.tick))
    detection.flush()
    rows = FeatureRows.joined(made.kept or [FeatureRows.none(len(NAMES))])
    rows = rows.take(rows.timestamps >= START - days * DAY)
    names = tuple(made.health.names)
    incident = np.full(len(rows), -1, np.int32)
    for number, (start, stop, service) in enumerate(sorted(incidents)):
        place = names.index(f"shop/{_SERVICES[service]}")
        of = (rows.services == place) & (rows.timestamps >= start) & (rows.timestamps < stop)
        incident[of] = number
    return History(
        rows,
        names,
        incident >= 0,
        incident,
        np.zeros(len(rows), np.int8),
        np.ones(len(rows), np.bool_),
        {"sources": {"injected": len(incidents)}},
    )


def _on_the_grid(block: Block, tick: int) -> Block:
    """Without ticks between multiples of the tick: an engine sends none, and each would close rows."""
    keep = (block.kinds != TICK) | (block.timestamps % tick == 0)
    return replace(
        block,
        kinds=block.kinds[keep],
        arrivals=block.arrivals[keep],
        timestamps=block.timestamps[keep],
        codes=block.codes[keep],
        values=block.values[keep],
    )


class RowPart(ContenderPart):
    """A contender of feature rows alone. It says every score, and what a contender says; series are services.

    A service is spoken of by the first of its series. Strange is a row with u >= 1, as families document it.
    """

    partly: ClassVar[Mapping[int, str]] = {
        7: "not asked: that a sample twice as far off scores higher, and that what is strange lies beyond its"
        " bounds; a row is strange by many features together. Asked instead: every event names the features"
        " that drove it, the strongest as its own"
    }

    def __init__(self, subject: RowSubject, keys: Sequence[SeriesKey]) -> None:
        contender, recipe = subject.contender, subject.contender.recipe
        self.row_detectors = subject.make()
        self.engine = contender.engine()
        self._rows = RowDetection(recipe, self.engine.series, contender.fitted, detectors=self.row_detectors)
        self.answers: list[RowAnswer] = []
        self._rows.answers = self.answers
        self.engine.detection.rows = self._rows
        self.engine.codes(keys)
        self.delay_s = recipe.lateness_s
        memory_s = contender.memory_s
        beyond = max(detector.memory_s for detector in self.row_detectors)
        self.memory_s = None if memory_s is None else memory_s + beyond
        self.warm_up_s = _warm_up_s(recipe)
        self._hears = {}
        self._keys = tuple(keys)
        self._heads: dict[str, int] = {}
        for code, key in enumerate(keys):
            self._heads.setdefault(key.service_id, code)
        if any(detector.params.refuse_drifted for detector in self.row_detectors):
            self.spared = {3: "refuse_drifted looks at the rows of all services together"}
        # What a family documents may rest on what it learnt, which an engine takes up with the first record.
        documented = subject.make()
        for place, detector in enumerate(documented, len(recipe.detectors)):
            detector.use(contender.fitted.arrays(0, place) if contender.fitted else {})
        self._ratio = max(detector.false_alarm_ratio for detector in documented)

    @staticmethod
    def tried_on() -> tuple[SeriesKey, ...]:
        return row_keys()

    def together(self, code: int) -> tuple[int, ...]:
        mine = self._keys[code].service_id
        return tuple(other for other, key in enumerate(self._keys) if key.service_id == mine)

    def listens(self, shape: Shape, code: int) -> bool:
        return shape == "level" and self.together(code)[0] == code

    def push(self, block: Block) -> list[Said]:
        return self._said(self.engine.push(_on_the_grid(block, self.engine.contender.recipe.tick)))

    def _said(self, output: Output) -> list[Said]:
        said = super()._said(output)
        names = {detector.name for detector in self.row_detectors}
        for i, told in enumerate(output.events.told):
            one, key = said[i], self.engine.series.keys[int(output.events.codes[i])]
            shares = {name: driver["share"] for name, driver in (told or {}).get("drivers", {}).items()}
            lacks = None
            of_rows = output.events.detectors[i] in names  # else a rule's
            if of_rows and (not shares or shares.get(key.metric_name) != max(shares.values())):
                lacks = f"names no features that drove it, or not {key.metric_name} as the strongest"
            said[i] = replace(
                one,
                series=self._heads[key.service_id],
                explained=one.explained and one.explained._replace(hears=None),
                strange=False,
                unexplained=lacks,
            )
        scores = [one for answer in self.answers for one in self._scores(answer)]
        self.answers.clear()
        return scores + said

    def _scores(self, answer: RowAnswer) -> list[Said]:
        rows, scored, detector = answer.rows, answer.scored, self.row_detectors[answer.number]
        said = []
        for row, (service, at, u, driver, expected, lower, upper) in enumerate(
            zip(
                rows.services.tolist(),
                rows.timestamps.tolist(),
                *(column.tolist() for column in scored[:5]),
                strict=True,
            )
        ):
            content = f"{answer.number} {at} {u!r} {driver} {expected!r} {lower!r} {upper!r}"
            content += f" {scored.shares[row].tolist()} {scored.why[row]}"
            explained = None
            if u == u:
                value = float(rows.values[row, driver])
                value = value if math.isfinite(value) else expected
                explained = Explained(
                    at, value, u, expected, lower, upper, detector.rows_fitted, detector.baseline, None
                )
            series = self._heads[self._rows.health.names[service]]
            said.append(Said(answer.clock, series, "score", content, explained, strange=u >= 1))
        return said

    def false_alarm_ratio(self, sample_count: int) -> float:  # noqa: ARG002
        return self._ratio
