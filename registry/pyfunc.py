"""What ``mlflow.pyfunc.load_model("models:/NAME@ALIAS")`` gives a batch user: samples in, anomaly events out.

MLflow calls ``_load_pyfunc`` with the artifact's folder. It checks no digest, so the parts are checked
against the manifest here; to check the promoter's signature too, load through titleshot.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from titleshot.datasets.contracts.record import canonical_json
from titleshot.datasets.contracts.telemetry import Sample
from titleshot.datasets.errors import MalformedInput
from titleshot.registry.artifact import Artifact

if TYPE_CHECKING:
    import pandas as pd

_NEEDED = ("timestamp", "namespace", "service", "metric_name", "value")


class BatchContender:
    """A contender over one frame of samples at a time. Nothing is remembered from call to call."""

    def __init__(self, folder: Path) -> None:
        self.artifact = Artifact(folder)

    def predict(self, samples: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:  # noqa: ARG002
        """Anomaly events of a frame of samples, a row each.

        Args:
            samples: columns timestamp (aware, or ISO 8601 text), namespace, service, metric_name, value, and
                where there are any series_labels (a map) and ingested_at. Rows are taken in the order they
                arrived: by ingested_at, else timestamp.

        Raises:
            MalformedInput: a column is missing, or a row breaks the contract; names the row.
        """
        import pandas as pd

        missing = [name for name in _NEEDED if name not in samples.columns]
        if missing:
            raise MalformedInput(f"samples lack the column {missing[0]!r}; needed are {', '.join(_NEEDED)}")
        engine = self.artifact.contender.engine()
        arrived = sorted(
            ((s.ingested_at or s.timestamp, s) for s in _samples(samples)), key=lambda pair: pair[0]
        )
        said = [engine.push_records(arrived), engine.flush()]
        events = [event for part in said for event in part.events.records(engine.series)]
        return pd.DataFrame([event.model_dump(mode="json") for event in events])


def _samples(frame: pd.DataFrame) -> list[Sample]:
    rows = []
    for number, row in enumerate(frame.to_dict(orient="records")):
        known = {str(name): _plain(value) for name, value in row.items()}
        given = {name: value for name, value in known.items() if value is not None or name == "value"}
        rows.append(Sample.from_json(canonical_json(given), where=f"row {number}"))
    return rows


def _plain(value: object) -> object:
    """What JSON can hold of a cell: times and infinities as text, NaN and NaT as null."""
    if value != value:
        return None
    if isinstance(value, float) and math.isinf(value):
        return str(value)
    return value.isoformat() if hasattr(value, "isoformat") else value


def _load_pyfunc(path: str) -> BatchContender:
    return BatchContender(Path(path))
