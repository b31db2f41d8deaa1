"""``make truth``: do the intervals cover what they say, and does the judge promote no more often than stated?

Simulated pairs whose true scores are known (``reports/simulated_pairs.py``) go through the code that scores
and judges real ones. What comes out is written to ``reports/TRUTH.md``, seeds included.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from titleshot.datasets.whole_output import whole_file
from titleshot.pipelines.outcome import Progress, silent
from titleshot.pipelines.truth_judge import promotions
from titleshot.pipelines.truth_page import Covered, truth_page
from titleshot.pipelines.truth_setting import (
    CHALLENGER,
    CHAMPION,
    DEFINITIONS,
    PAIRS,
    RESAMPLES,
    SEEDS,
    WORLD,
    random_of,
    resampling_of,
)
from titleshot.reports.estimates import estimate, paired_estimate
from titleshot.reports.simulated_pairs import simulate, true_scores
from titleshot.reports.tally import paired

OUT = Path("reports/TRUTH.md")
DAYS = (30, 60, 120)
"""Lengths of history that intervals are tried on."""
CONFIDENCE = 0.95


def coverage(
    *, pairs: int = PAIRS, days: Sequence[int] = DAYS, seed: int = 1, progress: Progress = silent
) -> list[Covered]:
    """Coverage of the 95 % intervals of each score, of one contender and of the difference of two."""
    truth = true_scores(CHALLENGER, WORLD)
    apart = {name: value - true_scores(CHAMPION, WORLD)[name] for name, value in truth.items()}
    found = []
    for length in days:
        hits: dict[tuple[str, str], list[bool | None]] = {}
        for number in range(pairs):
            if number % 50 == 0:
                progress(f"intervals over {length} days", number, pairs)
            first, second = simulate(random_of(seed, length, number), length, WORLD, (CHAMPION, CHALLENGER))
            resampling = resampling_of(length, number)
            both = paired(first, second)
            for name, definition in DEFINITIONS.items():
                own = estimate(definition, second, resampling, CONFIDENCE)
                hits.setdefault((name, "contender"), []).append(_holds(own.low, own.high, truth[name]))
                pair = paired_estimate(definition, *both, resampling, CONFIDENCE, 0.99)
                hits.setdefault((name, "difference"), []).append(_holds(pair.low, pair.high, apart[name]))
        found += [
            Covered(
                name,
                of,
                length,
                pairs,
                # An interval that is not there covers nothing.
                sum(hit is True for hit in all_hits) / pairs,
                sum(hit is None for hit in all_hits),
            )
            for (name, of), all_hits in hits.items()
        ]
    return found


def _holds(low: float | None, high: float | None, value: float) -> bool | None:
    return None if low is None or high is None else low <= value <= high


def main() -> int:
    """Run everything and write the page."""
    parser = argparse.ArgumentParser(description="Try intervals and the judge on pairs whose truth is known.")
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()

    def told(what: str, done: int, total: int | None = None) -> None:
        sys.stderr.write(f"{what}: {done} of {total}\n")

    text = truth_page(
        coverage(pairs=args.pairs, progress=told),
        promotions(pairs=args.pairs, progress=told),
        [
            f"The champion: {CHAMPION}.",
            f"The challenger: {CHALLENGER}.",
            f"Days: {WORLD}.",
            "Pair number k draws its days with seed [s, days, k], s = 1 for intervals, 2 for the judge.",
            f"{RESAMPLES:,} resamples, {SEEDS} draws of days in turn.",
        ],
    )
    with whole_file(args.out) as beside:
        beside.write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
