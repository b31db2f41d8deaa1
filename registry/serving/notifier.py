"""Carries the desk's notices to whoever is paged: a webhook, or lines on standard output."""

from __future__ import annotations

import logging
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from typing import Protocol

from titleshot.datasets.errors import TitleshotError
from titleshot.registry.serving.address import http_address
from titleshot.registry.serving.desk import Notice, PageDesk

LOG = logging.getLogger("titleshot.serving")
_IDLE_S = 0.25


class Sink(Protocol):
    """Where notices go."""

    def tell(self, notice: Notice) -> None:
        """Deliver one.

        Raises:
            OSError: not delivered; it will be tried again.
        """
        ...


class Webhook:
    """POSTs each notice as JSON: ``action`` (trigger, resolve), ``dedup_key``, ``page``.

    The header Idempotency-Key is the same whenever the same notice is sent again. Redirects are refused.
    """

    def __init__(self, url: str, *, timeout_s: float = 10.0) -> None:
        http_address(url, "--notify")
        self.url = url
        self.name = _without_secrets(url)
        self._timeout = timeout_s
        self._opener = urllib.request.build_opener(_NoRedirects)

    def tell(self, notice: Notice) -> None:
        request = urllib.request.Request(  # noqa: S310  http only, checked above
            self.url,
            data=notice.text.encode(),
            headers={
                "Content-Type": "application/json",
                "Idempotency-Key": f"{notice.dedup_key}-{notice.action}",
                "User-Agent": "titleshot",
            },
        )
        try:
            answer: HTTPResponse
            with self._opener.open(request, timeout=self._timeout) as answer:
                answer.read(1024)
        except urllib.error.HTTPError as error:
            error.close()
            raise OSError(f"{self.name} answered {error.code}") from None
        except (OSError, HTTPException) as error:
            raise OSError(f"{self.name}: {getattr(error, 'reason', error)}") from None


class Lines:
    """Writes each notice as a line of JSON."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def tell(self, notice: Notice) -> None:
        self._write(notice.text)


class Notifier:
    """Takes notices off the desk, one after another, until told to stop."""

    def __init__(self, desk: PageDesk, sink: Sink) -> None:
        self._desk, self._sink = desk, sink

    def run(self, stop: threading.Event) -> None:
        """Deliver what is due, wait, look again."""
        while not stop.is_set():
            try:
                idle = not self.step()
            except TitleshotError as error:
                LOG.error("the page desk cannot be read: %s", error)  # noqa: TRY400  the message says it all
                idle = True
            if idle:
                stop.wait(_IDLE_S)

    def step(self) -> bool:
        """Try the next notice that is due; False where there is none."""
        notice = self._desk.due()
        if notice is None:
            return False
        try:
            self._sink.tell(notice)
        except OSError as error:
            LOG.warning("notice %s of %s not delivered: %s", notice.action, notice.dedup_key, error)
            self._desk.failed(notice, str(error))
        else:
            self._desk.delivered(notice)
        return True

    def drain(self, within_s: float) -> None:
        """Deliver what is due before the process ends; the rest waits in the journal for the next one."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline and self.step():
            pass


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def _without_secrets(url: str) -> str:
    """Scheme and host: path and query of a webhook are often its password."""
    parts = urllib.parse.urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}" + (f":{parts.port}" if parts.port else "")
