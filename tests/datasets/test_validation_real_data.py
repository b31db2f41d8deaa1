"""Real telemetry is judged alike by the gate and by rows, and nothing in it blocks."""

from __future__ import annotations

from pathlib import Path

import pytest

from titleshot.pipelines.import_ import import_dataset
from titleshot.pipelines.validate import validate

SOURCES = {
    "nab": "nab",
    "ms-cloud": "ms-cloud-monitoring",
    "nezha": "nezha/rca_data/2022-08-22",
    "petshop": "petshop",
}


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize("name", SOURCES)
def test_the_gate_and_the_rows_agree_on_real_data(name: str, data_folder: Path, tmp_path: Path) -> None:
    from titleshot.datasets.validation.cross_check import NOT_IN_ROWS, cross_check

    source = data_folder / SOURCES[name]
    if not source.is_dir():
        pytest.skip(f"{source} is not there")
    dataset = import_dataset(format=name, source=source, dataset=tmp_path / name)
    report = validate(dataset)
    assert report.passed
    broken = {rule.rule for rule in report.rules if not rule.passed}
    assert cross_check(dataset) == broken - set(NOT_IN_ROWS)
