"""Answers kept beside the dataset while it is being imported, so that a broken-off import goes on."""

from __future__ import annotations

import hashlib
import shutil
import uuid
from pathlib import Path

import pyarrow as pa

from titleshot.datasets.contracts.record import canonical_json
from titleshot.datasets.errors import UsageError

_ANSWER, _HALVED = "json.zst", "halved"


class Fetched:
    """A folder ``.NAME.fetched`` beside dataset NAME, one packed file an answer.

    A file is named after the digest of everything that was asked (address, path, query, span, step; never a
    token), so an answer to another question is never taken. The folder is made with the first answer.

    Args:
        dataset: the folder that the dataset will be.
        most_bytes: of one answer, unpacked.
    """

    def __init__(self, dataset: Path, most_bytes: int) -> None:
        self.folder = folder_beside(dataset)
        self._most = most_bytes
        self.used = 0
        """Answers taken from here."""

    @property
    def any_there(self) -> bool:
        """Whether an answer is kept."""
        return self.folder.is_dir() and next(self.folder.iterdir(), None) is not None

    def answer(self, question: dict[str, str]) -> str | None:
        """The answer to a question as it was kept; None where there is none that can be read."""
        try:
            with pa.input_stream(str(self._file(question, _ANSWER)), compression="zstd") as file:
                content: bytes = file.read(self._most + 1)
            text = content.decode()
        except (OSError, pa.ArrowException, UnicodeDecodeError):
            return None  # never kept, or broken since: asked again
        if len(content) > self._most:
            return None
        self.used += 1
        return text

    def keep(self, question: dict[str, str], answer: str) -> None:
        """Keep an answer: all of it or nothing.

        Raises:
            UsageError: it cannot be written.
        """
        packed = pa.BufferOutputStream()
        with pa.CompressedOutputStream(packed, "zstd") as file:
            file.write(answer.encode())
        self._write(self._file(question, _ANSWER), packed.getvalue())

    def was_too_much(self, question: dict[str, str]) -> bool:
        """Whether this question had to be halved before."""
        return self._file(question, _HALVED).is_file()

    def note_too_much(self, question: dict[str, str]) -> None:
        """Remember that this question had to be halved."""
        self._write(self._file(question, _HALVED), b"")

    def _file(self, question: dict[str, str], kind: str) -> Path:
        return self.folder / f"{hashlib.sha256(canonical_json(question).encode()).hexdigest()}.{kind}"

    def _write(self, place: Path, content: bytes | pa.Buffer) -> None:
        beside = place.with_suffix(f".{uuid.uuid4().hex[:8]}.part")
        try:
            if self.folder.is_symlink():
                raise UsageError(f"{self.folder} is a link; remove it, answers are kept there")
            self.folder.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(content)
            beside.replace(place)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise UsageError(f"{self.folder}: cannot be written: {error.strerror}") from None


def folder_beside(dataset: Path) -> Path:
    """Where the answers for a dataset are kept while it is being imported."""
    place = dataset.resolve()
    return place.with_name(f".{place.name}.fetched")


def remove_fetched(dataset: Path) -> None:
    """Remove what was kept for a dataset that now stands."""
    shutil.rmtree(folder_beside(dataset), ignore_errors=True)
