"""The journal as a file: one writer, many readers, and nothing that is no journal."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import suppress

import pytest
import serving_fixture as made

from titleshot.datasets.errors import MalformedInput, UnknownVersion, Unreachable, UsageError
from titleshot.registry.serving.clock import Row
from titleshot.registry.serving.journal import Journal
from titleshot.registry.serving.journal_reader import JournalReader
from titleshot.registry.serving.served import taken

STATE = {"latest": 1, "next_tick": 2}


def rows(*values: float) -> list[Row]:
    given = [made.sample(minute, value) for minute, value in enumerate(values)]
    return [Row(one.record.timestamp, one.kind, one.record, one.text) for one in given]


@pytest.fixture
def journal(tmp_path):
    made_now = Journal(tmp_path / "deep" / "j.db", role="shim", meta={"name": "m"})
    yield made_now
    made_now.close()


def test_records_come_back_as_they_were_accepted_while_the_writer_goes_on(journal):
    assert journal.append(rows(1.0, float("nan")), STATE) == 2
    reader = JournalReader(journal.path)
    assert [stored.seq for stored in reader.records(0)] == [1, 2]
    assert taken(reader.records(0)[0]).record == made.sample(0, 1.0).record
    assert journal.append(rows(3.0), STATE) == 3
    assert (reader.last, reader.scored, journal.clock_state()) == (3, 0, STATE)
    assert [stored.seq for stored in reader.records(1, 2)] == [2]
    reader.close()


def test_rows_since_a_moment_are_found_by_their_arrival(journal):
    journal.append(rows(1.0, 2.0, 3.0), STATE)
    minute = made.MINUTE
    assert [journal.first_since(made.START + at, 3) for at in (0, 1, minute, 2 * minute, 9 * minute)] == [
        1,
        2,
        2,
        3,
        4,
    ]


def test_a_batch_is_in_it_whole_or_not_at_all(journal):
    journal.append(rows(1.0), STATE)
    with suppress(ZeroDivisionError), journal.transaction() as db:
        db.execute("INSERT INTO said (input, kind, payload) VALUES (1, 'event', '{}')")
        raise ZeroDivisionError
    assert list(journal.said()) == []
    assert journal.append(rows(2.0), STATE) == 2


def test_what_is_held_back_is_kept_until_it_is_let_go(journal):
    one = made.sample(90, 1.0)
    journal.append([], STATE, kept={7: one})
    assert journal.held() == {7: one}
    journal.append([], STATE, let_go=[7])
    assert journal.held() == {}


def test_a_second_writer_is_refused_in_this_process_and_in_another(journal):
    with pytest.raises(UsageError, match="another process writes"):
        Journal(journal.path, role="shim", meta={"name": "m"})
    code = (
        "import sys; from pathlib import Path; from titleshot.registry.serving.journal import Journal\n"
        "from titleshot.datasets.errors import UsageError\n"
        "try: Journal(Path(sys.argv[1]), role='shim', meta={})\n"
        "except UsageError: sys.exit(7)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(journal.path)], check=False).returncode == 7
    journal.close()
    Journal(journal.path, role="shim", meta={"name": "m"}).close()


def test_a_journal_is_for_one_role_for_life(journal):
    journal.close()
    with pytest.raises(UsageError, match="role shim, not sidecar"):
        Journal(journal.path, role="sidecar", meta={"name": "m"})
    Journal(journal.path, role="shim", meta={"name": "m"}).close()


def test_a_file_that_is_no_journal_is_refused_and_left_alone(tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("not a database, but long enough to be taken for one\n" * 100)
    foreign = tmp_path / "other.db"
    with sqlite3.connect(foreign) as db:
        db.execute("CREATE TABLE fruit (name TEXT)")
    db.close()
    for path in (text, foreign):
        before = path.read_bytes()
        with pytest.raises(MalformedInput, match="no journal"):
            JournalReader(path)
        with pytest.raises(MalformedInput, match="no journal"):
            Journal(path, role="shim", meta={"name": "m"})
        assert path.read_bytes() == before
    with pytest.raises(UsageError, match="no journal here"):
        JournalReader(tmp_path / "absent.db")


def test_a_journal_of_a_newer_version_is_refused(journal):
    with journal.transaction() as db:
        journal.mark(db, "version", "9.0")
    with pytest.raises(UnknownVersion, match=r"9\.0"):
        JournalReader(journal.path)


def test_a_row_that_was_tampered_with_is_refused_by_name(journal):
    journal.append(rows(1.0), STATE)
    with journal.transaction() as db:
        db.execute("UPDATE records SET payload = '{}'")
    with pytest.raises(MalformedInput, match="journal row cannot be read"):
        taken(journal.records(0)[0])


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="name another with --journal"):
        Journal(tmp_path / "file" / "j.db", role="shim", meta={"name": "m"})


def test_a_journal_that_cannot_be_written_any_more_takes_nothing_in(journal):
    journal._db.execute("PRAGMA query_only = ON")
    with pytest.raises(Unreachable, match="cannot be read or written"):
        journal.append(rows(1.0), STATE)
    journal._db.execute("PRAGMA query_only = OFF")
    assert journal.last == 0
