"""Which pages a history holds, as one digest: its name and this are all the identity it has."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from titleshot.datasets.contracts.incidents import Page


def pages_digest(pages: Iterable[Page]) -> str:
    """SHA-256 over pages, one record each as ``ReplayLog.pages`` folds them, whatever order they come in."""
    lines = sorted(page.to_json().encode() for page in pages)
    return hashlib.sha256(b"".join(len(line).to_bytes(8, "little") + line for line in lines)).hexdigest()
