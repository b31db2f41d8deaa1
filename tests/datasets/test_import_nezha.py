"""Nezha's layout in: any part of it, its traps caught, corrected by a rule or reported."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from titleshot.datasets.contracts.instants import MINUTE, SECOND, parse_instant
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.contracts.reference import TopologyEdge
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import MalformedInput, UsageError
from titleshot.datasets.importers.naive_times import NaiveTimes
from titleshot.datasets.importers.nezha.nezha_metrics import instant, metric_of_column, service_of_pod
from titleshot.pipelines.import_ import import_dataset
from titleshot.pipelines.validate import validate

START = parse_instant("2022-08-22T03:51:19Z")
DATE = "2022-08-22"
CART, FRONT = "cartservice-579f59597d-wc2lz", "frontend-579b9bff58-t2dbm"
ROWS = 10


def when(row: int) -> str:
    return f"{DATE} 03:{51 + row if row < 9 else 0:02d}:19.573905004 +0000 UTC m=+{row * 60}.079858984"


def stamp(row: int, off: int = 0) -> int:
    return START // SECOND + row * 60 + off


def write(path: Path, lines: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def pod_lines(pod: str, off: int = 0, rows: int = 9) -> list[str]:
    header = "Time,TimeStamp,PodName,CpuUsage(m),PodServerLatencyP90(s),PodSuccessRate(%)"
    return [header, *(f"{when(n)},{stamp(n, off)},{pod},{n}.5,NaN,0" for n in range(rows))]


def fault(minute: int, pod: str = CART, kind: str = "cpu_contention", off_s: int = 0) -> dict[str, str]:
    at = f"{DATE} 03:{minute:02d}:00"
    seconds = parse_instant(at.replace(" ", "T") + "Z") // SECOND + off_s
    return {"inject_time": at, "inject_timestamp": str(seconds), "inject_pod": pod, "inject_type": kind}


def write_faults(source: Path, faults: object) -> None:
    write(source / f"rca_data/{DATE}/{DATE}-fault_list.json", [json.dumps(faults)])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Two pods, the entry service, the latency of their one call, and two faults."""
    source = tmp_path / "nezha"
    metric = source / f"rca_data/{DATE}/metric"
    write(metric / f"{CART}_metric.csv", pod_lines(CART))
    write(metric / f"{FRONT}_metric.csv", pod_lines(FRONT))
    header = "Time,TimeStamp,ServiceName,SuccessRate(%),LatencyP50(s)"
    write(
        metric / "front_service.csv", [header, *(f"{when(n)},{stamp(n)},Frontend,100,0.2" for n in range(9))]
    )
    for name in ("source_50.csv", "destination_50.csv"):
        lines = [f"{when(n)},{stamp(n)},{'' if n == 3 else 0.003}" for n in range(9)]
        write(metric / name, ["time,timestamp,frontend_cartservice", *lines])
    write(
        metric / "dependency.csv",
        ["Source,Target,Weight", "frontend,cartservice,1", "cartservice,33.33.33.80,1"],
    )
    write_faults(source, {"03": [fault(53), fault(56, FRONT, "return", -28800)]})
    topology = {
        "system": "online-boutique",
        "nodes": [{"service": name} for name in ("frontend", "cartservice", "emailservice")],
        "edges": [{"caller": "frontend", "callee": "cartservice", "calls": 3}],
    }
    write(source / "topology_online-boutique.json", [json.dumps(topology)])
    return source


def imported(source: Path, **options: Any) -> Dataset:
    dataset = source.with_name("out")
    return import_dataset(format="nezha", source=source, dataset=dataset, replace=True, **options)


def samples(dataset: Dataset, service: str, metric: str) -> list[tuple[int, float]]:
    """Times and values of the series of a service's metric."""
    codes = [
        n for n, key in enumerate(dataset.series()) if (key.service, key.metric_name) == (service, metric)
    ]
    return [
        (at, value)
        for block in dataset.blocks()
        for code, at, value in zip(
            block.codes.tolist(), block.timestamps.tolist(), block.values.tolist(), strict=True
        )
        if code in codes
    ]


