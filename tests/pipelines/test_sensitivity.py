"""``sensitivity``: contenders on planted faults, with and without; only who deserves credit gets it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import jsonschema
import pytest

from titleshot.datasets.contracts.sensitivity import SensitivityReport
from titleshot.datasets.contracts.validation import ValidationReport
from titleshot.datasets.dataset import VALIDATION, Dataset
from titleshot.datasets.errors import IntegrityError, InvalidDataset, NotFitted, UsageError
from titleshot.datasets.json_schemas import json_schema
from titleshot.datasets.planting.wishes import Wishes
from titleshot.detectors.contender import Contender
from titleshot.detectors.recipe import Recipe
from titleshot.pipelines.generate import generate
from titleshot.pipelines.plant import plant
from titleshot.pipelines.sensitivity import sensitivity

Titleshot = Callable[..., Any]
KINDS = ("step", "burst", "no_data")
MANY = Wishes(
    most=200,
    kinds=KINDS,
    metrics="[!lv]*",
    sizes=(1, 2, 4, 8, 16),
    spacing_s=7200,
    duration_s=3600,
    overlap=True,
    margin_s=1800,
    warm_up_s=86_400,
)


def contender(name: str, threshold: float, **match: str) -> Contender:
    """Pages every alert of a rolling z-score."""
    detector = {"family": "rolling_z_score", "window": 48, "min_points": 24, "threshold": threshold}
    return Contender(
        Recipe.model_validate(
            {
                "name": name,
                "lateness_s": 120,
                "detectors": [{"match": match, "detector": detector}],
                "correlator": {"family": "every_alert"},
                "paging": {"minimum_severity": "low"},
            }
        )
    )


def let_pass(dataset: Dataset) -> None:
    report = ValidationReport(
        passed=True,
        dataset_digest=dataset.card.digest,
        labels_digest=dataset.labels().digest,
        rules=(),
        validated_at=dataset.card.span_to,
    )
    (dataset.path / VALIDATION).write_text(report.to_json(), encoding="utf-8")


@pytest.fixture(scope="module")
def copy(noisy_shop: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    made, _ = plant(noisy_shop, out=tmp_path_factory.mktemp("planted") / "copy", wishes=MANY)
    let_pass(made)
    return made


@pytest.fixture(scope="module")
def report(copy: Dataset) -> SensitivityReport:
    three = [
        contender("watchful", 5.0),
        contender("never", 1e6),
        contender("always", 0.001, metric_name="load*", service="cart"),
    ]
    return sensitivity(copy, three, grace_s=600)


def test_a_bigger_fault_is_found_no_less_often_on_white_noise(report):
    pooled = report.of("watchful").curves[0]
    assert (pooled.service, pooled.metric_name, pooled.kind) == (None, None, None)
    assert pooled.n > 60
    shares = [point.share for point in pooled.points]
    assert all(after >= before - 0.1 for before, after in pairwise(shares))
    assert shares[0] < 0.2
    assert shares[-1] > 0.9
    assert 4 < pooled.half.size < 12
    assert pooled.half.low < pooled.half.size < pooled.half.high


def test_the_page_comes_within_the_fault_and_says_how_soon(report):
    pooled = report.of("watchful").curves[0]
    assert 0 < pooled.delay_found_s < 3600 + 600
    biggest = pooled.points[-1]
    assert biggest.delay_s is not None
    for outcome in report.of("watchful").outcomes:
        assert (outcome.outcome == "found") == (outcome.delay_s is not None) == (outcome.page_id is not None)


def test_who_never_pages_finds_nothing_and_the_interval_says_how_sure_that_is(report):
    never = report.of("never")
    assert never.pages == never.pages_without == 0
    assert all(point.found == 0 and 0 < point.high < 1 for curve in never.curves for point in curve.points)
    assert never.curves[0].half.size is None
    assert never.curves[0].half.reason


def test_who_always_pages_gets_no_credit_because_it_paged_without_the_faults_too(report):
    always = report.of("always")
    assert always.pages == always.pages_without > 3_000
    of_cart = [outcome for outcome in always.outcomes if outcome.service == "shop/cart"]
    assert len(of_cart) > 20
    assert all(outcome.outcome == "masked" for outcome in of_cart)
    assert all(outcome.outcome != "found" for outcome in always.outcomes)


def test_silence_is_not_found_by_who_only_looks_at_values(report):
    (silent,) = [
        c
        for c in report.of("watchful").curves
        if (c.service, c.metric_name, c.kind) == (None, None, "no_data")
    ]
    assert silent.unit == "sample"
    assert silent.found == 0


def test_every_fault_is_on_the_curve_of_its_service_metric_and_kind_once(report):
    one = report.of("watchful")
    finest = [c for c in one.curves if c.service and c.metric_name and c.kind]
    assert sum(curve.n for curve in finest) == report.faults == len(one.outcomes)
    by_service = [c for c in one.curves if c.service and not c.metric_name and c.kind]
    assert sum(curve.found for curve in by_service) == sum(o.outcome == "found" for o in one.outcomes)


def test_the_command_tells_it_in_a_table_a_document_and_a_page(copy, tmp_path, titleshot: Titleshot):
    recipe = tmp_path / "watchful.yaml"
    recipe.write_text(contender("watchful", 5.0).recipe.to_yaml(), encoding="utf-8")
    words = ["sensitivity", copy.path, recipe, "--out", tmp_path / "page.html", "--grace-s", 600]
    ran = titleshot(*words, "--json")
    assert ran.code == 0
    schema = json_schema(SensitivityReport)
    jsonschema.validate(ran.document, schema, cls=jsonschema.Draft202012Validator)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "watchful would notice in noisy-shop" in page
    told = titleshot(*words[:3], "--grace-s", 600)
    assert (told.code, told.out) == (0, "")
    assert "watchful: " in told.err
    assert "all in spreads" in told.err
    assert "  queue_depth" in told.err
    assert "decide nothing" in told.err


def test_nothing_is_left_behind_and_progress_names_each_replay(copy, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    told: list[str] = []
    sensitivity(copy, [contender("watchful", 5.0)], progress=lambda what, *_: told.append(what))
    assert list(tmp_path.iterdir()) == []
    assert list(dict.fromkeys(told)) == [
        "taking the faults out",
        "watchful with the faults",
        "watchful without the faults",
    ]


def test_a_dataset_without_planted_faults_is_told_the_way(noisy_shop):
    with pytest.raises(UsageError, match=r"has no planted faults; run: titleshot plant .* --out COPY"):
        sensitivity(noisy_shop, ["baseline"])


def test_what_is_not_validated_was_changed_or_cannot_be_is_refused(copy, copy_of):
    bare = copy_of(copy.path, "bare")
    (bare / "validation.json").unlink()
    with pytest.raises(InvalidDataset, match="titleshot validate"):
        sensitivity(bare, ["baseline"])
    with pytest.raises(UsageError, match=r"grace of 9000 s reaches into what comes after a fault: 1800 s"):
        sensitivity(copy, ["baseline"], grace_s=9000)
    card = copy.card.model_copy(update={"planted": None})
    with pytest.raises(UsageError, match="no planted faults"):
        sensitivity(Dataset(copy.path, card), ["baseline"])
    marker = copy.card.planted.model_copy(update={"from_digest": "0" * 64})
    with pytest.raises(IntegrityError, match="plant again"):
        sensitivity(Dataset(copy.path, copy.card.model_copy(update={"planted": marker})), ["baseline"])
    with pytest.raises(UsageError, match="confidence must lie between"):
        sensitivity(copy, [contender("watchful", 5.0)], confidence=1.0)


def test_what_needs_fitting_is_told_before_anything_is_replayed(copy):
    recipe = Recipe.model_validate(
        {"name": "seasonal", "detectors": [{"detector": {"family": "seasonal_baseline"}}]}
    )
    with pytest.raises(NotFitted, match="titleshot fit"):
        sensitivity(copy, [Contender(recipe)])


@pytest.mark.slow
def test_the_whole_way_on_a_generated_platform(tmp_path, titleshot: Titleshot):
    place, copy = tmp_path / "platform", tmp_path / "planted"
    generate(place, services=4, days=35, seed=11)
    assert titleshot("validate", place).code == 0
    assert titleshot("plant", place, "--out", copy, "--most", 150, "--sizes", "4,16,64").code == 0
    unvalidated = titleshot("sensitivity", copy, "general")
    assert unvalidated.code == 2
    assert "titleshot validate" in unvalidated.err
    assert titleshot("validate", copy).code == 0
    ran = titleshot("sensitivity", copy, "baseline", "general", "--out", tmp_path / "page.html", "--json")
    assert ran.code == 0
    found = SensitivityReport.model_validate(ran.document)
    for one in found.contenders:
        pooled = one.curves[0]
        assert pooled.points[0].share < 0.5 < pooled.points[-1].share
        assert pooled.half.size is not None
    assert (tmp_path / "page.html").stat().st_size < 2_000_000
    again = titleshot("sensitivity", copy, "general", "baseline", "--workers", 2, "--json")
    assert again.document["contenders"][::-1] == ran.document["contenders"]
