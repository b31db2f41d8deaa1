"""Promotion and rollback on a real MLflow store: gated, signed, serial, and whole after a crash."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from titleshot.datasets.contracts.decision import Decision
from titleshot.datasets.contracts.instants import DAY
from titleshot.datasets.errors import FailedCheck, IntegrityError, MalformedInput, Unreachable, UsageError
from titleshot.detectors.contender import Contender
from titleshot.pipelines.history import history, in_words
from titleshot.pipelines.status import status
from titleshot.registry.aliases import Aliases
from titleshot.registry.evidence import Evidence
from titleshot.registry.home import Home
from titleshot.registry.ledger import Committed, Intended, Ledger, OutOfBand, Registered
from titleshot.registry.mlflow_store import MlflowStore
from titleshot.registry.policy import RolloutStep
from titleshot.registry.promotion import Moved, promote, rollback
from titleshot.registry.registered import registered_contender
from titleshot.registry.registration import register
from titleshot.registry.rehearsal import CASES
from titleshot.registry.signature import Claim, check_signature
from titleshot.registry.standing import registered, standing

pytestmark = pytest.mark.slow

NAME = "checkout-paging"
Judge = Callable[..., Evidence]


@pytest.fixture
def versions(home: Home) -> list[Registered]:
    """Three registered versions; none is live."""
    return list(registered(Ledger(home.ledger).lines(), NAME).values())


@pytest.fixture
def live(home: Home, versions: list[Registered], judged: Judge) -> list[Registered]:
    """Three versions, the first is champion."""
    promote(NAME, 1, home=home, evidence=judged(home, versions[0]).folder)
    return versions


def at(home: Home, alias: str = "champion") -> int | None:
    """Where the alias stands, which ledger and registry agree on."""
    stands = standing(Ledger(home.ledger).lines(), NAME).get(alias)
    assert MlflowStore(home).aliases(NAME).get(alias) == (stands.version if stands else None)
    return stands.version if stands else None


def test_registering_makes_a_version_and_the_same_again_makes_none(
    home: Home, versions: list[Registered], contender: Callable[..., Contender], decision: Decision
) -> None:
    assert [line.version for line in versions] == [1, 2, 3]
    again = register(contender(30), decision, home=home, actor="ann")
    assert (again.line.version, again.new) == (2, False)
    assert at(home, "challenger") == 2
    assert MlflowStore(home).version(NAME, 1).tags["tree_digest"] == versions[0].tree_digest


def test_a_name_that_is_not_the_decisions_is_refused(
    home: Home, contender: Callable[..., Contender], decision: Decision
) -> None:
    with pytest.raises(UsageError, match="leave --name out"):
        register(contender(), decision, home=home, name="other", actor="ann")


def test_the_whole_way_up_and_back(home: Home, live: list[Registered], judged: Judge) -> None:
    assert at(home) == 1
    evidence = judged(home, live[2], live[0])
    assert promote(NAME, 3, home=home, evidence=evidence.folder) == Moved(NAME, "champion", 1, 3)
    assert at(home) == 3
    assert at(home, "challenger") is None  # it was 3, which pages now
    stored = MlflowStore(home).version(NAME, 3)
    assert stored.tags["evidence_digest"] == evidence.digest
    claim = Claim(NAME, 3, stored.tags["tree_digest"], "champion")
    check_signature(home.public_key(), claim, stored.tags["signature.champion"])
    assert (home.evidence / evidence.record.decision_id / "report.html").is_file()
    metrics = MlflowStore(home).client.get_run(stored.run_id).data.metrics
    assert metrics["incident_recall"] == pytest.approx(0.83)
    assert rollback(NAME, home=home, reason="pages too much").after == 1
    assert at(home) == 1
    told = [in_words(line) for line in history(NAME, home=home.path)]
    assert "rollback: champion from version 3 to version 1: pages too much" in told
    with pytest.raises(UsageError, match="nothing to go back to"):
        rollback(NAME, home=home, reason="again")


@pytest.mark.filterwarnings("default")  # importing mlflow.pyfunc warns of its own type hints
def test_a_batch_user_loads_the_champion_by_alias(home: Home, live: list[Registered]) -> None:
    import mlflow
    import pandas as pd

    mlflow.set_tracking_uri(MlflowStore(home).uri)
    model = mlflow.pyfunc.load_model(f"models:/{NAME}@champion")
    stamps = pd.date_range("2026-04-26", periods=40, freq="min", tz="UTC")
    values = [1.0, 1.1] * 19 + [float("nan"), 9.0]
    samples = pd.DataFrame(
        {
            "timestamp": stamps,
            "namespace": "shop",
            "service": "api",
            "metric_name": "latency",
            "value": values,
        }
    )
    events = model.predict(samples)
    assert events["value"].tolist() == [9.0]
    assert events["service"].tolist() == ["api"]
    # MLflow wrote into the stored folder; that is no change of ours.
    assert promote_again(home, live) is None


def promote_again(home: Home, live: list[Registered]) -> None:
    with pytest.raises(UsageError, match="champion of checkout-paging already"):
        promote(NAME, 1, home=home, evidence=None, override=True, reason="r")


def test_the_champion_is_loaded_through_the_ledger_checked_and_signed(
    home: Home, live: list[Registered]
) -> None:
    assert (
        registered_contender(f"models:/{NAME}@champion", home=home.path).artifact_digest
        == live[0].artifact_digest
    )
    assert registered_contender(f"models:/{NAME}/2", home=home.path).recipe.digest == live[1].recipe_digest
    with pytest.raises(UsageError, match="has no nobody; there are challenger, champion"):
        registered_contender(f"models:/{NAME}@nobody", home=home.path)
    kept = home.artifact(live[0].tree_digest) / "contender.yaml"
    kept.write_text(kept.read_text().replace("20", "21"))
    with pytest.raises(IntegrityError, match="changed since"):
        registered_contender(f"models:/{NAME}@champion", home=home.path)


class TestGate:
    """What stops a promotion; each time nothing moves."""

    def refused(self, home: Home, version: int, evidence: Evidence, words: str, **more: object) -> None:
        before = at(home)
        with pytest.raises(FailedCheck, match=words):
            promote(NAME, version, home=home, evidence=evidence.folder, **more)
        assert at(home) == before

    def test_a_verdict_that_is_not_promote(self, home: Home, live: list[Registered], judged: Judge) -> None:
        for case in CASES[1:]:
            evidence = judged(home, live[1], live[0], case=case)
            self.refused(home, 2, evidence, f"its verdict is {evidence.verdict.answer}")

    def test_evidence_about_another_recipe(self, home: Home, live: list[Registered], judged: Judge) -> None:
        self.refused(home, 3, judged(home, live[1], live[0]), "it is about the recipe")

    def test_evidence_against_what_is_not_live_now(
        self, home: Home, live: list[Registered], judged: Judge
    ) -> None:
        stale = judged(home, live[2], live[0])
        promote(NAME, 2, home=home, evidence=judged(home, live[1], live[0]).folder)
        self.refused(home, 3, stale, r"but version 2 \(.*\) is live; compare with that")

    def test_evidence_against_nothing_while_a_champion_is_live(
        self, home: Home, live: list[Registered], judged: Judge
    ) -> None:
        self.refused(home, 2, judged(home, live[1]), "it is against never")

    def test_evidence_the_ledger_never_saw(self, home: Home, live: list[Registered], judged: Judge) -> None:
        self.refused(home, 2, judged(home, live[1], live[0], seen=False), "ledger never saw it judged")

    def test_old_evidence(self, home: Home, live: list[Registered], judged: Judge) -> None:
        evidence = judged(home, live[1], live[0], judged_at=0)
        self.refused(home, 2, evidence, "it is 31 days old", now=31 * DAY)

    def test_another_decision_or_group_than_the_policys(
        self, home: Home, live: list[Registered], judged: Judge
    ) -> None:
        policy = evidence_policy(decision="search-paging", scope="eu")
        self.refused(
            home, 2, judged(home, live[1], live[0], policy=policy), "its policy is for search-paging"
        )

    def test_approvals_that_are_absent(self, home: Home, live: list[Registered], judged: Judge) -> None:
        policy = evidence_policy(approvals=("lead", "sre"))
        evidence = judged(home, live[1], live[0], policy=policy)
        self.refused(home, 2, evidence, "the approval of sre", approvals=["lead"])
        promote(NAME, 2, home=home, evidence=evidence.folder, approvals=["lead", "sre"])
        assert at(home) == 2

    def test_a_step_of_the_rollout_that_is_not_done(
        self, home: Home, live: list[Registered], judged: Judge
    ) -> None:
        steps = (RolloutStep(step="group", group="checkout", hours=1), RolloutStep(step="everyone"))
        evidence = judged(home, live[1], live[0], policy=evidence_policy(rollout=steps))
        self.refused(home, 2, evidence, "group checkout for 1 h first, and version 2 is not live there")
        self.refused(home, 2, evidence, "no step for the group search", group="search")
        moved = promote(NAME, 2, home=home, evidence=evidence.folder, group="checkout")
        assert moved.next_step == "everyone after 1 h"
        self.refused(home, 2, evidence, "wait .* h more")
        later = time.time_ns() + DAY
        assert promote(NAME, 2, home=home, evidence=evidence.folder, now=later).next_step is None
        assert at(home) == 2

    def test_evidence_judged_for_a_narrow_group(
        self, home: Home, live: list[Registered], judged: Judge
    ) -> None:
        evidence = judged(home, live[1], live[0], group="checkout")
        self.refused(home, 2, evidence, "it was judged for the group checkout, not for all services")
        promote(NAME, 2, home=home, evidence=evidence.folder, group="checkout")

    def test_a_version_nobody_registered(self, home: Home, live: list[Registered], judged: Judge) -> None:
        with pytest.raises(UsageError, match="no version 9 in the ledger; there are 1, 2, 3"):
            promote(NAME, 9, home=home, evidence=judged(home, live[1], live[0]).folder)

    @pytest.mark.usefixtures("live")
    def test_no_evidence_at_all(self, home: Home) -> None:
        with pytest.raises(UsageError, match="needs --evidence"):
            promote(NAME, 2, home=home, evidence=None)

    def test_stored_bytes_that_were_changed(self, home: Home, live: list[Registered], judged: Judge) -> None:
        for path in home.mlartifacts.rglob("model_card.md"):
            path.write_text("better than ever")
        with pytest.raises(IntegrityError, match="changed since"):
            promote(NAME, 2, home=home, evidence=judged(home, live[1], live[0]).folder)
        assert at(home) == 1


def evidence_policy(**changes: object) -> object:
    from titleshot.registry.policy import load_policy

    return load_policy().model_copy(update=changes)


def test_an_override_needs_a_reason_and_stays_visible(
    home: Home, live: list[Registered], judged: Judge
) -> None:
    evidence = judged(home, live[1], live[0], case=CASES[1])
    with pytest.raises(UsageError, match="needs --reason"):
        promote(NAME, 2, home=home, evidence=evidence.folder, override=True, reason=" ")
    moved = promote(NAME, 2, home=home, evidence=evidence.folder, override=True, reason="outage of 1")
    assert "its verdict is not_enough_evidence" in moved.overruled[0]
    assert status(NAME, home=home.path).aliases["champion"].override is True
    assert any("promote OVERRIDE" in in_words(line) for line in history(NAME, home=home.path))


def test_an_override_that_overrides_nothing_is_none(
    home: Home, live: list[Registered], judged: Judge
) -> None:
    promote(NAME, 2, home=home, evidence=judged(home, live[1], live[0]).folder, override=True, reason="r")
    assert status(NAME, home=home.path).aliases["champion"].override is False


def test_a_group_may_have_a_champion_of_its_own_and_go_back_to_that_of_all(
    home: Home, live: list[Registered], judged: Judge
) -> None:
    evidence = judged(home, live[1], live[0])
    promote(NAME, 2, home=home, evidence=evidence.folder, group="eu/west")
    assert (at(home), at(home, "champion--eu_2fwest")) == (1, 2)
    assert rollback(NAME, home=home, reason="r", group="eu/west").after is None
    assert at(home, "champion--eu_2fwest") is None


def test_rollback_goes_only_where_the_ledger_has_been(
    home: Home, live: list[Registered], judged: Judge
) -> None:
    with pytest.raises(UsageError, match="version 2 never was champion"):
        rollback(NAME, home=home, reason="r", to=2)
    promote(NAME, 2, home=home, evidence=judged(home, live[1], live[0]).folder)
    promote(NAME, 3, home=home, evidence=judged(home, live[2], live[1]).folder)
    assert rollback(NAME, home=home, reason="r", to=1).after == 1
    with pytest.raises(UsageError, match="nothing to go back to"):
        rollback(NAME, home=home, reason="r")


def test_rollback_refuses_bytes_that_are_not_what_was_live(
    home: Home, live: list[Registered], judged: Judge
) -> None:
    promote(NAME, 2, home=home, evidence=judged(home, live[1], live[0]).folder)
    for path in home.mlartifacts.rglob("contender.yaml"):
        path.write_text(path.read_text().replace("window: 20", "window: 21"))
    with pytest.raises(IntegrityError, match="changed since"):
        rollback(NAME, home=home, reason="r")
    assert at(home) == 2


class TestOutOfBand:
    """Somebody moves the alias past titleshot."""

    def test_it_is_reported_and_blocks(self, home: Home, live: list[Registered], judged: Judge) -> None:
        MlflowStore(home).set_alias(NAME, "champion", 3)
        said = status(NAME, home=home.path)
        assert "champion of checkout-paging stands at version 3" in said.strayed[0]
        evidence = judged(home, live[1], live[0])
        with pytest.raises(IntegrityError, match="somebody moved it past titleshot"):
            promote(NAME, 2, home=home, evidence=evidence.folder)
        moved = promote(NAME, 2, home=home, evidence=evidence.folder, override=True, reason="accepted")
        assert moved.before == 3
        assert at(home) == 2
        assert any(isinstance(line, OutOfBand) for line in Ledger(home.ledger).lines())

    @pytest.mark.usefixtures("live")
    def test_a_rollback_does_not_wait_for_it(self, home: Home) -> None:
        MlflowStore(home).set_alias(NAME, "champion", 3)
        assert rollback(NAME, home=home, reason="3 was never judged").after == 1
        assert at(home) == 1

    @pytest.mark.usefixtures("live")
    def test_a_deleted_alias_is_one_too(self, home: Home) -> None:
        MlflowStore(home).set_alias(NAME, "champion", None)
        assert "stands nowhere in the registry" in status(NAME, home=home.path).strayed[0]
        assert rollback(NAME, home=home, reason="r").after == 1

    @pytest.mark.usefixtures("live")
    def test_a_version_with_an_alias_is_not_deleted(self, home: Home) -> None:
        store = MlflowStore(home)
        with pytest.raises(UsageError, match="move the alias before deleting"):
            store.delete_version(NAME, 1)
        store.delete_version(NAME, 2)
        assert [one.version for one in store.versions(NAME)] == [1, 3]


class TestCrash:
    """A process dies between intent and commit; the next one finishes what it began."""

    @pytest.mark.parametrize("where", ["before the alias moves", "after the alias moved"])
    def test_an_unfinished_promotion_is_rolled_forward(
        self, home: Home, live: list[Registered], judged: Judge, monkeypatch: pytest.MonkeyPatch, where: str
    ) -> None:
        class Died(BaseException):
            pass

        def die(*_: object, **__: object) -> None:
            raise Died

        evidence = judged(home, live[1], live[0])
        with monkeypatch.context() as patch:
            if where == "before the alias moves":
                patch.setattr(MlflowStore, "set_alias", die)
            else:
                patch.setattr(Aliases, "_commit", die)
            with pytest.raises(Died):
                promote(NAME, 2, home=home, evidence=evidence.folder)
        assert isinstance(Ledger(home.ledger).lines()[-1], Intended)
        said = status(NAME, home=home.path)
        assert said.champion == 1  # shims follow what was committed
        assert [intent.to_version for intent in said.unfinished] == [2]
        assert said.strayed == ()
        with pytest.raises(UsageError, match="version 2 is champion of checkout-paging already"):
            promote(NAME, 2, home=home, evidence=evidence.folder)
        assert at(home) == 2
        assert any(
            isinstance(line, Committed) and line.rolled_forward for line in Ledger(home.ledger).lines()
        )

    def test_an_alias_elsewhere_is_not_rolled_over(
        self, home: Home, live: list[Registered], judged: Judge, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise Unreachable("gone")

        evidence = judged(home, live[1], live[0])
        with monkeypatch.context() as patch:
            patch.setattr(MlflowStore, "set_alias", fail)
            with pytest.raises(Unreachable):
                promote(NAME, 2, home=home, evidence=evidence.folder)
        MlflowStore(home).set_alias(NAME, "champion", 3)
        with pytest.raises(IntegrityError, match="somebody moved it past titleshot"):
            promote(NAME, 2, home=home, evidence=evidence.folder)
        assert MlflowStore(home).aliases(NAME)["champion"] == 3


def test_of_two_promoters_at_once_one_wins_and_the_other_sees_it(
    home: Home, live: list[Registered], judged: Judge
) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from titleshot.datasets.errors import TitleshotError\n"
        "from titleshot.registry.home import Home; from titleshot.registry.promotion import promote\n"
        "try:\n"
        "    home, evidence = Home(Path(sys.argv[3])), Path(sys.argv[4])\n"
        "    promote(sys.argv[1], int(sys.argv[2]), home=home, evidence=evidence)\n"
        "except TitleshotError as error:\n"
        "    print(error, file=sys.stderr); sys.exit(error.exit_code)\n"
    )
    proofs = {2: judged(home, live[1], live[0]), 3: judged(home, live[2], live[0])}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, NAME, str(version), str(home.path), str(proof.folder)],
            stderr=subprocess.PIPE,
            text=True,
        )
        for version, proof in proofs.items()
    ]
    errors = [process.communicate(timeout=120)[1] for process in running]
    assert sorted(process.returncode for process in running) == [0, 1], errors
    assert "is live; compare with that" in "".join(errors)
    assert at(home) in {2, 3}


def test_a_registry_that_is_away_is_told_soon_and_nothing_is_half_done(
    home: Home, live: list[Registered], judged: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    evidence = judged(home, live[1], live[0])
    before = Ledger(home.ledger).lines()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    with pytest.raises(Unreachable, match=r"registry http://127\.0\.0\.1:1 does not answer"):
        promote(NAME, 2, home=home, evidence=evidence.folder)
    assert Ledger(home.ledger).lines() == before
    assert "does not answer" in (status(NAME, home=home.path).unreachable or "")


def test_a_damaged_store_is_told(home: Home) -> None:
    home.database.write_bytes(b"not a database at all, but long enough to be looked at" * 100)
    with pytest.raises(MalformedInput, match="is damaged"):
        MlflowStore(home)
