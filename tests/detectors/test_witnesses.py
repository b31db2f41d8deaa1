"""Witnesses: who may speak alone, and who could agree."""

import json

import pytest

from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.reference import TopologyEdge
from titleshot.detectors.correlators.correlator import Alert
from titleshot.detectors.recipe import load_recipe
from titleshot.detectors.witnesses import Witnesses, WitnessParams
from titleshot.detectors.world import World

WEEK = 7 * 86_400


def alert(
    at_s: float, metric: str = "value", *, family: str = "novelty", service: str = "shop/cart"
) -> Alert:
    return Alert(f"{at_s}{metric}", round(at_s * SECOND), service, metric, 0.6, "high", f"{family}@0")


def witnesses() -> Witnesses:
    return Witnesses(WitnessParams(alone=("novelty",), seen_s=WEEK))


def test_a_lone_series_pages_by_the_trusted_family_and_by_no_other() -> None:
    alone = witnesses()
    assert alone.hears(alert(0, family="time_of_day"), World())
    assert not alone.suffice(enough=True)
    assert alone.hears(alert(1), World())
    assert alone.suffice(enough=False)


def test_where_another_series_has_spoken_the_rule_decides_and_the_trusted_family_is_in_no_story() -> None:
    several = witnesses()
    several.hears(alert(0, "latency", family="time_of_day"), World())
    assert several.hears(alert(1, "errors", family="time_of_day"), World())
    assert several.suffice(enough=True)
    assert not several.suffice(enough=False)
    assert not several.hears(alert(2, "errors"), World())


def test_a_series_that_has_been_silent_for_longer_is_no_witness() -> None:
    for later, lone in ((WEEK, False), (WEEK + 1, True)):
        several = witnesses()
        several.hears(alert(0, "latency"), World())
        assert several.hears(alert(later, "errors"), World()) == lone


def test_a_neighbour_can_agree_and_a_stranger_cannot() -> None:
    world = World()
    world.apply(TopologyEdge(caller="shop/web", callee="shop/cart", valid_from=0, known_from=0))
    for service, lone in (("shop/web", False), ("shop/mail", True)):
        several = witnesses()
        several.hears(alert(0, service=service), world)
        assert several.hears(alert(1), world) == lone


def test_it_continues_from_its_state() -> None:
    before = witnesses()
    before.hears(alert(0, "latency"), World())
    after = witnesses()
    after.load(json.loads(json.dumps(before.state())))
    assert not after.hears(alert(1, "errors"), World())


@pytest.mark.parametrize("name", ["baseline", "by_signal", "module", "watchful"])
def test_a_recipe_without_witnesses_keeps_its_digest(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.paging.witnesses is None
    with_them = recipe.paging.model_copy(update={"witnesses": WitnessParams(alone=("novelty",))})
    assert recipe.model_copy(update={"paging": with_them}).digest != recipe.digest
