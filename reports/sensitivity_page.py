"""The page of ``sensitivity``: one HTML file with every curve, for a person who decides what to trust.

It asks nothing of the network; every name from telemetry is data and is escaped. The same report gives
the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from titleshot.datasets.contracts.sensitivity import SensitivityCurve, SensitivityReport
from titleshot.datasets.planting.kinds import KINDS
from titleshot.reports.rendering.sensitivity_panels import Panel, panel, size_words
from titleshot.reports.rendering.stage import stage
from titleshot.reports.rendering.wording import (
    NONE,
    counted,
    day,
    digest,
    duration,
    listed,
    name,
    number,
    percent,
)

_MOST_METRICS, _MOST_SERVICES, _MOST_CELLS = 12, 36, 600
_KINDS = {
    "spike": "rises within two minutes and decays",
    "step": "another level",
    "slow_leak": "rises evenly from nothing",
    "burst": "on and off, five minutes at a time",
    "noise": "the usual noise grows",
    "flatline": "the value stands still",
    "no_data": "samples are missing",
}
Key = tuple[str | None, str | None, str | None]


class Row(NamedTuple):
    """Cells of a table behind their heading."""

    heading: tuple[str, ...]
    cells: tuple[str, ...]


def render_sensitivity(report: SensitivityReport, *, title: str | None = None) -> str:
    """A sensitivity report as one HTML page.

    Args:
        title: of the browser's tab and the heading; the default names contenders and dataset.
    """
    curves = _Curves(report)
    environment, style, script, policy = stage()
    heading = title or f"What {listed(curves.names, 4)} would notice in {name(report.planted.from_name)}"
    metrics, services = curves.values(1), curves.values(0)
    return environment.get_template("sensitivity.html").render(
        title=heading,
        style=style,
        script=script,
        policy=policy,
        kinds=[],
        sections=[
            ("by-kind", "By kind"),
            ("by-metric", "By metric"),
            ("by-service", "By service"),
            ("delays", "How soon"),
            ("cells", "Every curve"),
            ("identity", "Data and method"),
        ],
        names=curves.names,
        report=report,
        grace=duration(report.grace_s),
        confidence=percent(report.confidence),
        facts=[_fact(report, curves, at) for at in range(len(curves.names))],
        kind_panels=[
            panel
            for panel in (curves.panel(_title(kind), (None, None, kind)) for kind in curves.kinds())
            if panel
        ],
        kind_words=_KINDS,
        metric_groups=[
            (
                name(metric),
                [p for kind in curves.kinds() if (p := curves.panel(_title(kind), (None, metric, kind)))],
            )
            for metric in metrics[:_MOST_METRICS]
        ],
        metrics_left=max(len(metrics) - _MOST_METRICS, 0),
        service_panels=[
            p for service in services[:_MOST_SERVICES] if (p := curves.panel(service, (service, None, None)))
        ],
        services_left=max(len(services) - _MOST_SERVICES, 0),
        delay_tables=list(_delay_tables(curves)),
        cells=list(_cells(curves))[:_MOST_CELLS],
        cells_left=max(sum(1 for _ in _cells(curves)) - _MOST_CELLS, 0),
        identity=_identity(report, curves),
        notes=list(report.notes),
    )


class _Curves:
    """The curves of a report by service, metric and kind; one for each contender."""

    def __init__(self, report: SensitivityReport) -> None:
        same = Counter(one.contender for one in report.contenders)
        self.names = [
            one.contender if same[one.contender] == 1 else f"{one.contender} {one.artifact_digest[:7]}"
            for one in report.contenders
        ]
        self.held: dict[Key, list[SensitivityCurve]] = {}
        for one in report.contenders:
            for curve in one.curves:
                self.held.setdefault((curve.service, curve.metric_name, curve.kind), []).append(curve)

    def of(self, key: Key) -> list[SensitivityCurve]:
        return self.held.get(key, [])

    def kinds(self) -> list[str | None]:
        """Kinds that were planted, all that are sized in spreads first where there are several."""
        planted = [kind.name for kind in KINDS if (None, None, kind.name) in self.held]
        spreads = [kind for kind in planted if self.of((None, None, kind))[0].unit == "spread"]
        return [None, *planted] if len(spreads) > 1 else list(planted)

    def values(self, part: int) -> list[str]:
        """Services (0) or metrics (1), those with most faults first."""
        n: Counter[str] = Counter()
        for key, curves in self.held.items():
            other = key[1 - part]
            if key[part] is not None and other is None and key[2] is not None:
                n[str(key[part])] += curves[0].n
        return sorted(n, key=lambda value: (-n[value], value))

    def panel(self, title: str, key: Key) -> Panel | None:
        curves = self.of(key)
        return panel(title, curves, self.names) if curves else None


def _title(kind: str | None) -> str:
    return "all sized in spreads" if kind is None else kind.replace("_", " ")


def _fact(report: SensitivityReport, curves: _Curves, at: int) -> dict[str, str]:
    one = report.contenders[at]
    found = sum(outcome.outcome == "found" for outcome in one.outcomes)
    masked = sum(outcome.outcome == "masked" for outcome in one.outcomes)
    pooled = curves.of((None, None, None))
    share = f"{found:,} of {counted(report.faults, 'fault')} found, {masked:,} masked."
    if not pooled:
        return {"topic": curves.names[at], "sentence": share, "footing": ""}
    curve = pooled[at]
    return {
        "topic": curves.names[at],
        "sentence": f"Half of what is sized in spreads is found at {size_words(curve.half, curve)}.",
        "footing": f"{share} Nine in ten at {size_words(curve.most, curve)}.",
    }


def _delay_tables(curves: _Curves) -> Iterator[tuple[str, list[str], list[Row]]]:
    """A table a unit: (caption, sizes, rows of kind and contender with the median delay and found of n)."""
    for unit, caption in (("spread", "Sizes in spreads"), ("sample", "Sizes in samples")):
        planted = [kind for kind in curves.kinds() if kind and curves.of((None, None, kind))[0].unit == unit]
        sizes = sorted({p.size for kind in planted for p in curves.of((None, None, kind))[0].points})
        rows = []
        for kind in planted:
            for at, curve in enumerate(curves.of((None, None, kind))):
                points = {point.size: point for point in curve.points}
                cells = tuple(_delay(points[size]) if size in points else NONE for size in sizes)
                rows.append(Row((_title(kind), curves.names[at]), cells))
        if rows:
            yield caption, [f"{size:g}" for size in sizes], rows


def _delay(point: Any) -> str:
    share = f"{point.found} of {point.n}"
    return share if point.delay_s is None else f"{duration(point.delay_s)} ({share})"


def _cells(curves: _Curves) -> Iterator[Row]:
    """Every curve that is not pooled: whose it is, n, and for each contender found, masked and half."""
    for key in curves.held:
        service, metric, kind = key
        if service is None or metric is None or kind is None:
            continue
        of = curves.of(key)
        cells = [f"{of[0].n:,}"]
        for curve in of:
            cells += [f"{curve.found:,}", f"{curve.masked:,}", size_words(curve.half, curve)]
        yield Row((service, metric, _title(kind)), tuple(cells))


def _identity(report: SensitivityReport, curves: _Curves) -> list[tuple[str, str, str | None]]:
    marker = report.planted
    rows: list[tuple[str, str, str | None]] = [
        ("Planted into", marker.from_name, None),
        ("its digest", digest(marker.from_digest), marker.from_digest),
        ("The copy", report.dataset, None),
        ("its digest", digest(report.dataset_digest), report.dataset_digest),
        ("The plan's digest", digest(marker.plan_digest), marker.plan_digest),
        ("Seed", f"{marker.seed}", None),
        ("Faults", f"{report.faults:,}, from {day(report.span_from)} to {day(report.span_to)}", None),
        ("Kept free around incidents", duration(marker.margin_s), None),
        ("Kept free in one service", duration(marker.spacing_s), None),
        ("A page may come late by", duration(report.grace_s), None),
        ("Confidence", percent(report.confidence), None),
        ("Intervals", report.method, None),
    ]
    for who, one in zip(curves.names, report.contenders, strict=True):
        rows += [
            (who, f"{number(one.pages)} pages with the faults, {number(one.pages_without)} without", None),
            ("its recipe", digest(one.recipe_digest), one.recipe_digest),
            ("its artifact", digest(one.artifact_digest), one.artifact_digest),
        ]
    return rows
