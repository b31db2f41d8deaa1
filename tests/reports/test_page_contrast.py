"""Colours: text and marks can be told from their ground in light, in dark and on paper (WCAG 2.2 AA)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

STYLE = (Path(__file__).parents[2] / "reports" / "templates" / "style.css").read_text(encoding="utf-8")
TEXT = ("ink", "soft", "link", "good", "bad", "open")
MARKS = ("champion", "challenger", "hit", "repeat", "false", "missed", "aside", "span", "span-grave")
LIGHT, DARK, PAPER = (
    dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]+)", block))
    for block in re.findall(r":root \{(.*?)\}", STYLE, re.S)
)


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    channels = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK, PAPER], ids=["light", "dark", "print"])
def test_text_and_marks_stand_out_from_their_ground(theme: dict[str, str]) -> None:
    for ground in ("paper", "card", "wash"):
        for name in TEXT:
            assert contrast(theme[name], theme[ground]) >= 4.5, (name, ground)
    for ground in ("paper", "card", "night"):
        for name in MARKS:
            assert contrast(theme[name], theme[ground]) >= 3, (name, ground)


def test_all_three_themes_name_the_same_colours() -> None:
    assert set(LIGHT) == set(DARK) == set(PAPER)
