"""A policy before it is trusted: how often each criterion passes, and what the judge says of known cases.

Rehearsed numbers are typical ones with normal errors, stated in ``TYPICAL``; they show what a policy is like,
not what a contender is like.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Literal, NamedTuple

from titleshot.datasets.contracts.comparisons import Comparison, PairedScore
from titleshot.datasets.contracts.instants import DAY
from titleshot.datasets.contracts.scores import Direction, Identity, Score, Scorecard, Settings
from titleshot.datasets.contracts.verdicts import Answer, Verdict
from titleshot.registry.judge import judge
from titleshot.registry.known_scores import faults_of_asking
from titleshot.registry.policy import Budgets, Criterion, Policy

INCIDENTS_PER_WEEK = 14.0


@dataclass(frozen=True)
class Typical:
    """A champion's usual value of a score, and how far a paired difference strays per incident or week."""

    unit: str
    better: Direction
    champion: float
    spread: float
    per: Literal["incidents", "weeks"]

    def error(self, incidents: int) -> float:
        """Standard error of the paired difference."""
        n = incidents if self.per == "incidents" else max(1.0, incidents / INCIDENTS_PER_WEEK)
        return self.spread / sqrt(n)


TYPICAL: dict[str, Typical] = {
    "incident_recall": Typical("ratio", "up", 0.80, sqrt(0.10), "incidents"),
    "detected_in_time_ratio": Typical("ratio", "up", 0.70, sqrt(0.12), "incidents"),
    "page_precision": Typical("ratio", "up", 0.50, 0.45, "incidents"),
    "alarming_precision": Typical("ratio", "up", 0.40, 0.45, "incidents"),
    "mean_time_to_detect_s": Typical("s", "down", 240.0, 150.0, "incidents"),
    "false_pages_per_week": Typical("per_week", "down", 6.0, sqrt(12.0), "weeks"),
    "false_pages_per_week_worst_team": Typical("per_week", "down", 9.0, sqrt(20.0), "weeks"),
    "duplicates_per_week": Typical("per_week", "down", 4.0, sqrt(8.0), "weeks"),
    "pages_per_week": Typical("per_week", "down", 18.0, sqrt(30.0), "weeks"),
    "pages_per_shift": Typical("per_shift", "down", 1.3, 0.5, "weeks"),
    "naming_precision": Typical("ratio", "up", 0.65, 0.35, "incidents"),
}


class Case(NamedTuple):
    """A challenger of known quality: shifts of the champion's values, and what must come out."""

    name: str
    shift: Mapping[str, float]
    incidents: int = 240
    swapped: bool = False
    silent: bool = False
    must: Answer | None = None
    """The one right answer; None: anything but promote."""


_BETTER = {
    "incident_recall": 0.03,
    "detected_in_time_ratio": 0.06,
    "page_precision": 0.15,
    "alarming_precision": 0.18,
    "mean_time_to_detect_s": -40.0,
    "false_pages_per_week": -3.5,
    "false_pages_per_week_worst_team": -5.0,
    "duplicates_per_week": -2.0,
    "pages_per_week": -6.0,
    "pages_per_shift": -0.4,
}
_NOISY = {
    "incident_recall": 0.02,
    "page_precision": -0.25,
    "alarming_precision": -0.20,
    "false_pages_per_week": 14.0,
    "false_pages_per_week_worst_team": 20.0,
    "duplicates_per_week": 5.0,
    "pages_per_week": 19.0,
    "pages_per_shift": 1.4,
}
_DEAF = {**_BETTER, "incident_recall": -0.15, "detected_in_time_ratio": -0.15, "mean_time_to_detect_s": 60.0}
CASES = (
    Case("clearly better, 17 weeks", _BETTER, must="promote"),
    Case("clearly better, 2 weeks", _BETTER, incidents=28, must="not_enough_evidence"),
    Case("clearly better, swapped with the champion", _BETTER, swapped=True),
    Case("equal", {}),
    Case("noisy", _NOISY, must="reject"),
    Case("misses fifteen in a hundred more", _DEAF, must="reject"),
    Case("never pages", {}, silent=True, must="reject"),
)


class Chance(NamedTuple):
    """How often a criterion passes at a number of incidents, by what is true of the challenger."""

    incidents: int
    at_the_margin: float
    equal: float
    better: float


def chances(policy: Policy, criterion: Criterion) -> list[Chance]:
    """Shares of challengers that pass a criterion; empty for a ceiling and for scores not in ``TYPICAL``.

    >>> from titleshot.registry.policy import load_policy
    >>> [round(chance.at_the_margin, 3) for chance in chances(load_policy(), load_policy().criteria[0])][-1]
    0.012
    """
    typical = TYPICAL.get(criterion.score)
    if typical is None or criterion.kind == "ceiling":
        return []
    margin = max(criterion.margin, criterion.margin_ratio * typical.champion)
    bound = margin if criterion.kind == "superiority" else -margin
    gain = abs(_BETTER.get(criterion.score, 0.0))
    z = NormalDist().inv_cdf((1 + policy.confidence_of(criterion)) / 2)

    def passes(truth: float, incidents: int) -> float:
        return NormalDist().cdf((truth - bound) / typical.error(incidents) - z)

    return [
        Chance(n, passes(bound, n), passes(0.0, n), passes(gain, n)) for n in (28, 50, 100, 200, 400, 800)
    ]


