"""A series that breaks costs what it would have found, and nothing else (SCORING 7)."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from conftest import let_pass

from titleshot.datasets.contracts.instants import DAY, HOUR, MINUTE
from titleshot.datasets.contracts.labels import IncidentLabel
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.dataset_card import Evaluation
from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.sample_files import NO_INSTANT
from titleshot.pipelines.compare import compare
from titleshot.pipelines.replay import replay
from titleshot.pipelines.score import score

START, STEP, DAYS = 20_000 * DAY, 5 * MINUTE, 30
FAULTS = [(service, day) for day in range(3, DAYS, 2) for service in ("cart", "pay")]


def platform(path: Path, *, broken: bool) -> Dataset:
    """Two services of one metric, each with a fault every other day; ``pay`` sends NaN for good if broken."""
    rng = np.random.default_rng(4)
    times = START + STEP * np.arange(DAYS * DAY // STEP)
    with DatasetWriter(
        path, name="two", cadence_s=300, created_at=START + 40 * DAY, evaluation=Evaluation()
    ) as w:
        codes = w.add_series([SeriesKey("shop", service, "latency_s") for service in ("cart", "pay")])
        for code, service in zip(codes.tolist(), ("cart", "pay"), strict=True):
            values = rng.normal(10, 1, len(times))
            for faulty, day in FAULTS:
                if faulty == service:
                    values[(times >= at(service, day)) & (times < at(service, day) + HOUR)] += 30
            if broken and service == "pay":
                values[:] = math.nan
            w.add_samples(np.full(len(times), code), times, values, np.full(len(times), NO_INSTANT))
        w.add_labels(
            [
                IncidentLabel(
                    incident_id=f"{service}-{day}",
                    start=at(service, day),
                    end=at(service, day) + HOUR,
                    root_service=f"shop/{service}",
                    severity="high",
                    kind="latency",
                    source="injected",
                    known_at=at(service, day) + DAY,
                )
                for service, day in FAULTS
            ],
            [],
            [],
        )
    dataset = Dataset.open(path)
    let_pass(dataset)
    return dataset


def at(service: str, day: int) -> int:
    return START + day * DAY + (6 if service == "cart" else 15) * HOUR


def test_a_series_of_nan_spoils_no_other_and_its_incidents_stay_in_the_denominator(tmp_path: Path) -> None:
    cards = {}
    for name, broken in (("whole", False), ("half", True)):
        data = platform(tmp_path / name, broken=broken)
        cards[name] = score(replay(data, "baseline", out=tmp_path / f"log-{name}"), labels=data)
    whole, half = cards["whole"], cards["half"]
    assert whole.score("incident_recall").value == 1.0
    assert half.score("incident_recall").n == whole.score("incident_recall").n == len(FAULTS)
    assert half.score("incident_recall").value == 0.5

    def of_cart(card):
        return [(one.detected_at, one.outcome) for one in card.incidents if one.root_service == "shop/cart"]

    assert of_cart(half) == of_cart(whole)


def test_a_challenger_that_hears_nothing_but_errors_is_rejected(tmp_path: Path) -> None:
    data = platform(tmp_path / "whole", broken=False)
    champion = replay(data, "baseline", out=tmp_path / "champion")
    deaf = tmp_path / "deaf.yaml"
    deaf.write_text(
        "name: deaf\ndetectors:\n  - match: {metric_name: 'nothing*'}\n    detector: {family: robust_mad}\n"
        "correlator: {family: every_alert}\n"
    )
    challenger = replay(data, deaf, out=tmp_path / "challenger")
    judged = compare(champion, challenger, labels=data, home=tmp_path / "home")
    assert judged.verdict.answer == "reject"
    assert judged.comparison.challenger.score("mean_time_to_detect_s").value == (
        judged.comparison.challenger.settings.detect_within_s
    )
    assert judged.comparison.challenger.score("time_to_detect_p50_s").value is None
