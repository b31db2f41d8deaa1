"""Moving an alias: intent, move, read back, commit. The ledger decides; MLflow is told.

Callers hold the home's ``promotion`` lock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from titleshot.datasets.errors import IntegrityError
from titleshot.registry.home import Home
from titleshot.registry.ledger import Committed, Intended, Ledger, OutOfBand
from titleshot.registry.signature import Claim, sign
from titleshot.registry.standing import CHALLENGER, CHAMPION, registered, standing, unfinished

if TYPE_CHECKING:  # importing MLflow takes seconds
    from titleshot.registry.mlflow_store import MlflowStore

Move = Literal["promote", "rollback", "challenge", "retire"]


class Strayed(NamedTuple):
    """An alias that stands where no committed line put it."""

    alias: str
    expected: int | None
    found: int | None

    def in_words(self, name: str) -> str:
        def at(version: int | None) -> str:
            return "nowhere" if version is None else f"at version {version}"

        return (
            f"{self.alias} of {name} stands {at(self.found)} in the registry, the ledger put it "
            f"{at(self.expected)}: somebody moved it past titleshot"
        )


class Basis(NamedTuple):
    """What a move rests on."""

    decision_id: str | None = None
    evidence_digest: str | None = None
    override: bool = False
    approvals: tuple[str, ...] = ()


class Aliases:
    """The aliases of one model."""

    def __init__(self, home: Home, ledger: Ledger, store: MlflowStore, name: str) -> None:
        self.home = home
        self.ledger = ledger
        self.store = store
        self.name = name

    def settle(self) -> list[Intended]:
        """Roll forward what a crash left between intent and commit; returns what was finished now."""
        waiting = unfinished(self.ledger.lines(), self.name)
        if not waiting:
            return []
        there = self.store.aliases(self.name)
        done = []
        for intent in waiting:
            at = there.get(intent.alias)
            if at not in {intent.from_version, intent.to_version}:
                continue  # strayed() reports it
            self._carry_out(intent, at)
            self._commit(intent, rolled_forward=True)
            done.append(intent)
        return done

    def strayed(self) -> list[Strayed]:
        """Champion and challenger aliases that are not where the ledger has them."""
        expected = {alias: at.version for alias, at in standing(self.ledger.lines(), self.name).items()}
        found = {
            alias: version
            for alias, version in self.store.aliases(self.name).items()
            if alias in expected or alias == CHALLENGER or alias.startswith(CHAMPION)
        }
        return [
            Strayed(alias, expected.get(alias), found.get(alias))
            for alias in sorted({*expected, *found})
            if expected.get(alias) != found.get(alias)
        ]

    def accept(self, strayed: Strayed, reason: str, actor: str) -> None:
        """Write down that an alias was found elsewhere and that a person goes on from there."""
        self.ledger.append(
            OutOfBand,
            actor,
            name=self.name,
            alias=strayed.alias,
            expected=strayed.expected,
            found=strayed.found,
            reason=reason,
        )

    def move(
        self,
        alias: str,
        to: int | None,
        *,
        move: Move,
        reason: str,
        actor: str,
        basis: Basis = Basis(),  # noqa: B008  frozen
    ) -> Committed | None:
        """Move an alias; None where it stands there already.

        Raises:
            IntegrityError: the alias is not where the ledger has it, or did not stay where it was set.
        """
        lines = self.ledger.lines()
        stands = standing(lines, self.name).get(alias)
        start = stands.version if stands else None
        at = self.store.aliases(self.name).get(alias)
        if at != start:
            raise IntegrityError(Strayed(alias, start, at).in_words(self.name))
        if at == to:
            return None
        signature = digest = None
        if to is not None:
            digest = registered(lines, self.name)[to].tree_digest
            signature = sign(self.home.signing_key(), Claim(self.name, to, digest, alias))
        intent = self.ledger.append(
            Intended,
            actor,
            move=move,
            name=self.name,
            alias=alias,
            from_version=start,
            to_version=to,
            reason=reason,
            tree_digest=digest,
            signature=signature,
            **basis._asdict(),
        )
        self._carry_out(intent, at)
        return self._commit(intent)

    def _carry_out(self, intent: Intended, at: int | None) -> None:
        if intent.to_version is not None and intent.signature is not None:
            # A shim that follows an MLflow server has no ledger: it finds the signature beside the version.
            tag = {f"signature.{intent.alias}": intent.signature}
            self.store.tag(self.name, intent.to_version, tag)
        if at != intent.to_version:
            self.store.set_alias(self.name, intent.alias, intent.to_version)

    def _commit(self, intent: Intended, *, rolled_forward: bool = False) -> Committed:
        at = self.store.aliases(self.name).get(intent.alias)
        if at != intent.to_version:
            raise IntegrityError(Strayed(intent.alias, intent.to_version, at).in_words(self.name))
        return self.ledger.append(Committed, intent.actor, intent=intent.seq, rolled_forward=rolled_forward)
