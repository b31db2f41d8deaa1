"""The clocks of a shim: when a record arrives, which ticks come before it, and what must not move time."""

from __future__ import annotations

import serving_fixture as made
from hypothesis import given, settings
from hypothesis import strategies as st

from titleshot.datasets.contracts.instants import DAY, HOUR, MINUTE, SECOND
from titleshot.datasets.contracts.reference import Ownership
from titleshot.datasets.contracts.telemetry import Tick
from titleshot.registry.serving import record_clock
from titleshot.registry.serving.clock import DEAD, ArrivalClock
from titleshot.registry.serving.record_clock import RecordClock
from titleshot.registry.serving.wire import Fault

START, SKEW = made.START, 300 * SECOND


def records(delay: int = 0, wall: int = START + 30 * DAY) -> RecordClock:
    return RecordClock(MINUTE, SKEW, delay, wall=lambda: wall)


def tick(minute: float):
    return made.incoming(Tick(timestamp=START + round(minute * MINUTE)))


def told(admission) -> list[tuple[str, float]]:
    """Kind and arrival in minutes since the start, of every row."""
    return [(row.kind, (row.arrival - START) / MINUTE) for row in admission.rows]


class TestArrivalClock:
    def test_a_record_arrives_when_it_is_accepted_and_the_tick_that_is_due_comes_first(self):
        wall = [START + 10 * SECOND]
        clock = ArrivalClock(MINUTE, SKEW, wall=lambda: wall[0])
        assert told(clock.admit([made.sample(-5, 1.0)])) == [("sample", 1 / 6)]
        wall[0] = START + MINUTE + 1
        (first, second) = clock.admit([made.sample(1, 1.0)]).rows
        assert (first.kind, first.arrival, second.arrival) == ("tick", START + MINUTE, START + MINUTE + 1)

    def test_only_the_last_tick_of_a_time_away_is_made_up_for(self):
        wall = [START]
        clock = ArrivalClock(MINUTE, SKEW, wall=lambda: wall[0])
        clock.admit([made.sample(0, 1.0)])
        wall[0] = START + DAY + SECOND
        again = ArrivalClock(MINUTE, SKEW, state=clock.state(), wall=lambda: wall[0])
        assert told(again.due()) == [("tick", 1440)]
        assert told(again.due()) == []

    def test_a_time_of_day_that_is_set_back_does_not_make_arrivals_fall(self):
        wall = [START + HOUR]
        clock = ArrivalClock(MINUTE, SKEW, wall=lambda: wall[0])
        first = clock.admit([made.sample(0, 1.0)]).rows[-1].arrival
        wall[0] = START
        assert clock.admit([made.sample(1, 1.0)]).rows[-1].arrival == first

    def test_a_tick_sent_in_is_refused(self):
        clock = ArrivalClock(MINUTE, SKEW, wall=lambda: START)
        (row,) = clock.admit([tick(0)]).rows
        assert (row.kind, row.record.reason) == (DEAD, "out_of_contract")


