"""Garbage nobody thought of: random bytes, and good files with random damage.

It is refused in words or read in part; never a traceback, and nothing half-written stays.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bad_inputs.formats import FORMATS, PLATFORM
from bad_inputs.kinds import GOOD, SOURCE
from hypothesis import given, settings
from hypothesis import strategies as st

from titleshot.datasets.dataset import Dataset
from titleshot.pipelines.cli import main

FILES = [of for of, form in FORMATS.items() if not form.served and "in a folder" not in of]
_TRIES = int(os.environ.get("TITLESHOT_TRIES", "25"))
"""Examples of each; ``TITLESHOT_TRIES=1000`` says more, by hand."""

Edit = tuple[str, int, int, bytes]
MARKS = [
    b"\x00",
    b"\xff",
    b"\n",
    b"\r",
    b'"',
    b"'",
    b",",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b"-",
    b"e9",
    b"NaN",
    b"  ",
]
EDITS = st.lists(
    st.tuples(
        st.sampled_from(["insert", "overwrite", "drop", "double", "cut"]),
        st.integers(0, 10**6),
        st.integers(1, 40),
        st.one_of(
            st.binary(max_size=20),
            st.sampled_from(MARKS),
            st.text(max_size=8).map(lambda text: text.encode("utf-8", "surrogatepass")),
        ),
    ),
    min_size=1,
    max_size=6,
)
DAMAGE = st.one_of(EDITS, st.binary(max_size=2000))


def damaged(content: bytes, damage: list[Edit] | bytes) -> bytes:
    """Other bytes, or the same with a few places changed."""
    if isinstance(damage, bytes):
        return damage
    for what, at, size, new in damage:
        at %= len(content) + 1
        end = at + size
        match what:
            case "insert":
                content = content[:at] + new + content[at:]
            case "overwrite":
                content = content[:at] + new + content[at + len(new) :]
            case "drop":
                content = content[:at] + content[end:]
            case "double":
                content = content[:end] + content[at:]
            case "cut":
                content = content[:at]
    return content


@pytest.fixture(autouse=True, scope="module")
def bugs_raise() -> Iterator[None]:
    """As the fixture ``titleshot`` has it, for as long as examples are drawn."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as home:
        patch.setenv("TITLESHOT_DEBUG", "1")
        patch.setenv("TITLESHOT_HOME", home)
        yield


def ended(words: list[str], *codes: int) -> int:
    """Run a command in this process; it ends with one of the codes, in words."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        code = main(words)
    assert code in codes, said.getvalue()
    assert "bug in titleshot" not in said.getvalue()
    assert said.getvalue().strip()
    return code


@pytest.mark.parametrize(
    "of", [pytest.param(of, marks=[] if of in {"csv", "jsonl"} else pytest.mark.slow) for of in FILES]
)
def test_a_damaged_source_is_imported_in_part_or_not_at_all(of: str, small_platform: Dataset) -> None:
    form = FORMATS[of]
    options = [str(small_platform.path) if word == PLATFORM else word for word in form.options]

    @settings(max_examples=_TRIES)
    @given(DAMAGE)
    def check(damage: list[Edit] | bytes) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            folder, out = Path(scratch) / SOURCE, Path(scratch) / "out"
            file = form.write(folder, GOOD)
            file.write_bytes(damaged(file.read_bytes(), damage))
            source = file if form.is_file else folder
            code = ended(["import", form.name, str(source), str(out), *options], 0, 2)
            assert {path.name for path in Path(scratch).iterdir()} == {SOURCE} | (
                {"out"} if code == 0 else set()
            )
            if code == 0 and form.name != "pages":
                Dataset.open(out).unchanged()

    check()


DOCUMENTS = {
    "dataset/dataset.yaml": "score log --labels dataset",
    "dataset/labels/incidents.jsonl": "score log --labels dataset",
    "dataset/validation.json": "fit dataset baseline --out out",
    "log/log.json": "score log --labels dataset",
    "evidence/digest.json": "verify evidence",
    "policy.yaml": "judge evidence --policy policy.yaml",
    "mine.yaml": "fit dataset mine.yaml --out out",
}
"""Document to a command that reads it."""


@pytest.mark.slow
@pytest.mark.parametrize("of", DOCUMENTS)
def test_a_damaged_document_is_refused_in_words_or_means_something(of: str, stage: Any) -> None:
    words, things = DOCUMENTS[of].split(), stage.things

    @settings(max_examples=_TRIES)
    @given(DAMAGE)
    def check(damage: list[Edit] | bytes) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            place = Path(scratch)
            for name in ("dataset", "log", "evidence"):
                shutil.copytree(things[f"{{{name}}}"], place / name)
            for name in ("policy", "recipe"):
                shutil.copy(things[f"{{{name}}}"], place)
            (place / of).write_bytes(damaged((place / of).read_bytes(), damage))
            before = {*place.iterdir(), place / "out"}
            code = ended(
                [str(place / word) if place / word in before else word for word in words], 0, 1, 2, 3
            )
            assert {*place.iterdir()} <= before
            assert (place / "out").exists() == (code == 0 and "out" in words)

    check()
