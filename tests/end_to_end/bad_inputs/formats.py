"""How a good source of each format looks, so that a kind can spoil it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from bad_inputs.kinds import Row

Write = Callable[[Path, Sequence[Row]], Path]
PLATFORM = "{platform}"
"""Stands for a dataset that a page history is about."""


@dataclass(frozen=True)
class Format:
    """A format: how rows are written below a folder, and which levels of kinds apply to the file."""

    name: str
    """The word of the command line."""
    write: Write
    """Returns the file that kinds of bytes, place and lines damage."""
    levels: frozenset[str]
    is_file: bool = False
    """Whether the source named on the command line is that file, and not the folder."""
    served: bool = False
    """Whether the file is what a server answers with, and the source its address."""
    options: tuple[str, ...] = ()
    keeps: frozenset[str] = field(default_factory=frozenset)
    """Ends of names that a refusal may leave beside the output, to go on from."""


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    held = io.StringIO()
    csv.writer(held, lineterminator="\n").writerows([header, *rows])
    return held.getvalue()


def _put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    return path


def _raw(text: str) -> str:
    """As JSON has it where it can be said as a number."""
    try:
        json.loads(text)
    except ValueError:
        return json.dumps(text)
    return text


def _epoch(text: str) -> str:
    """A good time in seconds since 1970; a bad one as it is."""
    try:
        return str(int(datetime.fromisoformat(text).timestamp())) if text.endswith(":00Z") else text
    except (ValueError, OverflowError):
        return text


def _jsonl(folder: Path, rows: Sequence[Row]) -> Path:
    lines = [
        f'{{"timestamp": {json.dumps(row.time)}, "namespace": "commerce",'
        f' "service": {json.dumps(row.service)}, "metric_name": "latency_p99",'
        f' "value": {_raw(row.value)}}}'
        for row in rows
    ]
    return _put(folder / "samples.jsonl", "".join(f"{line}\n" for line in lines))


def _csv(folder: Path, rows: Sequence[Row]) -> Path:
    header = ["timestamp", "namespace", "service", "metric_name", "value"]
    cells = [[row.time, "commerce", row.service, "latency_p99", row.value] for row in rows]
    return _put(folder / "samples.csv", _table(header, cells))


def _nab(folder: Path, rows: Sequence[Row]) -> Path:
    _put(folder / "labels" / "combined_windows.json", "{}")
    table = _table(["timestamp", "value"], [[row.time, row.value] for row in rows])
    return _put(folder / "data" / "group" / "cpu.csv", table)


def _ms_cloud(folder: Path, rows: Sequence[Row]) -> Path:
    table = _table(["TimeStamp", "Value", "Label"], [[row.time, row.value, "0"] for row in rows])
    return _put(folder / "data" / "application-crash-rate-1" / "app1.csv", table)


def _nezha(folder: Path, rows: Sequence[Row]) -> Path:
    place = folder / "rca_data" / "2022-08-22"
    _put(place / "2022-08-22-fault_list.json", "{}")
    pod = "cartservice-5b67c48447-mv5hb"
    table = _table(
        ["Time", "TimeStamp", "PodName", "CpuUsage(m)"],
        [[row.time, "0", pod.replace("cartservice", row.service), row.value] for row in rows],
    )
    return _put(place / "metric" / f"{pod}_metric.csv", table)


def _petshop(folder: Path, rows: Sequence[Row]) -> Path:
    header = "microservice,PetSite\nmetric,latency\nstatistic,p90\n"
    table = _table(["unix_timestamp", ""], [[_epoch(row.time), row.value] for row in rows])
    return _put(folder / "dataset" / "low_traffic" / "noissue" / "metrics.csv", header + table)


def _smd(folder: Path, rows: Sequence[Row]) -> Path:
    _put(folder / "train" / "machine-1-1.txt", "1.5,0.5\n" * 4)
    _put(folder / "test_label" / "machine-1-1.txt", "0\n" * len(rows))
    return _put(folder / "test" / "machine-1-1.txt", "".join(f"{row.value},0.5\n" for row in rows))


def _prometheus(folder: Path, rows: Sequence[Row]) -> Path:
    results = ",\n".join(
        f'{{"metric": {{"__name__": "up", "namespace": "commerce", "service": {json.dumps(service)}}},'
        f' "values": [\n'
        + ",\n".join(
            f"[{_raw(_epoch(row.time))}, {json.dumps(row.value)}]" for row in rows if row.service == service
        )
        + "\n]}"
        for service in dict.fromkeys(row.service for row in rows)
    )
    text = f'{{"status": "success", "data": {{"resultType": "matrix", "result": [\n{results}\n]}}}}\n'
    return _put(folder / "answer.json", text)


def _pages(folder: Path, rows: Sequence[Row]) -> Path:
    table = _table(
        ["opened", "closed", "services", "severity", "route", "id"],
        [[row.time, "", row.service, "high", "oncall", str(n)] for n, row in enumerate(rows)],
    )
    return _put(folder / "pages.csv", table)


def _pagerduty(folder: Path, rows: Sequence[Row]) -> Path:
    table = _table(
        ["incident_number", "created_on", "service_name", "urgency"],
        [[str(n), row.time, row.service, "high"] for n, row in enumerate(rows)],
    )
    return _put(folder / "incidents.csv", table)


def _opsgenie(folder: Path, rows: Sequence[Row]) -> Path:
    alerts = [
        {"id": str(n), "tinyId": str(n), "message": "slow", "createdAt": row.time, "entity": row.service}
        for n, row in enumerate(rows)
    ]
    return _put(folder / "alerts.json", "".join(f"{json.dumps(alert)}\n" for alert in alerts))


def _alertmanager(folder: Path, rows: Sequence[Row]) -> Path:
    payloads = [
        {
            "version": "4",
            "groupKey": f"g{n}",
            "status": "firing",
            "receiver": "oncall",
            "groupLabels": {},
            "alerts": [
                {
                    "status": "firing",
                    "startsAt": row.time,
                    "labels": {"alertname": "slow", "namespace": "commerce", "service": row.service},
                }
            ],
        }
        for n, row in enumerate(rows)
    ]
    return _put(folder / "webhook.jsonl", "".join(f"{json.dumps(payload)}\n" for payload in payloads))


_TEXT = frozenset({"bytes", "place"})
_TABLE = _TEXT | {"csv", "time", "value"}
_SPAN = ("--from", "2026-01-10T00:00:00Z", "--to", "2026-01-10T02:00:00Z")
_ABOUT = ("--dataset", PLATFORM, "--allow-unmapped")
FORMATS: dict[str, Format] = {
    "jsonl": Format("jsonl", _jsonl, _TEXT | {"json", "time", "value", "service"}, is_file=True),
    "jsonl in a folder": Format("jsonl", _jsonl, frozenset({"place"})),
    "csv": Format("csv", _csv, _TABLE | {"service"}, is_file=True),
    "csv in a folder": Format("csv", _csv, frozenset({"place"})),
    "nab": Format("nab", _nab, _TABLE),
    "ms-cloud": Format("ms-cloud", _ms_cloud, _TABLE),
    "nezha": Format("nezha", _nezha, _TABLE | {"service"}),
    "petshop": Format("petshop", _petshop, _TABLE, options=("--issue-free", "as-recorded")),
    "smd": Format("smd", _smd, _TEXT | {"value"}),
    "prometheus": Format(
        "prometheus",
        _prometheus,
        frozenset({"bytes", "http", "time", "value", "service"}),
        served=True,
        options=("--query", "up", "--no-alerts", "--attempts", "1", "--timeout-s", "5", *_SPAN),
        keeps=frozenset({".fetched"}),
    ),
    "pages of any tool": Format(
        "pages", _pages, _TEXT | {"csv", "time", "service"}, is_file=True, options=("--tool", "csv", *_ABOUT)
    ),
    "pages of pagerduty": Format(
        "pages", _pagerduty, _TEXT | {"time", "service"}, is_file=True, options=_ABOUT
    ),
    "pages of opsgenie": Format(
        "pages", _opsgenie, _TEXT | {"time", "service"}, is_file=True, options=_ABOUT
    ),
    "pages of alertmanager": Format(
        "pages", _alertmanager, _TEXT | {"json", "time", "service"}, is_file=True, options=_ABOUT
    ),
}
"""A new importer is a row here, and its expectations a mapping in ``expected.py``."""
