"""A version at work: rows of a journal in, what is said of them out. Shim, sidecar and replay all use it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from titleshot.datasets.contracts.incidents import DeadLetter, Page
from titleshot.datasets.contracts.instants import SECOND, format_instant
from titleshot.datasets.contracts.record import Record, SeriesKey, canonical_json
from titleshot.datasets.contracts.telemetry import Sample
from titleshot.detectors.alert_policy import POLICY_WORDS, AlertPolicy
from titleshot.detectors.block import AnyRecord
from titleshot.detectors.contender import Contender, Output, dead_letters
from titleshot.detectors.features.service_health import ServiceHealth
from titleshot.detectors.row_families import row_detector_of
from titleshot.detectors.world import World
from titleshot.registry.serving.clock import DEAD
from titleshot.registry.serving.journal_reader import JournalReader, Said, SaidKind, Stored, Swap, Turn
from titleshot.registry.serving.resolver import Found, Loaded
from titleshot.registry.serving.wire import record_of

AT_ONCE = 20_000
"""Rows read from a journal at a time."""


class Taken(NamedTuple):
    """A row with its record."""

    seq: int
    arrival: int
    kind: str
    record: AnyRecord | DeadLetter


class Served:
    """One version with its engine."""

    def __init__(self, loaded: Loaded) -> None:
        self.found: Found = loaded.found
        self.contender: Contender = loaded.contender
        self.engine = loaded.contender.engine()
        self.open_pages: dict[str, Page] = {}
        """Pages sent and not closed, by id."""
        self._pushed = 0

    @property
    def tick(self) -> int:
        """Nanoseconds between its ticks."""
        return self.contender.recipe.tick

    @property
    def skew(self) -> int:
        """Nanoseconds a record may lie ahead of the clock."""
        return round(self.contender.recipe.skew_s * SECOND)

    def take(self, rows: Sequence[Taken]) -> tuple[Turn, list[Page]]:
        """Take in rows in the order of the journal; what is said does not depend on how they are cut.

        Returns:
            What to write down, and the pages among it as records.
        """
        refused: list[tuple[int, DeadLetter]] = []
        arrived: list[tuple[int, AnyRecord]] = []
        stamps: list[int] = []
        for row in rows:
            if isinstance(row.record, DeadLetter):
                refused.append((self._pushed + len(arrived), row.record))
            else:
                arrived.append((row.arrival, row.record))
                if isinstance(row.record, Sample):
                    stamps.append(row.record.timestamp)
        before = self.engine.detection.counts.copy()
        output = self.engine.push_records(arrived)
        self._pushed += len(arrived)
        for page in output.pages:
            if page.status == "sent":
                self.open_pages[page.page_id] = page
            else:
                self.open_pages.pop(page.page_id, None)
        said = self._said(output, refused)
        through = rows[-1].seq if rows else 0
        counts = self.engine.detection.counts - before
        span = (min(stamps), max(stamps)) if stamps else (None, None)
        return Turn(through, said, counts, *span), output.pages

    def warm(self, inputs: JournalReader, warm_from: int, until: int, *, after: int = 0) -> None:
        """Take in what a journal holds up to row ``until``; what is said of it is dropped.

        Args:
            warm_from: rows before it are left out, reference rows excepted.
            after: rows up to here have been taken in already.
        """
        if after < warm_from - 1:
            for rows in in_parts(inputs, after, min(warm_from - 1, until), kind="reference"):
                self.take(rows)
            after = warm_from - 1
        for rows in in_parts(inputs, after, until):
            self.take(rows)

    def _said(self, output: Output, refused: list[tuple[int, DeadLetter]]) -> list[Said]:
        said: list[Said] = []
        events = output.events
        for i, record in enumerate(events.records(self.engine.series)):
            policy = POLICY_WORDS[int(events.policies[i])]
            said.append(
                _line("event", record, policy=policy, emitted_at=format_instant(int(events.clocks[i])))
            )
        said += [_line("incident", record) for record in output.incidents]
        said += [_line("page", record) for record in output.pages]
        # Which record settled a dead letter orders them, so that their order does not depend on the cut.
        settled = output.dead.order // 2
        letters = [
            (int(place), 0, letter)
            for place, letter in zip(settled, dead_letters(output.dead, self.engine.series), strict=True)
        ]
        letters += [(place - 1, 1, letter) for place, letter in refused]
        letters.sort(key=lambda entry: entry[:2])
        return said + [_line("dead_letter", letter) for _, _, letter in letters]


def taken(row: Stored) -> Taken:
    """A stored row, read.

    Raises:
        MalformedInput: the journal holds what no journal holds.
    """
    if row.kind == DEAD:
        return Taken(row.seq, row.arrival, row.kind, DeadLetter.from_json(row.text, where="journal row"))
    return Taken(row.seq, row.arrival, row.kind, record_of(row.kind, row.text))


def in_parts(
    inputs: JournalReader,
    after: int,
    until: int | None = None,
    *,
    kind: str | None = None,
    at_once: int = AT_ONCE,
) -> Iterable[list[Taken]]:
    """Rows numbered above ``after`` and up to ``until``, so many at a time."""
    while stored := inputs.records(after, until, kind=kind, most=at_once):
        yield [taken(row) for row in stored]
        after = stored[-1].seq


def warm_start(contender: Contender, inputs: JournalReader, until: int) -> int:
    """Number of the row a contender must be warmed up from to stand at row ``until`` as if it always had."""
    memory = contender.memory_s
    last = inputs.records(until - 1, until)
    if memory is None or not last:
        return 1
    return inputs.first_since(last[0].arrival - round(memory * SECOND), until)


def swap_of(served: Served, from_seq: int, warm_from: int) -> Swap:
    """The line a journal gets when a version begins to speak."""
    found, contender = served.found, served.contender
    return Swap(
        from_seq=from_seq,
        warm_from=warm_from,
        at_ns=time.time_ns(),
        name=found.name,
        alias=found.alias,
        version=found.version,
        contender=contender.name,
        recipe_digest=contender.recipe.digest,
        artifact_digest=contender.artifact_digest,
        tree_digest=found.tree_digest,
        recipe=canonical_json(contender.recipe.model_dump(mode="json")),
    )


def warm_kernels(contender: Contender) -> None:
    """Compile or load every compiled step, so that the first record does not wait for it."""
    codes, instants = np.zeros(2, np.int32), np.array([0, SECOND], np.int64)
    for detector in contender.recipe.make_detectors():
        detector.grow(1)
        scored = detector.fold(codes, instants, np.ones(2))
        policy = AlertPolicy(contender.recipe.alert)
        policy.grow(1)
        policy.fold(codes, instants, scored.strangeness, np.zeros(2, np.bool_))
    if contender.recipe.rows:
        warm_rows(contender)
    sample = {"namespace": "n", "service": "s", "metric_name": "m", "value": 1.0}
    records = [Sample.model_validate({**sample, "timestamp": at}) for at in (0, 3600 * SECOND)]
    contender.engine().push_records([(record.timestamp, record) for record in records])


def warm_rows(contender: Contender) -> None:
    """The steps behind feature rows."""
    recipe = contender.recipe
    health = ServiceHealth(recipe.features, tick_s=recipe.tick_s)
    health.grow([SeriesKey("n", "s", next(iter(health.params.roles.values()), "m"))])  # a glob fits itself
    health.fold(np.zeros(1, np.int32), np.array([SECOND]), np.ones(1), World())
    rows = health.close(round(recipe.tick_s * SECOND), World())
    for place, selector in enumerate(recipe.rows, len(recipe.detectors)):
        detector = row_detector_of(selector.detector)
        if contender.fitted is not None:
            detector.use(contender.fitted.arrays(len(contender.fitted.sets) - 1, place))
        detector.score(rows)


def _line(kind: SaidKind, record: Record, **more: Any) -> Said:
    content = record.model_dump(mode="json", exclude_none=True)
    return Said(kind, canonical_json({"kind": kind, **more, "record": content}))
