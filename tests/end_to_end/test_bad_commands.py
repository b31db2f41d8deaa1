"""Every command with every word spoilt in turn: it refuses in words, leaves nothing and changes nothing."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from bad_inputs.commands import GOOD, BadWords, bad_words
from bad_inputs.expected import command_outcomes
from bad_inputs.stage import Stage

from titleshot.pipelines.cli import COMMANDS

CASES = [(command, bad) for command in GOOD for bad in bad_words(command)]
_EVERY = 12
"""One case in twelve runs before every commit; the others with the slow tests."""
_LONGEST = 2000
_PATIENCE_S = 60


@pytest.fixture
def patience() -> Iterator[None]:
    """A command that waits for ever is a failure, not a hang."""

    def give_up(*_: object) -> None:
        raise TimeoutError(f"still running after {_PATIENCE_S} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(_PATIENCE_S)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def test_every_command_is_tried() -> None:
    assert set(GOOD) == set(COMMANDS)
    assert len({bad.kind for _, bad in CASES}) >= 40


def _param(number: int, command: str, bad: BadWords) -> Any:
    marks = [] if number % _EVERY == 0 else [pytest.mark.slow]
    return pytest.param(command, bad, id=f"{command}-{bad.name}", marks=marks)


@pytest.mark.parametrize(("command", "bad"), [_param(n, *case) for n, case in enumerate(CASES)])
def test_bad_words(
    command: str,
    bad: BadWords,
    stage: Stage,
    registered_once: Path,
    patience: None,
    titleshot: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TITLESHOT_HOME", str(registered_once))
    words = stage.words(command, bad, tmp_path)
    monkeypatch.chdir(tmp_path / "theirs")
    before = _content(tmp_path)
    held = _content(registered_once)

    code, told, said = titleshot(*words)

    assert code == 2, said
    assert said.startswith("titleshot: ")
    assert "bug in titleshot" not in said
    assert "Traceback" not in said
    assert len(said) < _LONGEST
    assert told == ""
    assert _content(tmp_path) == before, "something was left behind, changed or removed"
    assert _content(registered_once) == held, "the home was changed"
    assert command_outcomes(command)[bad.name] in said


def _content(folder: Path) -> dict[str, bytes | str]:
    """Files by name, save locks, compiled code and what ``validate`` is there to write."""
    found: dict[str, bytes | str] = {}
    for path in folder.rglob("*"):
        if path.name == "validation.json" or path.suffix == ".lock" or "numba-cache" in path.parts:
            continue
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = str(path.readlink())
        else:
            found[name] = path.read_bytes() if path.is_file() else "no file"
    return found
