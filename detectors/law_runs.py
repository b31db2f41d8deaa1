"""Running a subject over a stream, and comparing what it said."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from titleshot.datasets.contracts.record import SeriesKey, canonical_json
from titleshot.datasets.contracts.reference import REFERENCE_ROW
from titleshot.detectors.block import Block
from titleshot.detectors.law_parts import Said
from titleshot.detectors.law_streams import Stream
from titleshot.detectors.law_subjects import Subject, subject_of
from titleshot.detectors.state import pack, unpack

Kinds = dict[str, list[Said]]


def run(subject: Subject, stream: Stream, places: Sequence[int] = (), *, flush: bool = False) -> list[Said]:
    """What a fresh part says of a stream cut at ``places``, which begin with 0; else in one block."""
    part = subject.part()
    said: list[Said] = []
    for start, stop in pairwise(places or (0, len(stream))):
        said += part.push(stream.part(start, stop).block)
    return said + part.flush() if flush else said


def run_elsewhere(subject: Subject, stream: Stream) -> str:
    """Digest of what the subject says in another process with another hash seed.

    Raises:
        RuntimeError: the process failed; with the end of what it said.
    """
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    paths = os.pathsep.join(path for path in sys.path if path)
    child = subprocess.run(
        [sys.executable, "-c", "from titleshot.detectors.law_runs import answer; answer()"],
        input=_task(subject, stream),
        capture_output=True,
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": paths},
        check=False,
    )
    if child.returncode:
        raise RuntimeError(child.stderr.decode(errors="replace").strip()[-500:])
    return child.stdout.decode()


def answer() -> None:
    """The other end of :func:`run_elsewhere`: a task on standard input, a digest on standard output."""
    arrays, about = unpack(sys.stdin.buffer.read())
    keys = tuple(SeriesKey(*key) for key in about["keys"])
    payloads = tuple(REFERENCE_ROW.validate_python(row) for row in about["payloads"])
    stream = Stream(keys, Block(**arrays, payloads=payloads))
    subject = subject_of(about["target"], about["params"])
    sys.stdout.write(digest(run(subject, stream, flush=True)))


def _task(subject: Subject, stream: Stream) -> bytes:
    b = stream.block
    arrays: dict[str, npt.NDArray[Any]] = {
        "kinds": b.kinds,
        "arrivals": b.arrivals,
        "timestamps": b.timestamps,
        "codes": b.codes,
        "values": b.values,
    }
    about = {
        "target": subject.target,
        "params": dict(subject.params),
        "keys": [list(key) for key in stream.keys],
        "payloads": [payload.model_dump(mode="json") for payload in b.payloads],
    }
    return pack(arrays, about)


def digest(said: Iterable[Said]) -> str:
    """SHA-256 of all that was said, kind by kind."""
    plain = {
        kind: [[one.at, one.series, one.content] for one in some] for kind, some in by_kind(said).items()
    }
    return hashlib.sha256(canonical_json(plain).encode()).hexdigest()


def joined(first: Stream, second: Stream) -> Stream:
    """One stream after the other."""
    return Stream(first.keys, Block.joined([first.block, second.block]))


def edges(stream: Stream, n: int) -> list[int]:
    """Up to n places where the next record arrives later than all before."""
    arrivals = stream.block.arrivals
    if len(arrivals) < 2:
        return []
    later = np.flatnonzero(arrivals[1:] > np.maximum.accumulate(arrivals)[:-1]) + 1
    return sorted({int(later[len(later) * i // (n + 1)]) for i in range(1, n + 1)}) if len(later) else []


def by_kind(said: Iterable[Said]) -> Kinds:
    """Each kind in its order; how kinds interleave is not part of what is said."""
    kinds: Kinds = {}
    for one in said:
        kinds.setdefault(one.what, []).append(one)
    return kinds


def until(said: Iterable[Said], clock: int) -> Kinds:
    """What was said up to an engine clock."""
    return by_kind(one for one in said if one.at is not None and one.at <= clock)


def moment(one: Said) -> int:
    """The instant it speaks of, else the one it was said at."""
    return one.explained.timestamp if one.explained else one.at or 0


def difference(one: Mapping[str, Sequence[Said]], other: Mapping[str, Sequence[Said]]) -> str:
    """The first place where two answers part, in words."""
    for kind in sorted({*one, *other}):
        ours, theirs = one.get(kind, ()), other.get(kind, ())
        for i in range(max(len(ours), len(theirs))):
            a = ours[i] if i < len(ours) else None
            b = theirs[i] if i < len(theirs) else None
            if a != b:
                return f"{kind} {i} is {_shown(b)} instead of {_shown(a)}"
    return "no difference"


def _shown(said: Said | None) -> str:
    return "absent" if said is None else f"[clock {said.at}, series {said.series}: {said.content[:300]}]"
