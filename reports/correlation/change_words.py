"""What another correlator changes, in words beside those of scores."""

from __future__ import annotations

from titleshot.reports.defined import Words

CHANGES: tuple[Words, ...] = (
    Words(
        name="pages_saved",
        title="Pages a correlator saves",
        unit="pages",
        better="up",
        n_of="pages of the champion",
        question="How many pages less does the other correlator send about the same alerts?",
        formula=(
            "pages of the champion − pages of the challenger. Spared: pages of the champion about alerts of"
            " which the challenger paged nobody; added: the other way round"
        ),
        range="either way; known only where detectors said the same alerts on both sides",
        misleads=(
            "A spared page may have been the only word of an incident: look at the worst. Another paging rule"
            " saves pages too; the page says where it is another."
        ),
        source="DESIGN 3",
    ),
    Words(
        name="split_ratio",
        title="Candidates split",
        unit="ratio",
        n_of="candidates of the champion",
        question="How many of the champion's candidates are several of the challenger's?",
        formula="candidates whose alerts lie in at least two of the other side / candidates with alerts",
        range="0 to 1",
        misleads=(
            "A split is right where two incidents were one candidate: look at which labelled incidents the"
            " pieces hold."
        ),
        source="DESIGN 3",
    ),
    Words(
        name="merged_ratio",
        title="Candidates merged",
        unit="ratio",
        n_of="candidates of the challenger",
        question="How many of the challenger's candidates are several of the champion's?",
        formula="candidates whose alerts lie in at least two of the other side / candidates with alerts",
        range="0 to 1",
        misleads="A merge is right where one incident was several candidates, wrong where two were apart.",
        source="DESIGN 3",
    ),
)
