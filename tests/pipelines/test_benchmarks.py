"""``titleshot benchmarks`` measures public sets by the code that judges, and says what it did not measure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from titleshot.detectors.contender import Contender
from titleshot.pipelines import benchmarks as command
from titleshot.pipelines.benchmarks_contenders import BARS, FAMILIES, NEED_FIT, at_other_bars, contenders
from titleshot.pipelines.benchmarks_nab import blind, protocol
from titleshot.pipelines.benchmarks_page import escaped
from titleshot.pipelines.outcome import silent
from titleshot.reports.literature.nab import nab_file

HOUSE = Path(__file__).parents[2]
ROWS = 600


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two files of NAB's layout with a spike in a window each; contextOSE saw one, and one that is none."""
    source = tmp_path / "data" / "nab"
    windows = {}
    rng = np.random.default_rng(1)
    for number in range(2):
        times = [datetime(2014, 4, 1) + timedelta(minutes=5 * row) for row in range(ROWS)]  # noqa: DTZ001
        values = 10 + rng.normal(size=ROWS)
        values[450] = 60
        scores = np.full(ROWS, 0.7)
        scores[450 - number * 200] = 0.9
        windows[f"group/file_{number}.csv"] = [
            [f"{times[row]:%Y-%m-%d %H:%M:%S.000000}" for row in (440, 470)]
        ]
        stamps = [f"{time:%Y-%m-%d %H:%M:%S}" for time in times]
        told = [f"{at},{value}" for at, value in zip(stamps, values, strict=True)]
        scored = [f"{at},{score}" for at, score in zip(stamps, scores, strict=True)]
        write(source / "data" / "group" / f"file_{number}.csv", ["timestamp,value", *told])
        place = source / "results" / "contextOSE" / "group" / f"contextOSE_file_{number}.csv"
        write(place, ["timestamp,anomaly_score", *scored])
    write(source / "labels" / "combined_windows.json", [json.dumps(windows)])
    return tmp_path / "data"


