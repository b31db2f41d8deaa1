"""How a record shows itself in a notebook: one plain escaped table, no style, no script."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


def html_table(caption: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; None is shown as a dash, numbers short.

    >>> html_table("a<b", ["x"], [[1.25]])
    '<table><caption>a&lt;b</caption><tr><th>x</th></tr><tr><td>1.25</td></tr></table>'
    """
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "".join(f"<tr>{''.join(f'<td>{_shown(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><caption>{escape(caption)}</caption><tr>{head}</tr>{body}</table>"


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
