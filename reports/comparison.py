"""Champion against challenger on the same days and incidents: the interval of the difference decides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from titleshot.datasets.contracts.comparisons import Comparison, IncidentPair, PairedScore
from titleshot.datasets.contracts.instants import DAY, SECOND, WEEK
from titleshot.datasets.contracts.scores import IncidentOutcome
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.replay_log import ReplayLog
from titleshot.reports.correlation.changed import correlator_change
from titleshot.reports.correlation.paired import PairedCandidates
from titleshot.reports.correlation.scored import account_of
from titleshot.reports.estimates import paired_estimate, prepare
from titleshot.reports.feedback.definitions import USEFULNESS
from titleshot.reports.feedback.panel import Panel
from titleshot.reports.feedback.queue import review_queue
from titleshot.reports.feedback.report import as_pair, as_score, feedback_report
from titleshot.reports.groups import GROUPS, names, part
from titleshot.reports.repeats import paired_spread
from titleshot.reports.scorecard import scorecard
from titleshot.reports.scores.registered import SCORES
from titleshot.reports.scores.score import Group
from titleshot.reports.stretched import nothing_to_stretch, paired_sensitivity
from titleshot.reports.tally import Tally, paired
from titleshot.reports.terms import Terms

QUEUED, QUEUE_SEED = 20, 7
"""Pages to label next that a comparison keeps, as many as ``feedback queue`` says unasked."""


def compare_logs(
    champion: ReplayLog | None,
    challenger: ReplayLog,
    dataset: Dataset,
    *,
    as_of: int | None = None,
    detect_within_s: float | None = None,
    seed: int = 7,
    resamples: int = 2000,
    confidence: float = 0.95,
    decisive_confidence: float = 0.99,
    confidences: Mapping[str, float] | None = None,
    span: tuple[int, int] | None = None,
) -> Comparison:
    """Compare two contenders. Arguments as of :func:`scorecard.score_log`.

    Args:
        champion: None where nothing pages yet; then the champion is ``never``.
        decisive_confidence: of the second, wider interval of every difference.
        confidences: confidence by score name, where it is not ``confidence``.

    Raises:
        InvalidDataset: a log was replayed from other data.
        UsageError: the two share no scored time.
    """
    logs = [challenger] if champion is None else [champion, challenger]
    terms = Terms.of(
        dataset,
        logs,
        as_of=as_of,
        detect_within_s=detect_within_s,
        seed=seed,
        resamples=resamples,
        confidence=confidence,
        span=span,
    )
    sides = terms.contestant(champion), terms.contestant(challenger)
    accounts = account_of(terms, sides[0].log), account_of(terms, sides[1].log)
    cards = [
        scorecard(terms, side, confidences or {}, account)
        for side, account in zip(sides, accounts, strict=True)
    ]
    candidates = PairedCandidates(terms, *accounts, confidences or {}, decisive_confidence)
    first, second = paired(sides[0].tally, sides[1].tally)

    def differences(of: tuple[Tally, Tally], group: Group | None = None) -> tuple[PairedScore, ...]:
        shown = [
            definition
            for definition in SCORES
            if definition.applies(of[0]) and (group is None or group in definition.groups)
        ]
        prepare(shown, terms.resampling, of[1], of[0])
        return tuple(
            paired_estimate(
                definition,
                *of,
                terms.resampling,
                (confidences or {}).get(definition.name, confidence),
                decisive_confidence,
            )
            for definition in shown
        )

    by_group: dict[str, dict[str, tuple[PairedScore, ...]]] = {
        group: {
            name: differences(
                (part(terms, sides[0], first, group, name), part(terms, sides[1], second, group, name)),
                group,
            )
            for name in names(terms, sides, group)
        }
        for group in GROUPS
    }
    for group, found in candidates.by_group().items():
        for name, scores in found.items():
            by_group[group][name] = by_group[group].get(name, ()) + scores
    panel = Panel.of(terms, *sides)
    pairs = differences((first, second))
    needed = (confidences or {}).get(USEFULNESS.name, confidence)
    pairs += (as_pair(panel, needed, decisive_confidence),)
    cards = [
        card.model_copy(update={"scores": (*card.scores, as_score(panel, side, needed))})
        for side, card in enumerate(cards)
    ]
    return Comparison(
        champion=cards[0],
        challenger=cards[1],
        pairs=pairs,
        feedback=feedback_report(panel) if terms.labels.feedback else None,
        review=review_queue(panel, n=QUEUED, seed=QUEUE_SEED),
        incidents=tuple(
            _pair(*outcomes, terms.settings.detect_within_s)
            for outcomes in zip(cards[0].incidents, cards[1].incidents, strict=True)
        ),
        correlation_pairs=candidates.pairs(),
        correlator_change=correlator_change(terms, sides, cards),
        by_group=by_group,
        sensitivity=paired_sensitivity(terms, *sides, pairs, confidences or {}, decisive_confidence),
        sensitivity_reason=nothing_to_stretch(sides[1]),
        duplicates_spread=paired_spread(first, second),
        blocks=terms.resampling.blocks,
        weeks=float(terms.time.seconds(None, terms.time.days * DAY, DAY).sum()) * SECOND / WEEK,
        incidents_scored=int(first.counted.sum()),
    )


def _pair(champion: IncidentOutcome, challenger: IncidentOutcome, within_s: float) -> IncidentPair:
    verdict, why = _verdict(champion, challenger, within_s)
    return IncidentPair.model_construct(
        incident_id=champion.incident_id,
        verdict=verdict,
        why=why,
        champion=champion,
        challenger=challenger,
    )


def _verdict(
    champion: IncidentOutcome, challenger: IncidentOutcome, within_s: float
) -> tuple[Literal["won", "lost", "tied", "unscored"], str]:
    """Won or lost: only one detected it, or only one within T. What else differs is told, and is a tie."""
    outcomes = {champion.outcome, challenger.outcome}
    if "unscored" in outcomes:
        return "unscored", "it began outside scored time"
    if "carried" in outcomes:
        sides = [
            name
            for name, of in (("champion", champion), ("challenger", challenger))
            if of.outcome == "carried"
        ]
        return "unscored", f"a page of the {' and the '.join(sides)} was already open when it began"
    if outcomes == {"censored"}:
        return "unscored", "the span ended before either had detected it"
    ours, theirs = challenger.time_to_detect_s, champion.time_to_detect_s
    if ours is None and theirs is None:
        return "tied", "both missed it"
    if theirs is None:
        return "won", f"only the challenger detected it, after {ours:.0f} s"
    if ours is None:
        return "lost", f"only the champion detected it, after {theirs:.0f} s"
    if ours <= within_s < theirs:
        return (
            "won",
            f"the challenger took {ours:.0f} s, the champion {theirs:.0f} s of {within_s:.0f} s allowed",
        )
    if theirs <= within_s < ours:
        return (
            "lost",
            f"the challenger took {ours:.0f} s of {within_s:.0f} s allowed, the champion {theirs:.0f} s",
        )
    return "tied", f"both detected it, {_apart(ours - theirs)}{_repeats(champion, challenger)}"


def _apart(seconds: float) -> str:
    if seconds == 0:
        return "at the same moment"
    return f"the challenger {abs(seconds):.0f} s {'earlier' if seconds < 0 else 'later'}"


def _repeats(champion: IncidentOutcome, challenger: IncidentOutcome) -> str:
    more = challenger.duplicates - champion.duplicates
    if more == 0:
        return ""
    return f" with {abs(more)} {'more' if more > 0 else 'fewer'} repeated page{'s' if abs(more) > 1 else ''}"
