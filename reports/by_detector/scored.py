"""Scores by detector: its alerts taken as pages, beside what of the contender's own pages rests on it.

There is no paired difference by detector. A detector both sides hold, under one alert policy, gives both the
same alerts, so the difference would be none by construction; detectors of one side only have no partner.
Each side's scorecard has its own.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import Any

import numpy as np

from titleshot.datasets.contracts.record import canonical_json
from titleshot.datasets.contracts.scores import DetectorScores, Score, WatchedBy
from titleshot.datasets.replay_log import ReplayLog
from titleshot.reports.by_detector.alert_pages import AlertPages, Alerts
from titleshot.reports.by_detector.credit import CREDIT_SCORES, Credit, causes
from titleshot.reports.chance import chance
from titleshot.reports.correlation.definition import estimate as estimate_of
from titleshot.reports.estimates import estimate, prepare
from titleshot.reports.matching import Matching
from titleshot.reports.scores.registered import SCORES
from titleshot.reports.scores.score import ScoreDefinition
from titleshot.reports.tally import Tally
from titleshot.reports.terms import Contestant, Terms

SHOWN = (
    "incident_recall",
    "detected_in_time_ratio",
    "page_precision",
    "page_precision_low",
    "page_precision_high",
    "alarming_precision",
    "alarming_precision_low",
    "alarming_precision_high",
    "mean_time_to_detect_s",
    "time_to_detect_p50_s",
    "false_pages_per_week",
    "unmatched_pages_per_week",
    "duplicates_per_week",
    "pages_per_week",
)
"""Scores of pages that alerts taken as pages have too."""
MEANING = (
    "by detector each alert is a page: sent when it was said, naming its one service, closed at once; after"
    " the alert policy, before correlator, severity and page cooldown, so repeats in an incident are"
    " duplicates and each alert outside one is a false page"
)
_Scored = dict[str, tuple[Score, ...]]


def scored_by_detector(terms: Terms, contestant: Contestant) -> tuple[_Scored, DetectorScores]:
    """Scores of each detector by its string, and what it watches; none, with a reason, without alerts."""
    log = contestant.log
    reason = _nothing(log)
    if log is None or reason is not None:
        return {}, DetectorScores(reason=reason)
    recipe = log.about.get("recipe")
    recipe = recipe if isinstance(recipe, dict) else {}
    told = _told_to_watch(recipe)
    alerts = Alerts.of(terms, log)
    names = sorted({*alerts.detectors, *told})
    if not names:
        return {}, DetectorScores(reason="the log holds no alert, and no recipe that names its detectors")
    matched = contestant.matched
    pages = AlertPages.of(terms, alerts, matched.codes, recipe)
    place = {name: number for number, name in enumerate(alerts.detectors)}
    rows = [np.flatnonzero(alerts.detector == place.get(name, -1)) for name in names]
    alone = [pages.only(of) for of in rows]
    matchings = [terms.rematched(one.table, matched) for one in alone]
    tallies = [terms.count(m, one.rotations) for m, one in zip(matchings, alone, strict=True)]
    behind = causes(log, matched.pages, alerts)
    column = [place.get(name, len(alerts.detectors)) for name in names]
    behind = np.hstack([behind, np.zeros((len(behind), 1), np.int64)])[:, column]
    found = np.column_stack([tally.detected for tally in tallies])
    hit = matched.matching.assignment.incident
    scores = {
        name: (
            *_as_pages(terms, contestant, matchings[k], alone[k], tallies[k]),
            *(
                estimate_of(score, credit, terms.resampling, terms.settings.confidence)
                for credit in [Credit.of(contestant.tally, hit, behind, k, found)]
                for score in CREDIT_SCORES
            ),
        )
        for k, name in enumerate(names)
    }
    watched = {
        name: WatchedBy(
            selectors=tuple(told.get(name, ())),
            metrics=alerts.metrics_of(place[name]) if name in place else (),
            alerts=len(of),
            alerts_scored=int(one.table.scored.sum()),
        )
        for name, of, one in zip(names, rows, alone, strict=True)
    }
    unknown = int((behind.sum(axis=1) == 0).sum())
    notes = [MEANING]
    if unknown:
        notes.append(f"{unknown} pages name no candidate with alerts of this log: nobody has credit for them")
    return scores, DetectorScores(watched=watched, notes=tuple(notes))


def _nothing(log: ReplayLog | None) -> str | None:
    if log is None:
        return "nothing pages yet: there is no detector"
    if log.about.get("opaque"):
        return "an imported page history holds pages, not the alerts behind them"
    return None


def _as_pages(
    terms: Terms, contestant: Contestant, matching: Matching, pages: AlertPages, tally: Tally
) -> tuple[Score, ...]:
    shown = [one for one in SCORES if one.name in SHOWN and one.applies(tally)]
    luck = chance(
        shown,
        matching,
        contestant.matched.roots,
        pages.rotations,
        terms.exposure,
        terms.time,
        within_s=terms.settings.detect_within_s,
        complete=terms.rules.labels_complete,
        seed=terms.settings.seed,
    ).scores
    prepare(shown, terms.resampling, tally)

    def score(definition: ScoreDefinition) -> Score:
        found = estimate(definition, tally, terms.resampling, terms.settings.confidence)
        if definition.name not in luck:
            return found
        mean, high = luck[definition.name]
        return found.model_copy(update={"chance": mean, "chance_high": high})

    return tuple(score(definition) for definition in shown)


def _told_to_watch(recipe: dict[str, Any]) -> dict[str, list[str]]:
    """Detector strings of a recipe, as events carry them, with what their selectors match, in words.

    A detector that never alerted is in no event; it is scored all the same, with what it found: nothing.
    """
    told: dict[str, list[str]] = defaultdict(list)
    for selector in _dicts(recipe.get("detectors")):
        if name := _detector(selector):
            told[name].append(_match(selector) or "everything else")
    for selector in _dicts(recipe.get("rows")):
        if name := _detector(selector):
            told[name].append(f"feature rows of {_match(selector) or 'every service'}")
    return dict(told)


def _detector(selector: dict[str, Any]) -> str | None:
    """``family@digest``; None where the selector watches nothing."""
    spec = selector.get("detector")
    if not isinstance(spec, dict) or not isinstance(spec.get("family"), str):
        return None
    params = {name: value for name, value in spec.items() if name != "family"}
    return f"{spec['family']}@{hashlib.sha256(canonical_json(params).encode()).hexdigest()[:8]}"


def _match(selector: dict[str, Any]) -> str:
    match = selector.get("match")
    globs = dict(match) if isinstance(match, dict) else {}
    labels = globs.pop("labels", None)
    said = [f"{name} {glob}" for name, glob in globs.items() if glob not in (None, "*")]
    said += [f"label {name} {glob}" for name, glob in labels.items()] if isinstance(labels, dict) else []
    return ", ".join(said)


def _dicts(found: object) -> list[dict[str, Any]]:
    # A log's recipe is data of somebody else's: what is no selector says nothing.
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