def aside(dataset: Dataset, kind: str) -> list[tuple[str, int, str]]:
    table = pl.read_parquet(dataset.path / f"quarantine/{kind}.parquet")
    return [(row["source"].rpartition("/")[2], row["row"], row["reason"]) for row in table.to_dicts()]


def edges(dataset: Dataset) -> set[tuple[str, str]]:
    return {(row.caller, row.callee) for row in dataset.reference() if isinstance(row, TopologyEdge)}


def test_a_column_of_a_pod_is_a_series_of_its_service_in_its_systems_namespace(source: Path) -> None:
    dataset = imported(source)

    labels = f'{{"pod":"{CART}"}}'
    assert SeriesKey("online-boutique", "cartservice", "cpu_usage_millicores", labels) in dataset.series()
    at, value = samples(dataset, "cartservice", "cpu_usage_millicores")[1]
    assert (at, value) == (START + MINUTE + 573_905_004, 1.5)
    dataset.verify()


def test_call_latencies_belong_to_the_side_that_measured_them(source: Path) -> None:
    dataset = imported(source)

    keys = {key for key in dataset.series() if "call" in key.metric_name}
    assert keys == {
        SeriesKey("online-boutique", "frontend", "call_client_latency_p50_s", '{"callee":"cartservice"}'),
        SeriesKey("online-boutique", "cartservice", "call_server_latency_p50_s", '{"caller":"frontend"}'),
    }
    assert len(samples(dataset, "frontend", "call_client_latency_p50_s")) == 8, "an empty cell is no sample"
    assert dataset.import_report()["empty_cells"] == 2


def test_the_entry_services_figures_are_its_slis(source: Path) -> None:
    assert samples(imported(source), "frontend", "sli_latency_p50_s")[0][1] == 0.2


def test_the_entry_service_of_train_ticket_is_its_dashboard(tmp_path: Path) -> None:
    metric = tmp_path / "rca_data/2023-01-29/metric"
    write(metric / "front_service.csv", ["Time,ServiceName,LatencyP50(s)", f"{when(0)},Frontend,1"])
    write(metric / "ts-order-service-5b67c48447-mv5hb_metric.csv", ["Time,CpuUsage(m)", f"{when(0)},1"])

    keys = imported(tmp_path).series()

    assert {key.service_id for key in keys} == {
        "train-ticket/ts-ui-dashboard",
        "train-ticket/ts-order-service",
    }


def test_time_is_used_and_a_timestamp_that_differs_is_counted(source: Path) -> None:
    path = source / f"rca_data/{DATE}/metric/{CART}_metric.csv"
    write(path, pod_lines(CART, off=200_000_000))

    dataset = imported(source)

    assert samples(dataset, "cartservice", "cpu_usage_millicores")[0][0] == START + 573_905_004
    found = dataset.import_report()["rows_whose_TimeStamp_differs_from_Time"]
    assert found == {f"rca_data/{DATE}/metric/{CART}_metric.csv": {"rows": 9, "mostly_by_s": 200_000_000}}


def test_a_fault_is_an_incident_from_inject_time_for_as_long_as_stated(source: Path) -> None:
    first, second = imported(source, fault_seconds=240.0).labels().incidents

    assert (first.root_service, first.kind, first.source) == (
        "online-boutique/cartservice",
        "cpu_contention",
        "injected",
    )
    assert (first.start, first.end) == (
        parse_instant(f"{DATE}T03:53:00Z"),
        parse_instant(f"{DATE}T03:57:00Z"),
    )
    assert first.known_at == first.end, "nobody knows of it before"
    assert first.affected_services == (), "the list names none"
    assert second.start == parse_instant(f"{DATE}T03:56:00Z"), "inject_timestamp, 8 h off, is not used"


def test_a_fault_lasts_300_s_unless_told(source: Path) -> None:
    dataset = imported(source)

    assert {label.end - label.start for label in dataset.labels().incidents} == {300 * SECOND}
    assert dataset.import_report()["fault_seconds_assumed"] == 300
    assert "300 s" in dataset.card.notes
    with pytest.raises(UsageError, match="fault_seconds must be more than 0, got 0"):
        imported(source, fault_seconds=0.0)


