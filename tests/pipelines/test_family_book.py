"""The book of detector families says what the classes say, and its pictures are what the families do."""

from __future__ import annotations

import re

import pytest

from titleshot.detectors.detector import BandParams
from titleshot.detectors.isolation_forest import IsolationForest
from titleshot.detectors.robust_mad import RobustMad
from titleshot.pipelines.family_book import (
    BOOK,
    PICTURES,
    TAILS,
    families,
    family_book,
    family_picture,
    measured,
)
from titleshot.pipelines.family_signals import row_scenes, series_scenes
from titleshot.pipelines.family_words import parameters, told

AGAIN = "run python -m titleshot.pipelines.family_book"


def test_the_book_is_as_the_classes_make_it() -> None:
    assert BOOK.read_text(encoding="utf-8") == family_book(measured(), measured(TAILS)), AGAIN


def test_every_picture_belongs_to_a_family_and_is_small_and_whole() -> None:
    drawn = {path.stem for path in PICTURES.glob("*.svg")}
    assert drawn <= set(families()), "left behind by a family that is gone"
    assert set(re.findall(r"\]\(pictures/(\w+)\.svg\)", BOOK.read_text(encoding="utf-8"))) == drawn
    for path in PICTURES.glob("*.svg"):
        drawing = path.read_text(encoding="utf-8")
        assert drawing.startswith("<svg ")
        assert drawing.endswith("</svg>\n")
        assert len(drawing) < 60_000, path
        assert "href" not in drawing, "it loads nothing"
        assert "nan" not in drawing


@pytest.mark.slow
@pytest.mark.parametrize("name", families())
def test_a_picture_is_what_the_family_draws_of_itself_now(name: str) -> None:
    path = PICTURES / f"{name}.svg"
    committed = path.read_text(encoding="utf-8") if path.is_file() else None
    assert committed == family_picture(name), AGAIN


@pytest.mark.parametrize("name", families())
def test_a_family_says_what_it_is_deaf_to_where_it_comes_from_and_what_each_parameter_means(
    name: str,
) -> None:
    words = told(families()[name])
    assert words.title.endswith(".")
    assert [row.name for row in parameters(families()[name].Params) if not row.says] == []
    for kind in ("equation", "deaf", "source"):
        assert words.of(kind), kind  # type: ignore[arg-type]


def test_a_docstring_is_taken_apart_in_order_and_keeps_its_equations() -> None:
    kinds = [kind for kind, _ in told(RobustMad).paragraphs]
    assert kinds == ["equation", "text", "assumes", "deaf", "noise", "source"]
    assert told(RobustMad).of("equation")[0].startswith("u = |v - median| / (threshold × spread)")
    assert not any(">>>" in words for _, words in told(RobustMad).paragraphs)


def test_parameters_come_with_unit_default_range_and_words_of_the_class_they_come_from() -> None:
    rows = {row.name: row for row in parameters(RobustMad.Params)}
    assert list(rows) == list(RobustMad.Params.model_fields)
    assert rows["memory_s"].unit == "s"
    assert rows["memory_s"].default == "none"
    assert rows["memory_s"].allowed == "> 0, ≤ 3.16224e+07"
    assert rows["memory_s"].says.startswith("Points older than this leave the window")
    assert rows["direction"].allowed == "both, high, low"
    assert rows["window"][1:4] == ("samples", "60", "≥ 3, ≤ 10000")
    assert {row.name for row in parameters(BandParams)} < set(rows)


def test_a_scene_found_is_one_it_speaks_in_and_one_missed_is_quiet() -> None:
    found, missed = series_scenes("robust_mad")
    assert found is not None
    assert missed is not None
    assert found.loud_within >= 10
    assert missed.loud_within == 0


def test_a_forest_hears_many_features_at_once_and_not_what_is_usual() -> None:
    found, missed = row_scenes(IsolationForest)
    assert found is not None
    assert missed is not None
    assert found.loud_within == 20
    assert missed.loud_within == 0


def test_what_was_not_measured_is_said_to_be_so() -> None:
    assert "| not measured | not measured |" in family_book({}, {})
