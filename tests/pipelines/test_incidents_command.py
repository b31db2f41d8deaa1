"""``incidents`` on the command line and in a notebook."""

from __future__ import annotations

from typing import Any

import pytest

from titleshot.datasets.contracts.html_table import text_table
from titleshot.datasets.contracts.incident_views import ResponderView
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.replay_log import ReplayLog
from titleshot.pipelines.incidents import incidents

FIELDS = (
    "Incident:", "severity", "services", "events", "starting hypothesis", "reason", "confidence", "evidence",
    "path", "paged", "missing",
)  # fmt: skip


def test_the_terminal_says_all_a_responder_asks(
    titleshot: Any, small_log: ReplayLog, small_platform: Dataset
) -> None:
    ran = titleshot("incidents", small_log.path, "--labels", small_platform.path, "--limit", 1, "--quiet")
    assert ran.code == 0
    said = [line.strip() for line in ran.err.splitlines()]
    for field in (*FIELDS, "labelled incident"):
        assert any(line.startswith(field) for line in said), field


def test_the_document_is_the_record_and_stays_the_same(
    titleshot: Any, small_log: ReplayLog, small_platform: Dataset
) -> None:
    words = ("incidents", small_log.path, "--labels", small_platform.path, "--severity", "high", "--json")
    first, second = titleshot(*words), titleshot(*words)
    assert first.out == second.out
    view = ResponderView.model_validate(first.document)
    assert view.model_dump(mode="json") == first.document
    assert view.incidents
    assert {one.severity for one in view.incidents} <= {"high", "critical"}
    opened = [one.opened_at for one in view.incidents]
    assert opened == sorted(opened, reverse=True)


def test_every_event_of_an_incident_is_counted_once_and_shown_in_order(
    small_log: ReplayLog, small_platform: Dataset
) -> None:
    view = incidents(small_log, labels=small_platform, limit=0)
    assert view.matching == view.in_log == len(view.incidents) > 3
    for one in view.incidents:
        assert sum(service.alerts for service in one.services) == one.events
        firsts = [service.first_alert for service in one.services]
        assert firsts == sorted(firsts)
        assert one.opened_at == firsts[0]
        assert one.last_event_at == max(service.last_alert for service in one.services)
    assert any(one.labelled for one in view.incidents)


def test_a_notebook_shows_it_as_a_table(small_log: ReplayLog) -> None:
    shown = text_table(incidents(small_log, limit=2)._repr_html_())
    assert shown.startswith("baseline: 2 of ")
    assert "starting hypothesis" in shown


def test_labels_as_of_need_labels(titleshot: Any, small_log: ReplayLog) -> None:
    ran = titleshot("incidents", small_log.path, "--as-of", "2026-01-10T00:00:00Z")
    assert ran.code == 2
    assert "--labels" in ran.err


@pytest.mark.parametrize("wanted", ["zz", "\x1b[31m"])
def test_an_incident_there_is_not_is_refused_in_words(
    titleshot: Any, small_log: ReplayLog, wanted: str
) -> None:
    ran = titleshot("incidents", small_log.path, "--incident", wanted)
    assert ran.code == 2
    assert "\x1b" not in ran.err
    assert "among the" in ran.err
