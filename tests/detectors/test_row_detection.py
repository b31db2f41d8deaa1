"""Detectors over feature rows within a contender: the laws, fitted as production would have it."""

import json
from itertools import pairwise

import numpy as np
import pytest

from titleshot.datasets.contracts.instants import DAY, HOUR
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import MalformedInput, NotFitted
from titleshot.detectors.block import SAMPLE, TICK, Block
from titleshot.detectors.contender import Contender
from titleshot.detectors.recipe import Recipe
from titleshot.pipelines.fit import fit
from titleshot.pipelines.replay import replay
from titleshot.pipelines.row_history import feature_rows, history
from titleshot.pipelines.stream import ArrivalStream

RECIPE = """
schema_version: "1.0"
name: rows
detectors:
  - match: {metric_name: "latency*"}
    detector: {family: rolling_z_score, threshold: 6}
rows:
  - match: {namespace: "*"}
    detector: {family: isolation_forest, false_alarm_ratio: 0.02, min_rows: 300, trees: 30}
    alert: {min_length: 1}
  - detector: {family: incident_classifier, min_incidents: 5, probability: 0.3, trees: 20}
correlator: {family: topology_sessions}
paging: {minimum_severity: low}
"""


@pytest.fixture(scope="module")
def fitted(small_platform: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Contender:
    folder = tmp_path_factory.mktemp("rows")
    (folder / "rows.yaml").write_text(RECIPE)
    cutoff = small_platform.card.span_from + 14 * DAY
    return fit(small_platform, folder / "rows.yaml", out=folder / "fitted", cutoff=cutoff)


@pytest.fixture(scope="module")
def blocks(small_platform: Dataset, fitted: Contender) -> tuple[Dataset, Block]:
    """Two and a half days of records from the moment the fit is valid: samples, ticks, reference rows."""
    start = small_platform.card.span_from + 14 * DAY
    codes = np.arange(len(small_platform.series()), dtype=np.int32)
    stream = ArrivalStream(small_platform, codes, fitted.recipe.tick, start, start + 60 * HOUR)
    return small_platform, Block.joined(list(stream.blocks(100_000)))


def said(data, contender, block, cuts, snapshot_at=None):
    engine = contender.engine()
    engine.codes(data.series())
    events, incidents, pages = [], [], []
    for number, (start, stop) in enumerate(pairwise(cuts)):
        if number == snapshot_at:
            state = engine.snapshot()
            engine = contender.engine()
            engine.restore(state)
        output = engine.push(block.part(start, stop))
        events += [record.to_json() for record in output.events.records(engine.series)]
        incidents += [record.to_json() for record in output.incidents]
        pages += [record.to_json() for record in output.pages]
    return events, (incidents, pages), engine.detection.row_report


def of_rows(events):
    return [event for event in map(json.loads, events) if event["detector"].startswith(("isol", "incident_"))]


def test_both_families_speak_and_every_event_tells_why(blocks, fitted):
    data, block = blocks
    events, others, report = said(data, fitted, block, [0, len(block)])
    mine = of_rows(events)
    assert {event["detector"].split("@")[0] for event in mine} == {"isolation_forest", "incident_classifier"}
    assert all(others)
    for event in mine:
        evidence = event["evidence"]
        assert evidence["features"] == "service_health 1.0"
        shares = {name: one["share"] for name, one in evidence["drivers"].items()}
        assert shares[event["metric_name"]] == max(shares.values())
        assert evidence["drivers"][event["metric_name"]]["value"] == event["value"]
        assert event["lower_bound"] <= event["expected"] <= event["upper_bound"]
        assert evidence["sample_count"] > 300
        assert evidence["owner"] == event["labels"]["team"]
    assert len({event["event_id"] for event in mine}) == len(mine)
    forest = next(v for k, v in report.items() if k.startswith("isolation_forest"))
    assert forest["rows"]["scored"] > 500


@pytest.mark.parametrize("seed", [1, 2, pytest.param(3, marks=pytest.mark.slow)])
def test_any_cut_and_a_restart_say_the_same(blocks, fitted, seed):
    data, block = blocks
    rng = np.random.default_rng(seed)
    inner = np.sort(rng.integers(0, len(block), 40)).tolist()
    cuts = [0, *inner, len(block)]
    whole = said(data, fitted, block, [0, len(block)])
    assert said(data, fitted, block, cuts, snapshot_at=int(rng.integers(1, 40))) == whole


@pytest.mark.slow
def test_one_record_at_a_time_says_the_same(blocks, fitted):
    data, block = blocks
    short = block.part(0, 6_000)
    whole = said(data, fitted, short, [0, len(short)])
    assert said(data, fitted, short, list(range(len(short) + 1))) == whole


def test_what_is_said_does_not_change_when_later_records_are_absent(blocks, fitted):
    data, block = blocks
    whole, _, _ = said(data, fitted, block, [0, len(block)])
    part, _, _ = said(data, fitted, block, [0, len(block) // 2])
    assert whole[: len(part)] == part
    assert of_rows(part)


@pytest.mark.slow
def test_workers_write_the_same_bytes(small_platform, fitted, tmp_path):
    one = replay(small_platform, fitted, out=tmp_path / "one")
    two = replay(small_platform, fitted, out=tmp_path / "two", workers=2)
    for name in ("events", "incidents", "pages", "dead_letters"):
        assert (one.path / f"{name}.parquet").read_bytes() == (two.path / f"{name}.parquet").read_bytes()
    about = [json.loads((log.path / "log.json").read_text()) for log in (one, two)]
    assert about[0]["feature_rows"] == about[1]["feature_rows"]
    assert about[0]["counts"] == about[1]["counts"]


def test_rows_made_for_a_fit_are_those_made_while_replaying(small_platform, fitted):
    cutoff = small_platform.card.span_from + 3 * DAY
    rows, names = feature_rows(small_platform, fitted.recipe, cutoff)
    longer, same = feature_rows(small_platform, fitted.recipe, cutoff + DAY)
    upto = int(np.searchsorted(longer.timestamps, rows.timestamps[-1], "right"))
    assert names == same[: len(names)]
    assert upto == len(rows)
    assert longer.values[:upto].tobytes() == rows.values.tobytes()


def test_a_fit_knows_only_labels_known_by_the_cutoff(small_platform, fitted):
    cutoff = small_platform.card.span_from + 14 * DAY
    found = history(small_platform, fitted.recipe, cutoff)
    known = small_platform.labels(cutoff - 1).incidents
    assert len(known) < len([one for one in small_platform.labels().incidents if one.start < cutoff])
    assert int(found.incident.max()) < len(known)
    assert found.labels["sources"] == {"injected": len(known)}
    late = np.quantile([one.known_at - one.start for one in known], 0.9)
    assert found.rows.timestamps[found.trusted].max() < cutoff - late + 1
    for number, label in enumerate(known[:5]):
        rows = np.flatnonzero(found.incident == number)
        touched = {found.service_names[place] for place in found.rows.services[rows]}
        assert touched <= {label.root_service, *label.affected_services}
        assert (
            (found.rows.timestamps[rows] >= label.start) & (found.rows.timestamps[rows] < label.end)
        ).all()


def test_without_arrays_it_must_be_fitted_first_and_others_arrays_are_refused(fitted, tmp_path):
    recipe = tmp_path / "rows.yaml"
    recipe.write_text(RECIPE)
    with pytest.raises(NotFitted, match=r"incident_classifier, isolation_forest.*titleshot fit"):
        Contender.load(recipe).engine()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("isolation_forest", "isolation_tree"), "isolation_forest"),
        (("trees: 30", "columns: [latency_chnge]"), "latency_change"),
        (("name: rows", "name: rows\ntick_s: 7"), "divides 300"),
        (("trees: 30", "trees: 0"), "trees"),
    ],
)
def test_a_broken_recipe_says_where_and_what_instead(tmp_path, change, says):
    path = tmp_path / "rows.yaml"
    path.write_text(RECIPE.replace(*change))
    with pytest.raises(MalformedInput, match=says) as caught:
        Contender.load(path)
    assert "rows.yaml" in str(caught.value)


def test_a_recipe_without_rows_keeps_the_digest_it_had():
    plain = Recipe.model_validate({"name": "a", "detectors": [{"detector": {"family": "robust_mad"}}]})
    content = plain.model_dump(mode="json")
    assert content["rows"] == []
    rows = plain.model_copy(update={"rows": Contender.load("baseline").recipe.rows})
    assert rows.digest == plain.digest


def test_ticks_alone_close_rows(blocks, fitted):
    data, block = blocks
    engine = fitted.engine()
    engine.codes(data.series())
    first = int(np.flatnonzero(block.kinds == SAMPLE)[205])
    engine.push(block.part(0, first + 1))
    before = engine.detection.row_report["service_health"]["rows"]
    at = (int(block.arrivals[first]) // HOUR + 2) * HOUR
    tick = Block(
        np.array([TICK], np.int8), np.array([at]), np.array([at]),
        np.array([-1], np.int32), np.array([np.nan]),
    )  # fmt: skip
    engine.push(tick)
    engine.push(Block(tick.kinds, tick.arrivals + HOUR, tick.timestamps + HOUR, tick.codes, tick.values))
    assert engine.detection.row_report["service_health"]["rows"] > before
