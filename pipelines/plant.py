"""``plant``: sized faults of every kind into a copy of one's own telemetry, to be found or not."""

from __future__ import annotations

import argparse
from pathlib import Path

from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import UsageError
from titleshot.datasets.planting.kinds import KINDS
from titleshot.datasets.planting.measure import in_words
from titleshot.datasets.planting.plan import Plan, plan_faults
from titleshot.datasets.planting.planted_copy import write_planted
from titleshot.datasets.planting.summary import report_of
from titleshot.datasets.planting.wishes import SIZES, Wishes
from titleshot.pipelines.argument_types import amount, count
from titleshot.pipelines.outcome import Outcome, Progress, silent


def plant(
    dataset: Dataset | Path | str,
    *,
    out: Path | str,
    wishes: Wishes | None = None,
    name: str | None = None,
    replace: bool = False,
    progress: Progress = silent,
) -> tuple[Dataset, Plan]:
    """Write a copy of a validated dataset with sized faults in it; the same wishes give the same bytes.

    Nothing is planted over a labelled incident, in maintenance, in "don't care" time, in the warm-up, or over
    another planted fault. The copy is marked: it can be replayed and scored, and decides nothing.

    Args:
        out: folder to make.
        wishes: kinds, sizes, how many, where; None is every default.
        name: of the copy; None is the dataset's with ``-planted-SEED``.
        replace: replace a dataset at ``out``.

    Returns:
        The copy, not validated yet, and the plan.

    Raises:
        InvalidDataset: the dataset is not validated, or not the data that was.
        UsageError: it has planted faults already, nothing can be planted, or something is at ``out``.
    """
    data = dataset if isinstance(dataset, Dataset) else Dataset.open(Path(dataset))
    asked = wishes or Wishes()
    if data.card.planted is not None:
        raise UsageError(
            f"{data.path} has planted faults already; plant into {data.card.planted.from_name}, which it was"
            " made from"
        )
    data.validated()
    plan = plan_faults(data, asked, progress)
    made = write_planted(
        data,
        plan,
        asked,
        Path(out),
        name=name or f"{data.card.name}-planted-{asked.seed}",
        replace=replace,
        told=lambda done: progress("writing", done, data.card.rows),
    )
    return made, plan


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("dataset", type=Path, metavar="DATASET", help="a validated dataset; it is only read")
    add("--out", type=Path, required=True, metavar="DATASET2", help="folder for the copy with the faults")
    add("--seed", type=count, default=7, metavar="K", help="each plants others (default 7)")
    kinds = ", ".join(kind.name for kind in KINDS)
    add("--kinds", type=_words, default=(), metavar="LIST", help=f"some of {kinds} (default all)")
    add(
        "--sizes",
        type=_sizes,
        default=SIZES,
        metavar="LIST",
        help="in robust deviations of the series just before the fault; for flatline and no_data in samples"
        f" (default {','.join(f'{size:g}' for size in SIZES)})",
    )
    add(
        "--per",
        type=count,
        metavar="N",
        help="faults for each service, metric and kind (default: one of each size)",
    )
    add("--most", type=count, default=500, metavar="N", help="faults in all, shared out fairly (default 500)")
    add("--services", default="*", metavar="GLOB", help="only services like this (shop/cart-* or cart-*)")
    add("--metrics", default="*", metavar="GLOB", help="only metrics like this")
    add("--whole-service", action="store_true", help="each fault takes all metrics of its service at once")
    add(
        "--duration-s",
        type=amount,
        metavar="S",
        help="of a step, a burst, noise; a spike lasts half of it, a slow_leak three times"
        " (default: two hours, or 12 samples where that is longer)",
    )
    add(
        "--spacing-s",
        type=float,
        default=86_400.0,
        metavar="S",
        help="free time between two faults of one service, for baselines to recover (default 86400)",
    )
    add(
        "--apart-s",
        type=float,
        default=3600.0,
        metavar="S",
        help="free time between faults of different services: no correlator joins them (default 3600)",
    )
    add("--overlap", action="store_true", help="faults of different services may overlap: room for more")
    add(
        "--margin-s",
        type=float,
        default=3600.0,
        metavar="S",
        help="free time before and after every labelled incident (default 3600)",
    )
    add(
        "--incidents",
        choices=("any", "affected"),
        default="any",
        help="keep clear of the incidents of any service, or only of those that affect the service"
        " (default any)",
    )
    add(
        "--warm-up-s",
        type=float,
        metavar="S",
        help="nothing is planted before this (default: the dataset's warm-up or a week, the longer,"
        " at most a third of the span)",
    )
    add("--name", help="of the copy (default: the dataset's with -planted-SEED)")
    add("--replace", action="store_true", help="replace the dataset at DATASET2, labels included")


def command(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Run ``plant`` as the command line asks."""
    wishes = Wishes(
        seed=args.seed,
        kinds=args.kinds,
        sizes=args.sizes,
        per=args.per,
        most=args.most,
        services=args.services,
        metrics=args.metrics,
        whole_service=args.whole_service,
        duration_s=args.duration_s,
        spacing_s=args.spacing_s,
        apart_s=args.apart_s,
        overlap=args.overlap,
        margin_s=args.margin_s,
        warm_up_s=args.warm_up_s,
        incidents=args.incidents,
    )
    made, plan = plant(
        args.dataset, out=args.out, wishes=wishes, name=args.name, replace=args.replace, progress=progress
    )
    marker = made.card.planted
    document = {
        "dataset": str(args.out),
        "name": made.card.name,
        "digest": made.card.digest,
        "from": None if marker is None else {"name": marker.from_name, "digest": marker.from_digest},
        "seed": args.seed,
        **report_of(plan),
    }
    return Outcome(_told(args, made, plan), document)


def _told(args: argparse.Namespace, made: Dataset, plan: Plan) -> str:
    report = report_of(plan)
    kinds = ", ".join(f"{n} {kind}" for kind, n in report["by_kind"].items())
    sizes = ", ".join(f"{n} of {size}" for size, n in report["by_size"].items())
    lines = [
        f"{args.out}: {plan.count:,} faults planted into a copy of {args.dataset}",
        f"where: {report['series']:,} series of {report['services']:,} services",
        f"changed or taken away: {report['samples']:,} of {made.card.rows:,} samples",
        f"kinds: {kinds}",
        f"sizes: {sizes} (spreads; samples for flatline and no_data)",
    ]
    if report["clipped"]:
        lines.append(f"held at the end of their metric's range: {report['clipped']:,} samples")
    if plan.given_up:
        wanted = f"{plan.cells:,} services, metrics and kinds"
        lines.append(f"sizes that some of the {wanted} did not get: {in_words(plan.given_up)}")
        if plan.given_up.get("no_room"):
            lines.append(
                "for more room: a shorter --spacing-s or --duration-s, --overlap, --incidents affected"
            )
    if plan.count == args.most:
        lines.append(
            f"cut at --most {args.most}; {plan.cells:,} services, metrics and kinds share them evenly"
        )
    lines.append(
        "marked as planted: compare, judge and promote refuse it, it proves nothing about real incidents"
    )
    lines.append(f"next: titleshot validate {args.out}, then titleshot sensitivity {args.out} CONTENDER …")
    return "\n".join(lines)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _sizes(text: str) -> tuple[float, ...]:
    return tuple(amount(word) for word in _words(text))
