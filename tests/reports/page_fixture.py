"""Comparisons as ``compare`` makes them, in the size of a quarter and in the sizes that break pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from typing import Any

import numpy as np

from titleshot.datasets.contracts.comparisons import Comparison, IncidentPair, PairedScore
from titleshot.datasets.contracts.decision import Decision, Owners
from titleshot.datasets.contracts.instants import DAY, MINUTE, SECOND, parse_instant
from titleshot.datasets.contracts.record import SEVERITIES
from titleshot.datasets.contracts.scores import (
    Identity,
    IncidentOutcome,
    PageOutcome,
    Score,
    Scorecard,
    Settings,
)
from titleshot.datasets.contracts.validation import RuleResult, ValidationReport
from titleshot.datasets.contracts.verdicts import Answer, CriterionOutcome, Verdict

START = parse_instant("2026-01-05T00:00:00Z")
SERVICES = tuple(
    f"commerce/{name}"
    for name in (
        "checkout-api",
        "catalog-api",
        "cart",
        "payments",
        "payments-ledger",
        "search",
        "recommendations",
        "identity",
        "notifications",
        "inventory",
        "edge-gateway",
        "orders-worker",
    )
)
TEAMS = dict(
    zip(SERVICES, ["checkout", "catalog", "checkout", "payments", "payments", "catalog"] * 2, strict=True)
)
KINDS = ("latency step", "error burst", "slow leak", "traffic drop", "queue jump", "no data")
UNITS: dict[str, tuple[str, str]] = {
    "incident_recall": ("ratio", "up"),
    "page_precision": ("ratio", "up"),
    "alarming_precision": ("ratio", "up"),
    "mean_time_to_detect_s": ("s", "down"),
    "duplicates_per_week": ("per_week", "down"),
    "false_pages_per_week": ("per_week", "down"),
}


@dataclass(frozen=True)
class Habit:
    """How a pretended contender behaves; ``noise`` weighs services by how often they page for nothing."""

    recall: float
    delay_s: float
    false_per_day: float
    duplicates: float
    noise: tuple[float, ...] = field(default=(6.0, 2.0, 1.0, 1.5, 0.3, 4.0, 3.0, 0.5, 2.0, 0.5, 5.0, 1.0))


TODAY = Habit(recall=0.78, delay_s=540, false_per_day=8.4, duplicates=1.7)
BETTER = Habit(recall=0.84, delay_s=330, false_per_day=4.6, duplicates=0.9)
NOISY = Habit(recall=0.86, delay_s=300, false_per_day=17.0, duplicates=3.0)
SILENT = Habit(recall=0.0, delay_s=1, false_per_day=0.0, duplicates=0.0)


@cache
def comparison(
    champion: Habit = TODAY,
    challenger: Habit = BETTER,
    *,
    days: int = 120,
    incidents: int = 240,
    seed: int = 7,
    services: tuple[str, ...] = SERVICES,
    names: tuple[str, str] = ("baseline", "general"),
) -> Comparison:
    """A paired comparison whose numbers follow from its incidents and pages."""
    random = np.random.default_rng(seed)
    happened = _incidents(random, days, incidents, services)
    cards = [
        _scorecard(habit, name, happened, days, services, random)
        for habit, name in zip((champion, challenger), names, strict=True)
    ]
    pairs = tuple(_pair(a, b) for a, b in zip(cards[0].incidents, cards[1].incidents, strict=True))
    return Comparison(
        champion=cards[0],
        challenger=cards[1],
        pairs=_paired(cards, days, random),
        incidents=pairs,
        by_group={"severity": _by_severity(cards)},
        blocks=days,
        weeks=days / 7,
        incidents_scored=incidents,
    )


def _incidents(
    random: np.random.Generator, days: int, count: int, services: tuple[str, ...]
) -> list[dict[str, Any]]:
    made = []
    for index, at in enumerate(sorted(random.uniform(0, max(days, 1) * DAY * 0.995, count))):
        root = int(random.integers(len(services)))
        length = float(random.lognormal(np.log(45), 0.8)) * MINUTE
        spread = [root, *random.choice(len(services), size=int(random.integers(0, 4)), replace=False)]
        made.append(
            {
                "incident_id": f"inc-{index:04d}",
                "start": START + int(at // SECOND) * SECOND,
                "end": START + int((at + length) // SECOND) * SECOND + SECOND,
                "root_service": services[root],
                "affected_services": tuple(dict.fromkeys(services[int(i)] for i in spread)),
                "severity": SEVERITIES[int(random.choice(4, p=[0.25, 0.4, 0.25, 0.1]))],
                "kind": KINDS[int(random.integers(len(KINDS)))],
                "team": TEAMS.get(services[root]),
            }
        )
    return made


def _scorecard(
    habit: Habit,
    name: str,
    happened: list[dict[str, Any]],
    days: int,
    services: tuple[str, ...],
    random: np.random.Generator,
) -> Scorecard:
    outcomes, pages = [], []

    def page(at: int, service: str, outcome: str, incident: str | None, severity: str) -> str:
        pages.append(
            PageOutcome(
                page_id=f"{name}-{len(pages):05d}",
                paged_at=at,
                route=TEAMS.get(service, "default"),
                severity=severity,  # type: ignore[arg-type]
                services=(service,),
                outcome=outcome,  # type: ignore[arg-type]
                incident_id=incident,
            )
        )
        return pages[-1].page_id

    for incident in happened:
        length = incident["end"] - incident["start"]
        delay = int(random.exponential(habit.delay_s)) * SECOND
        if random.random() >= habit.recall or delay >= length:
            outcomes.append(IncidentOutcome(**incident, outcome="missed"))
            continue
        at = incident["start"] + delay
        key, severity = incident["incident_id"], incident["severity"]
        sent = [page(at, incident["root_service"], "detection", key, severity)]
        repeats = int(random.poisson(habit.duplicates))
        for _ in range(repeats):
            again = at + int(random.uniform(0.05, 1) * (incident["end"] - at))
            sent.append(page(again, incident["root_service"], "duplicate", key, severity))
        others = [s for s in incident["affected_services"][1:] if TEAMS.get(s) != incident["team"]][:1]
        if others and random.random() < 0.3:
            sent.append(page(at + 3 * MINUTE, others[0], "fan_out", key, severity))
        outcomes.append(
            IncidentOutcome(
                **incident,
                outcome="detected",
                detected_at=at,
                time_to_detect_s=delay / SECOND,
                page_ids=tuple(sent),
                duplicates=repeats,
                fan_out=len(sent) - 1 - repeats,
            )
        )
    weights = np.resize(np.array(habit.noise), len(services))
    for _ in range(int(random.poisson(habit.false_per_day * days))):
        service = services[int(random.choice(len(services), p=weights / weights.sum()))]
        at = START + int(random.uniform(0, days) * 86_400) * SECOND
        page(at, service, "false", None, SEVERITIES[int(random.integers(4))])
    pages.sort(key=lambda p: (p.paged_at, p.page_id))
    daily = _daily(outcomes, pages, days)
    scores = tuple(_score(score, daily, days, random) for score in UNITS)
    return Scorecard(
        identity=Identity(
            contender=name,
            recipe_digest=sha256(name.encode()).hexdigest(),
            artifact_digest=sha256(f"{name}, fitted".encode()).hexdigest(),
            dataset="shop-2026-q1",
            dataset_digest="5d" * 32,
            labels_digest="1f" * 32,
            labels_as_of=START + days * DAY + 3 * DAY,
            code_commit="a988b99e0c7a1d1b2f43a9d61c8d5f6a7b8c9d0e",
            code_dirty=False,
            lock_digest="77" * 32,
        ),
        settings=Settings(
            span_from=START,
            span_to=START + days * DAY,
            warm_up_s=604_800.0,
            early_s={"human": 600.0, "injected": 0.0, "exact": 0.0, "imported": 600.0},
            grace_s=0.0,
            hops=1,
            labels_complete=True,
            detect_within_s=600.0,
            seed=7,
            resamples=2_000,
            blocks=days,
            confidence=0.95,
        ),
        scores=scores,
        baselines={
            "never": tuple(
                _fixed(s, v) for s, v in zip(UNITS, (0.0, None, None, None, 0.0, 0.0), strict=True)
            ),
            "always": tuple(
                _fixed(s, v) for s, v in zip(UNITS, (1.0, 0.04, 0.03, 62.0, 410.0, 1_630.0), strict=True)
            ),
            "random": tuple(
                _fixed(s, v) for s, v in zip(UNITS, (0.19, 0.05, 0.04, 571.0, 2.1, 61.0), strict=True)
            ),
        },
        delay_curve=_curve(outcomes),
        incidents=tuple(outcomes),
        pages=tuple(pages),
    )


def _daily(outcomes: list[IncidentOutcome], pages: list[PageOutcome], days: int) -> np.ndarray:
    table = np.zeros((max(days, 1), 5))  # incidents, detected, false, duplicates, capped delay
    for outcome in outcomes:
        row = table[min((outcome.start - START) // DAY, len(table) - 1)]
        row[0] += 1
        row[1] += outcome.outcome == "detected"
        row[4] += min(600.0, 600.0 if outcome.time_to_detect_s is None else outcome.time_to_detect_s)
    for page in pages:
        row = table[min((page.paged_at - START) // DAY, len(table) - 1)]
        row[2] += page.outcome == "false"
        row[3] += page.outcome == "duplicate"
    return table


def _value(name: str, table: np.ndarray) -> float | None:
    incidents, detected, false, duplicates, delay = table.sum(axis=0)
    weeks = len(table) / 7
    ratio = {
        "incident_recall": (detected, incidents),
        "page_precision": (detected, detected + false),
        "alarming_precision": (detected, detected + false + duplicates),
        "mean_time_to_detect_s": (delay, incidents),
        "duplicates_per_week": (duplicates, weeks),
        "false_pages_per_week": (false, weeks),
    }[name]
    return float(ratio[0] / ratio[1]) if ratio[1] else None


def _score(name: str, table: np.ndarray, days: int, random: np.random.Generator) -> Score:
    unit, better = UNITS[name]
    value = _value(name, table)
    rows = random.integers(0, len(table), (200, len(table)))
    found = [v for v in (_value(name, table[row]) for row in rows) if v is not None]
    enough = value is not None and days >= 20
    low, high = (float(q) for q in np.quantile(found, [0.025, 0.975])) if enough else (None, None)
    n_of = "on-call weeks" if unit == "per_week" else "incidents"
    return Score(
        name=name,
        value=value,
        unit=unit,
        better=better,  # type: ignore[arg-type]
        n=round(days / 7) if unit == "per_week" else int(table[:, 0].sum()),
        n_of=n_of,
        low=low,
        high=high,
        confidence=0.95,
        method="day-block bootstrap" if enough else None,
        chance=None if value is None or unit != "ratio" else value * 0.11,
        chance_high=None if value is None or unit != "ratio" else value * 0.16,
        reason=None
        if enough
        else (
            "no incident and no page" if value is None else f"{days} days are too few: 20 give an interval"
        ),
    )


def _fixed(name: str, value: float | None) -> Score:
    unit, better = UNITS[name]
    return Score(
        name=name,
        value=value,
        unit=unit,
        better=better,  # type: ignore[arg-type]
        n=240,
        n_of="incidents",
        reason="nothing was ever paged" if value is None else "no interval for a baseline",
    )


def _curve(outcomes: list[IncidentOutcome]) -> tuple[tuple[float, float], ...]:
    delays = [o.time_to_detect_s for o in outcomes if o.time_to_detect_s is not None]
    return tuple(
        (float(t), sum(d <= t for d in delays) / len(outcomes))
        for t in (0, 30, 60, 120, 180, 300, 450, 600, 900, 1_200, 1_800, 2_700, 3_600)
        if outcomes
    )


def _paired(cards: list[Scorecard], days: int, random: np.random.Generator) -> tuple[PairedScore, ...]:
    tables = [_daily(list(card.incidents), list(card.pages), days) for card in cards]
    rows = random.integers(0, len(tables[0]), (300, len(tables[0])))
    made = []
    for name, (unit, better) in UNITS.items():
        values = [_value(name, table) for table in tables]
        both = None not in values
        spread = [
            b - a
            for a, b in ((_value(name, tables[0][r]), _value(name, tables[1][r])) for r in rows)
            if a is not None and b is not None
        ]
        enough = both and days >= 20
        quantiles = (
            [float(q) for q in np.quantile(spread, [0.025, 0.975, 0.005, 0.995])] if enough else [None] * 4
        )
        found = [[o.outcome == "detected" for o in card.incidents] for card in cards]
        made.append(
            PairedScore(
                name=name,
                unit=unit,
                better=better,  # type: ignore[arg-type]
                champion=values[0],
                challenger=values[1],
                difference=values[1] - values[0] if both else None,  # type: ignore[operator]
                low=quantiles[0],
                high=quantiles[1],
                decisive_low=quantiles[2],
                decisive_high=quantiles[3],
                confidence=0.95,
                method="paired day-block bootstrap" if enough else None,
                p_value=float(np.mean(np.sign(spread) != np.sign(np.mean(spread)))) if enough else None,
                n=round(days / 7) if unit == "per_week" else len(cards[0].incidents),
                n_of="on-call weeks" if unit == "per_week" else "incidents",
                discordant=(
                    sum(b and not a for a, b in zip(*found, strict=True)),
                    sum(a and not b for a, b in zip(*found, strict=True)),
                )
                if name == "incident_recall"
                else None,
                reason=None
                if enough
                else "fewer than 20 days: no interval"
                if both
                else "not defined for one side",
            )
        )
    return tuple(made)


def _by_severity(cards: list[Scorecard]) -> dict[str, tuple[PairedScore, ...]]:
    groups = {}
    for severity in reversed(SEVERITIES):
        found = [
            [o.outcome == "detected" for o in card.incidents if o.severity == severity] for card in cards
        ]
        if not found[0]:
            continue
        a, b = (float(np.mean(side)) for side in found)
        half = 1.96 * float(np.sqrt(0.12 / len(found[0])))
        groups[severity] = (
            PairedScore(
                name="incident_recall",
                unit="ratio",
                better="up",
                champion=a,
                challenger=b,
                difference=b - a,
                low=max(-1.0, b - a - half),
                high=min(1.0, b - a + half),
                confidence=0.95,
                method="paired day-block bootstrap",
                n=len(found[0]),
                n_of="incidents",
            ),
        )
    return groups


def _pair(a: IncidentOutcome, b: IncidentOutcome) -> IncidentPair:
    found = (a.outcome == "detected", b.outcome == "detected")
    if found[0] != found[1]:
        return IncidentPair(
            incident_id=a.incident_id,
            verdict="won" if found[1] else "lost",
            why="only the challenger paged it" if found[1] else "only the champion paged it",
            champion=a,
            challenger=b,
        )
    if not found[0]:
        return IncidentPair(
            incident_id=a.incident_id, verdict="tied", why="missed by both", champion=a, challenger=b
        )
    earlier = (a.time_to_detect_s or 0.0) - (b.time_to_detect_s or 0.0)
    verdict = "won" if earlier > 300 else "lost" if earlier < -300 else "tied"
    why = (
        "caught by both"
        if verdict == "tied"
        else f"paged {abs(earlier) / 60:.0f} min {'earlier' if earlier > 0 else 'later'}"
    )
    return IncidentPair(incident_id=a.incident_id, verdict=verdict, why=why, champion=a, challenger=b)


def verdict(of: Comparison, answer: Answer = "promote") -> Verdict:
    """A verdict as the judge words it; its criteria come out as the comparison's intervals lie."""
    asked = (
        ("false_pages_per_week", "superiority", 1.0),
        ("incident_recall", "non_inferiority", 0.05),
        ("mean_time_to_detect_s", "non_inferiority", 60.0),
    )
    criteria = () if answer == "invalid" else (*(_criterion(of.pair(s), k, m) for s, k, m in asked), _SHIFTS)
    return Verdict(
        answer=answer,
        reasons=(
            {
                "promote": "Promote: all 4 criteria passed.",
                "reject": "Reject: failed on false pages per week.",
                "not_enough_evidence": "Not enough evidence: 20 incidents scored, the policy asks for 50.",
                "invalid": "Invalid: champion and challenger were scored on different data (labels_digest).",
            }[answer],
            *(criterion.reason for criterion in criteria),
        ),
        criteria=criteria,
        missing=("30 incidents more, about 3 weeks at this rate",) if answer == "not_enough_evidence" else (),
        policy_name="default",
        policy_digest="c0" * 32,
        looks=2,
        judged_at=START + 124 * DAY,
    )


