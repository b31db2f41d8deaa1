"""``report``: a page of evidence or of a log, whole or not at all."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import numpy as np
import pytest

from titleshot.datasets.contracts.incidents import Page
from titleshot.datasets.contracts.instants import DAY, HOUR, MINUTE
from titleshot.datasets.contracts.labels import IncidentLabel
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.errors import IntegrityError, MalformedInput, UsageError
from titleshot.datasets.replay_log import LogWriter, pages_table
from titleshot.pipelines.outcome import silent
from titleshot.pipelines.report import arguments, command, report
from titleshot.registry.evidence import write_evidence
from titleshot.registry.home import Home
from titleshot.registry.judge import judge
from titleshot.registry.policy import load_policy
from titleshot.registry.rehearsal import CASES, rehearsed
from titleshot.reports.rendering.wording import day

START = 20_000 * DAY


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evidence")
    policy = load_policy()
    comparison = rehearsed(policy, CASES[0])
    write_evidence(folder / "e", comparison, judge(comparison, policy), policy, beneath=folder)
    return folder / "e"


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A day with one incident, and a log that pages it after five minutes of the night."""
    folder = tmp_path_factory.mktemp("history")
    with DatasetWriter(folder / "shop", name="shop") as writer:
        code = writer.add_series([SeriesKey("shop", "cart", "latency_p99")])
        hours = START + np.arange(24, dtype=np.int64) * HOUR
        writer.add_samples(np.repeat(code, 24), hours, np.ones(24))
        incident = IncidentLabel(
            incident_id="inc",
            start=START + 3 * HOUR,
            end=START + 4 * HOUR,
            root_service="shop/cart",
            severity="high",
            kind="step",
            source="exact",
            known_at=START + DAY,
        )
        writer.add_labels(incidents=[incident])
    page = Page(
        page_id="p",
        incident_id="c",
        status="sent",
        route="on-call",
        severity="high",
        services=("shop/cart",),
        opened_at=START + 3 * HOUR,
        paged_at=START + 3 * HOUR + 5 * MINUTE,
        last_event_at=START + 3 * HOUR + 5 * MINUTE,
    )
    with LogWriter(folder / "log") as log:
        digest = Dataset.open(folder / "shop").card.digest
        log.about = {"contender": "lucky", "dataset": {"name": "shop", "digest": digest}}
        log.append("pages", pages_table([page]))
    return folder


def asked(*words: str | Path) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.set_defaults(home=None)
    arguments(parser)
    return parser.parse_args([str(word) for word in words])


def test_evidence_becomes_the_page_that_lies_in_it(evidence: Path, tmp_path: Path) -> None:
    outcome = command(asked(evidence, "--out", tmp_path / "new" / "page.html"), silent)
    page = (tmp_path / "new" / "page.html").read_bytes()
    assert page == (evidence / "report.html").read_bytes()
    assert outcome.document == {"page": str(tmp_path / "new" / "page.html"), "bytes": len(page)}
    assert outcome.exit_code == 0
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["page.html"]


def test_since_the_last_report_finds_the_evidence_judged_before_it(tmp_path: Path) -> None:
    policy = load_policy()
    comparison = rehearsed(policy, CASES[0])
    first = judge(comparison, policy)
    for name, later in (("first", 0), ("second", DAY), ("third", 2 * DAY)):
        said = first.model_copy(update={"judged_at": first.judged_at + later})
        write_evidence(tmp_path / "all" / name, comparison, said, policy, beneath=tmp_path)

    def since(name: str) -> str:
        written = report(tmp_path / "all" / name, out=tmp_path / "p.html", since_last=True)
        (line,) = re.findall(r'<a href="#since">([^<]+)</a></p>', written.read_text(encoding="utf-8"))
        return str(line)

    assert since("first").startswith("No earlier report of this decision")
    assert day(first.judged_at) in since("second")
    assert day(first.judged_at + DAY) in since("third")
    (tmp_path / "all" / "second" / "verdict.json").write_text("{}")
    assert day(first.judged_at) in since("third")


def test_since_the_last_report_looks_in_the_home_too_and_not_at_other_decisions(
    evidence: Path, tmp_path: Path
) -> None:
    policy = load_policy()
    comparison = rehearsed(policy, CASES[0])
    said = judge(comparison, policy)
    before = said.model_copy(update={"judged_at": said.judged_at - 5 * DAY})
    kept = Home(tmp_path / "home").evidence
    write_evidence(kept / "earlier", comparison, before, policy, beneath=kept)
    identity = comparison.challenger.identity.model_copy(update={"contender": "somebody else"})
    challenger = comparison.challenger.model_copy(update={"identity": identity})
    other = comparison.model_copy(update={"challenger": challenger})
    nearer = said.model_copy(update={"judged_at": said.judged_at - DAY})
    write_evidence(kept / "other", other, nearer, policy, beneath=kept)

    words = (evidence, "--out", tmp_path / "p.html", "--since-last")
    args = asked(*words)
    args.home = tmp_path / "home"
    command(args, silent)
    assert f"Since {day(before.judged_at)}: " in (tmp_path / "p.html").read_text(encoding="utf-8")


def test_a_log_has_no_last_report(history: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nobody judged"):
        report(history / "log", labels=history / "shop", out=tmp_path / "p.html", since_last=True)


def test_the_night_of_the_people_on_call_can_be_named(evidence: Path, tmp_path: Path) -> None:
    words = ("--out", tmp_path / "p.html", "--night", "23-7", "--zone", "Europe/Berlin")
    command(asked(evidence, *words), silent)
    assert "23:00 to 07:00 Europe/Berlin" in (tmp_path / "p.html").read_text(encoding="utf-8")


def test_a_log_and_its_labels_become_a_scorecard_page(history: Path, tmp_path: Path) -> None:
    written = report(history / "log", labels=history / "shop", out=tmp_path / "p.html")
    page = written.read_text(encoding="utf-8")
    assert "What lucky would have paged" in page
    assert "1 of 1 labelled incident caught." in page
    assert "No validation report was given" in page


def test_labels_as_of_an_earlier_time_are_used(history: Path, tmp_path: Path) -> None:
    words = ("--labels", history / "shop", "--as-of", "2024-10-04T12:00:00Z", "--out", tmp_path / "p.html")
    command(asked(history / "log", *words), silent)
    assert "No labelled incident was scored." in (tmp_path / "p.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--labels", "shop"), "brings its labels"),
        (("--as-of", "2024-10-04T12:00:00Z"), "brings its labels"),
        (("--night", "late"), "two hours"),
        (("--zone", "Mars"), "not known here"),
    ],
)
def test_what_cannot_be_asked_is_said_and_nothing_is_written(
    evidence: Path, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        command(asked(evidence, "--out", tmp_path / "p.html", *words), silent)
    assert list(tmp_path.iterdir()) == []


def test_a_log_without_labels_a_folder_that_is_neither_and_a_folder_to_write_to(
    evidence: Path, history: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="--labels"):
        report(history / "log", out=tmp_path / "p.html")
    with pytest.raises(MalformedInput, match="neither evidence"):
        report(tmp_path, out=tmp_path / "p.html")
    with pytest.raises(UsageError, match="is a folder"):
        report(evidence, out=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_evidence_that_was_changed_gets_no_page(evidence: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in evidence.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    (copy / "verdict.json").write_bytes((copy / "verdict.json").read_bytes().replace(b"promote", b"PROMOTE"))
    with pytest.raises(IntegrityError, match=r"verdict\.json"):
        report(copy, out=tmp_path / "p.html")
    assert not (tmp_path / "p.html").exists()
