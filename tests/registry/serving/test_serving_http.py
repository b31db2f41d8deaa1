"""The shim over HTTP: answers, limits, and what a web page may not do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest
import serving_fixture as made

from titleshot.registry.serving.http import Door
from titleshot.registry.serving.shim import Shim


@pytest.fixture
def shim(tmp_path):
    made_now = Shim(tmp_path / "j.db", made.loaded(), clock="records")
    yield made_now
    made_now.close()


def call(shim: Shim, method: str, path: str, *, door: Door | None = None, **more) -> httpx.Response:
    async def once() -> httpx.Response:
        transport = httpx.ASGITransport((door or Door(shim)).app())
        async with httpx.AsyncClient(transport=transport, base_url="http://shim") as client:
            return await client.request(method, path, **more)

    return asyncio.run(once())


def lines(*given) -> bytes:
    return "\n".join(one.text for one in given).encode()


def test_samples_are_accepted_and_what_is_said_comes_with_the_answer(shim):
    given = [made.sample(minute, 60.0 if minute == 15 else 10 + minute % 3) for minute in range(20)]
    answer = call(shim, "POST", "/v1/samples", content=lines(*given))
    assert answer.status_code == 200
    assert (answer.json()["accepted"], answer.json()["errors"]) == (20, [])
    said = answer.json()["said"]
    assert [one["kind"] for one in said] == ["event", "incident", "page"]
    assert said[0]["policy"] == "alerted"
    assert said[2]["record"]["status"] == "sent"


def test_an_array_and_reference_data_and_events_and_ticks_go_where_they_belong(shim):
    sample = json.loads(made.sample(0, 1.0).text)
    service = {"timestamp": sample["timestamp"], "namespace": "commerce", "service": "checkout"}
    owned = {"kind": "ownership", "service": "commerce/checkout", "team": "shop"}
    since = {"valid_from": "2026-01-01T00:00:00Z", "known_from": "2026-01-01T00:00:00Z"}
    posts = {
        "/v1/samples": [sample],
        "/v1/reference": [{**owned, **since}],
        "/v1/events": [{**service, "reason": "OOMKilled"}, {**service, "level": "error", "template": "t"}],
        "/v1/ticks": [{"timestamp": "2026-04-26T01:30:00Z"}],
    }
    for path, body in posts.items():
        answer = call(shim, "POST", path, json=body)
        assert (answer.status_code, answer.json()["accepted"]) == (200, len(body)), path
    kinds = [row.kind for row in shim.journal.records(0)]
    assert [kinds.count(kind) for kind in ("sample", "reference", "platform", "log")] == [1] * 4
    assert kinds[-1] == "tick"


def test_broken_records_are_reported_one_by_one_and_the_others_are_taken_in(shim):
    body = lines(made.sample(0, 1.0)) + b"\n{broken\n" + lines(made.sample(1, 2.0))
    answer = call(shim, "POST", "/v1/samples", content=body)
    assert answer.status_code == 207
    document = answer.json()
    assert (document["accepted"], document["dead"]) == (2, 1)
    assert document["errors"][0]["record"] == 1
    assert document["errors"][0]["reason"] == "malformed"


def test_a_late_record_is_accepted_by_nobody_and_says_so(shim):
    call(
        shim,
        "POST",
        "/v1/samples",
        content=lines(made.sample(0, 1.0), made.sample(4, 1.0), made.sample(8, 1.0)),
    )
    answer = call(shim, "POST", "/v1/samples", content=lines(made.sample(0, 5.0)))
    assert answer.status_code == 207
    assert answer.json()["said"][0]["record"]["reason"] == "late"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "body is empty"),
        (b"[1,", "no JSON array"),
        (b"\xff", "not UTF-8"),
        (b"checkout is slow", "no record could be read; the first: not JSON"),
        (b'{"timestamp": "2026-04-26T01:00:00Z"}', "no record could be read; the first: sample"),
    ],
)
def test_what_cannot_be_read_at_all_is_answered_with_400_and_the_reason(shim, body, said):
    answer = call(shim, "POST", "/v1/samples", content=body)
    assert answer.status_code == 400
    assert said in answer.json()["error"]


def test_a_body_that_is_too_large_is_refused_whether_it_says_so_or_not(shim):
    door = Door(shim, largest_body=1000)
    assert call(shim, "POST", "/v1/samples", door=door, content=b"x" * 1001).status_code == 413

    async def stream() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b"x" * 100

    answer = call(shim, "POST", "/v1/samples", door=door, content=stream())
    assert answer.status_code == 413
    assert "larger than 1,000 bytes" in answer.json()["error"]
    assert shim.journal.last == 0
    assert shim.metrics.value("requests_refused", reason="too_large") == 2


def test_a_web_page_may_not_post_and_a_compressed_body_is_refused(shim):
    body = lines(made.sample(0, 1.0))
    headers = {"Origin": "https://evil.example"}
    assert call(shim, "POST", "/v1/samples", content=body, headers=headers).status_code == 403
    headers = {"Content-Encoding": "gzip"}
    assert call(shim, "POST", "/v1/samples", content=body, headers=headers).status_code == 415
    assert call(shim, "GET", "/v1/samples").status_code == 405
    assert call(shim, "POST", "/v1/nothing", content=body).status_code == 404
    assert shim.journal.last == 0


def test_too_many_at_once_are_told_to_come_back(shim):
    answer = call(shim, "POST", "/v1/samples", door=Door(shim, most_waiting=0), content=b"{}")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")


def test_health_readiness_metrics_and_the_contender_can_be_asked(shim):
    assert call(shim, "GET", "/healthz").text == "ok\n"
    assert call(shim, "GET", "/ready").status_code == 200
    about = call(shim, "GET", "/v1/contender").json()
    assert (about["name"], about["version"], about["clock"]) == (made.NAME, 1, "records")
    call(shim, "POST", "/v1/samples", content=lines(made.sample(0, 1.0)))
    metrics = call(shim, "GET", "/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    assert 'titleshot_records_total{kind="sample"} 1' in metrics.text
    assert "titleshot_ready 1" in metrics.text
    shim.close()
    assert call(shim, "GET", "/ready").status_code == 503
    assert call(shim, "POST", "/v1/samples", content=lines(made.sample(1, 1.0))).status_code == 503
    assert call(shim, "GET", "/metrics").status_code == 200


def test_a_name_in_telemetry_never_reaches_the_metrics(shim):
    name = 'x"} 1\ntitleshot_ready 0'
    given = [{**json.loads(made.sample(0, 1.0).text), "service": name.replace("\n", "")}]
    assert call(shim, "POST", "/v1/samples", json=given).json()["accepted"] == 1
    assert 'x"}' not in call(shim, "GET", "/metrics").text
