"""However the work is divided, the log's tables are the same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from titleshot.datasets.dataset import Dataset
from titleshot.datasets.replay_log import ReplayLog
from titleshot.pipelines.replay import replay


def tables(log: ReplayLog) -> dict[str, bytes]:
    """Every table's file as it is."""
    found = {path.name: path.read_bytes() for path in log.path.glob("*.parquet")}
    assert set(found) == {
        "dead_letters.parquet", "events.parquet", "incidents.parquet", "pages.parquet", "scores.parquet",
    }  # fmt: skip
    return found


@pytest.fixture(scope="module", params=["baseline", "general"])
def contender(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def alone(contender: str, small_platform: Dataset, tmp_path_factory: pytest.TempPathFactory) -> ReplayLog:
    out = tmp_path_factory.mktemp("alone") / contender
    return replay(small_platform, contender, out=out, scores=True)


def test_the_log_is_not_empty(alone: ReplayLog) -> None:
    assert alone.about["rows"]["events"] > 100
    assert alone.about["rows"]["pages"] > 10
    assert alone.about["rows"]["dead_letters"] > 10


def test_a_smaller_block_changes_nothing(
    contender: str, alone: ReplayLog, small_platform: Dataset, tmp_path: Path
) -> None:
    log = replay(small_platform, contender, out=tmp_path / "log", scores=True, block_rows=1009)
    assert tables(log) == tables(alone)
    assert log.about["counts"] == alone.about["counts"]


@pytest.mark.slow
@pytest.mark.parametrize("workers", [2, 3])
def test_processes_change_nothing(
    contender: str, workers: int, alone: ReplayLog, small_platform: Dataset, tmp_path: Path
) -> None:
    log = replay(
        small_platform, contender, out=tmp_path / "log", scores=True, workers=workers, block_rows=5003
    )
    assert tables(log) == tables(alone)
    assert log.about["counts"] == alone.about["counts"]
    assert log.about["run"]["workers"] == workers


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """A Dask scheduler with two worker processes."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as running:
        yield str(running.scheduler_address)


@pytest.mark.slow
def test_a_cluster_changes_nothing(
    contender: str, cluster: str, alone: ReplayLog, small_platform: Dataset, tmp_path: Path
) -> None:
    log = replay(small_platform, contender, out=tmp_path / "log", scores=True, workers=3, scheduler=cluster)
    assert tables(log) == tables(alone)
    assert log.about["counts"] == alone.about["counts"]
