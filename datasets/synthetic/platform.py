"""A whole synthetic platform: the same seed gives the same bytes, a longer span leaves the shorter one be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from titleshot.datasets.contracts.incidents import Page
from titleshot.datasets.contracts.instants import DAY, SECOND, WEEK, parse_instant
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.contracts.reference import ReferenceRow
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.dataset_card import Evaluation
from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.errors import UsageError
from titleshot.datasets.synthetic.changes import (
    Planned,
    Rollout,
    Window,
    innocent_deploys,
    maintenance_windows,
    planned_changes,
)
from titleshot.datasets.synthetic.dirt import INGEST_DELAY_S, deliver
from titleshot.datasets.synthetic.effects import Effect
from titleshot.datasets.synthetic.estate import Estate, build_estate
from titleshot.datasets.synthetic.faults import Fault, plan_faults
from titleshot.datasets.synthetic.happenings import log_events, platform_events
from titleshot.datasets.synthetic.pager import pages_of
from titleshot.datasets.synthetic.people import feedback, incident_labels
from titleshot.datasets.synthetic.signals import METRICS, Signals, signals

START: Final = parse_instant("2026-01-05T00:00:00Z")
"""A Monday."""
_LEAST_DAYS, _MOST_DAYS, _MOST_INCIDENTS = 3, 3650, 1000
_CADENCES = (10.0, 3600.0)
_WARM_UP_DAYS = 2


@dataclass(frozen=True)
class SyntheticPlatform:
    """What happened on a platform, all of it known.

    Args:
        services: at least 4; the first twelve are a shop with three hubs, the rest product lines.
        days: from 3 to 3650; telemetry starts on Monday 2026-01-05.
        cadence_s: seconds between samples, a whole number from 10 to 3600 that divides a day.
        seed: 0 or more.
        incidents_per_week: planted faults, on average.

    Raises:
        UsageError: an argument outside these rules.

    >>> platform = SyntheticPlatform(services=6, days=14)
    >>> {fault.kind for fault in platform.faults} >= {"spike", "slow_leak", "no_data"}
    True
    """

    services: int = 12
    days: int = 120
    cadence_s: float = 300
    seed: int = 7
    incidents_per_week: float = 14

    def __post_init__(self) -> None:
        if not _LEAST_DAYS <= self.days <= _MOST_DAYS:
            raise UsageError(f"days must be from {_LEAST_DAYS} to {_MOST_DAYS}, got {self.days}; try 120")
        low, high = _CADENCES
        if not low <= self.cadence_s <= high or self.cadence_s % 1 or 86_400 % self.cadence_s:
            raise UsageError(
                f"cadence_s must be whole seconds from {low:g} to {high:g} that divide a day,"
                f" got {self.cadence_s:g}; try 300"
            )
        if self.seed < 0:
            raise UsageError(f"seed must be 0 or more, got {self.seed}")
        if not 0 <= self.incidents_per_week <= _MOST_INCIDENTS:
            raise UsageError(
                f"incidents_per_week must be from 0 to {_MOST_INCIDENTS},"
                f" got {self.incidents_per_week:g}; try 14"
            )
        build_estate(self.services, START)

    @property
    def until(self) -> int:
        """End of the span (ns)."""
        return START + self.days * DAY

    @property
    def cadence(self) -> int:
        """Nanoseconds between samples."""
        return round(self.cadence_s) * SECOND

    @cached_property
    def estate(self) -> Estate:
        """Services, calls, owners."""
        return build_estate(self.services, START)

    @cached_property
    def windows(self) -> list[Window]:
        """Maintenance windows, in order of time."""
        return [each for week in self._weeks for each in maintenance_windows(self.seed, self.estate, week)]

    @cached_property
    def planned(self) -> list[Planned]:
        """Canaries, load tests and sales, in order of time."""
        return [each for week in self._weeks for each in planned_changes(self.seed, self.estate, week)]

    @cached_property
    def faults(self) -> list[Fault]:
        """Planted incidents, in order of time; the last may end after the span."""
        return plan_faults(self.seed, self.estate, self.until, self.incidents_per_week, self.windows)

    @cached_property
    def rollouts(self) -> list[Rollout]:
        """Innocent and guilty deploys, in order of time."""
        made = [each for week in self._weeks for each in innocent_deploys(self.seed, self.estate, week)]
        made += [fault.deploy for fault in self.faults if fault.deploy is not None]
        return sorted(
            (each for each in made if each.at < self.until), key=lambda each: (each.at, each.service)
        )

    @property
    def _weeks(self) -> range:
        return range(-(-self.days * DAY // WEEK))

    def effects(self) -> Iterator[Effect]:
        """Everything that moves a number."""
        for fault in self.faults:
            yield from fault.effects
        for rollout in self.rollouts:
            yield rollout.effect
        for planned in self.planned:
            yield from planned.effects
        for window in self.windows:
            yield from window.effects

    def telemetry(self, *, faults: bool = True) -> Iterator[Signals]:
        """Clean telemetry, service by service; without ``faults``, what it would have been."""
        planted = {id(effect) for fault in self.faults for effect in fault.effects}
        effects: dict[str, list[Effect]] = defaultdict(list)
        deploys: dict[str, list[int]] = defaultdict(list)
        for effect in self.effects():
            if faults or id(effect) not in planted:
                effects[effect.service].append(effect)
        for rollout in self.rollouts:
            deploys[rollout.service].append(rollout.at)
        return signals(self.seed, self.estate, self.days, self.cadence, effects, deploys)

    def reference(self) -> Iterator[ReferenceRow]:
        """Everything known of the platform before the end of the span, each row from when it was known."""
        yield from self.estate.reference(self.until)
        for rollout in self.rollouts:
            yield rollout.reference()
        for window in self.windows:
            if window.known_from < self.until:
                yield window.reference()
        for planned in self.planned:
            if planned.known_from < self.until:
                yield from planned.reference()

    def write(
        self, path: Path | str, *, replace: bool = False, progress: Callable[[int, int], None] | None = None
    ) -> Dataset:
        """Write the platform as a dataset; ``progress`` is told services done and services in all.

        Raises:
            UsageError: the folder holds something already.
        """
        with DatasetWriter(
            path,
            name=f"synthetic-{self.services}x{self.days}-{self.seed}",
            source=f"titleshot generate --services {self.services} --days {self.days}"
            f" --cadence-s {self.cadence_s:g} --seed {self.seed}",
            ingest_delay_s=INGEST_DELAY_S,
            cadence_s=self.cadence_s,
            synthetic=True,
            created_at=self.until,
            correlation_domains=self.estate.domains(),
            evaluation=Evaluation(
                span_from=START,
                span_to=self.until,
                warm_up_s=_WARM_UP_DAYS * 86_400,
                labels_complete=True,
                hops=1,
                detect_within_s=900,
            ),
            notes="Embedded synthetic platform; every incident was planted and is labelled.",
            replace=replace,
        ) as writer:
            pages: list[Page] = []
            for done, clean in enumerate(self.telemetry(), 1):
                keys = [SeriesKey(clean.service.namespace, clean.service.name, metric) for metric in METRICS]
                arrived = deliver(self.seed, clean, START, self.cadence)
                codes = writer.add_series(keys)
                writer.add_samples(
                    codes[arrived.metrics], arrived.timestamps, arrived.values, arrived.ingested_at
                )
                pages += pages_of(self.seed, self.estate, clean)
                if progress is not None:
                    progress(done, self.services)
            writer.add_log_events(log_events(self.seed, self.estate, self.faults, self.until))
            writer.add_platform_events(
                platform_events(self.seed, self.estate, self.faults, self.rollouts, self.until)
            )
            writer.add_reference(self.reference())
            pages.sort(key=lambda page: (page.closed_at or page.paged_at, page.page_id))
            writer.add_labels(
                incidents=incident_labels(self.seed, self.estate, self.faults, self.until),
                feedback=feedback(self.seed, self.estate, self.faults, pages),
                pages=pages,
            )
        return Dataset.open(path)


def generate_dataset(
    path: Path | str,
    *,
    services: int = 12,
    days: int = 120,
    cadence_s: float = 300,
    seed: int = 7,
    incidents_per_week: float = 14,
    replace: bool = False,
) -> Dataset:
    """Generate a synthetic platform and write it as a dataset; arguments as of ``SyntheticPlatform``.

    Raises:
        UsageError: an argument outside its rules, or the folder holds something already.
    """
    platform = SyntheticPlatform(services, days, cadence_s, seed, incidents_per_week)
    return platform.write(path, replace=replace)
