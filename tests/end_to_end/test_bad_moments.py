"""The disk is full, or somebody presses Ctrl-C or kills it, in the middle: nothing half-written stays."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from bad_inputs.commands import GOOD, OUT, BadWords
from bad_inputs.formats import FORMATS
from bad_inputs.kinds import GOOD as ROWS
from bad_inputs.stage import Stage

from titleshot.pipelines import cli

_OTHERS = {"benchmarks", "demo", "journal"}
WRITERS = [command for command, words in GOOD.items() if OUT in words and command not in _OTHERS]
"""Commands that write an output; demo and benchmarks are made of the others (the stage has no public set
worth measuring), and the stage's journal has nothing to write."""
NOTHING_WRONG = BadWords("nothing", "is wrong")


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """No file can be written beyond ``size`` bytes, as on a full disk; Python ignores the signal."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def _left(folder: Path) -> set[str]:
    """Names beside the output, hidden ones too; the stage's own things left out."""
    return {path.name for path in folder.iterdir()} - {"file", "theirs", "loop"}


@pytest.mark.parametrize("command", WRITERS)
@pytest.mark.parametrize("size", [0, pytest.param(700, marks=pytest.mark.slow)])
def test_a_full_disk_leaves_nothing_and_is_told(
    command: str, size: int, stage: Stage, titleshot: Callable[..., Any], tmp_path: Path
) -> None:
    home = ["--home", tmp_path / "home"]
    titleshot(*stage.words(command, NOTHING_WRONG, tmp_path / "before"), *home)  # compiles and caches

    words = stage.words(command, NOTHING_WRONG, tmp_path / "full")
    with files_of_at_most(size):
        ran = titleshot(*words, *home)

    if size and ran.code == 0:  # so little was to be written
        assert _left(tmp_path / "full") == {"out"}
        return
    assert ran.code == 2, ran.err
    assert "bug in titleshot" not in ran.err
    assert "File too large" in ran.err or "cannot be written" in ran.err
    assert _left(tmp_path / "full") == set()


@pytest.mark.parametrize("command", WRITERS)
@pytest.mark.parametrize("moment", [2, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 5))])
def test_ctrl_c_at_any_moment_leaves_nothing(
    command: str,
    moment: int,
    stage: Stage,
    titleshot: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = 0

    def interrupted(*_: object) -> None:
        nonlocal told
        told += 1
        if told == moment:
            raise KeyboardInterrupt

    monkeypatch.setattr(cli, "silent", interrupted)
    ran = titleshot(*stage.words(command, NOTHING_WRONG, tmp_path / "run"), "--home", tmp_path / "home")

    if told < moment:  # it was done before
        assert ran.code in {0, 1, 3}, ran.err
        assert _left(tmp_path / "run") == {"out"}
    else:
        assert ran.code == 130
        assert ran.err == "titleshot: stopped\n"
        assert _left(tmp_path / "run") == set()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("of", ["jsonl", "csv"])
def test_a_killed_import_leaves_nothing(of: str, number: signal.Signals, tmp_path: Path) -> None:
    form, scratch = FORMATS[of], tmp_path / "run"
    source = form.write(tmp_path / "source", ROWS * 100_000)
    scratch.mkdir()
    words = [sys.executable, "-m", "titleshot.pipelines.cli", "import", of, str(source), str(scratch / "out")]
    with subprocess.Popen(
        words, stderr=subprocess.PIPE, env=os.environ | {"TITLESHOT_HOME": str(tmp_path)}
    ) as run:
        until = time.monotonic() + 60
        while not _left(scratch) and run.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        run.send_signal(number)
        _, said = run.communicate(timeout=60)
    assert b"Traceback" not in said
    if run.returncode == 0:  # it was done before it heard
        assert _left(scratch) == {"out"}
    else:
        assert run.returncode in {128 + number, 130}
        assert _left(scratch) == set()