def test_inject_timestamps_are_compared_and_counted(source: Path) -> None:
    faults = [fault(52), fault(53, off_s=-28_740), fault(54, off_s=28_800), fault(55, off_s=-60)]
    faults += [{**fault(56), "inject_timestamp": "soon"}]
    write_faults(source, {"03": faults[:4], "04": faults[4:]})

    report = imported(source).import_report()

    assert report["inject_timestamp_against_inject_time"] == {
        "equal": 1,
        "about_8_hours_off": 2,
        "otherwise_off": 1,
        "not there": 1,
    }
    assert report["faults_listed_under_another_hour"] == 1


def test_calls_of_every_file_are_one_topology_known_from_its_start(source: Path) -> None:
    dataset = imported(source)

    rows = [row for row in dataset.reference() if isinstance(row, TopologyEdge)]
    assert edges(dataset) == {("online-boutique/frontend", "online-boutique/cartservice")}
    assert {(row.valid_from, row.known_from) for row in rows} == {(START + 573_905_004,) * 2}
    assert dataset.import_report()["dependency_rows_of_addresses"] == 1


@pytest.mark.parametrize(
    "absent",
    [
        ["front_service.csv"],
        ["dependency.csv"],
        ["source_50.csv", "destination_50.csv"],
        ["topology_online-boutique.json"],
        ["topology_online-boutique.json", "dependency.csv"],
        ["topology_online-boutique.json", "dependency.csv", "source_50.csv", "destination_50.csv"],
        [f"{CART}_metric.csv"],
        [f"{CART}_metric.csv", f"{FRONT}_metric.csv", "front_service.csv"],
    ],
)
def test_any_selection_of_files_is_imported_and_passes_validation(source: Path, absent: list[str]) -> None:
    for name in absent:
        for path in source.rglob(name):
            path.unlink()

    dataset = imported(source)

    assert validate(dataset.path).passed
    assert len(dataset.labels().incidents) == 2
    assert ("online-boutique/frontend", "online-boutique/cartservice") in edges(dataset) or len(absent) == 4


@pytest.mark.parametrize("inside", ["", "rca_data", f"rca_data/{DATE}"])
def test_the_folder_may_be_given_at_any_depth(source: Path, inside: str) -> None:
    dataset = import_dataset(format="nezha", source=source / inside, dataset=source.with_name("out"))

    assert len(dataset.labels().incidents) == 2
    assert {key.namespace for key in dataset.series()} == {"online-boutique"}


def test_several_dates_are_one_dataset_and_the_time_between_is_not_scored(source: Path) -> None:
    shutil.copytree(source / f"rca_data/{DATE}", source / "rca_data/2022-08-23")
    for path in (source / "rca_data/2022-08-23").rglob("*"):
        if path.is_file():
            text = path.read_text().replace(DATE, "2022-08-23")
            path.rename(path.with_name(path.name.replace(DATE, "2022-08-23"))).write_text(text)

    dataset = imported(source)

    (gap,) = dataset.card.evaluation.dont_care
    assert (gap.from_, gap.services) == (START + 573_905_004 + 9 * MINUTE, None)
    assert gap.to == parse_instant("2022-08-23T03:51:19.573905004Z")
    assert len(dataset.labels().incidents) == 4
    assert validate(dataset.path).passed


def test_without_a_fault_list_nothing_is_known_to_be_false(source: Path) -> None:
    assert imported(source).card.evaluation.labels_complete
    (source / f"rca_data/{DATE}/{DATE}-fault_list.json").unlink()

    dataset = imported(source)

    assert not dataset.card.evaluation.labels_complete
    assert dataset.import_report()["dates_without_fault_list"] == [DATE]


def test_a_fault_of_a_service_nobody_knows_is_set_aside_and_its_time_not_scored(source: Path) -> None:
    write_faults(source, {"03": [fault(53, "reviewservice-6f5b6c9f7d-abcde"), fault(55)]})

    dataset = imported(source)

    assert [label.incident_id for label in dataset.labels().incidents] == [f"online-boutique/{DATE}#2"]
    assert aside(dataset, "incidents") == [(f"{DATE}-fault_list.json", 1, "unknown service")]
    (span,) = dataset.card.evaluation.dont_care
    assert (span.from_, span.to) == (parse_instant(f"{DATE}T03:53:00Z"), parse_instant(f"{DATE}T03:58:00Z"))


