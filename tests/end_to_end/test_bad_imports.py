"""Every kind of bad input in every format: set aside and counted, or refused whole; never half a dataset."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bad_inputs.expected import outcomes
from bad_inputs.formats import FORMATS
from bad_inputs.kinds import KINDS, SMALL_LIMIT, SOURCE
from bad_inputs.spoiling import cases, spoilt

from titleshot.datasets.dataset import Dataset
from titleshot.datasets.importers import source_files
from titleshot.datasets.importers.formats import IMPORTERS
from titleshot.datasets.replay_log import ReplayLog

Titleshot = Callable[..., Any]
_EVERY = 12
"""One case in twelve runs before every commit, each kind in some format; the others with the slow tests."""
_LONGEST = {False: 5000, True: 2000}
"""Letters of a report, and of a refusal."""
_LEFT = {SOURCE, "outside", "home"}


def _param(number: int, of: str, kind: str) -> Any:
    marks = [] if number % _EVERY == 0 else [pytest.mark.slow]
    return pytest.param(of, kind, id=f"{of}-{kind}", marks=marks)


def test_every_format_is_tried_and_every_kind_is_expected() -> None:
    assert {of.name for of in FORMATS.values()} == {*IMPORTERS, "pages"}
    for of in FORMATS:
        assert set(outcomes(of)) == {kind for name, kind in cases() if name == of}
    assert len({kind for _, kind in cases()}) == len(KINDS) >= 60


def test_kinds_differ_from_each_other_in_what_they_do() -> None:
    what = [
        (k.of_bytes, k.of_place, *k.of_cell.items(), k.of_csv, k.of_json, k.of_http) for k in KINDS.values()
    ]
    assert len(set(what)) == len(what)


@pytest.mark.parametrize(("of", "kind"), [_param(n, of, kind) for n, (of, kind) in enumerate(cases())])
def test_bad_input(
    of: str,
    kind: str,
    small_platform: Dataset,
    titleshot: Titleshot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(source_files, "UNPACKED_ALWAYS", SMALL_LIMIT)
    expected = outcomes(of)[kind]
    out = tmp_path / "out"

    with spoilt(of, kind, tmp_path, out, small_platform.path) as words:
        source = _content(tmp_path / SOURCE)
        code, told, err = titleshot(*words)
    said = re.sub(r" +", " ", err.replace(str(tmp_path), ""))

    assert code == expected.exit_code, said
    assert "Traceback" not in said
    assert "bug in titleshot" not in said
    assert told == ""
    assert len(said) < _LONGEST[code > 0]
    assert _content(tmp_path / SOURCE) == source, "the source was changed"
    left = {path.name for path in tmp_path.iterdir()} - _LEFT
    if expected.exit_code:
        assert said.startswith("titleshot: ")
        assert re.sub(r" +", " ", expected.says) in said
        assert all(name.endswith(tuple(FORMATS[of].keeps) or "?") for name in left), left
        return
    assert left == {"out"}
    if expected.how == "set aside":
        table, _, reason = expected.says.partition(": ")
        (line,) = [line for line in said.splitlines() if f"quarantine/{table}.parquet: " in line]
        assert f"{reason} (" in line
        assert (out / "quarantine" / f"{table}.parquet").is_file() or FORMATS[of].name == "pages"
    else:
        assert not re.search(r"set aside (in|.* [1-9][0-9]*$)", said)
        assert re.sub(r" +", " ", expected.says) in said
    _is_whole(out)


def _is_whole(out: Path) -> None:
    """What was written opens, and every byte is what its card says."""
    if (out / "log.json").is_file():
        ReplayLog(out).pages()
        return
    dataset = Dataset.open(out)
    dataset.verify()
    dataset.unchanged()
    assert sum(len(block.codes) for block in dataset.blocks()) == dataset.card.rows
    assert not [path for path in out.rglob("*") if ".part" in path.name or path.is_symlink()]


def _content(folder: Path) -> dict[str, bytes | str]:
    """Files by name; a link as its target, what is no file as its kind."""
    found: dict[str, bytes | str] = {}
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = str(path.readlink())
        elif path.is_file():
            found[name] = path.read_bytes()
        else:
            found[name] = "pipe" if path.is_fifo() else "folder"
    return found
