"""The shim over HTTP.

    POST /v1/samples /v1/events /v1/reference /v1/ticks   JSON Lines, a JSON array or one object
    GET  /healthz /ready /metrics /v1/contender

200 all taken in · 207 some were not: ``errors`` says which and why, their dead letters are in the journal ·
400 nothing could be read · 403 sent by a web page · 408 too slow · 413 too large · 429 too much at once ·
503 closing, or the journal cannot be written: send again.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from titleshot.datasets.errors import MalformedInput, TitleshotError
from titleshot.registry.serving.shim import Answer, Shim
from titleshot.registry.serving.wire import Fault, Incoming, Kind, read_body

LARGEST_BODY = 8 << 20
"""Bytes of a request."""
MOST_WAITING = 32
"""Requests that are read or wait to be scored at one time; further ones are told to come back."""
SLOWEST_BODY_S = 30.0
MOST_ERRORS = 100
"""Errors that an answer lists; all of them are counted."""

TAKES: dict[str, frozenset[Kind]] = {
    "/v1/samples": frozenset({"sample"}),
    "/v1/events": frozenset({"platform", "log"}),
    "/v1/reference": frozenset({"reference"}),
    "/v1/ticks": frozenset({"tick"}),
}


class _RefusedError(Exception):
    """A request that is refused as a whole."""

    def __init__(self, status: int, reason: str, said: str, **headers: str) -> None:
        super().__init__(said)
        self.status, self.reason, self.headers = status, reason, headers


class Door:
    """Takes requests for a shim, and no more of them at one time than it can hold in memory."""

    def __init__(
        self, shim: Shim, *, largest_body: int = LARGEST_BODY, most_waiting: int = MOST_WAITING
    ) -> None:
        self.shim = shim
        self._largest, self._most = largest_body, most_waiting
        self._waiting = 0

    def app(self) -> Starlette:
        """The ASGI application."""
        routes = [Route(path, self._take, methods=["POST"]) for path in TAKES]
        routes += [
            Route("/healthz", self._healthz),
            Route("/ready", self._ready),
            Route("/metrics", self._metrics),
            Route("/v1/contender", self._contender),
        ]
        return Starlette(routes=routes)

    async def _take(self, request: Request) -> Response:
        try:
            if self._waiting >= self._most:
                raise _RefusedError(429, "busy", "too many requests at once", **{"Retry-After": "1"})
            self._waiting += 1
            try:
                body = await self._body(request)
                return await run_in_threadpool(self._answer, body, TAKES[request.url.path])
            finally:
                self._waiting -= 1
        except _RefusedError as refused:
            self.shim.metrics.add("requests_refused", reason=refused.reason)
            return JSONResponse({"error": str(refused)}, refused.status, headers=refused.headers)

    async def _body(self, request: Request) -> bytes:
        if "origin" in request.headers:
            # No script on a web page may post telemetry through its reader's browser.
            raise _RefusedError(403, "from_a_web_page", "requests from web pages are refused")
        if request.headers.get("content-encoding", "identity") != "identity":
            raise _RefusedError(415, "encoded", "the body is compressed; send it as it is")
        declared = request.headers.get("content-length", "0")
        if declared.isdecimal() and int(declared) > self._largest:
            raise self._too_large()
        parts, size = [], 0
        try:
            async with asyncio.timeout(SLOWEST_BODY_S):
                async for part in request.stream():
                    size += len(part)
                    if size > self._largest:
                        raise self._too_large()
                    parts.append(part)
        except TimeoutError:
            said = f"the body took longer than {SLOWEST_BODY_S:g} s"
            raise _RefusedError(408, "slow", said, Connection="close") from None
        except ClientDisconnect:
            raise _RefusedError(400, "broken_off", "the client went away") from None
        return b"".join(parts)

    def _too_large(self) -> _RefusedError:
        said = f"the body is larger than {self._largest:,} bytes; send fewer records at a time"
        return _RefusedError(413, "too_large", said, Connection="close")

    def _answer(self, body: bytes, kinds: frozenset[Kind]) -> Response:
        try:
            given = read_body(body, kinds)
        except MalformedInput as error:
            raise _RefusedError(400, "malformed", str(error)) from None
        if not given:
            raise _RefusedError(400, "malformed", "the body is empty; send JSON Lines or a JSON array")
        try:
            answer = self.shim.accept(given)
        except TitleshotError as error:
            raise _RefusedError(503, "unavailable", str(error), **{"Retry-After": "1"}) from None
        return JSONResponse(_document(given, answer), _status(given, answer))

    async def _healthz(self, request: Request) -> Response:  # noqa: ARG002
        if self.shim.healthy:
            return PlainTextResponse("ok\n")
        return PlainTextResponse("scoring stopped; start again\n", 503)

    async def _ready(self, request: Request) -> Response:  # noqa: ARG002
        return PlainTextResponse("ready\n") if self.shim.ready else PlainTextResponse("not ready\n", 503)

    async def _metrics(self, request: Request) -> Response:  # noqa: ARG002
        text = await run_in_threadpool(self.shim.metrics_text)
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4")

    async def _contender(self, request: Request) -> Response:  # noqa: ARG002
        return JSONResponse(self.shim.contender())


def _status(given: list[Incoming | Fault], answer: Answer) -> int:
    if all(isinstance(one, Fault) for one in given):
        return 400
    return 207 if answer.dead else 200


def _document(given: list[Incoming | Fault], answer: Answer) -> dict[str, Any]:
    errors = [
        {"record": place, "reason": one.reason, "detail": one.detail}
        for place, one in enumerate(given)
        if isinstance(one, Fault)
    ]
    document: dict[str, Any] = {
        "accepted": answer.accepted,
        "dead": answer.dead,
        "held": answer.held,
        "errors": errors[:MOST_ERRORS],
        "said": [json.loads(one.text) for one in answer.said],
    }
    if errors and len(errors) == len(given):
        document["error"] = f"no record could be read; the first: {errors[0]['detail']}"
    return document
