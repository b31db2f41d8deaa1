"""The nearest known name to one that is not known, so that an error can offer it."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str]) -> str:
    """Words to end an error message with: the nearest name, else all of them, else nothing.

    >>> nearest("rolling_z", ["robust_mad", "rolling_z_score"])
    "; did you mean 'rolling_z_score'?"
    >>> nearest("x", ["robust_mad", "rolling_z_score"])
    '; there are robust_mad, rolling_z_score'
    """
    names = sorted(known)
    near = get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; there are {', '.join(names)}" if names else ""
