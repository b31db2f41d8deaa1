"""The tools whose exports are read, and which one a file looks like."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import NamedTuple

from titleshot.datasets.errors import MalformedInput, UsageError
from titleshot.datasets.importers.naive_times import NaiveTimes
from titleshot.datasets.importers.pages.alertmanager import Alertmanager, payload_of
from titleshot.datasets.importers.pages.columns import Columns
from titleshot.datasets.importers.pages.exports import records
from titleshot.datasets.importers.pages.fields import Fields
from titleshot.datasets.importers.pages.opsgenie import Opsgenie
from titleshot.datasets.importers.pages.pagerduty import PagerDuty
from titleshot.datasets.importers.pages.tool_page import Reading, Tool
from titleshot.datasets.nearest import nearest
from titleshot.datasets.quarantine import Quarantine

TOOLS: dict[str, type[Tool]] = {tool.name: tool for tool in (Alertmanager, PagerDuty, Opsgenie, Columns)}
_LOOKED_AT = 20


class Looks(NamedTuple):
    """What the first records of a file say of it."""

    tool: str | None
    names: list[str]
    """Columns, where it is a table."""


class _Nowhere(Quarantine):
    """What is only looked at is not set aside yet."""

    def __init__(self) -> None:
        super().__init__(Path())

    def add(self, *_: object) -> None:
        return


def tool_of(path: Path, reading: Reading) -> Looks:
    """Which tool's export a file looks like."""
    columns: list[str] = []

    def header(names: list[str], _where: str) -> None:
        columns.extend(names)

    looking = Reading(NaiveTimes(None), _Nowhere(), reading.service_fields)
    found = [of.record for of in islice(records(path, looking, header), _LOOKED_AT)]
    for record in found or [dict.fromkeys(columns, "")]:
        if payload_of(record)[0] is not None:
            return Looks(Alertmanager.name, columns)
        if tool := _by_names(Fields(dict.fromkeys(record, "x")), path):
            return Looks(tool, columns)
    return Looks(None, columns)


def _by_names(of: Fields, path: Path) -> str | None:
    if "fingerprint" in of and "startsat" in of:
        raise MalformedInput(
            f"{path} lists Alertmanager's alerts of one moment, not what it sent: history is in a log of what"
            " its webhook was sent, a payload a line"
        )
    if "tinyid" in of or {"alertid", "message"} <= of.names:
        return Opsgenie.name
    own = {"incidentnumber", "incidentkey", "escalationpolicy", "escalationpolicyname"}
    return PagerDuty.name if own & of.names or {"createdon", "servicename"} <= of.names else None


def check_tool(name: str, looks: str | None, path: Path) -> None:
    """The tool asked for exists, and the file does not look like another's.

    Raises:
        UsageError: no such tool.
        MalformedInput: another tool's export.
    """
    if name not in TOOLS:
        raise UsageError(f"no tool {name!r}{nearest(name, TOOLS)}")
    if looks is not None and looks != name and name != Columns.name:
        raise MalformedInput(
            f"{path} looks like {TOOLS[looks].title}, not {TOOLS[name].title}; use --tool {looks}"
        )
