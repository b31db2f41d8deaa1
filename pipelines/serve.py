"""``serve``: the version an alias means, over HTTP or on standard input; the alias is followed.

Nothing heavy is imported before the process serves: no MLflow, no dataframe library.
"""

from __future__ import annotations

import argparse
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from titleshot.datasets.errors import UsageError
from titleshot.pipelines.argument_types import amount
from titleshot.pipelines.outcome import Outcome, Progress
from titleshot.pipelines.process import (
    LOG,
    following,
    log_to_stderr,
    name_and_alias,
    prepare_kernels,
    resolver_for,
    stop_on_signals,
)

if TYPE_CHECKING:
    from titleshot.registry.serving.notifier import Sink
    from titleshot.registry.serving.shim import Shim

ADDRESS = "127.0.0.1:8710"
DRAIN_S = 10.0


class Address(NamedTuple):
    """Where the shim listens."""

    host: str
    port: int


def serve(
    name: str,
    *,
    home: Path | str,
    http: str | None = None,
    stdin: bool = False,
    journal: Path | str | None = None,
    clock: Literal["arrival", "records"] = "arrival",
    delay_s: float = 0.0,
    notify: str | None = None,
    poll_s: float = 5.0,
    registry: str | None = None,
    public_key: Path | str | None = None,
    largest_body: int | None = None,
) -> dict[str, Any]:
    """Serve until SIGTERM or, on standard input, until it ends; returns what there is to say at the end.

    Args:
        name: NAME or NAME@ALIAS of a registered model; the alias is ``champion`` where none is given.
        http: HOST:PORT to listen on; port 0 takes a free one.
        stdin: take records from standard input instead and write what is said to standard output.
        journal: default HOME/journals/NAME-ALIAS.db.
        clock: ``arrival`` is the time of day, ``records`` that of the records (for a history).
        notify: URL to POST pages to, or ``-`` for standard output; default nobody is told.
        poll_s: seconds between looks at the alias.
        registry: address of an MLflow server; default MLFLOW_TRACKING_URI where that is one, else the home.

    Raises:
        UsageError: no such model or alias, the journal is another's, the address is taken.
        IntegrityError: the artifact is not what was promoted.
        Unreachable: the registry does not answer.
    """
    if stdin and http is not None:
        raise UsageError("--http and --stdin exclude each other; choose one")
    if stdin and notify == "-":
        raise UsageError("with --stdin pages are on standard output already; leave --notify - out")
    if not 0 <= delay_s < float("inf"):
        raise UsageError(f"--delay-s must be 0 seconds or more, got {delay_s:g}")
    model, alias = name_and_alias(name)
    address = None if stdin else _address(http or ADDRESS)
    sink = _sink(notify)
    prepare_kernels(Path(home))

    from titleshot.registry.serving.following import Follower
    from titleshot.registry.serving.served import warm_kernels
    from titleshot.registry.serving.shim import Shim
    from titleshot.registry.serving.standard_input import output_lines

    resolver = resolver_for(model, alias, home=Path(home), registry=registry, public_key=public_key)
    loaded = resolver.load(resolver.find())
    warm_kernels(loaded.contender)
    place = Path(journal) if journal else Path(home) / "journals" / f"{model}-{alias}.db"
    listener = output_lines(sys.stdout.fileno()) if stdin else None
    shim = Shim(place, loaded, clock=clock, delay_s=delay_s, desk=sink is not None, listener=listener)
    shim.follower = Follower(resolver, shim, poll_s)
    LOG.info("%s %s version %s speaks, journal %s", model, alias, shim.found.version, place)
    try:
        with _at_work(shim, sink, ticks=clock == "arrival"):
            if address is None:
                _from_standard_input(shim)
            else:
                _over_http(shim, address, largest_body)
        return {**shim.contender(), "journal": str(place), "records": shim.journal.last}
    finally:
        shim.close()


