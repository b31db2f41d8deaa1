"""The sidecar: a challenger over another's journal that cannot reach anybody."""

from __future__ import annotations

import ast
import threading
import time
from pathlib import Path

import pytest
import serving_fixture as made

from titleshot.datasets.errors import IntegrityError, UsageError
from titleshot.registry.serving.journal_reader import JournalReader
from titleshot.registry.serving.journal_replay import differences, replay_journal
from titleshot.registry.serving.resolver import HomeResolver
from titleshot.registry.serving.shim import Shim
from titleshot.registry.serving.sidecar import Sidecar

CHAMPION, CHALLENGER = made.contender(), made.contender(window=10)
WHOLE = made.stream()
ROOT = Path(__file__).parents[3]


def said(path: Path) -> list[str]:
    reader = JournalReader(path)
    lines = sorted(one.text for one in reader.said())
    reader.close()
    return lines


@pytest.fixture
def followed(tmp_path) -> Path:
    path = tmp_path / "champion.db"
    shim = Shim(path, made.loaded(CHAMPION), clock="records")
    for piece in made.cut(WHOLE, [30]):
        shim.accept(piece)
    shim.close()
    return path


@pytest.fixture
def expected(tmp_path, followed) -> list[str]:
    """What a shim says that serves the challenger."""
    path = tmp_path / "as-champion.db"
    shim = Shim(path, made.loaded(CHALLENGER), clock="records")
    shim.accept(WHOLE)
    shim.close()
    return said(path)


def test_it_says_what_it_would_have_said_as_champion(followed, expected, tmp_path):
    own = tmp_path / "challenger.db"
    sidecar = Sidecar(own, followed, made.loaded(CHALLENGER))
    while sidecar.step(most=37):
        pass
    assert sidecar.lag == 0
    sidecar.close()
    assert said(own) == expected
    journal, inputs = JournalReader(own), JournalReader(followed)
    assert differences(journal.said(), replay_journal(journal, CHALLENGER, inputs=inputs)) == []


def test_stopped_and_started_again_it_goes_on_where_it_was(followed, expected, tmp_path):
    own = tmp_path / "challenger.db"
    more = True
    while more:
        sidecar = Sidecar(own, followed, made.loaded(CHALLENGER))
        more = sidecar.step(most=60) > 0
        sidecar.close()
    assert said(own) == expected


def test_it_follows_while_the_shim_writes_and_the_shim_does_not_notice(tmp_path, expected):
    path, own = tmp_path / "live.db", tmp_path / "challenger.db"
    shim = Shim(path, made.loaded(CHAMPION), clock="records")
    sidecar = Sidecar(own, path, made.loaded(CHALLENGER))
    stop = threading.Event()
    thread = threading.Thread(target=sidecar.run, args=(stop,), kwargs={"until_idle_s": 5})
    thread.start()
    for piece in made.cut(WHOLE, [20]):
        shim.accept(piece)
    deadline = time.monotonic() + 10
    while sidecar.records < shim.journal.last and time.monotonic() < deadline:
        time.sleep(0.02)
    stop.set()
    thread.join()
    sidecar.close()
    shim.close()
    assert said(own) == expected


def test_it_follows_the_challenger_s_alias(bare_home, followed, tmp_path):
    made.point(bare_home, made.register(bare_home, CHALLENGER), alias="challenger")
    resolver = HomeResolver(bare_home, made.NAME, "challenger")
    own = tmp_path / "challenger.db"
    sidecar = Sidecar(own, followed, resolver.load(resolver.find()))
    sidecar.step(most=100)
    other = made.contender(window=15)
    made.point(bare_home, made.register(bare_home, other), alias="challenger")
    sidecar.run(threading.Event(), resolver=resolver, poll_s=0.0, until_idle_s=0.0)
    sidecar.close()
    journal, inputs = JournalReader(own), JournalReader(followed)
    assert [(swap.version, swap.from_seq) for swap in journal.swaps()] == [(2, 1), (3, 101)]
    by_version = {2: CHALLENGER, 3: other}
    replayed = replay_journal(journal, lambda swap: by_version[swap.version], inputs=inputs)
    assert differences(journal.said(), replayed) == []


def test_records_lost_before_they_were_read_stop_it(followed, tmp_path):
    own = tmp_path / "challenger.db"
    sidecar = Sidecar(own, followed, made.loaded(CHALLENGER))
    sidecar.step(most=50)
    shim = Shim(followed, made.loaded(CHAMPION), clock="records")
    with shim.journal.transaction() as db:
        db.execute("DELETE FROM records WHERE seq BETWEEN 51 AND 60")
    with pytest.raises(IntegrityError, match="lost records 51 to 60"):
        sidecar.step()
    shim.close()
    sidecar.close()


def test_another_journal_in_the_same_place_is_refused(followed, tmp_path):
    own = tmp_path / "challenger.db"
    Sidecar(own, followed, made.loaded(CHALLENGER)).close()
    other = tmp_path / "other.db"
    Shim(other, made.loaded(CHAMPION), clock="records").close()
    with pytest.raises(IntegrityError, match="another journal"):
        Sidecar(own, other, made.loaded(CHALLENGER))
    with pytest.raises(UsageError, match="no journal here"):
        Sidecar(own, tmp_path / "absent.db", made.loaded(CHALLENGER))


def imported_by(module: str, seen: set[str]) -> set[str]:
    """Every module of ours that a module can reach, imports within functions included."""
    if module in seen:
        return seen
    path = ROOT.joinpath(*module.split(".")[1:])
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    if not path.is_file():
        return seen
    seen.add(module)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            if name.startswith("titleshot."):
                imported_by(name, seen)
    return seen


@pytest.mark.parametrize("start", ["titleshot.registry.serving.sidecar", "titleshot.pipelines.shadow"])
def test_nothing_it_imports_can_page_anybody(start):
    reached = imported_by(start, set())
    assert "titleshot.registry.serving.served" in reached
    voices = {f"titleshot.registry.serving.{name}" for name in ("desk", "notifier", "shim", "http")}
    assert reached & voices == set()
    assert voices <= imported_by("titleshot.pipelines.serve", set()), "the test would not find them"
