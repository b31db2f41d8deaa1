"""``plant`` on the command line, and every door that stays shut to what it makes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from titleshot.datasets.contracts.validation import ValidationReport
from titleshot.datasets.dataset import VALIDATION, Dataset
from titleshot.datasets.errors import IntegrityError, InvalidDataset, TitleshotError, UsageError
from titleshot.datasets.label_layer import LabelLayer
from titleshot.datasets.planting.restored import write_restored
from titleshot.datasets.planting.traces import TABLES, traces_of
from titleshot.datasets.planting.wishes import Wishes
from titleshot.datasets.replay_log import ReplayLog
from titleshot.pipelines.compare import compare
from titleshot.pipelines.fit import fit
from titleshot.pipelines.judge import judge_again
from titleshot.pipelines.plant import plant
from titleshot.pipelines.replay import replay
from titleshot.registry.evidence import write_evidence
from titleshot.registry.judge import judge
from titleshot.registry.policy import load_policy
from titleshot.reports.comparison import compare_logs

Titleshot = Callable[..., Any]
FEW = Wishes(most=30, spacing_s=7200, duration_s=3600, overlap=True)


def let_pass(dataset: Dataset) -> Dataset:
    report = ValidationReport(
        passed=True,
        dataset_digest=dataset.card.digest,
        labels_digest=dataset.labels().digest,
        rules=(),
        validated_at=dataset.card.span_to,
    )
    (dataset.path / VALIDATION).write_text(report.to_json(), encoding="utf-8")
    return dataset


@pytest.fixture(scope="module")
def copy(noisy_shop: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    made, _ = plant(noisy_shop, out=tmp_path_factory.mktemp("planted") / "copy", wishes=FEW)
    return let_pass(made)


@pytest.fixture(scope="module")
def log(copy: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return replay(copy, "module", out=tmp_path_factory.mktemp("log") / "module").path


def test_the_command_says_what_it_planted_and_what_to_do_next(noisy_shop, tmp_path, titleshot: Titleshot):
    words = ["plant", noisy_shop.path, "--out", tmp_path / "copy", "--most", 12, "--kinds", "step,noise"]
    words += ["--sizes", "4,8", "--metrics", "*_s", "--overlap", "--spacing-s", 3600, "--duration-s", 1800]
    ran = titleshot(*words)
    assert (ran.code, ran.out) == (0, "")
    assert "12 faults planted into a copy of" in ran.err
    assert "kinds: 6 noise, 6 step" in ran.err
    assert f"next: titleshot validate {tmp_path / 'copy'}, then titleshot sensitivity" in ran.err
    again = titleshot(*words, "--replace", "--json")
    assert again.document["by_size"] == {"4": 6, "8": 6}
    assert again.document["digest"] == Dataset.open(tmp_path / "copy").card.digest
    assert again.document["from"] == {"name": "noisy-shop", "digest": noisy_shop.card.digest}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--kinds", "steps"], "unknown kind of fault 'steps'; did you mean 'step'"),
        (["--sizes", "4,big"], "must be a number above 0, got 'big'"),
        (["--sizes", "-4"], "must be a number above 0"),
        (["--most", "0"], "most must be at least 1"),
        (["--services", "nobody"], "no series of 'noisy-shop' fits"),
        (["--spacing-s", "-5"], "spacing_s must be from 0"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_and_nothing_is_left(words, says, noisy_shop, tmp_path, titleshot):
    ran = titleshot("plant", noisy_shop.path, "--out", tmp_path / "copy", *words)
    assert ran.code == 2
    assert says in ran.err
    assert not (tmp_path / "copy").exists()


def test_only_a_validated_dataset_is_planted_into_and_only_once(noisy_shop, copy, copy_of, tmp_path):
    bare = copy_of(noisy_shop.path, "bare")
    (bare / "validation.json").unlink()
    with pytest.raises(InvalidDataset, match="titleshot validate"):
        plant(bare, out=tmp_path / "out")
    with pytest.raises(UsageError, match="has planted faults already; plant into noisy-shop"):
        plant(copy, out=tmp_path / "out")


def test_compare_refuses_it_and_names_the_way(copy, log, tmp_path, titleshot: Titleshot):
    ran = titleshot("compare", "never", log, "--labels", copy.path, "--out", tmp_path / "evidence")
    assert ran.code == 2
    assert "has planted faults" in ran.err
    assert "titleshot sensitivity" in ran.err
    assert not (tmp_path / "evidence").exists()


def test_fit_refuses_it(copy, tmp_path):
    with pytest.raises(UsageError, match=r"planted faults .* refused by fit"):
        fit(copy, "baseline", out=tmp_path / "fitted")


def test_the_judge_refuses_a_comparison_that_was_made_past_compare(copy, log, tmp_path, titleshot):
    comparison, policy = compare_logs(None, ReplayLog(log), copy, resamples=100), load_policy()
    verdict = judge(comparison, policy)
    assert verdict.answer == "invalid"
    assert "planted" in verdict.reasons[0]
    evidence = write_evidence(tmp_path / "evidence", comparison, verdict, policy, beneath=tmp_path)
    assert judge_again(evidence.folder, policy=policy)[1].answer == "invalid"
    (tmp_path / "policy.yaml").write_text((evidence.folder / "policy.yaml").read_text())
    ran = titleshot("judge", evidence.folder, "--policy", tmp_path / "policy.yaml")
    assert ran.code == 2
    assert "titleshot sensitivity" in ran.err


def test_a_score_on_it_says_what_it_is(copy, log, titleshot: Titleshot):
    ran = titleshot("score", log, "--labels", copy.path, "--resamples", 100)
    assert ran.code == 0
    assert "note: planted faults among the incidents" in ran.err


def without_marker(folder: Path) -> None:
    card = folder / "dataset.yaml"
    text = card.read_text()
    start, end = text.index("planted:\n  from_name"), text.index("notes:")
    card.write_text(text[:start] + text[end:])


def without_tables(folder: Path) -> None:
    for name in ("planted", "replaced"):
        (folder / f"telemetry/{name}.parquet").unlink()


def without_labels(folder: Path) -> None:
    file = folder / "labels/incidents.jsonl"
    kept = [line for line in file.read_text().splitlines() if "planted:" not in line]
    file.write_text("\n".join(kept) + "\n")


def without_mention(folder: Path) -> None:
    card = folder / "dataset.yaml"
    data = yaml.safe_load(card.read_text())
    data["tables"] = {name: entry for name, entry in data["tables"].items() if name not in TABLES}
    data["files"] = {name: e for name, e in data["files"].items() if Path(name).stem not in TABLES}
    card.write_text(yaml.safe_dump(data))


@pytest.mark.parametrize(
    "edits",
    [
        (without_marker,),
        (without_tables,),
        (without_labels,),
        (without_marker, without_labels),
        (without_marker, without_tables),
        (without_tables, without_labels),
        (without_marker, without_tables, without_labels),
        (without_marker, without_tables, without_labels, without_mention),
    ],
)
def test_no_edit_of_the_folder_opens_the_door(edits, copy, log, copy_of, tmp_path):
    folder = copy_of(copy.path, "edited")
    for edit in edits:
        edit(folder)
    with pytest.raises(TitleshotError) as refused:
        compare(None, log, labels=folder, home=tmp_path / "home")
    if len(edits) < 4:
        assert "planted faults" in str(refused.value)
        assert traces_of(Dataset.open(folder))
    else:  # no trace is left, and it is no longer the dataset that its card's digest speaks of
        assert isinstance(refused.value, IntegrityError)
        assert not traces_of(Dataset.open(folder))


def test_labels_of_planted_faults_alone_are_trace_enough(noisy_shop, copy, copy_of):
    folder = copy_of(noisy_shop.path, "mixed")
    planted = [label for label in copy.labels().incidents if label.kind.startswith("planted:")]
    LabelLayer(folder / "labels").append(incidents=planted[:1])
    assert traces_of(Dataset.open(folder)) == ["1 incidents are labelled as planted"]


@pytest.mark.data
@pytest.mark.slow
def test_real_telemetry_takes_faults_and_gives_them_back(data_folder, tmp_path, titleshot: Titleshot):
    place, copy = tmp_path / "nab", tmp_path / "planted"
    assert titleshot("import", "nab", data_folder / "nab", place).code == 0
    assert titleshot("validate", place).code == 0
    ran = titleshot("plant", place, "--out", copy, "--json")
    assert ran.code == 0
    assert ran.document["faults"] > 100
    assert len(ran.document["by_kind"]) == 7
    back = write_restored(Dataset.open(copy), tmp_path / "back", told=lambda _: None)
    assert back.card.digest == Dataset.open(place).card.digest
    assert titleshot("validate", copy).code == 0
    found = titleshot("sensitivity", copy, "general", "--json").document["contenders"][0]["curves"][0]
    assert found["points"][-1]["found"] > found["points"][0]["found"]
