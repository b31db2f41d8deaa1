"""Time that is not scored because there are no rows: before and after those of a service, or of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from titleshot.datasets.dataset_card import DontCare


class Seen(NamedTuple):
    """When a service has rows; nanoseconds UTC."""

    first: int
    scored_from: int
    end: int
    """After the last row."""


def outside_rows(seen: Mapping[str, Seen], before: str = "before the file") -> tuple[DontCare, ...]:
    """Spans in which a service, or every service, has no rows to judge by.

    Args:
        seen: by ``namespace/service``.
        before: why the time before ``scored_from`` does not count.
    """
    if not seen:
        return ()
    begin, end = min(of.first for of in seen.values()), max(of.end for of in seen.values())
    spans = []
    for service, of in seen.items():
        if begin < of.scored_from:
            spans.append(DontCare(from_=begin, to=of.scored_from, services=(service,), reason=before))
        if of.end < end:
            spans.append(DontCare(from_=of.end, to=end, services=(service,), reason="after the file"))
    covered = begin
    for first, last in sorted((of.first, of.end) for of in seen.values()):
        if first > covered:
            spans.append(DontCare(from_=covered, to=first, reason="no file has rows"))
        covered = max(covered, last)
    return tuple(spans)


def unlabelled(seen: Mapping[str, Seen], services: Sequence[str], reason: str) -> tuple[DontCare, ...]:
    """The whole of services of which nobody said what is an incident.

    Nothing where these are all there are: then labels are not complete, and those that come later count.
    """
    return tuple(
        DontCare(from_=seen[service].first, to=seen[service].end, services=(service,), reason=reason)
        for service in services
        if len(services) < len(seen)
    )
