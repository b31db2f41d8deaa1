"""Looks are counted: every judging of an evaluation span spends some of the error a policy accepts."""

from __future__ import annotations

from titleshot.datasets.contracts.comparisons import Comparison
from titleshot.registry.evidence import Evidence, look_of
from titleshot.registry.ledger import Ledger, Looked
from titleshot.registry.policy import Policy


def looks_before(ledger: Ledger, comparison: Comparison, policy: Policy | None = None) -> int:
    """Distinct earlier looks at an evaluation span that overlaps this one; the same look again is none.

    Whoever was judged counts: the best of many challengers on one span is a find of chance like the last of
    many tries. Data that has grown keeps its name, so a look at a shorter span of it counts too. A span that
    ``policy`` seals is used once: the same comparison under another policy, chosen when the numbers were
    known, is another use.
    """
    identity, settings, own = (
        comparison.challenger.identity,
        comparison.challenger.settings,
        look_of(comparison),
    )
    sealed = policy.digest if policy is not None and policy.data.sealed_span else None
    return len(
        {
            (line.look, line.policy_digest if sealed and line.look == own else None)
            for line in ledger.lines()
            if isinstance(line, Looked)
            and (line.dataset == identity.dataset or line.dataset_digest == identity.dataset_digest)
            and line.span_from < settings.span_to
            and settings.span_from < line.span_to
        }
        - {(own, sealed)}
    )


def record_look(ledger: Ledger, evidence: Evidence, actor: str) -> Looked:
    """Write down that evidence was judged; a promotion takes no evidence the ledger did not see."""
    record = evidence.record
    return ledger.append(
        Looked,
        actor,
        look=record.look,
        dataset=record.challenger.dataset,
        dataset_digest=record.challenger.dataset_digest,
        labels_digest=record.challenger.labels_digest,
        span_from=record.span_from,
        span_to=record.span_to,
        champion=record.champion.recipe_digest or record.champion.contender,
        challenger=record.challenger.recipe_digest or record.challenger.contender,
        policy_digest=record.policy_digest,
        decision_id=record.decision_id,
        evidence_digest=evidence.digest,
        answer=record.answer,
    )
