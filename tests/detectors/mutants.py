"""A faulty part per law, each wrong in one way only, and the honest detector they are made from."""

# ruff: noqa: ARG002  what is overridden keeps its arguments

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from titleshot.datasets.contracts.record import SeriesKey
from titleshot.detectors.block import REFERENCE, Block
from titleshot.detectors.detector import (
    Arrays,
    Codes,
    Detector,
    DetectorParams,
    Floats,
    Instants,
    Scored,
)
from titleshot.detectors.law_parts import DetectorPart, Explained, Part, Said
from titleshot.detectors.law_streams import START

Row = tuple[float, float, float, float, int]
Past = list[tuple[int, float]]


class Honest(Detector):
    """A rolling z-score in plain Python: 20 points, none older than half an hour, threshold 3."""

    family = "honest"
    Params = DetectorParams
    memory_s = 1800.0

    def __init__(self, params: DetectorParams | None = None) -> None:
        super().__init__(params)
        self.pasts: list[Past] = []
        self.bad: list[int] = []

    def grow(self, n: int) -> None:
        more = n - len(self.pasts)
        self.pasts += [[] for _ in range(more)]
        self.bad += [0] * more

    def fold(self, codes: Codes, timestamps: Instants, values: Floats) -> Scored:
        self.begin_block()
        given = zip(codes.tolist(), timestamps.tolist(), values.tolist(), strict=True)
        columns = np.array([self.step(*row) for row in given], np.float64).reshape(-1, 5).T
        return Scored(columns[0], columns[1], columns[2], columns[3], columns[4].astype(np.int32))

    def step(self, code: int, at: int, value: float) -> Row:
        past = self.pasts[code] = self.remembered(self.pasts[code], at)
        scored = (math.nan, math.nan, math.nan, math.nan, len(past))
        if not math.isfinite(value):
            self.bad[code] += 1
        elif len(past) >= 5:
            scored = self.score(code, value, [v for _, v in past])
        if math.isfinite(value) or self.admits(value):
            past.append((at, value))
        return scored

    def begin_block(self) -> None:
        pass

    def remembered(self, past: Past, at: int) -> Past:
        return [(t, v) for t, v in past if at - t <= self.memory_s * 1e9][-20:]

    def admits(self, broken: float) -> bool:
        return False

    def score(self, code: int, value: float, past: list[float]) -> Row:
        n = len(past)
        mean = past[0] + sum(v - past[0] for v in past) / n
        half = 3 * math.sqrt(sum((v - mean) ** 2 for v in past) / n)
        return (abs(value - mean) / half if half else 0.0, mean, mean - half, mean + half, n)

    def state(self) -> Arrays:
        text = json.dumps([self.pasts, self.bad]).encode()
        return {"json": np.frombuffer(text, np.uint8), "broken": np.array(self.bad)}

    def load(self, arrays: Mapping[str, npt.NDArray[np.generic]]) -> None:
        pasts, self.bad = json.loads(arrays["json"].tobytes())
        self.pasts = [[(t, v) for t, v in past] for past in pasts]

    def false_alarm_ratio(self, sample_count: int) -> float:
        return 0.0102

    def baseline(self, sample_count: int, timestamp: int) -> str:
        return f"mean of {sample_count} samples"


class Wrapped(Part):
    """The honest detector with something around it."""

    def __init__(self, keys: Sequence[SeriesKey]) -> None:
        self.honest = DetectorPart(Honest(), keys)
        self.memory_s = self.honest.memory_s

    def snapshot(self) -> bytes:
        return self.honest.snapshot()

    def restore(self, state: bytes) -> None:
        self.honest.restore(state)

    def broken_samples(self) -> int | None:
        return self.honest.broken_samples()

    def false_alarm_ratio(self, sample_count: int) -> float:
        return self.honest.false_alarm_ratio(sample_count)


class Backdates(Wrapped):
    """Law 1: waits for the next sample of a series, then says with the old clock whether it went up."""

    def __init__(self, keys: Sequence[SeriesKey]) -> None:
        super().__init__(keys)
        self.held: dict[int, Said] = {}

    def push(self, block: Block) -> list[Said]:
        said = []
        for one in self.honest.push(block):
            if one.explained is None:
                continue
            held = self.held.get(one.series)
            if held and held.explained:
                went_up = one.explained.value > held.explained.value
                said.append(replace(held, content=f"{held.content} {went_up}"))
            self.held[one.series] = one
        return said

    def flush(self) -> list[Said]:
        return list(self.held.values())

    def snapshot(self) -> bytes:
        held = [[o.at, o.series, o.content, o.explained, o.strange] for o in self.held.values()]
        return json.dumps([self.honest.snapshot().hex(), held]).encode()

    def restore(self, state: bytes) -> None:
        inner, held = json.loads(state)
        self.honest.restore(bytes.fromhex(inner))
        for at, series, content, explained, strange in held:
            self.held[series] = Said(at, series, "score", content, Explained(*explained), strange)


