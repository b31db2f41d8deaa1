"""Every error titleshot raises on purpose, in one tree.

    TitleshotError                 exit 2
    ├── UsageError                 exit 2   the caller asked for something that cannot be
    ├── MalformedInput             exit 2   a file or record breaks its contract
    │   └── UnknownVersion         exit 2   written by a newer major version
    ├── InvalidDataset             exit 2   the dataset did not pass validation, or changed since
    ├── NotFitted                  exit 2   a recipe needs fitted arrays and has none
    ├── FailedCheck                exit 1   a check ran and said no
    ├── IntegrityError             exit 1   a digest or signature does not match
    └── Unreachable                exit 4   registry or broker away; the only one worth retrying

A message names the value, the rule it breaks and the way out.
"""

from __future__ import annotations


class TitleshotError(Exception):
    """Base of all; ``exit_code`` is what the command line ends with."""

    exit_code = 2


class UsageError(TitleshotError):
    """What was asked for cannot be done as asked."""


class MalformedInput(TitleshotError):
    """A file or a record breaks its contract."""


class UnknownVersion(MalformedInput):
    """A record or file of a major version this code does not know."""


class InvalidDataset(TitleshotError):
    """The dataset did not pass validation, or is not the one that did."""


class NotFitted(TitleshotError):
    """A recipe has parts that need fitting and no fitted arrays."""


class FailedCheck(TitleshotError):
    """A check ran to its end and the answer is no."""

    exit_code = 1


class IntegrityError(TitleshotError):
    """A digest or a signature does not match what was recorded."""

    exit_code = 1


class Unreachable(TitleshotError):
    """A registry or broker did not answer; try again later."""

    exit_code = 4
