"""A history out of a real Prometheus: what was written to it is what is in the dataset."""

from __future__ import annotations

import json
import math
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from prometheus_server import Line, backfill, needs_prometheus, running
from scripted_server import Asked, Reply, passing_on, scripted

from titleshot.datasets.contracts.instants import SECOND, format_instant, parse_instant
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import MalformedInput
from titleshot.pipelines.import_ import import_dataset

START = parse_instant("2026-04-01T00:00:00Z") // SECOND
STEP, ROWS = 15, 960
"""Four hours of a sample every 15 s, on the grid of the clock."""
ODD = [math.inf, -math.inf, math.nan, -0.0, 5e-324, 1.7976931348623157e308, 0.1 + 0.2, 1e22, -1e-7]
FIRING = {"alertstate": "firing", "alertname": "SlowCart", "namespace": "shop", "app": "cart"}


def instant(seconds: float) -> str:
    return format_instant(round(seconds * 1000) * 1_000_000)


def history() -> dict[str, list[Line]]:
    """What is written: doubles of all sizes, odd ones, scrapes off the grid, and alerts."""
    chance = random.Random(7)  # noqa: S311  values for a test
    latency = [
        Line(
            "latency",
            {"namespace": "shop", "app": app, "pod": "a"},
            START + STEP * row,
            ODD[row % 50] if row % 50 < len(ODD) else chance.random() * 10.0 ** chance.randint(-300, 300),
        )
        for app in ("cart", "web")
        for row in range(ROWS)
    ]
    scraped = [
        Line("scraped", {"job": "kube/dns"}, START + STEP * row + chance.randint(1, 900) / 1000, row * 1.5)
        for row in range(ROWS // 2)
    ]
    alerts = [
        Line("ALERTS", {**FIRING, "severity": "page", "team": "checkout"}, START + at, 1.0)
        for first, last in ((600, 900), (3600, 4200), (ROWS * STEP - 120, ROWS * STEP - 30))
        for at in range(first, last + 1, 30)
    ]
    pending = [
        Line("ALERTS", {**FIRING, "alertstate": "pending", "severity": "page"}, START + at, 1.0)
        for at in range(0, 600, 30)
    ]
    return {"latency": latency, "scraped": scraped, "alerts": alerts + pending}


WRITTEN = history()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that holds the history."""
    needs_prometheus()
    folder = tmp_path_factory.mktemp("prometheus")
    backfill(folder, (line for lines in WRITTEN.values() for line in lines))
    with running(folder) as address:
        yield address


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def imported(server: str, place: Path, *queries: str, **options: Any) -> Dataset:
    given = {"from_": instant(START), "to": instant(START + STEP * ROWS), "step_s": float(STEP), **options}
    return import_dataset(format="prometheus", source=server, dataset=place, query=queries, **given)


def samples(dataset: Dataset) -> dict[tuple[str, str, str, int], bytes]:
    """Bits of each value by service, metric, labels and instant."""
    series = dataset.series()
    found: dict[tuple[str, str, str, int], bytes] = {}
    for block in dataset.blocks():
        for code, at, value in zip(block.codes, block.timestamps.tolist(), block.values, strict=True):
            key = series[code]
            place = (key.service_id, key.metric_name, key.series_labels, at)
            assert place not in found, "a point stands twice"
            found[place] = bits(value)
    return found


def bits(value: float) -> bytes:
    # Not a number has many bits; Prometheus keeps one of them and so do we.
    return b"nan" if math.isnan(value) else np.float64(value).tobytes()


def written(lines: list[Line], service: Callable[[Line], str], labels: str) -> dict[Any, bytes]:
    return {
        (service(line), line.metric, labels, round(line.at * 1000) * 1_000_000): bits(line.value)
        for line in lines
    }


def test_values_are_those_that_were_backfilled_bit_for_bit(server: str, tmp_path: Path) -> None:
    wanted = written(WRITTEN["latency"], lambda line: f"shop/{line.labels['app']}", '{"pod":"a"}')

    evaluated = imported(server, tmp_path / "evaluated", "latency")
    recorded = imported(server, tmp_path / "recorded", "latency", recorded=True)

    assert samples(evaluated) == wanted
    assert samples(recorded) == wanted
    assert evaluated.card.digest == recorded.card.digest
    evaluated.verify()


def test_the_cut_into_pieces_leaves_no_trace(server: str, tmp_path: Path) -> None:
    whole = imported(server, tmp_path / "whole", "latency", "scraped")
    cut = imported(server, tmp_path / "cut", "latency", "scraped", chunk_points=7)
    assert cut.card.digest == whole.card.digest
    recorded = imported(server, tmp_path / "recorded", "scraped", recorded=True)
    cut_recorded = imported(server, tmp_path / "cut_recorded", "scraped", recorded=True, chunk_points=1)
    assert cut_recorded.card.digest == recorded.card.digest
    assert cut_recorded.import_report()["requests"]["sent"] > ROWS


def test_recorded_samples_stand_at_their_own_times_and_evaluated_ones_are_carried_forward(
    server: str, tmp_path: Path
) -> None:
    lines = WRITTEN["scraped"]
    wanted = written(lines, lambda _: "kube_dns/kube/dns", "{}")

    recorded = imported(server, tmp_path / "recorded", "scraped", recorded=True)
    evaluated = imported(server, tmp_path / "evaluated", "scraped")

    assert samples(recorded) == wanted
    assert recorded.import_report()["namespaces_with_slash_replaced"] == 1
    last = round(lines[-1].at * SECOND)
    carried = [at - last for (*_, at) in samples(evaluated) if at > last]
    # The lookback of 5 minutes: the series ended, its last value goes on.
    assert len(carried) == 300 // STEP
    assert max(carried) <= 300 * SECOND
    assert "go on" not in evaluated.card.notes
    assert "goes on for the lookback" in evaluated.card.notes


def test_alerts_become_pages(server: str, tmp_path: Path) -> None:
    dataset = imported(server, tmp_path / "shop", "latency")

    pages = dataset.labels().pages
    assert [(page.paged_at // SECOND - START, page.closed_at) for page in pages] == [
        (600, (START + 930) * SECOND),
        (3600, (START + 4230) * SECOND),
        (ROWS * STEP - 120, None),
    ]
    first = pages[0]
    assert (first.route, first.severity, first.services) == ("checkout", "critical", ("shop/cart",))
    assert (first.opened_at, first.last_event_at) == ((START + 600) * SECOND, (START + 900) * SECOND)
    assert first.summary.startswith("SlowCart (")
    assert dataset.import_report()["alerts"] == {"label_sets": 1, "pages": 3, "open_at_the_end": 1}
    assert not dataset.card.evaluation.labels_complete


def test_an_alert_that_fires_before_the_span_is_no_page_of_it(server: str, tmp_path: Path) -> None:
    dataset = imported(server, tmp_path / "shop", "latency", from_=instant(START + 700))

    assert dataset.import_report()["alerts"]["opened_before_the_span"] == 1
    aside = pq.read_table(tmp_path / "shop" / "quarantine" / "pages.parquet").to_pylist()
    assert [row["reason"] for row in aside] == ["opened before the span"]
    assert len(dataset.labels().pages) == 2


def test_a_queries_file_names_what_functions_took_the_name_of(server: str, tmp_path: Path) -> None:
    file = tmp_path / "queries.yaml"
    file.write_text(
        "rules: {service: '{app}', drop: [pod]}\n"
        "queries:\n"
        "  - query: max by (namespace, app) (max_over_time(latency[1m]))\n"
        "    metric_name: latency_max\n"
        "    step_s: 60\n"
        "  - {query: latency, recorded: true, metric_name: 'raw_{__name__}'}\n"
        "alerts: {route: 'on-call-{app}', severities: {page: high}}\n"
    )
    dataset = imported(server, tmp_path / "shop", queries=file)

    assert [(key.service_id, key.metric_name, key.series_labels) for key in dataset.series()] == [
        (f"shop/{app}", metric, "{}") for app in ("cart", "web") for metric in ("latency_max", "raw_latency")
    ]
    assert {(page.route, page.severity) for page in dataset.labels().pages} == {("on-call-cart", "high")}
    steps = [of.get("step_s") for of in dataset.import_report()["queries"]]
    assert steps == [60.0, None]


def test_two_results_of_one_name_are_refused(server: str, tmp_path: Path) -> None:
    file = tmp_path / "queries.yaml"
    file.write_text("queries: [{query: latency, service: shop, keep: []}]\n")
    with pytest.raises(MalformedInput, match="two results would be one series shop/shop/latency"):
        imported(server, tmp_path / "shop", queries=file)


def test_a_query_that_is_none_is_told_in_the_words_of_prometheus(
    server: str, refused: Callable[..., str], tmp_path: Path
) -> None:
    span = ["--from", instant(START), "--to", instant(START + 600)]
    words = ["import", "prometheus", server, tmp_path / "shop", *span]
    refused([*words, "--query", "sum(latency"], 2, "query 1 (sum(latency)", "unclosed left parenthesis")
    refused([*words, "--query", "up"], 2, "no query has a sample", "reach back that far")
    refused(
        [*words, "--query", "sum(latency)", "--recorded"], 2, "query 1 (sum(latency))", "range", "selector"
    )


def test_a_query_whose_results_have_no_name_says_what_is_missing_and_keeps_what_came(
    server: str, tmp_path: Path
) -> None:
    with pytest.raises(MalformedInput, match=r"query 1 \(sum\(latency\)\): none of its 1 results") as refused:
        imported(server, tmp_path / "shop", "sum(latency)")
    assert "no namespace; say in the queries file what its namespace is; what came is kept" in str(
        refused.value
    )
    assert [path.name for path in tmp_path.iterdir()] == [".shop.fetched"]


def test_what_is_too_much_for_the_server_is_asked_for_in_halves(tmp_path: Path, server: str) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    backfill(folder, WRITTEN["latency"])
    with running(folder, flags=("--query.max-samples=1000",)) as strict:
        dataset = imported(strict, tmp_path / "halved", "latency")

    assert dataset.import_report()["requests"]["halved"] >= 1
    assert dataset.card.digest == imported(server, tmp_path / "whole", "latency").card.digest


@pytest.mark.slow
def test_what_was_imported_passes_validation(
    server: str, titleshot: Callable[..., Any], tmp_path: Path
) -> None:
    span = ["--from", instant(START), "--to", instant(START + STEP * ROWS), "--step-s", STEP]
    ran = titleshot("import", "prometheus", server, tmp_path / "shop", "--query", "latency", *span)
    assert ran.code == 0, ran.err
    assert "1,920 samples of 2 series kept" in ran.err
    assert titleshot("validate", tmp_path / "shop").code == 0


@pytest.mark.slow
def test_an_import_that_was_killed_goes_on_where_it_was(server: str, tmp_path: Path) -> None:
    place, killed = tmp_path / "shop", []
    forward = passing_on(server)

    def script(asked: Asked) -> Reply:
        if len(gateway.asked) == 12 and not killed:
            killed.append(asked.question)
            os.kill(process.pid, signal.SIGKILL)
        return forward(asked)

    with scripted(script) as gateway:
        words = [sys.executable, "-m", "titleshot.pipelines.cli", "import", "prometheus", gateway.address]
        words += [str(place), "--query", "latency", "--query", "scraped", "--chunk-points", "50"]
        words += ["--from", instant(START), "--to", instant(START + STEP * ROWS), "--step-s", str(STEP)]
        path = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "build/view")}
        with subprocess.Popen(words, env=path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            assert process.wait(300) == -signal.SIGKILL
        before = gateway.questions
        assert not place.exists()
        assert len(list((tmp_path / ".shop.fetched").glob("*.json.zst"))) == 11

        done = subprocess.run(words, env=path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        after = gateway.questions[len(before) :]

    assert set(before[:11]) & set(after) == set(), "it asked again for what it had"
    assert before[11] in after
    assert len({*before, *after}) == len([*before[:11], *after])
    assert not (tmp_path / ".shop.fetched").exists()
    dataset = Dataset.open(place)
    assert dataset.import_report()["requests"]["answers_kept_from_before"] == 11
    unbroken = imported(server, tmp_path / "unbroken", "latency", "scraped")
    assert dataset.card.digest == unbroken.card.digest


def test_a_server_that_is_away_ends_with_the_code_worth_retrying(
    refused: Callable[..., str], tmp_path: Path
) -> None:
    with scripted(lambda _: Reply(b"", 503)) as away:
        words = ["import", "prometheus", away.address, tmp_path / "shop", "--query", "up", "--attempts", 1]
        refused(words, 4, f"{away.address}: HTTP 503; asked 1 times for query 1 (up); try again later")


EXPORTER = """\
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yml]
scrape_configs:
  - job_name: exporter
    static_configs: [{targets: ["%s"]}]
