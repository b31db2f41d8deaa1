"""What arrives is what was sent, late, twice, out of order, or not at all."""

from __future__ import annotations

import numpy as np
import pytest

from titleshot.datasets.contracts.instants import HOUR, SECOND
from titleshot.datasets.sample_files import NO_INSTANT
from titleshot.datasets.synthetic.dirt import INGEST_DELAY_S, LATENESS_S, Delivered, deliver
from titleshot.datasets.synthetic.platform import START, SyntheticPlatform
from titleshot.datasets.synthetic.signals import Signals

PLATFORM = SyntheticPlatform(services=4, days=84)


@pytest.fixture(scope="module")
def clean() -> Signals:
    return next(PLATFORM.telemetry())


@pytest.fixture(scope="module")
def arrived(clean: Signals) -> Delivered:
    return deliver(PLATFORM.seed, clean, START, PLATFORM.cadence)


def arrivals(arrived: Delivered) -> np.ndarray:
    on_time = arrived.timestamps + round(INGEST_DELAY_S) * SECOND
    return np.where(arrived.ingested_at == NO_INSTANT, on_time, arrived.ingested_at)


def test_samples_come_in_the_order_they_arrived(arrived: Delivered) -> None:
    assert (np.diff(arrivals(arrived)) >= 0).all()
    assert (np.diff(arrived.timestamps) < 0).any()


def test_nothing_arrives_before_its_declared_delay(arrived: Delivered) -> None:
    assert (arrivals(arrived) - arrived.timestamps >= INGEST_DELAY_S * SECOND).all()


def test_most_are_on_time_some_late_and_very_few_hopeless(arrived: Delivered) -> None:
    late = arrivals(arrived) - arrived.timestamps - INGEST_DELAY_S * SECOND
    assert 0.005 < np.mean(late > 0) < 0.05
    assert 0.0001 < np.mean(late > HOUR) < 0.001
    # A backlog holds samples up to twelve minutes; all others keep to the stated lateness.
    assert np.mean((late > LATENESS_S * SECOND) & (late < HOUR)) < 0.002


def test_some_come_twice_and_a_few_of_those_with_another_value(clean: Signals, arrived: Delivered) -> None:
    key = arrived.timestamps * 10 + arrived.metrics
    _, first, counts = np.unique(key, return_index=True, return_counts=True)
    assert 0.0005 < np.mean(counts > 1) < 0.002
    row = (arrived.timestamps - START) // PLATFORM.cadence
    sent = clean.values[row, arrived.metrics]
    again = np.setdiff1d(np.arange(len(key)), first)
    differs = (arrived.values[again] != sent[again]) & ~np.isnan(arrived.values[again])
    assert 0 < np.mean(differs) < 0.5
    first_values = arrived.values[first]
    untouched = np.isnan(first_values) | (first_values == sent[first])
    assert untouched.all()


def test_some_are_missing_and_some_are_no_number(clean: Signals, arrived: Delivered) -> None:
    there = len(np.unique(arrived.timestamps * 10 + arrived.metrics))
    share = there / (5 * np.count_nonzero(~clean.silent))
    assert 0.99 < share < 0.999
    assert 0 < np.isnan(arrived.values).sum() < 0.01 * len(arrived.values)


def test_a_silent_service_sends_nothing(clean: Signals, arrived: Delivered) -> None:
    assert clean.silent.any()
    silent = clean.times[clean.silent]
    assert not np.isin(arrived.timestamps, silent).any()