class LooksAhead(Honest):
    """Laws 1 and 2: a sample is a little stranger where the next one of its series is higher."""

    def fold(self, codes: Codes, timestamps: Instants, values: Floats) -> Scored:
        scored = super().fold(codes, timestamps, values)
        for code in range(len(self.pasts)):
            rows = np.flatnonzero((codes == code) & np.isfinite(values))
            scored.strangeness[rows[:-1]] *= 1 + 1e-9 * (np.diff(values[rows]) > 0)
        return scored


class ForgetsAtBlockEdges(Honest):
    """Law 2: the oldest point of each series falls out whenever a block begins."""

    def begin_block(self) -> None:
        self.pasts = [past[1:] for past in self.pasts]


class CountsNeighbours(Honest):
    """Law 3: a sample of another series at the same instant counts as one of its own."""

    def __init__(self, params: DetectorParams | None = None) -> None:
        super().__init__(params)
        self.last = (-1, 0)

    def step(self, code: int, at: int, value: float) -> Row:
        u, mean, low, high, n = super().step(code, at, value)
        if not math.isfinite(value):
            return (u, mean, low, high, n)
        together = self.last[0] not in (-1, code) and self.last[1] == at
        self.last = (code, at)
        return (u, mean, low, high, n + together)

    def state(self) -> Arrays:
        return {**super().state(), "last": np.array(self.last)}

    def load(self, arrays: Mapping[str, npt.NDArray[np.generic]]) -> None:
        super().load(arrays)
        code, at = arrays["last"].tolist()
        self.last = (code, at)


class LeavesStateBehind(Honest):
    """Law 4: the newest point of a series is not part of the snapshot."""

    def state(self) -> Arrays:
        text = json.dumps([[past[:-1] for past in self.pasts], self.bad]).encode()
        return {"json": np.frombuffer(text, np.uint8), "broken": np.array(self.bad)}


class SaltedByProcess(Honest):
    """Law 5: a hash of text, which every process salts anew, reaches the numbers."""

    def score(self, code: int, value: float, past: list[float]) -> Row:
        u, mean, low, high, n = super().score(code, value, past)
        return (u * (1 + hash("salt") % 997 * 1e-13), mean, low, high, n)


class PoisonedByNan(Honest):
    """Law 6: NaN enters the window, and nothing is scored until it has left."""

    def admits(self, broken: float) -> bool:
        return math.isnan(broken)


class ExplainsNothing(Honest):
    """Law 7: the upper bound lies below what is expected."""

    def score(self, code: int, value: float, past: list[float]) -> Row:
        u, mean, low, high, n = super().score(code, value, past)
        return (u, mean, high, low, n)


class Saturates(Honest):
    """Law 7: strangeness ends at 1, as the module's clipped score does."""

    def score(self, code: int, value: float, past: list[float]) -> Row:
        u, *rest = super().score(code, value, past)
        return (min(u, 1.0), *rest)


class HardOfHearing(Honest):
    """Law 8: a threshold of 300 deviations."""

    def score(self, code: int, value: float, past: list[float]) -> Row:
        u, mean, low, high, n = super().score(code, value, past)
        return (u / 100, mean, mean - (mean - low) * 100, mean + (high - mean) * 100, n)


class CriesWolf(Honest):
    """Law 8: a threshold of one deviation that is documented as one of three."""

    def score(self, code: int, value: float, past: list[float]) -> Row:
        u, mean, low, high, n = super().score(code, value, past)
        return (u * 3, mean, mean - (mean - low) / 3, mean + (high - mean) / 3, n)


class RewritesHistory(Wrapped):
    """Law 9: a reference row is acted on from when it held, not from when it was known."""

    knows_world = True

    def push(self, block: Block) -> list[Said]:
        said = self.honest.push(block)
        for i in np.flatnonzero(block.kinds == REFERENCE):
            row = block.payloads[block.codes[i]]
            said.append(Said(START, -1, "score", f"taken back because of a {type(row).__name__}"))
        return said


class RemembersForever(Honest):
    """Law 10: declares half an hour, keeps twenty points however old."""

    def remembered(self, past: Past, at: int) -> Past:
        return past[-20:]


MUTANTS: dict[type[Part] | type[Detector], tuple[int, ...]] = {
    Backdates: (1,),
    LooksAhead: (1, 2),
    ForgetsAtBlockEdges: (2,),
    CountsNeighbours: (3,),
    LeavesStateBehind: (4,),
    SaltedByProcess: (5,),
    PoisonedByNan: (6,),
    ExplainsNothing: (7,),
    Saturates: (7,),
    HardOfHearing: (8,),
    CriesWolf: (8,),
    RewritesHistory: (9,),
    RemembersForever: (10,),
}
"""Each mutant and the laws it breaks. Looking ahead within a block breaks two by nature."""
