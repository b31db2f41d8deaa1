"""The digest of a folder's bytes, and copies that are checked before anything in them is parsed."""

from __future__ import annotations

import hashlib
import shutil
import stat
import struct
import uuid
from pathlib import Path

from titleshot.datasets.errors import IntegrityError, MalformedInput

LEFT_OUT = frozenset({"registered_model_meta"})
"""MLflow writes this into stored folders when it loads them."""


def files_of(folder: Path, left_out: frozenset[str] = LEFT_OUT) -> list[tuple[str, Path]]:
    """(relative name, path) of every file, sorted by the name's bytes.

    Raises:
        MalformedInput: absent, or a link or device within: only plain files can be copied and checked.
    """
    if not folder.is_dir():
        raise MalformedInput(f"{folder}: no such folder")
    found = []
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode) or name in left_out:
            continue
        if not stat.S_ISREG(mode):
            raise MalformedInput(f"{path} is a link or device; keep plain files only")
        found.append((name, path))
    return sorted(found, key=lambda pair: pair[0].encode())


def tree_digest(folder: Path, left_out: frozenset[str] = LEFT_OUT) -> str:
    """SHA-256 over each file's name, size and SHA-256, in the order of the names; 64 hex digits.

    Raises:
        MalformedInput: absent, or a link or device within.
    """
    digest = hashlib.sha256()
    for name, path in files_of(folder, left_out):
        encoded = name.encode()
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").digest()
            size = file.tell()
        digest.update(struct.pack("<I", len(encoded)) + encoded + struct.pack("<Q", size) + content)
    return digest.hexdigest()


def checked_copy(source: Path, target: Path, digest: str) -> Path:
    """A private copy of a folder whose bytes have the digest; ``target`` must not exist yet.

    What is digested is the copy, so nobody can change it between check and use. Nothing is left behind
    when the check fails.

    Raises:
        IntegrityError: the bytes are not those.
        MalformedInput: absent, or a link or device within.
    """
    beside = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        for name, path in files_of(source):
            copy = beside / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy, follow_symlinks=False)
        beside.mkdir(parents=True, exist_ok=True)
        found = tree_digest(beside)
        if found != digest:
            raise IntegrityError(
                f"{source}: its bytes have digest {found[:12]}, recorded is {digest[:12]}; "
                "it was changed since; register it again or roll back"
            )
        beside.replace(target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return target
