"""Stretches of time a source has rows of, by namespace, and the time between them, which is not scored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from titleshot.datasets.dataset_card import DontCare


class Stretch(NamedTuple):
    """[first, end) in nanoseconds UTC in which a namespace has rows."""

    namespace: str
    first: int
    end: int


def between(stretches: Iterable[Stretch], services: Mapping[str, Collection[str]]) -> tuple[DontCare, ...]:
    """Spans without rows: of everything, and of each namespace where there are several.

    Args:
        services: by namespace, ``namespace/service``.
    """
    by_namespace: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for stretch in stretches:
        by_namespace[stretch.namespace].append((stretch.first, stretch.end))
    everything = [span for spans in by_namespace.values() for span in spans]
    if not everything:
        return ()
    begin, end = min(first for first, _ in everything), max(last for _, last in everything)
    found = [
        DontCare(from_=first, to=last, reason="no file has rows")
        for first, last in _uncovered(everything, begin, end)
    ]
    for namespace, spans in sorted(by_namespace.items()):
        named = tuple(sorted(services.get(namespace, ())))
        if len(by_namespace) > 1 and named:
            found += [
                DontCare(from_=first, to=last, services=named, reason=f"no file of {namespace} has rows")
                for first, last in _uncovered(spans, begin, end)
            ]
    return tuple(found)


def _uncovered(spans: Iterable[tuple[int, int]], begin: int, end: int) -> Iterator[tuple[int, int]]:
    covered = begin
    for first, last in sorted(spans):
        if first > covered:
            yield covered, first
        covered = max(covered, last)
    if covered < end:
        yield covered, end
