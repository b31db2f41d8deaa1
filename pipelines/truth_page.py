"""``reports/TRUTH.md``: what intervals and the judge did when the answer was known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from titleshot.reports.proportions import wilson


@dataclass(frozen=True)
class Covered:
    """How often an interval held the true value."""

    score: str
    of: str
    days: int
    pairs: int
    share: float
    undefined: int


@dataclass(frozen=True)
class Promoted:
    """How often a challenger exactly at the margin was promoted; ``stated`` is the most it may be."""

    score: str
    kind: str
    how: str
    pairs: int
    share: float
    stated: float | None


def truth_page(covered: Sequence[Covered], promoted: Sequence[Promoted], assumed: Sequence[str]) -> str:
    """The page; ``assumed`` is what was simulated, a line each."""
    lines = [
        "# Truth: what intervals and the judge do when the answer is known",
        "",
        "Written by `make truth` from pairs with overdispersed days, see `reports/simulated_pairs.py`.",
        "Behind each share stands its own 95 % interval (Wilson).",
        "",
        *(f"- {line}" for line in assumed),
        "",
        "## 95 % intervals that hold the true value",
        "",
        "| score | of | days | pairs | covered | without an interval |",
        "|---|---|---|---|---|---|",
        *(
            f"| {row.score} | {row.of} | {row.days} | {row.pairs:,} | {_share(row.share, row.pairs)} |"
            f" {row.undefined} |"
            for row in covered
        ),
        "",
        "## A challenger exactly at the margin is promoted",
        "",
        "One criterion of the default policy at a time. Rows marked *not allowed* show what the rules on",
        "looks and sealed spans keep from happening.",
        "",
        "| score | criterion | how | pairs | promoted | stated, at most |",
        "|---|---|---|---|---|---|",
        *(
            f"| {row.score} | {row.kind} | {row.how} | {row.pairs:,} | {_share(row.share, row.pairs)} |"
            f" {'' if row.stated is None else f'{row.stated:.1%}'} |"
            for row in promoted
        ),
        "",
    ]
    return "\n".join(lines)


def _share(share: float, n: int) -> str:
    low, high = wilson(round(share * n), n, 0.95)
    return f"{share:.1%} ({low:.1%} to {high:.1%})"
