"""The page desk: whoever is paged is told once, in order, and never forgotten."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import serving_fixture as made

from titleshot.datasets.contracts.incidents import Page
from titleshot.datasets.errors import UsageError
from titleshot.registry.serving.desk import PageDesk
from titleshot.registry.serving.journal import Journal
from titleshot.registry.serving.notifier import Lines, Notifier, Webhook


def page(number: int, service: str | None = "commerce/checkout", status: str = "sent", route: str = "shop"):
    fields = {
        "page_id": f"p{number}",
        "incident_id": f"i{number}",
        "status": status,
        "route": route,
        "severity": "high",
        "services": ("commerce/checkout", "commerce/payment"),
        "opened_at": made.START,
        "paged_at": made.START,
        "last_event_at": made.START,
        "probable_service": service,
    }
    return Page.model_validate(fields)


class Desk:
    """A desk with a pager that can be out of order and a clock that can be set."""

    def __init__(self, path):
        self.now = made.START
        self.told: list[tuple[str, str]] = []
        self.working = True
        self.path = path
        self.open()

    def open(self):
        self.journal = Journal(self.path, role="shim", meta={"name": "m"})
        self.desk = PageDesk(self.journal, wall=lambda: self.now)
        self.notifier = Notifier(self.desk, self)

    def tell(self, notice):
        if not self.working:
            raise OSError("pager is out of order")
        content = json.loads(notice.text)
        self.told.append((content["action"], content["dedup_key"]))

    def take(self, *pages):
        with self.journal.transaction() as db:
            self.desk.take(db, pages)
        while self.notifier.step():
            pass

    def adopt(self, *pages):
        with self.journal.transaction() as db:
            self.desk.adopt(db, pages)
        while self.notifier.step():
            pass


@pytest.fixture
def at(tmp_path):
    desk = Desk(tmp_path / "j.db")
    yield desk
    desk.journal.close()


def test_a_page_is_told_once_and_its_end_once(at):
    at.take(page(1))
    at.take(page(1))
    at.take(page(1, status="closed"))
    at.take(page(1, status="closed"))
    assert at.told == [("trigger", "p1"), ("resolve", "p1")]


def test_a_page_about_the_same_service_to_the_same_route_joins_the_open_one(at):
    at.take(page(1), page(2), page(1, status="closed"))
    assert at.told == [("trigger", "p1")]
    at.take(page(2, status="closed"))
    assert at.told == [("trigger", "p1"), ("resolve", "p1")]
    assert at.desk.joined == 1


def test_other_routes_and_services_are_told_apart(at):
    at.take(page(1), page(2, route="money"), page(3, service="commerce/payment"), page(4, service=None))
    assert [key for _, key in at.told] == ["p1", "p2", "p3", "p4"]


def test_nobody_is_told_again_after_a_restart(at):
    at.take(page(1))
    at.journal.close()
    at.open()
    at.take(page(1), page(2))
    assert at.told == [("trigger", "p1")]


def test_another_version_that_holds_the_page_open_too_tells_nobody_again(at):
    at.take(page(1), page(2, service="commerce/payment"))
    at.adopt(page(8))
    assert at.told[2:] == [("resolve", "p2")], "no version is left that would ever close it"
    at.take(page(8, status="closed"))
    assert at.told[3:] == [("resolve", "p1")]


def test_a_pager_out_of_order_is_tried_later_and_later_and_gets_things_in_order(at):
    at.working = False
    at.take(page(1))
    waits = []
    for _ in range(12):
        waits.append(0)
        while at.desk.due() is None:
            at.now += 10**9
            waits[-1] += 1
        assert at.notifier.step()
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    at.take(page(1, status="closed"))
    assert at.told == []
    assert at.desk.failures == 13
    at.working = True
    at.now += 301 * 10**9
    while at.notifier.step():
        pass
    assert at.told == [("trigger", "p1"), ("resolve", "p1")]
    assert at.desk.counts() == {"open": 0, "waiting": 0}


def test_a_pager_out_of_order_for_one_page_does_not_hold_up_another(at):
    at.working = False
    at.take(page(1))
    at.working = True
    at.take(page(2, route="money"))
    assert at.told == [("trigger", "p2")]


def test_what_was_not_told_before_a_restart_is_told_after_it(at):
    at.working = False
    at.take(page(1))
    at.journal.close()
    at.open()
    at.working, at.now = True, at.now + 10**10
    at.notifier.drain(5)
    assert at.told == [("trigger", "p1")]


class Pager(BaseHTTPRequestHandler):
    status = 200
    got: list[tuple[dict[str, str], dict[str, object]]]

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        type(self).got.append((dict(self.headers), body))
        self.send_response(self.status)
        if self.status == 302:
            self.send_header("Location", "http://127.0.0.1:1/")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def pager():
    Pager.got, Pager.status = [], 200
    server = HTTPServer(("127.0.0.1", 0), Pager)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/secret-token"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_webhook_gets_the_page_with_a_key_that_is_the_same_every_time(at, pager):
    at.notifier = Notifier(at.desk, Webhook(pager))
    Pager.status = 500
    at.take(page(1))
    Pager.status = 204
    at.now += 10**10
    at.notifier.drain(5)
    (first, _), (second, body) = Pager.got
    assert first["Idempotency-Key"] == second["Idempotency-Key"] == "p1-trigger"
    assert body["page"]["services"] == ["commerce/checkout", "commerce/payment"]
    assert at.desk.counts()["waiting"] == 0


@pytest.mark.parametrize("status", [302, 404, 500])
def test_any_other_answer_is_a_failure_and_tells_no_secret(at, pager, status):
    Pager.status = status
    at.notifier = Notifier(at.desk, Webhook(pager))
    at.take(page(1))
    with at.journal.reading() as db:
        (error,) = db.execute("SELECT error FROM notices").fetchone()
    assert str(status) in error
    assert "secret-token" not in error


def test_a_webhook_that_is_away_is_a_failure():
    notice = type("Any", (), {"text": "{}", "dedup_key": "k", "action": "trigger"})()
    with pytest.raises(OSError, match="127"):
        Webhook("http://127.0.0.1:1/x").tell(notice)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://host/x", "checkout", "http://"])
def test_only_http_is_an_address_to_notify(url):
    with pytest.raises(UsageError, match="no http"):
        Webhook(url)


def test_notices_can_be_lines(at):
    lines: list[str] = []
    at.notifier = Notifier(at.desk, Lines(lines.append))
    at.take(page(1))
    assert json.loads(lines[0])["dedup_key"] == "p1"
