"""What becomes of each kind in each format: a line of ``expected/<format>.txt`` an outcome.

``taken``                 exit 0, nothing set aside
``set aside: KIND: WHY``  exit 0, the faulty row is in ``quarantine/KIND.parquet`` with this reason, told
``told: WORDS``           exit 0, nothing set aside, and the report says so in these words
``refused: WORDS``        exit 2, no dataset, and the message says so
``away: WORDS``           exit 4, no dataset: a server that may answer later
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "expected"
EXIT_CODES = {"taken": 0, "set aside": 0, "told": 0, "refused": 2, "away": 4}


class Outcome(NamedTuple):
    """How an import must end and what it must say."""

    how: str
    says: str

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.how]


def outcomes(of: str) -> dict[str, Outcome]:
    """Kind to outcome, of one format."""
    found: dict[str, Outcome] = {}
    for line in (FOLDER / f"{of.replace(' ', '_')}.txt").read_text(encoding="utf-8").splitlines():
        said, _, kinds = line.partition(" <- ")
        how, _, says = said.partition(": ")
        for kind in kinds.split(" | "):
            if kind in found:
                raise ValueError(f"{of}: {kind!r} stands twice")
            found[kind] = Outcome(how, says)
    return found


def command_outcomes(command: str) -> dict[str, str]:
    """What a command must say, by place and kind: ``expected/commands/<command>.txt``, a message a line."""
    found: dict[str, str] = {}
    for line in (FOLDER / "commands" / f"{command}.txt").read_text(encoding="utf-8").splitlines():
        says, _, names = line.partition(" <- ")
        found |= dict.fromkeys(names.split(" | "), says)
    return found
