"""The laws: ten promises that make an offline score a promise about production.

Each is a function of a subject and a stream that returns None where the promise is kept, else a sentence on
how it was broken. ``titleshot check TARGET`` runs them on anything; the tests drive them with hypothesis.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from titleshot.datasets.contracts.instants import MINUTE, SECOND
from titleshot.datasets.contracts.reference import Deploy, Maintenance, Ownership, ReferenceRow, TopologyEdge
from titleshot.detectors.law_faults import POINTS, SHAPES, WORDS, faults, spacing
from titleshot.detectors.law_parts import Part, Said
from titleshot.detectors.law_runs import (
    by_kind,
    difference,
    digest,
    edges,
    joined,
    moment,
    run,
    run_elsewhere,
    until,
)
from titleshot.detectors.law_streams import START, Stream, cuts, healthy_stream
from titleshot.detectors.law_subjects import Subject


def says_nothing_from_the_future(subject: Subject, stream: Stream) -> str | None:
    """1. What is said at a moment does not change when anything arriving later changes or is absent."""
    for edge in edges(stream, 3):
        clock = int(stream.block.arrivals[edge - 1])
        prefix, rest = stream.part(0, edge), stream.part(edge, len(stream))
        known = until(run(subject, prefix), clock)
        changed = rest.valued(7.0 - 3.0 * rest.block.values).rows(np.arange(len(rest)) % 3 != 1)
        for future, what in ((rest, "as it was"), (changed, "other than it was")):
            said = until(run(subject, joined(prefix, future)), clock)
            if said != known:
                return f"with the future {what}, the first {edge} records give {difference(known, said)}"
    return None


def any_chunking_says_the_same(subject: Subject, stream: Stream) -> str | None:
    """2. Cut into any blocks, down to one record: bit-identical output."""
    rng = np.random.default_rng(len(stream))
    whole = by_kind(run(subject, stream, flush=True))
    one_by_one = list(range(len(stream) + 1))
    for places in (one_by_one, cuts(len(stream), rng, 4), cuts(len(stream), rng, 12)):
        said = by_kind(run(subject, stream, places, flush=True))
        if said != whole:
            return f"in {len(places) - 1} blocks instead of one: {difference(whole, said)}"
    return None


def series_do_not_touch(subject: Subject, stream: Stream) -> str | None:
    """3. What is said of a series is the same when the other series fall silent.

    Series of one service that a part speaks of as one fall silent together.
    """
    together = run(subject, stream, flush=True)
    part = subject.part()
    for code in _spoken_of(part, subject)[:3]:
        others = stream.is_sample & ~np.isin(stream.block.codes, part.together(code))
        among, alone = (
            _of_series(said, code) for said in (together, run(subject, stream.hushed(others), flush=True))
        )
        if alone != among:
            return f"series {code} alone: {difference({'said': among}, {'said': alone})}"
    return None


def state_survives_as_bytes(subject: Subject, stream: Stream) -> str | None:
    """4. snapshot → bytes → restore continues identically, and the bytes are no pickle."""
    for edge in (len(stream) // 3, len(stream)):
        first, second = subject.part(), subject.part()
        first.push(stream.part(0, edge).block)
        state = first.snapshot()
        if not isinstance(state, bytes) or state[:1] == b"\x80":
            return f"a snapshot must be bytes of arrays and JSON, got {state[:20]!r}"
        second.restore(state)
        if second.snapshot() != state:
            return "a snapshot of the restored differs from the one it was restored from"
        rest = stream.part(edge, len(stream)).block
        went_on, restored = (by_kind(part.push(rest) + part.flush()) for part in (first, second))
        if went_on != restored:
            return f"restored after {edge} records: {difference(went_on, restored)}"
    return None


def every_process_says_the_same(subject: Subject, stream: Stream) -> str | None:
    """5. Another process, with another hash seed, gives the same bits."""
    ours = digest(run(subject, stream, flush=True))
    try:
        theirs = run_elsewhere(subject, stream)
    except RuntimeError as error:
        return f"another process failed: {error}"
    return None if theirs == ours else f"digest of all that is said is {ours[:12]} here, {theirs[:12]} there"


def bad_samples_leave_no_trace(subject: Subject, stream: Stream) -> str | None:
    """6. NaN, infinities, repeats and disorder change nothing said of good samples; bad ones are counted."""
    part = subject.part()
    first = stream.is_first
    clean = stream.hushed(stream.is_sample & (~first | stream.is_broken)).in_time()
    dirty = stream.rows(np.repeat(np.arange(len(stream)), 2)) if part.takes_repeats else stream
    said = part.push(dirty.block) + part.flush()
    counted, bad = part.broken_samples(), int((first & stream.is_broken).sum())
    if counted is not None and counted != bad:
        return f"{bad} samples had no finite number, {counted} were counted"
    for one in said:
        if one.explained and not all(map(math.isfinite, one.explained[1:6])):
            return f"scored with numbers that are not finite: {one.explained}"
    lost = _essence(said) ^ _essence(run(subject, clean, flush=True))
    return f"said either with bad samples or without them: {min(lost)}" if lost else None


def explains_itself(subject: Subject, stream: Stream) -> str | None:
    """7. Expected within bounds, sample count and baseline there, twice as strange scores higher."""
    said = run(subject, stream)
    for one in said:
        why = _unexplained(one)
        if why:
            return f"{why}: {one.explained or one.content}"
    why = _longer_is_stranger(subject, stream)
    if why:
        return why
    found = [
        (one.explained.strangeness, one.series, one.explained)
        for one in said
        if one.explained
        and one.explained.hears == "level"
        and 0 < one.explained.strangeness < 1e12
        and one.explained.upper > one.explained.expected
    ]
    for _, series, row in [*found[:: max(1, len(found) // 3)][:3], *sorted(found)[-2:]]:
        at = stream.is_first & (stream.block.codes == series) & (stream.block.timestamps == row.timestamp)
        values = stream.block.values.copy()
        values[at] = row.expected + 2 * (row.value - row.expected)
        again = [
            other.explained.strangeness
            for other in run(subject, stream.valued(values))
            if other.explained and (other.series, other.explained.timestamp) == (series, row.timestamp)
        ]
        if not again or again[0] <= row.strangeness:
            return f"twice as far from expected scores {again or 'nothing'}, not more than {row}"
    return None


def finds_a_planted_fault(subject: Subject, stream: Stream) -> str | None:
    """8. Finds a planted fault in every series; on healthy noise it fires as rarely as documented.

    The stream only seeds the noise.
    """
    part = subject.part()
    minutes = spacing(part)
    healthy = healthy_stream(subject.keys, len(stream), POINTS, part.delay_s, minutes)
    half = START + POINTS // 2 * minutes * MINUTE
    samples = POINTS // 2 * len(_spoken_of(part, subject))
    alarms = [one for one in run(subject, healthy) if one.strange and moment(one) >= half]
    count = min((one.explained.sample_count for one in alarms if one.explained), default=POINTS)
    ratio = part.false_alarm_ratio(count)
    if len(alarms) / samples > 1.5 * ratio + 4 * math.sqrt(ratio / samples) + 2 / samples:
        return (
            f"{len(alarms)} of {samples} healthy samples are called strange; documented with {count} points "
            f"is a share of {ratio:.2g}"
        )
    for shape in SHAPES:
        wanted = {code for code in range(len(subject.keys)) if part.listens(shape, code)}
        if not wanted:
            continue
        faulty, spans = faults(healthy, shape, minutes)
        found = {
            one.series
            for one in run(subject, faulty)
            if one.strange and any(start <= moment(one) < stop for start, stop in spans)
        }
        deaf = wanted - found if part.apart else {-1} - found
        if deaf:
            return f"{WORDS[shape]} went unheard in series {sorted(deaf)}"
    return None


def knows_nothing_before_it_was_known(subject: Subject, stream: Stream) -> str | None:
    """9. A reference row, however far back it holds, changes nothing said before it was known."""
    first, second = subject.keys[0].service_id, subject.keys[1].service_id
    for edge in edges(stream, 2):
        known = int(stream.block.arrivals[edge])
        since = {"valid_from": START - 3600 * SECOND, "known_from": known}
        rows: tuple[ReferenceRow, ...] = (
            TopologyEdge(caller=second, callee=first, **since),
            Maintenance(service=first, **since),
            Ownership(service=first, team="late-comers", **since),
            Deploy(service=first, version="9.9", **since),
        )
        without = until(run(subject, stream), known - 1)
        for row in rows:
            before = until(run(subject, stream.with_reference(row, known)), known - 1)
            if before != without:
                return f"a {row.kind} row known from record {edge} on: {difference(without, before)}"
    return None


def forgets_as_declared(subject: Subject, stream: Stream) -> str | None:
    """10. Two pasts that agree over the last ``memory_s`` give equal output."""
    memory_s = subject.part().memory_s
    if memory_s is None or not len(stream):
        return None
    span_s = float(stream.block.timestamps.max() - START) / SECOND
    stream = stream.stretched(max(1, math.ceil(4 * memory_s / max(span_s, 1.0))))
    for edge in edges(stream, 2):
        past, common = stream.part(0, edge), stream.part(edge, len(stream))
        other = past.valued(5.0 + 3.0 * past.block.values[::-1]).rows(np.arange(edge) % 5 != 2)
        since = int(common.block.arrivals[0]) + int(memory_s * SECOND)
        one, two = (
            by_kind(s for s in run(subject, joined(was, common)) if s.at is not None and s.at >= since)
            for was in (past, other)
        )
        if one != two:
            return f"memory_s is {memory_s:g}, yet an older past changes: {difference(one, two)}"
    return None


@dataclass(frozen=True)
class Law:
    """A promise with its number, and why it may not be asked of a part (None: it is)."""

    number: int
    kept: Callable[[Subject, Stream], str | None]
    spared: Callable[[Part], str | None] = lambda _: None

    @property
    def promise(self) -> str:
        """The function's name in words."""
        return self.kept.__name__.replace("_", " ")