def _criterion(pair: PairedScore, kind: str, margin: float) -> CriterionOutcome:
    bound = margin if kind == "superiority" else -margin
    outcome = "undecided"
    if pair.low is not None and pair.high is not None:
        low, high = (pair.low, pair.high) if pair.better == "up" else (-pair.high, -pair.low)
        outcome = "pass" if low > bound else "fail" if high < bound else "undecided"
    return CriterionOutcome(
        score=pair.name,
        kind=kind,  # type: ignore[arg-type]
        margin=margin,
        confidence=0.95,
        critical=pair.name == "incident_recall",
        outcome=outcome,  # type: ignore[arg-type]
        value=pair.difference,
        low=pair.low,
        high=pair.high,
        n=pair.n,
        reason=f"{pair.name.replace('_', ' ')}: {pair.difference}; margin {margin}: {outcome}",
        missing=f"{pair.name.replace('_', ' ')}: about 160 more would let it pass"
        if outcome == "undecided"
        else None,
    )


_SHIFTS = CriterionOutcome(
    score="pages_per_shift",
    kind="ceiling",
    margin=8.0,
    confidence=0.95,
    critical=False,
    outcome="pass",
    value=5.1,
    low=4.8,
    high=5.4,
    n=240,
    reason="pages per shift: 5.1 (95 % interval 4.8 to 5.4); must stay below 8: pass",
)


