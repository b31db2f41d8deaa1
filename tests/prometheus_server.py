"""A real Prometheus for tests: the Debian package's, with a history written by its own backfill tool."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

_READY_WITHIN_S = 120


class Line(NamedTuple):
    """One sample of a history to backfill; ``at`` in seconds since 1970."""

    metric: str
    labels: dict[str, str]
    at: float
    value: float


def needs_prometheus() -> None:
    """Skip where there is no Prometheus to start."""
    for program in ("prometheus", "promtool"):
        if shutil.which(program) is None:
            pytest.skip(f"no {program} here: it comes with the Debian package prometheus")


def openmetrics(lines: Iterable[Line]) -> str:
    """The exposition text that promtool reads: a metric's lines together, ending in EOF."""
    by_metric: dict[str, list[str]] = {}
    for line in lines:
        labels = ",".join(f'{name}="{text}"' for name, text in line.labels.items())
        value = repr(line.value).replace("inf", "Inf").replace("nan", "NaN")
        by_metric.setdefault(line.metric, []).append(f"{line.metric}{{{labels}}} {value} {line.at:.3f}")
    parts = [f"# TYPE {metric} gauge\n" + "\n".join(of) for metric, of in by_metric.items()]
    return "\n".join([*parts, "# EOF", ""])


def backfill(folder: Path, lines: Iterable[Line]) -> None:
    """Write blocks of a history below ``folder/data``."""
    text = folder / "history.om"
    text.write_text(openmetrics(lines))
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "--quiet", text.name, "data"]
    made = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr


@contextmanager
def running(folder: Path, config: str = "", *, flags: tuple[str, ...] = ()) -> Iterator[str]:
    """The address of a server over ``folder/data``, on a free port, stopped at the end."""
    (folder / "prometheus.yml").write_text(config or "global: {}\n")
    with (folder / "server.log").open("w+") as log:
        address = f"127.0.0.1:{free_port()}"
        process = subprocess.Popen(
            [
                "prometheus",
                "--config.file=prometheus.yml",
                "--storage.tsdb.path=data",
                "--storage.tsdb.retention.time=100y",
                f"--web.listen-address={address}",
                *flags,
            ],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_until_ready(process, f"http://{address}", folder / "server.log")
            yield f"http://{address}"
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port: int = asked.getsockname()[1]
        return port


def _wait_until_ready(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    until = time.monotonic() + _READY_WITHIN_S
    while time.monotonic() < until:
        assert process.poll() is None, f"prometheus ended with {process.returncode}:\n{log.read_text()}"
        try:
            with direct.open(f"{address}/-/ready", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"prometheus is not ready after {_READY_WITHIN_S} s:\n{log.read_text()}")
