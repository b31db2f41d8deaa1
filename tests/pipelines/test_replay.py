"""Replay: what a contender says of a dataset, block by block or in parts, never a byte different."""

from pathlib import Path

import pytest

from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import InvalidDataset, NotFitted, UsageError
from titleshot.datasets.replay_log import ReplayLog
from titleshot.datasets.synthetic.platform import generate_dataset
from titleshot.detectors.contender import Contender
from titleshot.detectors.recipe import Recipe
from titleshot.pipelines.cli import main
from titleshot.pipelines.fit import fit
from titleshot.pipelines.replay import replay
from titleshot.pipelines.validate import validate

SEASONAL = {
    "name": "seasonal",
    "lateness_s": 300,
    "detectors": [
        {"match": {"metric_name": "queue*"}, "detector": {"family": "robust_mad", "spread_floor": 1.0}},
        {"detector": {"family": "seasonal_baseline", "threshold": 5.0}},
    ],
    "correlator": {"family": "topology_sessions"},
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    data = generate_dataset(tmp_path_factory.mktemp("shop") / "data", services=6, days=14, seed=3)
    validate(data)
    return data


def tables(log: ReplayLog) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in log.path.glob("*.parquet")}


@pytest.mark.parametrize("contender", ["module", "general"])
def test_blocks_and_workers_do_not_change_a_byte(shop, tmp_path, contender):
    whole = replay(shop, contender, out=tmp_path / "whole", scores=True)
    small = replay(shop, contender, out=tmp_path / "small", scores=True, block_rows=7_001)
    parts = replay(shop, contender, out=tmp_path / "parts", scores=True, workers=2)
    assert whole.table("events").num_rows > 100
    assert tables(whole) == tables(small) == tables(parts)
    assert whole.about["counts"] == small.about["counts"] == parts.about["counts"]


def test_domains_correlated_apart_give_the_same_incidents_and_say_which_calls_cross(shop, tmp_path, capsys):
    whole = replay(shop, "general", out=tmp_path / "whole")
    out = tmp_path / "apart"
    assert (
        main(["replay", str(shop.path), "general", "--out", str(out), "--by-domain", "--workers", "2"]) == 0
    )
    apart = ReplayLog(out)
    told = apart.about["correlation_domains"]
    assert told["source"] == "declared"
    assert told["crossing_calls"] == []
    assert "no call crosses" in capsys.readouterr().err
    assert tables(whole)["events.parquet"] == tables(apart)["events.parquet"]
    assert {i.to_json() for i in whole.incidents()} == {i.to_json() for i in apart.incidents()}
    assert {p.to_json() for p in whole.pages()} == {p.to_json() for p in apart.pages()}


def test_every_sample_is_scored_or_accounted_for(shop, tmp_path):
    log = replay(shop, "general", out=tmp_path / "log", scores=True)
    counts = log.about["counts"]
    dead = sum(n for name, n in counts.items() if name.startswith("dead_"))
    assert counts["samples"] + dead == shop.card.rows
    assert log.table("scores").num_rows == counts["samples"]
    assert log.table("dead_letters").num_rows == dead


def test_the_past_does_not_change_when_the_future_is_cut_off(shop, tmp_path):
    cut = shop.card.span_from + (shop.card.span_to - shop.card.span_from) // 2
    whole = replay(shop, "general", out=tmp_path / "whole").pages()
    half = [
        page for page in replay(shop, "general", out=tmp_path / "half", to=cut).pages() if not page.flushed
    ]
    assert half
    early = {page.page_id: page.model_copy(update={"closed_at": None, "last_event_at": 0}) for page in whole}
    assert all(early[p.page_id] == p.model_copy(update={"closed_at": None, "last_event_at": 0}) for p in half)


def test_an_unvalidated_dataset_is_refused(tmp_path):
    data = generate_dataset(tmp_path / "raw", services=4, days=3, seed=1)
    with pytest.raises(InvalidDataset, match="titleshot validate"):
        replay(data, "general", out=tmp_path / "log")
    assert not (tmp_path / "log").exists()


def test_a_contender_that_waits_too_briefly_is_told(shop, tmp_path):
    recipe = Contender.load("general").recipe.model_copy(update={"lateness_s": 1.0})
    with pytest.raises(UsageError, match="lateness_s"):
        replay(shop, Contender(recipe), out=tmp_path / "log")


def test_what_needs_fitting_names_fit_and_then_replays(shop, tmp_path):
    contender = Contender(Recipe.model_validate(SEASONAL))
    with pytest.raises(NotFitted, match="titleshot fit"):
        replay(shop, contender, out=tmp_path / "log")
    cutoff = shop.card.span_from + (shop.card.span_to - shop.card.span_from) // 2
    fitted = fit(shop, contender, out=tmp_path / "fitted", cutoff=cutoff, every_s=2 * 86_400)
    log = replay(shop, tmp_path / "fitted", out=tmp_path / "log", block_rows=5_000)
    seasonal = log.table("events").to_pandas().query("detector.str.startswith('seasonal')")
    assert len(seasonal) > 0
    assert seasonal["timestamp"].min().value >= cutoff
    assert fitted.fitted is not None
    assert len(fitted.fitted.valid_from) == 4
    whole = replay(shop, tmp_path / "fitted", out=tmp_path / "whole")
    assert tables(whole) == tables(log)


def test_fitting_twice_gives_the_same_bytes(shop, tmp_path):
    recipe = Recipe.model_validate(SEASONAL)
    for name in ("a", "b"):
        fit(shop, Contender(recipe), out=tmp_path / name)
    files = [{p.name: p.read_bytes() for p in (tmp_path / n).rglob("*") if p.is_file()} for n in ("a", "b")]
    assert files[0] == files[1]


def test_an_interrupted_replay_leaves_nothing(shop, tmp_path, monkeypatch):
    calls = []

    def stop(*_: object) -> None:
        calls.append(1)
        if len(calls) > 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replay(shop, "general", out=tmp_path / "log", block_rows=2_000, progress=stop)
    assert list(Path(tmp_path).iterdir()) == []
