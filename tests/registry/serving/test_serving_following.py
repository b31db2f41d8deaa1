"""Following an alias: a good version is swapped in, a bad one leaves the old one speaking and says so."""

from __future__ import annotations

import json

import pytest
import serving_fixture as made

from titleshot.datasets.errors import Unreachable
from titleshot.registry.serving.following import Follower
from titleshot.registry.serving.journal_reader import JournalReader
from titleshot.registry.serving.journal_replay import differences, replay_journal
from titleshot.registry.serving.resolver import HomeResolver
from titleshot.registry.serving.shim import Shim


@pytest.fixture
def served(bare_home, tmp_path):
    resolver = HomeResolver(bare_home, made.NAME, "champion")
    shim = Shim(tmp_path / "j.db", resolver.load(resolver.find()), clock="records")
    now = [made.START]
    shim.follower = Follower(resolver, shim, 5.0, wall=lambda: now[0])
    yield shim, now
    shim.close()


def test_the_alias_is_followed_while_records_come(served, bare_home, tmp_path):
    shim, _ = served
    pieces = made.cut(made.stream(), [50])
    for piece in pieces[:2]:
        shim.accept(piece)
    assert not shim.follower.look()
    made.point(bare_home, made.register(bare_home, made.contender(window=10)))
    assert shim.follower.look()
    for piece in pieces[2:]:
        shim.accept(piece)
    about = shim.contender()
    assert (about["version"], about["contender"], about["following_failed"]) == (2, "window-10", None)
    assert 'version="2"' in shim.metrics_text()
    reader = JournalReader(tmp_path / "j.db")
    by_version = {1: made.contender(), 2: made.contender(window=10)}
    assert differences(reader.said(), replay_journal(reader, lambda swap: by_version[swap.version])) == []
    reader.close()


def test_a_version_that_was_tampered_with_leaves_the_old_one_speaking(served, bare_home, caplog):
    shim, now = served
    line = made.register(bare_home, made.contender(window=10))
    made.point(bare_home, line)
    recipe = bare_home.artifact(line.tree_digest) / "contender.yaml"
    sound = recipe.read_text()
    recipe.write_text(sound.replace("threshold: 3.0", "threshold: 9.0"))
    with caplog.at_level("ERROR", logger="titleshot.serving"):
        assert not shim.follower.look()
    assert "version 1 keeps speaking" in caplog.text
    failed = shim.contender()["following_failed"]
    assert failed["version"] == 2
    assert "it was changed since" in failed["error"]
    assert shim.contender()["version"] == 1
    assert "titleshot_follow_failures 1" in shim.metrics_text()
    shim.accept([made.sample(0, 1.0)])
    recipe.write_text(sound)
    assert not shim.follower.look(), "it is tried again later, not at once"
    now[0] += 11 * 10**9
    assert shim.follower.look()
    assert shim.contender()["following_failed"] is None


def test_a_version_that_does_not_warm_up_leaves_the_old_one_speaking(served, bare_home, monkeypatch):
    shim, _ = served
    shim.accept([made.sample(0, 1.0)])
    made.point(bare_home, made.register(bare_home, made.contender(window=10)))

    def fail(*_, **__):
        raise Unreachable("disk is away")

    with monkeypatch.context() as patch:
        patch.setattr("titleshot.registry.serving.served.Served.warm", fail)
        assert not shim.follower.look()
    assert shim.contender()["following_failed"]["error"] == "disk is away"
    assert json.loads(shim.accept([made.sample(-99, 1.0)]).said[0].text)["record"]["reason"] == "late"


def test_a_registry_that_is_away_changes_nothing(served, monkeypatch):
    shim, _ = served

    def fail(*_):
        raise Unreachable("registry does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(HomeResolver, "find", fail)
        assert not shim.follower.look()
        assert not shim.follower.look()
    assert shim.follower.failures == 2
    assert not shim.follower.look()
    assert shim.follower.failure is None
