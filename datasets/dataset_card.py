"""``dataset.yaml``: what a dataset is, which bytes it is made of, and how it wants to be evaluated."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from titleshot.datasets.contracts.data_parts import DataParts, Digest
from titleshot.datasets.contracts.data_parts import TableEntry as TableEntry
from titleshot.datasets.contracts.html_table import ShowsItself, html_table
from titleshot.datasets.contracts.instants import Instant, format_instant
from titleshot.datasets.contracts.planted import PlantedMarker
from titleshot.datasets.contracts.record import Record, canonical_json
from titleshot.datasets.contracts.reference import ServiceId
from titleshot.datasets.contracts.telemetry import Name, Namespace
from titleshot.datasets.validation.thresholds import Thresholds
from titleshot.datasets.yaml_file import load_yaml

CARD = "dataset.yaml"
EARLY_S = {"human": 600.0, "injected": 0.0, "exact": 0.0, "imported": 600.0}
"""Seconds before the labelled start in which a page still hits, by label source."""

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class DontCare(BaseModel):
    """Time [from, to) that is not scored, for the services named or for all."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True)

    from_: Instant = Field(alias="from")
    to: Instant
    services: tuple[ServiceId, ...] | None = None
    reason: str = ""

    @model_validator(mode="after")
    def _in_order(self) -> DontCare:
        if self.to <= self.from_:
            raise ValueError("to must be after from; the span is half-open [from, to)")
        return self


class Evaluation(BaseModel):
    """What is scored and how. Not part of the digest: settings may be reconsidered, bytes may not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    span_from: Instant | None = None
    """None: from the first sample."""
    span_to: Instant | None = None
    """None: to the last sample."""
    warm_up_s: Seconds = 0.0
    """Seconds after ``span_from`` that are replayed but not scored."""
    tuning_until: Instant | None = None
    """Thresholds may be chosen on what lies before; what is scored lies after."""
    early_s: dict[str, Seconds] = Field(default_factory=lambda: dict(EARLY_S))
    grace_s: Seconds = 0.0
    hops: Annotated[int, Field(ge=0)] = 1
    """Callers within this many hops of the root count as affected where a label names none."""
    labels_complete: bool = True
    """Whether a page that hits nothing is known to be false."""
    dont_care: tuple[DontCare, ...] = ()
    detect_within_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 600.0

    @field_validator("early_s")
    @classmethod
    def _every_source(cls, given: dict[str, float]) -> dict[str, float]:
        unknown = sorted(set(given) - set(EARLY_S))
        if unknown:
            raise ValueError(f"unknown label source {unknown[0]!r}; there are {', '.join(EARLY_S)}")
        return {**EARLY_S, **given}

    @model_validator(mode="after")
    def _in_order(self) -> Evaluation:
        if self.span_from is not None and self.span_to is not None and self.span_to <= self.span_from:
            raise ValueError("span_to must be after span_from")
        return self


class FileEntry(BaseModel):
    """A file as written: a quick way to see that nothing changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bytes: Annotated[int, Field(ge=0)]
    sha256: Digest


class DatasetCard(ShowsItself, Record):
    """Identity, span, tables and evaluation settings of a dataset.

    ``digest`` covers the frozen telemetry, the reference data and the ingest delay; labels have their own.
    """

    name: Name
    source: str = ""
    created_at: Instant
    namespace: Namespace | None = None
    cadence_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Usual seconds between samples of a series; None where there is no usual."""
    ingest_delay_s: Seconds = 0.0
    """Arrival of a record without ``ingested_at`` is its timestamp plus this."""
    span_from: Instant
    span_to: Instant
    """Samples lie in [span_from, span_to)."""
    rows: Annotated[int, Field(ge=0)]
    series: Annotated[int, Field(ge=0)]
    digest: Digest
    tables: dict[str, TableEntry]
    files: dict[str, FileEntry] = Field(default_factory=dict)
    evaluation: Evaluation = Field(default_factory=Evaluation)
    validation: Thresholds = Field(default_factory=Thresholds)
    """Where ``validate`` judges this dataset otherwise than as shipped; settings, no part of the digest."""
    correlation_domains: dict[str, tuple[ServiceId, ...]] = Field(default_factory=dict)
    synthetic: bool = False
    planted: PlantedMarker | None = None
    """Set on a copy with planted faults; such a copy is no evidence for any gate."""
    notes: str = ""

    @classmethod
    def load(cls, path: Path) -> DatasetCard:
        """Read ``dataset.yaml``.

        Raises:
            MalformedInput: file, line, field and way out of every fault.
            UnknownVersion: written by a newer major version.
        """
        return load_yaml(path, cls)

    @property
    def parts(self) -> DataParts:
        """What tells this dataset from another, as the card says it; evidence keeps it."""
        settings = self.evaluation.model_dump(mode="json", by_alias=True)
        return DataParts(
            tables={name: entry for name, entry in self.tables.items() if entry.rows},
            ingest_delay_s=self.ingest_delay_s,
            evaluation={
                name: hashlib.sha256(canonical_json(value).encode()).hexdigest()
                for name, value in settings.items()
            },
        )

    def to_yaml(self) -> str:
        """The card as text that :meth:`load` reads back equal."""
        data = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        if self.validation == Thresholds():
            del data["validation"]
        return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)

    def _repr_html_(self) -> str:
        rows = [
            ["span", f"{format_instant(self.span_from)} to {format_instant(self.span_to)}"],
            ["samples", f"{self.rows:,} of {self.series:,} series"],
            ["cadence", f"{self.cadence_s:g} s" if self.cadence_s else "mixed"],
            *([name, f"{entry.rows:,} rows"] for name, entry in self.tables.items() if name != "samples"),
            ["source", self.source],
            ["digest", self.digest],
        ]
        return html_table(self.name, ["dataset", ""], rows)


class _Dumper(yaml.SafeDumper):
    """Quotes every text that could be read as something else: the reader's dialect knows 1e5 as a number."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    plain = re.fullmatch(r"[A-Za-z_][\w./ -]*", value) is not None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=None if plain else '"')


_Dumper.add_representer(str, _text)