def write(path: Path, lines: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture
def two_contenders(monkeypatch: pytest.MonkeyPatch) -> None:
    def few() -> dict[str, Contender]:
        return {name: of for name, of in contenders().items() if name in ("general", "novelty")}

    monkeypatch.setattr(command, "contenders", few)


@pytest.mark.usefixtures("two_contenders")
def test_published_scores_are_matched_like_pages_and_called_oracle(
    data: Path, titleshot: Callable[..., Any], tmp_path: Path
) -> None:
    out = tmp_path / "out" / "BENCHMARKS.md"

    ran = titleshot("benchmarks", "--data", data, "--out", out, "--json")

    assert ran.code == 0, ran.err
    (found,) = ran.document["sets"]
    rows = {row["name"]: row for row in found["rows"]}
    theirs = rows["contextOSE at 0.768571428571"]
    assert (theirs["events"], theirs["of_events"], theirs["false_pages"]) == (1, 2, 1)
    assert theirs["kind"] == "oracle"
    # A page in 510 scored rows of five minutes of each of two files.
    assert theirs["false"][0] == pytest.approx(1 / (2 * 510 * 5 / 10_080), rel=0.02)
    assert rows["general"]["events"] == 2
    assert [row["name"] for row in found["curve"]] == [f"bar of {bar:g}" for bar in BARS]
    assert found["curve"][BARS.index(1)]["false_pages"] == rows["general"]["false_pages"]
    assert (rows["never"]["events"], rows["always"]["events"]) == (0, 2)
    page = out.read_text(encoding="utf-8")
    assert "contextOSE at 0.768571428571 (oracle) | 1 of 2" in page
    assert "`general` hits 2 of 2 events, contextOSE 1" in page
    assert "Not measured this time: `ms-cloud` and `smd`." in page
    assert str(tmp_path) not in page


@pytest.mark.usefixtures("two_contenders")
def test_a_criterion_that_is_not_met_is_said_not_to_be(data: Path, tmp_path: Path) -> None:
    for path in data.glob("nab/results/contextOSE/group/*.csv"):
        rows = path.read_text().splitlines()
        perfect = [f"{row.partition(',')[0]},{0.9 if at == 450 else 0.1}" for at, row in enumerate(rows[1:])]
        write(path, [rows[0], *perfect])
    command.benchmarks(data, out=tmp_path / "page.md")
    assert "**The criterion is not met.**" in (tmp_path / "page.md").read_text(encoding="utf-8")


def test_every_family_is_measured_or_said_not_to_be() -> None:
    from titleshot.detectors.families import FAMILIES as REGISTERED

    assert {*FAMILIES, *NEED_FIT, "novelty"} == set(REGISTERED)


def test_all_contenders_page_by_the_same_cooldown_and_wait_for_nothing() -> None:
    recipes = [of.recipe for of in (*contenders().values(), *at_other_bars().values())]
    assert {recipe.lateness_s for recipe in recipes} == {0.0}
    assert {recipe.paging.cooldown_s for recipe in recipes} == {3600.0}


def test_the_blind_alarm_rings_every_250th_row_of_the_file_also_after_the_probation() -> None:
    times = np.arange(1000)
    file = nab_file("a.csv", times, np.zeros(1000), [(400, 499)])
    rung = np.flatnonzero(blind(file).scores) + file.rows - len(file.scores)
    assert rung.tolist() == [250, 500, 750]


def test_the_interval_over_files_is_left_out_where_files_are_few_and_seeded_where_not() -> None:
    rng = np.random.default_rng(3)
    files = [nab_file(f"{n}.csv", np.arange(300), rng.random(300), [(200, 229)]) for n in range(6)]
    few = protocol({"some": (files[:4], 0.5)}, resamples=20, progress=silent)
    many = protocol({"some": (files, 0.5)}, resamples=20, progress=silent)
    assert [row.spread for row in few] == [None] * 3
    swept, given, _ = many
    assert swept.oracle
    assert not given.oracle
    assert given.spread is not None
    assert given.spread[0] < given.spread[1]
    assert many == protocol({"some": (files, 0.5)}, resamples=20, progress=silent)


def test_a_name_from_data_is_text_in_the_table() -> None:
    assert escaped("a|b\n<script>*") == r"a\|b \<script\>\*"


def test_what_is_not_there_is_refused_before_any_work(
    data: Path, titleshot: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TITLESHOT_DATA", raising=False)
    for words, says in (
        ((), "give --data DIR"),
        (("--data", data, "--only", "nap"), "no public set 'nap'"),
        (("--data", data, "--only", "smd"), "no folder here"),
        (("--data", data, "--only", ","), "names no set"),
    ):
        ran = titleshot("benchmarks", *words, "--out", tmp_path / "page.md")
        assert ran.code == 2
        assert says in ran.err
        assert not (tmp_path / "page.md").exists()


@pytest.mark.slow
@pytest.mark.data
def test_the_committed_page_has_what_the_command_finds_on_nab(
    data_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(
        command,
        "contenders",
        lambda: {k: of for k, of in contenders().items() if k in ("general", "novelty")},
    )
    command.benchmarks(data_folder, only="nab", out=tmp_path / "page.md")
    pages = (tmp_path / "page.md", HOUSE / "reports" / "BENCHMARKS.md")
    anew, committed = (rows_of(page.read_text(encoding="utf-8")) for page in pages)
    assert {"general", "novelty", "never", "always"} <= set(anew)
    for name, row in anew.items():
        assert committed[name] == row


def rows_of(page: str) -> dict[str, list[str]]:
    """Cells of NAB's rows by name, without the seconds, which never come again."""
    section = page.partition("## Numenta")[2].partition("\n### ")[0]
    rows = [re.split(r" ?\| ?", line)[1:-1] for line in section.splitlines() if line.startswith("| ")]
    return {row[0]: row[1:-1] for row in rows[1:]}
