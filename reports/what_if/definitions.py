"""Shares of actions, defined like scores: what they are, and what misleads about them."""

from __future__ import annotations

from titleshot.reports.defined import Words

_SOURCE = "SCORING 1, applied to actions"
SHARES: tuple[Words, ...] = (
    Words(
        name="action_right_ratio",
        title="Actions on the right service",
        unit="ratio",
        better="up",
        n_of="actions in scored time",
        question="Of what a remediation rule would have done, how much hit the service where it began?",
        formula=(
            "actions whose target is the root of a labelled incident going on then, in its window as for"
            " pages / actions in scored time"
        ),
        range="0 to 1",
        misleads=(
            "The right service is not the right action: a restart of the culprit may still do harm. Actions"
            " of one incident count each."
        ),
        source=_SOURCE,
    ),
    Words(
        name="action_wrong_service_ratio",
        title="Actions on the wrong service",
        unit="ratio",
        better="down",
        n_of="actions in scored time",
        question="How often would a rule have touched a victim instead of the culprit?",
        formula=(
            "actions while a labelled incident that affects target or alerting service was going on, whose"
            " root is another / actions in scored time"
        ),
        range="0 to 1",
        misleads="Which services are affected is as labelled, else the root and its callers.",
        source=_SOURCE,
    ),
    Words(
        name="action_no_incident_ratio",
        title="Actions without an incident",
        unit="ratio",
        better="down",
        n_of="actions in scored time",
        question="How often would a rule have acted where nothing was wrong?",
        formula="actions while no labelled incident about target or alert went on / actions in scored time",
        range="0 to 1; undefined where labels are not complete",
        misleads="An incident nobody labelled looks like none.",
        source=_SOURCE,
    ),
    Words(
        name="action_maintenance_ratio",
        title="Actions during maintenance",
        unit="ratio",
        better="down",
        n_of="actions",
        question="How often would a rule have acted on a service that people were working on?",
        formula="actions while the target was under maintenance / actions",
        range="0 to 1",
        misleads="Alerts held during maintenance never reach a rule: what is left came by way of others.",
        source="DESIGN 3",
    ),
    Words(
        name="action_repeat_ratio",
        title="Repeated actions",
        unit="ratio",
        better="down",
        n_of="actions",
        question="How often would a rule have acted again before anybody could see whether it helped?",
        formula="actions within repeat_within_s after any rule's action on the same service / actions",
        range="0 to 1",
        misleads="A replay cannot know that the first action would have ended the incident.",
        source="DESIGN 3",
    ),
    Words(
        name="action_stopped_ratio",
        title="Stopped by a guardrail",
        unit="ratio",
        n_of="actions",
        question="How many actions would this guardrail have stopped, were it the only one?",
        formula="actions it would have stopped / actions",
        range="0 to 1",
        misleads="Stopping much is easy: look at how many right actions it stops too.",
        source="DESIGN 3",
    ),
    Words(
        name="blast_radius",
        title="Blast radius",
        unit="services",
        better="down",
        n_of="actions whose target's calls were known",
        question="How many services call what a rule would have touched?",
        formula="distinct direct callers of the target in the topology valid then: mean and most",
        range="0 upward; unknown where no call of or to the target is recorded",
        misleads="Callers of callers, and calls nobody recorded, are hit as well.",
        source="DESIGN 3",
    ),
    Words(
        name="action_stage",
        title="How far a rule may go",
        unit="advisory, human approval or automatic",
        n_of="actions that guardrails let through",
        question="May this rule recommend, ask, or act by itself?",
        formula=(
            "automatic: it can be taken back, and of what guardrails let through at least correct_at_least"
            " was right by the interval's lower end; human approval: at least half was; else advisory"
        ),
        range="one of the three",
        misleads="It speaks of the past as labelled. Nothing was carried out, so nothing shows it helps.",
        source="DESIGN 3",
    ),
)