class TestRecordClock:
    def test_time_is_that_of_the_records_with_a_tick_at_every_multiple_it_passes(self):
        rows = told(records().admit([made.sample(0.5, 1.0), made.sample(2, 1.0), made.sample(3.5, 1.0)]))
        assert rows == [
            ("sample", 0.5),
            ("tick", 1),
            ("sample", 2),
            ("tick", 2),
            ("tick", 3),
            ("sample", 3.5),
        ]

    def test_ingested_at_counts_before_timestamp_and_delay(self):
        clock = records(delay=MINUTE)
        given = [made.sample(0, 1.0), made.sample(0, 1.0, "payment", ingested_at=START + 90 * SECOND)]
        assert told(clock.admit(given)) == [("sample", 1), ("tick", 1), ("sample", 1.5)]

    def test_a_record_that_comes_late_arrives_when_it_comes(self):
        assert told(records().admit([made.sample(5, 1.0), made.sample(3, 1.0)])) == [
            ("sample", 5),
            ("sample", 5),
        ]

    def test_one_record_from_ahead_is_held_back_and_the_next_refutes_it(self):
        clock = records()
        clock.admit([made.sample(0, 1.0)])
        assert told(clock.admit([made.sample(60, 1.0)])) == []
        assert len(clock.held) == 1
        admission = clock.admit([made.sample(1, 1.0)])
        assert told(admission) == [(DEAD, 0), ("tick", 0), ("sample", 1)]
        assert admission.rows[0].record.reason == "from_the_future"
        assert (len(admission.let_go), clock.held) == (1, {})

    def test_after_a_gap_the_next_record_confirms_that_time_has_moved(self):
        clock = records()
        clock.admit([made.sample(0, 1.0), made.sample(60, 1.0)])
        rows = told(clock.admit([made.sample(60, 2.0, "payment")]))
        assert rows == [*(("tick", minute) for minute in range(60)), ("sample", 60), ("sample", 60)]

    def test_the_same_record_again_confirms_nothing(self):
        clock = records()
        admission = clock.admit([made.sample(0, 1.0), made.sample(60, 1.0), made.sample(60, 1.0)])
        assert [row.record.reason for row in admission.rows if row.kind == DEAD] == ["duplicate"]
        assert len(clock.held) == 1

    def test_of_two_from_ahead_the_farther_one_is_refuted(self):
        clock = records()
        admission = clock.admit([made.sample(0, 1.0), made.sample(9000, 1.0), made.sample(60, 1.0)])
        assert [row.kind for row in admission.rows] == ["sample", DEAD]
        assert told(clock.admit([made.sample(61, 1.0)]))[-2:] == [("tick", 60), ("sample", 61)]

    def test_what_is_still_to_come_is_a_dead_letter_at_once_even_as_the_first_record(self):
        clock = records(wall=START)
        (row,) = clock.admit([made.sample(100, 1.0)]).rows
        assert (row.kind, row.record.reason) == (DEAD, "from_the_future")
        assert told(clock.admit([made.sample(0, 1.0)])) == [("sample", 0)]

    def test_a_tick_sent_in_moves_time_as_far_as_it_says_and_never_back(self):
        clock = records()
        clock.admit([made.sample(0, 1.0)])
        rows = told(clock.admit([tick(120)]))
        assert rows == [("tick", minute) for minute in range(121)]
        (row,) = clock.admit([tick(119)]).rows
        assert (row.kind, row.record.reason) == (DEAD, "late")

    def test_a_tick_lets_in_what_was_held_back_until_then(self):
        clock = records()
        clock.admit([made.sample(0, 1.0), made.sample(60, 1.0)])
        assert told(clock.admit([tick(61)]))[-3:] == [("sample", 60), ("tick", 60), ("tick", 61)]
        clock.admit([made.sample(180, 1.0)])
        assert told(clock.admit([tick(179)]))[-2:] == [("tick", 179), ("sample", 180)]

    def test_reference_rows_wait_until_they_are_known(self):
        def owned(minute: int):
            row = Ownership(
                service="commerce/checkout",
                team=f"t{minute}",
                valid_from=0,
                known_from=START + minute * MINUTE,
            )
            return made.incoming(row)

        clock = records()
        assert told(clock.admit([owned(3), owned(-60), owned(1)])) == []
        assert told(clock.admit([made.sample(0, 1.0)])) == [("reference", -60), ("sample", 0)]
        assert told(clock.admit([made.sample(3, 1.0)])) == [
            ("tick", 0), ("reference", 1), ("tick", 1), ("tick", 2), ("reference", 3), ("sample", 3),
        ]  # fmt: skip
        assert told(clock.admit([owned(-9)])) == [("reference", 3)]

    def test_at_the_end_what_waits_for_a_record_to_confirm_it_is_let_in(self):
        clock = records()
        clock.admit([made.sample(0, 1.0), made.sample(60, 1.0)])
        assert told(clock.end())[-2:] == [("sample", 60), ("tick", 60)]
        assert clock.held == {}

    def test_a_step_of_years_makes_one_tick(self, monkeypatch):
        monkeypatch.setattr(record_clock, "MOST_TICKS", 100)
        clock = records()
        clock.admit([made.sample(0, 1.0)])
        assert told(clock.admit([tick(1000)])) == [("tick", 999), ("tick", 1000)]

    @settings(max_examples=60, deadline=None)
    @given(
        moves=st.lists(
            st.tuples(st.sampled_from(["sample", "tick", "reference", "fault"]), st.integers(0, 400)),
            max_size=40,
        ),
        sizes=st.lists(st.integers(1, 7), min_size=1, max_size=4),
    )
    def test_cuts_and_restarts_change_nothing_and_nothing_is_lost(self, moves, sizes):
        given = []
        for number, (kind, minute) in enumerate(moves):
            if kind == "sample":
                given.append(made.sample(minute / 4, float(number)))
            elif kind == "tick":
                given.append(tick(minute / 4))
            elif kind == "fault":
                given.append(Fault("malformed", "no", "unknown", {}))
            else:
                at = START + minute * MINUTE // 4
                row = Ownership(service="a/b", team=f"t{number}", valid_from=0, known_from=at)
                given.append(made.incoming(row))
        whole = records()
        expected = whole.admit(given)
        clock, rows, kept, let_go = records(), [], set(), set()
        for piece in made.cut(given, sizes):
            clock = RecordClock(
                MINUTE, SKEW, state=clock.state(), held=clock.held, wall=lambda: START + 30 * DAY
            )
            admission = clock.admit(piece)
            rows += admission.rows
            assert not kept & set(admission.kept)
            kept |= set(admission.kept)
            assert set(admission.let_go) <= kept
            let_go |= set(admission.let_go)
            kept -= let_go
            let_go.clear()
        stated = [row.text for row in rows if row.kind != DEAD]
        assert stated == [row.text for row in expected.rows if row.kind != DEAD]
        assert kept == set(clock.held)
        dead = [row for row in rows if row.kind == DEAD]
        sent = sum(one.kind != "tick" for one in given if not isinstance(one, Fault))
        used = sum(row.kind not in {DEAD, "tick"} for row in rows)
        refused = sum(row.record.kind not in {"tick", "unknown"} for row in dead)
        assert used + refused + len(clock.held) == sent
        arrivals = [row.arrival for row in rows if row.kind != DEAD]
        assert arrivals == sorted(arrivals)
