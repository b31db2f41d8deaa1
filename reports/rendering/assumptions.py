"""Everything the numbers rest on that is not in the numbers, and how a reader can check it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from titleshot.datasets.contracts.comparisons import Comparison
from titleshot.datasets.contracts.scores import Scorecard
from titleshot.datasets.contracts.verdicts import Verdict
from titleshot.reports.baselines import MEANING
from titleshot.reports.rendering.baselines import luck_words
from titleshot.reports.rendering.groups import MOST_GROUPS
from titleshot.reports.rendering.incident_rows import MOST_ROWS
from titleshot.reports.rendering.wording import counted, day, duration, listed, moment, number, percent
from titleshot.reports.score_titles import title_of


@dataclass(frozen=True)
class Assumption:
    """``definition`` names what explains it, ``here`` is how it was settled, ``check`` what to do."""

    topic: str
    definition: str
    here: str
    check: str


def assumptions(
    cards: tuple[Scorecard, ...],
    roles: tuple[str, ...],
    comparison: Comparison | None = None,
    verdict: Verdict | None = None,
) -> list[Assumption]:
    """In a statistician's order: data, matching, what is left out, intervals, the judge, luck, answers."""
    made = [
        *_of_labels(cards[-1]),
        *_of_matching(cards[-1]),
        *_left_out(cards, roles),
        *_of_intervals(cards, comparison),
    ]
    if verdict is not None:
        made += _of_judging(verdict, cards[-1])
    made += _of_luck(cards[-1])
    if comparison is not None:
        made.append(_of_feedback(comparison))
    made.append(
        Assumption(
            "What this page leaves out",
            "n",
            f"at most {MOST_ROWS:,} incidents, {MOST_GROUPS} groups of a kind and the noisiest services are"
            " drawn",
            "the record this page is made of (comparison.json, or score --json) has every row",
        )
    )
    return made


def _of_labels(card: Scorecard) -> list[Assumption]:
    known, settings = card.identity, card.settings
    complete = (
        "declared complete: a page that hits none is false"
        if settings.labels_complete
        else "not declared complete: a page that hits none may be right, so precision is a bracket"
    )
    return [
        Assumption(
            "Labels are what happened",
            "matching",
            f"{counted(len(card.incidents), 'incident')} as known on {moment(known.labels_as_of)};"
            f" {complete}",
            "score --as-of an earlier time shows what late labels change; labels written from one side's"
            " pages"
            " are blind to what that side misses",
        ),
        Assumption(
            "The span stands for what is to come",
            "day_blocks",
            f"{day(settings.span_from)} up to {day(settings.span_to)}, {counted(settings.blocks, 'day')}"
            f" scored",
            "no interval covers a season, a release or an outage that the span does not hold; compare"
            " again on a"
            " later span",
        ),
    ]


def _of_matching(card: Scorecard) -> list[Assumption]:
    settings = card.settings
    early = ", ".join(f"{source} {duration(seconds)}" for source, seconds in sorted(settings.early_s.items()))
    return [
        Assumption(
            "When a page hits an incident",
            "matching",
            f"it names an affected service (where not labelled: the root and callers within"
            f" {counted(settings.hops, 'hop')}) and comes at most so early: {early or 'not at all'}; so late:"
            f" {duration(settings.grace_s)}",
            "the table below has every score with both times at half and double",
        ),
        Assumption(
            "What a miss costs in delay",
            "mean_time_to_detect_s",
            f"T = {duration(settings.detect_within_s)}, the delay after which a page no longer helps; a"
            f" missed"
            " incident counts as T in the mean and as never in quantiles",
            "the curve of delays shows what another T would say",
        ),
    ]


