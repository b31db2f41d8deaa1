"""``generate``: make a synthetic platform with known truth."""

from __future__ import annotations

import argparse
from pathlib import Path

from titleshot.datasets.dataset import Dataset
from titleshot.datasets.synthetic.platform import SyntheticPlatform
from titleshot.pipelines.outcome import Outcome, Progress, silent


def generate(
    dataset: Path | str,
    *,
    services: int = 12,
    days: int = 120,
    cadence_s: float = 300,
    seed: int = 7,
    incidents_per_week: float = 14,
    replace: bool = False,
    progress: Progress = silent,
) -> Dataset:
    """Write a synthetic platform to the folder ``dataset``; arguments as of ``SyntheticPlatform``.

    The same arguments give the same bytes.

    Raises:
        UsageError: an argument outside its rules, or the folder holds something and ``replace`` is not set.
    """
    platform = SyntheticPlatform(services, days, cadence_s, seed, incidents_per_week)
    return platform.write(
        dataset, replace=replace, progress=lambda done, total: progress("generating", done, total)
    )


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("dataset", type=Path, metavar="DATASET", help="folder to make")
    parser.add_argument("--services", type=int, default=12, metavar="N", help="at least 4 (default 12)")
    parser.add_argument("--days", type=int, default=120, metavar="D", help="days, 3 or more (default 120)")
    parser.add_argument(
        "--cadence-s", type=float, default=300, metavar="S", help="seconds between samples (default 300)"
    )
    parser.add_argument("--seed", type=int, default=7, metavar="K", help="each makes another (default 7)")
    parser.add_argument(
        "--incidents-per-week", type=float, default=14, metavar="I", help="planted incidents (default 14)"
    )
    parser.add_argument("--replace", action="store_true", help="replace the dataset there, labels included")


def command(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Run ``generate`` as the command line asks."""
    made = generate(
        args.dataset,
        services=args.services,
        days=args.days,
        cadence_s=args.cadence_s,
        seed=args.seed,
        incidents_per_week=args.incidents_per_week,
        replace=args.replace,
        progress=progress,
    )
    card, labels = made.card, made.labels()
    text = (
        f"{args.dataset}: {card.rows:,} samples of {card.series} series over {args.days} days,"
        f" {len(labels.incidents)} labelled incidents, {len(labels.pages)} pages of today's tool,"
        f" {len(labels.feedback)} answers on them\nnext: titleshot validate {args.dataset}"
    )
    return Outcome(
        text,
        {
            "dataset": str(args.dataset),
            "digest": card.digest,
            "labels_digest": labels.digest,
            "samples": card.rows,
            "series": card.series,
            "incidents": len(labels.incidents),
            "pages": len(labels.pages),
            "feedback": len(labels.feedback),
        },
    )
