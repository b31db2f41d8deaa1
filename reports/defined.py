"""What is said of every number that is shown: the words a definition has, whatever computes it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import inf
from typing import Protocol

from titleshot.datasets.contracts.scores import Direction

DIRECTIONS: dict[Direction | None, str] = {"up": "more is better", "down": "less is better", None: "context"}


class Defined(Protocol):
    """The words of a score. ``better`` None: context, which never decides."""

    @property
    def name(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def better(self) -> Direction | None: ...
    @property
    def n_of(self) -> str: ...
    @property
    def question(self) -> str: ...
    @property
    def formula(self) -> str: ...
    @property
    def range(self) -> str: ...
    @property
    def misleads(self) -> str: ...
    @property
    def source(self) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Words:
    """A number that is shown beside scores and is none itself: an interval, a count, a chance level."""

    name: str
    title: str
    unit: str
    better: Direction | None = None
    n_of: str
    question: str
    formula: str
    range: str
    misleads: str
    """When the number says less than it seems to."""
    source: str


def least_and_most(range_words: str) -> tuple[float, float]:
    """The numbers of a definition's range.

    >>> least_and_most("0 to 1; 1 is best"), least_and_most("1 upwards"), least_and_most("0 to T; 0")
    ((0.0, 1.0), (1.0, inf), (0.0, inf))
    >>> least_and_most("about \u22120.5 to 1")
    (-0.5, 1.0)
    """
    found = re.match(r"(?:about )?([\u2212\d.]+) (?:upwards|to ([\d.]+|T))", range_words)
    if found is None:
        return (-inf if range_words.startswith("any") else 0.0), inf
    low = float(found.group(1).replace("\u2212", "-"))
    return low, float(found.group(2)) if found.group(2) not in {None, "T"} else inf
