"""Rules in a file of their own: they are part of the recipe that names them, and of its digest."""

from pathlib import Path

import pytest

from titleshot.datasets.errors import MalformedInput
from titleshot.detectors.contender import Contender
from titleshot.detectors.recipe import load_recipe

RULES = """\
schema_version: "1.0"
invariants:
  - name: few-errors
    must: errors <= 10
    owner: checkout
    expires: 2027-01-31
    reason: more than ten a minute is an outage
"""
RECIPE = 'schema_version: "1.0"\nname: ruled\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "checkout.yaml").write_text(RULES)
    (tmp_path / "ruled.yaml").write_text(RECIPE + "invariants: rules/checkout.yaml\n")
    return tmp_path


def test_a_recipe_that_names_a_file_is_the_one_that_has_its_rules_written_out(folder: Path) -> None:
    rules = RULES.split("\n", 1)[1]
    (folder / "whole.yaml").write_text(RECIPE + rules)
    named, whole = load_recipe(folder / "ruled.yaml"), load_recipe(folder / "whole.yaml")
    assert named.digest == whole.digest
    assert [rule.owner for rule in named.invariants] == ["checkout"]
    assert Contender.load(folder / "ruled.yaml").recipe == named


def test_what_is_in_the_file_is_what_is_judged(folder: Path) -> None:
    before = load_recipe(folder / "ruled.yaml").digest
    (folder / "rules" / "checkout.yaml").write_text(RULES.replace("10", "11", 1))
    assert load_recipe(folder / "ruled.yaml").digest != before


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("owner: checkout", "team: checkout"), r"checkout\.yaml:3: invariants.0.owner: is missing"),
        (("errors <= 10", "errors <=> 10"), r"checkout\.yaml:4: invariants.0.must: "),
    ],
)
def test_a_fault_in_the_file_names_the_file_line_and_field(
    folder: Path, change: tuple[str, str], says: str
) -> None:
    (folder / "rules" / "checkout.yaml").write_text(RULES.replace(*change))
    with pytest.raises(MalformedInput, match=says):
        load_recipe(folder / "ruled.yaml")


def test_a_file_that_is_not_there_is_named(folder: Path) -> None:
    (folder / "rules" / "checkout.yaml").unlink()
    with pytest.raises(MalformedInput, match=r"rules/checkout\.yaml"):
        load_recipe(folder / "ruled.yaml")
