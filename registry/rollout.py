"""A policy's rollout held against the ledger: what a promotion is too early for, and what follows it."""

from __future__ import annotations

from collections.abc import Sequence

from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.measured import Measured
from titleshot.registry.ledger import AnyLine
from titleshot.registry.policy_parts import RolloutStep
from titleshot.registry.standing import alias_of, standing

HOUR = 3600 * SECOND


def too_early(
    steps: Sequence[RolloutStep],
    *,
    name: str,
    version: int,
    group: str | None,
    lines: Sequence[AnyLine],
    measured: Measured | None,
    now: int,
) -> list[str]:
    """Why the rollout does not let a version take this step yet, in words; empty when it does.

    A step for a group is done while the ledger has the version at that group's alias for as long as the step
    says; a rollback there undoes it. The ledger does not see what runs in the shadow, so that step is done
    by the hours the evidence measured.

    Args:
        group: whom the version is promoted for now; None is everyone.
        now: nanoseconds UTC.
    """
    ahead = _ahead(steps, group)
    if ahead is None:
        places = ", ".join(str(step.group) for step in steps if step.step == "group") or "no group"
        return [f"its policy's rollout has no step for the group {group}; it goes through {places}"]
    found = []
    for step in ahead:
        lasted = _lasted_h(step, name, version, lines, measured, now)
        if lasted is not None and lasted >= step.lasts_h:
            continue
        if step.step == "shadow":
            have = "no shadow run" if lasted is None else f"{lasted:.3g} h of shadow"
            found.append(
                f"its policy's rollout asks for {step.in_words()} first, the evidence holds {have}; "
                "compare with --shadow LOG"
            )
        elif lasted is None:
            found.append(
                f"its policy's rollout asks for {step.in_words()} first, and version {version} is not live "
                f"there; promote it with --group {step.group}"
            )
        else:
            found.append(
                f"its policy's rollout asks for {step.in_words()} first, version {version} has been there "
                f"for {lasted:.3g} h; wait {step.lasts_h - lasted:.3g} h more"
            )
    return found


def step_after(steps: Sequence[RolloutStep], group: str | None) -> str | None:
    """What follows once a version is live for a group, in words; None where nothing does."""
    ahead = _ahead(steps, group)
    if ahead is None or group is None or not steps:
        return None
    taken, rest = steps[len(ahead)], steps[len(ahead) + 1 :]
    if not rest:
        return None
    wait = f" after {taken.lasts_h:g} h" if taken.lasts_h else ""
    return f"{rest[0].in_words()}{wait}"


def _ahead(steps: Sequence[RolloutStep], group: str | None) -> Sequence[RolloutStep] | None:
    """The steps ahead of the one for a group; None where there is no such step. Without steps, none."""
    for at, step in enumerate(steps):
        if step.step != "shadow" and step.group == group:
            return steps[:at]
    return None if steps else ()


def _lasted_h(
    step: RolloutStep,
    name: str,
    version: int,
    lines: Sequence[AnyLine],
    measured: Measured | None,
    now: int,
) -> float | None:
    if step.step == "shadow":
        return measured.shadow_hours if measured else None
    there = standing(lines, name).get(alias_of(step.group))
    return (now - there.since) / HOUR if there and there.version == version else None
