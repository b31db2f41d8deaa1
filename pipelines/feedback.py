"""``feedback``: answers on pages, into a dataset's label layer and out, and which pages to ask about next."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from titleshot.datasets.contracts.feedback import ReviewQueue
from titleshot.datasets.contracts.html_table import short_interval
from titleshot.datasets.contracts.instants import format_instant
from titleshot.datasets.contracts.labels import FeedbackVerdict
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import UsageError
from titleshot.datasets.replay_log import ReplayLog
from titleshot.pipelines.argument_types import count, instant
from titleshot.pipelines.feedback_answers import (
    Appended,
    add_feedback,
    export_feedback,
    import_feedback,
    log_of,
    opened,
)
from titleshot.pipelines.outcome import Outcome, Progress, silent
from titleshot.reports.feedback.panel import Panel
from titleshot.reports.feedback.queue import review_queue
from titleshot.reports.terms import Terms

VERDICTS: tuple[FeedbackVerdict, ...] = get_args(FeedbackVerdict)
_NEVER = "never"


def queue_feedback(
    champion: ReplayLog | Path | str,
    challenger: ReplayLog | Path | str,
    *,
    labels: Dataset | Path | str,
    n: int = 20,
    seed: int = 7,
    as_of: int | None = None,
    progress: Progress = silent,
) -> ReviewQueue:
    """Which unjudged pages to ask about next, in order. Writes nothing.

    Args:
        labels: the dataset both were replayed on; its feedback is what is known already.
        seed: of the third that is drawn at random. The bracket's own resampling is always the same.
        as_of: labels and feedback known at this moment, nanoseconds UTC; None takes all there are.

    Raises:
        UsageError: nothing to ask about, or one of them is ``never``, which has no pages.
        InvalidDataset: a log was replayed from other data.
    """
    if _NEVER in {str(champion), str(challenger)}:
        raise UsageError("never sends no page, so no answer can narrow a difference; name two logs")
    dataset, logs = opened(labels), [log_of(champion), log_of(challenger)]
    progress("queueing", 0, 1)
    terms = Terms.of(dataset, logs, as_of=as_of)
    panel = Panel.of(terms, terms.contestant(logs[0]), terms.contestant(logs[1]))
    queue = review_queue(panel, n=n, seed=seed)
    progress("queueing", 1, 1)
    return queue


def arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``titleshot feedback``."""
    parser.add_argument("action", choices=[*ACTIONS], help="what to do")
    parser.add_argument(
        "places",
        nargs="+",
        metavar="PLACE",
        help="; ".join(f"{name}: {' '.join(of.places)}" for name, of in ACTIONS.items()),
    )
    add = parser.add_argument_group("add")
    add.add_argument("--page", metavar="ID", help="the page")
    add.add_argument("--verdict", choices=VERDICTS, help="what it was")
    add.add_argument("--reviewer", metavar="NAME", help="who says so")
    add.add_argument("--hypothesis-right", choices=["yes", "no"], help="was the probable service right")
    add.add_argument("--severity-right", choices=["yes", "no"], help="was the severity right")
    add.add_argument("--actual-service", metavar="SERVICE", help="where it began, as namespace/service")
    add.add_argument("--comment", metavar="TEXT", help="in words")
    add.add_argument("--labelled-at", type=instant, metavar="TIME", help="when (default now)")
    add.add_argument("--feedback-id", metavar="ID", help="default PAGE:REVIEWER, which a later one replaces")
    parser.add_argument(
        "--log",
        action="append",
        type=Path,
        metavar="LOG",
        help="add, import: a log whose pages may be answered on (may be repeated)",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="export: a .jsonl or .csv file")
    parser.add_argument("--as-of", type=instant, metavar="TIME", help="export, queue: known at this time")
    queue = parser.add_argument_group("queue")
    queue.add_argument("--labels", type=Path, metavar="DATASET", help="the dataset both were replayed on")
    queue.add_argument("--n", type=count, metavar="N", help="pages to ask about (default 20)")
    queue.add_argument("--seed", type=count, metavar="K", help="of the random third (default 7)")