def rehearse(policy: Policy, case: Case) -> Verdict | None:
    """The judge's verdict on a case, of the criteria on scores in ``TYPICAL``; None where there are none.

    What rehearsed numbers cannot show is not asked for: shadow, feedback, suites, latency, memory.
    """
    known = tuple(
        criterion
        for criterion in policy.criteria
        if criterion.score in TYPICAL
        and criterion.direction in {None, TYPICAL[criterion.score].better}
        and not faults_of_asking(criterion)
    )
    if not known:
        return None
    unseen = {"shadow_hours": None, "shadow_coverage": None, "judged_share": None, "discordant_pairs": 0}
    pages = policy.budgets.pages_per_shift if policy.budgets else None
    reduced = policy.model_copy(
        update={
            "criteria": known,
            "minimum": policy.minimum.model_copy(update=unseen),
            "data": policy.data.model_copy(update={"suites": (), "maximum_label_age_days": None}),
            "budgets": None if pages is None else Budgets(pages_per_shift=pages),
            "baseline": "live",
        }
    )
    return judge(rehearsed(policy, case), reduced, judged_at=0)


def rehearsed(policy: Policy, case: Case) -> Comparison:
    """The comparison of a case, with the intervals the policy needs."""
    confidence = max(policy.confidences(champion=True).values())
    pairs: list[PairedScore] = []
    champion: list[Score] = []
    challenger: list[Score] = []
    for name, typical in TYPICAL.items():
        error = typical.error(case.incidents)
        first, second = typical.champion, typical.champion + case.shift.get(name, 0.0)
        if case.silent:
            second = {
                "incident_recall": 0.0,
                "detected_in_time_ratio": 0.0,
                "mean_time_to_detect_s": 600.0,
            }.get(name, 0.0)
        if case.swapped:
            first, second = second, first
        undefined = case.silent and name in {"page_precision", "alarming_precision"}
        n_of = "incidents" if typical.per == "incidents" else "weeks"
        n = case.incidents if n_of == "incidents" else round(case.incidents / INCIDENTS_PER_WEEK)
        common = {"name": name, "unit": typical.unit, "better": typical.better, "n": n, "n_of": n_of}
        for cards, value in ((champion, first), (challenger, None if undefined else second)):
            low, high = _around(value, error / sqrt(2), confidence)
            cards.append(
                Score.model_validate(
                    {
                        **common,
                        "value": value,
                        "low": low,
                        "high": high,
                        "confidence": confidence,
                        "reason": "no scored page" if value is None else None,
                    }
                )
            )
        difference = None if undefined else second - first
        low, high = _around(difference, error, confidence)
        decisive_low, decisive_high = _around(difference, error, policy.decisive_confidence)
        pairs.append(
            PairedScore.model_validate(
                {
                    **common,
                    "champion": first,
                    "challenger": None if undefined else second,
                    "difference": difference,
                    "low": low,
                    "high": high,
                    "decisive_low": decisive_low,
                    "decisive_high": decisive_high,
                    "confidence": confidence,
                    "method": "normal, rehearsed",
                    "reason": "no scored page" if undefined else None,
                }
            )
        )
    weeks = case.incidents / INCIDENTS_PER_WEEK
    return Comparison(
        champion=card("champion", policy, weeks, confidence, tuple(champion)),
        challenger=card("challenger", policy, weeks, confidence, tuple(challenger)),
        pairs=tuple(pairs),
        incidents=(),
        blocks=round(7 * weeks),
        weeks=weeks,
        incidents_scored=case.incidents,
    )


def _around(value: float | None, error: float, confidence: float) -> tuple[float | None, float | None]:
    if value is None:
        return None, None
    reach = NormalDist().inv_cdf((1 + confidence) / 2) * error
    return value - reach, value + reach


def card(who: str, policy: Policy, weeks: float, confidence: float, scores: tuple[Score, ...]) -> Scorecard:
    """A scorecard of made-up data, on the span the policy seals where it seals one."""
    zeros = "0" * 64
    sealed = policy.data.sealed_span
    start = sealed.span_from if sealed else 0
    return Scorecard(
        identity=Identity(
            contender=who,
            recipe_digest=None,
            artifact_digest=None,
            dataset="rehearsed",
            dataset_digest=zeros,
            labels_digest=zeros,
            labels_as_of=0,
            code_commit=None,
            code_dirty=None,
            lock_digest=None,
        ),
        settings=Settings(
            span_from=start,
            span_to=sealed.span_to if sealed else round(weeks * 7 * DAY),
            warm_up_s=0,
            early_s={},
            grace_s=0,
            hops=1,
            labels_complete=True,
            detect_within_s=600,
            seed=policy.resampling.seed,
            resamples=policy.resampling.resamples,
            blocks=round(7 * weeks),
            confidence=confidence,
        ),
        scores=scores,
    )
