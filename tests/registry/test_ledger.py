"""The ledger: what was written stays as it was written, and says so when it does not."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from titleshot.datasets.errors import IntegrityError
from titleshot.registry.ledger import Committed, Intended, Ledger, OutOfBand, Registered
from titleshot.registry.standing import alias_of, group_of, lineage, once_live, standing, unfinished


def register(ledger: Ledger, version: int) -> None:
    digest = f"{version:064d}"
    ledger.append(
        Registered,
        "ann",
        name="m",
        version=version,
        recipe_digest=digest,
        artifact_digest=digest,
        tree_digest=digest,
    )


def intend(
    ledger: Ledger, before: int | None, to: int | None, move: str = "promote", alias: str = "champion"
) -> int:
    return ledger.append(
        Intended, "ann", move=move, name="m", alias=alias, from_version=before, to_version=to, reason="r"
    ).seq


def moved(ledger: Ledger, before: int | None, to: int | None, move: str = "promote") -> None:
    ledger.append(Committed, "ann", intent=intend(ledger, before, to, move))


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    made = Ledger(tmp_path / "ledger.jsonl")
    register(made, 1)
    moved(made, None, 1)
    register(made, 2)
    moved(made, 1, 2)
    return made


def test_lines_are_read_back_by_another_reader(ledger: Ledger) -> None:
    assert Ledger(ledger.path).lines() == ledger.lines()
    assert [line.seq for line in ledger.lines()] == list(range(6))


def change(lines: list[bytes]) -> None:
    lines[2] = lines[2].replace(b'"actor":"ann"', b'"actor":"bob"')


def drop(lines: list[bytes]) -> None:
    del lines[3]


def swap(lines: list[bytes]) -> None:
    lines[1], lines[2] = lines[2], lines[1]


def repeat(lines: list[bytes]) -> None:
    lines.insert(2, lines[2])


def drop_first(lines: list[bytes]) -> None:
    del lines[0]


def scribble(lines: list[bytes]) -> None:
    lines.insert(1, b"not json\n")


def blank(lines: list[bytes]) -> None:
    lines.insert(1, b"\n")


@pytest.mark.parametrize("tamper", [change, drop, swap, repeat, drop_first, scribble, blank])
def test_tampering_is_found_and_the_line_named(ledger: Ledger, tamper: Callable[[list[bytes]], None]) -> None:
    lines = ledger.path.read_bytes().splitlines(keepends=True)
    tamper(lines)
    ledger.path.write_bytes(b"".join(lines))
    with pytest.raises(IntegrityError, match=r"ledger\.jsonl:\d"):
        Ledger(ledger.path).lines()
    with pytest.raises(IntegrityError):
        register(Ledger(ledger.path), 3)


@given(position=st.integers(0, 2000), byte=st.integers(0, 255))
def test_no_byte_can_be_changed_unseen(
    tmp_path_factory: pytest.TempPathFactory, position: int, byte: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "one-ledger.jsonl"
    if not path.exists():
        made = Ledger(path)
        register(made, 1)
        moved(made, None, 1)
    whole = path.read_bytes()
    position %= len(whole) - 1  # the last newline is the mark of a finished line
    changed = whole[:position] + bytes([byte]) + whole[position + 1 :]
    other = path.with_name("changed.jsonl")
    other.write_bytes(changed)
    if changed == whole:
        assert Ledger(other).lines() == Ledger(path).lines()
    else:
        with pytest.raises(IntegrityError):
            Ledger(other).lines()


def test_a_line_that_a_crash_cut_short_was_never_written(ledger: Ledger) -> None:
    whole = ledger.path.read_bytes()
    ledger.path.write_bytes(whole + b'{"actor":"ann","at":"20')
    again = Ledger(ledger.path)
    assert len(again.lines()) == 6
    register(again, 3)
    assert len(Ledger(ledger.path).lines()) == 7
    assert all(json.loads(line) for line in ledger.path.read_bytes().splitlines())


def test_a_reader_that_was_open_sees_lines_dropped_from_the_end(ledger: Ledger) -> None:
    ledger.lines()
    ledger.path.write_bytes(b"".join(ledger.path.read_bytes().splitlines(keepends=True)[:4]))
    with pytest.raises(IntegrityError, match="shorter than it was"):
        ledger.lines()
    ledger.path.unlink()
    with pytest.raises(IntegrityError, match="is gone"):
        ledger.lines()


def test_writers_in_several_processes_keep_one_chain(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from titleshot.registry.ledger import Ledger, OutOfBand\n"
        "ledger = Ledger(Path(sys.argv[1]))\n"
        "for _ in range(20):\n"
        "    ledger.append(OutOfBand, sys.argv[2], name='m', alias='a', expected=1, found=2, reason='r')\n"
    )
    path = tmp_path / "ledger.jsonl"
    writers = [subprocess.Popen([sys.executable, "-c", program, str(path), who]) for who in "ab"]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    lines = Ledger(path).lines()
    assert len(lines) == 40
    assert {line.actor for line in lines} == {"a", "b"}


def test_reading_needs_neither_mlflow_nor_dataframes() -> None:
    program = (
        "import sys, titleshot.registry.ledger, titleshot.registry.standing, titleshot.registry.signature\n"
        "import titleshot.registry.tree, titleshot.registry.home\n"
        "heavy = {'mlflow', 'pandas', 'polars', 'pyarrow', 'numpy', 'numba'} & set(sys.modules)\n"
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_only_committed_moves_stand(ledger: Ledger) -> None:
    assert standing(ledger.lines(), "m")["champion"].version == 2
    intend(ledger, 2, 1)
    assert standing(ledger.lines(), "m")["champion"].version == 2
    assert [intent.to_version for intent in unfinished(ledger.lines(), "m")] == [1]
    ledger.append(Committed, "ann", intent=6, rolled_forward=True)
    assert standing(ledger.lines(), "m")["champion"].version == 1
    assert unfinished(ledger.lines(), "m") == []
    assert standing(ledger.lines(), "other") == {}


def test_an_accepted_out_of_band_change_stands_without_a_signature(ledger: Ledger) -> None:
    intend(ledger, 2, 1)
    ledger.append(OutOfBand, "ann", name="m", alias="champion", expected=2, found=7, reason="outage")
    at = standing(ledger.lines(), "m")["champion"]
    assert (at.version, at.intent) == (7, None)
    assert unfinished(ledger.lines(), "m") == []


def test_going_back_twice_never_returns_to_what_was_left(ledger: Ledger) -> None:
    moved(ledger, 2, 3)
    assert lineage(ledger.lines(), "m", "champion") == [1, 2, 3]
    moved(ledger, 3, 2, "rollback")
    assert lineage(ledger.lines(), "m", "champion") == [1, 2]
    assert once_live(ledger.lines(), "m", "champion") == [1, 2, 3]


@given(st.text(min_size=1, max_size=20))
def test_a_groups_alias_is_in_mlflows_alphabet_and_reads_back(group: str) -> None:
    alias = alias_of(group)
    assert set(alias) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
    assert group_of(alias) == group
