"""The command line as scripts and people use it: what goes where, and how it ends."""

from __future__ import annotations

import argparse
import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from titleshot.datasets.errors import FailedCheck, Unreachable
from titleshot.pipelines import cli
from titleshot.pipelines.outcome import Outcome, Progress

Titleshot = Callable[..., Any]
HEAVY = ("mlflow", "great_expectations", "pandas", "polars", "numba", "sklearn", "prophet", "pyarrow", "rich")


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., Outcome]], None]:
    """Put another command in the place of ``generate``."""

    def replace(run: Callable[..., Outcome]) -> None:
        module = SimpleNamespace(arguments=lambda _: None, command=run)
        monkeypatch.setattr(cli.importlib, "import_module", lambda _: module)

    return replace


def test_without_a_word_it_shows_every_command(titleshot: Titleshot) -> None:
    ran = titleshot()
    assert ran.code == 0
    assert {line.split()[0] for line in ran.out.splitlines() if line.strip()} >= set(cli.COMMANDS)


@pytest.mark.parametrize("name", list(cli.COMMANDS))
def test_every_command_says_what_it_does_and_takes(name: str, titleshot: Titleshot) -> None:
    ran = titleshot(name, "--help")
    assert ran.code == 0
    assert ran.out.startswith(f"usage: titleshot {name} ")
    assert "--home DIR" in ran.out


