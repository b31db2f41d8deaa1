"""``compare`` of two contenders that differ in nothing but the correlator: told, judged and drawn alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from titleshot.datasets.contracts.correlator_changes import CorrelatorChange
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.replay_log import ReplayLog
from titleshot.pipelines.compare_words import told_of_change
from titleshot.pipelines.replay import replay
from titleshot.registry.evidence import read_evidence

pytestmark = pytest.mark.slow
RECIPE = """name: buckets
lateness_s: 60
detectors: [{match: {}, detector: {family: robust_mad, window: 144, threshold: 6.0}}]
correlator: {family: bucket, bucket_s: 900}
"""


@pytest.fixture(scope="module")
def logs(small_platform: Dataset, tmp_path_factory: pytest.TempPathFactory) -> tuple[ReplayLog, ReplayLog]:
    folder = tmp_path_factory.mktemp("correlators")
    made = []
    for name, correlator in (
        ("buckets", "{family: bucket, bucket_s: 900}"),
        ("alerts", "{family: every_alert}"),
    ):
        recipe = folder / f"{name}.yaml"
        text = RECIPE.replace("{family: bucket, bucket_s: 900}", correlator).replace("buckets", name)
        recipe.write_text(text)
        made.append(replay(small_platform, recipe, out=folder / name))
    return made[0], made[1]


def test_terminal_document_evidence_and_page_say_the_same(
    titleshot: Any, small_platform: Dataset, logs: tuple[ReplayLog, ReplayLog], tmp_path: Path
) -> None:
    first, second = logs
    out, page = tmp_path / "evidence", tmp_path / "page.html"
    words = ("compare", second.path, first.path, "--labels", small_platform.path, "--out", out)
    ran = titleshot(*words, "--json")
    assert ran.code in {0, 1, 3}
    change = CorrelatorChange.model_validate(ran.document["correlator_change"])
    assert change == read_evidence(out).comparison.correlator_change
    assert change.same_paging is True
    assert change.pages == (len(second.pages()), len(first.pages()))
    assert change.alerts == change.incidents[0] > change.incidents[1]
    assert change.split.value == 0
    assert change.worst_merges
    told = "\n".join(told_of_change(change))
    assert f"only the correlator differs ({change.challenger} for {change.champion})" in told
    assert titleshot("report", out, "--out", page).code == 0
    assert "What the other correlator changes" in page.read_text()


def test_other_detectors_leave_the_section_out(
    titleshot: Any,
    small_platform: Dataset,
    small_log: ReplayLog,
    logs: tuple[ReplayLog, ReplayLog],
    tmp_path: Path,
) -> None:
    words = (
        "compare",
        small_log.path,
        logs[0].path,
        "--labels",
        small_platform.path,
        "--out",
        tmp_path / "e",
    )
    assert "only the correlator differs" not in titleshot(*words, "--quiet").err
    assert read_evidence(tmp_path / "e").comparison.correlator_change is None
