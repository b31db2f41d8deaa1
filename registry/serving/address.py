"""Addresses that a user names: http or https with a host, and never a password in a message."""

from __future__ import annotations

import urllib.parse

from titleshot.datasets.errors import UsageError


def http_address(url: str, what: str) -> urllib.parse.SplitResult:
    """The parts of an address.

    Raises:
        UsageError: no http or https address; says ``what`` it was for.

    >>> http_address("https://pages.example:8443/v2?key=x", "--notify").hostname
    'pages.example'
    """
    way_out = "write http://HOST:PORT or https://HOST"
    # Before an @ stands a password, and path and query of a webhook often are one.
    shown = f" {url!r}" if "@" not in url and "/" not in url.partition("://")[2] else ""
    try:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0:
            return parts
    except ValueError as error:
        raise UsageError(f"{what}{shown}: {error}; {way_out}") from None
    raise UsageError(f"{what}{shown} is no http:// or https:// address; {way_out}")
