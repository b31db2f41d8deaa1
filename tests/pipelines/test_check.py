"""The verb ``check``: the laws on a contender, a family, or a class of one's own."""

import argparse
import sys
from pathlib import Path

import pytest

from titleshot.datasets.errors import MalformedInput, UsageError
from titleshot.pipelines.check import arguments, check, command
from titleshot.pipelines.outcome import silent

_MUTANTS = Path(__file__).parents[1] / "detectors" / "mutants.py"


def run(*argv):
    parser = argparse.ArgumentParser()
    arguments(parser)
    return command(parser.parse_args([str(word) for word in argv]), silent)


def test_a_family_that_keeps_the_laws_ends_well():
    outcome = run("rolling_z_score", "--param", "window=12", "--seeds", 1)
    assert outcome.exit_code == 0
    assert outcome.document["servable"] is True
    assert [law["number"] for law in outcome.document["laws"]] == list(range(1, 11))
    assert outcome.text.endswith("rolling_z_score: keeps the laws; it may be served")


def test_a_class_of_ones_own_that_breaks_a_law_is_told_which_and_on_what():
    outcome = run(f"{_MUTANTS}:ForgetsAtBlockEdges", "--seeds", 1)
    assert outcome.exit_code == 1
    broken = [law for law in outcome.document["laws"] if law["outcome"] == "broken"]
    assert [law["promise"] for law in broken] == ["any chunking says the same"]
    assert "records:" in broken[0]["stream"]
    assert "1 of 10 laws broken" in outcome.text


def test_a_module_in_the_folder_one_stands_in_is_found(tmp_path, monkeypatch):
    """CONTRIBUTING says ``titleshot check my_module:MyDetector``; the installed command starts elsewhere."""
    source = (
        "from titleshot.detectors.rolling_z_score import RollingZScore\n\n\nclass Mine(RollingZScore): ...\n"
    )
    (tmp_path / "a_module_of_ones_own.py").write_text(source, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [entry for entry in sys.path if entry])
    assert run("a_module_of_ones_own:Mine", "--param", "window=12", "--seeds", 1).exit_code == 0


def test_a_contender_from_a_file_is_tried_whole(tmp_path):
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(
        "name: mine\n"
        "detectors:\n"
        "  - match: {metric_name: 'latency_*'}\n"
        "    detector: {family: rolling_z_score, memory_s: 3600}\n"
        "  - detector: {family: seasonal_baseline}\n"
        "correlator: {family: bucket}\n"
    )
    assert check(target=str(recipe), seeds=1).exit_code == 0


@pytest.mark.parametrize(
    ("argv", "error", "words"),
    [
        (["nobody:Nothing"], UsageError, "nobody:Nothing cannot be imported: ModuleNotFoundError"),
        (
            ["titleshot.datasets.errors:UsageError"],
            UsageError,
            "is no Detector, RowDetector, Correlator or Part",
        ),
        (["titleshot.detectors.check:LAWS"], UsageError, "name a class"),
        (["rolling_z_score", "--param", "window"], UsageError, "must be NAME=VALUE"),
        (["rolling_z_score", "--param", "window=soon"], MalformedInput, "window"),
        (["rolling_z_score", "--seeds", "0"], UsageError, "--seeds must be at least 1"),
        (["absent.yaml"], UsageError, "absent"),
    ],
)
def test_a_target_that_cannot_be_tried_is_refused(argv, error, words):
    with pytest.raises(error, match=words):
        run(*argv)
