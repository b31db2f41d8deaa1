"""``reports/SCORES.md``: every number with its question, formula, range, what misleads and source.

Run ``python -m titleshot.reports.score_book`` after changing a definition; a test compares.
"""

from __future__ import annotations

from pathlib import Path

from titleshot.reports.score_words import PARTS, Entry, anchor

BOOK = Path(__file__).with_name("SCORES.md")


def score_book() -> str:
    """The book as Markdown: a heading a number, each with the anchor a page has for it too."""
    lines = [
        "# Scores",
        "",
        "Written by `python -m titleshot.reports.score_book` from the definitions; every page of `report`",
        "holds the same words. Every value carries its n and an interval, or why there is none; undefined is",
        "null, never 0. A score without a better direction is context and never decides.",
        "",
        "Chapters: " + " · ".join(f"[{part.title}](#{_chapter(part.title)})" for part in PARTS),
    ]
    for part in PARTS:
        lines += ["", f'<a id="{_chapter(part.title)}"></a>', "", f"## {part.title}", "", part.about]
        for entry in part.entries:
            lines += ["", *_entry(entry)]
    return "\n".join(lines) + "\n"


def _chapter(title: str) -> str:
    return "chapter-" + "-".join("".join(c if c.isalnum() else " " for c in title.lower()).split())


def _entry(entry: Entry) -> list[str]:
    lines = [
        f'<a id="{entry.anchor}"></a>',
        "",
        f"### `{entry.name}`",
        "",
        f"**{entry.title}.** {entry.question}",
        "",
        *(f"- {what}: {words}" for what, words in entry.rows()),
    ]
    if entry.related:
        lines.append("- see also: " + ", ".join(f"[`{name}`](#{anchor(name)})" for name in entry.related))
    return lines


if __name__ == "__main__":
    BOOK.write_text(score_book(), encoding="utf-8")
