"""Files of a source, opened with care: no link leads out of it, no small file unpacks into a huge one."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from titleshot.datasets.errors import MalformedInput

BOM = b"\xef\xbb\xbf"
"""The byte order mark that a file of UTF-8 may begin with."""
LONGEST_LINE = 1 << 20
"""Bytes; a longer line is no record and is set aside."""
BLOCK = 1 << 20
"""Bytes read at a time."""
ROOM = 64
"""Bytes that a block's buffer goes on for after its end."""
_GZIP = b"\x1f\x8b"
_HEAD = 1_000
UNPACKED_RATIO = 200
"""A file may unpack to this many times its size …"""
UNPACKED_ALWAYS = 1 << 28
"""… or to this many bytes, whichever is more."""


def files_below(source: Path, pattern: str) -> list[Path]:
    """Files below a folder that match a glob, sorted by path.

    Raises:
        MalformedInput: a link leads out of the folder.
    """
    root = source.resolve()
    found = sorted(path for path in source.glob(pattern) if path.is_file())
    for path in found:
        if not path.resolve().is_relative_to(root):
            raise MalformedInput(
                f"{path}: a link that leads out of {source}; copy the file it points to into the folder"
            )
    return found


class Block(NamedTuple):
    """Whole lines of a file: ``buffer[:end]``, of which the last byte is a line feed.

    The buffer is used again for the next block.
    """

    buffer: bytearray
    end: int


class LongLine(NamedTuple):
    """A line longer than LONGEST_LINE, of which only the first bytes were kept."""

    head: bytes
    length: int


def line_blocks(file: BinaryIO, path: Path) -> Iterator[Block | LongLine]:
    """The lines of a file, about a megabyte at a time, in the memory of two.

    The last line is given a line feed where it has none. A line may be longer than LONGEST_LINE and still
    stand in a block; one that would not fit is passed by.

    Raises:
        MalformedInput: ``path`` cannot be read or unpacked.
    """
    buffer = bytearray(BLOCK + LONGEST_LINE + ROOM)
    view, room = memoryview(buffer), BLOCK + LONGEST_LINE
    held = 0
    while read := _read(file, view[held:room], path):
        filled = held + read
        end = buffer.rfind(b"\n", 0, filled) + 1
        if end:
            yield Block(buffer, end)
            held = filled - end
            view[:held] = bytes(view[end:filled])
        elif filled <= LONGEST_LINE:
            held = filled
        else:
            head, length, held = bytes(view[: min(_HEAD, filled)]), filled, 0
            while not held and (read := _read(file, view[:BLOCK], path)):
                end = buffer.find(b"\n", 0, read) + 1
                length += end - 1 if end else read
                if end == read:
                    break
                if end:
                    held = read - end
                    view[:held] = bytes(view[end:read])
            yield LongLine(head, length)
    if held:
        if not buffer.endswith(b"\n", 0, held):
            buffer[held : held + 1] = b"\n"
            held += 1
        yield Block(buffer, held)


def _read(file: BinaryIO, into: memoryview, path: Path) -> int:
    try:
        return file.readinto(into)  # type: ignore[attr-defined,no-any-return]
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise MalformedInput(f"{path} cannot be unpacked: {error}") from None
    except OSError as error:
        raise MalformedInput(f"{path} cannot be read: {error.strerror or error}") from None


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a file; what ends in ``.gz``, or begins as gzip does, is unpacked on the way.

    Raises:
        MalformedInput: it cannot be read, or unpacks to more than anybody would have packed.
    """
    try:
        with path.open("rb") as file:
            if path.suffix == ".gz" or file.peek(2)[:2] == _GZIP:
                yield io.BufferedReader(_Unpacked(file, path), 1 << 20)
            else:
                yield file
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise MalformedInput(f"{path} cannot be unpacked: {error}") from None
    except OSError as error:
        raise MalformedInput(f"{path} cannot be read: {error.strerror or error}") from None


class _Unpacked(io.RawIOBase):
    """What a gzip file holds, up to a limit."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._path = path
        self._left = self._limit = unpacked_limit(path.stat().st_size)
        self._file = gzip.GzipFile(fileobj=file)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        read = self._file.readinto(buffer)
        self._left -= read
        if self._left < 0:
            raise too_large(self._path, self._limit)
        return read


def unpacked_limit(packed_bytes: int) -> int:
    """Bytes a file of this size may unpack to."""
    return max(packed_bytes * UNPACKED_RATIO, UNPACKED_ALWAYS)


def too_large(path: Path, limit: int) -> MalformedInput:
    """The error for a file that unpacks to more than ``limit`` bytes."""
    return MalformedInput(
        f"{path} unpacks to more than {limit:,} bytes, {UNPACKED_RATIO} times its size: refused;"
        " unpack it yourself if it is what you want"
    )
