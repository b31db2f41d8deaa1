"""The bench harness: what it counts, what it writes, and that a missed floor is a failure."""

import json

import pytest

from titleshot.datasets.errors import UsageError
from titleshot.pipelines.bench import Floor, Result, bench, cost_of
from titleshot.pipelines.outcome import silent

_BENCH = """
from titleshot.pipelines.bench import Floor, Result

def bench(scratch, progress):
    assert scratch.is_dir()
    return Result(2.0, 10.0, "s", "a snail", floors=(Floor("times a snail", 5.0, least={least}),))
"""
_WORK = """
import subprocess, sys

def spin(seconds):
    import time
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass

def work(clock, child):
    spin(0.2)
    with clock:
        if child:
            subprocess.run([sys.executable, "-c", "sum(range(6_000_000))"], check=True)
    room = bytearray(60_000_000)
    return len(room)

def fail(clock):
    raise ValueError("no such luck")
"""


def run(folder, tmp_path, name=None):
    return bench(name=name, folder=folder, out=tmp_path / "build" / "bench.json", progress=silent)


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "benchmarks"
    made.mkdir()
    (made / "bench_fast.py").write_text(_BENCH.format(least=4))
    (made / "bench_slow.py").write_text(_BENCH.format(least=6))
    return made


def test_results_are_kept_by_name_and_a_missed_floor_fails(folder, tmp_path):
    assert run(folder, tmp_path, "fast").exit_code == 0
    outcome = run(folder, tmp_path, "slow")
    assert outcome.exit_code == 1
    assert "MISSED  times a snail: 5, at least 6" in outcome.text
    written = json.loads((tmp_path / "build" / "bench.json").read_text())
    assert {name: result["ratio"] for name, result in written.items()} == {"fast": 5.0, "slow": 5.0}
    assert written["fast"] | {"ours": 2.0, "reference": 10.0, "unit": "s"} == written["fast"]


def test_an_unknown_benchmark_is_refused_with_the_nearest_name(folder, tmp_path):
    with pytest.raises(UsageError, match="did you mean 'fast'"):
        run(folder, tmp_path, "fasst")
    with pytest.raises(UsageError, match="run from a checkout"):
        run(tmp_path / "nowhere", tmp_path)


def test_only_what_the_clock_sees_is_counted_children_too(tmp_path):
    work = tmp_path / "work.py"
    work.write_text(_WORK)
    idle, busy = (cost_of(work, "work", child=child) for child in (False, True))
    assert idle.cpu_s < 0.03 < busy.cpu_s
    assert idle.said == 60_000_000
    assert idle.peak_bytes > 60_000_000


def test_a_benchmark_that_fails_says_why(tmp_path):
    work = tmp_path / "work.py"
    work.write_text(_WORK)
    with pytest.raises(UsageError, match="no such luck"):
        cost_of(work, "fail")


def test_a_floor_may_be_a_ceiling():
    assert Floor("peak, GB", 3.9, most=4).held
    assert not Floor("peak, GB", 4.1, most=4).held
    assert Result(1.0, 3.0, "s", "x").ratio == 3.0