LAWS = (
    Law(1, says_nothing_from_the_future),
    Law(2, any_chunking_says_the_same),
    Law(
        3,
        series_do_not_touch,
        lambda part: part.spared.get(3) or (None if part.apart else "it is there to join series"),
    ),
    Law(4, state_survives_as_bytes),
    Law(5, every_process_says_the_same),
    Law(6, bad_samples_leave_no_trace),
    Law(7, explains_itself),
    Law(8, finds_a_planted_fault),
    Law(9, knows_nothing_before_it_was_known, lambda part: None if part.knows_world else "it takes none"),
    Law(10, forgets_as_declared, lambda part: "it never forgets" if part.memory_s is None else None),
)


def _spoken_of(part: Part, subject: Subject) -> list[int]:
    """Series by which it speaks: of those that it speaks of as one, the first."""
    return [code for code in range(len(subject.keys)) if part.together(code)[0] == code]


def _of_series(said: Iterable[Said], code: int) -> list[Said]:
    # Without the clock: a hushed series still moves it, but a tick releases one nanosecond more.
    return [Said(None, code, one.what, one.content) for one in said if one.series == code]


def _essence(said: Iterable[Said]) -> set[tuple[str, int, str]]:
    return {(o.what, o.series, o.content) for o in said if o.explained or o.what == "candidate"}


