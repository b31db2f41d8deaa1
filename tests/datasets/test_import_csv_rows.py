"""The compiled pass over CSV says what the rules say row by row, however the file is cut."""

from __future__ import annotations

import csv
import io
import math
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from titleshot.datasets.contracts.instants import parse_instant
from titleshot.datasets.dataset_card import Evaluation
from titleshot.datasets.errors import MalformedInput
from titleshot.datasets.importers import source_files
from titleshot.datasets.importers.delimited import csv_identities, csv_rows
from titleshot.datasets.importers.delimited.csv_files import Csv
from titleshot.datasets.importers.delimited.csv_kernel import DOUBTS, ROWS, SURE
from titleshot.datasets.series_index import SeriesIndex

ANCHOR = "2026-04-26T00:59:00Z,n,anchor,m,0.5,"
HEADER = "timestamp,namespace,service,metric_name,value,ingested_at"


class Collected:
    """What an importer adds and sets aside, in order."""

    def __init__(self) -> None:
        self._index = SeriesIndex()
        self.keys: list[Any] = []
        self.rows: list[tuple[Any, ...]] = []
        self.aside: list[tuple[int, str]] = []
        self.report: dict[str, Any] = {}
        self.evaluation = Evaluation()
        self.quarantined: dict[str, dict[str, int]] = {}

    @property
    def samples(self) -> int:
        return len(self.rows)

    def add_series(self, keys: list[Any]) -> Any:
        codes = self._index.codes(keys)
        for code, key in zip(codes.tolist(), keys, strict=True):
            if code == len(self.keys):
                self.keys.append(key)
        return codes

    def add_samples(self, codes: Any, timestamps: Any, values: Any, ingested: Any) -> None:
        arrivals = timestamps if ingested is None else ingested
        for code, time, value, arrival in zip(
            codes.tolist(), timestamps.tolist(), values.tolist(), arrivals.tolist(), strict=True
        ):
            known = None if arrival in (time, np.iinfo(np.int64).min) else arrival
            self.rows.append((self.keys[code], time, "nan" if math.isnan(value) else value.hex(), known))

    def quarantine(self, _kind: str, reason: str, detail: str, source: str, row: int, _record: str) -> None:
        assert detail.startswith(f"{source}:{row}: ")
        self.aside.append((row, reason))


def read(text: str | bytes, **options: Any) -> Collected:
    into = Collected()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape"))
        try:
            Csv(**options).run(path, into)  # type: ignore[arg-type]
        except MalformedInput:
            assert not into.rows
    return into


@contextmanager
def nothing_is_sure() -> Iterator[None]:
    """Every row goes by the rules."""
    scan = csv_rows.kernel.scan

    def unsure(*arguments: Any) -> Any:
        why = scan(*arguments)
        cursors = arguments[9]
        for array in arguments:
            if isinstance(array, np.ndarray) and array.dtype == np.uint8 and array is arguments[18]:
                assert set(array[: cursors[ROWS]].tolist()) <= {0, SURE}
                array[:] = 0
        cursors[DOUBTS] = 0
        return why

    with patch.object(csv_rows.kernel, "scan", unsure):
        yield


