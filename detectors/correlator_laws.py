"""What correlators promise beyond the ten laws: stories that end, alerts in one of them, bounded state.

Redelivery is law 6 (the same alert twice changes nothing), merging and bounds are here. Each is a function of
a subject and a stream, as in ``check.py``; the stream's samples are the alerts.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import replace
from typing import Any

from titleshot.datasets.contracts.instants import SECOND
from titleshot.detectors.check import Law
from titleshot.detectors.law_parts import CorrelatorPart, Part
from titleshot.detectors.law_runs import run
from titleshot.detectors.law_streams import START, Stream
from titleshot.detectors.law_subjects import Subject

_ROUNDS = 6
_QUIET_S = 86_400.0
"""Silence between rounds for a correlator that states no memory."""


def every_story_is_told_to_its_end(subject: Subject, stream: Stream) -> str | None:
    """11. A story opens once, closes once and is not heard of again; merged, it names one that goes on."""
    open_: dict[str, set[str]] = {}
    closed: set[str] = set()
    for what, story in _told(subject, stream):
        name, events = story["incident_id"], set(story["event_ids"])
        if what == "opened" and (name in open_ or name in closed):
            return f"story {name[:8]} opens twice"
        if what != "opened" and name not in open_:
            return f"story {name[:8]} {what} {'after it closed' if name in closed else 'but never opened'}"
        if not open_.get(name, set()) <= events:
            return f"story {name[:8]} lost alerts it had"
        open_[name] = events
        if what == "closed":
            into = story.get("merged_into")
            if into is not None and (into == name or into not in open_):
                return f"story {name[:8]} is merged into {into[:8]}, which is not open"
            del open_[name]
            closed.add(name)
            if into is not None:
                open_[into] |= events
    return f"story {min(open_)[:8]} never closes" if open_ else None


def each_alert_is_in_one_story(subject: Subject, stream: Stream) -> str | None:
    """12. No two stories that were not merged away have an alert in common, and none has one twice."""
    within = Counter(
        event
        for what, story in _told(subject, stream)
        if what == "closed" and story.get("merged_into") is None
        for event in story["event_ids"]
    )
    twice = sorted(event for event, count in within.items() if count > 1)
    return f"alert {twice[0]} is in {within[twice[0]]} places" if twice else None


def state_stays_bounded(subject: Subject, stream: Stream) -> str | None:
    """13. The same stream again and again, apart by what the memory spans, leaves no more state behind."""
    part = subject.part()
    if not isinstance(part, CorrelatorPart) or not len(stream):
        return None
    span = int(stream.block.arrivals.max()) - START
    apart = span + math.ceil((_QUIET_S if part.memory_s is None else part.memory_s) + 1) * SECOND
    sizes = []
    for number in range(_ROUNDS):
        later = number * apart
        block = replace(
            stream.block,
            timestamps=stream.block.timestamps + later,
            arrivals=stream.block.arrivals + later,
        )
        part.push(block)
        sizes.append(len(json.dumps(part.correlator.state())))
    settled = max(sizes[: _ROUNDS // 2])
    grown = min(sizes[_ROUNDS // 2 :])
    if grown > settled:
        return f"state grew from {settled} to {sizes[-1]} characters in {_ROUNDS} rounds: {sizes}"
    return None


def _of_correlators(part: Part) -> str | None:
    return None if isinstance(part, CorrelatorPart) else "it is about correlators"


CORRELATOR_LAWS = (
    Law(11, every_story_is_told_to_its_end, _of_correlators),
    Law(12, each_alert_is_in_one_story, _of_correlators),
    Law(13, state_stays_bounded, _of_correlators),
)


def _told(subject: Subject, stream: Stream) -> list[tuple[str, dict[str, Any]]]:
    """What was said of which story, in order."""
    told = []
    for one in run(subject, stream, flush=True):
        what, _, record = one.content.partition(" ")
        if one.what == "candidate":
            told.append((what, json.loads(record)))
    return told
