"""Fields of a record by any of the names its tool's exports give them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

_NAMED_BY = ("summary", "name", "title", "id", "username")


def plain(name: str) -> str:
    """A field's name as it is compared: exports write one in several ways.

    >>> plain("Created On"), plain("createdAt"), plain("incident_number")
    ('createdon', 'createdat', 'incidentnumber')
    """
    return re.sub(r"[^a-z0-9]", "", name.lower())


class Fields:
    """One record, asked by plain names; what is empty is as good as absent."""

    def __init__(self, record: dict[str, Any]) -> None:
        self._of: dict[str, Any] = {}
        for name, value in record.items():
            if value is not None and value not in ("", [], {}):
                self._of.setdefault(plain(str(name)), value)

    def __contains__(self, name: str) -> bool:
        return name in self._of

    @property
    def names(self) -> set[str]:
        """The plain names of the fields that hold something."""
        return set(self._of)

    def first(self, names: Iterable[str]) -> Any:
        """The first of these fields that holds something; None where none does."""
        return next((self._of[name] for name in names if name in self._of), None)

    def texts(self, names: Iterable[str]) -> tuple[str, ...]:
        """The first of these fields that names something, as texts."""
        return next((found for name in names if (found := texts(self._of.get(name)))), ())

    def text(self, names: Iterable[str], otherwise: str = "") -> str:
        """The first of these fields that names something, as one text."""
        return next(iter(self.texts(names)), otherwise)


def texts(value: Any) -> tuple[str, ...]:
    """What a value names: itself, what an object is called, or what each entry of a list is.

    >>> texts({"id": "P1", "summary": "Checkout"}), texts(["a", {"name": "b"}]), texts("  ")
    (('Checkout',), ('a', 'b'), ())
    """
    if isinstance(value, dict):
        return next((found for name in _NAMED_BY if (found := texts(value.get(name)))), ())
    if isinstance(value, list):
        return tuple(dict.fromkeys(text for entry in value for text in texts(entry)))
    if value is None or isinstance(value, bool):
        return ()
    text = clean(str(value))
    return (text,) if text else ()


def clean(text: str) -> str:
    """One line of at most 1,000 characters: names and titles are kept as records keep them."""
    seen = re.sub(
        r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", text.encode("utf-8", "backslashreplace").decode()
    )
    return seen.strip()[:1000]
