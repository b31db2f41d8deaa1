"""The verdict and what it rests on, in the words of people who get paged."""

from __future__ import annotations

import math
from dataclasses import dataclass

from titleshot.datasets.contracts.comparisons import Comparison, PairedScore
from titleshot.datasets.contracts.scores import Score, Scorecard
from titleshot.datasets.contracts.verdicts import Verdict
from titleshot.reports.rendering.criteria import CriterionRow, criterion_rows
from titleshot.reports.rendering.glossary import meaning
from titleshot.reports.rendering.history import share_routes
from titleshot.reports.rendering.nights import Night, broken_for_nothing
from titleshot.reports.rendering.tones import (
    TONES,
    Tone,
    bounds,
    counted_of,
    has_champion,
    pair_named,
    today_of,
    tone,
)
from titleshot.reports.rendering.wording import (
    NONE,
    amount,
    change,
    counted,
    interval,
    minutes,
    number,
    percent,
)

ANSWERS = {
    "promote": "Promote",
    "reject": "Reject",
    "not_enough_evidence": "Not enough evidence",
    "invalid": "Invalid",
}


_MOST_NAMED = 4
"""Scores in the sentence of the verdict; the criteria have them all."""


@dataclass(frozen=True)
class Reason:
    """One of the reasons at the head of a page. ``footing`` is the score behind the sentence."""

    topic: str
    score: str
    tone: Tone
    sentence: str
    footing: str
    said: str = ""
    """What stands beside the topic instead of the tone's own word."""

    @property
    def behind(self) -> str:
        """The footing after the score's title, which leads to its definition."""
        return self.footing.removeprefix(meaning(self.score).title)

    @property
    def label(self) -> str:
        return self.said or TONES[self.tone]


def verdict_sentence(comparison: Comparison, verdict: Verdict) -> str:
    """The answer in one plain sentence."""
    today = today_of(comparison)
    failed = [meaning(c.score).title.lower() for c in verdict.criteria if c.outcome == "fail"]
    still_open = [meaning(c.score).title.lower() for c in verdict.criteria if c.outcome == "undecided"]
    if verdict.answer == "promote":
        return f"The challenger pages better than {today} and keeps every limit the policy sets."
    if verdict.answer == "reject":
        on = f" on {_and(failed)}" if failed else ""
        return f"Keep {today}: the challenger breaks the policy{on}."
    if verdict.answer == "not_enough_evidence":
        on = f" on {_and(still_open)}" if still_open else ""
        return f"The evidence does not decide it yet{on}. {today.capitalize()} stays until there is more."
    return "The two results cannot be judged against each other; conclude nothing from the numbers below."


def _and(items: list[str]) -> str:
    items = list(dict.fromkeys(items))
    if len(items) > _MOST_NAMED:
        items = [*items[: _MOST_NAMED - 1], f"{len(items) - _MOST_NAMED + 1} more"]
    return f"{', '.join(items[:-1])} and {items[-1]}" if len(items) > 1 else items[0]


def reasons(comparison: Comparison, verdict: Verdict | None, night: Night) -> list[Reason]:
    """Nights, incidents and delay, those the policy failed or left open first.

    A failed or undecided criterion on another score takes a place of its own.
    """
    made = [_nights(comparison, night), _incidents(comparison), _delay(comparison)]
    found = [reason for reason in made if reason is not None]
    if verdict is not None:
        known = {reason.score for reason in found}
        for criterion, row in zip(verdict.criteria, criterion_rows(comparison, verdict), strict=True):
            if criterion.outcome != "pass" and criterion.score not in known:
                known.add(criterion.score)
                found.append(_of_criterion(row, comparison))
        rank = {"fail": 0, "undecided": 1, "pass": 2}
        of_score: dict[str, int] = {}
        for criterion in verdict.criteria:
            of_score[criterion.score] = min(of_score.get(criterion.score, 3), rank[criterion.outcome])
        found.sort(key=lambda reason: of_score.get(reason.score, 3))
    return found[:3]


def footing(pair: PairedScore) -> str:
    """The score behind a sentence: difference, interval and n, or why there is none."""
    title = meaning(pair.name).title
    if pair.difference is None:
        return f"{title}: {pair.reason or 'no difference could be computed'}."
    if bounds(pair) is None:
        return f"{title}: {change(pair.difference, pair.unit)}; no interval: {pair.reason or 'not given'}."
    between = interval(pair.low, pair.high, pair.unit, signed=True)
    known = f"{percent(pair.confidence)} interval {between}; {counted_of(pair)}"
    return f"{title}: {change(pair.difference, pair.unit)} ({known})."


def _nights(comparison: Comparison, night: Night) -> Reason | None:
    pair = pair_named(comparison, "false_pages_per_week")
    by_route = share_routes(comparison)
    before = broken_for_nothing(comparison.champion.pages, night, by_route=by_route)
    after = broken_for_nothing(comparison.challenger.pages, night, by_route=by_route)
    if pair is None and not before and not after:
        return None
    scale = f"in {number(round(comparison.weeks, 1))} weeks"
    if not comparison.challenger.settings.labels_complete:
        scale += ", as far as labels tell"
    if not has_champion(comparison):
        sentence = f"{counted(after, 'on-call night')} would have been broken for nothing {scale}."
    elif before == after:
        sentence = f"As many on-call nights broken for nothing as today: {before} {scale}."
        if not before:
            sentence = f"No on-call night was broken for nothing by either, {scale}."
    elif after < before:
        saved = counted(before - after, "on-call night")
        sentence = (
            f"{saved} you would have slept {scale}: {after:,} broken for nothing instead of {before:,}."
        )
    else:
        more = counted(after - before, "more on-call night")
        sentence = f"{more} broken for nothing {scale}: {after:,} instead of {before:,}."
    if pair is None:
        return Reason("Nights", "false_pages_per_week", "unknown", sentence, "")
    return Reason("Nights", pair.name, tone(pair), sentence, footing(pair))


