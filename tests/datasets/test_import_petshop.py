"""PetShop's layout in: any part of it, its traps caught, corrected by a rule or reported."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from titleshot.datasets.contracts.instants import DAY, HOUR, MINUTE, SECOND, parse_instant
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.contracts.reference import Deploy, TopologyEdge
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import MalformedInput, UsageError
from titleshot.pipelines.import_ import import_dataset
from titleshot.pipelines.validate import validate

START = parse_instant("2023-04-13T00:10:00Z")
FIVE = 5 * MINUTE
SITE, PAY, SEARCH, DB = (
    "PetSite",
    "pay_AWS::ECS::Fargate",
    "search_AWS::ECS::Fargate",
    "pets_AWS::DynamoDB::Table",
)
NODES = (SITE, PAY, SEARCH, DB)
COLUMNS = [(node, *of) for node in NODES for of in (("latency", "p90"), ("requests", "Sum"))]
DEPLOYED = "sed -i s/1/2/ index.js && cdk deploy --context x"
CHANGED = "aws ssm put-parameter --name '/petstore/delaymode1' --value '250' --overwrite"


def metrics(first: int, rows: int = 5, columns: Sequence[tuple[str, ...]] = COLUMNS) -> list[str]:
    lines = [
        ",".join([name, *(column[level] for column in columns)])
        for level, name in enumerate(("microservice", "metric", "statistic"))
    ]
    lines.append("unix_timestamp" + "," * len(columns))
    for row in range(rows):
        cells = [f"{row}.{place}" for place in range(len(columns))]
        lines.append(",".join([f"{first // SECOND + row * 300}.0", *cells]))
    return lines


def target(first: int, root: str = DB, command: str = CHANGED, **changes: Any) -> dict[str, Any]:
    at = {"node": SITE, "metric": "latency", "agg": "Average", "timestamp": first // SECOND + 541}
    return {
        "target": at | changes,
        "root_cause": {"node": root, "metric": None},
        "metadata": {"reproducibility": {"command": command}},
    }


def write(path: Path, lines: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def write_issue(scenario: Path, name: str, first: int, said: object = None, **options: Any) -> None:
    write(scenario / name / "metrics.csv", metrics(first, **options))
    write(scenario / name / "target.json", [json.dumps(target(first) if said is None else said)])


def write_graph(scenario: Path, calls: Mapping[str, Sequence[str]], nodes: Sequence[str] = NODES) -> None:
    rows = [[node, *("1.0" if to in calls.get(node, ()) else "0.0" for to in nodes)] for node in nodes]
    write(scenario / "graph.csv", [",".join(row) for row in [["", *nodes], *rows]])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """One scenario: a site that calls two services, one of which calls a table; two issues, an hour apart."""
    source = tmp_path / "petshop"
    scenario = source / "dataset/high_traffic"
    write_graph(scenario, {SITE: [PAY, SEARCH], SEARCH: [DB]})
    write_issue(scenario, "test/issue_1", START)
    write_issue(scenario, "train/issue_0", START + HOUR, target(START + HOUR, PAY, DEPLOYED))
    write(scenario / "noissue/metrics.csv", metrics(START + 100 * DAY + HOUR, 12, COLUMNS[:6]))
    return source


@pytest.fixture
def scenario(source: Path) -> Path:
    return source / "dataset/high_traffic"


def imported(source: Path, **options: Any) -> Dataset:
    dataset = source.with_name("out")
    return import_dataset(format="petshop", source=source, dataset=dataset, replace=True, **options)


def times(dataset: Dataset, namespace: str, metric: str = "latency_p90_s") -> dict[str, list[int]]:
    """Times of the samples of a metric, by service."""
    keys = dataset.series()
    found: dict[str, list[int]] = {}
    for block in dataset.blocks():
        for code, at in zip(block.codes.tolist(), block.timestamps.tolist(), strict=True):
            if (keys[code].namespace, keys[code].metric_name) == (namespace, metric):
                found.setdefault(keys[code].service, []).append(at)
    return found


def deploys(dataset: Dataset, *, decoy: bool) -> list[Deploy]:
    return [row for row in dataset.reference() if isinstance(row, Deploy) and row.decoy is decoy]


def edges(dataset: Dataset) -> set[tuple[str, str]]:
    return {(row.caller, row.callee) for row in dataset.reference() if isinstance(row, TopologyEdge)}


def aside(dataset: Dataset) -> dict[str, dict[str, int]]:
    quarantined: dict[str, dict[str, int]] = dataset.import_report()["quarantined"]
    return quarantined


def test_a_column_is_a_series_with_its_unit_and_the_type_of_its_node(source: Path) -> None:
    dataset = imported(source)

    assert len(dataset.series()) == 8
    typed = '{"node_type":"AWS::DynamoDB::Table"}'
    assert SeriesKey("high_traffic", DB, "latency_p90_s", typed) in dataset.series()
    assert SeriesKey("high_traffic", SITE, "requests_sum") in dataset.series()
    dataset.verify()


def test_samples_stand_at_the_end_of_the_five_minutes_a_row_sums_up(source: Path) -> None:
    at = times(imported(source, issue_free="left-out"), "high_traffic")[SITE]

    assert at[:5] == [START + FIVE * n for n in range(1, 6)]


def test_an_issue_is_an_incident_from_its_targets_timestamp_to_the_end_of_its_rows(source: Path) -> None:
    label, _ = imported(source).labels().incidents

    assert (label.incident_id, label.root_service) == ("high_traffic/test/issue_1", f"high_traffic/{DB}")
    assert (label.start, label.end) == (START + 541 * SECOND, START + 5 * FIVE)
    assert (label.kind, label.source, label.known_at) == ("latency", "injected", label.end)
    assert "metric of the root cause: not said" in label.notes
    assert CHANGED in label.notes


def test_nodes_on_the_way_of_calls_from_target_to_root_are_affected(source: Path) -> None:
    label, other = imported(source).labels().incidents

    assert label.affected_services == tuple(f"high_traffic/{node}" for node in (SITE, DB, SEARCH))
    assert other.affected_services == tuple(f"high_traffic/{node}" for node in (SITE, PAY))


def test_a_rollout_and_a_changed_setting_are_guilty_deploys_and_load_is_none(
    source: Path, scenario: Path
) -> None:
    loaded = target(START + 2 * HOUR, DB, "python -m issue_dynamo_db_requests -num_iterations=800")
    write_issue(scenario, "test/issue_2", START + 2 * HOUR, loaded)

    dataset = imported(source)

    guilty = {row.version: row for row in deploys(dataset, decoy=False)}
    labels = dataset.labels().incidents
    assert [label.deploy in guilty for label in labels] == [True, True, False]
    assert labels[2].deploy is None
    for label in labels[:2]:
        row = guilty[label.deploy or ""]
        assert (row.service, row.valid_from, row.known_from) == (label.root_service, label.start, label.start)
    assert dataset.import_report()["issues_without_a_change"] == 1


def test_decoys_are_marked_unrelated_and_the_same_every_time(source: Path) -> None:
    dataset = imported(source, decoys=4)
    found, labels = deploys(dataset, decoy=True), dataset.labels().incidents

    assert len(found) == 8 == dataset.import_report()["decoy_deploys"]
    assert {row.service for row in found} <= {f"high_traffic/{node}" for node in (PAY, SEARCH, DB)}, (
        "as guilty ones"
    )
    for row in found:
        for label in labels:
            near = label.start - HOUR <= row.valid_from < label.end
            assert not (near and row.service in {label.root_service, *label.affected_services})
    assert found == deploys(imported(source, decoys=4), decoy=True)
    assert len({row.version for row in deploys(dataset, decoy=False) + found}) == 10
    assert {len(row.version) for row in deploys(dataset, decoy=False) + found} == {15}, (
        "told apart by the mark alone"
    )


def test_one_decoy_of_each_guilty_change_is_in_the_same_stretch(source: Path) -> None:
    dataset = imported(source, decoys=1)

    for row in deploys(dataset, decoy=True):
        assert any(START + n * HOUR <= row.valid_from < START + n * HOUR + 5 * FIVE for n in (0, 1))


def test_decoys_can_be_switched_off(source: Path) -> None:
    assert deploys(imported(source, decoys=0), decoy=True) == []
    with pytest.raises(UsageError, match="decoys must be at least 0, got -1"):
        imported(source, decoys=-1)


def test_metrics_without_issues_are_moved_by_whole_days_to_end_before_the_first_issue(source: Path) -> None:
    dataset = imported(source)

    at = times(dataset, "high_traffic")[SITE]
    # Recorded from an hour after the first issue's start on, an hour long: a day earlier it ends 22 h before.
    assert at[:12] == [START - DAY + HOUR + FIVE * n for n in range(1, 13)]
    assert at[12] == START + FIVE
    moved = dataset.import_report()["issue_free_metrics"]
    assert moved == {"high_traffic": "its own 12 rows, moved by -101 days"}
    assert dataset.import_report()["samples"]["out_of_order"] == 0


@pytest.mark.parametrize(("how", "rows", "first"), [("as-recorded", 22, 0), ("left-out", 10, 0)])
def test_metrics_without_issues_can_stay_where_they_were_or_be_left_out(
    source: Path, how: str, rows: int, first: int
) -> None:
    at = times(imported(source, issue_free=how), "high_traffic")[SITE]

    assert (len(at), at[0]) == (rows, START + FIVE + first)


def test_an_unknown_way_with_metrics_without_issues_is_a_usage_error(source: Path) -> None:
    with pytest.raises(UsageError, match=r"issue_free 'befor' is unknown.*before"):
        imported(source, issue_free="befor")


@pytest.fixture
def borrower(source: Path) -> Path:
    """A second scenario without issue-free metrics, with a node fewer."""
    scenario = source / "dataset/temporal_traffic1"
    nodes = NODES[:2]
    write_graph(scenario, {SITE: [PAY]}, nodes)
    first = START + 10 * DAY
    write_issue(scenario, "test/issue_0", first, target(first, PAY), columns=COLUMNS[:4])
    return scenario


def test_a_scenario_without_issue_free_metrics_borrows_those_of_its_own_nodes(
    source: Path, borrower: Path
) -> None:
    dataset = imported(source)

    at = times(dataset, "temporal_traffic1")
    assert set(at) == {SITE, PAY}, "the lender's other nodes are left out"
    assert at[SITE][:12] == [START + 9 * DAY + HOUR + FIVE * n for n in range(1, 13)]
    moved = dataset.import_report()["issue_free_metrics"]
    assert moved["temporal_traffic1"] == "high_traffic's 12 rows, moved by -91 days"
    assert validate(dataset).passed


def test_nothing_is_borrowed_where_there_is_no_lender(source: Path, borrower: Path) -> None:
    shutil.rmtree(source / "dataset/high_traffic")

    dataset = imported(source)

    assert dataset.import_report()["issue_free_metrics"] == {"temporal_traffic1": "none"}
    assert validate(dataset).passed


def test_scenarios_are_namespaces_and_one_can_be_chosen(source: Path, borrower: Path) -> None:
    assert {key.namespace for key in imported(source).series()} == {"high_traffic", "temporal_traffic1"}

    chosen = imported(source, scenario=("temporal_traffic1",))

    assert {key.namespace for key in chosen.series()} == {"temporal_traffic1"}
    assert "high_traffic's" in chosen.import_report()["issue_free_metrics"]["temporal_traffic1"]
    with pytest.raises(UsageError, match=r"scenario 'temporal_traffic' is not in .*temporal_traffic1"):
        imported(source, scenario=("temporal_traffic",))


@pytest.mark.parametrize("inside", ["", "dataset", "dataset/high_traffic"])
def test_the_folder_may_be_given_at_any_depth(source: Path, inside: str) -> None:
    dataset = import_dataset(format="petshop", source=source / inside, dataset=source.with_name("out"))

    assert len(dataset.labels().incidents) == 2
    assert {key.namespace for key in dataset.series()} == {"high_traffic"}


def test_time_between_files_is_not_scored_for_the_scenario_that_lacks_it(
    source: Path, borrower: Path
) -> None:
    dont_care = imported(source, scenario=("high_traffic",)).card.evaluation.dont_care
    assert [(span.from_, span.to, span.services) for span in dont_care] == [
        (START - DAY + 2 * HOUR + FIVE, START, None),
        (START + 6 * FIVE, START + HOUR, None),
    ]

    both = imported(source).card.evaluation.dont_care
    end = START + 10 * DAY + 6 * FIVE
    spans = {(span.from_, span.to, span.services) for span in both}
    named = tuple(sorted(f"high_traffic/{node}" for node in NODES))
    assert (START + HOUR + 6 * FIVE, end, named) in spans
    assert (START + HOUR + 6 * FIVE, START + 9 * DAY + HOUR, None) in spans


@pytest.mark.parametrize(
    "absent",
    ["graph.csv", "noissue/metrics.csv", "test/issue_1/metrics.csv", "test/issue_1/target.json"],
)
def test_any_selection_of_files_is_imported_and_passes_validation(
    source: Path, scenario: Path, absent: str
) -> None:
    (scenario / absent).unlink()

    dataset = imported(source)

    assert validate(dataset).passed
    assert len(dataset.labels().incidents) == (1 if "issue_1" in absent else 2)
    assert bool(edges(dataset)) == (absent != "graph.csv")


def test_a_scenario_without_graph_beside_one_with_it_still_passes(source: Path, borrower: Path) -> None:
    (borrower / "graph.csv").unlink()

    dataset = imported(source)

    assert dataset.import_report()["scenarios_without_graph"] == ["temporal_traffic1"]
    assert (f"temporal_traffic1/{PAY}", f"temporal_traffic1/{PAY}") in edges(dataset)
    assert validate(dataset).passed


def test_the_licence_is_kept_in_the_notes(source: Path) -> None:
    (source / "NOTICE").write_text("Copyright Somebody Else\n")

    notes = imported(source).card.notes

    assert "CC-BY-4.0" in notes
    assert "Copyright Amazon.com, Inc. or its affiliates. All Rights Reserved." in notes
    assert "Copyright Somebody Else" in notes
    assert "Changed on import" in notes


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ([], "must be an object"),
        ({"target": {}}, "root_cause must be an object"),
        (target(START) | {"target": 3}, "target must be an object"),
        (target(START, "gone_AWS::Lambda"), "root_cause.node 'high_traffic/gone_AWS::Lambda' is neither"),
        (target(START, node="gone"), "target.node 'high_traffic/gone' is neither"),
        (target(START, node=None), "target.node is missing"),
        (target(START, metric=""), "target.metric is missing"),
        (target(START, metric="a\nb"), "kind"),
        (target(START, timestamp="soon"), "no number of seconds"),
        (target(START, timestamp=float("nan")), "no number of seconds"),
        (target(START, timestamp=START // SECOND - 1), "outside the rows"),
        (target(START, timestamp=START // SECOND * 1000), "no number of seconds"),
    ],
)
def test_a_target_that_is_none_is_set_aside_and_its_time_not_scored(
    source: Path, scenario: Path, said: object, why: str
) -> None:
    write(scenario / "test/issue_1/target.json", [json.dumps(said)])

    dataset = imported(source)

    assert [label.incident_id for label in dataset.labels().incidents] == ["high_traffic/train/issue_0"]
    assert aside(dataset) == {"incidents": {"no target": 1}}
    (span,) = [of for of in dataset.card.evaluation.dont_care if "no target" in of.reason]
    assert (span.from_, span.to) == (START, START + 6 * FIVE)
    report = validate(dataset)
    assert report.passed
    assert why in next(rule for rule in report.rules if "no target" in str(rule.examples)).examples[0]


@pytest.mark.parametrize("data", [b'{"target":', b"\xff\xfe{", b"[" * 100_000, b" " * (1 << 20) + b"{}"])
def test_a_target_that_is_no_json_is_set_aside(source: Path, scenario: Path, data: bytes) -> None:
    (scenario / "test/issue_1/target.json").write_bytes(data)

    assert aside(imported(source)) == {"incidents": {"no target": 1}}


def test_a_target_without_metrics_is_set_aside(source: Path, scenario: Path) -> None:
    (scenario / "test/issue_1/metrics.csv").unlink()

    assert aside(imported(source)) == {"incidents": {"no metrics": 1}}


def test_an_empty_cell_is_no_sample_and_nan_is_one(source: Path, scenario: Path) -> None:
    path = scenario / "test/issue_1/metrics.csv"
    write(path, [line.replace("1.0,1.1,", ",NaN,") for line in metrics(START)])

    dataset = imported(source)

    assert dataset.import_report()["empty_cells"] == 1
    assert dataset.import_report()["samples"]["non_finite"] == 1
    at = times(dataset, "high_traffic")
    assert START + 2 * FIVE not in at[SITE], "the empty cell's"
    assert START + 2 * FIVE in at[PAY], "the cells after it stay where they were"


def test_rows_that_are_none_are_set_aside_and_the_others_stay(source: Path, scenario: Path) -> None:
    lines = metrics(START, 9)
    lines[5] = lines[5][:20]
    lines[6] += ",1"
    lines[7] = lines[7].replace(".0,", "000.0,", 1)
    lines[8] = "1_0" + lines[8]
    lines[9] = lines[9].replace("5.1", "five")
    lines[10] = '"' + lines[10]
    (scenario / "test/issue_1/metrics.csv").write_bytes(
        b"\xef\xbb\xbf" + "\n".join(lines).encode().replace(b"7.3", b"\xff")
    )

    dataset = imported(source, issue_free="left-out")

    assert aside(dataset) == {
        "samples": {
            "too few cells": 1,
            "too many cells": 1,
            "no time": 2,
            "no number": 1,
            "no row": 1,
            "not UTF-8": 1,
        }
    }
    at = times(dataset, "high_traffic")
    assert [time - START for time in at[SITE][:3]] == [FIVE, 6 * FIVE, 9 * FIVE]


@pytest.mark.parametrize("lines", [["a,b", "1,2"], ["microservice,x", "metric"], ["microservice,x"], [""]])
def test_a_file_without_its_header_lines_is_set_aside(source: Path, scenario: Path, lines: list[str]) -> None:
    write(scenario / "test/issue_1/metrics.csv", lines)

    dataset = imported(source)

    assert aside(dataset)["samples"] == {"no header": 1}
    assert len(dataset.labels().incidents) == 1


def test_columns_that_are_there_twice_or_have_no_node_are_left_out(source: Path, scenario: Path) -> None:
    columns = [*COLUMNS, COLUMNS[0], ("", "latency", "p50")]
    write(scenario / "test/issue_1/metrics.csv", metrics(START, columns=columns))

    assert aside(imported(source)) == {"samples": {"no column": 2}}


def test_a_file_of_another_encoding_is_set_aside(source: Path, scenario: Path) -> None:
    path = scenario / "test/issue_1/metrics.csv"
    path.write_bytes(path.read_text().encode("utf-16"))

    dataset = imported(source)

    assert aside(dataset)["samples"]["no header"] == 1
    assert len(dataset.labels().incidents) == 1


def test_a_graph_is_read_cell_by_cell(source: Path, scenario: Path) -> None:
    path = scenario / "graph.csv"
    lines = path.read_text().splitlines()
    lines[1] = lines[1].replace("1.0", "yes", 1)
    lines[3] = lines[3][:-4]
    write(path, [*lines, "a\tb,0,0,0,0"])

    dataset = imported(source)

    assert aside(dataset)["topology"] == {"no edge": 1, "no row of the graph": 2}
    assert (f"high_traffic/{SITE}", f"high_traffic/{SEARCH}") in edges(dataset)
    assert (f"high_traffic/{DB}", f"high_traffic/{DB}") in edges(dataset), "a service nobody is said to call"


def test_a_graph_without_names_is_set_aside(source: Path, scenario: Path) -> None:
    write(scenario / "graph.csv", ["0,1", "1,0"])

    dataset = imported(source)

    assert aside(dataset)["topology"] == {"no header": 1}
    assert edges(dataset) == set()


def test_nodes_outside_the_graph_are_counted(source: Path, scenario: Path) -> None:
    write_graph(scenario, {SITE: [PAY, SEARCH]}, NODES[:3])

    dataset = imported(source)

    assert dataset.import_report()["nodes_outside_the_graph"] == 1
    assert validate(dataset).passed


def test_files_that_overlap_are_counted_and_their_rows_kept(source: Path, scenario: Path) -> None:
    write_issue(scenario, "test/issue_2", START + 2 * FIVE, target(START + 2 * FIVE))

    dataset = imported(source)

    report = dataset.import_report()
    assert report["issue_files_that_overlap_another"] == 1
    assert report["samples"]["duplicates"] == 3 * len(COLUMNS)
    assert len(dataset.labels().incidents) == 3


@pytest.mark.parametrize("linked", ["test/issue_7", "noissue", "graph.csv", "test/issue_1/metrics.csv"])
def test_no_link_leads_out_of_the_source(source: Path, scenario: Path, tmp_path: Path, linked: str) -> None:
    secret, place = tmp_path / "secret", scenario / linked
    write_issue(secret, ".", START)
    shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
    place.symlink_to(secret / "metrics.csv" if "." in linked else secret)

    with pytest.raises(MalformedInput, match="a link that leads out"):
        imported(source)


def test_a_target_behind_a_link_is_not_read(source: Path, scenario: Path, tmp_path: Path) -> None:
    write(tmp_path / "secret.json", [json.dumps(target(START))])
    (scenario / "test/issue_1/target.json").unlink()
    (scenario / "test/issue_1/target.json").symlink_to(tmp_path / "secret.json")

    with pytest.raises(MalformedInput, match="a link that leads out"):
        imported(source)


def test_a_source_without_scenarios_is_refused_in_words(tmp_path: Path, source: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(MalformedInput, match=r"no <scenario>/<split>/issue_<n>/metrics\.csv here"):
        imported(empty)
    for path in source.rglob("metrics.csv"):
        path.write_text("nothing\n")
    with pytest.raises(MalformedInput, match=r"none of 3 metrics\.csv"):
        imported(source)


def _naive(
    folder: Path, scenario: str, borrowed: Path | None = None
) -> tuple[int, int, set[tuple[str, str]]]:
    """Cells, empty cells and columns of a scenario's files, counted plainly."""
    nodes = set(next(csv.reader((folder / f"dataset/{scenario}/graph.csv").read_text().splitlines()))[1:])
    files = [*(folder / "dataset" / scenario).rglob("metrics.csv"), *([borrowed] if borrowed else [])]
    held, empty, columns = 0, 0, set()
    for path in files:
        names, metric, statistic, _, *rows = csv.reader(path.read_text().splitlines())
        chosen = [n for n in range(1, len(names)) if names[n] in nodes]
        cells = [row[n] for row in rows for n in chosen]
        held += sum(cell != "" for cell in cells)
        empty += cells.count("")
        columns |= {(names[n], metric[n] + statistic[n]) for n in chosen if any(row[n] for row in rows)}
    return held, empty, columns


