"""The scorecard of one replay log: scores with interval, n and chance level, and what became of each page."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.incident_views import IncidentView
from titleshot.datasets.contracts.scores import PageOutcome, Score, Scorecard
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.replay_log import ReplayLog
from titleshot.reports import baselines
from titleshot.reports.assignment import PageTable
from titleshot.reports.by_detector.scored import scored_by_detector
from titleshot.reports.chance import Chance, chance
from titleshot.reports.correlation.account import Account
from titleshot.reports.correlation.grouped import scores_by_group
from titleshot.reports.correlation.scored import account_of, correlation_of
from titleshot.reports.estimates import estimate, over_draws, prepare
from titleshot.reports.feedback.definitions import USEFULNESS
from titleshot.reports.feedback.panel import CHAMPION, Panel
from titleshot.reports.feedback.report import as_score
from titleshot.reports.groups import GROUPS, names, part
from titleshot.reports.matching import CARRIED_IN, NOT_SCORED
from titleshot.reports.repeats import spread
from titleshot.reports.responder.candidate_records import widest
from titleshot.reports.responder.incident_views import incident_views
from titleshot.reports.responder.known import Known
from titleshot.reports.responder.label_hits import Labelled
from titleshot.reports.scores.registered import SCORES
from titleshot.reports.scores.score import Group
from titleshot.reports.scores.time_to_detect import delay_curve
from titleshot.reports.stretched import nothing_to_stretch, sensitivity
from titleshot.reports.tally import Tally
from titleshot.reports.terms import Contestant, Terms

MANY_CARRIED = 0.1
MOST_STORIES = 6
"""Incidents that a scorecard keeps as a responder would have seen them."""


def score_log(
    log: ReplayLog,
    dataset: Dataset,
    *,
    as_of: int | None = None,
    detect_within_s: float | None = None,
    seed: int = 7,
    resamples: int = 2000,
    confidence: float = 0.95,
    confidences: Mapping[str, float] | None = None,
    span: tuple[int, int] | None = None,
) -> Scorecard:
    """Score what a contender paged against the labels of the dataset it was replayed on.

    Args:
        as_of: labels known at this moment, nanoseconds UTC; None takes all there are.
        detect_within_s: T of the decision; None takes the dataset's.
        confidence: of two-sided intervals; ``confidences`` overrides it by score name.
        span: [from, to) in nanoseconds UTC instead of the dataset's evaluation span. To compute a scorecard
            anew, give the span and the ``labels_as_of`` it records.

    Raises:
        InvalidDataset: the log was replayed from other data.
        UsageError: nothing to score in the span.
    """
    terms = Terms.of(
        dataset,
        [log],
        as_of=as_of,
        detect_within_s=detect_within_s,
        seed=seed,
        resamples=resamples,
        confidence=confidence,
        span=span,
    )
    contestant = terms.contestant(log)
    card = scorecard(terms, contestant, confidences or {})
    scores = card.scores
    if terms.labels.feedback:
        panel = Panel.of(terms, contestant, terms.contestant(None))
        scores += (as_score(panel, CHAMPION, (confidences or {}).get(USEFULNESS.name, confidence)),)
    return card.model_copy(update={"scores": scores})


def scorecard(
    terms: Terms,
    contestant: Contestant,
    confidences: Mapping[str, float],
    account: Account | str | None = None,
) -> Scorecard:
    """The scorecard of one contender under settled terms; ``account`` where its log was read before."""
    account = account_of(terms, contestant.log) if account is None else account
    matched, tally = contestant.matched, contestant.tally
    luck = _chance(terms, contestant)
    pages, incidents = matched.page_outcomes(), matched.incident_outcomes()
    of_detectors, detectors = scored_by_detector(terms, contestant)
    by_group: dict[str, dict[str, tuple[Score, ...]]] = {
        group: {
            name: _scores(terms, part(terms, contestant, tally, group, name), confidences, group)
            for name in names(terms, [contestant], group)
        }
        for group in GROUPS
    }
    for kind, found in scores_by_group(terms, account, confidences).items():
        for name, scores in found.items():
            by_group[kind][name] = by_group[kind].get(name, ()) + scores
    return Scorecard(
        identity=contestant.identity,
        settings=terms.settings,
        scores=tuple(_beside_chance(score, luck) for score in _scores(terms, tally, confidences)),
        by_group={**by_group, **({"detector": of_detectors} if of_detectors else {})},
        baselines=_baselines(terms, contestant),
        chance=luck.level,
        sensitivity=sensitivity(terms, contestant),
        sensitivity_reason=nothing_to_stretch(contestant),
        delay_curve=delay_curve(tally),
        duplicates_spread=spread(tally),
        incidents=incidents,
        pages=pages,
        correlation=correlation_of(terms, account, confidences),
        detectors=detectors,
        stories=_stories(terms, contestant, pages),
        notes=(*terms.notes, *contestant.notes, *_notes(terms, contestant), baselines.MEANING),
    )


def _stories(
    terms: Terms, contestant: Contestant, outcomes: tuple[PageOutcome, ...]
) -> tuple[IncidentView, ...]:
    log = contestant.log
    if log is None or log.about.get("opaque"):
        return ()
    chosen = widest(log, MOST_STORIES, (terms.settings.span_from, terms.settings.span_to))
    return incident_views(
        log,
        chosen,
        pages=contestant.matched.pages,
        known=Known.of(terms.dataset),
        labelled=Labelled(terms),
        outcomes=outcomes,
    )


def _scores(
    terms: Terms, tally: Tally, confidences: Mapping[str, float], group: Group | None = None
) -> tuple[Score, ...]:
    shown = [
        definition
        for definition in SCORES
        if definition.applies(tally) and (group is None or group in definition.groups)
    ]
    prepare(shown, terms.resampling, tally)
    return tuple(
        estimate(
            definition,
            tally,
            terms.resampling,
            confidences.get(definition.name, terms.settings.confidence),
        )
        for definition in shown
    )


def _chance(terms: Terms, contestant: Contestant) -> Chance:
    return chance(
        SCORES,
        contestant.matched.matching,
        contestant.matched.roots,
        contestant.rotations,
        terms.exposure,
        terms.time,
        within_s=terms.settings.detect_within_s,
        complete=terms.rules.labels_complete,
        seed=terms.settings.seed,
    )


def _beside_chance(score: Score, luck: Chance) -> Score:
    if score.name not in luck.scores:
        return score
    mean, high = luck.scores[score.name]
    return score.model_copy(update={"chance": mean, "chance_high": high})


def _baselines(terms: Terms, contestant: Contestant) -> dict[str, tuple[Score, ...]]:
    matched = contestant.matched

    def counted(pages: PageTable, rotations: NDArray[np.int64]) -> Tally:
        return terms.count(terms.rematched(pages, matched), rotations)

    constant = baselines.always(terms.exposure, terms.time, terms.reference, matched.codes)
    draws = [
        counted(
            *baselines.at_random(
                matched.matching.pages,
                contestant.rotations,
                terms.time,
                matched.codes,
                terms.settings.seed,
                draw,
            )
        )
        for draw in range(baselines.RANDOM_DRAWS)
    ]
    shown = [definition for definition in SCORES if definition.name in baselines.SHOWN]
    confidence = terms.settings.confidence
    return {
        name: tuple(estimate(definition, tally, terms.resampling, confidence) for definition in shown)
        for name, tally in (
            ("never", counted(baselines.never(), np.zeros(0, np.int64))),
            ("always", counted(*constant)),
        )
    } | {"random": tuple(over_draws(definition, draws, confidence) for definition in shown)}


def _notes(terms: Terms, contestant: Contestant) -> list[str]:
    notes = []
    known, canonical = set(terms.exposure.services), terms.reference.canonical
    strangers = sum(
        known.isdisjoint(canonical(name, page.paged_at) for name in page.services)
        for page in contestant.matched.pages
    )
    if strangers:
        notes.append(f"{strangers} pages name no service that the dataset has series of")
    if contestant.flushed:
        notes.append(f"left out because only the end of the replay sent them: {contestant.flushed} pages")
    fate = contestant.matched.matching.fate
    carried, scored = int((fate == CARRIED_IN).sum()), int((fate != NOT_SCORED).sum())
    if carried > MANY_CARRIED * scored:
        notes.append(
            f"{carried} of {scored} incidents began under an open page and count neither as detected nor as"
            " missed: does this contender close its pages?"
        )
    if not terms.rules.labels_complete:
        notes.append("labels are not declared complete: precision and false pages are brackets, not values")
    if terms.labels.incidents == []:
        notes.append("no incident was labelled: only what was paged can be counted")
    return notes
