"""YAML read into records: what is wrong, where, and what to do."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated, Literal

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from titleshot.datasets.contracts.decision import Decision
from titleshot.datasets.errors import MalformedInput, UnknownVersion
from titleshot.datasets.yaml_file import dump_yaml, load_yaml, parse_document, parse_yaml, read_yaml


class Leaf(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["leaf"] = "leaf"
    width_s: float = 1.0


class Branch(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["branch"] = "branch"
    parts: tuple[Annotated[Leaf, Field()], ...] = ()


class Tree(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    grows: tuple[Annotated[Leaf | Branch, Field(discriminator="kind")], ...] = ()


DECISION = """\
name: checkout-paging
decision: page the checkout on-call within 120 s when checkout loses orders
services: [commerce/checkout-*]
detect_within_s: 120
success_score: incident_recall
human_workflow: on-call opens the runbook
owners: {data: platform, model: aiops, runtime: sre, feedback: sre}
"""


def test_reads_a_record(tmp_path: Path) -> None:
    (tmp_path / "decision.yaml").write_text(DECISION)
    assert load_yaml(tmp_path / "decision.yaml", Decision).name == "checkout-paging"


def test_an_unknown_key_names_file_line_and_the_nearest_field(tmp_path: Path) -> None:
    path = tmp_path / "decision.yaml"
    path.write_text(DECISION.replace("success_score", "sucess_score"))
    with pytest.raises(MalformedInput) as error:
        load_yaml(path, Decision)
    assert f"{path}:5: sucess_score: unknown field; did you mean 'success_score'?" in str(error.value)
    assert f"{path}:1: success_score: is missing" in str(error.value)


def test_a_fault_deep_inside_a_list_of_unions_names_its_own_line() -> None:
    text = "name: oak\ngrows:\n  - kind: leaf\n  - kind: branch\n    parts:\n      - width_s: 2\n"
    text += "      - widths: 3\n"
    with pytest.raises(MalformedInput, match=r"tree:7: .*widths: unknown field; did you mean 'width_s'\?"):
        parse_yaml(text, Tree, where="tree")


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(MalformedInput) as error:
        parse_yaml("nme: oak\ngrows: 3\n", Tree, where="tree")
    assert str(error.value).splitlines() == [
        "tree:1: name: is missing",
        "tree:2: grows: Input should be a list, got 3",
        "tree:1: nme: unknown field; did you mean 'name'?",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f.yaml:1: the file is empty"),
        ("# only a comment\n", "f.yaml:1: the file is empty"),
        ("a: 1\nb: [1, 2\nc: 3\n", "f.yaml:3: not YAML"),
        ("a: 1\na: 2\n", r"f.yaml:2: 'a' stands twice \(first in line 1\); keep one"),
        ("a: !!python/object/apply:os.system [ls]\n", "f.yaml:1: tag tag:yaml.org,2002:python"),
        ("a: !!binary aGk=\n", "f.yaml:1: 'aGk=' with tag"),
        ("? [1, 2]\n: 3\n", "f.yaml:1: a key must be a word"),
        ("a: &x [*x]\n", "f.yaml: nested too deeply"),
        ("[" * 3000, "f.yaml: nested too deeply"),
        ("a: \0\n", "f.yaml: not YAML"),
        ("a: *nobody\n", "f.yaml:1: not YAML: found undefined alias"),
        ("--- 1\n--- 2\n", "f.yaml:2: not YAML"),
    ],
)
def test_what_is_not_plain_yaml_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(MalformedInput, match=message):
        parse_document(text, where="f.yaml")


def test_aliases_that_multiply_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(MalformedInput, match="aliases"):
        parse_document("\n".join(lines))


def test_words_that_other_readers_turn_into_something_else_stay_words() -> None:
    data = parse_document(
        "[on, no, y, 1:30, 2026-04-26T01:00:00Z, 0x10, 1_000, 1e-3, 12, -0.5, true, ~]"
    ).data
    assert data == [
        "on", "no", "y", "1:30", "2026-04-26T01:00:00Z", "0x10", "1_000", 0.001, 12, -0.5, True, None,
    ]  # fmt: skip


def test_a_schema_version_needs_no_quotes_and_a_newer_major_is_refused() -> None:
    assert parse_yaml("schema_version: 1.0\n" + DECISION, Decision).schema_version == "1.0"
    with pytest.raises(UnknownVersion, match=r"this code reads 1\.x"):
        parse_yaml("schema_version: 2.0\n" + DECISION, Decision)


def test_absent_and_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(MalformedInput, match="no such file"):
        read_yaml(tmp_path / "none.yaml")
    with pytest.raises(MalformedInput, match="cannot be read"):
        read_yaml(tmp_path)
    (tmp_path / "latin.yaml").write_bytes(b"name: caf\xe9\n")
    with pytest.raises(MalformedInput, match=r"not UTF-8 text \(byte 9\)"):
        read_yaml(tmp_path / "latin.yaml")


def test_a_part_of_a_document_keeps_the_lines_of_the_file() -> None:
    document = parse_document("name: oak\nleaf:\n  kind: leaf\n  wide: 1\n", where="f")
    with pytest.raises(MalformedInput, match=r"^f:4: leaf\.wide: unknown field"):
        document.at("leaf").build(Leaf)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(MalformedInput):
        parse_document(text)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(PLAIN)
@example(
    {"on": ["1e5", "1:30", "0x1f", "null", "~", "", " x", "2026-01-01", "é\u2028\x85", "a: b", "#", "<<"]}
)
def test_what_is_dumped_is_read_back_equal_here_and_elsewhere(data: object) -> None:
    text = dump_yaml(data)
    if data is not None:
        assert parse_document(text).data == data
    assert yaml.safe_load(text) == data
