"""When rules would have acted, and on whom. They are only asked."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from fnmatch import fnmatchcase

from titleshot.datasets.contracts.record import SEVERITIES
from titleshot.datasets.contracts.remediation import Rule, When
from titleshot.reports.what_if.heard import Heard, Hearing, Standing


@dataclass(frozen=True)
class Action:
    """What would have been done; ``at`` is the engine clock, nanoseconds UTC."""

    rule: Rule
    at: int
    target: str
    alert: Heard
    standing: Standing | None
    """What was known of the incident then; None: nothing."""


@dataclass(frozen=True)
class Acting:
    """Actions of one rule in order, and how often it had nobody to act on."""

    actions: list[Action]
    no_target: int


def act(rule: Rule, hearing: Hearing) -> Acting:
    """All that one rule would have done over a log, guardrails apart."""
    moments = _on_alerts(rule, hearing) if rule.on == "alert" else _on_incidents(rule, hearing)
    actions, nobody = [], 0
    for at, alert, standing in moments:
        suspected = None if standing is None else standing.suspected
        target = alert.service if rule.target == "service" else suspected
        if target is None:
            nobody += 1
        else:
            actions.append(Action(rule, at, target, alert, standing))
    return Acting(actions, nobody)


def _on_alerts(rule: Rule, hearing: Hearing) -> list[tuple[int, Heard, Standing | None]]:
    found = []
    for alert in hearing.alerts:
        if fits_alert(rule.when, alert):
            standing = hearing.standing(alert.incident, alert.at)
            if fits_incident(rule.when, standing):
                found.append((alert.at, alert, standing))
    return found


def _on_incidents(rule: Rule, hearing: Hearing) -> list[tuple[int, Heard, Standing | None]]:
    by_incident: dict[str, list[Heard]] = defaultdict(list)
    for alert in hearing.alerts:
        if alert.incident is not None and fits_alert(rule.when, alert):
            by_incident[alert.incident].append(alert)
    found = []
    for incident, alerts in by_incident.items():
        later = [one.at for one in hearing.standings.get(incident, ()) if one.at > alerts[0].at]
        for at in sorted({alert.at for alert in alerts} | set(later)):
            standing = hearing.standing(incident, at)
            if fits_incident(rule.when, standing):
                latest = [alert for alert in alerts if alert.at <= at][-1]
                found.append((at, latest, standing))
                break
    return sorted(found, key=lambda moment: (moment[0], moment[1].event_id))


def fits_alert(when: When, alert: Heard) -> bool:
    """Whether the conditions on an alert hold; those not named hold for every alert."""
    return (
        (when.score_above is None or alert.score > when.score_above)
        and (not when.metrics or matches(alert.metric, when.metrics))
        and (not when.services or matches(alert.service, when.services))
    )


def fits_incident(when: When, standing: Standing | None) -> bool:
    """Whether the conditions on an incident hold; of one nothing is known of, none that is named holds."""
    if not when.asks_incident:
        return True
    if standing is None:
        return False
    if when.severity is not None and SEVERITIES.index(standing.severity) < SEVERITIES.index(when.severity):
        return False
    asked = when.hypothesis
    return asked is None or (
        standing.suspected is not None
        and matches(standing.suspected, asked.services)
        and (standing.confidence or 0.0) >= asked.confidence_at_least
    )


def matches(name: str, globs: tuple[str, ...]) -> bool:
    """Whether a name fits one of the globs.

    >>> matches("commerce/cart", ("commerce/*",)), matches("commerce/cart", ())
    (True, False)
    """
    return any(fnmatchcase(name, glob) for glob in globs)
