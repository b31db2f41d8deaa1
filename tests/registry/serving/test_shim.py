"""The shim: what was accepted is never lost, and what is said is what a replay of the journal says."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from pathlib import Path

import pytest
import serving_fixture as made
from hypothesis import given, settings
from hypothesis import strategies as st

from titleshot.datasets.contracts.instants import HOUR, MINUTE, SECOND
from titleshot.datasets.errors import Unreachable, UsageError
from titleshot.registry.serving.journal import Journal
from titleshot.registry.serving.journal_reader import JournalReader
from titleshot.registry.serving.journal_replay import differences, replay_journal
from titleshot.registry.serving.resolver import Loaded
from titleshot.registry.serving.shim import Shim
from titleshot.registry.serving.wire import Fault

CHAMPION = made.contender()
WHOLE = made.stream()


def said(path: Path) -> list[str]:
    reader = JournalReader(path)
    try:
        return [
            one.text
            for kind in ("event", "incident", "page", "dead_letter")
            for one in reader.said()
            if one.kind == kind
        ]
    finally:
        reader.close()


def serve(path: Path, pieces: list[list], of=CHAMPION, **more) -> None:
    shim = Shim(path, made.loaded(of), clock="records", **more)
    for piece in pieces:
        shim.accept(piece)
    shim.close()


@pytest.fixture(scope="module")
def expected(tmp_path_factory) -> list[str]:
    """What is said of the whole stream, taken in at once."""
    path = tmp_path_factory.mktemp("whole") / "j.db"
    serve(path, [WHOLE])
    return said(path)


def test_the_stream_makes_it_say_something_of_every_kind(expected):
    kinds = Counter(json.loads(line)["kind"] for line in expected)
    assert min(kinds[kind] for kind in ("event", "incident", "page", "dead_letter")) >= 3
    reasons = {json.loads(line)["record"].get("reason") for line in expected}
    assert {"late", "duplicate", "from_the_future", "malformed"} <= reasons


@settings(max_examples=8, deadline=None)
@given(sizes=st.lists(st.integers(1, 60), min_size=1, max_size=6), at_once=st.integers(1, 200))
def test_however_the_records_come_the_same_is_said_and_a_replay_agrees(expected, sizes, at_once):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "j.db"
        serve(path, made.cut(WHOLE, sizes))
        assert said(path) == expected
        reader = JournalReader(path)
        assert differences(reader.said(), replay_journal(reader, CHAMPION, at_once=at_once)) == []
        reader.close()


@settings(max_examples=8, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=6), stops=st.lists(st.integers(0, 40), max_size=3)
)
def test_a_shim_that_is_stopped_and_started_again_says_the_same(expected, sizes, stops):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "j.db"
        pieces = made.cut(WHOLE, sizes)
        for start, stop in zip([0, *sorted(stops)], [*sorted(stops), len(pieces)], strict=True):
            serve(path, pieces[start:stop])
        assert said(path) == expected


class Crash(BaseException):
    """Stands for kill -9: nothing after it is run."""


@pytest.mark.parametrize("turn", [1, 2, 5])
@pytest.mark.parametrize("moment", ["before_it_is_on_disk", "before_it_is_scored", "before_it_is_said"])
def test_a_crash_at_any_moment_loses_nothing_accepted_and_repeats_nothing(
    expected, tmp_path, monkeypatch, turn, moment
):
    pieces = made.cut(WHOLE, [20])
    path = tmp_path / "j.db"
    shim = Shim(path, made.loaded(CHAMPION), clock="records", desk=True)
    for piece in pieces[:turn]:
        shim.accept(piece)
    with monkeypatch.context() as patch:
        name = {"before_it_is_on_disk": "append", "before_it_is_said": "say"}.get(moment)

        def crash(*_, **__):
            raise Crash

        if name:
            patch.setattr(Journal, name, crash)
        else:
            patch.setattr("titleshot.registry.serving.stage.Stage.speak", crash)
        with pytest.raises(Crash):
            shim.accept(pieces[turn])
    shim.close()
    accepted = turn if moment == "before_it_is_on_disk" else turn + 1
    serve(path, pieces[accepted:], desk=True)
    assert said(path) == expected


def test_after_scoring_has_failed_nothing_is_accepted_until_a_new_start(tmp_path, monkeypatch):
    shim = Shim(tmp_path / "j.db", made.loaded(CHAMPION), clock="records")
    with monkeypatch.context() as patch:
        patch.setattr("titleshot.registry.serving.served.Served.take", lambda *_: 1 / 0)
        with pytest.raises(Unreachable, match="start the shim again"):
            shim.accept([made.sample(0, 1.0)])
    assert not shim.ready
    assert not shim.healthy
    with pytest.raises(Unreachable, match="start the shim again"):
        shim.accept([made.sample(1, 1.0)])
    shim.close()
    again = Shim(tmp_path / "j.db", made.loaded(CHAMPION), clock="records")
    assert (again.ready, again.journal.scored) == (True, 1)
    again.close()


def test_another_version_is_warmed_up_and_speaks_from_the_next_record_on(tmp_path):
    path = tmp_path / "j.db"
    pieces = made.cut(WHOLE, [40])
    other = made.contender(window=10, tick_s=30)
    shim = Shim(path, made.loaded(CHAMPION), clock="records")
    for piece in pieces[:3]:
        shim.accept(piece)
    at = shim.journal.last
    shim.replace(made.loaded(other, version=2))
    for piece in pieces[3:]:
        shim.accept(piece)
    assert shim.contender()["version"] == 2
    shim.close()
    reader = JournalReader(path)
    first, second = reader.swaps()
    assert (first.version, first.from_seq) == (1, 1)
    assert (second.version, second.from_seq, second.warm_from) == (2, at + 1, 3), (
        "rows 1 and 2 are reference data of 1970"
    )
    detectors = {json.loads(one.text)["record"]["detector"] for one in reader.said(at) if one.kind == "event"}
    assert len(detectors) == 1
    both = {swap.artifact_digest: chosen for swap, chosen in ((first, CHAMPION), (second, other))}
    replayed = replay_journal(reader, lambda swap: both[swap.artifact_digest])
    assert differences(reader.said(), replayed) == []
    with pytest.raises(UsageError, match="spoke, not"):
        replay_journal(reader, other)
    reader.close()


def test_a_warm_up_reads_no_more_than_the_contender_remembers(tmp_path):
    path = tmp_path / "j.db"
    shim = Shim(path, made.loaded(CHAMPION), clock="records")
    shim.accept(made.stream(minutes=600))
    shim.replace(made.loaded(made.contender(window=10), version=2))
    shim.accept([made.sample(601, 10.0), made.sample(605, 90.0), made.sample(610, 10.0)])
    swap = JournalReader(path).swaps()[-1]
    row = shim.journal.records(swap.warm_from - 1, swap.warm_from)[0]
    memory = round((made.contender(window=10).memory_s or 0) * SECOND)
    last = shim.journal.records(swap.from_seq - 2, swap.from_seq - 1)[0]
    assert swap.warm_from > 1
    assert 0 <= row.arrival - (last.arrival - memory) < 2 * MINUTE
    shim.close()
    event = next(json.loads(line) for line in reversed(said(path)) if json.loads(line)["kind"] == "event")
    assert event["record"]["value"] == 90.0
    assert event["record"]["labels"] == {"team": "shop"}, "reference rows are older than any memory"


def test_a_start_with_another_version_goes_on_where_the_last_one_stopped(tmp_path):
    path = tmp_path / "j.db"
    other = made.contender(window=10)
    pieces = made.cut(WHOLE, [60])
    serve(path, pieces[:2])
    serve(path, pieces[2:], of=other)
    reader = JournalReader(path)
    contenders = {CHAMPION.artifact_digest: CHAMPION, other.artifact_digest: other}
    assert len(reader.swaps()) == 2
    assert differences(reader.said(), replay_journal(reader, lambda s: contenders[s.artifact_digest])) == []
    reader.close()


def test_a_change_that_was_made_up_shows_as_a_difference(tmp_path):
    path = tmp_path / "j.db"
    serve(path, [WHOLE])
    reader = JournalReader(path)
    served = list(reader.said())
    replayed = replay_journal(reader, CHAMPION)
    assert differences(served[:-1], replayed)[0].endswith("are replayed")
    changed = [served[0]._replace(text=served[0].text.replace("checkout", "chequeout")), *served[1:]]
    assert "differ" in differences(changed, replayed)[0]
    reader.close()


def test_with_the_time_of_day_ticks_close_what_no_sample_closes(tmp_path):
    clock = [made.START]
    shim = Shim(tmp_path / "j.db", made.loaded(CHAMPION), wall=lambda: clock[0])
    for minute in range(20):
        clock[0] = made.START + minute * MINUTE + 5 * SECOND
        shim.accept([made.sample(minute, 50.0 if minute == 19 else 10 + minute % 3)])
    assert not [one for one in said(tmp_path / "j.db") if '"page"' in one]
    while clock[0] < made.START + HOUR:
        clock[0] += MINUTE
        shim.tick()
    shim.close()
    pages = [
        json.loads(line)["record"] for line in said(tmp_path / "j.db") if json.loads(line)["kind"] == "page"
    ]
    assert [page["status"] for page in pages] == ["sent", "closed"]
    reader = JournalReader(tmp_path / "j.db")
    assert differences(reader.said(), replay_journal(reader, CHAMPION)) == []
    reader.close()


def test_a_malformed_record_is_a_dead_letter_and_is_counted(tmp_path):
    shim = Shim(tmp_path / "j.db", made.loaded(CHAMPION), clock="records")
    answer = shim.accept([Fault("malformed", "not JSON", "unknown", {"text": "{"}), made.sample(0, 1.0)])
    assert (answer.accepted, answer.dead, answer.held) == (1, 1, 0)
    letter = json.loads(answer.said[0].text)["record"]
    assert (letter["reason"], letter["detail"], letter["record"]) == ("malformed", "not JSON", {"text": "{"})
    assert shim.metrics.value("dead_letters", reason="malformed") == 1
    assert 'titleshot_dead_letters_total{reason="malformed"} 1' in shim.metrics_text()
    shim.close()
    with pytest.raises(Unreachable, match="closing"):
        shim.accept([])


def test_the_listener_hears_what_was_said_after_it_was_written_down(tmp_path):
    heard: list[str] = []
    path = tmp_path / "j.db"

    def listen(lines):
        assert {one.text for one in lines} <= set(said(path))
        heard.extend(one.text for one in lines)

    serve(path, made.cut(WHOLE, [50]), listener=listen)
    assert sorted(heard) == sorted(said(path))


def test_a_journal_of_another_model_or_clock_is_refused(tmp_path):
    path = tmp_path / "j.db"
    serve(path, [[made.sample(0, 1.0)]])
    with pytest.raises(UsageError, match="clock records, not arrival"):
        Shim(path, made.loaded(CHAMPION))
    stranger = made.loaded(CHAMPION)
    with pytest.raises(UsageError, match="name checkout-paging, not other"):
        Shim(path, Loaded(stranger.found._replace(name="other"), CHAMPION), clock="records")
