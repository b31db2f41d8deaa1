"""Incidents as a responder sees them, with a ring of calls, a name that is markup, and gaps."""

from __future__ import annotations

from page_fixture import START

from titleshot.datasets.contracts.incident_views import (
    CallView,
    EvidenceView,
    IncidentView,
    LabelHit,
    MissingContext,
    PageView,
    ServiceView,
)
from titleshot.datasets.contracts.incidents import Hypothesis
from titleshot.datasets.contracts.instants import MINUTE

MARKUP = 'shop/<img src=x onerror="alert(1)">'


def service(name: str, minute: float, alerts: int = 3) -> ServiceView:
    first = START + round(minute * MINUTE)
    return ServiceView(
        service=name,
        team="checkout <on-call>",
        tier=None,
        alerts=alerts,
        first_alert=first,
        last_alert=first + alerts * MINUTE,
        highest_score=0.9,
        metrics=("latency_p99",),
        alerted_at=tuple(first + n * MINUTE for n in range(min(alerts, 50))),
    )


def view(
    services: tuple[ServiceView, ...],
    calls: tuple[tuple[str, str], ...] = (),
    *,
    hypotheses: tuple[Hypothesis, ...] = (),
) -> IncidentView:
    place = {one.service: one for one in services}
    return IncidentView(
        incident_id="0123456789abcdef",
        state="closed",
        severity="high",
        correlator="made_up@0",
        opened_at=START,
        last_event_at=max((one.last_alert for one in services), default=START),
        said_at=START + 60 * MINUTE,
        events=sum(one.alerts for one in services),
        services=services,
        calls=tuple(
            CallView(
                caller=caller,
                callee=callee,
                travelled=place[callee].first_alert < place[caller].first_alert,
            )
            for caller, callee in calls
        ),
        hypotheses=hypotheses,
        evidence=tuple(
            EvidenceView(
                event_id=one.service,
                timestamp=one.first_alert,
                service=one.service,
                metric_name="latency_p99 <b>",
                value=1.86,
                expected=0.42,
                lower_bound=0.18,
                upper_bound=0.91,
                anomaly_score=0.88,
                detector="made_up@0",
                sample_count=20,
            )
            for one in services[:2]
        ),
        pages=(
            PageView(
                page_id="p1",
                route="on-call",
                paged_at=START + 3 * MINUTE,
                outcome="detection",
                hit="inc-0001",
            ),
        ),
        labelled=(
            LabelHit(
                incident_id="inc-0001",
                kind="latency step",
                severity="high",
                root_service="shop/db",
                start=START,
                end=START + 30 * MINUTE,
                alerts=3,
                suspected_at=1,
            ),
        ),
        missing=(
            MissingContext(what="tier", about=MARKUP, why="no tier is known: how much it matters"),
            MissingContext(what="deploys", why="no deploys are recorded"),
        ),
    )


CHAIN = view(
    (service("shop/db", 0, 9), service("shop/cart", 2), service("shop/web", 4), service(MARKUP, 5)),
    (("shop/web", "shop/cart"), ("shop/cart", "shop/db"), (MARKUP, "shop/cart"), ("shop/cart", MARKUP)),
    hypotheses=(Hypothesis(service="shop/db", reason="calls nobody <b>", confidence=0.62),),
)
MANY = view(
    tuple(service(f"a-namespace-with-a-long-name/service-{n:02d}-of-many", n) for n in range(15)),
    tuple(
        (
            f"a-namespace-with-a-long-name/service-{n + 1:02d}-of-many",
            f"a-namespace-with-a-long-name/service-{n:02d}-of-many",
        )
        for n in range(14)
    ),
)
NOBODY = view(())
STORIES = (CHAIN, MANY, NOBODY)
