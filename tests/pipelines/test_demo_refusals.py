"""What the demo refuses leaves nothing behind and takes nothing away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Titleshot = Callable[..., Any]


@pytest.mark.parametrize(
    ("words", "message"), [(("--seed", "-1"), "seed must be 0 or more"), (("--days", "1"), "days must be")]
)
def test_an_argument_that_is_refused_leaves_no_folder(
    words: tuple[str, ...], message: str, tmp_path: Path, titleshot: Titleshot
) -> None:
    done = titleshot("demo", "--out", tmp_path / "demo", *words)
    assert done.code == 2
    assert message in done.err
    assert not (tmp_path / "demo").exists()


def test_nor_does_it_take_away_an_earlier_demo(tmp_path: Path, titleshot: Titleshot) -> None:
    there = tmp_path / "demo"
    there.mkdir()
    (there / "demo.json").write_text("{}\n")
    (there / "report.html").write_text("as it was")
    assert titleshot("demo", "--out", there, "--seed", "-1").code == 2
    assert (there / "report.html").read_text() == "as it was"
