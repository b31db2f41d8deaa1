"""The evidence of the same decision that was judged last before another one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from titleshot.datasets.errors import TitleshotError
from titleshot.registry.evidence import DIGESTS, Evidence, PromotionRecord, read_evidence


class Earlier(NamedTuple):
    """``evidence`` None: none is there. ``unreadable`` folders say they are evidence and are not whole."""

    evidence: Evidence | None
    unreadable: tuple[Path, ...]


def earlier_of(evidence: Evidence, places: Iterable[Path]) -> Earlier:
    """Look through folders of evidence for the last one before ``evidence``, of the same decision.

    The same decision is the one ``decision.yaml`` names. Without one it is the same two contenders, by name.

    Args:
        places: folders that hold evidence folders; ones that are not there hold none.
    """
    own = evidence.record
    found: dict[str, tuple[PromotionRecord, Path]] = {}
    unreadable = []
    for folder in sorted({inside.resolve() for place in places for inside in _inside(place)}):
        try:
            record = PromotionRecord.from_json(
                (folder / "decision.json").read_bytes(), where=str(folder / "decision.json")
            )
        except (OSError, TitleshotError):
            unreadable.append(folder)
            continue
        if _same(record, own) and (record.judged_at, record.decision_id) < (own.judged_at, own.decision_id):
            found[record.decision_id] = (record, folder)
    latest = sorted(found.values(), key=lambda one: (one[0].judged_at, one[0].decision_id), reverse=True)
    for _, folder in latest:
        try:
            return Earlier(read_evidence(folder), tuple(unreadable))
        except TitleshotError:
            unreadable.append(folder)
    return Earlier(None, tuple(unreadable))


def _inside(place: Path) -> list[Path]:
    try:
        return [folder for folder in place.iterdir() if (folder / DIGESTS).is_file()]
    except OSError:
        return []


def _same(one: PromotionRecord, other: PromotionRecord) -> bool:
    if one.decision_name is not None or other.decision_name is not None:
        return one.decision_name == other.decision_name
    return (one.champion.contender, one.challenger.contender) == (
        other.champion.contender,
        other.challenger.contender,
    )
