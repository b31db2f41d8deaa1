"""The evidence folder: everything a promotion rests on, complete in itself and digested.

decision.json      what was asked of what, and the answer with every criterion
comparison.json    the paired comparison the judge read
verdict.json       its verdict
policy.yaml        the policy it judged by
decision.yaml      the operational decision, where one was named
incidents.parquet  what became of each incident under both
report.html        for people
sources.json       which logs and dataset it was made from, where that is known
digest.json        SHA-256 of each file and of all of them
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq

from titleshot.datasets.contracts.comparisons import Comparison
from titleshot.datasets.contracts.decision import Decision
from titleshot.datasets.contracts.instants import Instant, format_instant
from titleshot.datasets.contracts.measured import Measured
from titleshot.datasets.contracts.record import Record, canonical_json
from titleshot.datasets.contracts.scores import Identity
from titleshot.datasets.contracts.validation import ValidationReport
from titleshot.datasets.contracts.verdicts import CriterionOutcome, Verdict
from titleshot.datasets.errors import IntegrityError, MalformedInput
from titleshot.datasets.whole_output import whole_folder
from titleshot.datasets.yaml_file import dump_yaml, load_yaml
from titleshot.registry.judge import judge
from titleshot.registry.policy import Policy, load_policy
from titleshot.registry.sources import SOURCES, Sources
from titleshot.registry.tree import files_of, tree_digest

DIGESTS = "digest.json"
_TIME = pa.timestamp("ns", tz="UTC")


class PromotionRecord(Record):
    """``decision.json``: the identity of everything that went into an answer."""

    VERSION: ClassVar[str] = "1.1"

    schema_version: str = "1.1"
    decision_id: str = ""
    decision_name: str | None
    answer: str
    reasons: tuple[str, ...]
    criteria: tuple[CriterionOutcome, ...]
    missing: tuple[str, ...]
    judged_at: Instant
    policy_name: str
    policy_digest: str
    looks: int
    look: str
    champion: Identity
    challenger: Identity
    span_from: Instant
    span_to: Instant
    blocks: int
    incidents_scored: int
    seed: int
    resamples: int
    validation: ValidationReport | None
    measured: Measured | None = None
    """Of the challenger in shadow; None where it did not run there."""


@dataclass(frozen=True)
class Evidence:
    """A folder of evidence, read back."""

    folder: Path
    digest: str
    record: PromotionRecord
    comparison: Comparison
    verdict: Verdict
    policy: Policy
    decision: Decision | None
    sources: Sources | None = None
    """None in what was written before they were kept."""


def look_of(comparison: Comparison) -> str:
    """Digest of what is compared on what, and how it is scored: judged again, by any policy, it is the same.

    What a policy sets itself (seed, resamples, confidence) is left out; other scoring of the same logs, such
    as labels taken as complete or more grace, is another try.
    """
    one, other = comparison.champion, comparison.challenger
    scored = other.settings.model_dump(
        mode="json", include={"warm_up_s", "early_s", "grace_s", "hops", "labels_complete", "detect_within_s"}
    )
    return hashlib.sha256(
        canonical_json(
            [
                *map(_who, (one.identity, other.identity)),
                other.identity.dataset_digest,
                other.identity.labels_digest,
                [other.settings.span_from, other.settings.span_to],
                scored,
            ]
        ).encode()
    ).hexdigest()


def _who(identity: Identity) -> tuple[str | None, ...]:
    who = (identity.contender, identity.recipe_digest, identity.artifact_digest)
    # Two page histories have the same name and no recipe; only what they hold tells them apart.
    return who if identity.pages_digest is None else (*who, identity.pages_digest)


def write_evidence(
    out: Path | None,
    comparison: Comparison,
    verdict: Verdict,
    policy: Policy,
    *,
    beneath: Path,
    decision: Decision | None = None,
    validation: ValidationReport | None = None,
    measured: Measured | None = None,
    sources: Sources | None = None,
) -> Evidence:
    """Write the folder, all or nothing: at ``out``, or at ``beneath/<decision id>`` where that is None.

    Raises:
        UsageError: ``out`` exists and is no evidence folder.
    """
    record = _record(comparison, verdict, decision, validation, measured)
    folder = out or beneath / record.decision_id
    with whole_folder(folder, mark=DIGESTS, what="an evidence folder") as beside:
        _write(beside, "decision.json", record.model_dump(mode="json"))
        _write(beside, "comparison.json", comparison.model_dump(mode="json"))
        _write(beside, "verdict.json", verdict.model_dump(mode="json"))
        (beside / "policy.yaml").write_text(dump_yaml(policy.model_dump(mode="json")), encoding="utf-8")
        if decision is not None:
            (beside / "decision.yaml").write_text(
                dump_yaml(decision.model_dump(mode="json")), encoding="utf-8"
            )
        if sources is not None:
            _write(beside, SOURCES, sources.seen_from(folder).model_dump(mode="json"))
        pq.write_table(incident_table(comparison), beside / "incidents.parquet", compression="zstd")
        (beside / "report.html").write_text(
            _page(comparison, verdict, decision, validation), encoding="utf-8"
        )
        files = {name: _sha256(path) for name, path in files_of(beside)}
        _write(beside, DIGESTS, {"evidence_version": "1.0", "digest": tree_digest(beside), "files": files})
    return read_evidence(folder)


def read_evidence(folder: Path) -> Evidence:
    """Check every byte of a folder against its digests, then read it.

    Raises:
        MalformedInput: no evidence folder, or a part that breaks its contract.
        IntegrityError: a file was changed, added or removed; names it.
    """
    path = folder / DIGESTS
    try:
        said = json.loads(path.read_bytes())
        digest, listed = str(said["digest"]), dict(said["files"])
    except FileNotFoundError:
        raise MalformedInput(
            f"{folder}: no evidence here ({DIGESTS} is missing); make it with compare"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise MalformedInput(f"{path} cannot be read: {error}") from None
    found = {name: _sha256(file) for name, file in files_of(folder) if name != DIGESTS}
    changed = sorted(name for name in {*found, *listed} if found.get(name) != listed.get(name))
    if changed or tree_digest(folder, frozenset({DIGESTS})) != digest:
        raise IntegrityError(
            f"{folder}: {', '.join(changed) or DIGESTS} changed since the evidence was written; compare again"
        )
    decision = folder / "decision.yaml"
    return Evidence(
        folder=folder,
        digest=digest,
        record=_read(folder / "decision.json", PromotionRecord),
        comparison=_read(folder / "comparison.json", Comparison),
        verdict=_read(folder / "verdict.json", Verdict),
        policy=load_policy(folder / "policy.yaml"),
        decision=load_yaml(decision, Decision) if decision.is_file() else None,
        sources=_read(folder / SOURCES, Sources) if (folder / SOURCES).is_file() else None,
    )


def rejudge(evidence: Evidence, policy: Policy | None = None) -> Verdict:
    """The verdict its comparison gets, by its own policy or by another, with the looks it had."""
    return judge(
        evidence.comparison,
        policy or evidence.policy,
        looks=evidence.record.looks,
        validation=evidence.record.validation,
        measured=evidence.record.measured,
        group=evidence.verdict.group,
        judged_at=evidence.record.judged_at,
    )


def incident_table(comparison: Comparison) -> pa.Table:
    """A row per labelled incident: what it was and what became of it under both."""
    columns: dict[str, list[Any]] = {name: [] for name in _INCIDENTS.names}
    for pair in comparison.incidents:
        label = pair.champion
        row: dict[str, Any] = {
            name: getattr(label, name) for name in ("incident_id", "start", "end", "root_service", "severity")
        }
        row |= {"kind": label.kind, "team": label.team, "verdict": pair.verdict, "why": pair.why}
        for who, outcome in (("champion", pair.champion), ("challenger", pair.challenger)):
            for name in ("outcome", "detected_at", "time_to_detect_s", "duplicates", "fan_out"):
                row[f"{who}_{name}"] = getattr(outcome, name)
        for name, values in columns.items():
            values.append(row[name])
    return pa.table(columns, schema=_INCIDENTS)


_OF_BOTH = (
    ("outcome", pa.string()),
    ("detected_at", _TIME),
    ("time_to_detect_s", pa.float64()),
    ("duplicates", pa.int32()),
    ("fan_out", pa.int32()),
)
_INCIDENTS = pa.schema(
    [
        ("incident_id", pa.string()),
        ("start", _TIME),
        ("end", _TIME),
        ("root_service", pa.string()),
        ("severity", pa.string()),
        ("kind", pa.string()),
        ("team", pa.string()),
        ("verdict", pa.string()),
        ("why", pa.string()),
        *((f"{who}_{name}", kind) for who in ("champion", "challenger") for name, kind in _OF_BOTH),
    ]
)


def _record(
    comparison: Comparison,
    verdict: Verdict,
    decision: Decision | None,
    validation: ValidationReport | None,
    measured: Measured | None,
) -> PromotionRecord:
    settings = comparison.challenger.settings
    record = PromotionRecord(
        decision_name=decision.name if decision else None,
        answer=verdict.answer,
        reasons=verdict.reasons,
        criteria=verdict.criteria,
        missing=verdict.missing,
        judged_at=verdict.judged_at,
        policy_name=verdict.policy_name,
        policy_digest=verdict.policy_digest,
        looks=verdict.looks,
        look=look_of(comparison),
        champion=comparison.champion.identity,
        challenger=comparison.challenger.identity,
        span_from=settings.span_from,
        span_to=settings.span_to,
        blocks=comparison.blocks,
        incidents_scored=comparison.incidents_scored,
        seed=settings.seed,
        resamples=settings.resamples,
        validation=validation,
        measured=measured,
    )
    content = canonical_json(record.model_dump(mode="json", exclude={"decision_id"}))
    day = format_instant(verdict.judged_at)[:10]
    return record.model_copy(
        update={"decision_id": f"{day}-{hashlib.sha256(content.encode()).hexdigest()[:12]}"}
    )


def _page(
    comparison: Comparison, verdict: Verdict, decision: Decision | None, validation: ValidationReport | None
) -> str:
    from titleshot.reports.page import render_page

    return render_page(comparison, verdict, decision, validation)


def _write(folder: Path, name: str, document: dict[str, Any]) -> None:
    (folder / name).write_text(canonical_json(document) + "\n", encoding="utf-8")


def _read(path: Path, record: type[Any]) -> Any:
    try:
        return record.from_json(path.read_bytes(), where=str(path))
    except FileNotFoundError:
        raise MalformedInput(f"{path}: no such file; the evidence is not whole") from None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
