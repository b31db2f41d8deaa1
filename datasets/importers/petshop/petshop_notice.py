"""The notice that PetShop's licence asks to keep, and what the import changed."""

from __future__ import annotations

from pathlib import Path

from titleshot.datasets.errors import MalformedInput
from titleshot.datasets.importers.source_files import opened

ATTRIBUTION = """\
PetShop dataset, Copyright Amazon.com, Inc. or its affiliates. All Rights Reserved. Licensed under the
Creative Commons Attribution 4.0 International licence (CC-BY-4.0,
https://creativecommons.org/licenses/by/4.0/). Source: github.com/amazon-science/petshop-root-cause-analysis;
Hardt et al., "The PetShop Dataset - Finding Causes of Performance Issues across Microservices" (2023)."""
_CHANGES = """\
Changed on import: columns became series; a row sums up the five minutes after its time and its samples stand
at their end; metrics without issues may be moved in time or lent to another scenario; decoy deploys were
added and are marked. Time in which no file has rows is not scored. A detection may take 900 s and a page come
300 s after the incident's end: two strange rows in a row are known up to 900 s after the cause was put in."""
_LONGEST = 2000


def notes(source: Path) -> str:
    """Attribution, the source's own ``NOTICE`` where it says more, and the changes."""
    own = _notice(source)
    said = own if own and own not in " ".join(ATTRIBUTION.split()) else ""
    return "\n".join(filter(None, (ATTRIBUTION, said, _CHANGES)))


def _notice(source: Path) -> str:
    path = source / "NOTICE"
    if path.is_symlink() or not path.is_file():
        return ""
    try:
        with opened(path) as file:
            return " ".join(file.read(_LONGEST).decode("utf-8", "replace").split())
    except MalformedInput:
        return ""
