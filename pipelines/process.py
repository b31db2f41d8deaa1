"""What ``serve`` and ``shadow`` share as processes that run until they are told to end."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from titleshot.datasets.errors import UsageError
from titleshot.pipelines.argument_types import amount

if TYPE_CHECKING:
    from titleshot.registry.serving.resolver import Resolver

LOG = logging.getLogger("titleshot.serving")


def name_and_alias(text: str, default: str = "champion") -> tuple[str, str]:
    """NAME[@ALIAS] as a pair.

    >>> name_and_alias("checkout-paging"), name_and_alias("checkout-paging@challenger")
    (('checkout-paging', 'champion'), ('checkout-paging', 'challenger'))
    """
    name, at, alias = text.removeprefix("models:/").partition("@")
    if not name or (at and not alias) or not all(c.isalnum() or c in "-_" for c in name + alias):
        raise UsageError(f"{text!r} is no NAME or NAME@ALIAS of a registered model")
    return name, alias or default


def resolver_for(
    name: str, alias: str, *, home: Path, registry: str | None, public_key: Path | str | None = None
) -> Resolver:
    """The way to the registry: an MLflow server where one is named, else the home."""
    from titleshot.registry.home import Home
    from titleshot.registry.serving.mlflow_rest import MlflowResolver
    from titleshot.registry.serving.resolver import HomeResolver

    named = os.environ.get("MLFLOW_TRACKING_URI", "")
    url = registry or (named if named.startswith(("http://", "https://")) else None)
    key = Path(public_key) if public_key else Home(home).keys / "promoter.pub"
    if url is None:
        return HomeResolver(Home(home), name, alias, public_key=key)
    return MlflowResolver(url, name, alias, public_key=key)


def prepare_kernels(home: Path) -> None:
    """Before anything compiled is imported: a place for the kernels where the installation has none."""
    package = Path(__file__).resolve().parent.parent / "detectors"
    if not os.access(package, os.W_OK):
        os.environ.setdefault("NUMBA_CACHE_DIR", str((home / "kernels").resolve()))


@contextmanager
def log_to_stderr(*, quiet: bool) -> Iterator[None]:
    """Say what happens while the process serves, a line each; of what goes wrong also when ``quiet``."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    handler.setLevel(logging.WARNING if quiet else logging.INFO)
    before = LOG.level
    LOG.addHandler(handler)
    LOG.setLevel(logging.INFO)
    try:
        yield
    finally:
        LOG.removeHandler(handler)
        LOG.setLevel(before)


@contextmanager
def stop_on_signals() -> Iterator[tuple[threading.Event, int]]:
    """An event, and a descriptor that becomes readable, once the process is told to end."""
    stop = threading.Event()
    told, tell = os.pipe()

    def end(*_: object) -> None:
        if not stop.is_set():
            stop.set()
            os.write(tell, b"x")

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop, told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(told)
        os.close(tell)


def following(parser: argparse.ArgumentParser, journal: str) -> None:
    """Arguments that ``serve`` and ``shadow`` share."""
    parser.add_argument("--journal", type=Path, metavar="FILE", help=f"default {journal}")
    parser.add_argument(
        "--poll-s",
        type=amount,
        default=5.0,
        metavar="S",
        help="between looks at the alias (default 5)",
    )
    parser.add_argument("--registry", metavar="URL", help="an MLflow server (default: the home)")
    parser.add_argument(
        "--public-key", type=Path, metavar="FILE", help="the promoter's (default HOME/keys/promoter.pub)"
    )