def test_a_fault_of_another_pod_of_a_known_service_is_kept_and_counted(source: Path) -> None:
    write_faults(source, {"03": [fault(53, "cartservice-579f59597d-zzzzz")]})

    dataset = imported(source)

    assert dataset.labels().incidents[0].root_service == "online-boutique/cartservice"
    assert dataset.import_report()["faults_of_pods_without_metrics"] == 1


def test_a_fault_outside_the_metrics_is_set_aside(source: Path) -> None:
    write_faults(source, {"03": [fault(10)], "04": [fault(53)]})

    dataset = imported(source)

    assert aside(dataset, "incidents") == [(f"{DATE}-fault_list.json", 1, "outside the metrics")]
    assert len(dataset.labels().incidents) == 1


def test_entries_that_are_no_faults_are_set_aside(source: Path) -> None:
    broken: list[object] = [7, {}, {**fault(53), "inject_time": "soon"}, {**fault(53), "inject_pod": 3}]
    broken += [{**fault(53), "inject_type": " "}, {**fault(53), "inject_type": "a\nb"}]
    write_faults(source, {"03": [*broken, fault(54)]})

    dataset = imported(source)

    assert len(dataset.labels().incidents) == 1
    assert dataset.import_report()["quarantined"] == {"incidents": {"no fault": 6}}


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        (f"rca_data/{DATE}/{DATE}-fault_list.json", '{"03":\n [1,}', "line 2"),
        (f"rca_data/{DATE}/{DATE}-fault_list.json", "[]", "hours to lists of faults"),
        (f"rca_data/{DATE}/{DATE}-fault_list.json", '{"03": 1}', "hours to lists of faults"),
        (f"rca_data/{DATE}/{DATE}-fault_list.json", "[" * 100_000, "cannot be read as JSON"),
        ("topology_online-boutique.json", "{", "cannot be read as JSON"),
        ("topology_online-boutique.json", '{"edges": 3}', "a list of edges"),
        ("topology_online-boutique.json", '{"system": "a/b", "edges": []}', "a list of edges"),
    ],
)
def test_json_of_another_shape_is_refused_in_words(source: Path, name: str, text: str, says: str) -> None:
    (source / name).write_text(text)

    with pytest.raises(MalformedInput, match=says):
        imported(source)


def test_edges_that_are_none_are_set_aside(source: Path) -> None:
    edges_ = [3, {"caller": "frontend"}, {"caller": "a", "callee": "b\nc"}, {"caller": "a", "callee": "b"}]
    write(source / "topology_online-boutique.json", [json.dumps({"edges": edges_})])
    write(source / f"rca_data/{DATE}/metric/dependency.csv", ["Source,Target", "frontend", "a,b/c"])

    dataset = imported(source)

    assert dataset.import_report()["quarantined"]["topology"] == {"no edge": 5}


def test_rows_that_are_none_are_set_aside_and_the_others_stay(source: Path) -> None:
    path = source / f"rca_data/{DATE}/metric/{CART}_metric.csv"
    lines = pod_lines(CART)
    lines[2] = lines[2].replace(when(1), "soon")
    lines[3] = lines[3].replace("2.5", "two")
    lines[4] = lines[4][:40]
    lines[5] += ",9"
    lines[6] = '"' + lines[6]
    lines[7] = lines[7].replace(CART, "")
    path.write_bytes("\n".join(lines).encode().replace(b"7.5", b"7.5\xff"))

    dataset = imported(source)

    name = path.name
    assert sorted(aside(dataset, "samples")) == [
        (name, 3, "no time"),
        (name, 4, "no number"),
        (name, 5, "too few cells"),
        (name, 6, "too many cells"),
        (name, 7, "no row"),
        (name, 8, "no series"),
        (name, 8, "no series"),
        (name, 8, "no series"),
        (name, 8, "no series"),
        (name, 9, "not UTF-8"),
    ]
    assert [value for _, value in samples(dataset, "cartservice", "cpu_usage_millicores")] == [0.5, 8.5]


