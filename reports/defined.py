"""What is said of every number that is shown: the words a definition has, whatever computes it."""

from __future__ import annotations

from dataclasses import dataclass
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
