"""What a dataset is made of, part by part: kept with what was said of it, so that a later reader can name
the part that is no longer the same."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class TableEntry(BaseModel):
    """Rows of a table and the digest of their canonical content."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: Annotated[int, Field(ge=0)]
    digest: Digest


class DataParts(BaseModel):
    """Tables, ingest delay and evaluation settings of a dataset at one moment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tables: dict[str, TableEntry]
    """Every table with rows, by its name in ``dataset.yaml``."""
    ingest_delay_s: float
    evaluation: dict[str, Digest]
    """Evaluation setting to SHA-256 of its value: not in the dataset's digest, but scores rest on them."""
