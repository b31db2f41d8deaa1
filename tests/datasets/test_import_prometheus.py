"""Answers of Prometheus into a dataset: names, odd points, collisions, and a broken-off import."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from scripted_server import Asked, Reply, constant, matrix, scripted, steps

from titleshot.datasets.contracts.instants import MINUTE, SECOND, format_instant, parse_instant
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import MalformedInput, TitleshotError, Unreachable, UsageError
from titleshot.datasets.importers.prometheus import fetching
from titleshot.datasets.importers.prometheus import server as server_module
from titleshot.pipelines.import_ import import_dataset

START = parse_instant("2026-04-01T00:00:00Z")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "FIRST_WAIT_S", 0.001)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def imported(script: Callable[[Asked], Reply], place: Path, **options: Any) -> Dataset:
    """Ten steps of a minute."""
    given = {
        "from_": format_instant(START),
        "to": format_instant(START + 10 * MINUTE),
        "attempts": 2,
        **({} if "queries" in options else {"query": ("up",)}),
        **options,
    }
    with scripted(script) as server:
        return import_dataset(format="prometheus", source=server.address, dataset=place / "shop", **given)


def series(labels: dict[str, str], *points: list[Any], **also: Any) -> dict[str, Any]:
    return {"metric": labels, "values": [*points], **also}


def at(minute: float) -> float:
    return START / SECOND + 60 * minute


UP = {"__name__": "up", "job": "web"}


def test_no_numbers_are_kept_as_they_are(tmp_path: Path) -> None:
    words = ["NaN", "+Inf", "-Inf", "1e-320", "-0", "0.30000000000000004", "7"]
    points = [[at(minute), word] for minute, word in enumerate(words)]
    dataset = imported(lambda _: matrix(series(UP, *points)), tmp_path, no_alerts=True)

    (block,) = dataset.blocks()
    wanted = [math.nan, math.inf, -math.inf, 1e-320, -0.0, 0.30000000000000004, 7.0]
    assert np.array_equal(block.values, wanted, equal_nan=True)
    assert np.signbit(block.values[4])
    assert dataset.import_report()["samples"]["non_finite"] == 3


def test_points_that_are_none_are_set_aside_with_their_reason(tmp_path: Path) -> None:
    points = [
        [at(0), "1"], [at(1), 5], [at(2), "five"], ["noon", "1"], [True, "1"], [at(3)], "x", [1e300, "1"],
        [at(4), "2"], [at(4) + 0.5, "3"], [at(-1), "4"], [at(10), "5"],
    ]  # fmt: skip
    dataset = imported(lambda _: matrix(series(UP, *points)), tmp_path, no_alerts=True)

    assert dataset.card.rows == 2
    report = dataset.import_report()
    assert report["quarantined"]["samples"] == {
        "a time not asked for": 3,
        "a time that is none": 3,
        "a value that is no text": 1,
        "no pair of a time and a number": 3,
    }
    assert report["queries"] == [{"query": "up", "series": 1, "samples": 2, "set_aside": 10, "step_s": 60.0}]
    rows = pq.read_table(dataset.path / "quarantine" / "samples.parquet").to_pylist()
    assert [at(1), 5] in [json.loads(row["record"]) for row in rows]
    assert {row["source"] for row in rows} == {"query 1"}


def test_native_histograms_are_set_aside_with_a_way_out(tmp_path: Path) -> None:
    histogram = [[at(1), {"count": "3", "sum": "9", "buckets": [[0, "0", "1", "3"]]}]] * 2

    def script(_: Asked) -> Reply:
        only = {"metric": {**UP, "pod": "b"}, "histograms": histogram}
        return matrix(series(UP, [at(0), "1"], histograms=histogram), only)

    dataset = imported(script, tmp_path, no_alerts=True)
    assert dataset.card.rows == dataset.card.series == 1
    report = dataset.import_report()
    assert report["queries"][0]["set_aside"] == 4
    assert report["quarantined"]["series"] == {"native histogram": 2}
    (row, _) = pq.read_table(dataset.path / "quarantine" / "series.parquet").to_pylist()
    assert "ask for histogram_quantile" in row["detail"]


def test_default_rules_name_most_setups(tmp_path: Path) -> None:
    labels = [
        {"__name__": "up", "job": "web"},
        {"__name__": "up", "job": "pods", "namespace": "shop", "app": "cart", "pod": "a"},
        {"__name__": "up", "job": "pods", "namespace": "shop", "service": "cart-svc", "app": "cart"},
        {"__name__": "up", "job": "kube/dns", "empty": ""},
    ]
    dataset = imported(
        lambda _: matrix(*(series(of, [at(0), "1"]) for of in labels)), tmp_path, no_alerts=True
    )

    assert [tuple(key) for key in dataset.series()] == [
        ("kube_dns", "kube/dns", "up", "{}"),
        ("shop", "cart", "up", '{"job":"pods","pod":"a"}'),
        ("shop", "cart-svc", "up", '{"app":"cart","job":"pods"}'),
        ("web", "web", "up", "{}"),
    ]


def test_results_without_a_name_are_set_aside_beside_others(tmp_path: Path) -> None:
    nameless = [
        {"__name__": "up"},
        {"__name__": "up", "job": "a\nb"},
        {"__name__": "up", "job": "half \ud800"},
        {"__name__": "up", "job": "web", "pod": "half \ud800"},
    ]
    answer = matrix(*(series(labels, [at(0), "1"]) for labels in (UP, *nameless)))
    other = matrix(series({"__name__": "other", "job": "web"}, [at(0), "1"]))

    def script(asked: Asked) -> Reply:
        return answer if asked.parameters["query"] == "up" else other

    report = imported(script, tmp_path, query=("up", "other"), no_alerts=True).import_report()

    assert report["quarantined"]["series"] == {"a name that cannot be": 3, "no namespace": 1}
    assert report["queries"][0]["set_aside"] == 4


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "<script>alert(1)</script>", "'; drop table", "%00", "{x}"]
)
def test_hostile_names_stay_names(name: str, tmp_path: Path) -> None:
    dataset = imported(
        lambda _: matrix(series({"__name__": name, "job": name}, [at(0), "1"])), tmp_path, no_alerts=True
    )
    (key,) = dataset.series()
    assert (key.service, key.metric_name) == (name, name)


def queries(folder: Path, text: str) -> Path:
    file = folder / "queries.yaml"
    file.write_text(text)
    return file


COLLIDE = {
    "two results of a query": "queries: [{query: up, service: web, drop: [pod, a, b]}]",
    "results of two queries": "queries: [{query: up}, {query: down, metric_name: up}]",
    "a template that reads two ways": "queries: [{query: up, service: '{a}{b}', namespace: x, keep: []}]",
}


@pytest.mark.parametrize("text", COLLIDE.values(), ids=COLLIDE)
def test_results_are_never_merged_in_silence(text: str, tmp_path: Path) -> None:
    def script(asked: Asked) -> Reply:
        named = {"__name__": asked.parameters["query"], "job": "web"}
        results = [
            {**named, "pod": pod, "a": a, "b": b} for pod, a, b in (("1", "x", "yz"), ("2", "xy", "z"))
        ]
        return matrix(*(series(labels, [at(0), "1"]) for labels in results))

    with pytest.raises(MalformedInput, match="two results would be one series") as refused:
        imported(script, tmp_path, queries=queries(tmp_path, text), no_alerts=True)
    assert '"pod":"2"' in str(refused.value) or "of query 2" in str(refused.value)


def test_one_result_twice_in_an_answer_is_refused(tmp_path: Path) -> None:
    answer = matrix(series(UP, [at(0), "1"]), series(UP, [at(1), "1"]))
    with pytest.raises(MalformedInput, match="stands twice in an answer"):
        imported(lambda _: answer, tmp_path, no_alerts=True)


def test_neither_the_order_of_queries_nor_of_results_shows_in_the_dataset(tmp_path: Path) -> None:
    def script(asked: Asked) -> Reply:
        pods = ["a", "b", "c"] if len(steps(asked)) > 4 else ["c", "a", "b"]
        named = {"__name__": asked.parameters["query"], "job": "web"}
        return matrix(
            *(series({**named, "pod": pod}, *([s, pod.encode().hex()] for s in steps(asked))) for pod in pods)
        )

    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    one = imported(script, tmp_path / "one", query=("up", "down"), no_alerts=True)
    two = imported(script, tmp_path / "two", query=("down", "up"), chunk_points=3, no_alerts=True)
    assert one.card.rows == 60
    assert one.card.digest == two.card.digest


def test_queries_without_results_are_reported(tmp_path: Path) -> None:
    def script(asked: Asked) -> Reply:
        return constant(asked) if asked.parameters["query"] == "up" else matrix()

    report = imported(script, tmp_path, query=("up", "gone"), no_alerts=True).import_report()
    assert report["queries_without_results"] == ["gone"]


FAULTS = {
    "queries: [{query: up, metric: x}]": "queries.yaml:1: queries.0.metric: unknown field; did you mean",
    "queries:\n  - query: up\n    service: '{app'": "queries.yaml:3: queries.0.service: rule '{app': a brace",
    "queries:\n  - query: up\n    service: 5": "queries.yaml:3: queries.0.service: ",
    "queries:\n  - query: up\n    step_s: 0": "queries.yaml:3: queries.0.step_s: a step is seconds above 0",
    "queries:\n  - query: up\n    step_s: 0.0001": "in whole milliseconds",
    "queries: []": "queries.yaml:1: queries: ",
    "rules: {service: []}\nqueries: [{query: up}]": "queries.yaml:1: rules.service: ",
    "queries:\n- {query: up}\n- {query: ' up'}": "queries.yaml:3: queries.1: the same question as query 1",
    "schema_version: '2.0'\nqueries: [{query: up}]": "this code reads 1.x",
    "queries: [{query: up}]\nalerts: {severities: {page: loud}}": "queries.yaml:2: alerts.severities.page: ",
    "queries: !!python/name:os.system []": "queries.yaml:1: ",
    "": "the file is empty",
}


@pytest.mark.parametrize(("text", "says"), FAULTS.items())
def test_a_fault_of_the_queries_file_names_line_and_field(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(MalformedInput) as refused:
        imported(constant, tmp_path, queries=queries(tmp_path, text))
    assert says in str(refused.value)
    assert [path.name for path in tmp_path.iterdir()] == ["queries.yaml"]


ASKED_WRONGLY: list[tuple[dict[str, Any], str]] = [
    ({"query": ()}, "nothing is asked: name a --queries FILE.yaml, or a --query SELECTOR"),
    ({"query": (" ",)}, "--query ' ': "),
    ({"query": ("up\udc80",)}, "give a selector like"),
    ({"query": ("x" * 100_001,)}, "give a selector like"),
    ({"query": ("up", "up")}, "the same question as query 1"),
    ({"step_s": 0.0}, "--step-s: a step is seconds above 0"),
    ({"step_s": math.nan}, "--step-s: a step is seconds above 0"),
    ({"step_s": 1 / 3}, "whole milliseconds"),
    ({"from_": "yesterday"}, "--from: timestamp 'yesterday' is not ISO 8601"),
    ({"from_": "2026-04-01 00:00:00"}, "--from: timestamp '2026-04-01 00:00:00' has no zone"),
    ({"to": "2026-03-01T00:00:00Z"}, "--from must be before --to"),
    ({"to": "2200-01-01T00:00:00Z"}, "lies ahead"),
    ({"chunk_points": 11_001}, "--chunk-points must be 1 to 11,000, got 11001"),
    ({"chunk_points": 0}, "--chunk-points must be 1 to 11,000"),
    ({"attempts": 0}, "--attempts must be"),
    ({"timeout_s": math.nan}, "--timeout-s must be"),
    ({"most_response_mb": 0}, "--most-response-mb must be"),
    ({"alert_gap_s": -1.0}, "--alert-gap-s must be"),
]


@pytest.mark.parametrize(("options", "says"), ASKED_WRONGLY)
def test_what_cannot_be_asked_is_refused_before_anything_is(
    options: dict[str, Any], says: str, tmp_path: Path
) -> None:
    def nobody(_: Asked) -> Reply:
        raise AssertionError("it asked")

    with pytest.raises(UsageError) as refused:
        imported(nobody, tmp_path, **options)
    assert says in str(refused.value)


def test_times_without_a_zone_are_read_in_the_named_one(tmp_path: Path) -> None:
    span = {"from_": "2026-04-01 02:00:00", "to": "2026-04-01 02:10:00", "zone": "Europe/Berlin"}
    report = imported(constant, tmp_path, **span).import_report()
    assert report["asked"]["from"] == "2026-04-01T00:00:00Z"
    assert report["times_without_zone"]["times"] == 2


class Breaks:
    """Answers until it has answered so often, then is down."""

    def __init__(self, answers: int) -> None:
        self.left = answers
        self.asked: list[tuple[str, str]] = []

    def __call__(self, asked: Asked) -> Reply:
        if self.left == 0:
            return Reply(b"", 503)
        self.left -= 1
        self.asked.append(asked.question)
        return constant(asked)


def test_a_broken_off_import_goes_on_where_it_was(tmp_path: Path) -> None:
    script = Breaks(3)
    with scripted(script) as server:

        def again(**options: Any) -> Dataset:
            span = {"from_": format_instant(START), "to": format_instant(START + 10 * MINUTE)}
            given = {"query": ("up",), "chunk_points": 2, "no_alerts": True, "attempts": 1, **span, **options}
            return import_dataset(
                format="prometheus", source=server.address, dataset=tmp_path / "shop", **given
            )

        with pytest.raises(Unreachable, match=r"what came is kept in \.shop\.fetched beside the dataset"):
            again()
        kept = sorted((tmp_path / ".shop.fetched").iterdir())
        assert len(kept) == 3
        assert [path.name for path in tmp_path.iterdir()] == [".shop.fetched"]

        # One that broke since, and one of another question.
        kept[0].write_bytes(kept[0].read_bytes()[:20])
        (tmp_path / ".shop.fetched" / f"{'0' * 64}.json.zst").write_bytes(b"stale")
        script.left = -1
        dataset = again()

    assert len(script.asked) == 3 + 1 + 2
    assert len(set(script.asked)) == 5
    assert dataset.card.rows == 10
    assert dataset.import_report()["requests"]["answers_kept_from_before"] == 2
    assert not (tmp_path / ".shop.fetched").exists()


@pytest.mark.parametrize(
    "other", [{"step_s": 30.0}, {"query": ("up ",), "from_": "2026-04-01T00:01:00Z"}, {"query": ("up{}",)}]
)
def test_answers_to_another_question_are_not_taken(other: dict[str, Any], tmp_path: Path) -> None:
    script = Breaks(1)
    with pytest.raises(Unreachable):
        imported(script, tmp_path, chunk_points=8, no_alerts=True, attempts=1)
    script.left = -1
    report = imported(script, tmp_path, chunk_points=8, no_alerts=True, **other).import_report()
    assert report["requests"]["answers_kept_from_before"] == 0


def test_what_may_still_change_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock:
        @staticmethod
        def time_ns() -> int:
            return START + 12 * MINUTE

    monkeypatch.setattr(fetching, "time", Clock)
    with pytest.raises(Unreachable):
        imported(Breaks(4), tmp_path, chunk_points=2, no_alerts=True, attempts=1)
    # Two steps to a piece, and only what is ten minutes old is settled: the first.
    assert len(list((tmp_path / ".shop.fetched").iterdir())) == 1


SAID: list[tuple[dict[str, Any], int]] = [
    ({"isPartial": False}, 1),
    ({"isPartial": True}, 0),
    ({"warnings": ["a store was away"]}, 0),
    ({"warnings": ["PromQL warning: a quantile above 1"]}, 1),
    ({"infos": ["PromQL info: might not be a counter"]}, 1),
]


@pytest.mark.parametrize(("also", "kept"), SAID)
def test_a_partial_answer_is_not_kept(also: dict[str, Any], kept: int, tmp_path: Path) -> None:
    def script(asked: Asked) -> Reply:
        if steps(asked)[0] > START / SECOND:
            return Reply(b"", 503)
        return Reply(json.dumps({**json.loads(constant(asked).body), **also}).encode())

    with pytest.raises(Unreachable):
        imported(script, tmp_path, chunk_points=2, no_alerts=True, attempts=1)
    assert len(list(tmp_path.glob(".shop.fetched/*"))) == kept


def test_a_link_in_the_place_of_what_is_kept_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".shop.fetched").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="is a link; remove it"):
        imported(constant, tmp_path, no_alerts=True)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_typo_in_the_last_query_shows_before_the_first_is_fetched(tmp_path: Path) -> None:
    asked_for: list[str] = []

    def script(asked: Asked) -> Reply:
        asked_for.append(asked.parameters["query"])
        if asked.parameters["query"] == "zzz(":
            return Reply(b'{"status":"error","errorType":"bad_data","error":"parse error"}', 400)
        return constant(asked)

    with pytest.raises(TitleshotError, match=r"query 2 \(zzz\(\)"):
        imported(script, tmp_path, query=("up", "zzz("), chunk_points=1)
    assert asked_for == ["up", "zzz("]


INCIDENT = {
    "incident_id": "i-1",
    "start": "2026-04-01T00:03:00Z",
    "end": "2026-04-01T00:05:00Z",
    "root_service": "web/web",
    "severity": "high",
    "kind": "outage",
    "source": "human",
    "known_at": "2026-04-01T00:05:00Z",
}


def test_labels_and_reference_data_come_from_a_folder_beside(tmp_path: Path) -> None:
    folder = tmp_path / "records"
    folder.mkdir()
    edge = {
        "kind": "topology",
        "caller": "web/web",
        "callee": "web/web",
        "valid_from": "2026-03-01T00:00:00Z",
    }
    (folder / "incidents.jsonl").write_text(f"{json.dumps(INCIDENT)}\nnonsense\n")
    (folder / "reference.jsonl").write_text(json.dumps({**edge, "known_from": "2026-03-01T00:00:00Z"}))

    dataset = imported(constant, tmp_path, beside=folder, no_alerts=True)

    assert [label.incident_id for label in dataset.labels().incidents] == ["i-1"]
    assert len(dataset.reference()) == 1
    assert dataset.card.evaluation.labels_complete
    assert dataset.import_report()["files_beside"]["incidents.jsonl"] == {"lines": 2, "used": 1}
    assert not imported(constant, tmp_path, replace=True).card.evaluation.labels_complete


@pytest.mark.parametrize("made", [False, True])
def test_a_folder_without_records_is_refused_before_anything_is_asked(made: bool, tmp_path: Path) -> None:
    def nobody(_: Asked) -> Reply:
        raise AssertionError("it asked")

    if made:
        (tmp_path / "records").mkdir()
    with pytest.raises(MalformedInput, match=r"--beside .*no folder with incidents"):
        imported(nobody, tmp_path, beside=tmp_path / "records")


def test_what_had_to_be_halved_is_not_asked_for_whole_again(tmp_path: Path) -> None:
    asked_for: list[int] = []
    down = False

    def script(asked: Asked) -> Reply:
        asked_for.append(len(steps(asked)))
        if down and len(asked_for) > 2:
            return Reply(b"", 503)
        if asked_for[-1] > 5:
            return Reply(b'{"errorType":"execution","error":"too many samples"}', 422)
        return constant(asked)

    with scripted(script) as server:

        def again() -> Dataset:
            span = {"from_": format_instant(START), "to": format_instant(START + 10 * MINUTE), "attempts": 1}
            given = {"query": ("up",), "no_alerts": True, **span}
            return import_dataset(
                format="prometheus", source=server.address, dataset=tmp_path / "shop", **given
            )

        down = True
        with pytest.raises(Unreachable):
            again()
        down = False
        before = len(asked_for)
        assert again().card.rows == 10
    assert sorted(asked_for[:before]) == [5, 5, 10]
    assert asked_for[before:] == [5]
