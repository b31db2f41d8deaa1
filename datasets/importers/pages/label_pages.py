"""The page history that a dataset's own label layer holds, as from jsonl, generate or Prometheus ALERTS."""

from __future__ import annotations

from collections.abc import Iterator

from titleshot.datasets.dataset import Dataset
from titleshot.datasets.importers.pages.fields import clean
from titleshot.datasets.importers.pages.tool_page import Reading, ToolPage

LABELS = "labels"
"""The tool of pages that are titleshot records already."""
LABELS_RULES = ("pages are those of the dataset's label layer, as they stand there",)


def label_pages(dataset: Dataset, reading: Reading) -> Iterator[ToolPage]:
    """The pages of the label layer, one each; lines that are none are set aside."""
    labels = dataset.labels()
    for fault in labels.faults:
        if fault.file == "pages.jsonl":
            reading.aside("not a page", fault.reason, fault.file, fault.line, "")
    for row, page in enumerate(labels.pages, 1):
        reading.counts["records"] += 1
        yield ToolPage(
            page_id=page.page_id,
            paged_at=page.paged_at,
            names=page.services,
            severity=page.severity,
            route=page.route,
            title=clean(page.summary),
            opened_at=page.opened_at,
            closed_at=page.closed_at,
            last_event_at=page.last_event_at,
            source="pages.jsonl",
            row=row,
        )
