"""Past evidence under another policy: what it was, what it would be, and what came of it since."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from titleshot.datasets.contracts.instants import DAY, format_instant
from titleshot.datasets.contracts.verdicts import Answer, Verdict
from titleshot.datasets.errors import IntegrityError, MalformedInput, TitleshotError
from titleshot.pipelines.outcome import Progress, silent
from titleshot.registry.evidence import DIGESTS, Evidence, read_evidence, rejudge
from titleshot.registry.judge import what_decided
from titleshot.registry.ledger import AnyLine, Committed, Intended
from titleshot.registry.policy import Policy


class Since(NamedTuple):
    """What the ledger knows of a decision: a version that went live on it, and whether it was taken back."""

    name: str
    version: int
    alias: str
    at: int
    """Nanoseconds UTC of the commit."""
    overridden: bool
    rolled_back_at: int | None = None
    reason: str | None = None

    def in_words(self) -> str:
        """In one line."""
        live = f"version {self.version} became {self.alias} on {_day(self.at)}"
        if self.overridden:
            live += " by override"
        if self.rolled_back_at is None:
            return live
        after = (self.rolled_back_at - self.at) / DAY
        return f"{live}, ROLLED BACK after {after:.1f} days ({self.reason})"


@dataclass(frozen=True)
class Retried:
    """One folder of evidence, judged again."""

    evidence: Evidence
    verdict: Verdict
    since: tuple[Since, ...]

    @property
    def was(self) -> Answer:
        return self.evidence.verdict.answer

    @property
    def flips(self) -> tuple[str, ...]:
        """What makes the answer another one; empty where it is the same."""
        if self.verdict.answer == self.was:
            return ()
        if self.verdict.answer == "promote":
            return tuple(f"no longer: {why}" for why in what_decided(self.evidence.verdict))
        return tuple(what_decided(self.verdict))

    @property
    def rolled_back(self) -> bool:
        return any(since.rolled_back_at is not None for since in self.since)

    @property
    def document(self) -> dict[str, Any]:
        """For machines."""
        record = self.evidence.record
        return {
            "evidence": str(self.evidence.folder),
            "decision_id": record.decision_id,
            "judged_at": format_instant(record.judged_at),
            "champion": record.champion.contender,
            "challenger": record.challenger.contender,
            "answer": self.was,
            "policy": self.evidence.verdict.policy_name,
            "verdict": self.verdict.model_dump(mode="json"),
            "flips": list(self.flips),
            "since": [
                {
                    **since._asdict(),
                    "at": format_instant(since.at),
                    "rolled_back_at": since.rolled_back_at and format_instant(since.rolled_back_at),
                }
                for since in self.since
            ],
        }


class Broken(NamedTuple):
    """A folder that is no evidence, and why."""

    folder: Path
    error: TitleshotError


class Counts(NamedTuple):
    """What a policy would have changed."""

    same: int
    stopped: int
    """Promotions that would have been none."""
    stopped_and_rolled_back: int
    """Of them, those that were rolled back later: the policy would have been right."""
    kept_and_rolled_back: int
    """Promotions it would have let pass as well, that were rolled back."""
    let_pass: int
    """Rejections that would have been promotions."""
    decided: int
    """Of what had not enough evidence: promoted or rejected."""
    other: int
    """Any other change of answer."""


@dataclass(frozen=True)
class Retrospect:
    """Every folder, those that are none, and the counts."""

    policy: Policy
    judged: tuple[Retried, ...]
    broken: tuple[Broken, ...]

    @property
    def counts(self) -> Counts:
        """How the answers changed."""
        same = [one for one in self.judged if one.verdict.answer == one.was]
        changed = [one for one in self.judged if one.verdict.answer != one.was]
        stopped = [one for one in changed if one.was == "promote"]
        let_pass = [one for one in changed if one.was == "reject" and one.verdict.answer == "promote"]
        decided = [
            one
            for one in changed
            if one.was == "not_enough_evidence" and one.verdict.answer in {"promote", "reject"}
        ]
        return Counts(
            same=len(same),
            stopped=len(stopped),
            stopped_and_rolled_back=sum(one.rolled_back for one in stopped),
            kept_and_rolled_back=sum(one.rolled_back for one in same if one.was == "promote"),
            let_pass=len(let_pass),
            decided=len(decided),
            other=len(changed) - len(stopped) - len(let_pass) - len(decided),
        )


def retrospect(
    folders: Iterable[Path],
    policy: Policy,
    lines: Sequence[AnyLine] = (),
    *,
    progress: Progress = silent,
) -> Retrospect:
    """Judge evidence again, oldest first, copies once; what cannot be read is named and stops nothing.

    Args:
        folders: evidence, or folders that hold such, as ``HOME/evidence``.
        lines: a ledger that may know what came of it.
    """
    judged, broken = [], []
    copies: dict[str, Path] = {}
    places = dict.fromkeys(inner for folder in folders for inner in expanded(folder))
    for number, place in enumerate(places):
        progress("judging", number, len(places))
        try:
            found = read_evidence(place)
        except (MalformedInput, IntegrityError) as error:
            broken.append(Broken(place, error))
            continue
        if copies.setdefault(found.digest, place) == place:
            judged.append(Retried(found, rejudge(found, policy), tuple(since(found, lines))))
    judged.sort(key=lambda one: (one.evidence.record.judged_at, one.evidence.record.decision_id))
    return Retrospect(policy, tuple(judged), tuple(broken))


def expanded(folder: Path) -> list[Path]:
    """The folder itself, or the folders in it where at least one of them is evidence and it is none."""
    try:
        if (folder / DIGESTS).exists() or not folder.is_dir():
            return [folder]
        inner = sorted(path for path in folder.iterdir() if path.is_dir() and path.name[0] != ".")
    except OSError:
        return [folder]
    return inner if any((path / DIGESTS).is_file() for path in inner) else [folder]


def since(evidence: Evidence, lines: Sequence[AnyLine]) -> Iterable[Since]:
    """The versions that went live on the evidence, and how they left.

    A version is rolled back where the next move of its alias is a rollback away from it.
    """
    done = {line.intent: line.at for line in lines if isinstance(line, Committed)}
    moves = [line for line in lines if isinstance(line, Intended) and line.seq in done]
    for at, move in enumerate(moves):
        if move.move != "promote" or move.evidence_digest != evidence.digest or move.to_version is None:
            continue
        later = (one for one in moves[at + 1 :] if (one.name, one.alias) == (move.name, move.alias))
        after = next(later, None)
        back = after if after and after.move == "rollback" else None
        yield Since(
            move.name,
            move.to_version,
            move.alias,
            done[move.seq],
            move.override,
            done[back.seq] if back else None,
            back.reason if back else None,
        )


def in_words(found: Retrospect) -> list[str]:
    """A table, what was missing, and the counts."""
    rows = [("decision", "judged", "challenger", "was", "would be")]
    for one in found.judged:
        record = one.evidence.record
        rows.append(
            (
                record.decision_id,
                _day(record.judged_at),
                record.challenger.contender,
                one.was,
                "the same" if one.verdict.answer == one.was else one.verdict.answer,
            )
        )
    widths = [max(len(row[at]) for row in rows) for at in range(5)]
    lines = [f"{len(found.judged)} verdicts under {found.policy.name} ({found.policy.digest[:12]})", ""]
    for number, row in enumerate(rows):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        lines.append("  ".join(cells).rstrip())
        if number:
            one = found.judged[number - 1]
            lines += [f"    because of {why}" for why in one.flips]
            lines += [f"    {came.in_words()}" for came in one.since]
            if one.verdict.answer == "not_enough_evidence":
                lines += [f"    missing: {missing}" for missing in one.verdict.missing]
    lines += [f"BROKEN {one.folder}: {one.error}" for one in found.broken]
    return [*lines, "", *_counted(found)]


def _counted(found: Retrospect) -> list[str]:
    counts = found.counts
    promoted = sum(one.was == "promote" for one in found.judged)
    rejected = sum(one.was == "reject" for one in found.judged)
    waiting = sum(one.was == "not_enough_evidence" for one in found.judged)
    right = f"{counts.stopped_and_rolled_back} of which were rolled back later"
    return [
        f"of {promoted} promotions it would have stopped {counts.stopped}, {right}",
        f"of the promotions it lets pass too, {counts.kept_and_rolled_back} were rolled back later",
        f"of {rejected} rejections it would have let pass {counts.let_pass}",
        f"of {waiting} without enough evidence it would have decided {counts.decided}",
        f"the same answer: {counts.same}, other changes: {counts.other}, not read: {len(found.broken)}",
    ]


def _day(at: int) -> str:
    return format_instant(at)[:10]
