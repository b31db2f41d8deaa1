"""The page: one self-contained HTML file that a person reads before anything pages a person.

It asks nothing of the network and runs no script but its own; every name from telemetry is data and is
escaped. The same records give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from titleshot.datasets.contracts.comparisons import Comparison
from titleshot.datasets.contracts.decision import Decision
from titleshot.datasets.contracts.record import SEVERITIES
from titleshot.datasets.contracts.scores import Scorecard
from titleshot.datasets.contracts.validation import ValidationReport
from titleshot.datasets.contracts.verdicts import Verdict
from titleshot.reports.rendering import headline, history, identity, incident_rows, noise, strips
from titleshot.reports.rendering.baselines import baseline_table, luck_words, sensitivity_table
from titleshot.reports.rendering.candidates import candidate_panel
from titleshot.reports.rendering.costs import cost_of_being_wrong
from titleshot.reports.rendering.criteria import criterion_rows
from titleshot.reports.rendering.delays import delay_curve
from titleshot.reports.rendering.glossary import meaning
from titleshot.reports.rendering.marks import KINDS, merging
from titleshot.reports.rendering.nights import Night
from titleshot.reports.rendering.stage import stage
from titleshot.reports.rendering.timeline import MOST_WEEKS, timeline
from titleshot.reports.rendering.tones import has_champion
from titleshot.reports.rendering.weekly import weekly
from titleshot.reports.rendering.wording import (
    counted,
    day,
    listed,
    name,
    percent,
)

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
_OPEN_UP_TO = 60
_MOST_GROUPS = 100
One = TypeVar("One")
Row = TypeVar("Row")


def render_page(
    comparison: Comparison,
    verdict: Verdict,
    decision: Decision | None = None,
    validation: ValidationReport | None = None,
    *,
    title: str | None = None,
    night: Night = _NIGHT,
) -> str:
    """A comparison and its verdict as one HTML page.

    Args:
        comparison: what ``compare`` made.
        verdict: what the judge said of it.
        decision: what the contender is for; the page says so when it is missing.
        validation: of the dataset; the page says so when it is missing or speaks of other data.
        title: of the browser's tab, and the heading where there is no decision.
        night: the hours in which a page breaks sleep, by the clock of the people on call.

    Returns:
        The whole document, at most a few MB however many pages were sent.
    """
    cards = (comparison.champion, comparison.challenger)
    paired = strips.paired_rows(comparison, verdict)
    criteria = criterion_rows(comparison, verdict)
    names = dict.fromkeys(
        [*(row.score for row in paired), *(criterion.score for criterion in verdict.criteria)]
    )
    return _render(
        "comparison.html",
        cards,
        ("champion", "challenger"),
        incident_rows.of_comparison(comparison),
        list(names),
        validation,
        title=title or (decision.name if decision else _against(comparison)),
        night=night,
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
        criteria=criteria,
        has_limits=any(row.strip and row.strip.limit is not None for row in paired),
        has_outer=any(row.strip and row.strip.outer_low is not None for row in paired),
        methods=_methods(paired),
        by_group=_by_group(comparison.by_group, strips.paired_row),
    )


def render_scorecard(
    scorecard: Scorecard,
    validation: ValidationReport | None = None,
    *,
    title: str | None = None,
    night: Night = _NIGHT,
) -> str:
    """The scores of one replay log as one HTML page; arguments as for :func:`render_page`."""
    rows, found = strips.score_rows(scorecard.scores), scorecard.correlation
    of_candidates = () if found is None else (*found.scores, *found.context)
    return _render(
        "scorecard.html",
        (scorecard,),
        ("contender",),
        incident_rows.of_scorecard(scorecard),
        [score.name for score in (*scorecard.scores, *of_candidates)],
        validation,
        title=title or history.heading(scorecard),
        night=night,
        policy=None,
        facts=headline.facts(scorecard, night),
        replayed=history.it_ran(scorecard),
        caveats=history.caveats(scorecard),
        scores=rows,
        candidates=candidate_panel(found),
        has_limits=any(row.chance != "–" for row in rows),
        by_group=_by_group(scorecard.by_group, strips.score_row),
    )


def _render(
    template: str,
    cards: tuple[Scorecard, ...],
    roles: tuple[str, ...],
    table: incident_rows.IncidentTable,
    score_names: list[str],
    validation: ValidationReport | None,
    *,
    title: str,
    night: Night,
    policy: Verdict | None,
    **more: Any,
) -> str:
    settings = cards[-1].settings
    drawn = timeline(cards, night, anchors=table.anchors(), discordant=table.apart())
    kinds = [kind for kind in KINDS if kind in drawn.kinds or kind in _ALWAYS_IN_LEGEND]
    columns, rows = baseline_table(cards, roles)
    environment, style, script, csp = stage()
    return environment.get_template(template).render(
        **more,
        title=title,
        style=style,
        script=script,
        policy=csp,
        sections=[
            ("scores", "Scores"),
            ("timeline", "What happened"),
            ("incidents", "Incident by incident"),
            ("noise", "Noise"),
            ("baselines", "Baselines"),
            *([("candidates", "Candidates")] if more.get("candidates") else []),
            ("validation", "Validation"),
            ("identity", "Data and code"),
            ("glossary", "Glossary"),
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
        table_words=_table_words(table, roles),
        table_groups=_groups(table),
        verdict_words=_VERDICT_WORDS,
        labels_complete=settings.labels_complete,
        false_word="false" if settings.labels_complete else "unmatched",
        services=noise.per_service(cards),
        by_route=noise.per_route(cards),
        baseline_columns=columns,
        baseline_rows=rows,
        curve=delay_curve(cards, roles),
        luck=luck_words(cards[-1].chance),
        sensitivity=sensitivity_table(cards, roles),
        validation=validation,
        stale=validation is not None and validation.dataset_digest != cards[-1].identity.dataset_digest,
        broken=[] if validation is None else [rule for rule in validation.rules if not rule.passed],
        kept=[] if validation is None else [rule for rule in validation.rules if rule.passed],
        identity=identity.identity_rows(cards, roles, policy),
        settings=identity.setting_rows(settings),
        notes=list(dict.fromkeys(note for card in cards for note in card.notes)),
        glossary=[(score, meaning(score)) for score in score_names],
    )


def _against(comparison: Comparison) -> str:
    champion = comparison.champion.identity.contender if has_champion(comparison) else "silence"
    return f"{name(comparison.challenger.identity.contender, 48)} against {name(champion, 48)}"


def _table_words(table: incident_rows.IncidentTable, roles: tuple[str, ...]) -> str:
    counts = ", ".join(f"{n:,} {verdict}" for verdict, n in table.counts)
    if len(roles) == 2:
        return f"Of the labelled incidents the challenger has {counts}."
    return f"Of the labelled incidents: {counts}."


def _methods(rows: list[strips.PairedRow]) -> list[tuple[str, str]]:
    """How intervals were made, and of which scores."""
    methods: dict[str, list[str]] = {}
    for row in rows:
        if row.method:
            methods.setdefault(row.method, []).append(row.title)
    return [(method, listed(titles, 30)) for method, titles in methods.items()]


def _by_group(
    by_group: dict[str, dict[str, tuple[One, ...]]], row: Callable[[One], Row]
) -> list[tuple[str, list[tuple[str, list[Row]]], int]]:
    """(kind, groups with their rows, groups in all); no more groups than a page can hold."""
    made = []
    for kind, groups in sorted(by_group.items()):
        names = sorted(groups, key=lambda group: (_grave(group) if kind == "severity" else 0, group))
        shown = [(group, [row(one) for one in groups[group]]) for group in names[:_MOST_GROUPS]]
        made.append((kind, shown, len(names)))
    return made


def _grave(severity: str) -> int:
    return -SEVERITIES.index(severity) if severity in SEVERITIES else 0


def _groups(
    table: incident_rows.IncidentTable,
) -> list[tuple[str, list[incident_rows.IncidentRow], bool]]:
    groups: dict[str, list[incident_rows.IncidentRow]] = {}
    for row in table.rows:
        groups.setdefault(row.verdict, []).append(row)
    return [
        (verdict, rows, verdict not in {"tied", "unscored", "detected"} and len(rows) <= _OPEN_UP_TO)
        for verdict, rows in groups.items()
    ]
