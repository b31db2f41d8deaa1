"""The notebook in the repository has been run, and still runs to the same answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "the_whole_way.ipynb"
LARGEST = 300_000


def answers(notebook: Any) -> list[str]:
    """What its plain values are: words and numbers, not tables or pictures."""
    return [
        output["data"]["text/plain"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if set(output.get("data", {})) == {"text/plain"}
    ]


def test_it_was_run_from_top_to_bottom_without_an_error_and_is_small() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert {output.output_type for cell in cells for output in cell.outputs} <= {
        "execute_result",
        "display_data",
    }
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert len(text) < LARGEST
    assert "/titleshot-" not in text, "a path of the machine it was run on"
    assert answers(notebook)[1:3] == ["'promote'", "'general says the same: True'"]


@pytest.mark.slow
def test_it_runs_to_the_same_answers(tmp_path: Path) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    before = answers(notebook)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert answers(notebook) == before, "run: make notebook"
