"""Each service is a story of its own, as long as it does not fall quiet."""

from __future__ import annotations

from titleshot.detectors.correlators.correlator import Alert
from titleshot.detectors.correlators.keyed_sessions import KeyedSessions
from titleshot.detectors.correlators.sessions import SessionParams
from titleshot.detectors.world import World


class ServiceSessions(KeyedSessions):
    """An alert joins the session of its service if the last alert of that session is within ``gap_s``.

    Rule: key = the service under its canonical name; gap, cut, severity and hypotheses as in
    ``topology_sessions``, so that a comparison of the two shows what the topology adds.

    Assumes: a fault stays in the service it began in.

    Deaf to: everything that joins services; a cascade of n services is n incidents. Severity never gets its
    points for blast radius.

    Source: session windows, Akidau et al., The Dataflow Model, VLDB 2015.

    Cost: O(1) an alert; the state has every event id of the last cap at most.
    """

    family = "service_sessions"
    Params = SessionParams

    def key(self, alert: Alert, world: World) -> str:
        return world.canonical(alert.service, alert.timestamp)
