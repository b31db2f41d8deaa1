"""``policy test``: what each criterion of a policy lets pass and stops, before anything rests on it."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from titleshot.datasets.contracts.verdicts import CriterionOutcome, Verdict
from titleshot.datasets.errors import MalformedInput
from titleshot.datasets.nearest import nearest
from titleshot.datasets.validation.suite import FOLDER as SUITES
from titleshot.datasets.yaml_file import YamlDocument, read_yaml
from titleshot.pipelines.outcome import Outcome, Progress
from titleshot.pipelines.policy_text import in_words
from titleshot.registry.conditions import Condition, conditions
from titleshot.registry.examples import (
    ANSWERS,
    Example,
    decisive_example,
    example,
    faults_in,
    guardrail_example,
)
from titleshot.registry.known_scores import KNOWN
from titleshot.registry.policy import Criterion, Policy, default_policy_file, load_policy
from titleshot.registry.reading import Place
from titleshot.registry.rehearsal import CASES, Case, Chance, chances, rehearse


@dataclass(frozen=True)
class CriterionTest:
    """What one criterion does with inputs made for it."""

    criterion: Criterion
    champion: bool
    """False for those that hold only where nothing pages yet."""
    examples: dict[Place, Example]
    """An input for each outcome there is one for."""
    guardrail: dict[Place, CriterionOutcome]
    """A group that the guardrail lets pass, and one that it stops."""
    decisive: Example | None
    """Of a critical one: a failure that rejects before minimum evidence is asked for."""
    chances: list[Chance]
    """How often it passes; empty where that cannot be rehearsed."""
    faults: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """How it is named in documents."""
        return f"{self.criterion.score} {self.criterion.kind}"


@dataclass(frozen=True)
class PolicyTest:
    """Every criterion and condition of a policy tried, and the verdicts on cases whose answer is known."""

    policy: Policy
    criteria: tuple[CriterionTest, ...]
    conditions: tuple[Condition, ...]
    verdicts: list[tuple[Case, Verdict]]
    faults: tuple[str, ...] = field(default=())
    """Of the policy as a whole."""

    @property
    def wrong(self) -> list[str]:
        """What a policy must not do, in words: criteria that decide nothing, and wrong answers."""
        found = list(self.faults)
        for test in self.criteria:
            found += [f"{test.key}: {fault}" for fault in test.faults]
        for condition in self.conditions:
            found += condition.wrong
        for case, verdict in self.verdicts:
            if verdict.answer == "invalid":
                found.append(f"{case.name}: {verdict.reasons[0]}")
            elif verdict.answer == "promote" and not self._may_promote(case):
                found.append(f"{case.name}: promote, must be {case.must or 'anything else'}")
        return found

    @property
    def strict(self) -> list[str]:
        """Cases that get a harder answer than the shipped policy gives them; that is a choice."""
        return [
            f"{case.name}: {verdict.answer}, the shipped policy says {case.must}"
            for case, verdict in self.verdicts
            if case.must not in {None, verdict.answer} and verdict.answer not in {"promote", "invalid"}
        ]

    def _may_promote(self, case: Case) -> bool:
        return case.must == "promote" or (case.must is None and self.policy.promote_equals)

    @property
    def document(self) -> dict[str, Any]:
        """All of it, for machines."""

        def told(test: CriterionTest) -> dict[str, Any]:
            return {
                "chances": [chance._asdict() for chance in test.chances],
                "examples": {place: one.document for place, one in test.examples.items()},
                "decisive": None if test.decisive is None else test.decisive.document,
                "guardrail": {place: one.model_dump(mode="json") for place, one in test.guardrail.items()},
            }

        return {
            "policy": self.policy.model_dump(mode="json"),
            "digest": self.policy.digest,
            "criteria": {test.key: told(test) for test in self.criteria if test.champion},
            "without_champion": {test.key: told(test) for test in self.criteria if not test.champion},
            "conditions": {one.name: [each._asdict() for each in one.tried] for one in self.conditions},
            "cases": {case.name: verdict.answer for case, verdict in self.verdicts},
            "strict": self.strict,
            "wrong": self.wrong,
        }


def rehearse_policy(policy: Policy | Path | None = None) -> PolicyTest:
    """Try every criterion and condition of a policy; None is the shipped default.

    Raises:
        MalformedInput: the file breaks its contract, with line and field, or names a score there is not.
    """
    source = None if isinstance(policy, Policy) else read_yaml(policy or default_policy_file())
    chosen = policy if isinstance(policy, Policy) else load_policy(policy)
    _check_scores(chosen, source)
    tests = [
        *(_tested(chosen, one, True) for one in chosen.criteria_against(champion=True)),
        *(_tested(chosen, one, False) for one in chosen.without_champion),
    ]
    passing = tests[0].examples.get("pass")
    return PolicyTest(
        chosen,
        tuple(tests),
        tuple(conditions(chosen, passing)) if passing else (),
        [(case, verdict) for case in CASES if (verdict := rehearse(chosen, case))],
        tuple(_of_suites(chosen)),
    )


def _check_scores(policy: Policy, source: YamlDocument | None) -> None:
    for part in ("criteria", "without_champion"):
        for at, criterion in enumerate(getattr(policy, part)):
            if criterion.score in KNOWN:
                continue
            message = f"unknown score {criterion.score!r}{nearest(criterion.score, KNOWN)}"
            if source is None:
                raise MalformedInput(f"policy {policy.name}: {message}")
            raise source.fault((part, at, "score"), message)


def _of_suites(policy: Policy) -> list[str]:
    known = {path.stem for path in SUITES.glob("*.yaml")}
    return [
        f"there is no validation suite {suite!r}{nearest(suite, known)}"
        for suite in policy.data.suites
        if suite not in known
    ]


def _tested(policy: Policy, criterion: Criterion, champion: bool) -> CriterionTest:
    against = champion and policy.baseline != "never"
    faults = faults_in(policy, criterion, champion=against)
    examples: dict[Place, Example] = {}
    guardrail: dict[Place, CriterionOutcome] = {}
    if not faults:
        for wanted in ANSWERS:
            found = example(policy, criterion, wanted, champion=against)
            if found is None:
                continue
            examples[wanted] = found
            if found.answer != ANSWERS[wanted]:
                faults.append(f"{wanted} gives {found.answer}, must give {ANSWERS[wanted]}")
        faults += [f"no value of the score {word} it" for word, place in _NEEDED if place not in examples]
    if criterion.group_guardrail is not None and not faults:
        for place in ("pass", "fail"):
            group = guardrail_example(policy, criterion, place)
            if group is not None and group.outcome == place:
                guardrail[place] = group
        if "fail" not in guardrail:
            faults.append("no group could be shown to lose more than its guardrail allows")
    decisive = decisive_example(policy, criterion) if not faults else None
    if decisive is not None and decisive.answer != "reject":
        faults.append(f"a decisive failure gives {decisive.answer}, must give reject")
    return CriterionTest(
        criterion,
        champion,
        examples,
        guardrail,
        decisive,
        chances(policy, criterion) if against else [],
        tuple(faults),
    )


_NEEDED: tuple[tuple[str, Place], ...] = (("passes", "pass"), ("fails", "fail"))


def arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``titleshot policy``."""
    parser.add_argument("action", choices=["test"], help="test: rehearse the policy")
    parser.add_argument(
        "file", type=Path, nargs="?", metavar="FILE", help="policy file (the shipped default when left out)"
    )


def command(args: argparse.Namespace, progress: Progress) -> Outcome:  # noqa: ARG001
    """Run ``titleshot policy test``; exit 1 where anything is as it must not be."""
    tested = rehearse_policy(args.file)
    return Outcome("\n".join(in_words(tested)), tested.document, 1 if tested.wrong else 0)
