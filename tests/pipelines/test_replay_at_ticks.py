"""What is said at ticks, silence and broken rules, in a replay: the same by parts, and told in the log."""

from pathlib import Path

import pytest

from titleshot.datasets.dataset import Dataset
from titleshot.datasets.replay_log import TABLES, ReplayLog
from titleshot.detectors.contender import Contender
from titleshot.detectors.recipe import Recipe, load_recipe
from titleshot.pipelines.replay import replay


def contender() -> Contender:
    recipe = load_recipe("watchful").model_dump(mode="json")
    rule = {"owner": "sre", "reason": "agreed", "namespace": "*"}
    recipe["invariants"] = [
        {"name": "busy", "must": "cpu_ratio < 0.9 and error_ratio < 0.02", "expires": "2030-01-01", **rule},
        {"name": "old", "must": "cpu_ratio < 0.01", "expires": "2026-01-05", **rule},
    ]
    return Contender(Recipe.model_validate(recipe))


def tables(log: ReplayLog) -> dict[str, bytes]:
    paths = {name: log.path / f"{name}.parquet" for name in TABLES}
    return {name: path.read_bytes() for name, path in paths.items() if path.is_file()}


@pytest.mark.slow
def test_blocks_and_workers_say_the_same_of_silence_and_rules(
    small_platform: Dataset, tmp_path: Path
) -> None:
    alone = replay(small_platform, contender(), out=tmp_path / "alone")
    said = set(alone.table("events").column("detector").to_pylist())
    assert {name.partition("@")[0] for name in said} >= {"no_data", "invariant:busy", "time_of_day"}
    assert alone.about["invariants"][0]["hits"] > 0
    assert [rule["expired"] for rule in alone.about["invariants"]] == [False, True]
    for name, options in (("small", {"block_rows": 5_000}), ("parts", {"workers": 2})):
        other = replay(small_platform, contender(), out=tmp_path / name, **options)
        assert tables(other) == tables(alone)
        assert other.about["invariants"] == alone.about["invariants"]
        assert other.about["counts"]["events"] == alone.about["counts"]["events"]
