"""What log and platform events lately said of each service, and how alike that reads."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from titleshot.datasets.contracts.telemetry import LogEvent, PlatformEvent

OF_A_SERVICE = 8
"""Texts kept of one service, the newest."""
OF_A_TEXT = 8
"""Services kept that said one text, the newest."""
_WORD = re.compile(r"<[^>]*>|[^\W_][\w./-]*[^\W_]|[^\W_]")
_LOUD = {"warning", "error", "fatal"}
_FEWEST_WORDS = 2


@lru_cache(maxsize=4096)
def words(text: str) -> frozenset[str]:
    """The words of a template that do not vary: placeholders and whatever holds a digit are left out.

    >>> sorted(words("upstream shop/stock timed out after <n> ms, attempt 3"))
    ['after', 'attempt', 'ms', 'out', 'shop/stock', 'timed', 'upstream']
    """
    found = (word.lower() for word in _WORD.findall(text))
    return frozenset(
        word for word in found if not word.startswith("<") and not any(letter.isdigit() for letter in word)
    )


def text_of(event: LogEvent | PlatformEvent) -> str | None:
    """What of an event may tie stories; None for chatter below warning."""
    if isinstance(event, LogEvent):
        return event.template if event.level in _LOUD else None
    return f"{event.reason} {event.message}".strip()


class Texts:
    """Loud texts of each service from the last ``keep`` nanoseconds, since the last multiple of ``reset``."""

    def __init__(self, keep: int, reset: int) -> None:
        self._keep = keep
        self._reset = reset
        self._of: dict[str, dict[str, int]] = {}  # service, longest silent first, to texts with last instant
        self._sayers: dict[str, dict[str, int]] = {}  # text or name in it, to who said it, with last instant

    def note(self, service: str, text: str, at: int) -> None:
        """Remember; instants come in order."""
        texts = self._of.pop(service, {})
        texts.pop(text, None)
        texts[text] = at
        if len(texts) > OF_A_SERVICE:
            del texts[next(iter(texts))]
        self._of[service] = texts
        for key in _keys(text):
            sayers = self._sayers.pop(key, {})
            sayers.pop(service, None)
            sayers[service] = at
            if len(sayers) > OF_A_TEXT:
                del sayers[next(iter(sayers))]
            self._sayers[key] = sayers
        _let_go(self._of, lambda last: self._fresh(last, at))
        _let_go(self._sayers, lambda last: self._fresh(last, at))

    def likeness(self, one: str, other: str, at: int) -> float:
        """1 where a text of one names the other, else the largest share of words two of their texts have
        in common (Jaccard); 0 where nothing was heard of one of them."""
        ours, theirs = self._texts(one, at), self._texts(other, at)
        if not ours and not theirs:
            return 0.0
        if any(other.lower() in found for found in ours) or any(one.lower() in found for found in theirs):
            return 1.0
        return max(
            (len(a & b) / len(a | b) for a in ours for b in theirs if min(len(a), len(b)) >= _FEWEST_WORDS),
            default=0.0,
        )

    def naming(self, members: list[str], at: int) -> dict[str, int]:
        """How many of ``members`` name each other one in their texts."""
        lower = {name.lower(): name for name in members}
        counts: dict[str, int] = {}
        for service in members:
            named = {lower[word] for found in self._texts(service, at) for word in found if word in lower}
            for name in named - {service}:
                counts[name] = counts.get(name, 0) + 1
        return counts

    def beside(self, service: str, at: int) -> list[str]:
        """Services it names, that name it, or that lately said the same; the newest of each, sorted."""
        found = {word for said in self._texts(service, at) for word in said if "/" in word}
        keys = [service.lower()] + [key for text in self._of.get(service, ()) for key in _keys(text)]
        for key in keys:
            found |= {sayer for sayer, last in self._sayers.get(key, {}).items() if self._fresh(last, at)}
        return sorted(found - {service})

    def state(self) -> dict[str, Any]:
        tables = {"of": self._of, "sayers": self._sayers}
        return {
            name: [[key, [list(each) for each in inner.items()]] for key, inner in table.items()]
            for name, table in tables.items()
        }

    def load(self, state: dict[str, Any]) -> None:
        self._of, self._sayers = (
            {key: {name: last for name, last in inner} for key, inner in state[table]}  # noqa: C416
            for table in ("of", "sayers")
        )

    def _texts(self, service: str, at: int) -> list[frozenset[str]]:
        texts = self._of.get(service)
        return [words(text) for text, last in texts.items() if self._fresh(last, at)] if texts else []

    def _fresh(self, last: int, at: int) -> bool:
        return at - last <= self._keep and last // self._reset == at // self._reset


def _keys(text: str) -> list[str]:
    """What a text is looked up by: all its words together, and each that looks like a service."""
    found = words(text)
    return [" ".join(sorted(found)), *sorted(word for word in found if "/" in word)]


def _let_go(table: dict[str, dict[str, int]], fresh: Callable[[int], bool]) -> None:
    """Drop what is stale from the front, where what was touched longest ago is."""
    while table:
        first = next(iter(table))
        if fresh(max(table[first].values())):
            return
        del table[first]
