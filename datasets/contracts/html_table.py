"""How a record shows itself: one plain escaped table in a notebook, the same as text in a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape, unescape
from typing import Any


class ShowsItself:
    """A record that is a table where HTML is shown, and the same table in text where IPython has none."""

    def __init_subclass__(cls, **settings: Any) -> None:
        super().__init_subclass__(**settings)
        # IPython takes a class's own __repr__, which dataclasses make, before what it inherits.
        cls._repr_pretty_ = _pretty  # type: ignore[attr-defined]

    def _repr_html_(self) -> str:
        raise NotImplementedError


def _pretty(record: ShowsItself, printer: Any, cycle: bool) -> None:
    printer.text("…" if cycle else text_table(record._repr_html_()))


def html_table(caption: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; None is shown as a dash, numbers short.

    >>> html_table("a<b", ["x"], [[1.25]])
    '<table><caption>a&lt;b</caption><tr><th>x</th></tr><tr><td>1.25</td></tr></table>'
    """
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "".join(f"<tr>{''.join(f'<td>{_shown(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><caption>{escape(caption)}</caption><tr>{head}</tr>{body}</table>"


def text_table(html: str) -> str:
    """Tables that :func:`html_table` made, as text.

    >>> print(text_table(html_table("a<b", ["x", "of"], [[1.25, None]])))
    a<b
    x     of
    1.25  –
    """
    lines = []
    for table in re.findall(r"<table>(.*?)</table>", html, re.DOTALL):
        rows = [
            re.findall(r"<t[hd]>(.*?)</t[hd]>", row, re.DOTALL)
            for row in re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)
        ]
        plain = [[unescape(cell) for cell in row] for row in rows]
        widths = [max(map(len, column)) for column in zip(*plain, strict=True)]
        lines += [unescape(caption) for caption in re.findall(r"<caption>(.*?)</caption>", table, re.DOTALL)]
        lines += [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in plain
        ]
    return "\n".join(lines)


def _shown(cell: object) -> str:
    if cell is None:
        return "–"
    if isinstance(cell, float):
        return short_number(cell)
    return escape(str(cell))


def short_number(value: float) -> str:
    """Three decimals below a hundred, none above.

    >>> short_number(0.86341), short_number(1234.5), short_number(-2.0)
    ('0.863', '1234', '-2')
    """
    if abs(value) >= 100:
        return f"{value:.0f}"
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def short_interval(low: float | None, high: float | None) -> str:
    """[low, high], open where a limit is missing.

    >>> short_interval(0.1, None), short_interval(None, None)
    ('[0.1, …]', '–')
    """
    if low is None and high is None:
        return "–"
    limits = ("…" if limit is None else short_number(limit) for limit in (low, high))
    return f"[{', '.join(limits)}]"
