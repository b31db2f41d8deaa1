"""The fast way of reading lines of samples keeps what the contract keeps, line by line."""

from __future__ import annotations

import json
import math
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from titleshot.datasets.contracts.telemetry import Sample
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.importers import sample_lines
from titleshot.pipelines.import_ import import_dataset


def line(minute: int = 0, value: Any = 0.41, service: str = "checkout-api", **fields: Any) -> str:
    sample = {
        "timestamp": f"2026-04-26T01:{minute:02d}:00Z",
        "service": service,
        "namespace": "commerce",
        "metric_name": "latency_p99",
        "value": value,
        **fields,
    }
    return json.dumps({name: field for name, field in sample.items() if field is not ...})


def import_lines(folder: Path, lines: list[str | bytes], **how: Any) -> Dataset:
    raw = [text if isinstance(text, bytes) else text.encode() for text in lines]
    (folder / "samples.jsonl").write_bytes(b"\n".join(raw) + b"\n")
    return import_dataset(format="jsonl", source=folder / "samples.jsonl", dataset=folder / "out", **how)


INSTANTS = st.one_of(
    st.sampled_from(
        [
            "2026-04-26T01:00:00Z",
            "2026-04-26 01:00:00.123456789+05:30",
            "2026-04-26T01:00:00-0100",
            "2026-04-26T01:00Z",
            "2026-04-26",
            "2026-02-30T01:00:00Z",
            "2026-04-26T01:00:00,5Z",
            "2026-04-26T01:00:00",
            "3000-01-01T00:00:00Z",
            " 2026-04-26T01:00:00Z",
            "2026-04-26T24:00:00Z",
            "2026-04-26T01:00:00+24:00",
            "",
        ]
    ),
    st.integers(-(2**64), 2**64),
    st.none(),
    st.booleans(),
)
NAMES = st.one_of(
    st.sampled_from(["a", "b", "a/b", "", "é", "tab\t", "\ud800"]), st.none(), st.integers(0, 1)
)
VALUES = st.one_of(
    st.floats(),
    st.integers(-(10**400), 10**400),
    st.sampled_from(["NaN", "+Inf", "1"]),
    st.booleans(),
    st.none(),
)
LABELS = st.one_of(
    st.dictionaries(
        st.sampled_from("xyz"),
        st.one_of(st.sampled_from(["1", "2", ""]), st.none(), st.integers(0, 1)),
        max_size=3,
    ),
    st.sampled_from(["{}", [], None]),
)
RECORDS = st.fixed_dictionaries(
    {},
    optional={
        "timestamp": INSTANTS,
        "namespace": NAMES,
        "service": NAMES,
        "metric_name": NAMES,
        "value": VALUES,
        "series_labels": LABELS,
        "ingested_at": INSTANTS,
        "schema_version": st.sampled_from(["1.0", "1.3", "x", 1.0, None]),
        "colour": st.sampled_from(["red", 1, None]),
    },
)
GOOD = st.fixed_dictionaries(
    {
        "timestamp": st.integers(0, 9).map(lambda minute: f"2026-04-26T01:0{minute}:00Z"),
        "namespace": st.just("n"),
        "service": st.sampled_from("ab"),
        "metric_name": st.just("m"),
        "value": st.floats(-1e6, 1e6),
    },
    optional={"series_labels": st.dictionaries(st.sampled_from("xy"), st.sampled_from("12"), max_size=2)},
)
TEXTS = st.sampled_from(
    ["{", "[]", "5", "{}}", '{"value": 1, "value": 2}', "{}{}", '{"timestamp": "\\ud800"}']
)


TIMES = ("timestamp", "ingested_at")


def by_the_contract(text: str) -> tuple | None:
    """The obvious way: every line through the contract."""
    try:
        pairs = json.loads(text, object_pairs_hook=lambda pairs: pairs)
        fields = json.loads(text)
        sample = Sample.model_validate(fields)
    except (ValueError, ValidationError, OverflowError):
        return None
    if len(pairs) > len(fields) or any(isinstance(fields.get(name), int) for name in TIMES):
        return None
    if "\\ud" in text or (math.isinf(sample.value) and "Inf" not in text):
        return None
    value = "nan" if math.isnan(sample.value) else sample.value
    arrival = sample.timestamp if sample.ingested_at is None else sample.ingested_at
    return sample.key, sample.timestamp, value, arrival


LINES = st.one_of(
    GOOD.map(json.dumps),
    st.builds(lambda good, other: json.dumps({**good, **other}), GOOD, RECORDS),
    RECORDS.map(json.dumps),
    TEXTS,
)


@settings(deadline=None, max_examples=100)
@example([line(value=10**308 * 9)], 64)
@given(st.lists(LINES, max_size=6), st.sampled_from([1, 64]))
def test_the_fast_way_keeps_exactly_what_the_contract_keeps(lines: list[str], few: int) -> None:
    anchor = line(59, 0.5)
    expected = [row for text in [anchor, *lines] if (row := by_the_contract(text)) is not None]
    with tempfile.TemporaryDirectory() as folder, patch.object(sample_lines, "_FEW", few):
        dataset = import_lines(Path(folder), [anchor, *lines])
        keys = dataset.series()
        found = [
            (keys[code], time, "nan" if math.isnan(value) else value, arrival)
            for block in dataset.blocks()
            for code, time, value, arrival in zip(*(column.tolist() for column in block), strict=True)
        ]
        quarantined = sum(dataset.import_report()["quarantined"].get("samples", {}).values())

    assert Counter(found) == Counter(expected)
    assert [row for row in expected if row[3] == expected[0][3]] == [
        row for row in found if row[3] == expected[0][3]
    ]
    assert quarantined == 1 + len(lines) - len(expected)
