"""The timeline: nothing that was said is lost by drawing it, however much there is of it."""

from __future__ import annotations

from collections import Counter

import page_fixture as pages
import pytest
from hypothesis import given
from hypothesis import strategies as st

from titleshot.datasets.contracts.comparisons import Comparison
from titleshot.datasets.contracts.instants import DAY, HOUR, SECOND, WEEK
from titleshot.reports.rendering import timeline as drawing
from titleshot.reports.rendering.marks import KINDS, Moment, coarseness, merged
from titleshot.reports.rendering.nights import Night
from titleshot.reports.rendering.timeline import Timeline, timeline
from titleshot.reports.rendering.weekly import MOST_COLUMNS, weekly

moment_lists = st.lists(
    st.builds(
        Moment, st.integers(0, 86_399).map(lambda s: s * SECOND), st.sampled_from(list(KINDS)), st.just("x")
    ),
    max_size=60,
).map(lambda found: sorted(found, key=lambda m: m.at))


def drawn(of: Comparison) -> Timeline:
    return timeline((of.champion, of.challenger), Night(), anchors={}, discordant=())


@given(moment_lists, st.sampled_from([0.0, 60.0, 600.0, 86_400.0]))
def test_merging_keeps_every_moment_and_never_mixes_kinds(found: list[Moment], within_s: float) -> None:
    marks = merged(found, within_s)
    for kind in KINDS:
        assert sum(m.count for m in marks if m.kind == kind) == sum(m.kind == kind for m in found)
    assert all(mark.last - mark.first <= within_s * SECOND for mark in marks)
    if within_s == 86_400.0:
        assert len(marks) == len({m.kind for m in found})


@given(st.lists(moment_lists, max_size=4), st.integers(1, 50))
def test_merging_coarsens_until_the_page_can_hold_it(days: list[list[Moment]], most: int) -> None:
    within = coarseness(days, most)
    left = sum(len(merged(day, within)) for day in days)
    assert left <= max(most, sum(len({m.kind for m in day}) for day in days))


def test_every_page_and_every_miss_of_a_quarter_is_on_the_timeline() -> None:
    made = pages.comparison()
    weeks = drawn(made).weeks
    for lane, card in enumerate((made.champion, made.challenger)):
        expected = Counter(page.outcome for page in card.pages)
        expected["missed"] = sum(outcome.outcome == "missed" for outcome in card.incidents)
        shown: Counter[str] = Counter()
        for week in weeks:
            for day in week.days:
                for mark in day.lanes[lane]:
                    shown[mark.mark.kind] += mark.mark.count
        assert shown == expected
        assert sum(week.tallies[lane].false for week in weeks) == expected["false"]
        assert sum(week.tallies[lane].missed for week in weeks) == expected["missed"]
    assert sum(week.incidents for week in weeks) == 240


def test_an_incident_over_midnight_is_drawn_on_both_days_and_counted_once() -> None:
    made = pages.comparison(days=28, incidents=1)
    start = pages.START + DAY - HOUR
    long = {"start": start, "end": start + 2 * HOUR}
    card = made.champion.model_copy(
        update={"incidents": (made.champion.incidents[0].model_copy(update=long),), "pages": ()}
    )
    (week,) = timeline((card,), Night(), anchors={}).weeks
    first, second = week.days
    assert week.incidents == 1
    assert (first.spans[0].x, first.spans[0].width) == (95.83, 4.17)
    assert (second.spans[0].x, second.spans[0].width) == (0.0, 4.17)


def test_overlapping_incidents_lie_on_levels_and_the_rest_share_one() -> None:
    made = pages.comparison(days=28, incidents=3)
    at = pages.START
    times = [(at, at + 4 * HOUR), (at + HOUR, at + 2 * HOUR), (at + 5 * HOUR, at + 6 * HOUR)]
    incidents = tuple(
        outcome.model_copy(update={"start": start, "end": end})
        for outcome, (start, end) in zip(made.champion.incidents, times, strict=True)
    )
    card = made.champion.model_copy(update={"incidents": incidents, "pages": ()})
    (week,) = timeline((card,), Night(), anchors={}).weeks
    assert [span.level for span in week.days[0].spans] == [0, 1, 0]
    assert week.days[0].levels == 2


def test_the_week_that_differs_most_is_the_one_that_is_open() -> None:
    made = pages.comparison()
    apart = [pair.incident_id for pair in made.incidents if pair.verdict in {"won", "lost"}]
    weeks = timeline((made.champion, made.challenger), Night(), anchors={}, discordant=apart).weeks
    (opened,) = [week for week in weeks if week.open]
    assert opened.differs == max(week.differs for week in weeks)
    assert sum(week.differs for week in weeks) == len(apart)


def test_weeks_and_days_in_which_nothing_happened_are_counted_not_drawn() -> None:
    weeks = drawn(pages.sparse()).weeks
    reached = weeks[0].monday
    for week in weeks[1:]:
        assert week.quiet_before == (week.monday - reached) // WEEK - 1
        reached = week.monday
    assert all(len(week.days) + week.quiet_days == 7 for week in weeks)


def test_more_weeks_than_can_be_drawn_keep_their_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "MOST_WEEKS", 3)
    weeks = drawn(pages.comparison()).weeks
    assert sum(bool(week.days) for week in weeks) == 3
    assert sum(week.incidents for week in weeks) == 240


def test_weekly_bars_add_up_over_any_number_of_weeks() -> None:
    for made in (pages.comparison(), pages.sparse()):
        lines = drawn(made)
        settings = made.champion.settings
        needless, missed = weekly(lines, (settings.span_from, settings.span_to), ("champion", "challenger"))
        assert len(needless.columns) <= MOST_COLUMNS
        for bars, field in ((needless, "false"), (missed, "missed")):
            for lane in range(2):
                total = sum(column.solid[lane] for column in bars.columns) * bars.most / 100
                assert round(total, 0) == sum(getattr(week.tallies[lane], field) for week in lines.weeks)


def test_nothing_drawn_means_no_bars() -> None:
    made = pages.empty()
    assert drawn(made).weeks == ()
    assert weekly(drawn(made), (0, WEEK), ("champion", "challenger")) == ()
