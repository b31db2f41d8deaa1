"""Real processes on real ports: kill -9, restart, SIGTERM, a flip of the alias, a shadow beside it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import httpx
import pytest
import serving_fixture as made

from titleshot.pipelines.journal import check_journal, registered_at
from titleshot.registry.home import Home
from titleshot.registry.serving.journal_reader import JournalReader
from titleshot.registry.serving.shim import Shim

pytestmark = pytest.mark.slow
PATIENCE_S = 60


@pytest.fixture(autouse=True)
def nobody_left():
    yield
    while Process.running:
        process = Process.running.pop().process
        process.kill()
        process.wait(PATIENCE_S)
        process.stderr.close()


class Pager(BaseHTTPRequestHandler):
    got: list[tuple[str, str]]

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        type(self).got.append((body["action"], body["dedup_key"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def pager():
    Pager.got = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pager)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/page"
    server.shutdown()
    server.server_close()
    thread.join()


class Process:
    """``titleshot serve`` or ``shadow``, with what it says on standard error."""

    running: ClassVar[list[Process]] = []

    def __init__(self, *words: str, home: Home):
        command = [sys.executable, "-m", "titleshot.pipelines.cli", *words, "--home", str(home.path)]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        Process.running.append(self)
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stderr:
            self.said.append(line)

    def until(self, words: str) -> str:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            for line in list(self.said):
                if words in line:
                    return line
            assert self.process.poll() is None or any(words in line for line in self.said), "".join(self.said)
            time.sleep(0.02)
        raise AssertionError(f"never said {words!r}: {''.join(self.said)}")

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        return code

    def client(self) -> httpx.Client:
        return httpx.Client(
            base_url=self.until("listening on").split()[-1], timeout=PATIENCE_S, trust_env=False
        )


def shim(home: Home, *words: str) -> Process:
    return Process(
        "serve",
        made.NAME,
        "--http",
        "127.0.0.1:0",
        "--clock",
        "records",
        "--poll-s",
        "0.2",
        *words,
        home=home,
    )


def journal_of(home: Home, alias: str = "champion") -> Path:
    return home.journals / f"{made.NAME}-{alias}.db"


def said(path: Path) -> list[str]:
    reader = JournalReader(path)
    lines = sorted(one.text for one in reader.said())
    reader.close()
    return lines


def body(given) -> bytes:
    return "\n".join(one.text if isinstance(one, made.Incoming) else "{broken" for one in given).encode()


PATHS = {"sample": "/v1/samples", "reference": "/v1/reference", "platform": "/v1/events", "tick": "/v1/ticks"}


def posts(given):
    """The stream as requests: runs of one kind, at most ten records each."""
    run: list = []
    for one in given:
        kind = one.kind if isinstance(one, made.Incoming) else "sample"
        if run and (run[0] != PATHS[kind] or len(run) > 10):
            yield run[0], body(run[1:])
            run = []
        run = run or [PATHS[kind]]
        run.append(one)
    if run:
        yield run[0], body(run[1:])


def test_kill_9_and_restart_lose_nothing_and_tell_nobody_twice(bare_home, pager, tmp_path):
    requests = list(posts(made.stream()))
    sizes = [len(requests) // 3, 2 * len(requests) // 3, len(requests)]
    start = 0
    for stop in sizes:
        running = shim(bare_home, "--notify", pager)
        with running.client() as client:
            for path, content in requests[start:stop]:
                assert client.post(path, content=content).status_code in {200, 207, 400}
            deadline = time.monotonic() + PATIENCE_S
            while "titleshot_notices_waiting 0" not in client.get("/metrics").text:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            time.sleep(0.2)
        start = stop
        if stop < len(requests):
            running.end(signal.SIGKILL)
    assert running.end() == 0
    check = check_journal(journal_of(bare_home), registered_at(bare_home.path))
    assert check.equal, check.differences
    pages = [line for line in map(json.loads, said(journal_of(bare_home))) if line["kind"] == "page"]
    assert len(pages) >= 3
    assert len(Pager.got) == len(set(Pager.got)), "somebody was told twice"
    assert {key for action, key in Pager.got if action == "trigger"} <= {
        page["record"]["page_id"] for page in pages
    }
    # The same stream through a shim that was never stopped says the same.
    whole = Shim(tmp_path / "whole.db", made.loaded(), clock="records")
    whole.accept(made.stream())
    whole.close()
    strip = [line for line in said(tmp_path / "whole.db") if '"malformed"' not in line]
    assert [line for line in said(journal_of(bare_home)) if '"malformed"' not in line] == strip


def test_what_was_answered_survives_a_kill_in_the_middle_of_everything(bare_home):
    running = shim(bare_home)
    client = running.client()
    answered: list[float] = []

    def post() -> None:
        for minute in range(10_000):
            try:
                answer = client.post("/v1/samples", content=made.sample(minute, float(minute)).text)
            except httpx.HTTPError:
                return
            assert answer.status_code in {200, 207}
            answered.append(float(minute))

    thread = threading.Thread(target=post)
    thread.start()
    while len(answered) < 150:
        time.sleep(0.01)
    os.kill(running.process.pid, signal.SIGKILL)
    thread.join()
    running.end(signal.SIGKILL)
    client.close()
    again = shim(bare_home)
    with again.client() as client:
        assert client.get("/ready").status_code == 200
    assert again.end() == 0
    reader = JournalReader(journal_of(bare_home))
    kept = [json.loads(row.text)["value"] for row in reader.records(0, kind="sample")]
    assert reader.scored == reader.last
    reader.close()
    assert kept[: len(answered)] == answered
    assert len(kept) <= len(answered) + 1
    assert check_journal(journal_of(bare_home), registered_at(bare_home.path)).equal


def test_the_alias_flips_while_records_come(bare_home):
    running = shim(bare_home)
    requests = list(posts(made.stream()))
    with running.client() as client:
        for path, content in requests[: len(requests) // 2]:
            client.post(path, content=content)
        line = made.register(bare_home, made.contender(window=10))
        made.point(bare_home, line)
        running.until("champion is version 2 now")
        bad = made.register(bare_home, made.contender(window=11))
        (bare_home.artifact(bad.tree_digest) / "contender.yaml").write_text("name: gone bad\n")
        made.point(bare_home, bad)
        running.until("version 2 keeps speaking")
        for path, content in requests[len(requests) // 2 :]:
            client.post(path, content=content)
        about = client.get("/v1/contender").json()
        assert (about["version"], about["contender"]) == (2, "window-10")
        assert about["following_failed"]["version"] == 3
        assert "titleshot_swaps 1" in client.get("/metrics").text
    assert running.end() == 0
    check = check_journal(journal_of(bare_home), registered_at(bare_home.path))
    assert check.equal, check.differences
    assert check.said["event"] >= 5


def test_sigterm_answers_what_is_under_way_and_ends_with_0(bare_home):
    running = shim(bare_home)
    given = [made.sample(minute, float(minute % 7)) for minute in range(9000)]
    with running.client() as client:
        answers = []
        thread = threading.Thread(
            target=lambda: answers.append(client.post("/v1/samples", content=body(given)))
        )
        thread.start()
        time.sleep(0.3)
        assert running.end() == 0
        thread.join()
    if answers[0].status_code == 200:
        assert answers[0].json()["accepted"] == 9000
    reader = JournalReader(journal_of(bare_home))
    assert reader.scored == reader.last
    reader.close()
    assert any("records in" in line for line in running.said)


def test_two_shims_on_one_journal_and_two_on_one_port_are_refused(bare_home):
    running = shim(bare_home)
    with running.client() as client:
        place = str(client.base_url).removeprefix("http://").strip("/")
        second = shim(bare_home)
        second.until("another process writes")
        assert second.process.wait(PATIENCE_S) == 2
        third = Process(
            "serve", made.NAME, "--http", place, "--journal", str(bare_home.path / "other.db"), home=bare_home
        )
        third.until("Address already in use")
        assert third.process.wait(PATIENCE_S) == 2
    assert running.end() == 0


def test_a_shadow_beside_the_shim_says_what_the_challenger_would_and_pages_nobody(bare_home, pager):
    challenger = made.contender(window=10)
    made.point(bare_home, made.register(bare_home, challenger), alias="challenger")
    running = shim(bare_home, "--notify", pager)
    requests = list(posts(made.stream()))
    with running.client() as client:
        shadow = Process("shadow", made.NAME, "--poll-s", "0.2", home=bare_home)
        shadow.until("shadows")
        for path, content in requests:
            client.post(path, content=content)
        last = int(client.get("/metrics").text.split("\ntitleshot_journal_records ")[1].split()[0])
    reader = JournalReader(journal_of(bare_home, "challenger"))
    deadline = time.monotonic() + PATIENCE_S
    while reader.scored < last:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert shadow.end() == 0
    assert running.end() == 0
    theirs = {json.loads(one.text)["record"]["page_id"] for one in reader.said() if one.kind == "page"}
    reader.close()
    assert theirs
    assert not theirs & {key for _, key in Pager.got}
    for alias in ("champion", "challenger"):
        check = check_journal(journal_of(bare_home, alias), registered_at(bare_home.path))
        assert check.equal, check.differences


def test_standard_input_is_answered_line_by_line_and_its_end_ends_the_process(bare_home):
    words = [
        sys.executable,
        "-m",
        "titleshot.pipelines.cli",
        "serve",
        made.NAME,
        "--stdin",
        "--clock",
        "records",
    ]
    process = subprocess.Popen(
        [*words, "--home", str(bare_home.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
    )
    for minute in range(19):
        strange = 60.0 if minute == 15 else 10 + minute % 3
        process.stdin.write(f"{made.sample(minute, strange).text}\n".encode())
    process.stdin.flush()
    first = json.loads(process.stdout.readline())
    assert (first["kind"], first["record"]["value"]) == ("event", 60.0)
    rest, _ = process.communicate(b"not json\n" + b'{"a":' * 2000 + b"\n", timeout=PATIENCE_S)
    assert process.returncode == 0
    lines = [first, *map(json.loads, rest.decode().splitlines())]
    assert [line["kind"] for line in lines] == ["event", "incident", "page", "dead_letter", "dead_letter"]
    assert sorted(map(json.loads, said(journal_of(bare_home))), key=str) == sorted(lines, key=str)
    check = check_journal(journal_of(bare_home), registered_at(bare_home.path))
    assert check.equal, check.differences


def test_with_the_time_of_day_ticks_come_without_records(bare_home):
    quick = made.contender(tick_s=1, lateness_s=5)
    made.point(bare_home, made.register(bare_home, quick))
    running = Process("serve", made.NAME, "--http", "127.0.0.1:0", home=bare_home)
    with running.client() as client:
        now = time.time_ns()
        sample = json.loads(made.sample(0, 1.0).text)
        assert client.post("/v1/samples", json=[{**sample, "timestamp": now}]).status_code == 200
        assert client.post("/v1/ticks", json=[{"timestamp": now}]).status_code == 207
        assert client.post("/v1/samples", json=[{**sample, "timestamp": now - 10**10}]).status_code == 207
        time.sleep(2.5)
    assert running.end() == 0
    reader = JournalReader(journal_of(bare_home))
    ticks = [json.loads(row.text)["timestamp"] for row in reader.records(0, kind="tick")]
    reader.close()
    assert len(ticks) >= 2
    assert all("." not in tick for tick in ticks), "they stand at multiples of tick_s"
    check = check_journal(journal_of(bare_home), registered_at(bare_home.path))
    assert check.equal, check.differences
    assert check.said == {"dead_letter": 2}
