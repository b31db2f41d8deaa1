"""``shadow``: a challenger over a shim's journal, in its own process, without a voice."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

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


def shadow(
    name: str,
    *,
    home: Path | str,
    follow: Path | str | None = None,
    journal: Path | str | None = None,
    once: bool = False,
    until_idle_s: float | None = None,
    poll_s: float = 5.0,
    registry: str | None = None,
    public_key: Path | str | None = None,
) -> dict[str, Any]:
    """Run a challenger over a journal until SIGTERM; returns what there is to say at the end.

    Args:
        name: NAME or NAME@ALIAS; the alias is ``challenger`` where none is given.
        follow: the shim's journal; default HOME/journals/NAME-champion.db.
        journal: its own; default HOME/journals/NAME-ALIAS.db.
        once: stop when every record there is has been taken in.
        until_idle_s: stop when nothing has come for so many seconds.

    Raises:
        UsageError: no such model or alias, no journal to follow.
        IntegrityError: the artifact is not what was registered, or the journal is another than before.
        Unreachable: the registry does not answer.
    """
    model, alias = name_and_alias(name, "challenger")
    journals = Path(home) / "journals"
    followed = Path(follow) if follow else journals / f"{model}-champion.db"
    place = Path(journal) if journal else journals / f"{model}-{alias}.db"
    if place.resolve() == followed.resolve():
        raise UsageError(f"{place} is the journal that is followed; name another with --journal")
    prepare_kernels(Path(home))

    from titleshot.registry.serving.sidecar import Sidecar

    resolver = resolver_for(model, alias, home=Path(home), registry=registry, public_key=public_key)
    sidecar = Sidecar(place, followed, resolver.load(resolver.find()))
    LOG.info("%s %s version %s shadows %s, journal %s", model, alias, sidecar.found.version, followed, place)
    try:
        with stop_on_signals() as (stop, _):
            idle = 0.0 if once else until_idle_s
            sidecar.run(stop, resolver=resolver, poll_s=poll_s, until_idle_s=idle)
        return {
            "name": model,
            "alias": alias,
            "version": sidecar.found.version,
            "journal": str(place),
            "follows": str(followed),
            "records": sidecar.records,
            "lag": sidecar.lag,
        }
    finally:
        sidecar.close()


def arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``titleshot shadow``."""
    parser.add_argument("name", metavar="NAME[@ALIAS]", help="a registered model (alias: challenger)")
    parser.add_argument(
        "--follow", type=Path, metavar="JOURNAL", help="the shim's (default HOME/journals/NAME-champion.db)"
    )
    parser.add_argument("--once", action="store_true", help="stop when all that is there has been taken in")
    parser.add_argument(
        "--until-idle",
        type=amount,
        dest="until_idle_s",
        metavar="S",
        help="stop when nothing came for that long",
    )
    following(parser, "HOME/journals/NAME-ALIAS.db")


def command(args: argparse.Namespace, progress: Progress) -> Outcome:  # noqa: ARG001  nothing to show
    """Run ``titleshot shadow``."""
    with log_to_stderr(quiet=args.quiet):
        done = shadow(
            args.name,
            home=args.home,
            follow=args.follow,
            journal=args.journal,
            once=args.once,
            until_idle_s=args.until_idle_s,
            poll_s=args.poll_s,
            registry=args.registry,
            public_key=args.public_key,
        )
    text = (
        f"{done['name']} version {done['version']} shadowed {done['records']:,} records "
        f"of {done['follows']}, {done['lag']:,} to go; journal: {done['journal']}"
    )
    return Outcome(text, done)