def decision() -> Decision:
    """A decision as a team would write it."""
    return Decision(
        name="checkout-paging",
        decision="Page the checkout on-call within ten minutes when customers cannot pay.",
        services=("commerce/checkout-*", "commerce/payments*"),
        detect_within_s=600,
        success_score="incident_recall",
        human_workflow="The on-call opens the runbook of the first service named and decides on a rollback.",
        owners=Owners(data="observability", model="sre-analytics", runtime="platform", feedback="checkout"),
    )


def validation() -> ValidationReport:
    """A passed report with warnings."""
    passed = [
        ("types of every column are as declared", "samples"),
        ("every sample has an identity", "samples"),
        ("every labelled service is in the topology of its time", "incidents"),
        ("every label window overlaps telemetry", "incidents"),
        ("feedback refers to a page", "feedback"),
    ]
    return ValidationReport(
        passed=True,
        dataset_digest="5d" * 32,
        labels_digest="1f" * 32,
        rules=(
            *(RuleResult(rule=r, table=t, severity="error", passed=True) for r, t in passed),
            RuleResult(
                rule="no sample is repeated",
                table="samples",
                severity="warning",
                passed=False,
                rows=1_204,
                examples=(
                    "commerce/cart cpu_usage 2026-02-03T04:05:00Z twice",
                    "commerce/search rps 2026-02-03T04:10:00Z twice",
                ),
                detail="the first arrival wins",
            ),
            RuleResult(
                rule="no gap is longer than ten cadences",
                table="samples",
                severity="warning",
                passed=False,
                rows=3,
                examples=("commerce/identity p99_latency: 2026-03-01T00:00:00Z to 2026-03-01T06:10:00Z",),
            ),
        ),
        validated_at=START + 121 * DAY,
    )