def test_a_byte_order_mark_is_passed_over(source: Path) -> None:
    path = source / f"rca_data/{DATE}/metric/{CART}_metric.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())

    assert len(samples(imported(source), "cartservice", "cpu_usage_millicores")) == 9


def test_a_file_without_a_time_is_set_aside_whole(source: Path) -> None:
    metric = source / f"rca_data/{DATE}/metric"
    write(metric / f"{CART}_metric.csv", ["TimeStamp,CpuUsage(m)", f"{stamp(0)},1"])
    (metric / f"{FRONT}_metric.csv").write_bytes(b"")
    (metric / "source_50.csv").write_bytes("Time,a_b\n1,2\n".encode("utf-16"))

    dataset = imported(source)

    found = {name for name, _, reason in aside(dataset, "samples") if reason == "no header"}
    assert found == {f"{CART}_metric.csv", f"{FRONT}_metric.csv", "source_50.csv"}


def test_columns_named_twice_or_not_at_all_are_left_out(source: Path) -> None:
    metric = source / f"rca_data/{DATE}/metric"
    write(metric / f"{CART}_metric.csv", ["Time,CpuUsage(m),CpuUsage(m),", f"{when(0)},1,2,3"])
    write(metric / "source_50.csv", ["time,frontend,_cartservice", f"{when(0)},1,2"])

    dataset = imported(source)

    assert [value for _, value in samples(dataset, "cartservice", "cpu_usage_millicores")] == [1.0]
    assert dataset.import_report()["quarantined"]["samples"] == {"no column": 2, "no series": 3}


def test_logs_traces_and_unknown_files_are_named_as_not_read(source: Path) -> None:
    write(source / f"rca_data/{DATE}/log/03_51_log.csv", ["a"])
    write(source / f"rca_data/{DATE}/trace/03_51_trace.csv", ["a"])
    write(source / f"rca_data/{DATE}/metric/notes.csv", ["a"])

    assert imported(source).import_report()["files_not_read"] == [
        f"rca_data/{DATE}/log/ (1 files)",
        f"rca_data/{DATE}/metric/notes.csv",
        f"rca_data/{DATE}/trace/ (1 files)",
    ]


def test_fault_free_copies_are_read_once_and_alone_where_there_is_nothing_else(source: Path) -> None:
    alone = imported(source).card
    shutil.copytree(source / f"rca_data/{DATE}/metric", source / f"construct_data/{DATE}/metric")

    both = imported(source)
    assert both.card.digest == alone.digest
    assert both.import_report()["files_that_repeat_others"] == 6

    (source / f"construct_data/{DATE}/metric/{CART}_metric.csv").write_text("Time\n")
    changed = imported(source)
    assert changed.card.digest == alone.digest
    assert changed.import_report()["files_not_read"] == [f"construct_data/{DATE}/metric/{CART}_metric.csv"]

    shutil.rmtree(source / "rca_data")
    assert imported(source).labels().incidents == []


def test_where_in_the_code_a_fault_was_put_is_noted(source: Path) -> None:
    regions = {"cartservice": {"cpu_contention": "CpuUsageRate(%)"}, "frontend": 3}
    write(source / "construct_data/root_cause_hipster.json", [json.dumps(regions)])

    assert imported(source).labels().incidents[0].notes.endswith("where in the service: CpuUsageRate(%)")