def _incidents(comparison: Comparison) -> Reason | None:
    pair = pair_named(comparison, "incident_recall")
    if pair is None:
        return None
    caught = sum(
        p.challenger.outcome == "detected" and p.champion.outcome == "missed" for p in comparison.incidents
    )
    lost = sum(
        p.champion.outcome == "detected" and p.challenger.outcome == "missed" for p in comparison.incidents
    )
    of = f"of {counted(comparison.incidents_scored, 'incident')}"
    today = "today's detection"
    if not comparison.incidents_scored:
        sentence = "No labelled incident lies in the scored time, so nothing says what would be missed."
    elif not has_champion(comparison):
        sentence = f"{counted(caught, 'incident')} you would have been paged for that nobody was, {of}."
    elif caught == lost == 0:
        sentence = f"The same incidents are caught and missed as today, {of}."
    elif not lost:
        sentence = (
            f"{counted(caught, 'incident')} you would have caught that {today} missed, none lost, {of}."
        )
    elif not caught:
        sentence = f"{counted(lost, 'incident')} you would have missed that {today} caught, none won, {of}."
    else:
        won = f"{counted(caught, 'incident')} you would have caught that {today} missed"
        sentence = f"{won}, and {lost:,} you would have missed that it caught, {of}."
    return Reason("Incidents", pair.name, tone(pair), sentence, footing(pair))


def _delay(comparison: Comparison) -> Reason | None:
    pair = pair_named(comparison, "mean_time_to_detect_s", "time_to_detect_s")
    if pair is None:
        return None
    limit = minutes(comparison.challenger.settings.detect_within_s)
    if pair.difference is None or not math.isfinite(pair.difference):
        sentence = "Whether pages would have come earlier or later cannot be said."
    elif not has_champion(comparison) and pair.challenger is not None:
        sentence = (
            f"Pages come after {minutes(pair.challenger)} on average, a missed incident counted as {limit}."
        )
    elif abs(pair.difference) < 1:
        sentence = "Pages come as early as today."
    else:
        earlier = "earlier" if pair.difference < 0 else "later"
        shift = f"{minutes(pair.difference)} {earlier}"
        sentence = f"Pages come {shift} on average, a missed incident counted as {limit}."
    return Reason("Delay", pair.name, tone(pair), sentence, footing(pair))


def _of_criterion(row: CriterionRow, comparison: Comparison) -> Reason:
    failed = row.outcome == "fail"
    pair = pair_named(comparison, row.score)
    found = f"Found {row.found}"
    if row.group is None and pair is not None and has_champion(comparison) and pair.difference is not None:
        then, now = amount(pair.champion, pair.unit), amount(pair.challenger, pair.unit)
        found = f"From {then} today to {now}"
    return Reason(
        row.title,
        row.score,
        "worse" if failed else "open",
        f"{found}; the policy asks: {row.asked}.",
        f"{row.title}: interval {row.interval}, n\u00a0=\u00a0{row.n}."
        if row.interval != NONE
        else f"{row.title}: {row.reason}",
        "breaks the policy" if failed else "undecided",
    )


def standing(verdict: Verdict) -> list[tuple[str, str]]:
    """(what, said) of a verdict for one group, by a tier of its own, or on the way of a rollout."""
    said = (
        ("Judged for the group", verdict.group),
        ("By the tier for narrow groups", verdict.narrow),
        ("Next step of the rollout", verdict.next_step),
    )
    return [(what, words) for what, words in said if words]


@dataclass(frozen=True)
class Fact:
    """One of the facts at the head of a scorecard's page."""

    topic: str
    score: str
    sentence: str
    footing: str

    @property
    def behind(self) -> str:
        """The footing after the score's title, which leads to its definition."""
        return self.footing.removeprefix(meaning(self.score).title)


def facts(card: Scorecard, night: Night) -> list[Fact]:
    """Nights, incidents and delay of a single contender."""
    scored = [outcome for outcome in card.incidents if outcome.outcome in {"detected", "missed"}]
    caught = sum(outcome.outcome == "detected" for outcome in scored)
    nights = broken_for_nothing(card.pages, night)
    of = counted(len(scored), "labelled incident")
    by_name = {score.name: score for score in card.scores}

    def fact(topic: str, name: str, sentence: str) -> Fact:
        return Fact(topic, name, sentence, _score_footing(by_name.get(name)))

    found = f"{caught:,} of {of} caught." if scored else "No labelled incident was scored."
    made = [
        fact("Incidents", "incident_recall", found),
        fact("Nights", "false_pages_per_week", f"{counted(nights, 'on-call night')} broken for nothing."),
    ]
    delays = sorted(o.time_to_detect_s for o in scored if o.time_to_detect_s is not None)
    if delays:
        middle = minutes(delays[len(delays) // 2])
        sentence = f"Half of those caught were paged within {middle}."
        made.append(fact("Delay", "mean_time_to_detect_s", sentence))
    return made


def _score_footing(score: Score | None) -> str:
    if score is None:
        return ""
    between = interval(score.low, score.high, score.unit)
    known = (
        f" ({percent(score.confidence)} interval {between})"
        if score.confidence and score.low is not None
        else ""
    )
    return f"{meaning(score.name).title}: {amount(score.value, score.unit)}{known}."