def _longer_is_stranger(subject: Subject, stream: Stream) -> str | None:
    """What :func:`explains_itself` asks of those to whom not the value of a row is strange."""
    part = subject.part()
    minutes = spacing(part)
    healthy = healthy_stream(subject.keys, len(stream), POINTS, part.delay_s, minutes)
    for shape in SHAPES[1:]:
        if not any(part.listens(shape, code) for code in range(len(subject.keys))):
            continue
        strangest = []
        for grade in (1, 2):
            said = run(subject, faults(healthy, shape, minutes, grade)[0])
            rows = [one.explained for one in said if one.explained and one.explained.hears == shape]
            strangest.append(max((row.strangeness for row in rows), default=0.0))
        if not strangest[1] > strangest[0]:
            return f"{WORDS[shape]} scores {strangest[0]:.3g}, twice that no more: {strangest[1]:.3g}"
    return None


def _unexplained(one: Said) -> str | None:
    row = one.explained
    if row is None or one.unexplained:
        return one.unexplained
    if not row.lower <= row.expected <= row.upper:
        return "expected lies outside its bounds"
    if row.sample_count < 1 or not row.baseline.strip():
        return "no sample count or no words on the baseline"
    if row.hears == "level" and row.strangeness > 1 + 1e-9 and row.lower <= row.value <= row.upper:
        return "strange, yet within the bounds"
    return None
