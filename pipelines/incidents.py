"""``incidents``: the incidents of a replay log as the person sees them who was woken by one."""

from __future__ import annotations

import argparse
from pathlib import Path

from titleshot.datasets.contracts.incident_views import ResponderView
from titleshot.datasets.contracts.record import SEVERITIES, Severity
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import UsageError
from titleshot.datasets.replay_log import ReplayLog
from titleshot.pipelines.argument_types import count, instant
from titleshot.pipelines.incident_words import told
from titleshot.pipelines.outcome import Outcome, Progress, silent
from titleshot.reports.responder.candidate_records import Whole, whole_incidents
from titleshot.reports.responder.incident_views import incident_views
from titleshot.reports.responder.known import Known
from titleshot.reports.responder.label_hits import Labelled
from titleshot.reports.terms import Terms

LIMIT = 20
"""Incidents shown unless told."""


def incidents(
    log: ReplayLog | Path | str,
    *,
    labels: Dataset | Path | str | None = None,
    incident: str | None = None,
    severity: Severity | None = None,
    from_: int | None = None,
    to: int | None = None,
    limit: int = LIMIT,
    as_of: int | None = None,
    progress: Progress = silent,
) -> ResponderView:
    """What a responder would have seen, latest incident first. Writes nothing.

    Args:
        log: what a contender said.
        labels: the dataset it was replayed on: whose calls, owners and deploys they are, and which labelled
            incident each candidate hits. None: only what the log itself knows.
        incident: one incident by its id, or the beginning of it; one that was merged leads to the other.
        severity: this one and graver.
        from_: opened at or after, nanoseconds UTC.
        to: opened before, nanoseconds UTC.
        limit: at most so many; 0 shows all.
        as_of: labels known at this moment, nanoseconds UTC; None takes all there are.

    Raises:
        MalformedInput: the log or the dataset breaks its contract.
        InvalidDataset: the log was replayed from other data.
        UsageError: no such incident, or several begin like that.
    """
    said = log if isinstance(log, ReplayLog) else ReplayLog(Path(log))
    if as_of is not None and labels is None:
        raise UsageError("--as-of is about labels; name their dataset with --labels")
    progress("reading", 0, 2)
    every = whole_incidents(said)
    fitting = [
        whole
        for whole in (every if incident is None else [_named(incident, every)])
        if (severity is None or SEVERITIES.index(whole.candidate.severity) >= SEVERITIES.index(severity))
        and (from_ is None or whole.candidate.opened_at >= from_)
        and (to is None or whole.candidate.opened_at < to)
    ]
    latest = sorted(fitting, key=lambda whole: (-whole.candidate.opened_at, whole.candidate.incident_id))
    shown = latest[:limit] if limit else latest
    progress("reading", 1, 2)
    data = Dataset.open(labels) if isinstance(labels, Path | str) else labels
    terms = None if data is None else Terms.of(data, [said], as_of=as_of)
    matched = None if terms is None else terms.contestant(said).matched
    views = incident_views(
        said,
        shown,
        pages=said.pages(),
        known=None if data is None else Known.of(data),
        labelled=None if terms is None else Labelled(terms),
        outcomes=() if matched is None else matched.page_outcomes(),
    )
    progress("reading", 2, 2)
    return ResponderView(
        contender=str(said.about.get("contender") or said.path.name),
        dataset=None if data is None else data.card.name,
        labels_as_of=None if terms is None else terms.labels.as_of,
        incidents=views,
        matching=len(fitting),
        in_log=len(every),
    )


def _named(wanted: str, every: list[Whole]) -> Whole:
    found = [
        whole
        for whole in every
        if any(one.incident_id.startswith(wanted) for one in (whole.candidate, *whole.merged))
    ]
    exact = [
        whole for whole in found if any(one.incident_id == wanted for one in (whole.candidate, *whole.merged))
    ]
    if len(exact or found) == 1:
        return (exact or found)[0]
    if found:
        raise UsageError(f"{len(found)} incidents begin with {wanted[:64]!r}; give more letters of the id")
    raise UsageError(
        f"no incident {wanted[:64]!r} among the {len(every):,} of this log; leave --incident out to list them"
    )


def arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``titleshot incidents``."""
    parser.add_argument("log", metavar="LOG", type=Path, help="replay log")
    parser.add_argument(
        "--labels",
        type=Path,
        metavar="DATASET",
        help="the dataset it was replayed on: calls, owners, deploys, and which labelled incident each hits",
    )
    parser.add_argument("--incident", metavar="ID", help="this one; the first letters of its id are enough")
    parser.add_argument("--severity", choices=SEVERITIES, help="this severity and graver")
    parser.add_argument("--from", dest="from_", type=instant, metavar="TIME", help="opened at or after")
    parser.add_argument("--to", type=instant, metavar="TIME", help="opened before")
    parser.add_argument(
        "--limit",
        type=count,
        default=LIMIT,
        metavar="N",
        help=f"the N latest (default {LIMIT}; 0 shows all)",
    )
    parser.add_argument("--as-of", type=instant, metavar="TIME", help="labels known at this time")


def command(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Run ``titleshot incidents``."""
    view = incidents(
        args.log,
        labels=args.labels,
        incident=args.incident,
        severity=args.severity,
        from_=args.from_,
        to=args.to,
        limit=args.limit,
        as_of=args.as_of,
        progress=progress,
    )
    return Outcome(told(view), view.model_dump(mode="json"))