TIMES = st.sampled_from(
    [
        "2026-04-26T01:00:00Z",
        "2026-04-26 01:00:00.123456789+05:30",
        "2026-04-26T01:00:00-0100",
        " 2026-04-26T01:00:00z ",
        "2026-04-26T01:00:00",
        "2026-04-26 01:00:00.5",
        "2026-10-25T02:30:00",
        "2026-03-29T02:30:00",
        "2026-02-29T01:00:00Z",
        "2024-02-29T01:00:00Z",
        "2100-02-29T01:00:00Z",
        "2026-04-31T01:00:00Z",
        "2026-13-01T01:00:00Z",
        "2026-00-01T01:00:00Z",
        "2026-04-26T24:00:00Z",
        "2016-12-31T23:59:60Z",
        "2026-04-26T01:00Z",
        "2026-04-26",
        "2026-04-26T01:00:00+24:00",
        "2026-04-26T01:00:00+0530x",
        "2026-04-26T01:00:00.Z",
        "2026-04-26T01:00:00.1234567890Z",
        "1677-09-21T00:12:44Z",
        "2262-04-11T23:47:16Z",
        "2262-04-11T23:47:17Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59",
        "0000-01-01T00:00:00Z",
        "1714093200",
        "1714093200.25",
        "-1.5",
        "1e9",
        "",
        "soon",
    ]
)
NAMES = st.sampled_from(
    ["a", "b", "a ", " a", "\u00e9", "", "a/b", "x" * 9, "x" * 300, '"a"', "\udcff", "a\x00"]
)
NUMBERS = st.one_of(
    st.floats().map(repr),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.integers(-(10**25), 10**25).map(str),
    st.sampled_from(
        ["", " 1 ", "+1.5", ".5", "5.", ".", "-", "1,5", "1_000", "0x10", "NaN", "-Infinity", "inf", "true"]
    ),
    st.sampled_from(["1.234,5", "1e", "1e+", "1e400", "-1e-400", "\u0661", "1.5.2", "NA", "007", "1d"]),
)


def written(cells: list[str], delimiter: str) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="").writerow(cells)
    return out.getvalue()


CELLS = st.tuples(
    TIMES, st.sampled_from(["n", "o"]), NAMES, st.just("m"), NUMBERS, st.one_of(st.just(""), TIMES)
)
GOOD = st.tuples(
    st.integers(0, 9).map(lambda minute: f"2026-04-26T01:0{minute}:00Z"),
    st.just("n"),
    st.sampled_from("abc"),
    st.just("m"),
    st.floats(-1e6, 1e6).map(repr),
    st.just(""),
)
LINES = st.one_of(
    st.one_of(GOOD, CELLS).map(lambda cells: written(list(cells), ",")),
    CELLS.map(",".join),
    st.one_of(GOOD, CELLS).map(lambda cells: ",".join(f'"{cell}"' for cell in cells)),
    st.text('ab,"\n\r 1', max_size=12),
    st.sampled_from(
        ["", "  ", ",,,,,", "a", 'x,"y\nz",1,2,3,4', '"', 'a,"b"c,d', "2026-04-26T01:00:00Z,n,a,m,1,,"]
    ),
)


@settings(max_examples=250)
@example([',n,a,m,"1\n",'], "\n", 1 << 20, None, None)
@given(
    st.lists(LINES, max_size=8),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([7, 64, 1 << 20]),
    st.sampled_from([None, "UTC", "Europe/Berlin"]),
    st.sampled_from([None, "s", "ns"]),
)
def test_the_compiled_pass_keeps_exactly_what_the_rules_keep(
    lines: list[str], end: str, block: int, zone: str | None, unit: str | None
) -> None:
    text = end.join([HEADER, ANCHOR, *lines, ANCHOR])
    with patch.object(source_files, "BLOCK", block):
        fast = read(text, zone=zone, time_unit=unit)
        with nothing_is_sure():
            slow = read(text, zone=zone, time_unit=unit)

    assert fast.rows == slow.rows
    assert fast.aside == slow.aside
    assert fast.report == slow.report


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 9).map(lambda minute: f"2026-04-26T01:0{minute}:00Z"),
            st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=5),
            st.text('a,;"\n\r', max_size=6),
        ),
        max_size=10,
    ),
    st.sampled_from([11, 1 << 20]),
)
def test_a_well_formed_file_is_read_as_python_s_reader_reads_it(
    rows: list[tuple[str, str, str]], block: int
) -> None:
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(["timestamp", "service", "comment", "value"])
    writer.writerows([*row, number] for number, row in enumerate(rows))
    with patch.object(source_files, "BLOCK", block):
        found = read(out.getvalue(), namespace="n", metric_name="m")

    assert [(key.service, time, value) for key, time, value, _ in found.rows] == [
        (service.strip(), parse_instant(time), float(number).hex())
        for number, (time, service, _) in enumerate(rows)
        if service.strip()
    ]
    assert [reason for _, reason in found.aside] == [
        "service: missing" for _, service, _ in rows if not service.strip()
    ]