def test_help_imports_nothing_that_costs(tmp_path: Path) -> None:
    code = (
        "import sys; from titleshot.pipelines.cli import main; main(['--help']); main(['replya']);"
        f"print(*[name for name in {HEAVY} if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert ran.stdout.splitlines()[-1] == ""


def test_no_command_imports_mlflow_or_great_expectations_before_it_needs_them(tmp_path: Path) -> None:
    code = (
        "import sys; from importlib import import_module; from titleshot.pipelines.cli import COMMANDS\n"
        "for module, _ in COMMANDS.values(): import_module(f'titleshot.pipelines.{module}')\n"
        "slow = ('mlflow', 'great_expectations', 'pandas', 'sklearn', 'prophet', 'distributed')\n"
        "print(*[name for name in slow if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert ran.stdout.strip() == ""


def test_an_unknown_command_is_offered_the_nearest(titleshot: Titleshot) -> None:
    ran = titleshot("repaly")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.splitlines() == [
        "titleshot: unknown command 'repaly'; did you mean 'replay'?",
        "titleshot --help tells more",
    ]


def test_an_unknown_argument_is_offered_the_nearest(titleshot: Titleshot) -> None:
    ran = titleshot("generate", "platform", "--dayz", "4")
    assert ran.code == 2
    assert "unknown argument '--dayz'; did you mean '--days'?" in ran.err


def test_an_option_may_not_be_cut_short(titleshot: Titleshot) -> None:
    assert titleshot("generate", "platform", "--day", "4").code == 2


def test_a_time_that_is_none_is_refused_with_the_form_it_must_have(titleshot: Titleshot) -> None:
    ran = titleshot("replay", "platform", "baseline", "--out", "log", "--from", "yesterday")
    assert ran.code == 2
    assert "--from: timestamp 'yesterday' is not ISO 8601 like 2026-04-26T01:20:30Z" in ran.err


def test_text_for_people_goes_to_standard_error_and_nothing_to_output(
    titleshot: Titleshot, tmp_path: Path
) -> None:
    ran = titleshot("generate", tmp_path / "platform", "--services", 4, "--days", 3)
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.startswith(f"{tmp_path / 'platform'}: ")


@pytest.mark.parametrize("before", [True, False])
def test_json_is_one_document_on_standard_output_wherever_the_option_stands(
    before: bool, titleshot: Titleshot, tmp_path: Path
) -> None:
    words = ["generate", tmp_path / "platform", "--services", 4, "--days", 3]
    ran = titleshot("--json", *words) if before else titleshot(*words, "--json")
    assert (ran.code, ran.err) == (0, "")
    assert ran.document["series"] == 20


def test_json_has_a_document_for_a_failure_too(titleshot: Titleshot, tmp_path: Path) -> None:
    ran = titleshot("validate", tmp_path / "absent", "--json")
    assert ran.code == ran.document["error"]["exit_code"] == 2
    assert ran.document["error"]["type"] == "MalformedInput"
    assert ran.document["error"]["message"] in ran.err


def test_json_is_strict_whatever_a_command_hands_over(
    titleshot: Titleshot, command: Callable[..., None]
) -> None:
    command(lambda *_: Outcome("", {"nan": float("nan"), "inf": [float("inf")], "name": "λ\ud800"}))
    ran = titleshot("generate", "--json")
    assert ran.out.isascii()
    assert ran.document == {"inf": [None], "name": "λ\ud800", "nan": None}


@pytest.mark.parametrize("words", [["--home", "mine", "generate"], ["generate", "--home", "mine"]])
def test_home_is_taken_before_and_after_the_command(
    words: list[str], titleshot: Titleshot, command: Callable[..., None]
) -> None:
    command(lambda args, _: Outcome("", {"home": str(args.home)}))
    assert titleshot(*words, "--json").document == {"home": "mine"}


def test_home_comes_from_the_environment_where_it_is_left_out(
    titleshot: Titleshot, command: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    command(lambda args, _: Outcome("", {"home": str(args.home)}))
    monkeypatch.setenv("TITLESHOT_HOME", "theirs")
    assert titleshot("generate", "--json").document == {"home": "theirs"}


@pytest.mark.parametrize("code", [0, 1, 3])
def test_the_exit_code_is_the_commands(code: int, titleshot: Titleshot, command: Callable[..., None]) -> None:
    command(lambda *_: Outcome("said", exit_code=code))
    assert titleshot("generate").code == code


@pytest.mark.parametrize(
    ("error", "code"),
    [(FailedCheck("no"), 1), (Unreachable("away"), 4), (PermissionError(13, "Permission denied", "x"), 2)],
)
def test_an_error_ends_with_its_code_and_one_line(
    error: Exception, code: int, titleshot: Titleshot, command: Callable[..., None]
) -> None:
    def fail(args: argparse.Namespace, progress: Progress) -> Outcome:
        raise error

    command(fail)
    ran = titleshot("generate")
    assert ran.code == code
    assert len(ran.err.splitlines()) == 1


def test_a_bug_says_that_it_is_one_in_a_line_and_is_never_taken_for_a_reject(
    titleshot: Titleshot, command: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TITLESHOT_DEBUG")
    command(lambda *_: {}["secret"])  # type: ignore[arg-type,return-value]
    ran = titleshot("generate")
    assert ran.code == 2
    assert ran.err.startswith("titleshot: this is a bug in titleshot (KeyError: 'secret' at test_cli.py:")
    assert "TITLESHOT_DEBUG=1" in ran.err
    assert len(ran.err.splitlines()) == 1


def test_a_bug_shows_its_trace_to_who_asks(titleshot: Titleshot, command: Callable[..., None]) -> None:
    command(lambda *_: {}["secret"])  # type: ignore[arg-type,return-value]
    with pytest.raises(KeyError, match="secret"):
        titleshot("generate")


def test_what_is_in_the_data_cannot_drive_the_terminal(
    titleshot: Titleshot, command: Callable[..., None]
) -> None:
    command(lambda *_: Outcome("\x1b[2Jservice\r\x9b"))
    assert titleshot("generate").err == "\\x1b[2Jservice\\x0d\\x9b\n"


def test_a_missing_extra_is_named(titleshot: Titleshot, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise ModuleNotFoundError("No module named 'uvicorn'", name="uvicorn")

    monkeypatch.setattr(cli.importlib, "import_module", absent)
    ran = titleshot("serve")
    assert ran.code == 2
    assert "serve needs the package uvicorn; run: pip install 'titleshot[serve]'" in ran.err


def test_a_reader_that_goes_away_changes_no_exit_code(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as closed:
        ran = subprocess.run(
            [sys.executable, "-m", "titleshot.pipelines.cli", "verify", str(tmp_path), "--json"],
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ran.returncode == 2
    assert "Traceback" not in ran.stderr
    assert "BrokenPipe" not in ran.stderr


def test_progress_is_drawn_on_a_terminal_only(tmp_path: Path) -> None:
    def written(*words: str) -> bytes:
        ours, theirs = pty.openpty()
        words = ("generate", str(tmp_path / f"p{len(words)}"), "--services", "4", "--days", "3", *words)
        with subprocess.Popen(
            [sys.executable, "-m", "titleshot.pipelines.cli", *words],
            stderr=theirs,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "TERM": "xterm"},
        ) as running:
            os.close(theirs)
            said = b""
            try:
                while part := os.read(ours, 65536):
                    said += part
            except OSError:  # the other end is closed: how a terminal says end of file
                pass
            assert running.wait() == 0
        os.close(ours)
        return said

    assert b"generating" in written()
    assert b"generating" not in written("--quiet")


def test_a_command_that_is_told_to_stop_leaves_nothing_half_written(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with subprocess.Popen(
        [sys.executable, "-m", "titleshot.pipelines.cli", "generate", str(out / "platform"), "--days", "700"],
        stderr=subprocess.DEVNULL,
    ) as running:
        deadline = time.monotonic() + 60
        while not list(out.iterdir()) and time.monotonic() < deadline:
            time.sleep(0.02)
        running.send_signal(signal.SIGTERM)
        assert running.wait(30) == 128 + signal.SIGTERM
    assert list(out.iterdir()) == []


def test_the_document_of_a_command_is_the_same_each_time(titleshot: Titleshot, tmp_path: Path) -> None:
    first, second = (
        titleshot("generate", tmp_path / "platform", "--days", 3, "--replace", "--json") for _ in range(2)
    )
    assert first.out == second.out
    assert json.loads(first.out)["dataset"] == str(tmp_path / "platform")
