"""A shim hears silence and asks rules at its ticks; what it says is what a replay of its journal says."""

from __future__ import annotations

import json

import pytest
import serving_fixture as made

from titleshot.datasets.yaml_file import parse_yaml
from titleshot.detectors.contender import Contender
from titleshot.detectors.recipe import Recipe
from titleshot.registry.serving.journal_reader import JournalReader
from titleshot.registry.serving.journal_replay import differences, replay_journal
from titleshot.registry.serving.shim import Shim

LISTENING = Contender(
    parse_yaml(
        """
name: listening
lateness_s: 120
detectors:
  - detector: {family: no_data, missed_periods: 3, gone_s: 3600}
    also: true
  - detector: {family: rolling_z_score, window: 20, min_points: 5, threshold: 3.0, memory_s: 3600}
invariants:
  - {name: quick, must: latency_p99 < 10, owner: checkout, expires: 2030-01-01, reason: agreed, stale_s: 120}
correlator: {family: topology_sessions, hops: 1, gap_s: 300, cap_s: 3600}
""",
        Recipe,
    )
)
# checkout sends nothing from minute 30 to 45 and is slow in minute 50; cart never stops.
WHOLE = [
    made.sample(minute, 20.0 if (minute, service) == (50, "checkout") else 1.0 + minute % 5 / 10, service)
    for minute in range(70)
    for service in ("cart", "checkout")
    if service == "cart" or not 30 <= minute < 45
]


@pytest.mark.parametrize("sizes", [[1], [3, 40], [500]])
def test_silence_and_rules_are_served_as_they_are_replayed(tmp_path, sizes):
    shim = Shim(tmp_path / "j.db", made.loaded(LISTENING), clock="records")
    for piece in made.cut(WHOLE, sizes):
        shim.accept(piece)
    shim.close()
    reader = JournalReader(tmp_path / "j.db")
    said = list(reader.said())
    events = [json.loads(one.text)["record"] for one in said if one.kind == "event"]
    by_family = {event["detector"].partition("@")[0]: event for event in events}
    assert by_family["no_data"]["service"] == "checkout"
    assert by_family["no_data"]["evidence"]["strange"] == "silence"
    assert by_family["invariant:quick"]["value"] == 20.0
    for at_once in (1, 64):
        assert differences(said, replay_journal(reader, LISTENING, at_once=at_once)) == []
    reader.close()


def test_a_restart_between_records_changes_nothing_of_what_a_replay_says(tmp_path):
    path = tmp_path / "j.db"
    for part in (WHOLE[:58], WHOLE[-20:]):
        shim = Shim(path, made.loaded(LISTENING), clock="records")
        shim.accept(part)
        shim.close()
    reader = JournalReader(path)
    said = list(reader.said())
    assert differences(said, replay_journal(reader, LISTENING)) == []
    reader.close()
