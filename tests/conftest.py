"""What tests of several rooms share: the command line in this process, a small platform, the real data."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from titleshot.datasets.contracts.instants import DAY, SECOND, parse_instant
from titleshot.datasets.contracts.labels import IncidentLabel
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.contracts.reference import Maintenance
from titleshot.datasets.contracts.validation import ValidationReport
from titleshot.datasets.dataset import VALIDATION, Dataset
from titleshot.datasets.dataset_card import DontCare, Evaluation
from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.replay_log import ReplayLog
from titleshot.datasets.sample_files import NO_INSTANT
from titleshot.pipelines.cli import main
from titleshot.pipelines.generate import generate
from titleshot.pipelines.replay import replay

# Makes the servers beside the tests importable: tests are no package here.
sys.path.append(str(Path(__file__).parent))

# How busy the machine is says nothing about the code; and whether a change may land is not drawn by lot: CI
# tries the same examples each time, a run by hand new ones.
settings.register_profile(
    "titleshot", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize="CI" in os.environ
)
settings.load_profile("titleshot")


class Ran(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """Standard output as the one JSON document it must be."""
        document: dict[str, Any] = json.loads(self.out)
        return document


Titleshot = Callable[..., Ran]
START = parse_instant("2026-02-02T00:00:00Z")


@pytest.fixture(autouse=True)
def nobody_else_s_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow leaves the store it was last told of in the environment; no test may find it there."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("TITLESHOT_HOME", raising=False)


@pytest.fixture
def titleshot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Titleshot:
    """``titleshot(WORD, …)`` in this process, with a home of its own; a bug raises."""
    monkeypatch.setenv("TITLESHOT_DEBUG", "1")
    monkeypatch.setenv("TITLESHOT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    def run(*words: object) -> Ran:
        capsys.readouterr()
        code = main([str(word) for word in words])
        return Ran(code, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The real labelled data."""
    named = os.environ.get("TITLESHOT_DATA")
    if not named:
        pytest.skip("TITLESHOT_DATA is not set")
    if not Path(named).is_dir():
        pytest.skip(f"TITLESHOT_DATA names {named}, and no folder is there")
    return Path(named)


@pytest.fixture(scope="session")
def small_platform(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Four services, three weeks, passed for replay; not to be written to."""
    dataset = generate(
        tmp_path_factory.mktemp("platform") / "small", services=4, days=21, cadence_s=600, seed=3
    )
    let_pass(dataset)
    return dataset


@pytest.fixture(scope="session")
def small_log(small_platform: Dataset, tmp_path_factory: pytest.TempPathFactory) -> ReplayLog:
    """What the shipped baseline says of it; not to be written to."""
    return replay(small_platform, "baseline", out=tmp_path_factory.mktemp("log") / "baseline")


@pytest.fixture
def copy_of(tmp_path: Path) -> Callable[..., Path]:
    """A copy of a folder, to break."""

    def copy(folder: Path, name: str) -> Path:
        return Path(shutil.copytree(folder, tmp_path / name))

    return copy


def let_pass(dataset: Dataset) -> None:
    """Write the validation report that lets a dataset be replayed, without the seconds that a run takes."""
    report = ValidationReport(
        passed=True,
        dataset_digest=dataset.card.digest,
        labels_digest=dataset.labels().digest,
        rules=(),
        validated_at=dataset.card.span_to,
    )
    (dataset.path / VALIDATION).write_text(report.to_json(), encoding="utf-8")


@pytest.fixture(scope="session")
def noisy_shop(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Three services of white noise over two weeks, passed for planting and replay; not to be written to.

    ``queue_depth`` holds whole numbers, ``load_ratio`` lies within 0 and 1, ``version`` never moves. A sample
    in five hundred comes twice, late or as NaN. Three incidents, a maintenance window, a span not scored.
    """
    rng = np.random.default_rng(5)
    times = START + np.arange(14 * 288, dtype=np.int64) * 300 * SECOND
    span = (START + 8 * DAY, START + 8 * DAY + 6 * 3600 * SECOND)
    evaluation = Evaluation(
        warm_up_s=86_400, dont_care=(DontCare(from_=span[0], to=span[1], reason="migration"),)
    )
    place = tmp_path_factory.mktemp("noisy") / "shop"
    with DatasetWriter(
        place, name="noisy-shop", ingest_delay_s=5, evaluation=evaluation, created_at=START
    ) as writer:
        for service in ("auth", "cart", "web"):
            for metric, level, noise in (
                ("latency_s", 0.2, 0.01),
                ("queue_depth", 40.0, 4.0),
                ("load_ratio", 0.5, 0.02),
                ("requests_per_second", 90.0, 3.0),
                ("temperature", -2.0, 0.5),
                ("version", 7.0, 0.0),
            ):
                values = rng.normal(level, noise, len(times))
                values = np.rint(values) if metric == "queue_depth" else values
                values[rng.random(len(times)) < 0.002] = np.nan
                late = np.where(rng.random(len(times)) < 0.002, times + 40 * SECOND, NO_INSTANT)
                twice = np.flatnonzero(rng.random(len(times)) < 0.002)
                (code,) = writer.add_series([SeriesKey("shop", service, metric)])
                writer.add_samples(np.full(len(times), code), times, values, late)
                writer.add_samples(np.full(len(twice), code), times[twice], values[twice] + noise)
        for at, name in ((4, "cart"), (7, "web"), (11, "auth")):
            start = START + at * DAY + 3600 * SECOND
            label = IncidentLabel(
                incident_id=f"INC-{at}",
                start=start,
                end=start + 5400 * SECOND,
                root_service=f"shop/{name}",
                severity="high",
                kind="outage",
                source="human",
                known_at=start + DAY,
            )
            writer.add_labels(incidents=[label])
        window = (START + 6 * DAY, START + 6 * DAY + 4 * 3600 * SECOND)
        writer.add_reference(
            [Maintenance(service="shop/cart", valid_from=window[0], valid_to=window[1], known_from=window[0])]
        )
    dataset = Dataset.open(place)
    let_pass(dataset)
    return dataset