def command(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Run ``titleshot feedback`` as the command line asks."""
    action = ACTIONS[args.action]
    if len(args.places) != len(action.places):
        raise UsageError(
            f"feedback {args.action} takes {' '.join(action.places)}, got {' '.join(map(str, args.places))}"
        )
    every = {name for of in ACTIONS.values() for name in of.options}
    given = {name for name in every if getattr(args, name) is not None}
    for name in sorted(given - set(action.options)):
        of = ", ".join(other for other, it in ACTIONS.items() if name in it.options)
        raise UsageError(f"--{name.replace('_', '-')} is an option of feedback {of}, not of {args.action}")
    for name in action.needed:
        if name not in given:
            raise UsageError(f"feedback {args.action} needs --{name.replace('_', '-')}")
    return action.run(args, progress)


def _add(args: argparse.Namespace, _: Progress) -> Outcome:
    answers = {"yes": True, "no": False, None: None}
    done = add_feedback(
        args.places[0],
        page=args.page,
        verdict=args.verdict,
        reviewer=args.reviewer,
        hypothesis_right=answers[args.hypothesis_right],
        severity_right=answers[args.severity_right],
        actual_service=args.actual_service,
        comment=args.comment or "",
        labelled_at=args.labelled_at,
        feedback_id=args.feedback_id,
        logs=args.log or (),
    )
    return _appended(args.places[0], done)


def _import(args: argparse.Namespace, _: Progress) -> Outcome:
    return _appended(args.places[0], import_feedback(args.places[0], args.places[1], logs=args.log or ()))


def _appended(dataset: str, done: Appended) -> Outcome:
    number = len(done.answers)
    text = f"{dataset}: {number} answer{'' if number == 1 else 's'} added"
    if done.already:
        text += f", {done.already} were there already"
    return Outcome(
        text,
        {
            "dataset": dataset,
            "added": len(done.answers),
            "already_there": done.already,
            "feedback": [said.model_dump(mode="json") for said in done.answers],
        },
    )


def _export(args: argparse.Namespace, _: Progress) -> Outcome:
    if args.out is None and not args.json:
        raise UsageError("feedback export writes to --out FILE, or to standard output with --json")
    answers = export_feedback(args.places[0], out=args.out, as_of=args.as_of)
    document = {"dataset": args.places[0], "feedback": [said.model_dump(mode="json") for said in answers]}
    return Outcome(f"{args.out}: {len(answers)} answers", document)


def _queue(args: argparse.Namespace, progress: Progress) -> Outcome:
    queue = queue_feedback(
        args.places[0],
        args.places[1],
        labels=args.labels,
        n=20 if args.n is None else args.n,
        seed=7 if args.seed is None else args.seed,
        as_of=args.as_of,
        progress=progress,
    )
    return Outcome(_told(queue), queue.model_dump(mode="json"))


def _told(queue: ReviewQueue) -> str:
    of = queue.difference
    limits = short_interval(of.low_limit, of.high_limit)
    lines = [
        f"usefulness, challenger minus champion: {short_interval(of.low, of.high)}"
        + (
            f", at {100 * of.confidence:.4g} % limits {limits}" if of.width is not None else f" ({of.reason})"
        ),
        f"{queue.unjudged} pages are unjudged; ask about these {len(queue.pages)}, in this order:",
    ]
    for place, page in enumerate(queue.pages, 1):
        head = f"{place:>3}. {page.page_id}  {format_instant(page.paged_at)}  {' and '.join(page.sent_by)}"
        lines += [f"{head}  {', '.join(page.services)}", f"     {page.why}"]
    return "\n".join(lines)


@dataclass(frozen=True)
class Action:
    """One of the things ``feedback`` does: the places it takes, its options, and those it needs."""

    run: Callable[[argparse.Namespace, Progress], Outcome]
    places: tuple[str, ...]
    options: tuple[str, ...]
    needed: tuple[str, ...] = ()


_OF_ADD = (
    "page", "verdict", "reviewer", "hypothesis_right", "severity_right", "actual_service", "comment",
    "labelled_at", "feedback_id", "log",
)  # fmt: skip
ACTIONS: dict[str, Action] = {
    "add": Action(_add, ("DATASET",), _OF_ADD, ("page", "verdict", "reviewer")),
    "import": Action(_import, ("DATASET", "FILE"), ("log",)),
    "export": Action(_export, ("DATASET",), ("out", "as_of")),
    "queue": Action(
        _queue, ("CHAMPION_LOG", "CHALLENGER_LOG"), ("labels", "n", "seed", "as_of"), ("labels",)
    ),
}