@settings(max_examples=300)
@example([Decimal("9007199254740993"), Decimal("9007199254740993.0000000001"), Decimal("1e23")])
@example([Decimal("2.2250738585072011e-308"), Decimal("1.7976931348623157e308"), Decimal("0e500")])
@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False, places=None), min_size=1, max_size=20))
def test_numbers_are_rounded_as_python_rounds_them(numbers: list[Decimal]) -> None:
    texts = [str(number) for number in numbers if math.isfinite(float(number))]
    found = read("timestamp,value\n" + "".join(f"1970-01-01T00:00:00Z,{text}\n" for text in texts),
                 namespace="n", service="s", metric_name="m")  # fmt: skip

    assert [value for *_, value, _ in found.rows] == [float(text).hex() for text in texts]


def test_numbers_halfway_between_two_floats_and_beside_are_rounded_right() -> None:
    rng = np.random.default_rng(3)
    texts = []
    for value in (rng.random(400) * 10.0 ** rng.integers(-9, 9, 400)).tolist():
        half = (Decimal(value) + Decimal(math.nextafter(value, math.inf))) / 2
        texts += [f"{half:.{digits}g}" for digits in (17, 18, 19, 20)]
    found = read("timestamp,value\n" + "".join(f"1970-01-01T00:00:00Z,{text}\n" for text in texts),
                 namespace="n", service="s", metric_name="m")  # fmt: skip

    assert [value for *_, value, _ in found.rows] == [float(text).hex() for text in texts]


def test_many_and_long_identities_outgrow_the_table() -> None:
    names = [f"{number:05d}{'x' * (number % 97)}" for number in range(9_000)]
    lines = [f"1970-01-01T00:00:0{at}Z,n,{name},m,{at}" for at in range(3) for name in names]
    with patch.object(csv_identities, "_FIRST", 16), patch.object(csv_identities, "_BYTES", 64):
        found = read("\n".join(["timestamp,namespace,service,metric_name,value", *lines]))

    assert [key.service for key, *_ in found.rows] == names * 3
    assert found.aside == []


def test_reasons_are_counted_for_every_kind_of_row() -> None:
    """Named so that a change of the rules is seen."""
    cells = {
        "too few cells": "2026-04-26T01:00:00Z,n,a,m,1",
        "too many cells": "2026-04-26T01:00:00Z,n,a,m,1,,",
        "not a row": '2026-04-26T01:00:00Z,n,"a"b,m,1,',
        "timestamp: missing": ",n,a,m,1,",
        "timestamp: not a time": "soon,n,a,m,1,",
        "timestamp: no zone": "2026-04-26T01:00:00,n,a,m,1,",
        "timestamp: no unit": "1714093200,n,a,m,1,",
        "timestamp: leap second": "2016-12-31T23:59:60Z,n,a,m,1,",
        "timestamp: out of range": "3000-01-01T00:00:00Z,n,a,m,1,",
        "ingested_at: no zone": "2026-04-26T01:00:00Z,n,a,m,1,2026-04-26T01:00:00",
        "namespace: not allowed": "2026-04-26T01:00:00Z,n/o,a,m,1,",
        "service: missing": "2026-04-26T01:00:00Z,n,,m,1,",
        "service: not UTF-8": "2026-04-26T01:00:00Z,n,\udcff,m,1,",
        "value: not a number": "2026-04-26T01:00:00Z,n,a,m,one,",
        "value: boolean": "2026-04-26T01:00:00Z,n,a,m,true,",
        "value: hexadecimal": "2026-04-26T01:00:00Z,n,a,m,0x1f,",
        "value: digits in groups": '2026-04-26T01:00:00Z,n,a,m,"1,234.5",',
        "value: too large": "2026-04-26T01:00:00Z,n,a,m,1e999,",
    }
    found = read("\n".join([HEADER, ANCHOR, *cells.values()]))

    assert found.aside == [(row, reason) for row, reason in enumerate(cells, 3)]
    assert Counter(key.service for key, *_ in found.rows) == {"anchor": 1}
