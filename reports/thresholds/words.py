"""What curves against threshold say, in words beside those of scores."""

from __future__ import annotations

from titleshot.reports.defined import Words

THRESHOLDS: tuple[Words, ...] = (
    Words(
        name="threshold_curve",
        title="Other thresholds",
        unit="that of each score",
        n_of="as of each score",
        question="What would lower and higher thresholds have found, how soon, and at what cost?",
        formula=(
            "of a detector: from dense scores u, strange where u >= c, its own alert policy, each alert a"
            " page to one route; of the whole contender: a replay with every threshold times c, so correlator"
            " and paging rule are as they would be; both matched and scored as any pages"
        ),
        range="c from 0.4 to 4 unless told; c = 1 is the contender as it is, and must page as its log does",
        misleads=(
            "A detector alone pages every alert, so its false pages are no forecast of the contender's."
            " Floors of spread, policies and severities stay as they are, and a contender with other"
            " thresholds is another contender: replay it and judge it."
        ),
        source="SCORING 1, 2 and 4",
    ),
    Words(
        name="threshold_exchange",
        title="Bought and paid",
        unit="that of each score",
        n_of="the same incidents and days at both thresholds",
        question="What does going from the present threshold to another buy and cost?",
        formula="other − present, over incidents that count at both, as in a comparison",
        range="either way",
        misleads=(
            "An incident that begins under an open page counts at neither threshold: with many pages open,"
            " few incidents are left to find."
        ),
        source="SCORING 4",
    ),
    Words(
        name="threshold_choice",
        title="Chosen threshold",
        unit="that of the detector",
        n_of="as of its scores",
        question="Which threshold would a stated rule have picked, and how does it do on other days?",
        formula=(
            "picked on the tuning span: fewest false pages that still find as many incidents; or most"
            " incidents at no more than 2 pages a shift; or soonest at no more false pages. Checked on the"
            " scored span, against the present threshold. Without a tuning span it is picked on the scored"
            " labels and called oracle"
        ),
        range="one of the thresholds tried",
        misleads=(
            "The best of many looks better on the span it was picked on than anywhere else: read the check."
            " An oracle has no check: no contender can be had that keeps what it promises."
        ),
        source="SCORING 4",
    ),
)
