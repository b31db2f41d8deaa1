"""Which scenarios a folder in PetShop's layout holds, and which of their files are there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from titleshot.datasets.errors import MalformedInput
from titleshot.datasets.importers.source_files import files_below

LENDER = "high_traffic"
"""Whose issue-free metrics serve a scenario that has none, as the set's own authors do it."""


@dataclass(frozen=True)
class Scenario:
    """Files of one scenario that are there."""

    name: str
    graph: Path | None
    issue_free: Path | None
    issues: dict[str, Path]
    """Folders with a ``metrics.csv``, by ``<split>/<issue>``."""
    targets_alone: tuple[str, ...]
    """Targets whose ``metrics.csv`` is not there."""


def scenarios_of(source: Path) -> dict[str, Scenario]:
    """The scenarios of ``source``, by name.

    Raises:
        MalformedInput: there is none, or a link leads out of the folder.
    """
    if source.is_dir():
        for place in (source, source / "dataset"):
            if _is_scenario(place):
                one = _scenario(place, source)
                return {one.name: one}
        below = source / "dataset" if (source / "dataset").is_dir() else source
        found = [_scenario(place, source) for place in sorted(below.iterdir()) if _is_scenario(place)]
        if found:
            return {one.name: one for one in found}
    raise MalformedInput(
        f"{source}: no <scenario>/<split>/issue_<n>/metrics.csv here; give the folder that holds dataset/"
    )


def _is_scenario(place: Path) -> bool:
    return (place / "noissue" / "metrics.csv").is_file() or any(place.glob("*/issue_*/metrics.csv"))


def _scenario(place: Path, source: Path) -> Scenario:
    # Globbed from the source, so that a link out of it is refused whichever folder it is in.
    below = place.relative_to(source).as_posix()
    at = "" if below == "." else f"{below}/"

    def held(pattern: str) -> list[Path]:
        return files_below(source, f"{at}{pattern}")

    issues = {
        path.parent.relative_to(place).as_posix(): path.parent for path in held("*/issue_*/metrics.csv")
    }
    targets = [path.parent.relative_to(place).as_posix() for path in held("*/issue_*/target.json")]
    return Scenario(
        name=place.resolve().name,
        graph=next(iter(held("graph.csv")), None),
        issue_free=next(iter(held("noissue/metrics.csv")), None),
        issues=issues,
        targets_alone=tuple(name for name in targets if name not in issues),
    )