@pytest.mark.slow
@pytest.mark.data
def test_the_real_part_of_the_set(tmp_path: Path, data_folder: Path) -> None:
    folder = data_folder / "petshop"

    dataset = import_dataset(format="petshop", source=folder, dataset=tmp_path / "petshop")

    high = _naive(folder, "high_traffic")
    lent = folder / "dataset/high_traffic/noissue/metrics.csv"
    temporal = _naive(folder, "temporal_traffic1", lent)
    report, card = dataset.import_report(), dataset.card
    assert card.rows == high[0] + temporal[0] == 336_496
    assert report["empty_cells"] == high[1] + temporal[1] == 36_618
    assert card.series == len(high[2]) + len(temporal[2]) == 595
    cells = [
        cell
        for path in folder.glob("dataset/*/graph.csv")
        for row in list(csv.reader(path.read_text().splitlines()))[1:]
        for cell in row[1:]
    ]
    assert report["calls"] == len(edges(dataset)) == cells.count("1.0") == 90
    targets = {
        f"{path.relative_to(folder / 'dataset').parent}": json.loads(path.read_text())
        for path in folder.rglob("target.json")
    }
    labels = {label.incident_id: label for label in dataset.labels().incidents}
    assert set(labels) == set(targets)
    for name, said in targets.items():
        assert labels[name].start == said["target"]["timestamp"] * SECOND
        assert labels[name].root_service == f"{name.partition('/')[0]}/{said['root_cause']['node']}"
        assert f"{name.partition('/')[0]}/PetSite" in labels[name].affected_services
    changes = [said for said in targets.values() if "python" not in json.dumps(said)]
    assert len(deploys(dataset, decoy=False)) == len(changes) == 31
    assert len(deploys(dataset, decoy=True)) == 3 * 31
    assert report["issue_files_that_overlap_another"] == 0
    assert report["quarantined"] == {}
    assert report["samples"]["out_of_order"] == 0
    dataset.verify()
