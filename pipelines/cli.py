"""The command line: it parses, calls one module, prints what that hands back, ends with the right code."""

from __future__ import annotations

import argparse
import importlib
import io
import json
import math
import os
import signal
import sys
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn, TextIO

from titleshot.datasets.errors import TitleshotError, UsageError
from titleshot.datasets.nearest import nearest
from titleshot.pipelines.outcome import Outcome, silent

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("demo", "the whole way on the embedded synthetic platform"),
    "generate": ("generate", "make a synthetic platform with known truth"),
    "plant": ("plant", "put sized faults into a copy of a dataset, to see what a contender finds"),
    "import": ("import_", "bring a history in from where a team keeps it"),
    "validate": ("validate", "check a dataset; nothing unvalidated is replayed"),
    "fit": ("fit", "learn what a contender needs from history"),
    "replay": ("replay", "run a contender over a dataset as production would have seen it"),
    "journal": ("journal", "turn a shim's or sidecar's journal into a replay log"),
    "score": ("score", "score a replay log against labels"),
    "compare": ("compare", "compare a challenger with the champion and judge it"),
    "incidents": (
        "incidents",
        "what a responder would have seen: each incident, its grounds, and what is missing",
    ),
    "what-if": ("what_if", "what rules of remediation would have done; nothing is carried out"),
    "feedback": ("feedback", "answers on pages: add them, and see which pages to ask about next"),
    "benchmarks": ("benchmarks", "measure contenders and families on public labelled data"),
    "nab": ("nab", "score a contender, or published results, by NAB's protocol"),
    "sensitivity": ("sensitivity", "how big a planted fault must be for a contender to page, and how soon"),
    "thresholds": ("thresholds", "what lower and higher thresholds buy and cost"),
    "report": ("report", "write a page of an evidence folder or a log"),
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
    "check": ("check", "check the laws on a contender or a class"),
}
"""Command: module of ``titleshot.pipelines``, and what it does."""

EXIT_CODES = (
    "Exit codes: 0 done, passed, promote; 1 failed check, reject; 2 usage, malformed input, verdict invalid; "
    "3 not enough evidence; 4 registry or broker unreachable."
)


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code; without ``argv``, as the process's own command line."""
    words = list(sys.argv[1:] if argv is None else argv)
    _quiet_packages()
    if argv is None:
        _own_process()
    try:
        return _run(words)
    except TitleshotError as error:
        return _failed(words, error, str(error), error.exit_code)
    except KeyboardInterrupt:
        _say(sys.stderr, "titleshot: stopped")
        return 130
    except MemoryError as error:
        return _failed(
            words, error, "out of memory; replay fewer series, a shorter span or smaller blocks", 2
        )
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        return _failed(words, error, f"{place}{error.strerror or error}", 2)
    except Exception as error:
        if isinstance(error, RuntimeError) and str(error).startswith("Symlink loop"):  # pathlib, up to 3.12
            return _failed(words, error, f"{error}; name a file or folder that is there", 2)
        if os.environ.get("TITLESHOT_DEBUG"):
            raise
        return _failed(words, error, _of_bug(error), 2)


def _run(words: list[str]) -> int:
    parser, chosen, module = _parsers(words)
    try:
        args, unknown = parser.parse_known_args(words)
    except SystemExit as stop:  # --help
        return int(stop.code or 0)
    if args.version:
        from importlib.metadata import version

        _say(sys.stdout, version("titleshot"))
        return 0
    if chosen is None or module is None:
        if words:
            parser.error("no command given")
        _say(sys.stdout, parser.format_help().rstrip())
        return 0
    if unknown:
        chosen.error(f"unknown argument {unknown[0]!r}{chosen.hint(unknown[0])}")
    outcome = _called(module, args)
    if args.json:
        _say(sys.stdout, _document(outcome.document))
    elif outcome.text:
        _say(sys.stderr, outcome.text)
    return int(outcome.exit_code)


def _called(module: ModuleType, args: argparse.Namespace) -> Outcome:
    if args.quiet or args.json or not sys.stderr.isatty():
        drawn: Any = nullcontext(silent)
    else:
        from titleshot.pipelines.progress_bar import progress_bar

        drawn = progress_bar()
    with drawn as progress:

        def show(what: str, done: int, total: int | None = None) -> None:
            _stop_if_told()
            progress(what, done, total)

        outcome: Outcome = module.command(args, show)
    return outcome


