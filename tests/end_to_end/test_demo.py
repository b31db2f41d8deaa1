"""The demo as a newcomer runs it: three answers, a served champion, a page; and all of it without network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from titleshot.pipelines.compare import compare
from titleshot.pipelines.verify import verify

pytestmark = pytest.mark.slow

_RUN = [sys.executable, "-m", "titleshot.pipelines.cli", "demo"]


def _ran(words: list[str], folder: Path) -> dict[str, object]:
    done = subprocess.run(words, capture_output=True, text=True, cwd=folder, timeout=600)
    assert done.returncode == 0, done.stderr
    said: dict[str, object] = json.loads(done.stdout)
    return said


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    said = _ran([*_RUN, "--out", "first", "--json"], folder)
    (folder / "said.json").write_text(json.dumps(said))
    return folder


def test_all_three_answers_and_a_champion_served_as_replayed(place: Path) -> None:
    said = json.loads((place / "said.json").read_text())
    assert (said["two_weeks"], said["noisy"], said["better"]) == ("not_enough_evidence", "reject", "promote")
    assert said["served_equals_replayed"] is True
    assert said["champion"] == 2
    page = (place / "first" / "report.html").read_text()
    assert "Promote" in page
    assert "https://" not in page.replace("http://www.w3.org", "")


def test_its_evidence_verifies(place: Path) -> None:
    for name in ("two-weeks", "noisy", "better"):
        evidence = place / "first" / "evidence" / name
        assert verify(evidence, home=place / "first" / "home").looked is not None


def test_swapped_champion_and_challenger_are_never_promoted(place: Path, tmp_path: Path) -> None:
    logs = place / "first" / "logs"
    for champion, challenger in (("general", "baseline"), ("baseline", "module")):
        judged = compare(
            logs / champion,
            logs / challenger,
            labels=place / "first" / "dataset",
            home=tmp_path / "home",
            out=tmp_path / challenger,
        )
        assert judged.verdict.answer in {"reject", "not_enough_evidence"}


def test_a_second_run_works_too_without_any_network(place: Path) -> None:
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-rn", "true"], check=False).returncode:
        pytest.skip("no network namespace may be made here (unshare -rn)")
    loopback = "ip link set lo up" if shutil.which("ip") else "true"
    command = " ".join([*_RUN, "--out", "first", "--json"])
    environment = {**os.environ, "HTTPS_PROXY": "", "HTTP_PROXY": ""}
    done = subprocess.run(
        ["unshare", "-rn", "sh", "-c", f"{loopback}; exec {command}"],
        capture_output=True,
        text=True,
        cwd=place,
        timeout=600,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    again = json.loads(done.stdout)
    before = json.loads((place / "said.json").read_text())
    for fact in ("two_weeks", "noisy", "better", "served_equals_replayed"):
        assert again[fact] == before[fact]
