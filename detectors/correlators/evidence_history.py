"""What the last days teach: who starts to alert together, and which incidents have happened before."""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

from titleshot.detectors.correlators.evidence_sessions import Fingerprint

AT_ONCE = 12
"""Services whose onset is counted together with one, the newest."""
PAIRS_A_DAY = 5000
ANCHORS_A_DAY = 2000
OF_AN_ANCHOR = 20
"""Incidents kept of one anchor and day, the newest."""
EARLIER = 3
"""Earlier incidents an incident is said to recur of."""
_PRIOR = 3.0
_ALIKE = 0.5

Print = tuple[str, str, str | None]
"""Service, metric and direction: a detector that changes its parameters sees the same again."""


class Past(NamedTuple):
    """A closed incident as far as it is remembered."""

    incident_id: str
    opened_at: int
    anchor: str
    prints: frozenset[Print]


class History:
    """Onsets and closed incidents by day; more than ``days`` days before the present one nothing counts.

    An onset is an alert of a service that was silent for longer than ``gap``. Who fails together is learned
    from onsets and not from incidents: an incident that history made would teach history, which then would
    never forget. Only full days teach it. Days and gaps are nanoseconds; silence does not outlast a day.
    """

    def __init__(self, day: int, days: int, gap: int) -> None:
        self._day = day
        self._days = days
        self._gap = gap
        self._heard: dict[str, int] = {}  # service, longest silent first, to its last alert
        self._onsets: deque[tuple[int, str]] = deque(maxlen=AT_ONCE)
        self._pairs: dict[int, dict[tuple[str, str], int]] = {}
        self._alone: dict[int, dict[str, int]] = {}
        self._past: dict[int, dict[str, deque[Past]]] = {}
        self._partners: dict[str, dict[str, float]] = {}
        self._as_of: int | None = None

    def hear(self, service: str, at: int) -> None:
        """Count an alert; instants come in order."""
        if not self._days:
            return
        day, last = at // self._day, self._heard.pop(service, None)
        self._heard[service] = at
        while not self._lately(self._heard[first := next(iter(self._heard))], at):
            del self._heard[first]
        if last is not None and self._lately(last, at):
            return
        while self._onsets and not self._lately(self._onsets[0][0], at):
            self._onsets.popleft()
        alone, pairs = self._alone.setdefault(day, {}), self._pairs.setdefault(day, {})
        if service in alone or len(alone) < PAIRS_A_DAY:
            alone[service] = alone.get(service, 0) + 1
        for other in {name for _, name in self._onsets} - {service}:
            pair = (min(service, other), max(service, other))
            if pair in pairs or len(pairs) < PAIRS_A_DAY:
                pairs[pair] = pairs.get(pair, 0) + 1
        self._onsets.append((at, service))

    def learn(self, past: Past) -> None:
        """Remember a closed incident, on the day it opened in."""
        if not self._days:
            return
        kept = self._past.setdefault(past.opened_at // self._day, {})
        if past.anchor in kept or len(kept) < ANCHORS_A_DAY:
            kept.setdefault(past.anchor, deque(maxlen=OF_AN_ANCHOR)).append(past)

    def _lately(self, then: int, at: int) -> bool:
        return at - then <= self._gap and then // self._day == at // self._day

    def partners(self, service: str, at: int) -> dict[str, float]:
        """Services that start to alert together with ``service``, by how regularly, in [0, 1).

        The share of the onsets of the rarer of the two that had both, less what chance would have brought,
        and as if there had been three more that had not.
        """
        today = at // self._day
        if today != self._as_of:
            self._forget(today)
        return self._partners.get(service, {})

    def earlier(self, anchor: str, prints: frozenset[Print], opened_at: int) -> tuple[str, ...]:
        """Incidents that hung on the same service and had at least half of the rarer one's alerts in common;
        newest first."""
        today = opened_at // self._day
        found = [
            past
            for day, kept in self._past.items()
            if today - self._days <= day
            for past in kept.get(anchor, ())
            if past.opened_at < opened_at
            and len(prints & past.prints) >= _ALIKE * min(len(prints), len(past.prints))
        ]
        found.sort(key=lambda past: (-past.opened_at, past.incident_id))
        return tuple(past.incident_id for past in found[:EARLIER])

    def state(self) -> dict[str, Any]:
        """JSON that :meth:`load` continues from."""
        return {
            "heard": list(map(list, self._heard.items())),
            "onsets": list(map(list, self._onsets)),
            "pairs": [
                [day, [[*pair, n] for pair, n in pairs.items()], list(map(list, self._alone[day].items()))]
                for day, pairs in self._pairs.items()
            ],
            "past": [
                [
                    day,
                    [
                        [*past[:3], sorted(map(list, past.prints), key=str)]
                        for of_anchor in kept.values()
                        for past in of_anchor
                    ],
                ]
                for day, kept in self._past.items()
            ],
        }

    def load(self, state: dict[str, Any]) -> None:
        """Know what ``state`` knows and nothing else."""
        self._pairs = {day: {(a, b): n for a, b, n in pairs} for day, pairs, _ in state["pairs"]}
        self._alone = {day: {name: n for name, n in alone} for day, _, alone in state["pairs"]}  # noqa: C416
        self._heard = {name: at for name, at in state["heard"]}  # noqa: C416
        self._onsets = deque(((at, name) for at, name in state["onsets"]), maxlen=AT_ONCE)
        self._past = {}
        for day, rows in state["past"]:
            kept = self._past.setdefault(day, {})
            for name, opened_at, anchor, prints in rows:
                past = Past(name, opened_at, anchor, frozenset((s, m, d) for s, m, d in prints))
                kept.setdefault(past.anchor, deque(maxlen=OF_AN_ANCHOR)).append(past)
        self._as_of = None

    def _forget(self, today: int) -> None:
        """Drop what is too old and count afresh who fails together, oldest day first."""
        for table in (self._pairs, self._alone, self._past):
            for day in [day for day in table if day < today - self._days]:
                del table[day]
        taught = [day for day in sorted(self._pairs) if day < today]
        alone: dict[str, int] = {}
        together: dict[tuple[str, str], int] = {}
        for day in taught:
            for name, n in self._alone[day].items():
                alone[name] = alone.get(name, 0) + n
            for pair, n in self._pairs[day].items():
                together[pair] = together.get(pair, 0) + n
        self._partners = {}
        for (one, other), n in together.items():
            ours, theirs = alone.get(one, n), alone.get(other, n)
            chance = ours * theirs * 2 * self._gap / (len(taught) * self._day)
            share = (n - chance) / (min(ours, theirs) + _PRIOR)
            if share > 0:
                self._partners.setdefault(one, {})[other] = share
                self._partners.setdefault(other, {})[one] = share
        self._as_of = today


def print_of(fingerprint: Fingerprint) -> Print:
    """What of a fingerprint outlasts a detector.

    >>> print_of(Fingerprint("shop/cart", "latency_p99", "high", "robust_mad@1"))
    ('shop/cart', 'latency_p99', 'high')
    """
    return fingerprint.service, fingerprint.metric_name, fingerprint.direction