def _parsers(words: list[str]) -> tuple[_Parser, _Parser | None, ModuleType | None]:
    """The whole parser, the chosen command's, and its module: no other is imported, some cost seconds."""
    parser = _Parser(
        prog="titleshot",
        description="Would this challenger have paged us better than what runs today?",
        epilog=f"titleshot COMMAND --help tells more. {EXIT_CODES}",
    )
    parser.add_argument("--version", action="store_true", help="print the version")
    _common(parser, home=Path(os.environ.get("TITLESHOT_HOME") or "titleshot-home"), flag=False)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    name = _command_in(words)
    chosen = module = None
    for command, (module_name, what) in COMMANDS.items():
        made = commands.add_parser(command, help=what, description=f"{what[0].upper()}{what[1:]}.")
        if command == name:
            module = _imported(command, module_name)
            module.arguments(made)
            # Given before the command or after it: what is left out after must not undo what stood before.
            _common(made, home=argparse.SUPPRESS, flag=argparse.SUPPRESS)
            chosen = made
    if name is not None and chosen is None:
        parser.error(f"unknown command {name!r}{nearest(name, COMMANDS)}")
    return parser, chosen, module


def _common(parser: argparse.ArgumentParser, *, home: object, flag: object) -> None:
    everywhere = parser.add_argument_group("everywhere")
    everywhere.add_argument(
        "--home",
        type=Path,
        default=home,
        metavar="DIR",
        help="MLflow store, ledger, journals and keys (default: TITLESHOT_HOME, else ./titleshot-home)",
    )
    everywhere.add_argument(
        "--json", action="store_true", default=flag, help="one JSON document on standard output"
    )
    everywhere.add_argument("--quiet", action="store_true", default=flag, help="no progress")


def _command_in(words: list[str]) -> str | None:
    rest = iter(words)
    for word in rest:
        if word == "--home":
            next(rest, None)
        elif not word.startswith("-"):
            return word
    return None


def _imported(command: str, module: str) -> ModuleType:
    try:
        return importlib.import_module(f"titleshot.pipelines.{module}")
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        extra = _extra_of(package)
        if extra is None:
            raise
        raise UsageError(
            f"{command} needs the package {package}; run: pip install 'titleshot[{extra}]'"
        ) from None


def _extra_of(package: str) -> str | None:
    """The extra that brings a package, by the metadata of the installed titleshot."""
    from importlib.metadata import requires

    for line in requires("titleshot") or ():
        requirement, _, marker = line.partition(";")
        if requirement.startswith(package.replace("_", "-")) and "extra ==" in marker:
            return marker.partition("extra ==")[2].strip().strip("\"'")
    return None


class _Parser(argparse.ArgumentParser):
    """Like argparse, but a usage error is an error as any other, and no option may be abbreviated."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)

    def error(self, message: str) -> NoReturn:
        """Raise UsageError."""
        short = message if len(message) <= _LONGEST else f"{message[:_LONGEST]} …"
        raise UsageError(f"{short}\n{self.prog} --help tells more")

    def hint(self, word: str) -> str:
        """The option a mistyped one may have meant, in words."""
        if not word.startswith("-"):
            return ""
        options = [name for name in self._option_string_actions if name.startswith("--")]
        return nearest(word.partition("=")[0], options)


def _failed(words: list[str], error: BaseException, message: str, exit_code: int) -> int:
    _say(sys.stderr, f"titleshot: {message}")
    if "--json" in words:
        said = {"type": type(error).__name__, "message": message, "exit_code": exit_code}
        _say(sys.stdout, _document({"error": said}))
    return exit_code


def _of_bug(error: Exception) -> str:
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    place = f" at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
    about = " ".join(f"{type(error).__name__}: {error}".split())
    return (
        f"this is a bug in titleshot ({about[:300]}{place}); "
        "run it again with TITLESHOT_DEBUG=1 and report what that prints"
    )


def _document(document: dict[str, Any]) -> str:
    # ASCII and no NaN: any reader of JSON takes it, whatever the terminal's encoding.
    return json.dumps(_plain(document), indent=1, sort_keys=True, allow_nan=False)


def _plain(value: Any) -> Any:
    """What JSON can say: what is not finite is undefined, and undefined is null."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value) if isinstance(value, Path) else value


_LONGEST = 500
"""Letters of a usage error: it repeats what was given."""
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}
"""A name in the data must not be able to drive the reader's terminal."""


def _say(stream: TextIO, text: str) -> None:
    # Half a letter, as a byte that is no UTF-8 becomes, can be printed nowhere.
    shown = text.translate(_CONTROLS).encode("utf-8", "backslashreplace").decode()
    try:
        print(shown, file=stream, flush=True)
    except BrokenPipeError:
        # The reader went away; the exit code still tells what came of it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


_told_to_stop: list[int] = []


def _own_process() -> None:
    """As the process's command line: what is killed politely clears up its half-written output first."""

    def stop(number: int, _: object) -> None:
        _told_to_stop.append(number)
        _stop_if_told()

    signal.signal(signal.SIGTERM, stop)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _stop_if_told() -> None:
    # Compiled code that calls back may swallow what the handler raises: asked again at every progress.
    if _told_to_stop:
        sys.exit(128 + _told_to_stop[0])


def _quiet_packages() -> None:
    """Told before anything is imported: no telemetry, no pickles."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "false"


if __name__ == "__main__":
    raise SystemExit(main())
