"""Every command with words that would do, and what may stand in the place of each of them that will not.

Options with numbers, times and choices are found by asking the parser: a new option is tried unasked.
"""

from __future__ import annotations

import argparse
import importlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from bad_inputs.kinds import PAGE

from titleshot.pipelines.argument_types import amount, count, instant
from titleshot.pipelines.cli import COMMANDS

MARKS = {
    "{dataset}": "dataset.yaml",
    "{planted}": "dataset.yaml",
    "{log}": "log.json",
    "{dense}": "log.json",
    "{evidence}": "digest.json",
    "{nab}": "labels/combined_windows.json",
    "{public}": "nab/labels/combined_windows.json",
}
"""Folders that commands read, and the file that makes such a folder what it is."""
FILES = ("{recipe}", "{policy}", "{rules}", "{decision}", "{jsonl}", "{journal}")
OUT = "{out}"
MODEL = "checkout-paging"

GOOD: dict[str, tuple[str, ...]] = {
    "benchmarks": ("--data", "{public}", "--out", OUT),
    "check": ("{recipe}",),
    "compare": ("never", "{log}", "--labels", "{dataset}", "--policy", "{policy}", "--out", OUT),
    "demo": ("--out", OUT),
    "feedback": ("export", "{dataset}", "--out", OUT),
    "fit": ("{dataset}", "{recipe}", "--out", OUT),
    "generate": (OUT, "--services", "4", "--days", "3"),
    "history": (MODEL,),
    "import": ("jsonl", "{jsonl}", OUT),
    "incidents": ("{log}", "--labels", "{dataset}"),
    "journal": ("{journal}", "--out", OUT),
    "judge": ("{evidence}", "--policy", "{policy}"),
    "nab": ("{nab}", "--contender", "{recipe}"),
    "plant": ("{dataset}", "--out", OUT),
    "policy": ("test", "{policy}"),
    "promote": (MODEL, "1", "--evidence", "{evidence}"),
    "register": ("{recipe}", "--decision", "{decision}"),
    "replay": ("{dataset}", "{recipe}", "--out", OUT),
    "report": ("{log}", "--labels", "{dataset}", "--out", OUT),
    "rollback": (MODEL, "--reason", "night"),
    "score": ("{log}", "--labels", "{dataset}"),
    "sensitivity": ("{planted}", "{recipe}", "--out", OUT),
    "serve": (f"{MODEL}@challenger", "--http", "127.0.0.1:0", "--quiet"),
    "shadow": (f"{MODEL}@challenger", "--follow", "{journal}", "--once", "--quiet"),
    "status": (MODEL,),
    "thresholds": ("{dense}", "--labels", "{dataset}", "--detectors-only", "--out", OUT),
    "validate": ("{dataset}",),
    "verify": ("{evidence}",),
    "what-if": ("{log}", "{rules}", "--labels", "{dataset}", "--out", OUT),
}

BOMB = "a: &a [x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in pairwise("abcdefghij")
)
TEXTS: dict[str, bytes] = {
    "empty": b"",
    "random bytes": bytes((n * n * 31 + n * 7) % 251 for n in range(5000)),
    "utf-16": "name: x\n".encode("utf-16"),
    "NULs": bytes(100),
    "a list": b"[]",
    "null": b"null",
    "a number": b"1e999",
    "a text": b'"text"',
    "nested without end": b"[" * 100_000,
    "nested objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "a bomb of aliases": BOMB.encode(),
    "10 MB in a line": b"name: " + b"x" * 10_000_000,
    "NaN for a name": b'{"name": NaN, "schema_version": NaN}',
    "a Python object": b"!!python/object/apply:os.system ['touch stolen']\n",
    "a sign-in page": PAGE,
    "half a parquet file": b"PAR1" + bytes(60),
}


def _unlinked(path: Path) -> None:
    if path.is_dir():
        path.rename(path.with_name(f"{path.name}.moved"))
    elif path.exists():
        path.unlink()


def _loop(path: Path) -> None:
    _unlinked(path)
    path.symlink_to(path)


def _pipe(path: Path) -> None:
    _unlinked(path)
    os.mkfifo(path)


def _folder(path: Path) -> None:
    _unlinked(path)
    path.mkdir()


def _file(path: Path) -> None:
    _unlinked(path)
    path.write_text("three years of work\n")


Damage = Callable[[Path], None]
PLACES: dict[str, Damage] = {
    "absent": _unlinked,
    "an empty folder": _folder,
    "a link to itself": _loop,
    "a pipe": _pipe,
}


def _written(content: bytes) -> Damage:
    def write(path: Path) -> None:
        path.write_bytes(content)

    return write


OUTS: dict[str, Callable[[Path], str]] = {
    "below a file": lambda scratch: str(scratch / "file" / "out"),
    "somebody's folder": lambda scratch: str(scratch / "theirs"),
    "a name too long": lambda scratch: str(scratch / ("x" * 300)),
    "a link to itself": lambda scratch: str(scratch / "loop"),
    "a device": lambda _: "/dev/null/out",
    "the working directory": lambda _: ".",
    "nothing": lambda _: "",
}

NUMBERS = ("", "x", "nan", "1.5.2", "0x10", "9" * 5000)
VALUES: dict[object, tuple[str, ...]] = {
    int: (*NUMBERS, "1.5"),
    count: (*NUMBERS, "-1"),
    float: (*NUMBERS[:-1], "inf", "-inf"),
    amount: (*NUMBERS[:-1], "0", "-1", "inf"),
    instant: (
        "",
        "yesterday",
        "2026-01-10T00:00:00",
        "0000-01-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "9" * 30,
    ),
}
UNKNOWN = "--no-such-option"


@dataclass(frozen=True)
class BadWords:
    """One case: what is wrong where, and how to make it so."""

    place: str
    kind: str
    damage: Damage | None = None
    """Of the file or folder in the place, or of the file that marks such a folder."""
    of_mark: bool = False
    out: Callable[[Path], str] | None = None
    more: tuple[str, ...] = ()
    """Words at the end, instead of damage."""

    @property
    def name(self) -> str:
        return f"{self.place}: {self.kind}"


def bad_words(command: str) -> Iterator[BadWords]:
    """Every case of a command."""
    for word in dict.fromkeys(GOOD[command]):
        if word == OUT:
            yield from (BadWords(word, kind, out=out) for kind, out in OUTS.items())
        elif word in FILES or word in MARKS:
            for kind, damage in PLACES.items():
                if kind != "a pipe" or word in MARKS:  # a file of YAML may well come through a pipe
                    yield BadWords(word, kind, damage)
            if word in MARKS:
                yield BadWords(word, "a file in its place", _file)
            for kind, content in TEXTS.items():
                yield BadWords(word, kind, _written(content), of_mark=word in MARKS)
    for action in _options(command):
        for value in _values(action):
            kind = value if len(value) < 40 else f"{value[0]} × {len(value)}"
            yield BadWords(action.option_strings[0], kind, more=(action.option_strings[0], value))
    yield BadWords("words", "an option there is not", more=(UNKNOWN,))
    yield BadWords("words", "one too many", more=("one", "too", "many", "words"))


def _options(command: str) -> list[argparse.Action]:
    parser = argparse.ArgumentParser(add_help=False)
    importlib.import_module(f"titleshot.pipelines.{COMMANDS[command][0]}").arguments(parser)
    return [action for action in parser._actions if action.option_strings]


def _values(action: argparse.Action) -> tuple[str, ...]:
    if action.choices is not None:
        return ("", "moon")
    return () if action.nargs == 0 else VALUES.get(action.type, ())
