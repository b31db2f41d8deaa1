"""The notebooks in the repository have been run, and still run to the same answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = ["bring_your_own", "the_whole_way"]
SAYS = {
    "bring_your_own": "titleshot check TARGET says what is needed",
    "the_whole_way": "general says the same: True",
}
LARGEST = 300_000


def answers(notebook: Any) -> list[str]:
    """What its plain values are: words and numbers, not tables or pictures."""
    return [
        output["data"]["text/plain"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if set(output.get("data", {})) == {"text/plain"}
    ]


def test_all_are_tried() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == NOTEBOOKS


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_it_was_run_from_top_to_bottom_without_an_error_and_is_small(name: str) -> None:
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert {output.output_type for cell in cells for output in cell.outputs} <= {
        "execute_result",
        "display_data",
    }
    text = (FOLDER / f"{name}.ipynb").read_text(encoding="utf-8")
    assert len(text) < LARGEST
    assert "/titleshot-" not in text, "a path of the machine it was run on"
    assert any(SAYS[name] in answer for answer in answers(notebook))


@pytest.mark.slow
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_it_runs_to_the_same_answers(name: str, tmp_path: Path) -> None:
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    before = answers(notebook)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert answers(notebook) == before, "run: make notebook"
