"""Output that is there whole or not at all: made beside its place and renamed into it."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from titleshot.datasets.errors import UsageError


@contextmanager
def whole_folder(place: Path, *, mark: str, what: str) -> Iterator[Path]:
    """A folder to fill, which takes its place when the block ends; an exception leaves nothing behind.

    Args:
        mark: a file that only folders of this kind hold; one that is there is replaced.
        what: such a folder, in words: ``a replay log``.

    Raises:
        UsageError: something else is in the place, or no folder can be made there.

    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp()) / "new" / "log"
    >>> with whole_folder(place, mark="log.json", what="a replay log") as beside:
    ...     _ = (beside / "log.json").write_text("{}")
    >>> [path.name for path in place.iterdir()]
    ['log.json']
    """
    if place.is_dir() and Path.cwd().is_relative_to(place.resolve()):
        raise UsageError(f"{place} is the working directory or above it; name a folder within")
    if place.exists() and not (place / mark).is_file() and (not place.is_dir() or any(place.iterdir())):
        raise UsageError(f"{place} is not {what} and not empty; choose another folder")
    with _beside(place) as beside:
        beside.mkdir()
        yield beside
        if place.exists():
            old = beside.with_suffix(".old")
            place.resolve().replace(old)
            beside.replace(place.resolve())
            shutil.rmtree(old, ignore_errors=True)
        else:
            beside.replace(place.resolve())


@contextmanager
def whole_file(place: Path) -> Iterator[Path]:
    """A path to write to, which becomes ``place`` when the block ends.

    Raises:
        UsageError: a folder is there, or no file can be made there.
    """
    if place.is_dir():
        raise UsageError(f"{place} is a folder; name a file")
    with _beside(place) as beside:
        yield beside
        beside.replace(place.resolve())


@contextmanager
def _beside(place: Path) -> Iterator[Path]:
    real = place.resolve()
    beside = real.with_name(f".{real.name}.{uuid.uuid4().hex[:8]}.part")
    absent = [folder for folder in real.parents if not folder.exists()]
    try:
        real.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{place}: nothing can be written there: {error.strerror}") from None
    try:
        yield beside
    except OSError as error:
        if error.filename and Path(error.filename).is_relative_to(beside):
            raise UsageError(f"{place}: cannot be written: {error.strerror}") from None
        raise
    finally:
        if beside.is_dir():
            shutil.rmtree(beside, ignore_errors=True)
        else:
            beside.unlink(missing_ok=True)
        for folder in absent:
            if not any(folder.iterdir()):
                folder.rmdir()
