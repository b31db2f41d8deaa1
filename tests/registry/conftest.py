"""A home with a fresh MLflow store, contenders, decisions and evidence to promote them with."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from titleshot.datasets.contracts.comparisons import Comparison
from titleshot.datasets.contracts.decision import Decision, Owners
from titleshot.datasets.yaml_file import parse_yaml
from titleshot.detectors.contender import Contender
from titleshot.detectors.recipe import Recipe
from titleshot.registry.evidence import Evidence, write_evidence
from titleshot.registry.home import Home
from titleshot.registry.judge import judge
from titleshot.registry.ledger import Ledger, Registered
from titleshot.registry.looks import looks_before, record_look
from titleshot.registry.policy import Policy, load_policy
from titleshot.registry.registration import register
from titleshot.registry.rehearsal import CASES, Case, rehearsed

BETTER = CASES[0]


@pytest.fixture(scope="session")
def decision() -> Decision:
    return Decision(
        name="checkout-paging",
        decision="page the checkout on-call within 120 s when checkout loses orders",
        services=("commerce/checkout-*",),
        detect_within_s=120,
        success_score="incident_recall",
        human_workflow="on-call opens the runbook and rolls back",
        owners=Owners(data="platform", model="aiops", runtime="sre", feedback="sre"),
    )


@pytest.fixture(scope="session")
def contender() -> Callable[..., Contender]:
    def make(window: int = 20, name: str = "small") -> Contender:
        text = f"name: {name}\ndetectors:\n  - detector: {{family: rolling_z_score, window: {window}}}\n"
        return Contender(parse_yaml(text, Recipe))

    return make


@pytest.fixture(scope="session")
def template_home(
    tmp_path_factory: pytest.TempPathFactory, contender: Callable[..., Contender], decision: Decision
) -> Path:
    """A home with three registered versions, none of them live; a fresh MLflow store takes seconds."""
    home = Home(tmp_path_factory.mktemp("template") / "home")
    for window in (20, 30, 40):
        register(contender(window), decision, home=home, actor="ann")
    return home.path


@pytest.fixture
def home(template_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A copy of the template, its store pointing into the copy."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setitem(os.environ, "TITLESHOT_ACTOR", "ann")
    home = Home(Path(shutil.copytree(template_home, tmp_path / "home")))
    moved = (template_home.as_uri(), home.path.as_uri())
    with closing(sqlite3.connect(home.database)) as database, database:
        for table, column in (
            ("experiments", "artifact_location"),
            ("runs", "artifact_uri"),
            ("model_versions", "source"),
        ):
            database.execute(f"UPDATE {table} SET {column} = replace({column}, ?, ?)", moved)  # noqa: S608
    return home


def comparison_of(
    policy: Policy, case: Case, champion: Registered | None, challenger: Registered
) -> Comparison:
    """The rehearsed comparison of a case, as if it were about two registered versions."""
    made = rehearsed(policy, case)

    def about(line: Registered | None) -> dict[str, str | None]:
        if line is None:
            return {"contender": "never"}
        return {
            "contender": f"version {line.version}",
            "recipe_digest": line.recipe_digest,
            "artifact_digest": line.artifact_digest,
        }

    def card(which: str, line: Registered | None) -> object:
        scorecard = getattr(made, which)
        identity = scorecard.identity.model_copy(update=about(line))
        return scorecard.model_copy(update={"identity": identity})

    return made.model_copy(
        update={"champion": card("champion", champion), "challenger": card("challenger", challenger)}
    )


@pytest.fixture
def judged(tmp_path: Path) -> Callable[..., Evidence]:
    """Evidence on a case between two registered versions, seen by the home's ledger."""
    numbers = iter(range(1000))

    def make(
        home: Home,
        challenger: Registered,
        champion: Registered | None = None,
        *,
        case: Case = BETTER,
        policy: Policy | None = None,
        decision: Decision | None = None,
        seen: bool = True,
        judged_at: int | None = None,
        group: str | None = None,
    ) -> Evidence:
        policy = policy or FIRST if champion is None else policy or load_policy()
        comparison, ledger = comparison_of(policy, case, champion, challenger), Ledger(home.ledger)
        looks = looks_before(ledger, comparison)
        verdict = judge(comparison, policy, looks=looks, judged_at=judged_at, group=group)
        out = tmp_path / f"evidence-{next(numbers)}"
        evidence = write_evidence(out, comparison, verdict, policy, beneath=tmp_path, decision=decision)
        if seen:
            record_look(ledger, evidence, "ann")
        return evidence

    return make


FIRST = load_policy().model_copy(update={"without_champion": ()})
"""The default without its criteria for a first promotion, so that rehearsed numbers fit it."""
