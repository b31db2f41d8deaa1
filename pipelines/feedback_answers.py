"""Answers on pages, added to a dataset's label layer from one or a file of them, and read back."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from titleshot.datasets.contracts.incidents import Page
from titleshot.datasets.contracts.instants import SECOND, format_instant
from titleshot.datasets.contracts.labels import FeedbackLabel
from titleshot.datasets.contracts.record import canonical_json
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.label_layer import LabelLayer
from titleshot.datasets.replay_log import ReplayLog
from titleshot.pipelines.feedback_files import own_id, read_answers, refuse, write_answers


@dataclass(frozen=True)
class Appended:
    """Answers that were added, and how many were there already."""

    answers: tuple[FeedbackLabel, ...]
    already: int


def add_feedback(
    dataset: Dataset | Path | str,
    *,
    page: str,
    verdict: str,
    reviewer: str,
    hypothesis_right: bool | None = None,
    severity_right: bool | None = None,
    actual_service: str | None = None,
    comment: str = "",
    labelled_at: int | None = None,
    feedback_id: str | None = None,
    logs: Sequence[ReplayLog | Path | str] = (),
) -> Appended:
    """Add one answer on a page.

    Args:
        labelled_at: nanoseconds UTC; None is now.
        feedback_id: None is page and reviewer, so that a later answer replaces the earlier one.
        logs: logs whose pages are known besides those of the label layer; a page of one that is judged is
            kept with the answers.

    Raises:
        MalformedInput: a field breaks the contract, or no such page; names the nearest.
    """
    when = time.time_ns() // SECOND * SECOND if labelled_at is None else labelled_at
    given: dict[str, Any] = {
        "feedback_id": feedback_id or own_id(page, reviewer),
        "page_id": page,
        "verdict": verdict,
        "reviewer": reviewer,
        "hypothesis_right": hypothesis_right,
        "severity_right": severity_right,
        "actual_service": actual_service,
        "comment": comment,
        "labelled_at": format_instant(when),
    }
    answer = FeedbackLabel.from_json(
        canonical_json({k: v for k, v in given.items() if v is not None}), where="answer"
    )
    return _append(dataset, [("answer", answer)], logs, "feedback")


def import_feedback(
    dataset: Dataset | Path | str, file: Path | str, *, logs: Sequence[ReplayLog | Path | str] = ()
) -> Appended:
    """Add the answers of a .jsonl or .csv file: all of them or, where one has a fault, none.

    Answers that are there already are left out and counted: the same file may come twice.

    Raises:
        MalformedInput: every fault with line and field.
        UsageError: neither .jsonl nor .csv.
    """
    path = Path(file)
    return _append(dataset, [(f"{path}:{line}", said) for line, said in read_answers(path)], logs, str(path))


def export_feedback(
    dataset: Dataset | Path | str, *, out: Path | None = None, as_of: int | None = None
) -> list[FeedbackLabel]:
    """The latest answers, by (labelled_at, feedback_id); written to ``out`` (.jsonl or .csv) where named."""
    answers = opened(dataset).labels(as_of).feedback
    if out is not None:
        write_answers(out, answers)
    return answers


def _append(
    dataset: Dataset | Path | str,
    answers: Sequence[tuple[str, FeedbackLabel]],
    logs: Sequence[ReplayLog | Path | str],
    source: str,
) -> Appended:
    data = opened(dataset)
    labels = data.labels()
    known = {page.page_id: page for page in (*labels.other_pages, *labels.pages)}
    elsewhere = {
        page.page_id: page
        for log in logs
        for page in log_of(log).pages()
        if page.page_id not in known and not page.flushed
    }
    refuse(source, list(_faults(answers, known | elsewhere)))
    there = {said.to_json() for said in labels.feedback}
    fresh = [said for _, said in answers if said.to_json() not in there]
    judged = {said.page_id for said in fresh}
    LabelLayer(data.path / "labels").append(
        feedback=fresh, other_pages=[page for name, page in elsewhere.items() if name in judged]
    )
    return Appended(tuple(fresh), len(answers) - len(fresh))


def _faults(answers: Sequence[tuple[str, FeedbackLabel]], pages: dict[str, Page]) -> Iterable[str]:
    seen: dict[tuple[str, int], str] = {}
    for where, said in answers:
        page = pages.get(said.page_id)
        if page is None:
            near = sorted(name for name in pages if name.startswith(said.page_id))
            near = near or get_close_matches(said.page_id, pages, n=1, cutoff=0)
            hint = f"; did you mean {near[0]!r}?" if near else "; the dataset knows no page"
            yield (
                f"{where}: page_id: no page {said.page_id!r} in the label layer{hint}"
                " A page of another contender is known by its log: --log LOG"
            )
        elif said.labelled_at < page.paged_at:
            yield (
                f"{where}: labelled_at: {format_instant(said.labelled_at)} is before the page was sent,"
                f" {format_instant(page.paged_at)}; check the zone"
            )
        twin = seen.setdefault((said.feedback_id, said.labelled_at), where)
        if twin != where:
            yield f"{where}: feedback_id: {said.feedback_id!r} stands at {twin} with the same labelled_at"


def opened(dataset: Dataset | Path | str) -> Dataset:
    return dataset if isinstance(dataset, Dataset) else Dataset.open(dataset)


def log_of(log: ReplayLog | Path | str) -> ReplayLog:
    return log if isinstance(log, ReplayLog) else ReplayLog(Path(log))
