"""CONTENDER on the command line: a recipe, a shipped name, a folder, or a registered version."""

from __future__ import annotations

from pathlib import Path

from titleshot.detectors.contender import Contender


def contender_from(source: str, *, home: Path) -> Contender:
    """The contender a user named.

    Raises:
        UsageError: no such file, name, folder or registered version.
    """
    if source.startswith("models:/"):
        from titleshot.registry.registered import registered_contender

        return registered_contender(source, home=home)
    return Contender.load(source)
