"""Every kind of dirt there is a rule for, planted at drawn places: defect -> the rules that must fire.

Each has its own zone (a stretch of one series, ids and times of its own), so that any set of them can be
planted together and fires the union of their rules; those ``apart`` change what others stand on.
"""

# ruff: noqa: ARG005, S311  every plant has the same form; places are drawn, not secrets
from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from small_dataset import (
    START,
    STEP,
    STEPS,
    Small,
    clean,
    feedback,
    incident,
    log_event,
    page,
    platform_event,
)

from titleshot.datasets.contracts.instants import DAY, HOUR, MINUTE, SECOND
from titleshot.datasets.contracts.reference import (
    Alias,
    Deploy,
    Maintenance,
    Ownership,
    PlannedChange,
    Tier,
    TopologyEdge,
)
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.dataset_card import CARD, DontCare, Evaluation
from titleshot.datasets.validation.suite import Range
from titleshot.datasets.validation.thresholds import Thresholds

GHOST = "commerce/ghost"
CART, CHECKOUT, PAYMENT = "commerce/cart", "commerce/checkout", "commerce/payment"
Plant = Callable[[Small, Random], Any]


def _nothing(small: Small, random: Random) -> None:
    pass


@dataclass(frozen=True)
class Defect:
    """How to plant it, and the rules of the report that must fire: these and no others."""

    rules: frozenset[str]
    plant: Plant = _nothing
    after: Callable[[Path], None] | None = None
    """A change of the written folder."""
    apart: bool = False


def write(path: Path, names: list[str], seed: int) -> Dataset:
    """A small dataset with these defects."""
    small, random = clean(), Random(seed)
    for name in names:
        DEFECTS[name].plant(small, random)
    small.write(path)
    for name in names:
        if (change := DEFECTS[name].after) is not None:
            change(path)
    return Dataset.open(path)


def _value(service: str, first: int, last: int, make: Callable[[Random], float]) -> Plant:
    def plant(small: Small, random: Random) -> None:
        small.sample(service, random.randint(first, last))[3] = make(random)

    return plant


def _repeat(small: Small, random: Random) -> None:
    row = small.sample("cart", random.randint(70, 90))
    small.samples.insert(small.samples.index(row) + random.randint(1, 40), list(row))


def _swap(small: Small, random: Random) -> None:
    step = random.randint(100, 130)
    early, late = small.sample("checkout", step), small.sample("checkout", step + random.randint(1, 5))
    one, other = small.samples.index(early), small.samples.index(late)
    small.samples[one], small.samples[other] = late, early


def _gap(small: Small, random: Random) -> None:
    first = random.randint(150, 200)
    for step in range(first, first + random.randint(2, 6)):
        small.samples.remove(small.sample("payment", step))


def _late(small: Small, random: Random) -> None:
    row = small.sample("checkout", random.randint(210, 240))
    row[4] = row[2] + random.randint(6, 60) * MINUTE


def _future(small: Small, random: Random) -> None:
    row = small.sample("cart", random.randint(210, 240))
    row[4] = row[2] - random.randint(1, 200) * SECOND


def _silent(small: Small, random: Random) -> None:
    steps = random.randint(50, 280)
    small.series("checkout", "queued", [START + step * STEP for step in range(steps)], [1.0] * steps)


def _mostly_nan(small: Small, random: Random) -> None:
    values = [math.nan] * 300 + [1.0] * (STEPS - 300)
    random.shuffle(values)
    small.series("payment", "workers", [START + step * STEP for step in range(STEPS)], values)


def _irregular(small: Small, random: Random) -> None:
    times, at = [], START
    for step in random.sample(range(60, 1_500), 200):
        times.append(at)
        at += step * SECOND
    small.series("cart", "restarts", times, [1.0] * len(times))


def _hourly(small: Small, random: Random) -> None:
    step = random.randint(11, 24) * MINUTE * 5
    count = (STEPS * STEP - 1) // step + 1
    small.series("cart", "visits", [START + at * step for at in range(count)], [1.0] * count)


