"""What came of trying the laws: a finding per law, with the smallest stream that breaks it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from titleshot.detectors.check import LAWS, Law
from titleshot.detectors.correlator_laws import CORRELATOR_LAWS
from titleshot.detectors.law_parts import CorrelatorPart
from titleshot.detectors.law_streams import Stream, hard_stream
from titleshot.detectors.law_subjects import Subject

_ONCE = (5, 8)
"""Laws that start a process or make long streams of their own: one stream is enough."""


@dataclass(frozen=True)
class Finding:
    """How one law fared; ``stream`` is the smallest found that breaks it, where a stream says anything."""

    law: Law
    outcome: str
    """``kept``, ``broken`` or ``not asked``."""
    why: str = ""
    stream: Stream | None = None


def try_laws(
    subject: Subject,
    *,
    seeds: Iterable[int] = (1, 2, 3),
    points: int = 60,
    laws: Sequence[Law] | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> list[Finding]:
    """A finding per law; ``progress`` is told the number of each law as it begins.

    Args:
        laws: those to try; all that the subject's kind is held to where left out.
    """
    part = subject.part()
    streams = [hard_stream(subject.keys, seed, points, part.delay_s) for seed in seeds]
    findings = []
    for law in laws_of(subject) if laws is None else laws:
        progress(law.number)
        spared = law.spared(part)
        found = Finding(law, "not asked", spared) if spared else _finding(law, subject, streams)
        findings.append(found)
    return findings


def laws_of(subject: Subject) -> tuple[Law, ...]:
    """The ten laws, and for a correlator those of correlators."""
    return LAWS + CORRELATOR_LAWS if isinstance(subject.part(), CorrelatorPart) else LAWS


def _finding(law: Law, subject: Subject, streams: list[Stream]) -> Finding:
    def breaks(stream: Stream) -> bool:
        return breach(law, subject, stream) is not None

    once = law.number in _ONCE
    stream = next(filter(breaks, streams[:1] if once else streams), None)
    if stream is None:
        return Finding(law, "kept", subject.part().partly.get(law.number, ""))
    if not once:
        stream = smallest(stream, breaks)
    return Finding(law, "broken", breach(law, subject, stream) or "", None if once else stream)


def breach(law: Law, subject: Subject, stream: Stream) -> str | None:
    """How a law is broken on a stream; an exception breaks it too. None: it is kept."""
    try:
        return law.kept(subject, stream)
    except Exception as error:  # noqa: BLE001  parts of the user's own may raise anything
        return f"raises {type(error).__name__}: {error}"


def smallest(stream: Stream, breaks: Callable[[Stream], bool], tries: int = 150) -> Stream:
    """A small stream that still breaks, by leaving out ever smaller runs of records.

    >>> from titleshot.detectors.law_streams import plain_keys
    >>> long = hard_stream(plain_keys(), 1)
    >>> len(smallest(long, lambda stream: int((stream.block.codes == 2).sum()) >= 3))
    3
    """
    size = len(stream) // 2
    while size >= 1:
        start = 0
        while start < len(stream) and tries > 0:
            tries -= 1
            index = np.arange(len(stream))
            candidate = stream.rows(index[(index < start) | (index >= start + size)])
            if breaks(candidate):
                stream = candidate
            else:
                start += size
        size //= 2
    return stream
