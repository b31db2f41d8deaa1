"""Types of command-line arguments; each says what is wrong with a value and what would be right."""

from __future__ import annotations

import argparse
import math

from titleshot.datasets.contracts.instants import parse_instant


def instant(text: str) -> int:
    """A time with a zone, as nanoseconds UTC.

    >>> instant("1970-01-01T00:00:01Z")
    1000000000
    """
    try:
        return parse_instant(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def count(text: str) -> int:
    """A whole number from 0.

    >>> count("2")
    2
    """
    try:
        number = int(text)
    except ValueError:
        number = -1
    if number < 0:
        raise argparse.ArgumentTypeError(f"must be a whole number from 0, got {text!r}")
    return number


def amount(text: str) -> float:
    """A finite number above 0.

    >>> amount("0.5")
    0.5
    """
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number above 0, got {text!r}")
    return number
