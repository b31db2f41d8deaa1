"""The synthetic platform as a whole: the same bytes each time, and what the issue asks to be in it."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from titleshot.datasets.contracts.instants import DAY, HOUR, SECOND
from titleshot.datasets.contracts.record import SEVERITIES
from titleshot.datasets.contracts.reference import Deploy, Maintenance, PlannedChange
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import UsageError
from titleshot.datasets.synthetic.estate import build_estate
from titleshot.datasets.synthetic.platform import START, SyntheticPlatform, generate_dataset


@pytest.fixture(scope="module")
def full() -> SyntheticPlatform:
    return SyntheticPlatform()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return generate_dataset(tmp_path_factory.mktemp("synthetic") / "small", services=6, days=14)


def test_same_seed_gives_the_same_bytes(small: Dataset, tmp_path: Path) -> None:
    again = generate_dataset(tmp_path / "again", services=6, days=14)
    assert again.card.digest == small.card.digest
    assert again.labels().digest == small.labels().digest
    for file in ("dataset.yaml", "telemetry/samples-00000.parquet", "labels/feedback.jsonl"):
        assert (again.path / file).read_bytes() == (small.path / file).read_bytes(), file


def test_another_seed_gives_another_platform(small: Dataset, tmp_path: Path) -> None:
    other = generate_dataset(tmp_path / "other", services=6, days=14, seed=8)
    assert other.card.digest != small.card.digest
    assert other.labels().digest != small.labels().digest


def test_a_longer_span_leaves_what_was_before_as_it_was() -> None:
    short, long = SyntheticPlatform(services=6, days=16), SyntheticPlatform(services=6, days=31)
    assert long.faults[: len(short.faults)] == short.faults
    earlier = [row for row in long.reference() if row.known_from < short.until]
    assert sorted(map(repr, earlier)) == sorted(map(repr, short.reference()))
    for ours, theirs in zip(short.telemetry(), long.telemetry(), strict=True):
        np.testing.assert_array_equal(ours.values, theirs.values[: len(ours.values)])


def test_more_services_leave_the_profile_and_noise_of_the_others() -> None:
    few = SyntheticPlatform(services=6, days=3, incidents_per_week=0)
    more = SyntheticPlatform(services=20, days=3, incidents_per_week=0)
    assert more.estate.services[:6] == few.estate.services
    first, same = next(few.telemetry()), next(more.telemetry())
    # Callers and load tests that are new may push a little; where nothing pushes, nothing differs.
    assert np.mean(first.values == same.values) > 0.5


def test_the_default_has_two_million_samples_and_some_240_incidents(full: SyntheticPlatform) -> None:
    samples = full.days * DAY // full.cadence * len(full.estate.services) * 5
    assert samples == pytest.approx(2_073_600)
    assert 220 <= len(full.faults) <= 260


def test_every_kind_and_severity_of_fault_is_there(full: SyntheticPlatform) -> None:
    kinds = Counter(fault.kind for fault in full.faults)
    assert set(kinds) == {
        "spike", "step", "slow_leak", "sparse_error_burst", "traffic_drop",
        "flatline", "no_data", "queue_jump", "cache_miss_surge",
    }  # fmt: skip
    assert min(kinds.values()) > 20
    assert {fault.severity for fault in full.faults} == set(SEVERITIES)


def test_sizes_go_from_hardly_there_to_unmissable(full: SyntheticPlatform) -> None:
    sizes = np.array([fault.size for fault in full.faults])
    assert np.mean(sizes < 3) > 0.08
    assert np.mean(sizes > 12) > 0.08


def test_lengths_are_as_stated(full: SyntheticPlatform) -> None:
    for fault in full.faults:
        longest = 12 if fault.kind == "slow_leak" else 6
        assert 0.25 * HOUR - SECOND <= fault.end - fault.start <= longest * HOUR + SECOND


def test_nothing_is_planted_on_the_first_day_nor_twice_at_once_on_one_service(
    full: SyntheticPlatform,
) -> None:
    assert min(fault.start for fault in full.faults) >= START + DAY
    for service in full.estate.services:
        mine = [fault for fault in full.faults if fault.root == service.id]
        assert all(a.end < b.start for a, b in pairwise(mine))
    overlapping = sum(a.end > b.start for a, b in pairwise(full.faults))
    assert overlapping < 0.15 * len(full.faults)


def test_no_root_is_in_maintenance(full: SyntheticPlatform) -> None:
    for fault in full.faults:
        assert not any(
            window.service == fault.root and fault.start < window.end and window.start < fault.end
            for window in full.windows
        )


def test_deploys_are_mostly_innocent_and_the_guilty_come_just_before_their_fault(
    full: SyntheticPlatform,
) -> None:
    guilty = [rollout for rollout in full.rollouts if rollout.guilty]
    assert 0.1 < len(guilty) / len(full.rollouts) < 0.5
    for fault in full.faults:
        if fault.deploy is not None:
            assert fault.deploy.service == fault.root
            assert 0 < fault.start - fault.deploy.at <= 35 * 60 * SECOND


def test_planned_changes_of_every_kind_and_maintenance_are_there(full: SyntheticPlatform) -> None:
    assert {planned.kind for planned in full.planned} == {"canary", "load_test", "sale"}
    assert full.windows


def test_reference_rows_are_known_when_they_could_be(full: SyntheticPlatform) -> None:
    for row in full.reference():
        assert row.known_from < full.until
        match row:
            case Deploy():
                assert row.known_from == row.valid_from
                assert not row.decoy
            case Maintenance() | PlannedChange():
                assert row.known_from < row.valid_from
            case _ if row.valid_to is not None:
                # An end is told by a second row, a day ahead.
                assert row.known_from == row.valid_to - DAY
            case _:
                assert row.known_from <= row.valid_from


def test_the_estate_has_hubs_owners_and_changes_in_mid_span(full: SyntheticPlatform) -> None:
    estate = full.estate
    assert len(estate.calls_to("platform/orders-db", START)) >= 4
    assert estate.team("platform/auth-service", START) == "platform"
    assert estate.team("platform/auth-service", START + 11 * DAY) == "identity"
    before = {call.callee for call in estate.calls_from("commerce/catalog-api", START)}
    after = {call.callee for call in estate.calls_from("commerce/catalog-api", START + 60 * DAY)}
    assert before - after == {"platform/orders-db"}
    assert after - before == {"platform/auth-service", "commerce/inventory-api"}


@pytest.mark.parametrize("services", [4, 6, 12, 13, 40, 200])
def test_estates_of_any_size_hang_together(services: int) -> None:
    estate = build_estate(services, START)
    assert len(estate.by_id) == services
    assert all(estate.calls_to(s.id, START) or estate.calls_from(s.id, START) for s in estate.services)
    domains = estate.domains()
    assert sorted(name for members in domains.values() for name in members) == sorted(estate.by_id)


def test_the_dataset_says_how_to_score_it(small: Dataset) -> None:
    card = small.card
    assert (card.synthetic, card.cadence_s, card.ingest_delay_s) == (True, 300, 30)
    assert card.evaluation.labels_complete
    assert card.evaluation.warm_up_s == 2 * 86_400
    assert card.evaluation.early_s["injected"] == 0
    assert card.evaluation.detect_within_s == 900
    assert {key.metric_name for key in small.series()} == {
        "latency_p99", "error_ratio", "requests_per_second", "cpu_ratio", "queue_depth",
    }  # fmt: skip
    small.verify()


def test_events_are_there_around_faults_and_without_reason(small: Dataset) -> None:
    reasons = {event.reason for event in small.platform_events()}
    assert {"rollout", "OOMKilled", "SuccessfulRescale"} <= reasons
    levels = {event.level for event in small.log_events()}
    assert {"info", "warning", "error"} <= levels


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"services": 3}, "services must be from 4, which the call graph needs, to 2000, got 3"),
        ({"days": 2}, "days must be from 3 to 3650, got 2"),
        ({"cadence_s": 7}, "divide a day, got 7"),
        ({"cadence_s": float("nan")}, "divide a day, got nan"),
        ({"seed": -1}, "seed must be 0 or more, got -1"),
        ({"incidents_per_week": float("inf")}, "got inf"),
    ],
)
def test_arguments_outside_the_rules_are_refused(arguments: dict[str, int], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        SyntheticPlatform(**arguments)


def test_no_incidents_are_a_legal_wish(tmp_path: Path) -> None:
    quiet = generate_dataset(tmp_path / "quiet", services=4, days=7, incidents_per_week=0)
    assert quiet.labels().incidents == []


@pytest.mark.slow
def test_validation_passes(small: Dataset) -> None:
    from titleshot.datasets.validation.validate import validate_dataset

    report = validate_dataset(small)
    assert report.passed
    small.validated()
