"""What stands beside an incident on the page, in words beside those of scores."""

from __future__ import annotations

from titleshot.reports.defined import Words

STORIES: tuple[Words, ...] = (
    Words(
        name="incident_story",
        title="The path of a fault",
        unit="services in order",
        n_of="alerts of one incident candidate",
        question="Which service alerted in which order, and along which calls may the fault have come?",
        formula=(
            "services by their first alert; a call, as valid when the incident opened and known when it was"
            " last said, counts as travelled where the callee alerted before the caller. Evidence is the"
            " strangest alert of each metric"
        ),
        range="one row a service",
        misleads=(
            "Order of alerts is not cause and effect: a detector may hear a victim before the culprit, and"
            " calls nobody recorded carry faults too."
        ),
        source="DESIGN 3 and 4",
    ),
    Words(
        name="missing_context",
        title="What the data cannot tell",
        unit="gaps",
        better="down",
        n_of="services of one incident candidate",
        question="What would a responder want to know that nobody can tell from the data?",
        formula=(
            "no suspicion; events not in the log; no owner, tier or call of a service known then; no table of"
            " deploys, planned changes, log or platform events; an expectation of unknown rest; no end"
        ),
        range="0 upward",
        misleads="Only gaps we know to ask for are counted; that a row is there does not make it right.",
        source="DESIGN 4",
    ),
)