def test_no_link_leads_out_of_the_source(source: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    write(secret / "metric" / f"{CART}_metric.csv", pod_lines(CART))
    (source / "rca_data/2022-08-24").symlink_to(secret)

    with pytest.raises(MalformedInput, match="a link that leads out"):
        imported(source)


def test_a_source_without_metrics_is_refused_in_words(tmp_path: Path, source: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(MalformedInput, match=r"no rca_data/<date>/metric/\*\.csv here"):
        imported(empty)
    for path in source.rglob("*.csv"):
        path.write_text("nothing\n")
    with pytest.raises(MalformedInput, match="none of 6 metric files"):
        imported(source)


@pytest.mark.parametrize(
    ("pod", "service"),
    [
        ("ts-station-food-service-dc4d75dd-fw6ft", "ts-station-food-service"),
        ("redis-cart-0", "redis-cart"),
        ("cartservice", "cartservice"),
        ("ts-order-service", "ts-order-service"),
        ("a-b-c", "a-b-c"),
    ],
)
def test_a_pods_service_is_its_name_without_hashes(pod: str, service: str) -> None:
    assert service_of_pod(pod) == service


def test_names_of_columns_become_snake_case_with_units_in_words() -> None:
    assert [
        metric_of_column(name) for name in ("MemoryUsage(Mi)", "PodWorkload(Ops)", "SyscallRead", "X (ms)")
    ] == [
        "memory_usage_mebibytes",
        "pod_workload_ops",
        "syscall_read",
        "x_ms",
    ]


def test_times_are_read_with_the_offset_they_have() -> None:
    naive = NaiveTimes("UTC")
    assert instant("2022-08-22 11:51:19.5 +0800 CST m=+0.1", naive) == START + SECOND // 2
    assert instant("2022-08-22 11:51:19 +0800 +08", naive) == START
    assert naive.read == 0
    assert instant("2022-08-22 03:51:19", naive) == START
    assert naive.read == 1


def _naive(folder: Path) -> dict[str, int]:
    """What the real files hold, counted plainly."""
    seen = dict.fromkeys(("samples", "nan", "empty", "series", "stamps_off"), 0)
    for path in folder.glob("rca_data/*/metric/*.csv"):
        if path.name == "dependency.csv":
            continue
        first, *rows = csv.reader(path.read_text().splitlines())
        keys = 2 if path.name.startswith(("source", "dest")) else 3
        seen["series"] += len(first) - keys
        for row in rows:
            seen["samples"] += sum(cell != "" for cell in row[keys:])
            seen["empty"] += row[keys:].count("")
            seen["nan"] += row[keys:].count("NaN")
            clock = row[0][:19].replace(" ", "T") + "Z"
            seen["stamps_off"] += parse_instant(clock) // SECOND != int(row[1])
    return seen


@pytest.mark.slow
@pytest.mark.data
def test_the_real_part_of_the_set(tmp_path: Path, data_folder: Path) -> None:
    folder = data_folder / "nezha"

    dataset = import_dataset(format="nezha", source=folder, dataset=tmp_path / "nezha")

    report, seen = dataset.import_report(), _naive(folder)
    assert (dataset.card.rows, dataset.card.series) == (seen["samples"], seen["series"]) == (1_077_189, 1_102)
    assert report["samples"]["non_finite"] == seen["nan"] == 40_533
    assert report["empty_cells"] == seen["empty"] == 219
    (off,) = report["rows_whose_TimeStamp_differs_from_Time"].items()
    assert (off[0].rpartition("/")[2][:9], off[1]) == (
        "adservice",
        {"rows": 1209, "mostly_by_s": 200_000_000},
    )
    assert seen["stamps_off"] == 1209
    faults = [
        fault
        for path in folder.glob("rca_data/*/*fault_list.json")
        for of in json.loads(path.read_text()).values()
        for fault in of
    ]
    labels = dataset.labels().incidents
    assert sorted(label.start for label in labels) == sorted(
        parse_instant(fault["inject_time"].replace(" ", "T") + "Z") for fault in faults
    )
    assert report["inject_timestamp_against_inject_time"] == {
        "equal": 27,
        "about_8_hours_off": 24,
        "otherwise_off": 1,
    }
    named = {
        (graph["system"], edge["caller"], edge["callee"])
        for path in folder.glob("topology_*.json")
        for graph in [json.loads(path.read_text())]
        for edge in graph["edges"]
    }
    real_edges = {(a, b) for a, b in edges(dataset) if a != b}
    assert {(f"{system}/{a}", f"{system}/{b}") for system, a, b in named} < real_edges
    assert len(real_edges) == report["calls"] == 69
    assert report["quarantined"] == {}
    dataset.verify()
