"""What comes in over a wire: told apart, checked, and never trusted."""

from __future__ import annotations

import json
import math
from contextlib import suppress

import pytest
import serving_fixture as made
from hypothesis import given, settings
from hypothesis import strategies as st

from titleshot.datasets.contracts.incidents import DeadLetter
from titleshot.datasets.errors import MalformedInput
from titleshot.registry.serving.clock import Admission
from titleshot.registry.serving.wire import Fault, Incoming, read, read_body, read_line, record_of, text_of

SAMPLE = {
    "timestamp": "2026-04-26T01:00:00Z",
    "namespace": "commerce",
    "service": "checkout",
    "metric_name": "latency_p99",
    "value": 0.4,
}
SERVICE = {"timestamp": "2026-04-26T01:00:00Z", "namespace": "commerce", "service": "checkout"}


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (SAMPLE, "sample"),
        ({**SAMPLE, "kind": "sample"}, "sample"),
        ({**SERVICE, "reason": "OOMKilled"}, "platform"),
        ({**SERVICE, "kind": "platform", "reason": "rollout"}, "platform"),
        ({**SERVICE, "level": "error", "template": "lost an order"}, "log"),
        ({"timestamp": "2026-04-26T01:00:00Z"}, "tick"),
        (
            {
                "kind": "ownership",
                "service": "commerce/checkout",
                "team": "shop",
                "valid_from": "2026-01-01T00:00:00Z",
                "known_from": "2026-01-01T00:00:00Z",
            },
            "reference",
        ),
    ],
)
def test_records_are_told_apart_by_kind_or_by_their_fields(given, kind):
    one = read(given)
    assert isinstance(one, Incoming)
    assert one.kind == kind
    assert record_of(kind, one.text) == one.record


@pytest.mark.parametrize(
    ("line", "reason", "detail"),
    [
        ("{", "malformed", "not JSON"),
        ("[1]", "malformed", "not a JSON object"),
        ('"sample"', "malformed", "not a JSON object"),
        ('{"a": 1}', "malformed", "name its kind"),
        ('{"kind": "smaple"}', "malformed", "did you mean 'sample'"),
        ('{"kind": 7}', "malformed", "unknown kind 7"),
        (json.dumps({**SAMPLE, "value": "much"}), "out_of_contract", "write a number"),
        (json.dumps({**SAMPLE, "timestamp": "2026-04-26 01:00:00"}), "out_of_contract", "has no zone"),
        (json.dumps({**SAMPLE, "service": ""}), "out_of_contract", "service"),
        (json.dumps({**SAMPLE, "colour": "red"}), "out_of_contract", "colour"),
        (json.dumps({**SAMPLE, "schema_version": "7.0"}), "unknown_version", "upgrade titleshot"),
        (json.dumps({**SAMPLE, "series_labels": {"\ud800": "x"}}), "out_of_contract", "surrogates"),
        (json.dumps(SAMPLE).replace("0.4", "1" + "0" * 400), "out_of_contract", "value"),
        ("[" * 100_000, "malformed", "not JSON"),
    ],
)
def test_what_is_no_record_becomes_a_fault_that_says_why(line, reason, detail):
    fault = read_line(line)
    assert isinstance(fault, Fault)
    assert fault.reason == reason
    assert detail in fault.detail
    assert len(fault.detail) < 1000


def test_a_record_posted_to_the_wrong_place_is_a_fault_that_says_what_belongs_there():
    fault = read({**SAMPLE, "kind": "tick"}, frozenset({"sample"}))
    assert isinstance(fault, Fault)
    assert "a tick does not belong here; here go: sample" in fault.detail


def test_a_body_is_lines_an_array_or_one_object_over_several_lines():
    one = json.dumps(SAMPLE)
    for body in (f"{one}\n{one}\n", f"\ufeff{one}\r\n\r\n{one}", f"[{one},{one}]", f" [{one}, {one}] "):
        assert [type(item) for item in read_body(body.encode())] == [Incoming, Incoming]
    assert [type(item) for item in read_body(json.dumps(SAMPLE, indent=1).encode())] == [Incoming]
    assert read_body(b" \n ") == []


def test_a_separator_of_another_alphabet_within_a_name_does_not_cut_a_line():
    (one,) = read_body(json.dumps({**SAMPLE, "service": "a\u2028b"}, ensure_ascii=False).encode())
    assert isinstance(one, Incoming)
    assert one.record.service == "a\u2028b"


def test_what_cannot_be_cut_into_records_is_refused_as_a_whole():
    with pytest.raises(MalformedInput, match="no JSON array"):
        read_body(b'[{"a": 1},')
    with pytest.raises(MalformedInput, match="not UTF-8"):
        read_body(b"\xff\xfe")


values = st.floats(width=64) | st.sampled_from(["NaN", "+Inf", "-inf", None])


@given(
    value=values,
    labels=st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=3),
    name=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8),
    moment=st.integers(-(2**62), 2**62),
)
def test_the_journal_s_text_of_a_record_reads_back_as_the_record(value, labels, name, moment):
    one = read({**SAMPLE, "value": value, "series_labels": labels, "service": name, "timestamp": moment})
    if isinstance(one, Fault):
        return
    again = record_of("sample", one.text)
    assert text_of(again) == one.text
    assert again.key == one.record.key
    assert again.value == one.record.value or math.isnan(again.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
)


@settings(deadline=None)
@given(
    json_values | st.dictionaries(st.sampled_from([*SAMPLE, "kind", "series_labels", "reason"]), json_values)
)
def test_whatever_comes_in_is_a_record_or_a_dead_letter_that_can_be_written_down(given):
    one = read(given)
    if isinstance(one, Incoming):
        return
    admission = Admission()
    admission.refuse(one, made.START)
    (row,) = admission.rows
    row.text.encode()
    assert DeadLetter.from_json(row.text) == row.record
    assert len(row.text) < 20_000


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(body):
    with suppress(MalformedInput):
        assert all(isinstance(one, Incoming | Fault) for one in read_body(body))
