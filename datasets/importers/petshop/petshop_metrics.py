"""PetShop's ``metrics.csv``: header lines of node, metric and statistic, then five-minute rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.record import SeriesKey, canonical_json
from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.errors import MalformedInput
from titleshot.datasets.importers.csv_lines import CsvLines
from titleshot.datasets.importers.wide_rows import WideSamples

PERIOD = 300 * SECOND
"""A row's time is the start of the five minutes it sums up; its samples stand at their end.

The rows in which an issue begins show it: one that starts 59 s before the issue does is moved by a fifth, the
next one whole. Stamped at the start, a page would come before anybody could have known.
"""
UNITS = {"latency": "s", "availability": "percent", "requests": ""}
"""Unit of each metric, which the files leave out."""
_LEVELS = ("microservice", "metric", "statistic")
_TIME = "unix_timestamp"
_LATEST_S = 9_000_000_000
_TYPE = re.compile(r"(?:.*_)?([A-Za-z]+::[A-Za-z0-9:]+)|.+_(remote|client)", re.DOTALL)


def node_type(node: str) -> str | None:
    """The type at the end of a node's name; None where it has none.

    >>> node_type("petInfo_AWS::DynamoDB::Table"), node_type("amazon.com_remote"), node_type("PetSite")
    ('AWS::DynamoDB::Table', 'remote', None)
    """
    match = _TYPE.fullmatch(node)
    return None if match is None else match[1] or match[2]


def metric_name(metric: str, statistic: str) -> str:
    """Metric, statistic and unit in snake case.

    >>> metric_name("latency", "p90"), metric_name("requests", "Sum")
    ('latency_p90_s', 'requests_sum')
    """
    words = "_".join(filter(None, (metric, statistic, UNITS.get(metric, ""))))
    return re.sub(r"\W+", "_", words).strip("_").lower()


@dataclass(frozen=True)
class FileSeen:
    """What one file held."""

    rows: int
    empty_cells: int
    nodes: frozenset[str]
    """With samples."""
    first: int
    end: int
    """Rows sum up [first, end), nanoseconds UTC; the last sample stands at ``end``."""


class MetricsFile:
    """One ``metrics.csv``.

    Args:
        path: the file.
        name: what reports call it.
        into: takes samples and what is set aside.
    """

    def __init__(self, path: Path, name: str, into: DatasetWriter) -> None:
        self.name = name
        self._path, self._into = path, into

    def span(self) -> tuple[int, int] | None:
        """[first, end) that the rows sum up, without reading their cells; None where no row has a time."""
        times = []
        for _, cells in CsvLines(self._path, self.name, None):
            try:
                times.append(_instant(cells[0]))
            except ValueError:
                continue
        return (min(times), max(times) + PERIOD) if times else None

    def read(self, namespace: str, shift: int = 0, only: frozenset[str] | None = None) -> FileSeen | None:
        """Add the samples, moved by ``shift`` nanoseconds; None where there is none.

        Args:
            only: nodes to take; None takes all.
        """
        rows = CsvLines(self._path, self.name, self._into)
        samples = WideSamples(rows, self._into)
        header: list[list[str]] = []
        width = 0
        columns = _Columns([], np.empty(0, np.int32), frozenset())
        for number, cells in rows:
            if len(header) < len(_LEVELS):
                header.append(cells)
                if cells[0].casefold() != _LEVELS[len(header) - 1] or len(cells) != len(header[0]):
                    detail = f"the first lines must be {', '.join(_LEVELS)}, of equal length"
                    rows.set_aside("no header", detail, number, cells)
                    return None
                if len(header) == len(_LEVELS):
                    width, columns = len(cells), self._columns(header, namespace, only, rows)
            elif cells[0].casefold() == _TIME:
                continue
            elif len(cells) != width:
                few = "too few cells" if len(cells) < width else "too many cells"
                rows.set_aside(few, f"{len(cells)} cells, the header has {width}", number, cells)
            else:
                try:
                    at = _instant(cells[0]) + PERIOD + shift
                except ValueError as error:
                    rows.set_aside("no time", str(error), number, cells)
                    continue
                samples.add(number, at, columns.codes, [cells[n] for n in columns.places])
        samples.flush()
        if samples.first is None or samples.last is None:
            if len(header) < len(_LEVELS):
                rows.set_aside("no header", f"the first lines must be {', '.join(_LEVELS)}", 1, "")
            return None
        first = samples.first - PERIOD
        return FileSeen(samples.rows, samples.empty_cells, columns.nodes, first, samples.last)

    def _columns(
        self, header: list[list[str]], namespace: str, only: frozenset[str] | None, rows: CsvLines
    ) -> _Columns:
        places, codes, met, nodes = [], [], set(), set()
        for place, (node, metric, statistic) in enumerate(zip(*header, strict=True)):
            if place == 0 or (only is not None and node not in only):
                continue
            kind = node_type(node)
            labels = canonical_json({} if kind is None else {"node_type": kind})
            key = SeriesKey(namespace, node, metric_name(metric, statistic), labels)
            try:
                if key in met:
                    raise MalformedInput("it is there twice; the first is used")
                codes.append(self._into.add_series([key]))
            except MalformedInput as error:
                rows.set_aside("no column", f"column {place + 1}: {error}", 1, f"{node},{metric},{statistic}")
                continue
            met.add(key)
            nodes.add(node)
            places.append(place)
        return _Columns(places, np.concatenate(codes) if codes else np.empty(0, np.int32), frozenset(nodes))


@dataclass(frozen=True)
class _Columns:
    places: list[int]
    codes: NDArray[np.int32]
    nodes: frozenset[str]


def _instant(text: str) -> int:
    """Nanoseconds of seconds since 1970 in UTC.

    Raises:
        ValueError: no number, or no time between 1970 and 2255.
    """
    try:
        seconds = float(text if "_" not in text else "no number")
    except ValueError:
        raise ValueError(f"{text[:50]!r} is no number of seconds since 1970") from None
    if not 0 <= seconds < _LATEST_S:
        raise ValueError(f"{text[:50]!r} is no time in seconds since 1970; milliseconds are not read")
    whole = int(seconds)
    return whole * SECOND + round((seconds - whole) * SECOND)
