"""Counters and gauges in Prometheus' text form. Names from telemetry never become labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Labels = tuple[tuple[str, str], ...]


class Metrics:
    """Counts since the process started.

    >>> metrics = Metrics()
    >>> metrics.add("records", 2, kind="sample")
    >>> print(metrics.text({}))
    # HELP titleshot_records_total Records accepted, by kind.
    # TYPE titleshot_records_total counter
    titleshot_records_total{kind="sample"} 2
    <BLANKLINE>
    """

    def __init__(self) -> None:
        self._counts: dict[str, dict[Labels, float]] = {}

    def add(self, name: str, amount: float = 1, **labels: str) -> None:
        """Count one of ``COUNTERS`` up."""
        counts = self._counts.setdefault(name, {})
        key = tuple(sorted(labels.items()))
        counts[key] = counts.get(key, 0) + amount

    def value(self, name: str, **labels: str) -> float:
        """What a counter stands at."""
        return self._counts.get(name, {}).get(tuple(sorted(labels.items())), 0)

    def text(self, gauges: Mapping[str, float | None], info: Mapping[str, str] | None = None) -> str:
        """Everything, with the gauges of ``GAUGES`` as they stand now; those that are None are left out."""
        lines: list[str] = []
        for name, said in COUNTERS.items():
            if name in self._counts:
                counts = dict(self._counts[name])
                lines += _family(f"titleshot_{name}_total", said, "counter")
                lines += [_line(f"titleshot_{name}_total", key, counts[key]) for key in sorted(counts)]
        for name, said in GAUGES.items():
            at = gauges.get(name)
            if at is not None:
                lines += _family(f"titleshot_{name}", said, "gauge")
                lines.append(_line(f"titleshot_{name}", (), at))
        if info:
            lines += _family("titleshot_contender_info", "The contender that speaks.", "gauge")
            lines.append(_line("titleshot_contender_info", tuple(info.items()), 1))
        return "\n".join(lines) + "\n"


COUNTERS: dict[str, str] = {
    "records": "Records accepted, by kind.",
    "dead_letters": "Records that were not used, by reason.",
    "said": "Events, incident candidates and pages said, by kind.",
    "enrichment_misses": "Events of a service nobody is known to own.",
    "scoring_seconds": "Time spent on scoring and writing down what was said.",
    "scoring_turns": "Batches scored.",
    "requests_refused": "Requests refused as a whole, by reason.",
}
GAUGES: dict[str, str] = {
    "ready": "1 while records are accepted.",
    "journal_records": "Number of the last record in the journal.",
    "input_lag_seconds": "Time of day minus the newest sample's timestamp.",
    "held_records": "Records held back until time gets there.",
    "waiting_records": "Records that wait for the watermark.",
    "series": "Series seen.",
    "open_pages": "Pages the contender holds open.",
    "desk_open_pages": "Pages open at the page desk.",
    "desk_joined_pages": "Pages that joined an open one, since the start.",
    "notices_waiting": "Notices not delivered yet.",
    "notices_delivered": "Notices delivered, since the start.",
    "notice_failures": "Attempts at a notice that failed, since the start.",
    "follow_failures": "Attempts to follow the alias that failed, since the start.",
    "swaps": "Changes of version, since the start.",
    "contender_since_seconds": "When the contender that speaks began to, Unix time.",
}


def _family(name: str, said: str, form: Literal["counter", "gauge"]) -> list[str]:
    return [f"# HELP {name} {said}", f"# TYPE {name} {form}"]


def _line(name: str, labels: Labels, value: float) -> str:
    inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels)
    shown = f"{value:.9g}" if value != int(value) else str(int(value))
    return f"{name}{{{inside}}} {shown}" if inside else f"{name} {shown}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
