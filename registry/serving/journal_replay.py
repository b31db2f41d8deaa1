"""Served = replayed: a journal's records pushed again through fresh engines must say the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from titleshot.datasets.errors import UsageError
from titleshot.detectors.contender import Contender
from titleshot.registry.serving.journal_reader import SAID_KINDS, JournalReader, Said, Swap
from titleshot.registry.serving.resolver import Found, Loaded
from titleshot.registry.serving.served import AT_ONCE, Served, in_parts

MOST_SHOWN = 3


def replay_journal(
    journal: JournalReader,
    contender: Contender | Callable[[Swap], Contender],
    *,
    inputs: JournalReader | None = None,
    at_once: int = AT_ONCE,
) -> list[Said]:
    """What a fresh engine says of a journal's records, from swap to swap as they were served.

    Args:
        contender: the one that spoke, or a way to get the one that spoke from a swap on.
        inputs: the journal with the records, where ``journal`` is a sidecar's.
        at_once: records pushed at a time; it changes nothing of what is said.

    Raises:
        UsageError: the contender is not the one that spoke.
    """
    source = inputs or journal
    swaps = journal.swaps()
    ends = [swap.from_seq - 1 for swap in swaps[1:]] + [journal.scored]
    said: list[Said] = []
    for swap, end in zip(swaps, ends, strict=True):
        chosen = contender if isinstance(contender, Contender) else contender(swap)
        if chosen.artifact_digest != swap.artifact_digest:
            raise UsageError(
                f"{journal.path}: from record {swap.from_seq} on {swap.contender!r} "
                f"({swap.artifact_digest[:12]}) spoke, not {chosen.name!r} ({chosen.artifact_digest[:12]})"
            )
        found = Found(swap.name, swap.alias, swap.version, swap.tree_digest)
        served = Served(Loaded(found, chosen))
        served.warm(source, swap.warm_from, swap.from_seq - 1)
        for rows in in_parts(source, swap.from_seq - 1, end, at_once=at_once):
            said += served.take(rows)[0].said
    return said


def differences(served: Iterable[Said], replayed: Sequence[Said]) -> list[str]:
    """Where what was served and what is replayed differ, in words; none where they are the same.

    Record for record, each kind in its own order.
    """
    found = []
    was = list(served)
    for kind in SAID_KINDS:
        mine = [one.text for one in was if one.kind == kind]
        theirs = [one.text for one in replayed if one.kind == kind]
        if len(mine) != len(theirs):
            found.append(f"{len(mine):,} of kind {kind} were served, {len(theirs):,} are replayed")
        pairs = [(i, a, b) for i, (a, b) in enumerate(zip(mine, theirs, strict=False)) if a != b]
        if pairs:
            found.append(f"{len(pairs):,} of kind {kind} differ")
            found += [f"  {kind} {i + 1}: served {a}, replayed {b}" for i, a, b in pairs[:MOST_SHOWN]]
    return found
