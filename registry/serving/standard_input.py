"""The shim on standard input: a record a line in, what is said of it a line out."""

from __future__ import annotations

import os
import select
from collections.abc import Callable, Sequence

from titleshot.registry.serving.journal_reader import Said
from titleshot.registry.serving.shim import Shim
from titleshot.registry.serving.wire import LONGEST_KEPT, Fault, Incoming, read_line

LONGEST_LINE = 1 << 20
_CHUNK = 1 << 20


class InputLines:
    """Feeds a shim with lines from a file descriptor until it ends or ``stopped`` becomes readable.

    What can be read without waiting is one batch: records that trickle in are answered one by one.
    """

    def __init__(self, shim: Shim, source: int, stopped: int) -> None:
        self._shim, self._source, self._stopped = shim, source, stopped
        self._rest = b""
        self._too_long = False

    def run(self) -> bool:
        """Feed; True where the input ended, False where it was stopped."""
        while True:
            ready, _, _ = select.select([self._source, self._stopped], [], [])
            if self._stopped in ready:
                return False
            chunk = os.read(self._source, _CHUNK)
            if not chunk:
                self._accept([self._rest] if self._rest else [])
                return True
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            self._accept(lines)
            if len(self._rest) > LONGEST_LINE:
                self._too_long, self._rest = True, self._rest[:LONGEST_KEPT]

    def _accept(self, lines: Sequence[bytes]) -> None:
        given: list[Incoming | Fault] = []
        for line in lines:
            if self._too_long or len(line) > LONGEST_LINE:
                self._too_long = False
                kept = {"text": line[:LONGEST_KEPT].decode("utf-8", "backslashreplace")}
                said = f"a line of more than {LONGEST_LINE:,} bytes"
                given.append(Fault("malformed", said, "unknown", kept))
            elif line.strip():
                given.append(_read(line))
        if given:
            self._shim.accept(given)


def _read(line: bytes) -> Incoming | Fault:
    try:
        return read_line(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        kept = {"text": line[:LONGEST_KEPT].decode("utf-8", "backslashreplace")}
        return Fault("malformed", f"not UTF-8: {error.reason} at byte {error.start}", "unknown", kept)


def output_lines(descriptor: int) -> Callable[[Sequence[Said]], None]:
    """A listener that writes what is said as lines; raises BrokenPipeError where nobody reads them."""

    def write(said: Sequence[Said]) -> None:
        content = memoryview("".join(f"{one.text}\n" for one in said).encode())
        while content:
            content = content[os.write(descriptor, content) :]

    return write
