"""What every refusal is held to, and the ways to break a file."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from titleshot.datasets.dataset import Dataset
from titleshot.datasets.replay_log import ReplayLog

# Makes the helpers beside the tests importable: tests are no package here.
sys.path.append(str(Path(__file__).parent))

DECISION = """schema_version: "1.0"
name: checkout-paging
decision: page the checkout on-call within 120 s when checkout loses orders
services: [commerce/checkout-*]
detect_within_s: 120
success_score: incident_recall
human_workflow: on-call opens the runbook and rolls back
owners: {data: platform, model: aiops, runtime: sre, feedback: sre}
"""

_LONGEST = 2000


@pytest.fixture
def refused(titleshot: Callable[..., Any], tmp_path: Path) -> Callable[..., str]:
    """Run a command that must refuse; returns what it said.

    It ends with the code, says every one of the fragments in a short message without a traceback, and leaves
    the folder as it was.
    """

    def run(words: list[object], code: int, *says: str) -> str:
        before = _content(tmp_path)
        ran = titleshot(*words)
        message = str(ran.err)
        assert ran.code == code, message
        assert "Traceback" not in message
        assert len(message) < _LONGEST
        for fragment in says:
            assert fragment in message
        assert ran.out == ""
        assert _content(tmp_path) == before, "something was left behind, changed or removed"
        return message

    return run


def _content(folder: Path) -> dict[str, bytes | None]:
    """Every file below a folder with its bytes, save the home's and what ``validate`` is there to write."""
    return {
        str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes()
        for path in folder.rglob("*")
        if path.relative_to(folder).parts[0] != "home" and path.name != "validation.json"
    }


@pytest.fixture
def decision(tmp_path: Path) -> Path:
    path = tmp_path / "decision.yaml"
    path.write_text(DECISION)
    return path


@pytest.fixture(scope="session")
def registered_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one registered version; making its store takes seconds."""
    from titleshot.pipelines.register import register

    folder = tmp_path_factory.mktemp("registered")
    (folder / "decision.yaml").write_text(DECISION)
    register("baseline", decision=folder / "decision.yaml", home=folder / "home", actor="ann")
    return folder / "home"


@pytest.fixture
def home(registered_once: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(registered_once, tmp_path / "home"))


@pytest.fixture(scope="session")
def stage(
    small_platform: Dataset,
    small_log: ReplayLog,
    tmp_path_factory: pytest.TempPathFactory,
) -> Any:
    """One good thing of each sort for the matrix of commands; not to be written to."""
    from bad_inputs.stage import Stage, small_things

    from titleshot.datasets.contracts.validation import ValidationReport
    from titleshot.datasets.planting.wishes import Wishes
    from titleshot.pipelines.compare import compare
    from titleshot.pipelines.plant import plant
    from titleshot.pipelines.replay import replay
    from titleshot.registry.serving.journal import Journal

    folder = tmp_path_factory.mktemp("stage")
    compare("never", small_log, labels=small_platform, home=folder / "home", out=folder / "evidence")
    planted, _ = plant(small_platform, out=folder / "planted", wishes=Wishes(most=20))
    report = ValidationReport(
        passed=True, dataset_digest=planted.card.digest, labels_digest="", rules=(), validated_at=0
    )
    (planted.path / "validation.json").write_text(report.to_json())
    Journal(folder / "journal.db", role="shim", meta={}).close()
    (folder / "small").mkdir()
    return Stage(
        {
            "{dataset}": small_platform.path,
            "{planted}": planted.path,
            "{log}": small_log.path,
            "{dense}": replay(small_platform, "baseline", out=folder / "dense", scores=True).path,
            "{evidence}": folder / "evidence",
            "{journal}": folder / "journal.db",
            **small_things(folder / "small", DECISION),
        }
    )
