"""What a ledger says is live, was live and is half done. Importable by a thin shim."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from titleshot.registry.ledger import AnyLine, Committed, Intended, OutOfBand, Registered

CHAMPION = "champion"
CHALLENGER = "challenger"


class Standing(NamedTuple):
    """Where an alias stands by committed lines only.

    ``intent`` is the line that put it there; None where a person accepted an out-of-band change.
    """

    version: int
    since: int
    """Nanoseconds UTC of the commit."""
    intent: Intended | None


def alias_of(group: str | None) -> str:
    """The champion's alias of a service group; names are encoded to MLflow's alphabet ``[A-Za-z0-9_-]``.

    >>> alias_of(None), alias_of("checkout"), alias_of("a/b_c")
    ('champion', 'champion--checkout', 'champion--a_2fb_5fc')
    """
    if group is None:
        return CHAMPION
    encoded = re.sub(rb"[^A-Za-z0-9-]", lambda match: b"_%02x" % match.group()[0], group.encode())
    return f"{CHAMPION}--{encoded.decode()}"


def group_of(alias: str) -> str | None:
    """The service group of a champion's alias.

    >>> group_of("champion--a_2fb_5fc")
    'a/b_c'
    """
    encoded = alias.removeprefix(CHAMPION).removeprefix("--")
    if not encoded:
        return None
    raw = re.sub(rb"_([0-9a-f]{2})", lambda match: bytes.fromhex(match.group(1).decode()), encoded.encode())
    return raw.decode(errors="replace")


def standing(lines: Iterable[AnyLine], name: str) -> dict[str, Standing]:
    """Alias to where it stands, of one model."""
    intents: dict[int, Intended] = {}
    stands: dict[str, Standing] = {}
    for line in lines:
        if isinstance(line, Intended) and line.name == name:
            intents[line.seq] = line
        elif isinstance(line, Committed) and line.intent in intents:
            intent = intents[line.intent]
            if intent.to_version is None:
                stands.pop(intent.alias, None)
            else:
                stands[intent.alias] = Standing(intent.to_version, line.at, intent)
        elif isinstance(line, OutOfBand) and line.name == name:
            if line.found is None:
                stands.pop(line.alias, None)
            else:
                stands[line.alias] = Standing(line.found, line.at, None)
    return stands


def unfinished(lines: Iterable[AnyLine], name: str) -> list[Intended]:
    """Intents without a commit that nothing later has overtaken, oldest first."""
    waiting: dict[str, Intended] = {}
    by_seq: dict[int, Intended] = {}
    for line in lines:
        if isinstance(line, Intended) and line.name == name:
            waiting[line.alias] = by_seq[line.seq] = line
        elif isinstance(line, Committed) and line.intent in by_seq:
            alias = by_seq[line.intent].alias
            if alias in waiting and waiting[alias].seq == line.intent:
                del waiting[alias]
        elif isinstance(line, OutOfBand) and line.name == name:
            waiting.pop(line.alias, None)
    return list(waiting.values())


def once_live(lines: Iterable[AnyLine], name: str, alias: str) -> list[int]:
    """Versions that stood at the alias by a commit, oldest first."""
    return list(dict.fromkeys(version for version, _ in _taken(lines, name, alias)))


def lineage(lines: Iterable[AnyLine], name: str, alias: str) -> list[int]:
    """The versions that led to the one at the alias now; a rollback cuts off what came after its target.

    The last but one is where a rollback goes by default: going back twice never returns to what was left.
    """
    led: list[int] = []
    for version, move in _taken(lines, name, alias):
        if move == "rollback" and version in led:
            del led[led.index(version) + 1 :]
        elif led[-1:] != [version]:
            led.append(version)
    return led


def _taken(lines: Iterable[AnyLine], name: str, alias: str) -> Iterable[tuple[int, str]]:
    intents: dict[int, Intended] = {}
    for line in lines:
        if isinstance(line, Intended) and line.name == name and line.alias == alias:
            intents[line.seq] = line
        elif isinstance(line, Committed) and line.intent in intents:
            intent = intents[line.intent]
            if intent.to_version is not None:
                yield intent.to_version, intent.move


def registered(lines: Iterable[AnyLine], name: str) -> dict[int, Registered]:
    """Version to its registration, of one model."""
    return {line.version: line for line in lines if isinstance(line, Registered) and line.name == name}
