"""A server of the Prometheus HTTP API: asked with patience, believed with care.

What is passing (no connection, time-out, a cut-off answer, 429, 5xx) is asked again, with longer and longer
waits. Redirects are not followed: the token goes to the host that was named and nowhere else.
"""

from __future__ import annotations

import http.client
import json
import ssl
import time
import urllib.error
import urllib.request
import zlib
from typing import Any, NoReturn
from urllib.parse import urlencode, urlsplit

from titleshot.datasets.errors import MalformedInput, Unreachable, UsageError
from titleshot.datasets.importers.prometheus.address import TOKEN_VARIABLE, Address

FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 60.0
_LONGEST_GET = 2000
"""Characters of a question that still go into the address; some proxies let only GET pass."""
_ERROR_BYTES = 1 << 16
_PIECE = 1 << 16
_EDGE = 256
"""Bytes at either end within which an answer's braces stand."""
_WHOLE_IN_TIMEOUTS = 5
"""A whole answer may take this many times the time-out."""
_TOO_MUCH = ("too many samples", "exceeded maximum resolution", "query timed out", "max-samples", "too large")


class TooMuch(Exception):
    """The answer is, or would be, more than one side wants to handle: ask for less at once."""


class _Again(Exception):
    """It may go well the next time."""

    def __init__(self, why: str, wait_s: float | None = None) -> None:
        super().__init__(why)
        self.wait_s = wait_s


class Server:
    """Asks one server.

    Args:
        token: bearer token, or None. It is taken out of whatever the server says.
        timeout_s: seconds without a byte before a question is asked again.
        attempts: how often a question is asked before the server counts as away.
        most_bytes: of one answer, unpacked.
        ca_file: certificates of the authorities to trust, instead of the system's.

    Raises:
        UsageError: the file of authorities is none.
    """

    def __init__(
        self,
        address: Address,
        *,
        token: str | None,
        timeout_s: float,
        attempts: int,
        most_bytes: int,
        ca_file: str | None = None,
    ) -> None:
        self.address = address
        self.asked = 0
        """Requests sent."""
        self.again = 0
        """Of those, the ones that repeat one that failed."""
        self._token = token
        self._timeout_s, self._attempts, self._most = timeout_s, attempts, most_bytes
        self._opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler(),
            urllib.request.HTTPHandler(),
            urllib.request.HTTPSHandler(context=_trust(ca_file)),
            urllib.request.HTTPErrorProcessor(),
            urllib.request.HTTPDefaultErrorHandler(),
        ):
            self._opener.add_handler(handler)

    def ask(self, what: str, path: str, question: dict[str, str]) -> str:
        """The JSON text that answers a question.

        Args:
            what: the question in an error message.
            path: below the address, such as ``/api/v1/query_range``.

        Raises:
            TooMuch: the answer is too large, or too much work for the server.
            MalformedInput: the server refuses the question, or is no Prometheus.
            UsageError: it does not let us in.
            Unreachable: it did not answer, however often it was asked.
        """
        for attempt in range(1, self._attempts + 1):
            self.asked += 1
            self.again += attempt > 1
            try:
                return self._once(what, path, question)
            except _Again as again:
                why = again
            if attempt < self._attempts:
                usual = FIRST_WAIT_S * 2 ** (attempt - 1)
                time.sleep(min(usual if why.wait_s is None else why.wait_s, LONGEST_WAIT_S))
        words, times = self.words(str(why)), f"asked {self._attempts} times"
        raise Unreachable(f"{self.address}: {words}; {times} for {what}; try again later")

    def words(self, text: str) -> str:
        """What a server said, to be shown: in one line, not too long, without our token."""
        if self._token:
            text = text.replace(self._token, "[token]")
        text = " ".join(text.split())
        return text if len(text) <= 300 else f"{text[:300]}…"

    def _once(self, what: str, path: str, question: dict[str, str]) -> str:
        try:
            with self._opener.open(self._request(path, question), timeout=self._timeout_s) as response:
                return self._text(response)
        except urllib.error.HTTPError as error:
            with error:
                self._refused(what, error)
        except TimeoutError:
            raise _Again(f"no answer within {self._timeout_s:g} s") from None
        except http.client.RemoteDisconnected:
            raise _Again("closed the connection without an answer") from None
        except http.client.IncompleteRead:
            raise _Again("the answer was cut off") from None
        except http.client.HTTPException as error:
            raise MalformedInput(
                f"{self.address}: speaks no HTTP ({type(error).__name__}); is it Prometheus' address?"
            ) from None
        except zlib.error as error:
            raise MalformedInput(f"{self.address}: the answer cannot be unpacked: {error}") from None
        except urllib.error.URLError as error:
            self._no_connection(error.reason)
        except OSError as error:
            self._no_connection(error)

    def _request(self, path: str, question: dict[str, str]) -> urllib.request.Request:
        body = urlencode(question)
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "titleshot"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        short = len(body) <= _LONGEST_GET
        return urllib.request.Request(  # noqa: S310  the scheme was checked
            f"{self.address.url}{path}?{body}" if short else f"{self.address.url}{path}",
            data=None if short else body.encode(),
            headers=headers,
        )

    def _text(self, response: http.client.HTTPResponse) -> str:
        kind = response.headers.get("Content-Type", "nothing")
        if "json" not in kind.lower():
            raise MalformedInput(
                f"{self.address}: answers with {self.words(kind)} where JSON was asked for; a login page or"
                " another program? Give the address under which /api/v1 of Prometheus stands"
            )
        content = self._content(response)
        if not _begins_object(content):
            raise MalformedInput(f"{self.address}: the answer is no JSON object; is it Prometheus' address?")
        if not content[-_EDGE:].rstrip().endswith(b"}"):
            raise _Again("the answer was cut off")
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            raise MalformedInput(f"{self.address}: the answer is not UTF-8 (byte {error.start})") from None

    def _content(self, response: http.client.HTTPResponse) -> bytearray:
        packing = response.headers.get("Content-Encoding", "identity").lower()
        if packing not in {"gzip", "identity"}:
            raise MalformedInput(
                f"{self.address}: the answer is packed as {self.words(packing)}; asked for gzip"
            )
        unpack = zlib.decompressobj(wbits=31) if packing == "gzip" else None
        until = time.monotonic() + _WHOLE_IN_TIMEOUTS * self._timeout_s
        promised = response.headers.get("Content-Length", "")
        left = int(promised) if promised.isascii() and promised.isdigit() else None
        content = bytearray()
        while left != 0:
            piece = response.read1(_PIECE if left is None else min(left, _PIECE))
            if not piece:
                break
            left = None if left is None else left - len(piece)
            if unpack is None:
                content += piece
            else:
                content += unpack.decompress(piece, self._most + 1 - len(content))
            if not _begins_object(content):
                return content  # its rest is not worth reading
            if len(content) > self._most:
                raise TooMuch(f"the answer is more than {self._most:,} bytes")
            if time.monotonic() > until:
                raise _Again(f"the answer was not whole after {_WHOLE_IN_TIMEOUTS * self._timeout_s:g} s")
        if left or (unpack is not None and not unpack.eof):
            raise _Again("the answer was cut off")
        return content

    def _refused(self, what: str, error: urllib.error.HTTPError) -> NoReturn:
        status = error.code
        if 300 <= status < 400:
            raise MalformedInput(
                f"{self.address}: leads on to {self.words(_where(error.headers.get('Location')))}, and"
                " redirects are not followed; give the address it ends at"
            )
        kind, said = _said(error)
        about = f"HTTP {status}{f', {self.words(said)}' if said else ''}"
        if status in {401, 403}:
            raise UsageError(
                f"{self.address} does not let us in ({about}); give a token with --bearer-token-file or in"
                f" {TOKEN_VARIABLE}"
            )
        if kind == "timeout" or any(words in said for words in _TOO_MUCH):
            raise TooMuch(about)
        if status == 429 or status >= 500:
            raise _Again(about, _retry_after(error))
        if status == 404:
            raise MalformedInput(
                f"{self.address}: nothing at /api/v1 there ({about}); give the address it stands under"
            )
        raise MalformedInput(f"{what}: Prometheus refuses it: {about}")

    def _no_connection(self, reason: object) -> NoReturn:
        if isinstance(reason, ssl.SSLCertVerificationError):
            raise UsageError(
                f"{self.address}: its certificate is not trusted ({reason.verify_message}); name the"
                " certificates of its authority with --ca-file"
            ) from None
        if isinstance(reason, ssl.SSLError) and reason.reason in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST"}:
            raise UsageError(f"{self.address}: speaks no TLS there; is it http://?") from None
        if isinstance(reason, TimeoutError):
            raise _Again(f"no connection within {self._timeout_s:g} s") from None
        text = (reason.strerror if isinstance(reason, OSError) else None) or reason
        raise _Again(f"no connection: {text}") from None


