"""What a shadow run took is measured from its journal, and goes with the log it becomes."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import serving_fixture as made

from titleshot.datasets.contracts.instants import MINUTE
from titleshot.datasets.errors import MalformedInput
from titleshot.datasets.replay_log import ReplayLog
from titleshot.pipelines.journal import journal
from titleshot.pipelines.measured import measured_in
from titleshot.registry.serving.footprint import Footprint
from titleshot.registry.serving.journal_reader import JournalReader
from titleshot.registry.serving.shim import Shim
from titleshot.registry.serving.sidecar import Sidecar

CHAMPION, CHALLENGER = made.contender(), made.contender(window=10)


def served(path: Path, pieces: list[list[object]]) -> Path:
    shim = Shim(path, made.loaded(CHAMPION), clock="records")
    for piece in pieces:
        shim.accept(piece)  # type: ignore[arg-type]
    shim.close()
    return path


def shadowed(own: Path, follow: Path, *, most: int = 37, until: int | None = None) -> Path:
    """A sidecar's journal over all of a shim's, or over that many records."""
    sidecar = Sidecar(own, follow, made.loaded(CHALLENGER))
    while sidecar.step(most=most) and (until is None or sidecar.records < until):
        pass
    sidecar.close()
    return own


def samples(first: int, last: int) -> list[object]:
    """A sample a minute that arrives when it is taken."""
    return [
        made.sample(minute, 10.0, ingested_at=made.START + minute * MINUTE) for minute in range(first, last)
    ]


def kept_up(own: Path, path: Path, pieces: list[list[object]]) -> Path:
    """A sidecar's journal that takes in each piece as soon as the shim has it."""
    shim = Shim(path, made.loaded(CHAMPION), clock="records")
    sidecar = Sidecar(own, path, made.loaded(CHALLENGER))
    sidecar.step()
    for piece in pieces:
        shim.accept(piece)  # type: ignore[arg-type]
        sidecar.step()
    sidecar.close()
    shim.close()
    return own


def test_hours_coverage_time_and_memory_of_a_run_that_kept_up(tmp_path: Path) -> None:
    pieces = made.cut(samples(0, 120), [30])
    own = kept_up(tmp_path / "challenger.db", tmp_path / "champion.db", pieces)
    measured = measured_in(journal(own, out=tmp_path / "log"))
    assert measured is not None
    assert measured.shadow_hours == pytest.approx(2, abs=0.1)
    assert measured.shadow_coverage == pytest.approx(1, abs=0.02)
    assert measured.artifact_digest == CHALLENGER.artifact_digest
    assert measured.timed == len(pieces)
    assert measured.p99_latency_ms is not None
    assert measured.p99_latency_ms > 0
    assert measured.memory_mb is not None
    assert 10 < measured.memory_mb < 100_000


def test_records_it_has_not_got_to_are_not_covered(tmp_path: Path) -> None:
    follow = served(tmp_path / "champion.db", made.cut(samples(0, 120), [30]))
    half = JournalReader(follow).last // 2
    own = shadowed(tmp_path / "challenger.db", follow, most=10, until=half)
    measured = measured_in(journal(own, out=tmp_path / "log"))
    assert measured is not None
    assert measured.shadow_hours == pytest.approx(2, abs=0.1)
    assert measured.shadow_coverage == pytest.approx(0.5, abs=0.1)


def test_a_time_without_ticks_is_a_gap(tmp_path: Path) -> None:
    path = tmp_path / "champion.db"
    follow = served(path, made.cut(samples(0, 60), [30]))
    own = shadowed(tmp_path / "challenger.db", follow)
    whole = measured_in(journal(own, out=tmp_path / "log"))
    with closing(sqlite3.connect(path)) as database, database:  # as if the shim had been away for 30 minutes
        away = (made.START + 15 * MINUTE, made.START + 45 * MINUTE)
        database.execute("DELETE FROM records WHERE kind = 'tick' AND arrival_ns BETWEEN ? AND ?", away)
    gap = measured_in(journal(own, out=tmp_path / "gap"))
    assert whole is not None
    assert gap is not None
    assert gap.shadow_coverage == pytest.approx(whole.shadow_coverage - 0.5, abs=0.05)


def test_catching_up_is_not_timed_and_what_was_not_timed_is_not_measured(tmp_path: Path) -> None:
    follow = served(tmp_path / "champion.db", made.cut(samples(0, 60), [30]))
    own = shadowed(tmp_path / "challenger.db", follow, most=50)  # as shadow --once over what there is
    measured = measured_in(journal(own, out=tmp_path / "log"))
    assert measured is not None
    assert measured.shadow_coverage > 0.9
    assert (measured.timed, measured.p99_latency_ms, measured.memory_mb) == (0, None, None)


def test_a_shims_own_log_measures_nothing_and_a_lost_journal_neither(tmp_path: Path) -> None:
    follow = served(tmp_path / "champion.db", made.cut(samples(0, 60), [30]))
    assert measured_in(journal(follow, out=tmp_path / "log")) is None
    own = shadowed(tmp_path / "challenger.db", follow)
    moved = follow.rename(tmp_path / "moved.db")
    assert measured_in(journal(own, out=tmp_path / "log")) is None
    assert measured_in(journal(own, out=tmp_path / "log", inputs=moved)) is not None


def test_measurements_that_are_none_are_named(tmp_path: Path) -> None:
    follow = served(tmp_path / "champion.db", made.cut(samples(0, 60), [30]))
    log = journal(shadowed(tmp_path / "challenger.db", follow), out=tmp_path / "log")
    about = json.loads((log.path / "log.json").read_text())
    about["journal"]["measured"]["shadow_hours"] = -1
    (log.path / "log.json").write_text(json.dumps(about))
    with pytest.raises(MalformedInput, match=r"log\.json: shadow_hours"):
        measured_in(ReplayLog(log.path))


def test_a_footprint_goes_on_after_a_restart() -> None:
    first = Footprint()
    for _ in range(90):
        first.took(0.001)
    second = Footprint(first.text())
    for _ in range(10):
        second.took(0.1)
    assert second.timed == 100
    assert second.quantile_ms(0.9) == pytest.approx(1, rel=0.1)
    assert second.quantile_ms(0.91) == pytest.approx(100, rel=0.1)
    assert Footprint().quantile_ms(0.5) is None
