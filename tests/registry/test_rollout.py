"""A rollout's steps are taken in order, each for as long as it says, by what the ledger and evidence know."""

from __future__ import annotations

from pathlib import Path

import pytest
from one_criterion import ran

from titleshot.datasets.contracts.measured import Measured
from titleshot.registry.ledger import Committed, Intended, Ledger
from titleshot.registry.policy import RolloutStep
from titleshot.registry.rollout import HOUR, step_after, too_early
from titleshot.registry.standing import alias_of

STEPS = (
    RolloutStep(step="shadow", days=7),
    RolloutStep(step="group", group="checkout", days=1, hours=12),
    RolloutStep(step="group", group="search"),
    RolloutStep(step="everyone"),
)
NAME = "checkout-paging"
WEEK_OF_SHADOW = ran(hours=168)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.jsonl")


def moved(ledger: Ledger, group: str, version: int | None, move: str = "promote") -> int:
    """When an alias of a group was moved."""
    intent = ledger.append(
        Intended,
        "ann",
        move=move,
        name=NAME,
        alias=alias_of(group),
        from_version=None,
        to_version=version,
        reason="a step",
    )
    return ledger.append(Committed, "ann", intent=intent.seq).at


def asked(
    ledger: Ledger,
    group: str | None,
    *,
    measured: Measured | None = WEEK_OF_SHADOW,
    now: int = 0,
) -> list[str]:
    return too_early(
        STEPS, name=NAME, version=3, group=group, lines=ledger.lines(), measured=measured, now=now
    )


def test_the_first_group_waits_for_the_hours_in_the_shadow(ledger: Ledger) -> None:
    assert asked(ledger, "checkout") == []
    for measured, words in ((None, "no shadow run"), (ran(hours=100), "100 h of shadow")):
        (found,) = asked(ledger, "checkout", measured=measured)
        assert "asks for shadow for 168 h first" in found
        assert words in found
        assert "--shadow LOG" in found


def test_the_next_group_waits_until_the_one_before_has_lasted(ledger: Ledger) -> None:
    (found,) = asked(ledger, "search")
    assert "group checkout for 36 h first, and version 3 is not live there" in found
    at = moved(ledger, "checkout", 3)
    (found,) = asked(ledger, "search", now=at + 30 * HOUR)
    assert "has been there for 30 h; wait 6 h more" in found
    assert asked(ledger, "search", now=at + 36 * HOUR) == []


def test_everyone_waits_for_every_group(ledger: Ledger) -> None:
    at = moved(ledger, "checkout", 3)
    (found,) = asked(ledger, None, now=at + 40 * HOUR)
    assert "group search first" in found
    last = moved(ledger, "search", 3)
    assert asked(ledger, None, now=last + 40 * HOUR) == []


def test_another_version_there_or_a_rollback_is_no_step_taken(ledger: Ledger) -> None:
    at = moved(ledger, "checkout", 2)
    assert len(asked(ledger, "search", now=at + 99 * HOUR)) == 1
    moved(ledger, "checkout", 3)
    at = moved(ledger, "checkout", 2, move="rollback")
    assert len(asked(ledger, "search", now=at + 99 * HOUR)) == 1


def test_a_group_without_a_step_is_refused_and_those_that_have_one_are_named(ledger: Ledger) -> None:
    (found,) = asked(ledger, "billing")
    assert "no step for the group billing; it goes through checkout, search" in found


def test_without_a_rollout_nothing_waits(ledger: Ledger) -> None:
    for group in (None, "checkout"):
        found = too_early((), name=NAME, version=3, group=group, lines=[], measured=None, now=0)
        assert found == []
        assert step_after((), group) is None


def test_what_follows_a_step_is_told_with_its_wait() -> None:
    assert step_after(STEPS, "checkout") == "group search after 36 h"
    assert step_after(STEPS, "search") == "everyone"
    assert step_after(STEPS, None) is None
