"""Labels and answers come late, have gaps and disagree; today's tool is useful and noisy."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pytest

from titleshot.datasets.contracts.instants import DAY, HOUR
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.label_layer import Labels
from titleshot.datasets.synthetic.people import feedback, incident_labels
from titleshot.datasets.synthetic.platform import START, SyntheticPlatform, generate_dataset

PLATFORM = SyntheticPlatform(days=56)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return generate_dataset(tmp_path_factory.mktemp("people") / "platform", days=56)


@pytest.fixture(scope="module")
def labels(dataset: Dataset) -> Labels:
    return dataset.labels()


def test_every_planted_fault_is_labelled_in_the_end_as_it_was_planted(labels: Labels) -> None:
    told = {label.incident_id: label for label in labels.incidents}
    assert set(told) == {fault.incident_id for fault in PLATFORM.faults}
    for fault in PLATFORM.faults:
        label = told[fault.incident_id]
        assert (label.start, label.end, label.root_service) == (fault.start, fault.end, fault.root)
        assert label.affected_services == fault.affected
        assert label.source == "injected"
        assert label.deploy == (fault.deploy.version if fault.deploy else None)


def test_a_label_is_known_hours_to_days_after_the_end() -> None:
    rows = incident_labels(7, PLATFORM.estate, PLATFORM.faults, PLATFORM.until)
    delays = np.array([row.known_at - row.end for row in rows if row.source == "injected"]) / HOUR
    assert delays.min() > 0
    assert 6 < np.median(delays) < 48
    assert [row.known_at for row in rows] == sorted(row.known_at for row in rows)


def test_less_is_known_earlier(dataset: Dataset, labels: Labels) -> None:
    then = START + 30 * DAY
    early = dataset.labels(as_of=then)
    assert 0 < len(early.incidents) < len(labels.incidents)
    assert max(label.known_at for label in early.incidents) <= then
    assert max(row.labelled_at for row in early.feedback) <= then
    assert early.digest != labels.digest


def test_some_labels_are_corrected_and_some_taken_back() -> None:
    rows = incident_labels(7, PLATFORM.estate, PLATFORM.faults, PLATFORM.until)
    times = Counter(row.incident_id for row in rows)
    assert 5 < sum(count > 1 for count in times.values()) < len(times) / 5
    withdrawn = {row.incident_id for row in rows if row.retracted}
    assert withdrawn
    assert withdrawn.isdisjoint(fault.incident_id for fault in PLATFORM.faults)


def test_todays_tool_finds_some_and_is_wrong_often(labels: Labels) -> None:
    hit, false = set(), 0
    for page in labels.pages:
        found = {
            fault.incident_id
            for fault in PLATFORM.faults
            if set(page.services) & set(fault.affected) and fault.start <= page.paged_at < fault.end
        }
        hit |= found
        false += not found
    assert 0.3 < len(hit) / len(PLATFORM.faults) < 0.8
    assert 0.3 < false / len(labels.pages) < 0.9


def test_pages_go_to_the_owner_of_the_day(labels: Labels) -> None:
    for page in labels.pages:
        assert page.route == PLATFORM.estate.team(page.services[0], page.paged_at)
        assert page.closed_at is not None
        assert page.opened_at < page.paged_at <= page.closed_at


def test_answers_have_gaps_and_delay(labels: Labels) -> None:
    pages = {page.page_id: page for page in labels.pages}
    judged = {row.page_id for row in labels.feedback}
    assert judged < set(pages)
    assert 0.2 < len(judged) / len(pages) < 0.6
    delays = np.array([row.labelled_at - pages[row.page_id].paged_at for row in labels.feedback]) / HOUR
    assert delays.min() > 0
    assert delays.max() > 24
    assert any(row.hypothesis_right is None for row in labels.feedback)
    assert {"useful", "noisy", "duplicated", "late"} <= {row.verdict for row in labels.feedback}


def test_reviewers_of_one_page_mostly_agree_and_sometimes_not(labels: Labels) -> None:
    verdicts: dict[str, list[str]] = defaultdict(list)
    for row in labels.feedback:
        verdicts[row.page_id].append(row.verdict)
    twice = [given for given in verdicts.values() if len(given) > 1]
    assert len(twice) >= 8
    agree = sum(len(set(given)) == 1 for given in twice)
    assert 0.4 < agree / len(twice) < 1
    for page_id in verdicts:
        reviewers = [row.reviewer for row in labels.feedback if row.page_id == page_id]
        assert len(set(reviewers)) == len(reviewers)


def test_an_answer_does_not_depend_on_pages_of_other_services(labels: Labels) -> None:
    mine = [page for page in labels.pages if page.services == ("commerce/cart-api",)]
    alone = feedback(7, PLATFORM.estate, [], [page.model_copy(update={"status": "sent"}) for page in mine])
    again = feedback(
        7, PLATFORM.estate, [], [page.model_copy(update={"status": "sent"}) for page in mine[:5]]
    )
    assert {row.feedback_id for row in again} <= {row.feedback_id for row in alone}
