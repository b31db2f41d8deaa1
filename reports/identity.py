"""Which bytes and which code the numbers speak of."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from titleshot.datasets.contracts.data_parts import DataParts
from titleshot.datasets.contracts.scores import Identity
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import InvalidDataset
from titleshot.datasets.label_layer import Labels
from titleshot.datasets.replay_log import ReplayLog

_ROOT = Path(__file__).resolve().parents[1]


class Code(NamedTuple):
    """The checkout that is running; None for what cannot be known, as in an installed wheel."""

    commit: str | None
    dirty: bool | None
    lock_digest: str | None


@cache
def running_code() -> Code:
    """Commit and state of this checkout, and SHA-256 of its lock file."""
    lock = _ROOT / "requirements.lock"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest() if lock.is_file() else None
    if not (_ROOT / ".git").exists():
        return Code(None, None, digest)
    commit, changes = _git("rev-parse", "HEAD"), _git("status", "--porcelain")
    return Code(commit or None, None if changes is None else bool(changes), digest)


def _git(*arguments: str) -> str | None:
    program = shutil.which("git")
    if program is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments, no shell
            [program, "--no-optional-locks", "-C", str(_ROOT), *arguments],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def of_log(log: ReplayLog, dataset: Dataset, labels: Labels) -> Identity:
    """The identity of a log scored on a dataset.

    Raises:
        InvalidDataset: the log was replayed from other data than the labels belong to.
    """
    about = log.about
    source: dict[str, Any] = about.get("dataset") or {}
    digest = source.get("digest")
    # A journal was filled by production: time alone ties it to labels. So it is with a page history that
    # names no dataset; one that does had its services and its span read for that one.
    elsewhere = digest is None and (about.get("opaque") or about.get("journal"))
    if not elsewhere and digest != dataset.card.digest:
        if digest and about.get("opaque"):
            raise InvalidDataset(
                f"{log.path} is a page history imported for {source.get('name')} ({digest[:12]}), the labels"
                f" are those of {dataset.card.name} ({dataset.card.digest[:12]}); import it again:"
                f" titleshot import pages SOURCE LOG --dataset {dataset.path}"
            )
        said = f"{source.get('name')} ({digest[:12]})" if digest else "no dataset it would name"
        raise InvalidDataset(
            f"{log.path} was replayed from {said}, the labels are those of {dataset.card.name}"
            f" ({dataset.card.digest[:12]}){_other_tables(source, dataset)}; replay the contender on"
            f" {dataset.path} and score that log, or name the dataset it was replayed on"
        )
    return _identity(
        str(about.get("contender") or log.path.name),
        about.get("recipe_digest"),
        about.get("artifact_digest"),
        dataset,
        labels,
        about.get("pages_digest"),
    )


def _other_tables(source: dict[str, Any], dataset: Dataset) -> str:
    """Which tables differ, where the log kept what they were."""
    if not source.get("parts"):
        return ""
    then, now = DataParts.model_validate(source["parts"]), dataset.card.parts
    differ = [n for n in sorted({*then.tables, *now.tables}) if then.tables.get(n) != now.tables.get(n)]
    if then.ingest_delay_s != now.ingest_delay_s:
        differ.append("ingest_delay_s")
    return f", which differ in {', '.join(differ)}" if differ else ""


def notes_of(log: ReplayLog, dataset: Dataset) -> tuple[str, ...]:
    """What the scorecard of a log must say of where its pages come from, and of settings changed since."""
    notes: tuple[str, ...] = ()
    parts = (log.about.get("dataset") or {}).get("parts")
    if parts:
        then, now = DataParts.model_validate(parts).evaluation, dataset.card.parts.evaluation
        if changed := [name for name in sorted({*then, *now}) if then.get(name) != now.get(name)]:
            told = f"evaluation settings changed since the log was made: {', '.join(changed)}"
            notes = (f"{told}; scored under those of now",)
    if not log.about.get("opaque"):
        return notes
    said = log.about.get("notes") or []
    return (
        *notes,
        "an imported page history holds pages only, no events and no hypotheses: of those nothing is scored",
        *said,
    )


def of_never(dataset: Dataset, labels: Labels) -> Identity:
    """The identity of a champion that does not exist yet."""
    return _identity("never", None, None, dataset, labels)


def _identity(
    contender: str,
    recipe_digest: str | None,
    artifact_digest: str | None,
    dataset: Dataset,
    labels: Labels,
    pages_digest: str | None = None,
) -> Identity:
    code = running_code()
    return Identity(
        contender=contender,
        recipe_digest=recipe_digest,
        artifact_digest=artifact_digest,
        pages_digest=pages_digest,
        dataset=dataset.card.name,
        dataset_digest=dataset.card.digest,
        labels_digest=labels.digest,
        labels_as_of=labels.as_of,
        parts=dataset.card.parts,
        code_commit=code.commit,
        code_dirty=code.dirty,
        lock_digest=code.lock_digest,
    )
