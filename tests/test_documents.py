"""What README and CONTRIBUTING show is run as it stands, in the order it stands.

A block marked ``console`` is run line by line in one folder, where the line starts with ``titleshot``.
``yaml file=NAME`` writes a file first, ``python`` is run by the interpreter.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[1]
BLOCK = re.compile(r"^```(\w+)(?: file=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ANSWERS = {0, 1, 3}
"""What ``compare`` and ``judge`` may answer; all else must end well."""

pytestmark = pytest.mark.slow


def commands_in(block: str) -> list[str]:
    lines = block.replace("\\\n", " ").splitlines()
    stripped = [line.removeprefix("$ ").partition("  #")[0].strip() for line in lines]
    return [line for line in stripped if line.startswith("titleshot ")]


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_what_the_document_shows_works(document: str, tmp_path: Path) -> None:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    environment.pop("TITLESHOT_HOME", None)
    for language, name, block in BLOCK.findall((HOUSE / document).read_text(encoding="utf-8")):
        if language == "yaml" and name:
            (tmp_path / name).write_text(block, encoding="utf-8")
        commands = commands_in(block) if language == "console" else []
        if language == "python":
            (tmp_path / "block.py").write_text(block, encoding="utf-8")
            commands = ["python block.py"]
        for command in commands:
            ran = subprocess.run(
                shlex.split(command),
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            verdict = command.startswith(("titleshot compare", "titleshot judge"))
            assert ran.returncode in (ANSWERS if verdict else {0}), f"{command}\n{ran.stderr}"
