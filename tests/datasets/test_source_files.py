"""Files of a source: whole lines a block at a time, no link out, no bomb."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from titleshot.datasets.errors import MalformedInput
from titleshot.datasets.importers import source_files
from titleshot.datasets.importers.source_files import LongLine, files_below, line_blocks, opened

HERE = Path("here.txt")


def lines_of(data: bytes, block: int, longest: int) -> list[bytes | int]:
    """Lines, and the length of those that were passed by."""
    found: list[bytes | int] = []
    with patch.multiple(source_files, BLOCK=block, LONGEST_LINE=longest):
        for part in line_blocks(io.BytesIO(data), HERE):
            if isinstance(part, LongLine):
                assert data.find(part.head) >= 0
                found.append(part.length)
            else:
                found += bytes(part.buffer[: part.end]).split(b"\n")[:-1]
                assert part.buffer[part.end - 1 : part.end] == b"\n"
    return found


@given(
    st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b"x")), max_size=12),
    st.booleans(),
    st.integers(1, 40),
    st.integers(1, 20),
)
def test_every_line_comes_once_in_order_however_the_file_is_cut(
    lines: list[bytes], ended: bool, block: int, longest: int
) -> None:
    data = b"\n".join(lines) + (b"\n" if ended and lines else b"")
    expected = data.split(b"\n")
    if not expected[-1]:
        expected.pop()

    found = lines_of(data, block, longest)

    assert len(found) == len(expected)
    for line, whole in zip(found, expected, strict=True):
        if isinstance(line, int):
            assert line == len(whole) > longest
        else:
            assert line == whole


def test_a_line_that_does_not_fit_is_passed_by_in_the_memory_of_a_block() -> None:
    data = b"a\n" + b"x" * 5_000 + b"\nb\n"

    assert lines_of(data, 64, 100) == [b"a", 5_000, b"b"]


def test_a_file_that_is_cut_off_or_no_gzip_is_malformed(tmp_path: Path) -> None:
    for name, data in {"cut.gz": gzip.compress(b"x" * 5_000)[:-5], "none.gz": b"hello"}.items():
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(MalformedInput, match=f"{name} cannot be unpacked"), opened(path) as file:
            list(line_blocks(file, path))


def test_a_file_that_unpacks_to_too_much_is_refused_before_it_is_held(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(b"x\n" * 500_000))

    with (
        patch.multiple(source_files, UNPACKED_ALWAYS=1_000, UNPACKED_RATIO=10),
        pytest.raises(MalformedInput, match="unpacks to more than"),
        opened(path) as file,
    ):
        list(line_blocks(file, path))


def test_a_link_may_lead_within_the_folder_and_not_out_of_it(tmp_path: Path) -> None:
    inside = tmp_path / "in"
    inside.mkdir()
    (inside / "a.txt").write_text("a")
    (inside / "b.txt").symlink_to(inside / "a.txt")
    assert [path.name for path in files_below(inside, "*.txt")] == ["a.txt", "b.txt"]

    (tmp_path / "c.txt").write_text("c")
    (inside / "c.txt").symlink_to(tmp_path / "c.txt")
    with pytest.raises(MalformedInput, match=r"c\.txt: a link that leads out of"):
        files_below(inside, "*.txt")