@contextmanager
def _at_work(shim: Shim, sink: Sink | None, *, ticks: bool) -> Iterator[None]:
    """The threads beside the one that takes records: ticks, the alias, the page desk."""
    from titleshot.registry.serving.notifier import Notifier

    stop = threading.Event()
    notifier = Notifier(shim.desk, sink) if shim.desk is not None and sink is not None else None
    targets = [shim.run_ticks] if ticks else []
    targets += [shim.follower.run] if shim.follower else []
    targets += [notifier.run] if notifier else []
    threads = [threading.Thread(target=target, args=(stop,), daemon=True) for target in targets]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(DRAIN_S)
        if notifier is not None:
            notifier.drain(DRAIN_S)


def _over_http(shim: Shim, address: Address, largest_body: int | None) -> None:
    try:
        import uvicorn

        from titleshot.registry.serving.http import LARGEST_BODY, Door
    except ModuleNotFoundError as error:
        raise UsageError(f"{error.name} is not installed; run: pip install 'titleshot[serve]'") from None

    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    # Named as TCP, or asyncio leaves Nagle's algorithm on and every answer waits 40 ms.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        # From here on connections wait for the server, so that what is said below is true.
        listening.listen(128)
        host, port = listening.getsockname()[:2]
    except OSError as error:
        listening.close()
        raise UsageError(
            f"{address.host}:{address.port}: {error.strerror}; name another with --http"
        ) from None
    config = uvicorn.Config(
        Door(shim, largest_body=largest_body or LARGEST_BODY).app(),
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=round(DRAIN_S),
    )
    if host not in {"127.0.0.1", "::1"}:
        LOG.warning("listening beyond this machine: whoever reaches %s may post telemetry", host)
    LOG.info("listening on http://%s:%s", f"[{host}]" if ":" in host else host, port)
    server = uvicorn.Server(config)
    # In a thread of its own it leaves signals to us; in the main one it would die of them too early.
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    with stop_on_signals() as (stop, _):
        thread.start()
        while thread.is_alive() and not stop.wait(0.5):
            pass
        server.should_exit = True
        thread.join(2 * DRAIN_S)
    LOG.info("stopped listening; what was accepted has been scored")


def _from_standard_input(shim: Shim) -> None:
    from titleshot.registry.serving.standard_input import InputLines

    with stop_on_signals() as (_, told):
        if InputLines(shim, sys.stdin.fileno(), told).run():
            shim.end()


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"--http {text!r} is no HOST:PORT like {ADDRESS}")
    return Address(host.strip("[]") or "127.0.0.1", int(port))


def _sink(notify: str | None) -> Sink | None:
    if notify is None:
        return None
    from titleshot.registry.serving.notifier import Lines, Webhook

    if notify == "-":
        return Lines(lambda line: (sys.stdout.write(f"{line}\n"), sys.stdout.flush())[1])
    return Webhook(notify)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``titleshot serve``."""
    parser.add_argument("name", metavar="NAME[@ALIAS]", help="a registered model (alias: champion)")
    parser.add_argument("--http", metavar="HOST:PORT", help=f"listen there (default {ADDRESS})")
    parser.add_argument(
        "--stdin", action="store_true", help="records on standard input, what is said on standard output"
    )
    parser.add_argument("--clock", choices=("arrival", "records"), default="arrival", help="whose time it is")
    parser.add_argument(
        "--delay-s",
        type=float,
        default=0.0,
        metavar="S",
        help="with --clock records: from timestamp to arrival where a record has no ingested_at",
    )
    parser.add_argument("--notify", metavar="URL", help="POST pages there (- writes them to standard output)")
    parser.add_argument("--max-body-mb", type=amount, metavar="MB", help="largest request (default 8)")
    following(parser, "HOME/journals/NAME-ALIAS.db")


def command(args: argparse.Namespace, progress: Progress) -> Outcome:  # noqa: ARG001  nothing to show
    """Run ``titleshot serve``."""
    with log_to_stderr(quiet=args.quiet):
        done = serve(
            args.name,
            home=args.home,
            http=args.http,
            stdin=args.stdin,
            journal=args.journal,
            clock=args.clock,
            delay_s=args.delay_s,
            notify=args.notify,
            poll_s=args.poll_s,
            registry=args.registry,
            public_key=args.public_key,
            largest_body=round(args.max_body_mb * (1 << 20)) if args.max_body_mb else None,
        )
    text = (
        f"{done['name']} version {done['version']} served; records in {done['journal']}: {done['records']:,}"
    )
    return Outcome(text, done)
