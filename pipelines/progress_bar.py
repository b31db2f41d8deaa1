"""Progress on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from titleshot.pipelines.outcome import Progress


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A Progress that draws one bar a task on standard error and leaves nothing behind when it ends."""
    # rich costs a tenth of a second: only where there is a terminal to draw on
    from rich.console import Console
    from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeRemainingColumn(),
    )
    tasks: dict[str, TaskID] = {}
    # A command that serves writes records to standard output itself: nothing may stand in between.
    bars = Bars(
        *columns, console=Console(stderr=True), transient=True, redirect_stdout=False, redirect_stderr=False
    )

    def show(what: str, done: int, total: int | None = None) -> None:
        if not tasks:
            bars.start()
        if what not in tasks:
            tasks[what] = bars.add_task(what, total=total)
        bars.update(tasks[what], completed=done, total=total)

    try:
        yield show
    finally:
        bars.stop()
