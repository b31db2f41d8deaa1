"""Real labelled telemetry, the whole way; what is odd about it is told, neither fatal nor hidden."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from titleshot.datasets.dataset import Dataset

Titleshot = Callable[..., Any]


def _seen(source: Path) -> dict[str, int]:
    """What the files hold, counted plainly."""
    seen = {"rows": 0, "duplicates": 0, "out_of_order": 0}
    for path in source.glob("data/*/*.csv"):
        times = [line.split(",")[0] for line in path.read_text().splitlines()[1:]]
        seen["rows"] += len(times)
        seen["duplicates"] += len(times) - len(set(times))
        seen["out_of_order"] += sum(before > after for before, after in pairwise(times))
    return seen


def _line(told: str, what: str) -> str:
    """What an import told of something, without the commas between thousands."""
    end = " " if what.endswith(":") else "  "
    (line,) = [line for line in told.splitlines() if line.strip().startswith(what + end)]
    return re.sub(r"(?<=\d),(?=\d)", "", line.strip().removeprefix(what).strip())


def _recall(titleshot: Titleshot, dataset: Path, log: Path) -> dict[str, Any]:
    """Replay the baseline and score it: its incident recall."""
    ran = titleshot("replay", dataset, "baseline", "--out", log, "--json")
    assert ran.code == 0
    scored = titleshot("score", log, "--labels", dataset, "--json")
    assert scored.code == 0
    recall: dict[str, Any] = next(s for s in scored.document["scores"] if s["name"] == "incident_recall")
    return recall


@pytest.mark.slow
@pytest.mark.data
def test_nab_from_import_to_page(data_folder: Path, titleshot: Titleshot, tmp_path: Path) -> None:
    source, dataset = data_folder / "nab", tmp_path / "nab"

    imported = titleshot("import", "nab", source, dataset)
    assert imported.code == 0
    assert "without a zone read as UTC" in imported.err
    report, seen = Dataset.open(dataset).import_report()["samples"], _seen(source)
    assert Dataset.open(dataset).card.rows == seen["rows"], "every row is kept"
    assert report["duplicates"] == seen["duplicates"] > 0
    assert report["out_of_order"] == seen["out_of_order"]
    assert _line(imported.err, "duplicates").startswith(f"{seen['duplicates']},")

    validated = titleshot("validate", dataset)
    assert validated.code == 0
    for rule in ("repeated", "naive_timestamps"):
        assert f"  warning  {rule}" in validated.err
    assert ("  warning  disordered" in validated.err) == (seen["out_of_order"] > 0)

    logs = [tmp_path / "baseline", tmp_path / "general"]
    for log in logs:
        ran = titleshot("replay", dataset, log.name, "--out", log, "--json")
        assert ran.code == 0
        assert ran.document["counts"]["samples"] > 0
        assert ran.document["counts"]["dead_duplicate"] > 0
        scored = titleshot("score", log, "--labels", dataset, "--json")
        assert scored.code == 0
        recall = next(s for s in scored.document["scores"] if s["name"] == "incident_recall")
        assert recall["n"] > 0
        assert 0 <= recall["value"] <= 1

    compared = titleshot("compare", *logs, "--labels", dataset, "--out", tmp_path / "evidence")
    assert compared.code in {0, 1, 3}
    assert titleshot("verify", tmp_path / "evidence").code == 0

    page = tmp_path / "page.html"
    assert titleshot("report", tmp_path / "evidence", "--out", page).code == 0
    assert page.stat().st_size < 5_000_000


@pytest.mark.slow
@pytest.mark.data
def test_cloud_monitoring_from_import_to_scores(
    data_folder: Path, titleshot: Titleshot, tmp_path: Path
) -> None:
    source, dataset = data_folder / "ms-cloud-monitoring", tmp_path / "cloud"
    lines = [
        line.replace('"', "").split(",")
        for path in source.glob("data/*/*.csv")
        for line in path.read_text(encoding="utf-8-sig").splitlines()[1:]
    ]
    empty = sum(not value for _, value, _ in lines)

    imported = titleshot("import", "ms-cloud", source, dataset)

    assert imported.code == 0
    opened = Dataset.open(dataset)
    assert (opened.card.rows, empty > 0) == (len(lines) - empty, True)
    assert f"no value ({empty})" in imported.err
    naive = sum("Z" not in time for time, _, _ in lines)
    assert _line(imported.err, "times").startswith(f"{naive} without a zone read as UTC")
    assert "outbound-10" in imported.err, "the same telemetry as outbound-22, with other labels"
    validated = titleshot("validate", dataset)
    assert validated.code == 0
    for rule in ("quarantined", "naive_timestamps", "repeated", "cadence"):
        assert f"  warning  {rule} on" in validated.err
    for rule in ("out_of_range", "disordered", "label_"):
        assert f"  warning  {rule}" not in validated.err

    recall = _recall(titleshot, dataset, tmp_path / "log")

    assert 0.2 < recall["value"] < 0.6
    assert recall["n"] > 100


@pytest.mark.slow
@pytest.mark.data
def test_machines_by_index_from_import_to_scores(
    data_folder: Path, titleshot: Titleshot, tmp_path: Path
) -> None:
    """A selection: one machine and two application servers, one of them without its explanations."""
    whole, source, dataset = data_folder / "smd-asd", tmp_path / "some", tmp_path / "machines"
    for name in ("machine-2-7", "omi-1", "omi-4"):
        source.joinpath("npz").mkdir(parents=True, exist_ok=True)
        shutil.copy(whole / f"npz/{name}.npz", source / "npz")
    source.joinpath("interpretation_label").mkdir()
    for name in ("machine-2-7", "omi-1", "omi-3"):
        shutil.copy(whole / f"raw/data/interpretation_label/{name}.txt", source / "interpretation_label")

    imported = titleshot("import", "smd", source, dataset)

    assert imported.code == 0
    values = [np.load(path) for path in source.glob("npz/*.npz")]
    opened = Dataset.open(dataset)
    assert opened.card.rows == sum(of["train"].size + of["test"].size for of in values)
    starts = [np.count_nonzero(np.diff(of["test_label"], prepend=0) == 1) for of in values]
    assert len(opened.labels().incidents) == sum(starts) == 32
    assert "made up" in imported.err
    assert "interpretations of absent machines: 1" in imported.err
    assert _line(imported.err, "disorder").startswith("0 rows")
    validated = titleshot("validate", dataset)
    assert validated.code == 0
    assert "  warning  naive_timestamps" not in validated.err

    recall = _recall(titleshot, dataset, tmp_path / "log")

    assert recall["value"] > 0.3
    assert recall["n"] >= 10, "train is not scored, and pages that stay open carry others in"


@pytest.mark.slow
@pytest.mark.data
def test_injected_faults_from_import_to_scores(
    data_folder: Path, titleshot: Titleshot, tmp_path: Path
) -> None:
    dataset = tmp_path / "nezha"

    imported = titleshot("import", "nezha", data_folder / "nezha", dataset)

    assert imported.code == 0
    assert "52 labelled incidents" in imported.err
    assert "about_8_hours_off 24" in imported.err
    assert "adservice-5f6585d649-fnmft_metric.csv" in imported.err, "its TimeStamp is of another decade"
    validated = titleshot("validate", dataset)
    assert validated.code == 0
    for rule in ("naive_timestamps", "gaps", "non_finite"):
        assert f"  warning  {rule} on" in validated.err
    for rule in ("topology_without_telemetry", "repeated", "disordered", "label_"):
        assert f"  warning  {rule}" not in validated.err

    recall = _recall(titleshot, dataset, tmp_path / "log")

    assert recall["n"] > 40


@pytest.mark.slow
@pytest.mark.data
def test_one_scenario_of_a_pet_shop_from_import_to_scores(
    data_folder: Path, titleshot: Titleshot, tmp_path: Path
) -> None:
    """The one without metrics of its own for the time without issues."""
    dataset = tmp_path / "shop"

    imported = titleshot(
        "import", "petshop", data_folder / "petshop", dataset, "--scenario", "temporal_traffic1"
    )

    assert imported.code == 0
    assert "high_traffic's 589 rows, moved by -132 days" in imported.err
    assert "8 labelled incidents" in imported.err
    assert _line(imported.err, "decoy deploys:") == "21"
    assert "CC-BY-4.0" in Dataset.open(dataset).card.notes
    assert titleshot("validate", dataset).code == 0

    recall = _recall(titleshot, dataset, tmp_path / "log")

    assert recall["value"] > 0.2
    assert recall["n"] >= 6


def test_an_unsorted_file_in_nabs_layout_is_told_of_and_every_sample_is_used(
    titleshot: Titleshot, tmp_path: Path
) -> None:
    source, dataset = tmp_path / "source", tmp_path / "nab"
    (source / "data" / "made").mkdir(parents=True)
    (source / "labels").mkdir()
    (source / "labels" / "combined_windows.json").write_text(
        '{"made/cpu.csv": [["2014-01-03 10:00:00.000000", "2014-01-03 12:00:00.000000"]]}'
    )
    times = [f"2014-01-{day:02d} {hour:02d}:00:00" for day in range(1, 5) for hour in range(24)]
    rows = [f"{time},{n % 7}" for n, time in enumerate(times)]
    rows[10], rows[50] = rows[50], rows[10]
    (source / "data" / "made" / "cpu.csv").write_text("\n".join(["timestamp,value", *rows, rows[-1]]))

    imported = titleshot("import", "nab", source, dataset)
    assert imported.code == 0
    assert _line(imported.err, "times").startswith(f"{len(times) + 3} without a zone read as UTC")
    assert _line(imported.err, "duplicates").startswith("1,")
    assert _line(imported.err, "disorder").startswith("2 rows")

    validated = titleshot("validate", dataset)
    assert validated.code == 0
    assert "  warning  disordered" in validated.err
    assert "nab/made/cpu value at 2014-01-01T11:00:00Z" in validated.err

    ran = titleshot("replay", dataset, "baseline", "--out", tmp_path / "log", "--json")
    assert ran.code == 0
    counts = ran.document["counts"]
    assert counts["dead_duplicate"] == 1
    assert (
        counts["samples"] + sum(n for name, n in counts.items() if name.startswith("dead_")) == len(times) + 1
    )