def _row(make: Callable[[Random], Any]) -> Plant:
    return lambda small, random: small.reference.append(make(random))


def _rows(make: Callable[[Random], list[Any]]) -> Plant:
    return lambda small, random: small.reference.extend(make(random))


def _label(**changes: Any) -> Plant:
    def plant(small: Small, random: Random) -> None:
        start = START + random.randint(60, 2_000) * MINUTE
        drawn = {"start": start, "end": start + 37 * MINUTE, "known_at": start + DAY}
        small.incidents.append(incident(**{**drawn, **changes}))

    return plant


def _label_decoy(small: Small, random: Random) -> None:
    at = START + random.randint(1, 40) * HOUR
    small.reference.append(Deploy(service=CART, version="decoy-1", valid_from=at, known_from=at, decoy=True))
    _label(incident_id="i-decoy", deploy="decoy-1")(small, random)


def _said(**changes: Any) -> Plant:
    return lambda small, random: small.feedback.append(feedback(**changes))


def _page(make: Callable[[Random], dict[str, Any]]) -> Plant:
    def plant(small: Small, random: Random) -> None:
        sent = START + random.randint(60, 2_800) * MINUTE + 1
        drawn = {"paged_at": sent, "opened_at": sent - SECOND, "last_event_at": sent}
        small.pages.append(page(**{**drawn, **make(random), "route": "drawn"}))

    return plant


def _page_before(small: Small, random: Random) -> None:
    sent = START + random.randint(60, 2_800) * MINUTE + 2
    small.pages.append(page(page_id="p-before", paged_at=sent, opened_at=sent + random.randint(1, HOUR)))


def _page_twice(small: Small, random: Random) -> None:
    small.pages.append(random.choice(small.pages[:2]).model_copy(update={"page_id": "p-twice"}))


def _event(kind: str, make: Callable[[Random], dict[str, Any]]) -> Plant:
    one = log_event if kind == "log_events" else platform_event
    return lambda small, random: getattr(small, kind).append(one(**make(random)))


def _event_twice(kind: str) -> Plant:
    return lambda small, random: getattr(small, kind).append(getattr(small, kind)[0])


def _templates(small: Small, random: Random) -> None:
    first = log_event()
    small.log_events += [first.model_copy(update={"template": f"line {at}"}) for at in range(5_001)]


def _reference_twice(small: Small, random: Random) -> None:
    small.reference.append(random.choice(small.reference[:12]))


def _decoys(small: Small, random: Random) -> None:
    for at in range(400):
        moment = START + at * 7 * MINUTE + 3
        small.reference.append(
            Deploy(service=CART, version=f"d{at}", valid_from=moment, known_from=moment, decoy=True)
        )


def _unlabelled(small: Small, random: Random) -> None:
    for row in small.samples:
        row[2] = START + (row[2] - START) * 30
    small.cadence_s = 9000.0
    small.created_at = START + 60 * DAY
    small.incidents = [incident(end=START + 40 * HOUR)]
    small.pages, small.feedback = [], []


def _silent_unscored(small: Small, random: Random) -> None:
    small.samples = [row for row in small.samples if row[0] != "cart" or row[2] < START + 285 * STEP]
    cared_until = DontCare(from_=START + DAY, to=START + 2 * DAY, services=(CART,))
    small.evaluation = Evaluation(dont_care=(cared_until,))


def _end_topology(small: Small, random: Random) -> None:
    small.reference = [
        row.model_copy(update={"valid_to": START + 20 * HOUR}) if isinstance(row, TopologyEdge) else row
        for row in small.reference
    ]


def _all_nan(small: Small, random: Random) -> None:
    for row in small.samples:
        row[3] = random.choice([math.nan, math.inf, -math.inf])


def _set(**fields: Any) -> Plant:
    def plant(small: Small, random: Random) -> None:
        for name, value in fields.items():
            setattr(small, name, value)

    return plant


def _report(**entries: Any) -> Plant:
    return lambda small, random: small.report.update(entries)