def _left_out(cards: tuple[Scorecard, ...], roles: tuple[str, ...]) -> list[Assumption]:
    settings, parts = cards[-1].settings, []
    for card, role in zip(cards, roles, strict=True):
        of = Counter(one.outcome for one in card.incidents)
        pages = Counter(one.outcome for one in card.pages)
        said = (
            (of["unscored"], "incident", "outside scored time"),
            (of["carried"], "incident", "with a page already open"),
            (of["censored"], "incident", "cut by the end of the span"),
            (pages["unscored"], "page", "outside scored time"),
            (pages["set_aside"], "page", "that hit an unscored incident"),
            (pages["carried"], "page", "open before an incident began"),
        )
        counts = [f"{counted(n, noun)} {why}" for n, noun, why in said if n]
        parts.append(f"{role}: {listed(counts) if counts else 'nothing besides'}")
    undefined = [
        f"{title_of(score.name)} ({role}: {score.reason})"
        for card, role in zip(cards, roles, strict=True)
        for score in card.scores
        if score.value is None
    ]
    made = [
        Assumption(
            "What was not scored, and why",
            "matching",
            f"warm-up of {duration(settings.warm_up_s)}, maintenance of each service and spans the"
            f" dataset's card"
            f" leaves out; {'; '.join(parts)}",
            "scored time is cut before anything is matched, alike for both; the incidents are in the"
            " table under"
            " Not scored",
        )
    ]
    if undefined:
        made.append(
            Assumption(
                "Scores that are not defined",
                "n",
                listed(undefined, 12),
                "undefined is no number: nothing passes on it",
            )
        )
    return made


def _of_intervals(cards: tuple[Scorecard, ...], comparison: Comparison | None) -> list[Assumption]:
    settings = cards[-1].settings
    methods: dict[str, list[str]] = {}
    for score in comparison.pairs if comparison is not None else cards[-1].scores:
        if score.method:
            methods.setdefault(score.method, []).append(title_of(score.name))
    said = "; ".join(f"{method}: {listed(titles, 30)}" for method, titles in methods.items())
    return [
        Assumption(
            "Days are alike and independent",
            "day_blocks",
            f"blocks are whole days UTC, {settings.blocks:,} of them; B = {settings.resamples:,}"
            f" resamples, seed"
            f" {settings.seed}; incidents of one day may depend on each other, days may not",
            "verify draws the same again; another seed in the policy should move no end of an interval by"
            " more than a few hundredths of its width",
        ),
        Assumption(
            "How intervals were made",
            "interval",
            said or "none: there are too few days, or nothing to draw",
            "make truth holds each method to its word on pairs whose truth is known: reports/TRUTH.md",
        ),
    ]


def _of_judging(verdict: Verdict, card: Scorecard) -> list[Assumption]:
    at: dict[float, list[str]] = {}
    for criterion in verdict.criteria:
        at.setdefault(criterion.confidence, []).append(title_of(criterion.score))
    levels = "; ".join(
        f"{percent(level)}: {listed(list(dict.fromkeys(scores)), 20)}"
        for level, scores in sorted(at.items())
        if level
    )
    groups = sum(criterion.group is not None for criterion in verdict.criteria)
    return [
        Assumption(
            "How often the question was asked",
            "looks",
            f"{counted(verdict.looks, 'earlier look')} at overlapping spans, in this home's ledger",
            "status and history name every look; a sealed span used once needs no counting",
        ),
        Assumption(
            "What error is accepted",
            "limit",
            f"intervals read at {levels or percent(card.settings.confidence)}, after the share of the"
            f" error that is"
            f" kept for other looks; one exactly at a margin passes half as often as an interval misses."
            f" {counted(len(verdict.criteria), 'criterion', 'criteria')} must all pass, {groups:,} of"
            f" them guard a"
            " group, so asking more of them never makes a promotion likelier",
            "policy test shows an input that each lets pass and one it stops; judge tries another policy",
        ),
    ]


def _of_luck(card: Scorecard) -> list[Assumption]:
    return [
        Assumption(
            "What luck alone would give",
            "chance_level",
            luck_words(card.chance),
            "a score that is not above the level 95 % of the moves stay below may be luck",
        ),
        Assumption(
            "What knows nothing",
            "baselines",
            MEANING if MEANING in card.notes or card.baselines else "no baseline is in the record",
            "a contender that does not beat all of them is of no use",
        ),
    ]


def _of_feedback(comparison: Comparison) -> Assumption:
    report = comparison.feedback
    queue = comparison.review
    drawn = (
        f"; the queue's random third was drawn with seed {queue.seed}"
        if queue is not None and queue.pages
        else ""
    )
    if report is None:
        return Assumption(
            "What responders said",
            "usefulness",
            f"nothing, so usefulness is not judged{drawn}",
            "feedback add, then compare again",
        )
    return Assumption(
        "What responders said",
        "usefulness",
        f"{number(report.answers.answers)} answers as of {moment(report.labels_as_of)}; verdicts are"
        f" carried to"
        f" unjudged pages of the same story, and every page left unjudged is taken both ways{drawn}",
        "label coverage and agreement stand under What to label next",
    )
