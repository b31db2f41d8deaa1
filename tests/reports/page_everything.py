"""A comparison whose record holds all that a page can show."""

from __future__ import annotations

import page_fixture as pages
from page_change import CHANGE
from page_feedback import judged
from page_stories import STORIES
from test_page_candidates import FOUND

from titleshot.datasets.contracts.comparisons import Comparison, PairedScore, PairedSensitivity
from titleshot.datasets.contracts.scores import (
    ChanceLevel,
    DetectorScores,
    Score,
    Scorecard,
    Sensitivity,
    WatchedBy,
)
from titleshot.datasets.contracts.verdicts import BudgetOutcome, Verdict

CURVE = tuple((share / 20, 1 - share / 25, 0.5 + share / 50) for share in range(21))
DETECTOR = "rolling_z_score@3f2a<b>"


def everything() -> Comparison:
    """Of a quarter, with candidates, detectors, stretched times, spreads, feedback and a queue."""
    made = judged(pages.comparison())
    champion, challenger = (_full(card) for card in (made.champion, made.challenger))
    return made.model_copy(
        update={
            "champion": champion,
            "challenger": challenger,
            "correlation_pairs": tuple(_pair(score) for score in FOUND.scores),
            "sensitivity": tuple(_stretched(made, factor) for factor in (0.5, 2.0)),
            "duplicates_spread": ((0, 90, 110), (1, 60, 70), (30, 1, 0)),
            "correlator_change": CHANGE,
        }
    )


def verdict(of: Comparison) -> Verdict:
    """Promoted for one group by the tier for narrow ones, on the way of a rollout."""
    return pages.verdict(of).model_copy(
        update={
            "unmet": ("40 incidents scored, the policy asks for 50",),
            "group": "checkout <on-call>",
            "narrow": "accepts an error of 10 % instead of 5 %",
            "next_step": "page 10 % of routes",
            "budgets": (
                BudgetOutcome(
                    budget="p99_latency_ms", limit=250.0, value=81.5, outcome="kept", reason="81.5 of 250 ms"
                ),
                BudgetOutcome(
                    budget="memory_mb", limit=512.0, outcome="not_measured", reason="no shadow run"
                ),
            ),
        }
    )


def _full(card: Scorecard) -> Scorecard:
    of_detector = tuple(
        score.model_copy(update={"name": name})
        for score, name in zip(card.scores, ("incident_recall", "recall_lost_without_it"), strict=False)
    )
    return card.model_copy(
        update={
            "correlation": FOUND.model_copy(
                update={"abstention_curve": CURVE, "reliability": ((0.25, 0.2, 1_400), (0.85, 0.6, 30))}
            ),
            "chance": ChanceLevel(method="whole_weeks", shifts=15),
            "by_group": {"detector": {DETECTOR: of_detector}, "team": {"checkout": card.scores[:2]}},
            "detectors": DetectorScores(
                watched={
                    DETECTOR: WatchedBy(
                        selectors=("latency_* of tier 1",),
                        metrics=("latency_p99",),
                        alerts=812,
                        alerts_scored=790,
                    )
                },
                notes=("by detector each alert is a page",),
            ),
            "sensitivity": tuple(
                Sensitivity(
                    factor=factor, of="early_s", scores={"incident_recall": 0.8, "page_precision": None}
                )
                for factor in (0.5, 2.0)
            ),
            "duplicates_spread": ((0, 100), (2, 31), (40, 1)),
            "stories": STORIES,
        }
    )


def _pair(score: Score) -> PairedScore:
    known = score.value is not None
    return PairedScore(
        name=score.name,
        unit=score.unit,
        better=score.better,
        champion=score.value,
        challenger=None if score.value is None else score.value + 0.1,
        difference=0.1 if known else None,
        low=0.02 if known else None,
        high=0.18 if known else None,
        confidence=0.95,
        method="paired day-block bootstrap, 120 days" if known else None,
        n=score.n,
        n_of=score.n_of,
        reason=None if known else "every alert is alone",
    )


def _stretched(of: Comparison, factor: float) -> PairedSensitivity:
    recall, false = of.pair("incident_recall"), of.pair("false_pages_per_week")
    turned = recall.model_copy(update={"difference": -0.01, "low": -0.05, "high": 0.03})
    return PairedSensitivity(
        factor=factor,
        of="both",
        pairs=(turned if factor == 2 else recall, false),
        turned=("incident_recall",) if factor == 2 else (),
    )
