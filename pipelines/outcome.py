"""What a command hands to the command line: a document for machines, a text for people, an exit code."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class Outcome:
    """``document`` is printed with ``--json``, ``text`` otherwise; ``exit_code`` as in DESIGN 9."""

    text: str
    document: dict[str, Any] = field(default_factory=dict)
    exit_code: int = 0


class Progress(Protocol):
    """Told how far long work has come; silent when piped or ``--quiet``."""

    def __call__(self, what: str, done: int, total: int | None = None) -> None: ...


def silent(what: str, done: int, total: int | None = None) -> None:
    """A Progress that says nothing."""
