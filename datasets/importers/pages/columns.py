"""Any other tool: a table (or JSON records) whose columns a map names."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from titleshot.datasets.contracts.record import Severity
from titleshot.datasets.errors import MalformedInput
from titleshot.datasets.importers.pages.fields import Fields, clean, plain
from titleshot.datasets.importers.pages.tool_page import Found, Reading, Tool, ToolPage, Unusable
from titleshot.datasets.nearest import nearest
from titleshot.datasets.yaml_file import load_yaml

Text = Annotated[str, Field(min_length=1, max_length=1000)]


class ColumnMap(BaseModel):
    """The file of ``--page-columns``: which column says what, and what the tool's grades mean."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    opened: Text = "opened"
    """When the page was sent."""
    closed: Text | None = "closed"
    """When it was resolved; empty where it is open still."""
    services: Text = "services"
    """One service, or several parted by ``separator``."""
    severity: Text | None = "severity"
    route: Text | None = "route"
    id: Text | None = "id"
    title: Text | None = "title"
    separator: Annotated[str, Field(min_length=1, max_length=5)] = ";"
    severities: dict[str, Severity] = Field(default_factory=dict)
    """Grades of the tool that the shipped table does not have."""

    @classmethod
    def load(cls, path: Path | None) -> ColumnMap:
        """The map in a YAML file; None is the columns as they are called here."""
        return cls() if path is None else load_yaml(path, cls)


@dataclass(frozen=True)
class Columns(Tool):
    """A page a row. ``opened`` and ``services`` are needed; what else the map names may be absent.

    A row's id is that of its column, else the file's name and the row.
    """

    name: ClassVar[str] = "csv"
    title: ClassVar[str] = "a table of pages"
    rules: ClassVar[tuple[str, ...]] = (
        "a row is a page, sent at the column opened and closed at the column closed",
    )
    columns: ColumnMap = field(default_factory=ColumnMap)

    def check(self, names: list[str], where: str) -> None:
        """A header must have what is needed.

        Raises:
            MalformedInput: it has not; offers the nearest column and the way out.
        """
        have = {plain(name) for name in names}
        for role in ("opened", "services"):
            column = getattr(self.columns, role)
            if plain(column) not in have:
                raise MalformedInput(
                    f"{where}: no column {column!r} ({role}){nearest(column, [n for n in names if n][:50])};"
                    " name the columns in a YAML file (opened, closed, services, severity, route, id, title)"
                    " and give it with --page-columns, or name the tool with --tool"
                )

    def page_of(self, found: Found, reading: Reading) -> ToolPage:
        of, columns = Fields(found.record), self.columns

        def text(column: str | None) -> str:
            return of.text([plain(column)]) if column else ""

        opened = of.first([plain(columns.opened)])
        if opened is None:
            raise Unusable("opened: missing", f"the column {columns.opened!r} is empty")
        at = reading.instant(opened, "opened")
        closed = of.first([plain(columns.closed)]) if columns.closed else None
        closed_at = None if closed is None else reading.instant(closed, "closed")
        named = of.texts([reading.service_fields[0] if reading.service_fields else plain(columns.services)])
        parts = [part.strip() for name in named for part in re.split(re.escape(columns.separator), name)]
        return ToolPage(
            page_id=text(columns.id) or clean(f"{found.source}:{found.row}"),
            paged_at=at,
            names=tuple(dict.fromkeys(part for part in parts if part)),
            severity=text(columns.severity),
            route=text(columns.route) or self.name,
            title=text(columns.title),
            opened_at=at,
            closed_at=closed_at,
            last_event_at=at if closed_at is None else closed_at,
            source=found.source,
            row=found.row,
        )
