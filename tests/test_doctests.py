"""Every example in a docstring runs."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[1]
ROOMS = ("datasets", "detectors", "pipelines", "registry", "reports")
MODULES = [
    ".".join(("titleshot", *path.relative_to(HOUSE).with_suffix("").parts)).removesuffix(".__init__")
    for room in ROOMS
    for path in sorted((HOUSE / room).rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    failed, tried = doctest.testmod(importlib.import_module(name))
    assert tried > 0, f"{name} has examples that doctest does not find"
    assert failed == 0
