"""Recipes, fitted arrays and options that cannot be: the file, the line, the nearest word, the way out."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from breaking import cut, edit, edit_json

from titleshot.datasets.dataset import Dataset
from titleshot.pipelines.fit import fit

Refused = Callable[..., str]
Break = Callable[[Path], object]

GOOD = "name: mine\ndetectors:\n  - detector: {family: robust_mad, window: 50}\n"

BOMB = "a: &a [x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in pairwise("abcdefg")
)

RECIPES: list[tuple[str, str | bytes, tuple[str, ...]]] = [
    ("no YAML", "name: [mine\ndetectors:\n", ("mine.yaml:2: not YAML",)),
    ("tabs", "name: mine\ndetectors:\n\t- x\n", ("mine.yaml:3: not YAML", "'\\t'")),
    ("empty", "", ("mine.yaml:1: the file is empty",)),
    ("a list", "- mine\n", ("mine.yaml:1: expected a mapping of fields, got a list",)),
    (
        "unknown detector",
        GOOD.replace("robust_mad", "robust_madd"),
        ("mine.yaml:3: detectors.0.detector: unknown detector 'robust_madd'; did you mean 'robust_mad'?",),
    ),
    (
        "detector like none",
        GOOD.replace("robust_mad", "xyz"),
        ("unknown detector 'xyz'; there are ", "robust_mad, rolling_z_score"),
    ),
    ("no family", GOOD.replace("family: robust_mad, ", ""), ("mine.yaml:3", "family is missing; name one")),
    (
        "unknown parameter",
        GOOD.replace("window", "windw"),
        ("mine.yaml:3", "windw: unknown field; did you mean 'window'?"),
    ),
    ("parameter out of range", GOOD.replace("50", "0"), ("mine.yaml:3", "window: Input should be greater")),
    ("parameter no number", GOOD.replace("50", ".inf"), ("mine.yaml:3", "window: Input should be a finite")),
    (
        "unknown correlator",
        GOOD + "correlator: {family: topology_session}\n",
        ("mine.yaml:4: correlator: unknown correlator", "did you mean 'topology_sessions'?"),
    ),
    (
        "correlator of no family",
        GOOD + "correlator: {gap_s: 5}\n",
        ("mine.yaml:4: correlator: family is missing; name one, as in {family: topology_sessions}",),
    ),
    ("unknown field", GOOD + "latenes_s: 5\n", ("mine.yaml:4: latenes_s", "did you mean 'lateness_s'?")),
    ("a field twice", GOOD + "name: other\n", ("mine.yaml:4: 'name' stands twice (first in line 1)",)),
    ("below nothing", GOOD + "lateness_s: -5\n", ("mine.yaml:4: lateness_s", "got -5")),
    ("another version", "schema_version: 9.0\n" + GOOD, ("mine.yaml:1: schema_version '9.0'", "upgrade")),
    ("a Python object", "name: !!python/object:os.system x\n", ("mine.yaml:1", "drop the tag")),
    ("a bomb of aliases", BOMB, ("more than 200000 parts once aliases are followed",)),
    ("nested", "name: " + "[" * 2000, ("nested too deeply to be read",)),
    ("no UTF-8", "name: café\n".encode("latin-1"), ("mine.yaml: not UTF-8 text (byte 9); save it as UTF-8",)),
    ("no text", b"\x00\x01\x02", ("mine.yaml: not YAML",)),
    ("ten megabytes in a line", "name: " + "x" * 10_000_000, ("at most 8,000,000 are read",)),
    ("a name too long", GOOD.replace("mine", "x" * 5000), ("mine.yaml:1: name", "at most 1024 characters")),
    (
        "shorter than records take",
        GOOD + "lateness_s: 5\n",
        ("waits lateness_s 5", "take 30 s to arrive", "raise lateness_s in the recipe"),
    ),
    (
        "unfitted",
        "name: mine\ndetectors:\n  - detector: {family: seasonal_baseline}\n",
        ("seasonal_baseline must be fitted first; run: titleshot fit DATASET CONTENDER --out DIR",),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "says"), [row[1:] for row in RECIPES], ids=[row[0] for row in RECIPES])
def test_a_faulty_recipe_is_refused_with_line_and_way_out(
    text: str | bytes, says: tuple[str, ...], small_platform: Dataset, refused: Refused, tmp_path: Path
) -> None:
    recipe = tmp_path / "mine.yaml"
    recipe.write_bytes(text if isinstance(text, bytes) else text.encode())
    message = refused(["replay", small_platform.path, recipe, "--out", tmp_path / "log"], 2, *says)
    assert len(message.splitlines()) <= 2


@pytest.mark.parametrize(
    ("contender", "says"),
    [
        ("baselin", "did you mean 'baseline'?"),
        ("absent.yaml", "no such file, and no shipped contender of that name; there are baseline"),
        ("models:/checkout@champion", "no model 'checkout' is registered"),
        ("models:/../x", "is no address; write models:/NAME@ALIAS"),
        (".", "contender.yaml: no such file"),
    ],
)
def test_a_contender_that_is_not_there(
    contender: str,
    says: str,
    small_platform: Dataset,
    refused: Refused,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    refused(["replay", small_platform.path, contender, "--out", tmp_path / "log"], 2, says)


@pytest.fixture(scope="module")
def fitted(small_platform: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fitted")
    (folder / "mine.yaml").write_text("name: mine\ndetectors:\n  - detector: {family: seasonal_baseline}\n")
    cutoff = small_platform.card.span_from + 14 * 86_400 * 10**9
    fit(small_platform, folder / "mine.yaml", out=folder / "contender", cutoff=cutoff)
    return folder / "contender"


FITTED: list[tuple[str, Break, tuple[str, ...]]] = [
    ("cut off", lambda c: cut(c / "fitted/0000.npz"), ("fitted arrays cannot be read", "run fit again")),
    ("absent", lambda c: (c / "fitted/0000.npz").unlink(), ("fitted/0000.npz", "run fit again")),
    ("a list", lambda c: (c / "fitted.json").write_text("[]"), ("fitted.json", "run fit again")),
    ("another version", lambda c: edit_json(c / "fitted.json", version="8.0"), ("8.0; this code reads 1.x",)),
    (
        "another recipe",
        lambda c: edit(c / "contender.yaml", "tick_s: 60", "tick_s: 30"),
        ("fitted for another recipe; run fit again",),
    ),
    (
        "a file elsewhere",
        lambda c: edit(c / "fitted.json", "fitted/0000.npz", "../../../etc/passwd"),
        ("'../../../etc/passwd' lies outside the folder",),
    ),
]


@pytest.mark.parametrize(("damage", "says"), [row[1:] for row in FITTED], ids=[row[0] for row in FITTED])
def test_damaged_fitted_arrays_are_refused(
    damage: Break,
    says: tuple[str, ...],
    fitted: Path,
    small_platform: Dataset,
    copy_of: Callable[..., Path],
    refused: Refused,
    tmp_path: Path,
) -> None:
    contender = copy_of(fitted, "contender")
    damage(contender)
    refused(["replay", small_platform.path, contender, "--out", tmp_path / "log"], 2, *says)


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["--from", "2026-01-20T00:00:00Z", "--to", "2026-01-10T00:00:00Z"], 2, "and in order"),
        (["--from", "2031-01-01T00:00:00Z"], 2, "no samples to replay"),
        (["--from", "2026-01-20 00:00:00"], 2, "has no zone; add Z or an offset"),
        (["--workers", "-2"], 2, "--workers: must be a whole number from 0, got '-2'"),
        (["--scheduler", "nonsense"], 2, "scheduler 'nonsense'"),
    ],
)
def test_options_of_replay_that_cannot_be(
    options: list[object], code: int, says: str, small_platform: Dataset, refused: Refused, tmp_path: Path
) -> None:
    refused(["replay", small_platform.path, "baseline", "--out", tmp_path / "log", *options], code, says)


def test_a_scheduler_that_does_not_answer_is_worth_another_try(
    small_platform: Dataset, refused: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("titleshot.pipelines.partitions._PATIENCE_S", 0.5)
    words = ["replay", small_platform.path, "baseline", "--out", tmp_path / "log"]
    refused([*words, "--scheduler", "tcp://127.0.0.1:9"], 4, "no Dask scheduler answers at tcp://127.0.0.1:9")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nothing"], "no such file, and no shipped contender of that name"),
        (["no.such:Thing"], "cannot be imported: ModuleNotFoundError"),
        (["json:dumps"], "json:dumps is function; name a class"),
        (["pathlib:Path"], "is no Detector, RowDetector, Correlator or Part"),
        (["robust_mad", "--param", "window"], "must be NAME=VALUE, such as window=30"),
        (["robust_mad", "--param", "window=["], "'[' is no value; quote it"),
        (["robust_mad", "--param", "window=-5"], "window: Input should be greater than or equal to"),
        (["robust_mad", "--param", "windw=5"], "windw: unknown field; did you mean 'window'?"),
        (["robust_mad", "--seeds", "0"], "--seeds must be at least 1, got 0"),
    ],
)
def test_a_target_of_check_that_is_none(words: list[object], says: str, refused: Refused) -> None:
    refused(["check", *words], 2, says)


def test_a_hostile_name_stays_a_name(
    small_platform: Dataset, titleshot: Callable[..., Any], tmp_path: Path
) -> None:
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(GOOD.replace("mine", '"../../<script>alert(1)</script>"'))
    before = sorted(tmp_path.parent.iterdir())
    assert titleshot("replay", small_platform.path, recipe, "--out", tmp_path / "log").code == 0
    assert sorted(tmp_path.parent.iterdir()) == before
    assert json.loads((tmp_path / "log/log.json").read_text())["contender"].startswith("../../<script>")

    page = tmp_path / "page.html"
    labels = ["--labels", small_platform.path]
    assert titleshot("report", tmp_path / "log", *labels, "--out", page).code == 0
    assert "<script>alert" not in page.read_text()
