"""A small stream with everything in it, and homes that were registered in without MLflow, in no time."""

from __future__ import annotations

import random
import shutil

from titleshot.datasets.contracts.decision import Decision, Owners
from titleshot.datasets.contracts.instants import MINUTE, SECOND, parse_instant
from titleshot.datasets.contracts.reference import Maintenance, Ownership, TopologyEdge
from titleshot.datasets.contracts.telemetry import PlatformEvent, Sample
from titleshot.datasets.yaml_file import parse_yaml
from titleshot.detectors.contender import Contender
from titleshot.detectors.recipe import Recipe
from titleshot.registry.artifact import write_artifact
from titleshot.registry.home import Home
from titleshot.registry.ledger import Committed, Intended, Ledger, Registered
from titleshot.registry.serving.resolver import Found, Loaded
from titleshot.registry.serving.wire import Fault, Incoming, read
from titleshot.registry.signature import Claim, sign
from titleshot.registry.standing import registered, standing

START = parse_instant("2026-04-26T01:00:00Z")
NAME = "checkout-paging"


def contender(window: int = 20, tick_s: float = 60, lateness_s: float = 120) -> Contender:
    """A quick one: an hour of memory, incidents that close after five minutes."""
    text = f"""
name: window-{window}
lateness_s: {lateness_s}
tick_s: {tick_s}
detectors:
  - detector: {{family: rolling_z_score, window: {window}, min_points: 5, threshold: 3.0, memory_s: 3600}}
alert: {{min_length: 1, cooldown_s: 0}}
correlator: {{family: topology_sessions, hops: 1, gap_s: 300, cap_s: 3600}}
paging: {{minimum_severity: low, route: by_owner, default_route: on-call}}
"""
    return Contender(parse_yaml(text, Recipe))


def loaded(of: Contender | None = None, version: int = 1) -> Loaded:
    """A contender as if it had been promoted as this version."""
    chosen = of or contender()
    return Loaded(Found(NAME, "champion", version, f"tree-{chosen.artifact_digest}"), chosen)


def incoming(record: object) -> Incoming:
    """A record as it comes over the wire."""
    one = read(record.model_dump(mode="json"))  # type: ignore[attr-defined]
    assert isinstance(one, Incoming), one
    return one


def sample(minute: float, value: float, service: str = "checkout", **more: object) -> Incoming:
    fields = {"timestamp": START + round(minute * MINUTE), "namespace": "commerce", "service": service}
    record = Sample.model_validate({**fields, "metric_name": "latency_p99", "value": value, **more})
    return incoming(record)


def stream(minutes: int = 90, seed: int = 1) -> list[Incoming | Fault]:
    """Two services with spikes; late, repeated, future, broken, malformed records; reference data first."""
    rng = random.Random(seed)  # noqa: S311  a test
    out: list[Incoming | Fault] = [
        incoming(
            TopologyEdge(caller="commerce/checkout", callee="commerce/payment", valid_from=0, known_from=0)
        ),
        incoming(Ownership(service="commerce/checkout", team="shop", valid_from=0, known_from=0)),
        incoming(
            Ownership(service="commerce/payment", team="money", valid_from=0, known_from=START + 20 * MINUTE)
        ),
        incoming(
            Maintenance(
                service="commerce/payment",
                valid_from=START + 40 * MINUTE,
                valid_to=START + 50 * MINUTE,
                known_from=START + 30 * MINUTE,
            )
        ),
    ]
    for minute in range(minutes):
        for service in ("checkout", "payment"):
            strange = minute % 17 == 16 or (service == "payment" and minute % 13 == 12)
            value = rng.gauss(10, 1) + (40 if strange else 0)
            late = rng.random() < 0.1
            arrived = START + minute * MINUTE + round((rng.random() * 60 + (180 if late else 0)) * SECOND)
            out.append(sample(minute, value, service, ingested_at=arrived))
            if rng.random() < 0.1:
                out.append(sample(minute, value, service, ingested_at=arrived + SECOND))
        if rng.random() < 0.1:
            out.append(sample(minute, float("nan"), "payment", ingested_at=START + minute * MINUTE))
        if rng.random() < 0.05:
            out.append(sample(minute + 6000, 1.0, ingested_at=START + minute * MINUTE))
        if rng.random() < 0.1:
            out.append(Fault("malformed", "not JSON", "unknown", {"text": f"line {minute}"}))
        if rng.random() < 0.1:
            out.append(
                incoming(
                    PlatformEvent(
                        timestamp=START + minute * MINUTE,
                        namespace="commerce",
                        service="checkout",
                        reason="OOMKilled",
                    )
                )
            )
    return out


def cut(given: list[Incoming | Fault], sizes: list[int]) -> list[list[Incoming | Fault]]:
    """The stream in pieces of these sizes, over and over."""
    pieces, start, i = [], 0, 0
    while start < len(given):
        pieces.append(given[start : start + sizes[i % len(sizes)]])
        start += sizes[i % len(sizes)]
        i += 1
    return pieces


DECISION = Decision(
    name=NAME,
    decision="page the checkout on-call within 120 s when checkout loses orders",
    services=("commerce/checkout",),
    detect_within_s=120,
    success_score="incident_recall",
    human_workflow="on-call opens the runbook and rolls back",
    owners=Owners(data="platform", model="aiops", runtime="sre", feedback="sre"),
)


def register(home: Home, chosen: Contender) -> Registered:
    """What ``register`` leaves in a home, MLflow's part aside."""
    home.make()
    ledger = Ledger(home.ledger)
    folder = home.path / "artifacts" / "new"
    folder.parent.mkdir(exist_ok=True)
    digest = write_artifact(chosen, DECISION, folder)
    if home.artifact(digest).exists():
        shutil.rmtree(folder)
    else:
        folder.rename(home.artifact(digest))
    return ledger.append(
        Registered,
        "ann",
        name=NAME,
        version=len(registered(ledger.lines(), NAME)) + 1,
        recipe_digest=chosen.recipe.digest,
        artifact_digest=chosen.artifact_digest,
        tree_digest=digest,
    )


def point(home: Home, line: Registered, alias: str = "champion", *, commit: bool = True) -> None:
    """What moving an alias leaves in the ledger."""
    ledger = Ledger(home.ledger)
    before = standing(ledger.lines(), NAME).get(alias)
    claim = Claim(NAME, line.version, line.tree_digest, alias)
    intent = ledger.append(
        Intended,
        "ann",
        move="promote",
        name=NAME,
        alias=alias,
        from_version=before.version if before else None,
        to_version=line.version,
        reason="a test",
        tree_digest=line.tree_digest,
        signature=sign(home.signing_key(), claim),
    )
    if commit:
        ledger.append(Committed, "ann", intent=intent.seq)
