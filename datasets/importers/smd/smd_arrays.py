"""Arrays of one machine from an ``.npz`` or from text, read as numbers and never as objects."""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from pathlib import Path
from tokenize import TokenError

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.errors import MalformedInput
from titleshot.datasets.importers.source_files import BOM, LONGEST_LINE, opened, too_large, unpacked_limit

_NUMBERS = "biuf"
_HEADER_FAULTS = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    RecursionError,
    SyntaxError,
    TokenError,
    TypeError,
    ValueError,
)
"""What numpy raises at a header, which is a Python literal, that was tampered with."""


class BadArray(ValueError):
    """An array that is none of numbers, or not of the shape it must have."""


def npz_arrays(path: Path, names: tuple[str, ...]) -> dict[str, NDArray[np.float64]]:
    """The arrays of these names that a zip of ``.npy`` files holds, as float64.

    Nothing is unpickled or extracted, and no other member is opened.

    Raises:
        MalformedInput: it unpacks to more than anybody would have packed.
        BadArray: it is no zip, is cut off or damaged, or a member holds anything but numbers.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename: info for info in archive.infolist()}
            found = {name: members[f"{name}.npy"] for name in names if f"{name}.npy" in members}
            limit = unpacked_limit(path.stat().st_size)
            # The size a member declares is also where zipfile stops reading it.
            if sum(info.file_size for info in found.values()) > limit:
                raise too_large(path, limit)
            return {name: _array(archive.read(info), info.filename) for name, info in found.items()}
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise BadArray(f"cannot be unpacked: {error}") from None
    except OSError as error:
        raise MalformedInput(f"{path} cannot be read: {error.strerror or error}") from None


def _array(content: bytes, name: str) -> NDArray[np.float64]:
    file = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(file)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }.get(version)
        if read_header is None:
            raise BadArray(f"{name} is of format {version}; save numbers with numpy.savez")
        shape, fortran, dtype = read_header(file)
    except BadArray:
        raise
    except _HEADER_FAULTS as error:
        raise BadArray(f"{name} has no header of an array: {error}") from None
    if dtype.kind not in _NUMBERS:
        raise BadArray(f"{name} holds {dtype}, not numbers; objects are never loaded")
    held = len(content) - file.tell()
    if math.prod(shape) * dtype.itemsize != held or min(shape, default=0) < 0:
        raise BadArray(f"{name} declares {shape} of {dtype} and holds {held} bytes")
    flat = np.frombuffer(content, dtype, offset=file.tell())
    return flat.reshape(shape, order="F" if fortran else "C").astype(np.float64)


def text_array(path: Path, columns: int | None) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Comma-separated numbers, one row a line: float64[rows, columns], and bool[rows] of those unread.

    A line that is no row keeps its place, because places are times here; blank lines at the end have none.

    Args:
        columns: how many a row has; None takes those of the first row that is one.
    """
    rows: list[list[float] | None] = []
    blank = 0
    with opened(path) as file:
        while line := file.readline(LONGEST_LINE + 1):
            row = _row(line if rows else line.removeprefix(BOM))
            columns = len(row) if columns is None and row else columns
            rows.append(row if row and len(row) == columns else None)
            blank = 0 if line.strip() else blank + 1
            if len(line) > LONGEST_LINE:
                while line and not line.endswith(b"\n"):
                    line = file.readline(LONGEST_LINE)
    del rows[len(rows) - blank :]
    unread = np.array([row is None for row in rows], np.bool_)
    nothing = [math.nan] * (columns or 0)
    return np.array([row or nothing for row in rows], np.float64).reshape(len(rows), columns or 0), unread


def _row(line: bytes) -> list[float] | None:
    if len(line) > LONGEST_LINE or b"_" in line:  # Python reads 1_000 as a number; no exporter writes it
        return None
    try:
        return [float(cell) for cell in line.split(b",")]
    except ValueError:
        return None
