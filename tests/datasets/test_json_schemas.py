"""The schemas on disk are those of the records, and the records of the module's form fit them."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from titleshot.datasets.contracts.events import AnomalyEvent
from titleshot.datasets.contracts.telemetry import Sample
from titleshot.datasets.json_schemas import (
    FOLDER,
    contract_models,
    file_name,
    json_schema,
    schema_files,
    write_schemas,
)

EVENT_1_0 = {
    "schema_version": "1.0",
    "event_type": "anomaly",
    "timestamp": "2026-04-26T01:09:00Z",
    "namespace": "commerce",
    "service": "checkout-api",
    "metric_name": "latency_p99",
    "value": 1.86,
    "expected": 0.4256,
    "lower_bound": 0.3606,
    "upper_bound": 0.4905,
    "anomaly_score": 1.0,
    "detector": "rolling_z_score",
    "evidence": {"window_size": 20, "baseline_points": 9, "z_score": 66.2571, "direction": "high"},
}


def test_the_schemas_on_disk_are_those_of_the_records() -> None:
    on_disk = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}

    assert on_disk == schema_files(), "run: python -m titleshot.datasets.json_schemas"


@pytest.mark.parametrize("model", contract_models(), ids=lambda model: model.__name__)
def test_every_schema_is_a_schema(model: type) -> None:
    Draft202012Validator.check_schema(json_schema(model))


def test_an_event_without_id_and_window_is_read_and_fits_the_schema() -> None:
    Draft202012Validator(json_schema(AnomalyEvent)).validate(EVENT_1_0)

    event = AnomalyEvent.model_validate(EVENT_1_0)

    assert len(event.event_id) == 32
    assert event.evidence.direction == "high"


def test_what_a_record_writes_fits_its_own_schema() -> None:
    validator = Draft202012Validator(json_schema(Sample))
    for value in (0.41, float("nan"), float("inf"), float("-inf")):
        sample = Sample(timestamp=0, namespace="a", service="b", metric_name="c", value=value)

        validator.validate(json.loads(sample.to_json()))

        assert Sample.from_json(sample.to_json()).to_json() == sample.to_json()


def test_a_schema_knows_the_versions_it_speaks_of() -> None:
    version = json_schema(AnomalyEvent)["properties"]["schema_version"]

    assert version["enum"] == ["1.0", "1.1"]


def test_writing_leaves_no_schema_of_a_record_that_is_gone(tmp_path) -> None:
    (tmp_path / "retired_record.json").write_text("{}")

    write_schemas(tmp_path)

    assert {path.name for path in tmp_path.iterdir()} == {file_name(model) for model in contract_models()}
