"""The page: one self-contained HTML file that a person reads before anything pages a person.

It asks nothing of the network and runs no script but its own; every name from telemetry is data and is
escaped. The same records give the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from titleshot.datasets.contracts.comparisons import Comparison
from titleshot.datasets.contracts.decision import Decision
from titleshot.datasets.contracts.scores import Score, Scorecard
from titleshot.datasets.contracts.thresholds import ThresholdReport
from titleshot.datasets.contracts.validation import ValidationReport
from titleshot.datasets.contracts.verdicts import Verdict
from titleshot.datasets.contracts.what_if import WhatIfReport
from titleshot.reports.rendering import groups, headline, history, identity, incident_rows, noise, strips
from titleshot.reports.rendering.assumptions import assumptions
from titleshot.reports.rendering.baselines import baseline_table, luck_words
from titleshot.reports.rendering.candidates import candidate_panel, candidates_of_both
from titleshot.reports.rendering.correlator_change import change_panel
from titleshot.reports.rendering.costs import cost_of_being_wrong
from titleshot.reports.rendering.criteria import criterion_rows
from titleshot.reports.rendering.delays import delay_curve
from titleshot.reports.rendering.detectors import detectors_of
from titleshot.reports.rendering.labelling import FIRST, labelling
from titleshot.reports.rendering.marks import KINDS, merging
from titleshot.reports.rendering.nights import Night
from titleshot.reports.rendering.since import since_panel
from titleshot.reports.rendering.spread import spread_of
from titleshot.reports.rendering.stage import stage
from titleshot.reports.rendering.stories import stories_of
from titleshot.reports.rendering.stretched import stretched_differences, stretched_scores
from titleshot.reports.rendering.suspicions import abstention_of, reliability_of
from titleshot.reports.rendering.threshold_panel import threshold_panel
from titleshot.reports.rendering.timeline import MOST_WEEKS, timeline
from titleshot.reports.rendering.tones import has_champion
from titleshot.reports.rendering.weekly import weekly
from titleshot.reports.rendering.what_if import what_if_panel
from titleshot.reports.rendering.wording import counted, day, name, percent
from titleshot.reports.score_words import PARTS
from titleshot.reports.since_last import Changes, First

_NIGHT = Night()
_ALWAYS_IN_LEGEND = ("detection", "duplicate", "false", "missed")
_VERDICT_WORDS = {
    "lost": "Lost: the champion did better",
    "won": "Won: the challenger did better",
    "tied": "Tied",
    "unscored": "Not scored",
    "missed": "Missed",
    "detected": "Caught",
    "carried": "Already paged when it began",
    "censored": "Cut by the end of the span",
}


def render_page(
    comparison: Comparison,
    verdict: Verdict,
    decision: Decision | None = None,
    validation: ValidationReport | None = None,
    *,
    title: str | None = None,
    night: Night = _NIGHT,
    thresholds: Sequence[ThresholdReport] = (),
    what_ifs: Sequence[WhatIfReport] = (),
    since: Changes | First | None = None,
) -> str:
    """A comparison and its verdict as one HTML page.

    Args:
        comparison: what ``compare`` made.
        verdict: what the judge said of it.
        decision: what the contender is for; the page says so when it is missing.
        validation: of the dataset; the page says so when it is missing or speaks of other data.
        title: of the browser's tab, and the heading where there is no decision.
        night: the hours in which a page breaks sleep, by the clock of the people on call.
        thresholds: what ``thresholds`` said of one side or of both.
        what_ifs: what ``what-if`` said of remediation rules over one side or both.
        since: what changed since the last report, or that there was none; None: nobody asked.

    Returns:
        The whole document, at most a few MB however many pages were sent.
    """
    cards = (comparison.champion, comparison.challenger)
    paired = strips.paired_rows(comparison, verdict)
    table = incident_rows.of_comparison(comparison)
    return _render(
        "comparison.html",
        cards,
        ("champion", "challenger"),
        table,
        validation,
        title=title or (decision.name if decision else _against(comparison)),
        night=night,
        thresholds=thresholds,
        what_ifs=what_ifs,
        policy=verdict,
        decision=decision,
        verdict=verdict,
        answer=headline.ANSWERS[verdict.answer],
        sentence=headline.verdict_sentence(comparison, verdict),
        reasons=headline.reasons(comparison, verdict, night),
        costs=cost_of_being_wrong(comparison),
        champion=comparison.champion,
        challenger=comparison.challenger,
        has_champion=has_champion(comparison),
        night_of="one route" if history.share_routes(comparison) else "everybody, as the two share no route",
        routes=sorted({page.route for card in cards for page in card.pages}),
        replayed=history.both_ran(comparison),
        caveats=history.caveats(comparison.champion),
        paired=paired,
        criteria=criterion_rows(comparison, verdict),
        assumptions=assumptions(cards, ("champion", "challenger"), comparison, verdict),
        decides={criterion.score for criterion in verdict.criteria},
        missing=verdict.missing or verdict.unmet,
        budgets=verdict.budgets,
        standing=headline.standing(verdict),
        since=since and since_panel(since, table.anchors()),
        labelling=labelling(comparison),
        candidates=candidates_of_both(*(card.correlation for card in cards)),
        candidate_pairs=strips.candidate_rows(comparison, verdict),
        changed=change_panel(comparison.correlator_change),
        labelling_first=FIRST,
        has_limits=any(row.strip and row.strip.limit is not None for row in paired),
        has_outer=any(row.strip and row.strip.outer_low is not None for row in paired),
        methods=groups.methods_of(paired),
        stretched=stretched_differences(comparison),
        by_group=groups.by_group(comparison.by_group, strips.paired_row),
    )


def render_scorecard(
    scorecard: Scorecard,
    validation: ValidationReport | None = None,
    *,
    title: str | None = None,
    night: Night = _NIGHT,
    thresholds: Sequence[ThresholdReport] = (),
    what_ifs: Sequence[WhatIfReport] = (),
) -> str:
    """The scores of one replay log as one HTML page; arguments as for :func:`render_page`."""
    rows = strips.score_rows(scorecard.scores)
    return _render(
        "scorecard.html",
        (scorecard,),
        ("contender",),
        incident_rows.of_scorecard(scorecard),
        validation,
        title=title or history.heading(scorecard),
        night=night,
        thresholds=thresholds,
        what_ifs=what_ifs,
        policy=None,
        facts=headline.facts(scorecard, night),
        replayed=history.it_ran(scorecard),
        caveats=history.caveats(scorecard),
        scores=rows,
        candidates=candidate_panel(scorecard.correlation),
        candidate_pairs=[],
        assumptions=assumptions((scorecard,), ("contender",)),
        decides=set(),
        has_limits=any(row.chance != "–" for row in rows),
        stretched=stretched_scores(scorecard),
        by_group=groups.by_group(_without_detectors(scorecard), strips.score_row),
    )


def _render(
    template: str,
    cards: tuple[Scorecard, ...],
    roles: tuple[str, ...],
    table: incident_rows.IncidentTable,
    validation: ValidationReport | None,
    *,
    title: str,
    night: Night,
    thresholds: Sequence[ThresholdReport],
    what_ifs: Sequence[WhatIfReport],
    policy: Verdict | None,
    **more: Any,
) -> str:
    settings = cards[-1].settings
    drawn = timeline(cards, night, anchors=table.anchors(), discordant=table.apart())
    kinds = [kind for kind in KINDS if kind in drawn.kinds or kind in _ALWAYS_IN_LEGEND]
    columns, rows = baseline_table(cards, roles)
    by_detector = detectors_of(cards, roles)
    environment, style, script, csp = stage()
    return environment.get_template(template).render(
        **more,
        title=title,
        style=style,
        script=script,
        policy=csp,
        sections=[
            *([("since", "Since the last report")] if more.get("since") else []),
            *([("labels", "What to label next")] if more.get("labelling") else []),
            ("scores", "Scores"),
            ("timeline", "What happened"),
            ("incidents", "Incident by incident"),
            ("noise", "Noise"),
            ("baselines", "Baselines"),
            *([("candidates", "Candidates")] if more.get("candidates") else []),
            *([("changed", "Correlator")] if more.get("changed") else []),
            *([("stories", "As a responder sees it")] if cards[-1].stories else []),
            *([("detectors", "Detectors")] if by_detector else []),
            *([("thresholds", "Other thresholds")] if thresholds else []),
            *([("what-if", "Remediation")] if what_ifs else []),
            ("validation", "Validation"),
            ("identity", "Data and code"),
            ("assumptions", "Assumptions"),
            ("explained", "Scores explained"),
        ],
        roles=roles,
        night=night.hours(),
        confidence=percent(settings.confidence),
        span_words=f"{counted(settings.blocks, 'day')} and the same incidents",
        span_words_from=day(settings.span_from),
        span_words_to=day(settings.span_to),
        drawn=drawn,
        weekly=weekly(drawn, (settings.span_from, settings.span_to), roles),
        kinds=kinds,
        legend=kinds,
        kind_words=KINDS,
        merging=merging(drawn.within_s),
        most_weeks=MOST_WEEKS,
        table=table,
        table_words=groups.counts_of(table, roles),
        table_groups=groups.by_verdict(table),
        verdict_words=_VERDICT_WORDS,
        labels_complete=settings.labels_complete,
        false_word="false" if settings.labels_complete else "unmatched",
        services=noise.per_service(cards),
        by_route=noise.per_route(cards),
        baseline_columns=columns,
        baseline_rows=rows,
        curve=delay_curve(cards, roles),
        luck=luck_words(cards[-1].chance),
        detectors=by_detector,
        stories=stories_of(cards[-1]),
        spread=spread_of(cards),
        abstention=abstention_of(cards, roles),
        reliability=reliability_of(cards, roles),
        thresholds=[threshold_panel(one, cards[-1].identity.labels_digest) for one in thresholds],
        what_ifs=[what_if_panel(one, cards[-1].identity.labels_digest) for one in what_ifs],
        validation=validation,
        stale=validation is not None and validation.dataset_digest != cards[-1].identity.dataset_digest,
        broken=[] if validation is None else [rule for rule in validation.rules if not rule.passed],
        kept=[] if validation is None else [rule for rule in validation.rules if rule.passed],
        identity=identity.identity_rows(cards, roles, policy),
        settings=identity.setting_rows(settings),
        notes=list(dict.fromkeys(note for card in cards for note in card.notes)),
        explained=PARTS,
    )


def _without_detectors(card: Scorecard) -> dict[str, dict[str, tuple[Score, ...]]]:
    """Detectors have a section of their own: each of their alerts is taken as a page."""
    return {kind: groups for kind, groups in card.by_group.items() if kind != "detector"}


def _against(comparison: Comparison) -> str:
    champion = comparison.champion.identity.contender if has_champion(comparison) else "silence"
    return f"{name(comparison.challenger.identity.contender, 48)} against {name(champion, 48)}"
