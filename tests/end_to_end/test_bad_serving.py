"""Shim and sidecar asked for what there is not, or pointed at what is no journal."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from breaking import edit

Refused = Callable[..., str]
CHALLENGER = "checkout-paging@challenger"


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["serve", "chekout"], 2, "there are checkout-paging"),
        (["serve", "checkout-paging"], 2, "has no champion; there are challenger"),
        (["serve", "../x"], 2, "is no NAME or NAME@ALIAS"),
        (["serve", "<script>@champion"], 2, "is no NAME or NAME@ALIAS"),
        (["serve", CHALLENGER, "--http", "nowhere"], 2, "is no HOST:PORT like 127.0.0.1:8710"),
        (["serve", CHALLENGER, "--http", "127.0.0.1:0", "--stdin"], 2, "exclude each other; choose one"),
        (["serve", CHALLENGER, "--clock", "moon"], 2, "choose from 'arrival', 'records'"),
        (["serve", CHALLENGER, "--delay-s", "nan"], 2, "--delay-s must be 0 seconds or more"),
        (["serve", CHALLENGER, "--notify", "nonsense"], 2, "'nonsense' is no http:// or https:// address"),
        (["serve", CHALLENGER, "--notify", "http://x:99999"], 2, "Port out of range"),
        (["serve", CHALLENGER, "--public-key", "absent.pub"], 2, "no public key here"),
        (["serve", CHALLENGER, "--registry", "http://127.0.0.1:9"], 4, "does not answer"),
        (["serve", CHALLENGER, "--registry", "ftp://x"], 2, "is no http:// or https:// address"),
        (["shadow", "chekout"], 2, "there are checkout-paging"),
        (["shadow", CHALLENGER], 2, "no journal here; serve and shadow write one"),
        (
            ["shadow", CHALLENGER, "--follow", "a.db", "--journal", "a.db"],
            2,
            "is the journal that is followed",
        ),
    ],
)
def test_what_cannot_be_served(
    words: list[object], code: int, says: str, home: Path, refused: Refused
) -> None:
    refused(words, code, says)


def test_a_password_in_an_address_is_not_repeated(home: Path, refused: Refused) -> None:
    said = refused(
        ["serve", CHALLENGER, "--notify", "ftp://bot:secret@pages/v2"], 2, "--notify is no http://"
    )
    assert "secret" not in said


def test_an_address_that_is_taken(home: Path, refused: Refused) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        words = ["serve", CHALLENGER, "--quiet", "--http", address]
        refused(words, 2, f"{address}: Address already in use; name another with --http")


def test_a_tampered_artifact_is_not_served(home: Path, refused: Refused) -> None:
    edit(next((home / "artifacts").glob("*/contender.yaml")), "tick_s: 60", "tick_s: 61")
    refused(["serve", CHALLENGER, "--http", "127.0.0.1:0"], 1, "its bytes have digest", "it was changed")


def no_journal(path: Path) -> None:
    path.write_text("no journal\n" * 1000)


def a_folder(path: Path) -> None:
    path.mkdir()


def nothing_in_it(path: Path) -> None:
    path.write_text("")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (no_journal, "is no journal or is damaged"),
        (nothing_in_it, "is no journal of titleshot"),
        (a_folder, "no journal here; serve and shadow write one"),
        (None, "no journal here; serve and shadow write one"),
    ],
)
def test_what_is_no_journal_is_neither_followed_nor_read(
    make: Callable[[Path], None] | None, says: str, home: Path, refused: Refused, tmp_path: Path
) -> None:
    journal = tmp_path / "journal.db"
    if make:
        make(journal)
    refused(["journal", journal, "--out", tmp_path / "log"], 2, says)
    refused(["shadow", CHALLENGER, "--follow", journal, "--once"], 2, says)


def test_nothing_is_journalled_into_another_file(home: Path, refused: Refused, tmp_path: Path) -> None:
    theirs = home / "thesis.txt"
    theirs.write_text("three years of work\n" * 100)
    words = ["serve", CHALLENGER, "--http", "127.0.0.1:0", "--quiet", "--journal", theirs]
    refused(words, 2, "is no journal or is damaged")
    assert theirs.read_text().startswith("three years of work")