def _table(name: str, change: Callable[[pa.Table], pa.Table]) -> Callable[[Path], None]:
    def after(folder: Path) -> None:
        pq.write_table(change(pq.read_table(folder / name)), folder / name)

    return after


def _cell(column: str, row: int, value: Any) -> Callable[[pa.Table], pa.Table]:
    def change(table: pa.Table) -> pa.Table:
        place = table.schema.get_field_index(column)
        cells = table.column(column).to_pylist()
        cells[row] = value
        return table.set_column(
            place, table.schema.field(place), pa.array(cells, table.schema.field(place).type)
        )

    return change


def _card(**changes: Any) -> Callable[[Path], None]:
    def after(folder: Path) -> None:
        card = Dataset.open(folder).card.model_copy(update=changes)
        (folder / CARD).write_text(card.to_yaml(), encoding="utf-8")

    return after


def _empty_table(folder: Path) -> None:
    _table("reference/tier.parquet", lambda table: table.slice(0, 0))(folder)
    tables = Dataset.open(folder).card.tables
    emptied = tables["reference/tier"].model_copy(update={"rows": 0})
    _card(tables={**tables, "reference/tier": emptied})(folder)


def _broken_label(folder: Path) -> None:
    path = folder / "labels/incidents.jsonl"
    broken = json.dumps({**json.loads(incident().to_json()), "severity": "awful"})
    path.write_text(f"{path.read_text()}{broken}\n")


def _half_label(folder: Path) -> None:
    path = folder / "labels/feedback.jsonl"
    path.write_text(f"{path.read_text()}{feedback().to_json()[:50]}")


def _cut_table(folder: Path) -> None:
    path = folder / "reference/topology.parquet"
    path.write_bytes(path.read_bytes()[:-20])


def _series_more(table: pa.Table) -> pa.Table:
    last = table.slice(table.num_rows - 1)
    row = {**last.to_pylist()[0], "series": table.num_rows, "metric_name": "zzz"}
    return pa.concat_tables([table, pa.Table.from_pylist([row], schema=table.schema)])


def _past(**named: Any) -> dict[str, Any]:
    return {
        "valid_from": START - 9 * DAY,
        "valid_to": START - 5 * DAY,
        "known_from": START - 9 * DAY,
        **named,
    }


def _since(random: Random) -> dict[str, Any]:
    return {"valid_from": START + random.randint(1, 40) * HOUR + 7, "known_from": START + 7}


def _of(*rules: str) -> frozenset[str]:
    return frozenset(rules)


