"""The recipe: everything about a contender that is decided before any data is seen, as one YAML file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from fnmatch import fnmatchcase
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.record import FaultAt, Record, SeriesKey, canonical_json
from titleshot.datasets.contracts.telemetry import Name
from titleshot.datasets.errors import TitleshotError, UsageError
from titleshot.datasets.nearest import nearest
from titleshot.datasets.yaml_file import dump_yaml, read_yaml
from titleshot.detectors.alert_policy import AlertPolicyParams
from titleshot.detectors.correlators.correlator import Correlator
from titleshot.detectors.correlators.families import correlator_from
from titleshot.detectors.detector import Detector
from titleshot.detectors.families import make_detector
from titleshot.detectors.features.service_health_params import ServiceHealthParams
from titleshot.detectors.invariants import Invariant
from titleshot.detectors.paging import PagingParams
from titleshot.detectors.row_families import row_detector_of
from titleshot.detectors.rule_files import with_rules
from titleshot.detectors.tail_calibration import TailParams

Seconds = Annotated[float, Field(ge=0, le=366 * 86_400)]


class Match(BaseModel):
    """Globs a series must fit; what is left out fits everything."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    namespace: str = "*"
    service: str = "*"
    metric_name: str = "*"
    labels: dict[str, str] = Field(default_factory=dict)

    def fits(self, key: SeriesKey, labels: dict[str, str]) -> bool:
        """True where every glob fits; a label that is absent fits no glob."""
        return (
            fnmatchcase(key.namespace, self.namespace)
            and fnmatchcase(key.service, self.service)
            and fnmatchcase(key.metric_name, self.metric_name)
            and all(name in labels and fnmatchcase(labels[name], glob) for name, glob in self.labels.items())
        )


class Selector(BaseModel):
    """Which series go to which detector; ``detector: null`` leaves them unwatched.

    With ``also`` the selectors after it see its series too: one that listens for silence, say, beside the
    one that looks at values.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    match: Match = Match()
    detector: dict[str, Any] | None
    alert: AlertPolicyParams | None = None
    also: bool = False

    @field_validator("detector")
    @classmethod
    def _with_defaults(cls, given: dict[str, Any] | None) -> dict[str, Any] | None:
        return given and _written_out(given, lambda spec: detector_of(spec).params, "robust_mad")


class RowSelector(BaseModel):
    """A detector over feature rows, and which services it sees; every one that fits sees a service."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    match: Match = Match()
    detector: dict[str, Any]
    alert: AlertPolicyParams | None = None

    @field_validator("detector")
    @classmethod
    def _with_defaults(cls, given: dict[str, Any]) -> dict[str, Any]:
        return _written_out(given, lambda spec: row_detector_of(spec).params, "isolation_forest")


