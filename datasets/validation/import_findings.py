"""What the import had to decide or set aside: rows in quarantine, timestamps without a zone."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from titleshot.datasets.dataset import Dataset
from titleshot.datasets.validation.frame import Frame, frame_of

_EXAMPLES = 3


def import_frame(dataset: Dataset, report: dict[str, Any]) -> Frame:
    """One row a finding; the first stands for the import as a whole and is always there."""
    findings: list[tuple[str, int, int]] = [(f"import of {dataset.card.source or dataset.card.name}", 0, 0)]
    for kind, reasons in sorted(report.get("quarantined", {}).items()):
        for reason, rows in sorted(reasons.items()):
            where = _where(dataset, kind, reason)
            findings.append((f"{kind}: {rows} rows {reason}{where}", rows, 0))
    naive = report.get("naive_timestamps")
    if naive:
        findings.append((f"{naive['rows']} timestamps read as {naive['zone']}", 0, naive["rows"]))
    return frame_of(
        "import", ("quarantined", "naive"), [row[1:] for row in findings], lambda at: findings[at][0]
    )


def _where(dataset: Dataset, kind: str, reason: str) -> str:
    path = dataset.path / "quarantine" / f"{kind}.parquet"
    try:
        read = pq.read_table(path, columns=["reason", "detail", "source", "row"])
    except (OSError, pa.ArrowException):
        return ""
    chosen = [row for row in read.to_pylist() if row["reason"] == reason][:_EXAMPLES]
    return "".join(f"; {row['source']}:{row['row']} {row['detail']}" for row in chosen)
