"""The command line: it parses, calls one module, prints what that hands back, and ends with the right code."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from titleshot.datasets.errors import TitleshotError
from titleshot.datasets.nearest import nearest
from titleshot.pipelines.outcome import Progress, silent

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("demo", "the whole way on the embedded synthetic platform"),
    "generate": ("generate", "make a synthetic platform with known truth"),
    "import": ("import_", "bring a history in from where a team keeps it"),
    "validate": ("validate", "check a dataset; nothing unvalidated is replayed"),
    "fit": ("fit", "learn what a contender needs from history"),
    "replay": ("replay", "run a contender over a dataset as production would have seen it"),
    "journal": ("journal", "turn a shim's or sidecar's journal into a replay log"),
    "score": ("score", "score a replay log against labels"),
    "compare": ("compare", "compare a challenger with the champion and judge it"),
    "policy": ("policy", "show what each criterion of a policy lets pass and stops"),
    "judge": ("judge", "judge past evidence under another policy"),
    "verify": ("verify", "recompute an evidence folder and compare"),
    "register": ("register", "register a contender as a model version"),
    "promote": ("promote", "make a version the champion, on evidence"),
    "rollback": ("rollback", "go back to a version that was live before"),
    "status": ("status", "who is champion and challenger"),
    "history": ("history", "every promotion and rollback, with reasons"),
    "serve": ("serve", "serve the champion"),
    "shadow": ("shadow", "run the challenger beside it, without a voice"),
    "report": ("report", "write a page of an evidence folder or a log"),
    "check": ("check", "check the laws on a contender or a class"),
}
"""Command: module of ``titleshot.pipelines``, and what it does."""


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns its exit code (DESIGN 9)."""
    _quiet_packages()
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        return _run(words)
    except TitleshotError as error:
        print(f"titleshot: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # The reader of our output went away; say nothing more, and keep Python from trying to flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("titleshot: stopped", file=sys.stderr)
        return 130
    except (OSError, MemoryError) as error:
        print(f"titleshot: {_of_system(error)}", file=sys.stderr)
        return 2


def _run(words: list[str]) -> int:
    parser = _Parser(
        prog="titleshot",
        description="Would this challenger have paged us better than what runs today?",
        epilog="titleshot COMMAND --help tells more. Exit codes: 0 done, passed, promote; 1 failed check, reject; "
        "2 usage or malformed input; 3 not enough evidence; 4 registry or broker unreachable.",
    )
    parser.add_argument("--version", action="store_true", help="print the version")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    chosen = next((word for word in words if not word.startswith("-")), None)
    module: ModuleType | None = None
    for name, (module_name, what) in COMMANDS.items():
        sub = commands.add_parser(name, help=what, description=f"{what[0].upper()}{what[1:]}.")
        if name == chosen:
            # Only the chosen command's module is imported: some cost seconds.
            module = importlib.import_module(f"titleshot.pipelines.{module_name}")
            module.arguments(sub)
            _common(sub)
    args = parser.parse_args(words)
    if args.version:
        from importlib.metadata import version

        print(version("titleshot"))
        return 0
    if module is None:
        parser.print_help()
        return 0 if not words else 2
    progress = _terminal_progress() if sys.stderr.isatty() and not args.quiet and not args.json else silent
    outcome = module.command(args, progress)
    if args.json:
        print(json.dumps(outcome.document, indent=1, sort_keys=True, ensure_ascii=False))
    elif outcome.text:
        print(outcome.text, file=sys.stderr)
    return int(outcome.exit_code)


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--home",
        type=Path,
        default=Path(os.environ.get("TITLESHOT_HOME", "titleshot-home")),
        metavar="DIR",
        help="MLflow store, ledger, journals and keys (default: TITLESHOT_HOME, else ./titleshot-home)",
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.add_argument("--quiet", action="store_true", help="no progress")


class _Parser(argparse.ArgumentParser):
    """Like argparse, with the nearest name where a command is unknown."""

    def error(self, message: str) -> NoReturn:
        words = message.split("invalid choice: ")
        if len(words) == 2 and "command" in words[0].lower():
            given = words[1].split("'")[1]
            message = f"unknown command {given!r}{nearest(given, COMMANDS)}"
        print(f"{self.prog}: {message}\n{self.prog} --help tells more", file=sys.stderr)
        raise SystemExit(2)


def _terminal_progress() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    bars = Bars(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    tasks: dict[str, Any] = {}

    def show(what: str, done: int, total: int | None = None) -> None:
        if not tasks:
            bars.start()
        if what not in tasks:
            tasks[what] = bars.add_task(what, total=total)
        bars.update(tasks[what], completed=done, total=total)
        if bars.finished:
            bars.stop()
            tasks.clear()

    return show


def _quiet_packages() -> None:
    """Told before anything is imported: no telemetry, no pickles."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "false"


def _of_system(error: OSError | MemoryError) -> str:
    if isinstance(error, MemoryError):
        return "out of memory; replay with fewer workers or a shorter span"
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror or error}"


if __name__ == "__main__":
    raise SystemExit(main())
