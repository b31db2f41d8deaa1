"""What evidence, a scorecard, a replay log or a registered version says of the dataset it rests on."""

from __future__ import annotations

from pathlib import Path

from titleshot.datasets.contracts.data_parts import DataParts
from titleshot.datasets.contracts.scores import Identity, IncidentOutcome, Scorecard
from titleshot.datasets.errors import IntegrityError, MalformedInput, UsageError
from titleshot.datasets.identity_check import Judged
from titleshot.datasets.log_about import read_about
from titleshot.registry.evidence import DIGESTS, read_evidence
from titleshot.registry.home import Home
from titleshot.registry.ledger import Intended, Ledger
from titleshot.registry.registered import ADDRESS, version_of
from titleshot.registry.standing import standing

_LONGEST = 1 << 28


def judged_by(source: str, *, home: Path) -> Judged:
    """The dataset that ``source`` speaks of, as it was written down then.

    Args:
        source: an evidence folder, a replay log, a file that ``score --json`` printed, or
            ``models:/NAME@ALIAS`` or ``models:/NAME/VERSION`` for the evidence it was promoted on.
        home: where registered versions and their evidence are kept.

    Raises:
        MalformedInput: nothing of the kind is there, or it breaks its contract.
        IntegrityError: the evidence is not what was written.
        UsageError: it names no dataset.
    """
    if source.startswith("models:"):
        return _of_version(source, Home(home))
    place = Path(source)
    if (place / DIGESTS).is_file():
        return _of_evidence(place)
    if (place / "log.json").is_file():
        return _of_log(place)
    if place.is_file():
        return _of_scorecard(place)
    raise MalformedInput(
        f"{source} is neither an evidence folder ({DIGESTS}), a replay log (log.json), a scorecard"
        " (score --json) nor models:/NAME@ALIAS; name what was judged"
    )


def _of_evidence(folder: Path, digest: str | None = None) -> Judged:
    evidence = read_evidence(folder)
    if digest is not None and evidence.digest != digest:
        raise IntegrityError(
            f"{folder}: the ledger promoted on {digest[:12]}, this is {evidence.digest[:12]}; restore it"
        )
    card = evidence.comparison.challenger
    return _judged(f"evidence {evidence.record.decision_id}", card.identity, card.incidents)


def _of_scorecard(path: Path) -> Judged:
    if path.stat().st_size > _LONGEST:
        raise MalformedInput(
            f"{path}: {path.stat().st_size:,} bytes are no scorecard; name what score --json printed"
        )
    try:
        card = Scorecard.from_json(path.read_bytes(), where=str(path))
    except OSError as error:
        raise MalformedInput(f"{path} cannot be read: {error.strerror}") from None
    return _judged(f"scorecard of {card.identity.contender}", card.identity, card.incidents)


def _of_log(folder: Path) -> Judged:
    about = read_about(folder)
    data = about.get("dataset") or {}
    if not data.get("digest"):
        raise UsageError(
            f"{folder} names no dataset: it is what production or another tool said; name evidence or a"
            " scorecard made with it"
        )
    return Judged(
        where=f"replay log of {about.get('contender') or folder.name}",
        dataset=str(data.get("name") or ""),
        digest=str(data["digest"]),
        parts=DataParts.model_validate(data["parts"]) if data.get("parts") else None,
    )


def _of_version(address: str, home: Home) -> Judged:
    match = ADDRESS.fullmatch(address)
    if match is None:
        raise UsageError(f"{address!r} is no address; write models:/NAME@ALIAS or models:/NAME/VERSION")
    name, alias, number = match.groups()
    lines = Ledger(home.ledger).lines()
    if alias is not None:
        stands = standing(lines, name)
        if alias not in stands:
            there = ", ".join(sorted(stands)) or "none"
            raise UsageError(f"{name} has no {alias} in {home.path}; there are {there}")
        number = str(stands[alias].version)
    version_of(lines, name, int(number), home)
    for line in reversed(lines):
        if (
            isinstance(line, Intended)
            and line.name == name
            and line.to_version == int(number)
            and line.decision_id
        ):
            return _of_evidence(home.evidence / line.decision_id, line.evidence_digest)
    raise UsageError(
        f"{name} version {number} was never promoted on evidence, so nothing was judged; name evidence"
    )


def _judged(where: str, identity: Identity, incidents: tuple[IncidentOutcome, ...]) -> Judged:
    return Judged(
        where=where,
        dataset=identity.dataset,
        digest=identity.dataset_digest,
        parts=identity.parts,
        labels_digest=identity.labels_digest,
        labels_as_of=identity.labels_as_of,
        incidents=incidents,
    )