"""
RULES = """\
groups:
  - name: live
    rules:
      - alert: Broken
        expr: exporter_broken == 1
        labels: {severity: warning}
"""


@pytest.mark.slow
def test_scraped_live_values_are_as_old_as_the_notes_say_and_a_firing_rule_is_a_page(tmp_path: Path) -> None:
    needs_prometheus()
    broken_from = time.time() + 5

    def exporter(_: Asked) -> Reply:
        now = time.time()
        text = f"exporter_clock_seconds {now:.6f}\nexporter_broken {int(now >= broken_from)}\n"
        return Reply(text.encode(), headers={"Content-Type": "text/plain; version=0.0.4"})

    folder = tmp_path / "prometheus"
    folder.mkdir()
    (folder / "rules.yml").write_text(RULES)
    began = time.time()
    with (
        scripted(exporter) as target,
        running(folder, EXPORTER % target.address.removeprefix("http://")) as server,
    ):
        wait_for(server, "ALERTS")
        time.sleep(3)
        span = {"from_": instant(began), "to": instant(time.time() - 1), "step_s": 0.25}
        live = imported(server, tmp_path / "live", "exporter_clock_seconds", recorded=True, **span)
        evaluated = imported(server, tmp_path / "evaluated", "exporter_clock_seconds", **span)

    recorded, carried = ages(live), ages(evaluated)
    print(json.dumps({"recorded_age_s": recorded.tolist(), "evaluated_age_s": carried.tolist()}))
    # Recorded: the moment the scrape began, in milliseconds; the exporter reads its clock right after it.
    assert np.all(recorded < 0.002), recorded
    # Evaluated: what was scraped last, up to a scrape interval (1 s) old, and the step of 0.25 s repeats it.
    assert 0.4 < carried.max() < 300, carried
    values = np.concatenate([block.values for block in evaluated.blocks()])
    assert len(np.unique(values)) < len(values) / 2

    (page,) = live.labels().pages
    assert (page.route, page.severity, page.services) == ("Broken", "medium", ("exporter/exporter",))
    assert page.paged_at / SECOND >= broken_from
    assert page.closed_at is None


def wait_for(server: str, query: str) -> None:
    """Wait until a query has a result."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    until = time.monotonic() + 120
    while time.monotonic() < until:
        with direct.open(f"{server}/api/v1/query?query={query}", timeout=30) as answer:
            if json.load(answer)["data"]["result"]:
                return
        time.sleep(0.5)
    raise AssertionError(f"{query} has no result after 120 s")


def ages(dataset: Dataset) -> np.ndarray:
    """Seconds from the moment a value was read to the moment it stands at."""
    blocks = list(dataset.blocks())
    return np.concatenate([block.timestamps / SECOND - block.values for block in blocks])