HOSTILE = (
    "<script>alert(1)</script>/x",
    'ns/"><img src=x onerror=alert(2)>',
    "../../etc/passwd",
    "ns/\u202etxt.exe",
    "ns/" + "very-long-" * 100,
    "متجر/خدمة-الدفع",
    "ns/{{ 7*7 }}{% raw %}",
    "ns/</style></svg><!--",
)


def hostile() -> Comparison:
    """Names as nobody should write them, each of which reaches the page."""
    return comparison(days=28, incidents=40, services=HOSTILE, names=("</title><script>", "a'b\"c" * 60))


def empty() -> Comparison:
    """Two contenders that said nothing about a span in which nothing happened."""
    return comparison(SILENT, SILENT, days=28, incidents=0)


def first() -> Comparison:
    """The first promotion: nothing runs today, so the baseline is never paging."""
    made = comparison(SILENT, BETTER, names=("never", "general"))
    identity = made.champion.identity.model_copy(update={"recipe_digest": None, "artifact_digest": None})
    return made.model_copy(update={"champion": made.champion.model_copy(update={"identity": identity})})


def storm() -> Comparison:
    """A challenger that pages two hundred times a day, for forty days."""
    noise = Habit(recall=0.9, delay_s=100, false_per_day=200.0, duplicates=20.0)
    return comparison(TODAY, noise, days=40, incidents=80)


def sparse() -> Comparison:
    """Six incidents and a handful of pages in two years."""
    return comparison(Habit(0.7, 600, 0.02, 0.5), Habit(0.9, 300, 0.01, 0.2), days=730, incidents=6)