_OUTSIDE = _of("label_outside_telemetry", "label_partly_outside", "label_without_samples")
DEFECTS: dict[str, Defect] = {
    "nothing": Defect(_of()),
    "one sample missing": Defect(
        _of(), lambda s, r: s.samples.remove(s.sample("payment", r.randint(250, 280)))
    ),
    "nan": Defect(_of("non_finite"), _value("cart", 10, 60, lambda r: math.nan)),
    "infinite": Defect(
        _of("non_finite"), _value("checkout", 10, 60, lambda r: r.choice([math.inf, -math.inf]))
    ),
    "negative latency": Defect(_of("out_of_range"), _value("payment", 10, 60, lambda r: -r.random() - 1e-9)),
    "sample twice": Defect(_of("repeated"), _repeat),
    "two samples swapped": Defect(_of("disordered"), _swap),
    "samples missing": Defect(_of("gaps"), _gap),
    "sample overtaken": Defect(_of("disordered"), _late),
    "sample ahead of its clock": Defect(_of("samples_from_the_future"), _future),
    "series falls silent": Defect(_of("series_freshness"), _silent),
    "series of NaN": Defect(_of("non_finite", "series_non_finite"), _mostly_nan),
    "series at any time": Defect(_of("series_irregular"), _irregular),
    "series of another cadence": Defect(_of("cadence"), _hourly),
    "label after the telemetry": Defect(
        _OUTSIDE,
        _label(incident_id="i-1", start=START + 3 * DAY, end=START + 4 * DAY, known_at=START + 5 * DAY),
    ),
    "label before the telemetry": Defect(
        _OUTSIDE | {"label_service_outside_topology"},
        _label(incident_id="i-2", start=START - 2 * DAY, end=START - DAY),
    ),
    "label begins too early": Defect(
        _of("label_partly_outside"), _label(incident_id="i-3", start=START - HOUR)
    ),
    "label of an unknown service": Defect(
        _of("label_service_unknown"), _label(incident_id="i-4", root_service=GHOST)
    ),
    "label affects an unknown service": Defect(
        _of("label_service_unknown"), _label(incident_id="i-5", root_service=CART, affected_services=(GHOST,))
    ),
    "label of a deploy nobody made": Defect(
        _of("label_deploy_unknown"), _label(incident_id="i-6", root_service=CHECKOUT, deploy="v9")
    ),
    "label blames a decoy": Defect(_of("label_blames_decoy"), _label_decoy),
    "label known before": Defect(
        _of("label_known_early"), _label(incident_id="i-7", root_service=CART, known_at=START)
    ),
    "label of weeks": Defect(
        _of("label_long", "label_partly_outside"),
        _label(incident_id="i-8", start=START + HOUR, end=START + 16 * DAY, known_at=START + 17 * DAY),
    ),
    "incident labelled twice": Defect(
        _of("label_twice"), lambda s, r: s.incidents.append(incident(incident_id="i-9", affected_services=()))
    ),
    "feedback on no page": Defect(
        _of("feedback_refers_to_nothing"), _said(feedback_id="f-9", page_id="page-9")
    ),
    "feedback before the page": Defect(
        _of("feedback_before_page"), _said(feedback_id="f-10", labelled_at=START, reviewer="bo")
    ),
    "feedback names an unknown service": Defect(
        _of("feedback_service_unknown"), _said(feedback_id="f-11", actual_service=GHOST, reviewer="cy")
    ),
    "feedback twice": Defect(_of("feedback_twice"), _said(feedback_id="f-12", verdict="noisy")),
    "page of an unknown service": Defect(
        _of("page_service_unknown"), _page(lambda r: {"page_id": "p-1", "services": (CART, GHOST)})
    ),
    "page long after": Defect(
        _of("page_outside_telemetry"),
        _page(lambda r: {"page_id": "p-2", "paged_at": START + r.randint(4, 99) * DAY}),
    ),
    "page of no service": Defect(
        _of("page_without_services"), _page(lambda r: {"page_id": "p-3", "services": ()})
    ),
    "page sent before it opened": Defect(_of("page_before_it_opened"), _page_before),
    "page closed before it was sent": Defect(
        _of("page_closed_early"), _page(lambda r: {"page_id": "p-4", "closed_at": START - r.randint(1, DAY)})
    ),
    "page open for weeks": Defect(
        _of("page_long"), _page(lambda r: {"page_id": "p-5", "closed_at": START + r.randint(17, 99) * DAY})
    ),
    "page twice": Defect(_of("page_twice"), _page_twice),
    "owner of an unknown service": Defect(
        _of("reference_service_unknown"), _row(lambda r: Ownership(service=GHOST, team="x", **_since(r)))
    ),
    "row known when it is over": Defect(
        _of("reference_known_late"),
        _row(
            lambda r: Maintenance(
                service=CART,
                valid_from=START + HOUR,
                valid_to=START + 2 * HOUR,
                known_from=START + 2 * HOUR + r.randint(0, DAY),
            )
        ),
    ),
    "row known after the telemetry": Defect(
        _of("reference_known_late"),
        _row(
            lambda r: Tier(
                service=CART, tier="high", valid_from=START, known_from=START + r.randint(2, 9) * DAY
            )
        ),
    ),
    "row twice": Defect(_of("reference_twice"), _reference_twice),
    "edge to a service without series": Defect(
        _of("topology_without_telemetry"),
        _row(lambda r: TopologyEdge(caller=CART, callee="data/db", **_since(r))),
    ),
    "edge of long ago": Defect(
        _of("topology_never_holds"), _row(lambda r: TopologyEdge(caller=CART, callee=PAYMENT, **_past()))
    ),
    "two owners": Defect(
        _of("ownership_disputed"), _row(lambda r: Ownership(service=CART, team="web", **_since(r)))
    ),
    "owner of long ago": Defect(
        _of("ownership_never_holds"), _row(lambda r: Ownership(service=CART, team="old", **_past()))
    ),
    "two tiers": Defect(_of("tier_disputed"), _row(lambda r: Tier(service=PAYMENT, tier="low", **_since(r)))),
    "tier of long ago": Defect(
        _of("tier_never_holds"), _row(lambda r: Tier(service=CART, tier="low", **_past()))
    ),
    "two versions at once": Defect(
        _of("deploy_disputed"),
        _rows(
            lambda r: [
                Deploy(service=CHECKOUT, version=name, valid_from=START + 9, known_from=START + 9)
                for name in ("w1", "w2")
            ]
        ),
    ),
    "deploy known days before": Defect(
        _of("deploy_known_early"),
        _row(
            lambda r: Deploy(
                service=CART, version="e1", valid_from=START + HOUR, known_from=START - r.randint(1, 9) * DAY
            )
        ),
    ),
    "nearly all deploys are decoys": Defect(_of("deploy_decoys"), _decoys),
    "maintenance without an end": Defect(
        _of("maintenance_open"), _row(lambda r: Maintenance(service=CART, **_since(r)))
    ),
    "maintenance of a fortnight": Defect(
        _of("maintenance_long"),
        _row(lambda r: Maintenance(service=CART, valid_to=START + r.randint(10, 99) * DAY, **_since(r))),
    ),
    "change without an end": Defect(
        _of("planned_change_open"), _row(lambda r: PlannedChange(service=CART, change="sale", **_since(r)))
    ),
    "change of a month": Defect(
        _of("planned_change_long"),
        _row(
            lambda r: PlannedChange(
                service=CART, change="canary", valid_to=START + r.randint(20, 99) * DAY, **_since(r)
            )
        ),
    ),
    "alias of itself": Defect(
        _of("alias_of_itself"), _row(lambda r: Alias(service=CART, alias=CART, **_since(r)))
    ),
    "aliases in a ring": Defect(
        _of("alias_ring"),
        _rows(
            lambda r: [
                Alias(service=CHECKOUT, alias=PAYMENT, **_since(r)),
                Alias(service="legacy/pay", alias=CHECKOUT, **_since(r)),
                Alias(service=PAYMENT, alias="legacy/pay", **_since(r)),
            ]
        ),
    ),
    "name of two services": Defect(
        _of("alias_disputed"), _row(lambda r: Alias(service=PAYMENT, alias="legacy/basket", **_since(r)))
    ),
    "alias of long ago": Defect(
        _of("alias_never_holds"), _row(lambda r: Alias(service=CART, alias="legacy/old", **_past()))
    ),
    "log event of an unknown service": Defect(
        _of("log_event_service_unknown"), _event("log_events", lambda r: {"service": "ghost"})
    ),
    "log event outside": Defect(
        _of("log_event_outside_telemetry"),
        _event("log_events", lambda r: {"timestamp": START + r.choice([-1, 2 * DAY])}),
    ),
    "log event from the future": Defect(
        _of("log_event_from_the_future"),
        _event("log_events", lambda r: {"timestamp": START + 2 * HOUR, "ingested_at": START + HOUR}),
    ),
    "log event twice": Defect(_of("log_event_twice"), _event_twice("log_events")),
    "log lines for templates": Defect(_of("log_event_templates"), _templates, apart=True),
    "platform event of an unknown service": Defect(
        _of("platform_event_service_unknown"), _event("platform_events", lambda r: {"namespace": "ghost"})
    ),
    "platform event outside": Defect(
        _of("platform_event_outside_telemetry"),
        _event("platform_events", lambda r: {"timestamp": START - r.randint(1, DAY)}),
    ),
    "platform event from the future": Defect(
        _of("platform_event_from_the_future"),
        _event("platform_events", lambda r: {"timestamp": START + 2 * HOUR, "ingested_at": START + HOUR}),
    ),
    "platform event twice": Defect(_of("platform_event_twice"), _event_twice("platform_events")),
    "domain of an unknown service": Defect(
        _of("setting_refers_to_nothing"), lambda s, r: s.domains.update(ghosts=[GHOST])
    ),
    "range of no metric": Defect(
        _of("range_without_metric"), _set(thresholds=Thresholds(ranges=(Range(metric="latencyy_*", low=0),)))
    ),
    "imported long after": Defect(_of("telemetry_freshness"), _set(created_at=START + 90 * DAY)),
    "times without a zone": Defect(
        _of("naive_timestamps", "clock_changes"),
        _report(times_without_zone={"read_as": "Europe/Berlin", "times": 12, "at_clock_changes": 2}),
    ),
    "a file nobody read": Defect(_of("files_unread"), _report(files_not_read=["notes.txt"])),
    "rows in quarantine": Defect(_of("quarantined"), _set(quarantined=2)),
    "label that is none": Defect(_of("label_contract"), after=_broken_label),
    "label half written": Defect(_of("label_half_written"), after=_half_label),
    # What others stand on.
    "most rows in quarantine": Defect(
        _of("quarantined", "quarantined_share"), _set(quarantined=2_000), apart=True
    ),
    "weeks without labels": Defect(_of("label_freshness"), _unlabelled, apart=True),
    "no labels": Defect(_of("has_labels"), lambda s, r: s.incidents.clear(), apart=True),
    "topology ends before the label": Defect(
        _of("label_service_outside_topology"), _end_topology, apart=True
    ),
    "silent while nobody cares": Defect(_of(), _silent_unscored, apart=True),
    "not one number": Defect(_of("nothing_finite", "non_finite", "series_non_finite"), _all_nan, apart=True),
    "evaluation outside": Defect(
        _of("setting_refers_to_nothing"),
        _set(evaluation=Evaluation(span_from=START + 9 * DAY, span_to=START + 10 * DAY)),
        apart=True,
    ),
    "don't care about an unknown service": Defect(
        _of("setting_refers_to_nothing"),
        _set(evaluation=Evaluation(dont_care=(DontCare(from_=START, to=START + DAY, services=(GHOST,)),))),
        apart=True,
    ),
    "warm-up over the whole span": Defect(
        _of("nothing_is_scored"), _set(evaluation=Evaluation(warm_up_s=3 * 86_400.0)), apart=True
    ),
    "tuning over the whole span": Defect(
        _of("nothing_is_scored"), _set(evaluation=Evaluation(tuning_until=START + 3 * DAY)), apart=True
    ),
    "a value edited": Defect(
        _of("unchanged"),
        after=_table("telemetry/samples-00000.parquet", _cell("value", 500, 0.9)),
        apart=True,
    ),
    "a namespace with a slash": Defect(
        _of("unchanged", "series_identity", "topology_without_telemetry"),
        after=_table("telemetry/series.parquet", _cell("namespace", 2, "commerce/x")),
        apart=True,
    ),
    "labels of a series that are no map": Defect(
        _of("unchanged", "series_identity"),
        after=_table("telemetry/series.parquet", _cell("series_labels", 1, '{"pod": 7}')),
        apart=True,
    ),
    "a series without samples": Defect(
        _of("unchanged", "series_without_samples"),
        after=_table("telemetry/series.parquet", _series_more),
        apart=True,
    ),
    "a span cut short": Defect(
        _of("unchanged", "sample_span"), after=_card(span_to=START + STEPS * STEP - 2 * HOUR), apart=True
    ),
    "a count that is not": Defect(_of("unchanged", "row_count"), after=_card(rows=7), apart=True),
    "a table cut off": Defect(_of("table_readable"), after=_cut_table, apart=True),
    "a table without rows": Defect(_of("unchanged", "table_empty"), after=_empty_table, apart=True),
}
TOGETHER = [name for name, defect in DEFECTS.items() if not defect.apart]
APART = [name for name, defect in DEFECTS.items() if defect.apart]
