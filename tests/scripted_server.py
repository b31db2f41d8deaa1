"""A small HTTP server that does what a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import json
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Asked:
    """One request."""

    path: str
    parameters: dict[str, str]
    headers: dict[str, str]
    method: str

    @property
    def question(self) -> tuple[str, str]:
        """What was asked, to compare."""
        return self.path, json.dumps(self.parameters, sort_keys=True)


@dataclass
class Reply:
    """One response; ``promised`` is the Content-Length where it is not that of the body."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    promised: int | None = None
    before: Callable[[], object] | None = None
    """Called before anything is sent."""


Script = Callable[[Asked], Reply]


@dataclass
class Scripted:
    """A running server."""

    address: str
    asked: list[Asked]

    @property
    def questions(self) -> list[tuple[str, str]]:
        return [one.question for one in self.asked]


@contextmanager
def scripted(script: Script, tls: ssl.SSLContext | None = None) -> Iterator[Scripted]:
    """A server on a free port that answers each request as the script says."""
    asked: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer("")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

        def _answer(self, body: str) -> None:
            parts = urlsplit(self.path)
            given = {name: texts[0] for name, texts in parse_qs(body or parts.query).items()}
            one = Asked(parts.path, given, dict(self.headers), self.command)
            asked.append(one)
            reply = script(one)
            if reply.before is not None:
                reply.before()
            try:
                self.send_response(reply.status)
                length = len(reply.body) if reply.promised is None else reply.promised
                headers = {"Content-Type": "application/json", "Content-Length": str(length), **reply.headers}
                for name, text in headers.items():
                    self.send_header(name, text)
                self.end_headers()
                self.wfile.write(reply.body)
            except OSError:
                pass  # it had enough and went away

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield Scripted(f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}", asked)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def passing_on(upstream: str) -> Script:
    """Asks another server and hands its answer on."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def script(asked: Asked) -> Reply:
        from urllib.parse import urlencode

        try:
            with direct.open(f"{upstream}{asked.path}?{urlencode(asked.parameters)}", timeout=30) as answer:
                return Reply(answer.read(), headers={"Content-Type": answer.headers["Content-Type"]})
        except urllib.error.HTTPError as error:
            return Reply(error.read(), error.code)

    return script


def matrix(*series: dict[str, Any], **also: Any) -> Reply:
    """An answer of Prometheus with these results."""
    document = {"status": "success", "data": {"resultType": "matrix", "result": [*series]}, **also}
    return Reply(json.dumps(document).encode())


def steps(asked: Asked) -> list[float]:
    """The moments a range query asks for, in seconds."""
    start, end, step = (round(float(asked.parameters[name]) * 1000) for name in ("start", "end", "step"))
    return [at / 1000 for at in range(start, end + 1, step)]


def constant(asked: Asked, value: str = "1", **labels: str) -> Reply:
    """One series ``up`` of job ``web`` that always has one value; no alerts."""
    if "start" not in asked.parameters:
        return matrix()
    named = {"__name__": "up", "job": "web", **labels}
    return matrix({"metric": named, "values": [[at, value] for at in steps(asked)]})
