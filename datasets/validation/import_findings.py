"""What the import had to decide or set aside: rows in quarantine, timestamps without a zone."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from titleshot.datasets.dataset import Dataset
from titleshot.datasets.validation.frame import Frame, frame_of

_EXAMPLES = 3


def import_frame(dataset: Dataset, report: dict[str, Any], kept: dict[str, int]) -> Frame:
    """One row a finding; the first stands for the import as a whole and is always there.

    Args:
        kept: rows of each table and kind of label; a kind of record in quarantine that is none of them is
            held against all rows there are.
    """
    findings: list[tuple[Any, ...]] = [
        (f"import of {dataset.card.source or dataset.card.name}", 0, 0.0, 0, 0, 0)
    ]
    for kind, reasons in sorted(report.get("quarantined", {}).items()):
        aside = sum(reasons.values())
        share = aside / max(aside + (kept.get(kind) or sum(kept.values())), 1)
        words = f"{kind}: {aside} rows set aside of {aside + (kept.get(kind) or sum(kept.values()))}"
        findings.append((words, 0, share, 0, 0, 0))
        for reason, rows in sorted(reasons.items()):
            where = _where(dataset, kind, reason)
            findings.append((f"{kind}: {rows} of reason {reason}{where}", rows, 0.0, 0, 0, 0))
    if naive := report.get("times_without_zone"):
        times, at_changes = naive["times"], naive["at_clock_changes"]
        words = f"{times} times read as {naive['read_as']}, {at_changes} of them at clock changes"
        findings.append((words, 0, 0.0, times, at_changes, 0))
    findings += [(f"{name} was not read", 0, 0.0, 0, 0, 1) for name in report.get("files_not_read", ())]
    columns = ("quarantined", "set_aside", "naive", "at_clock_changes", "unread")
    return frame_of("import", columns, [row[1:] for row in findings], lambda at: findings[at][0])


def _where(dataset: Dataset, kind: str, reason: str) -> str:
    path = dataset.path / "quarantine" / f"{kind}.parquet"
    try:
        read = pq.read_table(path, columns=["reason", "detail", "source", "row"])
    except (OSError, pa.ArrowException):
        return ""
    chosen = [row for row in read.to_pylist() if row["reason"] == reason][:_EXAMPLES]
    return "".join(f"; {row['source']}:{row['row']} {row['detail']}" for row in chosen)
