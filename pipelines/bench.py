"""``python -m titleshot.pipelines.bench``: benchmarks as ratios against named references of the same run.

A benchmark is a file ``tests/benchmarks/bench_NAME.py`` with a function ``bench(scratch, progress)`` that
returns a :class:`Result`. What it times it times with :func:`cost_of`: a fresh process, CPU seconds of all
threads and children, imports and compiling left out, peak memory.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Self

from titleshot.datasets.errors import TitleshotError, UsageError
from titleshot.datasets.nearest import nearest
from titleshot.pipelines.outcome import Outcome, Progress

FOLDER = Path("tests/benchmarks")
OUT = Path("build/bench.json")


@dataclass(frozen=True)
class Floor:
    """A number that must be at least, or at most, so much."""

    what: str
    value: float
    least: float | None = None
    most: float | None = None

    @property
    def held(self) -> bool:
        return (self.least is None or self.value >= self.least) and (
            self.most is None or self.value <= self.most
        )


@dataclass(frozen=True)
class Result:
    """What a benchmark found; ``ratio`` is reference / ours, so that more is better."""

    ours: float
    reference: float
    unit: str
    reference_name: str
    floors: tuple[Floor, ...] = ()
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        return self.reference / self.ours

    def document(self) -> dict[str, Any]:
        """What stands in ``build/bench.json``."""
        return {
            "ratio": round(self.ratio, 3),
            "ours": self.ours,
            "reference": self.reference,
            "unit": self.unit,
            "reference_name": self.reference_name,
            "floors": [{**asdict(floor), "held": floor.held} for floor in self.floors],
            **self.more,
        }


@dataclass(frozen=True)
class Cost:
    """CPU seconds of all threads and children, wall seconds, and the most memory the process ever held."""

    cpu_s: float
    wall_s: float
    peak_bytes: int
    said: Any
    """What the measured function returned."""


class Clock:
    """Counts while it is entered; everything before (imports, compiling, data) is free."""

    def __init__(self) -> None:
        self.cpu_s = 0.0
        self.wall_s = 0.0

    def __enter__(self) -> Self:
        self._began = (_cpu_s(), time.perf_counter())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cpu_s += _cpu_s() - self._began[0]
        self.wall_s += time.perf_counter() - self._began[1]


def cost_of(file: Path | str, function: str, **arguments: Any) -> Cost:
    """Run ``function(clock, **arguments)`` of a file in a fresh process; what it cost inside the clock.

    Arguments and what it returns must be JSON.

    Raises:
        UsageError: the process failed; with the end of what it said.
    """
    task = json.dumps({"file": str(file), "function": function, "arguments": arguments})
    child = subprocess.run(
        [sys.executable, "-c", "from titleshot.pipelines.bench import answer; answer()"],
        input=task,
        capture_output=True,
        text=True,
        check=False,
    )
    if child.returncode:
        raise UsageError(f"{file}:{function} failed:\n{child.stderr.strip()[-2000:]}")
    return Cost(**json.loads(child.stdout.splitlines()[-1]))


def answer() -> None:
    """The other end of :func:`cost_of`."""
    task = json.loads(sys.stdin.read())
    clock = Clock()
    said = getattr(_loaded(Path(task["file"])), task["function"])(clock, **task["arguments"])
    cost = {"cpu_s": clock.cpu_s, "wall_s": clock.wall_s, "peak_bytes": _peak_bytes(), "said": said}
    sys.stdout.write("\n" + json.dumps(cost) + "\n")


def bench(*, name: str | None = None, folder: Path = FOLDER, out: Path = OUT, progress: Progress) -> Outcome:
    """Run one benchmark or all; exit code 1 where a floor does not hold.

    Results of other benchmarks in ``out`` stay.

    Raises:
        UsageError: no benchmarks there, or none of that name.
    """
    files = {path.stem.removeprefix("bench_"): path for path in sorted(folder.glob("bench_*.py"))}
    if not files:
        raise UsageError(f"no bench_*.py in {folder}; run from a checkout of titleshot")
    if name is not None and name not in files:
        raise UsageError(f"unknown benchmark {name!r}{nearest(name, files)}")
    chosen = files if name is None else {name: files[name]}
    results: dict[str, Result] = {}
    for place, (title, path) in enumerate(chosen.items()):
        progress("benchmarks", place, len(chosen))
        scratch = out.parent / "bench" / title
        scratch.mkdir(parents=True, exist_ok=True)
        results[title] = _loaded(path).bench(scratch, progress)
    document = {title: result.document() for title, result in results.items()}
    before = json.loads(out.read_text(encoding="utf-8")) if out.is_file() else {}
    beside = out.with_name(f".{out.name}.{os.getpid()}.part")
    beside.write_text(json.dumps({**before, **document}, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    beside.replace(out)
    held = all(floor.held for result in results.values() for floor in result.floors)
    return Outcome(
        "\n".join(line for title, result in results.items() for line in _told(title, result)),
        document,
        exit_code=0 if held else 1,
    )


def _told(title: str, result: Result) -> list[str]:
    numbers = f"{result.ours:.4g} against {result.reference:.4g} {result.unit}"
    lines = [f"{title}: {result.ratio:,.4g} times {result.reference_name} ({numbers})"]
    for floor in result.floors:
        wanted = f"at least {floor.least:,.4g}" if floor.least is not None else f"at most {floor.most:,.4g}"
        lines.append(f"  {'held  ' if floor.held else 'MISSED'}  {floor.what}: {floor.value:,.4g}, {wanted}")
    lines += [f"          {name}: {value}" for name, value in result.more.items()]
    return lines


def _loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} cannot be imported as a benchmark")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def _cpu_s() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def _peak_bytes() -> int:
    # ru_maxrss of a process begins with that of its parent; the kernel's own high-water mark does not.
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale


def main(words: Sequence[str] | None = None) -> int:
    """Parse, run, print; for ``make bench``."""
    parser = argparse.ArgumentParser(
        prog="bench", description="Benchmarks as ratios against named references."
    )
    parser.add_argument("--name", help="run one benchmark only")
    args = parser.parse_args(words)

    def progress(what: str, done: int, total: int | None = None) -> None:
        sys.stderr.write(f"{what} {done}{f' of {total}' if total else ''}\n")

    try:
        outcome = bench(name=args.name, progress=progress)
    except TitleshotError as error:
        sys.stderr.write(f"bench: {error}\n")
        return error.exit_code
    sys.stdout.write(outcome.text + "\n")
    return outcome.exit_code


if __name__ == "__main__":
    sys.exit(main())
