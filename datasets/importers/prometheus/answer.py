"""An answer of the range API, read one series at a time: memory is the text and 16 bytes a point."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

_DECODER = json.JSONDecoder()
_BLANK = re.compile(r"[ \t\r\n]*")
_MILLISECOND = 1_000_000
_FARTHEST_S = 9e9
"""Seconds that nanoseconds in 64 bits hold, a little less."""


class NotAnAnswer(ValueError):
    """The text is no answer of the range API; says why."""


@dataclass
class AnsweredSeries:
    """Points of one label set, in the order they came."""

    labels: dict[str, str]
    times: NDArray[np.int64]
    """Nanoseconds UTC, in whole milliseconds."""
    values: NDArray[np.float64]
    faults: list[tuple[str, str]] = field(default_factory=list)
    """Points that are none: reason, and the point as JSON."""
    histograms: int = 0
    """Points that are native histograms; they have no one value."""


@dataclass
class Answer:
    """Everything one answer says."""

    series: list[AnsweredSeries]
    warnings: list[str]
    partial: bool = False
    """Something was away: a later answer may say more. Remarks on the query itself are no sign of that."""


def read_answer(text: str) -> Answer:
    """Read the JSON of a range query.

    Raises:
        NotAnAnswer: it is none.

    >>> answer = read_answer('{"status":"success","data":{"resultType":"matrix","result":['
    ...     '{"metric":{"job":"web"},"values":[[1.5,"2"],[2.5,"+Inf"]]}]}}')
    >>> answer.series[0].values.tolist(), answer.series[0].times.tolist()
    ([2.0, inf], [1500000000, 2500000000])
    """
    reader = _Reader(text)
    series: list[AnsweredSeries] | None = None
    status, kind = None, None
    warnings: list[str] = []
    partial = False
    try:
        for name in reader.members():
            if name == "data" and reader.opens("{"):
                for inner in reader.members():
                    if inner == "result" and reader.opens("["):
                        if series is not None:
                            raise NotAnAnswer("data.result stands twice")
                        series = [_series(element) for element in reader.elements()]
                    elif inner == "resultType":
                        kind = reader.value()
                    else:
                        reader.value()
            elif name == "status":
                status = reader.value()
            elif name in {"warnings", "infos"}:
                given = reader.value()
                said = [str(one) for one in (given if isinstance(given, list) else [given]) if one]
                warnings += said
                partial |= name == "warnings" and not all(one.startswith("PromQL ") for one in said)
            elif name == "isPartial":  # how VictoriaMetrics says that a storage node was away
                if reader.value():
                    warnings.append("isPartial: the answer is partial")
                    partial = True
            else:
                reader.value()
        reader.end()
    except NotAnAnswer:
        raise
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits are plain ValueErrors
        raise NotAnAnswer(f"not JSON: {error}") from None
    if status != "success" or series is None:
        raise NotAnAnswer("no status 'success' with data.result in it")
    if kind != "matrix":
        raise NotAnAnswer(f"resultType is {kind!r}, a range query answers with 'matrix'")
    return Answer(series, warnings, partial)


def _series(element: Any) -> AnsweredSeries:
    labels = element.get("metric") if isinstance(element, dict) else None
    if not isinstance(labels, dict) or not all(isinstance(text, str) for text in labels.values()):
        raise NotAnAnswer("a result without a metric of text labels")
    points, histograms = element.get("values", []), element.get("histograms", [])
    if not isinstance(points, list) or not isinstance(histograms, list):
        raise NotAnAnswer("a result whose values are no list")
    try:
        texts = [value for _, value in points]
        moments = [time for time, _ in points]
        if not (set(map(type, texts)) <= {str} and set(map(type, moments)) <= {int, float}):
            raise TypeError
        values = np.fromiter(map(float, texts), np.float64, len(texts))
        seconds = np.array(moments, np.float64)
        if not np.all(np.abs(seconds) < _FARTHEST_S):
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        return _with_faults(labels, points, len(histograms))
    return AnsweredSeries(labels, _instants(seconds), values, histograms=len(histograms))


def _with_faults(labels: dict[str, str], points: list[Any], histograms: int) -> AnsweredSeries:
    """Point by point: some are none."""
    seconds, values, faults = [], [], []
    for point in points:
        try:
            time, value = point
            if isinstance(time, bool) or not isinstance(time, int | float) or not abs(time) < _FARTHEST_S:
                faults.append(("a time that is none", _text(point)))
            elif not isinstance(value, str):
                faults.append(("a value that is no text", _text(point)))
            else:
                values.append(float(value))
                seconds.append(float(time))
        except (TypeError, ValueError):
            faults.append(("no pair of a time and a number", _text(point)))
    times = _instants(np.array(seconds, np.float64))
    return AnsweredSeries(labels, times, np.array(values, np.float64), faults, histograms)


def _instants(seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    # A float of seconds is exact to less than a millisecond, which is what Prometheus keeps.
    return np.rint(seconds * 1000).astype(np.int64) * _MILLISECOND


def _text(point: Any) -> str:
    return json.dumps(point)[:1000]


class _Reader:
    """Walks JSON text; whole values are left to the standard decoder."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def members(self) -> Iterator[str]:
        """Names of the object here; the value must be read before the next name."""
        self._take("{")
        if self._skip("}"):
            return
        while True:
            name = self.value()
            if not isinstance(name, str):
                raise self._wrong("a name in quotes")
            self._take(":")
            yield name
            if self._skip("}"):
                return
            self._take(",")

    def elements(self) -> Iterator[Any]:
        """Values of the list here."""
        self._take("[")
        if self._skip("]"):
            return
        while True:
            yield self.value()
            if self._skip("]"):
                return
            self._take(",")

    def value(self) -> Any:
        """The whole value here."""
        self._blank()
        value, self._at = _DECODER.raw_decode(self._text, self._at)
        return value

    def opens(self, sign: str) -> bool:
        """Whether the value here begins with the sign."""
        self._blank()
        return self._text.startswith(sign, self._at)

    def end(self) -> None:
        """Nothing but blanks may follow."""
        self._blank()
        if self._at != len(self._text):
            raise self._wrong("the end")

    def _skip(self, sign: str) -> bool:
        if not self.opens(sign):
            return False
        self._at += 1
        return True

    def _take(self, sign: str) -> None:
        if not self._skip(sign):
            raise self._wrong(sign)

    def _blank(self) -> None:
        found = _BLANK.match(self._text, self._at)
        self._at = found.end() if found else self._at

    def _wrong(self, expected: str) -> json.JSONDecodeError:
        return json.JSONDecodeError(f"expected {expected}", self._text, self._at)