class Recipe(Record):
    """A contender before it has been fitted.

    ``detectors`` are tried in order and the first that matches a series takes it, as do those with ``also``
    on the way there; a series that none matches is not watched. ``correlator: null`` makes an incident of
    every alert.
    """

    name: Name
    description: str = ""
    lateness_s: Seconds = 60
    skew_s: Seconds = 300
    tick_s: Annotated[float, Field(ge=1, le=86_400)] = 60
    recent_deploy_s: Seconds = 3600
    fit_delay_s: Seconds = 0
    detectors: tuple[Selector, ...] = ()
    features: ServiceHealthParams | None = None
    """How feature rows are made of metrics; None: with the defaults, where ``rows`` asks for any."""
    rows: tuple[RowSelector, ...] = ()
    """Detectors over feature rows, beside those over single series."""
    invariants: tuple[Invariant, ...] = ()
    """Rules over the latest values of a service, asked at ticks; in a file, a recipe may name a rule file."""
    alert: AlertPolicyParams = AlertPolicyParams()
    tails: TailParams | None = None
    """Calibrated tail probabilities beside scores; None: without."""
    correlator: dict[str, Any] | None = None
    paging: PagingParams = PagingParams()

    @field_validator("correlator")
    @classmethod
    def _with_defaults(cls, given: dict[str, Any] | None) -> dict[str, Any] | None:
        written = given and _written_out(
            given, lambda spec: correlator_from(spec).params, "topology_sessions"
        )
        return written and {name: value for name, value in written.items() if value is not None}

    @model_validator(mode="after")
    def _watches(self) -> Self:
        if not self.detectors and not self.rows and not self.invariants:
            raise ValueError("detectors, rows and invariants are all empty; name a detector in one of them")
        names = [rule.name for rule in self.invariants]
        for place, name in enumerate(names):
            if name in names[:place]:
                raise FaultAt(
                    ("invariants", place, "name"), f"two invariants are called {name!r}; rename one"
                )
        if self.rows and 300 % self.tick_s:
            raise ValueError(f"rows need a tick_s that divides 300 evenly, got {self.tick_s:g}; try 60")
        return self

    @property
    def tick(self) -> int:
        """Nanoseconds between ticks."""
        return round(self.tick_s * SECOND)

    def route(self, key: SeriesKey) -> int:
        """Place of the selector that takes a series for itself, -1 where none does or it watches nothing."""
        return next((place for place in self.watchers(key) if not self.detectors[place].also), -1)

    def watchers(self, key: SeriesKey) -> tuple[int, ...]:
        """Places of all selectors whose detectors see a series."""
        labels = json.loads(key.series_labels)
        found = []
        for place, selector in enumerate(self.detectors):
            if selector.match.fits(key, labels):
                if selector.detector:
                    found.append(place)
                if not selector.also:
                    break
        return tuple(found)

    def make_detector(self, place: int) -> Detector:
        """A fresh detector for one selector."""
        spec = self.detectors[place].detector
        if spec is None:
            raise UsageError(f"selector {place} of {self.name!r} watches nothing")
        return detector_of(spec)

    def make_detectors(self) -> list[Detector]:
        """A fresh detector for every selector that has one."""
        return [detector_of(selector.detector) for selector in self.detectors if selector.detector]

    def make_correlator(self) -> Correlator | None:
        """A fresh correlator; None where the contender says events and nothing more."""
        return correlator_from(self.correlator) if self.correlator else None

    def to_yaml(self) -> str:
        """The recipe with every default written out, as :func:`load_recipe` reads it."""
        return dump_yaml(self.model_dump(mode="json"))

    @property
    def digest(self) -> str:
        """SHA-256 of what the recipe does: defaults written out, name and description left out."""
        content = self.model_dump(mode="json", exclude={"name", "description"})
        # A recipe from before they were there keeps its digest.
        for later in ("features", "rows", "invariants", "tails"):
            if not content[later]:
                del content[later]
        for later in ("maximum_tail_probability", "witnesses"):
            if content["paging"][later] is None:
                del content["paging"][later]
        for selector in content["detectors"]:
            if not selector["also"]:
                del selector["also"]  # recipes from before there was such a thing are still what they were
        return hashlib.sha256(canonical_json(content).encode()).hexdigest()


def load_recipe(source: Path | str) -> Recipe:
    """Read a recipe from a file, or a shipped one by its name.

    Raises:
        UsageError: no such file and no shipped contender of that name.
        MalformedInput: the YAML breaks the contract; names file, line and field.
    """
    path = Path(source)
    file = path if path.is_file() else _shipped(str(source))
    return with_rules(read_yaml(file), file.parent).build(Recipe)


def shipped_contenders() -> dict[str, Path]:
    """Name to file of the contenders that come with titleshot."""
    folder = Path(str(resources.files("titleshot.detectors") / "contenders"))
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def _shipped(source: str) -> Path:
    shipped = shipped_contenders()
    name = source.removesuffix(".yaml")
    if name in shipped:
        return shipped[name]
    hint = nearest(name, shipped)
    raise UsageError(f"contender {source!r}: no such file, and no shipped contender of that name{hint}")


def detector_of(spec: dict[str, Any]) -> Detector:
    """A fresh detector from its part of a recipe."""
    return make_detector(
        str(spec["family"]), {name: value for name, value in spec.items() if name != "family"}
    )


def _written_out(
    given: dict[str, Any], params_of: Callable[[dict[str, Any]], BaseModel], example: str
) -> dict[str, Any]:
    """The part with every default written out, so that equal behaviour has an equal digest."""
    if "family" not in given:
        raise ValueError(f"family is missing; name one, as in {{family: {example}}}")
    try:
        return {"family": given["family"], **params_of(given).model_dump(mode="json")}
    except TitleshotError as error:
        raise ValueError(str(error)) from None
