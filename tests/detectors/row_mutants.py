"""A faulty detector over feature rows per law, each wrong in one way only, and the honest one beneath."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.instants import HOUR
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.detectors.block import F64, REFERENCE, Block
from titleshot.detectors.detector import Arrays
from titleshot.detectors.features.feature_rows import FeatureRows
from titleshot.detectors.law_parts import Explained, Part, Said
from titleshot.detectors.law_rows import RowPart, RowSubject, row_subject_of
from titleshot.detectors.law_streams import START
from titleshot.detectors.row_detector import History, RowDetector, RowParams, RowScored


class HonestParams(RowParams):
    """Three features of a service's own metrics."""

    columns: tuple[str, ...] = ("requests_change", "burn_rate_5m", "latency_change")


class Honest(RowDetector):
    """The largest deviation of a feature from its mean over history, in units of eight."""

    family = "honest_rows"
    Params = HonestParams

    def fit(self, history: History) -> Arrays:
        rows = history.rows.values[~history.faulty]
        given = rows[:, self._columns]
        return {
            **self.described(rows),
            "mean": np.nanmean(given, axis=0),
            "deviation": np.nanstd(given, axis=0),
        }

    def _use(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        self.mean, self.deviation = arrays["mean"], arrays["deviation"]

    def _strangeness(self, given: F64) -> tuple[F64, F64]:
        far = np.abs(given - self.mean) / self.deviation
        return far.max(axis=1) / 8, far / far.sum(axis=1, keepdims=True)


class ComparesServices(Honest):
    """Law 3: a row is a little stranger where other services have one at the same tick."""

    def score(self, rows: FeatureRows) -> RowScored:
        scored = super().score(rows)
        return scored._replace(strangeness=scored.strangeness * (1 + 1e-9 * len(rows)))


class CountsRows(Honest):
    """Remembers of each service the rows seen; what it makes of them is up to the mutants."""

    def __init__(self, params: HonestParams | None = None) -> None:
        super().__init__(params)
        self.seen = np.zeros((0, 2), np.int64)
        """Rows so far and when the last was, by place of the service."""

    def score(self, rows: FeatureRows) -> RowScored:
        scored = super().score(rows)
        more = max(0, int(rows.services.max()) + 1 - len(self.seen))
        self.seen = np.concatenate([self.seen, np.zeros((more, 2), np.int64)])
        nudged = scored.strangeness * (1 + 1e-9 * self.nudge(rows))
        self.seen[rows.services, 0] += 1
        self.seen[rows.services, 1] = rows.timestamps
        return scored._replace(strangeness=nudged)

    def nudge(self, rows: FeatureRows) -> NDArray[Any]:
        raise NotImplementedError


class LeavesStateBehind(CountsRows):
    """Law 4: a row within an hour of the service's last is stranger, and the last is not in the snapshot."""

    def nudge(self, rows: FeatureRows) -> NDArray[Any]:
        return rows.timestamps - self.seen[rows.services, 1] <= HOUR


class SaltedByProcess(Honest):
    """Law 5: a hash of text, which every process salts anew, reaches the numbers."""

    def _strangeness(self, given: F64) -> tuple[F64, F64]:
        u, shares = super()._strangeness(given)
        return u * (1 + hash("salt") % 997 * 1e-9), shares


class NamesNoFeature(Honest):
    """Law 7: an event does not say which features drove it."""

    def _strangeness(self, given: F64) -> tuple[F64, F64]:
        u, shares = super()._strangeness(given)
        return u, np.zeros_like(shares)


class HardOfHearing(Honest):
    """Law 8: a threshold of eight hundred deviations."""

    def _strangeness(self, given: F64) -> tuple[F64, F64]:
        u, shares = super()._strangeness(given)
        return u / 100, shares


class CriesWolf(Honest):
    """Law 8: a threshold of one deviation, documented as one row in a hundred."""

    def _strangeness(self, given: F64) -> tuple[F64, F64]:
        u, shares = super()._strangeness(given)
        return u * 8, shares


class RemembersForever(CountsRows):
    """Law 10: each row of a service is a little stranger than the one before, however long ago that was."""

    def nudge(self, rows: FeatureRows) -> NDArray[Any]:
        return self.seen[rows.services, 0]

    def state(self) -> Arrays:
        return {**super().state(), "seen": self.seen}

    def load(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        super().load(arrays)
        self.seen = np.array(arrays["seen"])


@cache
def _honest() -> RowSubject:
    return row_subject_of(Honest)


class Wrapped(RowPart):
    """The honest detector's rows with something around them."""

    def __init__(self, keys: Sequence[SeriesKey]) -> None:
        super().__init__(_honest(), keys)


class Backdates(Wrapped):
    """Law 1: holds a score back until the service's next and says, with the old clock, whether it rose."""

    def __init__(self, keys: Sequence[SeriesKey]) -> None:
        super().__init__(keys)
        self.held: dict[int, Said] = {}

    def push(self, block: Block) -> list[Said]:
        said = []
        for one in super().push(block):
            if one.what != "score" or one.explained is None:
                continue
            held = self.held.get(one.series)
            if held and held.explained:
                rose = one.explained.strangeness > held.explained.strangeness
                said.append(replace(held, content=f"{held.content} {rose}"))
            self.held[one.series] = one
        return said

    def flush(self) -> list[Said]:
        super().flush()
        return list(self.held.values())

    def snapshot(self) -> bytes:
        held = [[o.at, o.series, o.what, o.content, o.explained, o.strange] for o in self.held.values()]
        return json.dumps([super().snapshot().hex(), held]).encode()

    def restore(self, state: bytes) -> None:
        inner, held = json.loads(state)
        super().restore(bytes.fromhex(inner))
        for at, series, what, content, explained, strange in held:
            self.held[series] = Said(at, series, what, content, Explained(*explained), strange)


class ForgetsAtBlockEdges(Wrapped):
    """Law 2: the sums of the last minutes grow a little whenever a block begins."""

    def push(self, block: Block) -> list[Said]:
        sums = self._rows.health._state["tick_sum"]
        sums *= 1 + 1e-9
        return super().push(block)


class TakesBrokenForZero(Wrapped):
    """Law 6: a sample without a number counts as 0."""

    def push(self, block: Block) -> list[Said]:
        values = np.where(block.codes >= 0, np.nan_to_num(block.values, posinf=0, neginf=0), block.values)
        return super().push(replace(block, values=values))


class RewritesHistory(Wrapped):
    """Law 9: a reference row is acted on from when it held, not from when it was known."""

    def push(self, block: Block) -> list[Said]:
        said = super().push(block)
        for i in np.flatnonzero(block.kinds == REFERENCE):
            name = type(block.payloads[block.codes[i]]).__name__
            said.append(Said(START, -1, "score", f"taken back because of a {name}"))
        return said


MUTANTS: dict[type[Part] | type[RowDetector], tuple[int, ...]] = {
    Backdates: (1,),
    ForgetsAtBlockEdges: (2,),
    ComparesServices: (3,),
    LeavesStateBehind: (4,),
    SaltedByProcess: (5,),
    TakesBrokenForZero: (6,),
    NamesNoFeature: (7,),
    HardOfHearing: (8,),
    CriesWolf: (8,),
    RewritesHistory: (9,),
    RemembersForever: (10,),
}
"""Each mutant and the laws it breaks."""
