"""Which span a history speaks of: silence is news only where somebody says that it was covered."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Self

from titleshot.datasets.contracts.incidents import Page
from titleshot.datasets.contracts.instants import DAY, SECOND, format_instant
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import UsageError
from titleshot.datasets.importers.pages.tool_page import ToolPage


@dataclass
class Coverage:
    """[start, end) in nanoseconds UTC, within the dataset's telemetry."""

    start: int
    end: int
    assumed: tuple[str, ...]
    """``from``, ``to``: the ends that nobody gave; the dataset's evaluation span is taken for them."""
    first: int | None = field(default=None, init=False)
    last: int | None = field(default=None, init=False)

    @classmethod
    def of(cls, dataset: Dataset, from_: int | None, to: int | None) -> Self:
        """What was given, cut to the telemetry; for what was not, the dataset's evaluation span.

        Raises:
            UsageError: nothing is left.
        """
        card, given = dataset.card, dataset.card.evaluation
        wanted = (
            from_
            if from_ is not None
            else given.span_from
            if given.span_from is not None
            else card.span_from,
            to if to is not None else given.span_to if given.span_to is not None else card.span_to,
        )
        start, end = max(wanted[0], card.span_from), min(wanted[1], card.span_to)
        if start >= end:
            raise UsageError(
                f"no time from {format_instant(wanted[0])} to {format_instant(wanted[1])} is within the"
                f" telemetry of {card.name!r}, {format_instant(card.span_from)} to"
                f" {format_instant(card.span_to)}; choose --from and --to within, and in order"
            )
        ends = (("from", from_), ("to", to))
        return cls(start, end, tuple(name for name, value in ends if value is None))

    def outside(self, page: ToolPage) -> str | None:
        """Why a page does not count; None where it does."""
        self.first = page.paged_at if self.first is None else min(self.first, page.paged_at)
        self.last = page.paged_at if self.last is None else max(self.last, page.paged_at)
        if page.paged_at < self.start:
            return "sent before the span"
        return "sent after the span" if page.paged_at >= self.end else None

    def seen(self) -> str:
        """The span that the export's pages themselves have, in words."""
        if self.first is None or self.last is None:
            return ""
        return f"; its pages are from {format_instant(self.first)} to {format_instant(self.last)}"

    def notes(self, pages: list[Page]) -> list[str]:
        """What readers must know: what was assumed, and silence at the ends that looks like a cut."""
        found = []
        if self.assumed:
            flags = " and ".join(f"--{name}" for name in self.assumed)
            found.append(
                f"the page history is taken to be whole from {format_instant(self.start)} to"
                f" {format_instant(self.end - self.end % SECOND)} because no {flags} said what the export"
                " covers; if it covers less, incidents of the rest count as missed by today's tool"
            )
        sent = [page.paged_at for page in pages]
        usual = max([DAY, *(after - before for before, after in pairwise(sent))])
        for name, silence, at in (
            ("from", sent[0] - self.start, sent[0]),
            ("to", self.end - sent[-1], sent[-1]),
        ):
            if name in self.assumed and silence > usual:
                side, way = ("first", "before") if name == "from" else ("last", "after")
                found.append(
                    f"{silence / DAY:.1f} days without a page lie {way} the {side} one"
                    f" ({format_instant(at)}), more than ever between two pages ({usual / DAY:.1f} days):"
                    f" does the export cover them? If not, import again with --{name} {format_instant(at)}"
                )
        return found