def _trust(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(
            f"--ca-file {ca_file}: cannot be used ({error.strerror or error}); give a PEM file"
        ) from None


def _begins_object(content: bytearray) -> bool:
    """False as soon as it is certain that no JSON object begins."""
    first = content[:_EDGE].lstrip()[:1]
    return first == b"{" or (not first and len(content) < _EDGE)


def _where(location: str | None) -> str:
    """Where a redirect leads, without what its query may say."""
    parts = urlsplit(location or "")
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}" if host else parts.path or "nowhere"


def _said(error: urllib.error.HTTPError) -> tuple[str, str]:
    """Kind and words of an error, as far as they can be had."""
    try:
        content = error.read(_ERROR_BYTES)
        if error.headers.get("Content-Encoding", "").lower() == "gzip":
            content = zlib.decompressobj(wbits=31).decompress(content, _ERROR_BYTES)
        text = content.decode(errors="replace")
    except (OSError, http.client.HTTPException, zlib.error):
        return "", ""
    try:
        document: Any = json.loads(text)
    except (ValueError, RecursionError):
        html = "html" in error.headers.get("Content-Type", "")
        return "", "" if html else text
    if not isinstance(document, dict):
        return "", text
    return str(document.get("errorType", "")), str(document.get("error", ""))


def _retry_after(error: urllib.error.HTTPError) -> float | None:
    given = (error.headers.get("Retry-After") or "").strip()
    return float(given) if given.isascii() and given.isdigit() and len(given) < 9 else None
