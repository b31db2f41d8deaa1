"""What a responder could look up beside a log: reference data as known then, and which tables there are."""

from __future__ import annotations

from collections.abc import Iterable

from titleshot.datasets.contracts.reference import ReferenceRow
from titleshot.datasets.dataset import Dataset
from titleshot.reports.point_in_time import Reference


class Known:
    """Reference data, asked about a moment; ``tables`` are those of the dataset that have any row.

    Unlike a label, an incident is looked at without hindsight: a row counts from when it was known.
    """

    def __init__(self, rows: Iterable[ReferenceRow], tables: Iterable[str]) -> None:
        self._rows = list(rows)
        self.tables = frozenset(tables)

    @classmethod
    def of(cls, dataset: Dataset) -> Known:
        """What a dataset has beside samples and labels."""
        return cls(dataset.reference(), (name for name, entry in dataset.card.tables.items() if entry.rows))

    def at(self, known: int) -> Reference:
        """Reference data as known at ``known``, nanoseconds UTC."""
        return Reference(self._rows, known)
