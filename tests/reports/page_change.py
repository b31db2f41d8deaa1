"""What another correlator changed, with a worst case of each kind and names that are markup."""

from __future__ import annotations

from page_fixture import START
from page_what_if import MARKUP, share

from titleshot.datasets.contracts.correlator_changes import (
    CorrelatorChange,
    PieceView,
    RegroupedView,
    SparedPage,
)
from titleshot.datasets.contracts.instants import HOUR

WHOLE = RegroupedView(
    incident_id="0123456789abcdef",
    opened_at=START + HOUR,
    severity="critical",
    services=("shop/cart", "shop/db", MARKUP, "shop/web"),
    alerts=87,
    labelled=("inc-0001", "inc-0002 <b>"),
    pieces=(
        PieceView(
            incident_id="fedcba9876543210",
            opened_at=START + HOUR,
            alerts=80,
            services=("shop/cart", "shop/db", MARKUP),
            labelled=("inc-0001",),
        ),
        PieceView(incident_id=None, opened_at=START + 2 * HOUR, alerts=1, services=("shop/web",)),
    ),
    pieces_left_out=6,
)
CHANGE = CorrelatorChange(
    champion="bucket@45cdf82e",
    challenger="topology_sessions@eee2b08f <b>",
    alerts=8705,
    same_paging=False,
    pages=(617, 213),
    pages_by_outcome={"detection": (69, 65), "false": (367, 116)},
    pages_spared=128,
    pages_added=27,
    incidents=(3029, 713),
    unchanged=448,
    split=share("split_ratio", 20),
    merged=share("merged_ratio", 3),
    worst_pages=(
        SparedPage(
            page_id="p1",
            paged_at=START + HOUR,
            route="on-call <b>",
            severity="high",
            services=("shop/cart",),
            outcome="detection",
            hit="inc-0001",
            challenger_found_it=False,
        ),
    ),
    worst_splits=(WHOLE,),
    worst_merges=(WHOLE,),
)
