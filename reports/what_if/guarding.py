"""Which guardrail would have stopped which action, each by itself, and what passes all of them."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Sequence

from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.remediation import Guardrail, Guardrails, Rate
from titleshot.reports.what_if.acting import Action, matches
from titleshot.reports.what_if.judged import Fate

ORDER: tuple[Guardrail, ...] = (
    "reversible", "scoped", "root_cause_evidence", "rate_limited", "human_approval",
)  # fmt: skip


class Limiter:
    """Lets at most ``rate.actions`` pass on one service within ``rate.within_s``, asked in order of time.

    >>> limiter = Limiter()
    >>> [limiter.lets("db", at * SECOND, Rate(actions=1, within_s=10)) for at in (0, 5, 10)]
    [True, False, True]
    """

    def __init__(self) -> None:
        self._passed: dict[str, deque[int]] = defaultdict(deque)

    def lets(self, target: str, at: int, rate: Rate) -> bool:
        """Whether an action may pass; one that may counts from then on."""
        passed = self._passed[target]
        within = sum(moment > at - rate.within_s * SECOND for moment in passed)
        if within >= rate.actions:
            return False
        passed.append(at)
        return True


def stopped_by(
    actions: Sequence[Action],
    fates: Sequence[Fate],
    guardrails: Callable[[Action], Guardrails],
    canonical: Callable[[str, int], str],
) -> list[tuple[Guardrail, ...]]:
    """The guardrails that would have stopped each action, each asked as if it were the only one.

    Args:
        actions: of all rules together, by time: a rate is kept for a service, whoever acts on it.
        canonical: the name a service goes by at a moment.
    """
    limiter = Limiter()
    found = []
    for action, fate in zip(actions, fates, strict=True):
        rails, target = guardrails(action), canonical(action.target, action.at)
        held = {
            **_alone(action, fate, rails, canonical),
            "rate_limited": not limiter.lets(target, action.at, rails.rate),
            "human_approval": rails.human_approval,
        }
        found.append(tuple(name for name in ORDER if held[name]))
    return found


def passing(
    actions: Sequence[Action],
    stopped: Sequence[tuple[Guardrail, ...]],
    guardrails: Callable[[Action], Guardrails],
    canonical: Callable[[str, int], str],
) -> list[bool]:
    """Which actions pass all but approval, one guardrail after the other: a rate counts what got that far."""
    limiter = Limiter()
    return [
        not {"reversible", "scoped", "root_cause_evidence"} & set(held)
        and limiter.lets(canonical(action.target, action.at), action.at, guardrails(action).rate)
        for action, held in zip(actions, stopped, strict=True)
    ]


def _alone(
    action: Action, fate: Fate, rails: Guardrails, canonical: Callable[[str, int], str]
) -> dict[Guardrail, bool]:
    standing, at = action.standing, action.at
    suspected = None if standing is None else standing.suspected
    sure = 0.0 if standing is None or standing.confidence is None else standing.confidence
    named = suspected is not None and canonical(suspected, at) == canonical(action.target, at)
    narrow = fate.callers is not None and fate.callers <= rails.most_callers
    return {
        "reversible": rails.reversible_only and not action.rule.reversible,
        "scoped": not (matches(action.target, rails.scope) and narrow),
        "root_cause_evidence": not (named and sure >= rails.root_cause_confidence),
    }


def setting_of(name: Guardrail, rails: Guardrails, reversible: bool) -> str:
    """What a guardrail asks for, in words."""
    scope = ", ".join(rails.scope) or "no service named"
    rate = rails.rate
    return {
        "reversible": f"only what can be taken back; this {'can' if reversible else 'cannot'}"
        if rails.reversible_only
        else "off",
        "scoped": f"{scope}; at most {rails.most_callers} callers",
        "root_cause_evidence": f"first hypothesis names the target, confidence from "
        f"{rails.root_cause_confidence:g}",
        "rate_limited": f"{rate.actions} a service within {rate.within_s:g} s",
        "human_approval": "a person approves each" if rails.human_approval else "off",
    }[name]
