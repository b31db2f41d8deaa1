"""``datasets/README.md`` to the letter: a real Prometheus, a PagerDuty export, a first comparison."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shlex import split

import pytest
from prometheus_server import Line, backfill, needs_prometheus, running
from test_documents import BLOCK, commands_in

from titleshot.datasets.contracts.instants import SECOND, format_instant
from titleshot.datasets.dataset import Dataset
from titleshot.pipelines.generate import generate

PAGE = Path(__file__).parents[2] / "datasets" / "README.md"
ADDRESS = "http://localhost:9090"
TOOL_NAMES = {"commerce/checkout-api": "Checkout", "platform/orders-db": "Orders DB"}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return generate(tmp_path_factory.mktemp("truth") / "platform", services=4, days=35, seed=3)


@pytest.fixture(scope="module")
def server(platform: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus that scraped the platform."""
    needs_prometheus()
    folder = tmp_path_factory.mktemp("prometheus")
    keys = platform.series()
    lines = (
        Line(
            keys[code].metric_name,
            {"namespace": keys[code].namespace, "app": keys[code].service, "job": "scrape", "pod": "a"},
            at / SECOND,
            value,
        )
        for block in platform.blocks()
        for code, at, value in zip(
            block.codes.tolist(), block.timestamps.tolist(), block.values.tolist(), strict=True
        )
    )
    backfill(folder, lines)
    with running(folder) as address:
        yield address


def write_labels(platform: Dataset, folder: Path) -> None:
    folder.mkdir()
    labels = platform.labels()
    (folder / "incidents.jsonl").write_text("".join(f"{row.to_json()}\n" for row in labels.incidents))
    (folder / "reference.jsonl").write_text("".join(f"{row.to_json()}\n" for row in platform.reference()))


def write_export(platform: Dataset, path: Path) -> None:
    """The pages as PagerDuty's report has them: naive times, its own names of services."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "description", "service_name", "urgency", "created_on", "resolved_on"])
        for page in platform.labels().pages:
            times = [
                "" if at is None else format_instant(at).rstrip("Z").replace("T", " ").partition(".")[0]
                for at in (page.paged_at, page.closed_at)
            ]
            name = TOOL_NAMES.get(page.services[0], page.services[0].partition("/")[2])
            rows.writerow([page.page_id, page.summary, name, "high", *times])


def test_a_newcomer_comes_from_prometheus_and_pagerduty_to_a_first_comparison(
    platform: Dataset, server: str, tmp_path: Path
) -> None:
    write_labels(platform, tmp_path / "labels")
    write_export(platform, tmp_path / "pagerduty.csv")
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    environment.pop("TITLESHOT_HOME", None)
    said = {}
    for language, name, block in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if language == "yaml" and name:
            (tmp_path / name).write_text(block, encoding="utf-8")
        for command in commands_in(block) if language == "console" else []:
            ran = subprocess.run(
                split(command.replace(ADDRESS, server)),
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            verdict = command.startswith("titleshot compare")
            assert ran.returncode in ({0, 1, 3} if verdict else {0}), f"{command}\n{ran.stderr}"
            said[" ".join(command.split()[1:3])] = ran.stderr

    imported, original = Dataset.open(tmp_path / "shop"), platform
    assert len(imported.series()) == 16
    assert [label.incident_id for label in imported.labels().incidents] == [
        label.incident_id for label in original.labels().incidents
    ]
    assert "samples of 16 series kept" in said["import prometheus"]
    assert "opaque" in (tmp_path / "today" / "log.json").read_text()
    for page in ("validation.html", "report.html", "sensitivity.html"):
        assert (tmp_path / page).read_text(encoding="utf-8").lower().startswith("<!doctype html>")
    assert {"import", "validate", "score", "replay", "compare", "report", "plant", "sensitivity"} <= {
        command.split()[0] for command in said
    }
