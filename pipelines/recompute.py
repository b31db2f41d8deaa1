"""A comparison made again from logs and dataset, and how it differs from the one that evidence holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from titleshot.datasets.contracts.comparisons import Comparison
from titleshot.datasets.contracts.scores import Identity
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import FailedCheck, IntegrityError, TitleshotError
from titleshot.datasets.identity_check import Judged, check_identity
from titleshot.datasets.label_layer import Labels
from titleshot.datasets.replay_log import ReplayLog
from titleshot.registry.evidence import Evidence
from titleshot.registry.judge import NO_CHAMPION
from titleshot.registry.sources import LogSource, changed_tables
from titleshot.reports.comparison import compare_logs

MOST_NAMED = 20
_CODE = ("code_commit", "code_dirty", "lock_digest")
_NAMES = ("name", "incident_id", "page_id", "score", "factor")
"""What tells the items of a list apart."""


class Places(NamedTuple):
    """Where logs and dataset are; the champion is None where there was none."""

    champion: Path | None
    challenger: Path
    labels: Path


@dataclass(frozen=True)
class Recomputed:
    """What was checked on the way to an equal comparison, in words."""

    checked: tuple[str, ...]
    notes: tuple[str, ...]


def places_of(
    evidence: Evidence, champion: Path | str | None, challenger: Path | str | None, labels: Path | str | None
) -> Places | str:
    """Where to read from: as given, else where the evidence says it was; a text says why that fails."""
    sources = evidence.sources

    def place(given: Path | str | None, kept: str | None) -> Path | None:
        if given is not None:
            return Path(given)
        return None if kept is None else evidence.folder / kept

    against = evidence.comparison.champion.identity
    nobody = against.contender == NO_CHAMPION and against.recipe_digest is against.pages_digest is None
    found = {
        "--champion": place(champion, sources.champion.place if sources and sources.champion else None),
        "--challenger": place(challenger, sources.challenger.place if sources else None),
        "--labels": place(labels, sources.dataset if sources else None),
    }
    if nobody:
        found.pop("--champion")
    unnamed = [option for option, where in found.items() if where is None]
    if unnamed:
        return f"the evidence does not say where they were; give {', '.join(unnamed)}"
    given = {"--champion": champion, "--challenger": challenger, "--labels": labels}
    gone = [
        option for option, where in found.items() if given[option] is None and where and not where.exists()
    ]
    if gone:
        return f"not where they were ({found[gone[0]]}); give {', '.join(gone)}"
    second, data = found["--challenger"], found["--labels"]
    if second is None or data is None:
        raise TypeError("places of the challenger and of the dataset are set by now")
    return Places(found.get("--champion"), second, data)


def recompute(evidence: Evidence, places: Places) -> Recomputed:
    """Check that logs, dataset and labels are those of then, compare them anew, and demand the same.

    The comparison must be equal bit for bit, all but which code made it.

    Raises:
        IntegrityError: a log, a table or labels are not those that were compared.
        FailedCheck: the comparison comes out otherwise; names every score that does.
        MalformedInput: no log or dataset there.
    """
    data = Dataset.open(places.labels)
    logs = None if places.champion is None else ReplayLog(places.champion), ReplayLog(places.challenger)
    checked = [_same_data(evidence, data), *_same_logs(evidence, logs)]
    was = json.loads((evidence.folder / "comparison.json").read_bytes())
    found: list[list[str]] = []
    for as_of in _moments(evidence):
        again = _with_code_of(evidence.comparison, _compared(evidence, logs, data, as_of))
        found.append(list(_differences(was, json.loads(again.to_json()))))
        if not found[-1]:
            break
    if found[-1]:
        raise FailedCheck(_told(evidence, found[0]))
    checked.append(f"the comparison, made again: {_leaves(was):,} values equal bit for bit")
    return Recomputed(tuple(checked), tuple(_notes(evidence, was)))


def _same_data(evidence: Evidence, data: Dataset) -> str:
    card = evidence.comparison.challenger
    identity = card.identity
    check = check_identity(
        data,
        Judged(
            where=f"evidence {evidence.record.decision_id}",
            dataset=identity.dataset,
            digest=identity.dataset_digest,
            parts=identity.parts,
            labels_digest=identity.labels_digest,
            labels_as_of=identity.labels_as_of,
            incidents=card.incidents,
        ),
    )
    if not check.same:
        raise IntegrityError(
            f"{data.path} is not the dataset that was compared: {'; '.join(check.differences)}"
        )
    return f"{data.path}: every table and the labels as of then, by content ({identity.dataset_digest[:12]})"


def _same_logs(evidence: Evidence, logs: tuple[ReplayLog | None, ReplayLog]) -> Iterator[str]:
    sources, comparison = evidence.sources, evidence.comparison
    kept: tuple[LogSource | None, LogSource | None] = (
        (None, None) if sources is None else (sources.champion, sources.challenger)
    )
    cards = comparison.champion, comparison.challenger
    for role, log, source, card in zip(("champion", "challenger"), logs, kept, cards, strict=True):
        if log is None:
            continue
        said, identity = log.about, card.identity
        differ = [
            f"{name} {str(found)[:12]}, not {str(was)[:12]}"
            for name in ("contender", "recipe_digest", "artifact_digest")
            if (found := said.get(name)) != (was := getattr(identity, name))
            and not (name == "contender" and found is None)
        ]
        differ += [] if source is None else changed_tables(log, source)
        if differ:
            raise IntegrityError(f"{log.path} is not the {role}'s log that was compared: {'; '.join(differ)}")
        by = "recipe and artifact" if source is None else f"SHA-256 of {len(source.tables)} tables"
        yield f"{log.path}: the {role}'s log, by {by}"


def _moments(evidence: Evidence) -> tuple[int | None, ...]:
    """``--as-of`` as it was; both that it may have been, where that was not kept."""
    if evidence.sources is not None:
        return (evidence.sources.as_of,)
    return (None, evidence.comparison.challenger.identity.labels_as_of)


@dataclass(frozen=True)
class _Then(Dataset):
    """The dataset with the labels that were known then, where no moment is named."""

    known_at: int = 0

    def labels(self, as_of: int | None = None) -> Labels:
        return super().labels(self.known_at if as_of is None else as_of)


def _compared(
    evidence: Evidence, logs: tuple[ReplayLog | None, ReplayLog], data: Dataset, as_of: int | None
) -> Comparison:
    policy, group = evidence.policy, evidence.verdict.group
    then = _Then(data.path, data.card, evidence.comparison.challenger.identity.labels_as_of)
    try:
        return compare_logs(
            *logs,
            then,
            as_of=as_of,
            detect_within_s=evidence.decision.detect_within_s if evidence.decision else None,
            seed=policy.resampling.seed,
            resamples=policy.resampling.resamples,
            confidence=policy.confidence,
            decisive_confidence=policy.decisive_confidence,
            confidences=policy.confidences(champion=logs[0] is not None, group=group),
        )
    except TitleshotError as error:
        raise FailedCheck(f"{evidence.folder}: its logs cannot be compared any more: {error}") from None


def _with_code_of(was: Comparison, again: Comparison) -> Comparison:
    """Which code ran is told apart: it may be another and must say the same."""

    def by(then: Identity, now: Identity) -> Identity:
        return now.model_copy(update={name: getattr(then, name) for name in _CODE})

    return again.model_copy(
        update={
            side: getattr(again, side).model_copy(
                update={"identity": by(getattr(was, side).identity, getattr(again, side).identity)}
            )
            for side in ("champion", "challenger")
        }
    )


def _differences(was: Any, now: Any, where: str = "") -> Iterator[str]:
    """Every leaf that differs, by its path. What only a later release writes is passed over."""
    if isinstance(was, dict) and isinstance(now, dict):
        for name in was:
            if name != "schema_version":
                yield from _differences(was[name], now.get(name), f"{where}.{name}" if where else name)
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for number, (one, other) in enumerate(zip(was, now, strict=True)):
            yield from _differences(one, other, f"{where}[{_name(one, number)}]")
    elif isinstance(was, list) and isinstance(now, list):
        yield f"{where}: {len(was)} entries then, {len(now)} now"
    elif was != now or type(was) is not type(now):
        yield f"{where}: {_short(was)} then, {_short(now)} now"


def _name(item: Any, number: int) -> str:
    named = [str(item[key]) for key in _NAMES if isinstance(item, dict) and key in item]
    return named[0] if named else str(number)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _told(evidence: Evidence, differences: list[str]) -> str:
    more = len(differences) - MOST_NAMED
    lines = [f"{evidence.folder}: compared anew, {len(differences)} values are others:"]
    lines += [f"  {one}" for one in differences[:MOST_NAMED]]
    lines += [f"  and {more} more"] if more > 0 else []
    lines.append("the evidence does not follow from these logs by this code; compare again")
    return "\n".join(lines)


def _leaves(value: Any) -> int:
    if isinstance(value, dict):
        return sum(map(_leaves, value.values()))
    return sum(map(_leaves, value)) if isinstance(value, list) else 1


def _notes(evidence: Evidence, was: dict[str, Any]) -> Iterator[str]:
    from titleshot.reports.identity import running_code

    then, now = evidence.comparison.challenger.identity, running_code()
    if then.code_commit != now.commit or then.code_dirty or now.dirty:
        state = [
            f"{(commit or 'unknown')[:12]}{' with changes' if dirty else ''}"
            for commit, dirty in ((then.code_commit, then.code_dirty), (now.commit, now.dirty))
        ]
        yield f"code then {state[0]}, now {state[1]}"
    added = sorted(set(Comparison.model_fields) - set(was))
    if added:
        yield f"written before {', '.join(added)} were kept: those were not compared"
