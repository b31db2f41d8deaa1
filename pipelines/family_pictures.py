"""Small drawings of what a family finds and misses: two panels, one file, the same bytes each time."""

from __future__ import annotations

from html import escape

import numpy as np

from titleshot.pipelines.family_signals import Floats, Scene, Scenes

_WIDTH, _PANEL, _LEFT, _RIGHT = 720, 190, 46, 12
_TOP, _SIGNAL, _STRIP = 26, 96, 34
_INK, _GREY, _HIT, _FAULT = "#1f2933", "#7b8794", "#c2255c", "#ffe8a3"
_HIGHEST = 3.0
"""Strangeness is drawn up to here."""


def picture(family: str, scenes: Scenes) -> str:
    """The SVG: above what it finds, below what it does not."""
    panels = [("found", scenes.found), ("not found", scenes.missed)]
    drawn = [(words, scene) for words, scene in panels if scene is not None]
    height = _PANEL * len(drawn) + 4
    title = "; ".join(f"{words}: {scene.what}" for words, scene in drawn)
    lines = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}"'
            f' height="{height}" role="img" font-family="system-ui, sans-serif" font-size="12">'
        ),
        f"<title>{escape(family)}: {escape(title)}</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    for place, (words, scene) in enumerate(drawn):
        lines += [f'<g transform="translate(0 {place * _PANEL})">', *_panel(words, scene), "</g>"]
    return "\n".join([*lines, "</svg>"]) + "\n"


def _panel(words: str, scene: Scene) -> list[str]:
    high_x = max(float(scene.x.max()), scene.span[1]) + 1
    low, high = float(scene.values.min()), float(scene.values.max())
    room = 0.08 * (high - low) or 1.0

    def across(x: float) -> str:
        return _number(_LEFT + (_WIDTH - _LEFT - _RIGHT) * x / high_x)

    def up(value: float) -> str:
        return _number(_TOP + _SIGNAL * (1 - (value - low + room) / (high - low + 2 * room)))

    base = _TOP + _SIGNAL + 8 + _STRIP

    def over(u: float) -> str:
        return _number(base - _STRIP * min(u, _HIGHEST) / _HIGHEST)

    start, stop = scene.span
    said = [(x, u) for x, u in zip(scene.spoke_x.tolist(), scene.strangeness.tolist(), strict=True) if u == u]
    loud = [(x, u) for x, u in said if u >= 1]
    width = float(across(stop)) - float(across(start))
    return [
        f'<text x="{_LEFT}" y="16" fill="{_INK}" font-weight="600">{words}: {escape(scene.what)}</text>',
        (
            f'<rect x="{across(start)}" y="{_TOP}" width="{_number(width)}" height="{base - _TOP}"'
            f' fill="{_FAULT}"/>'
        ),
        *(
            f'<polyline fill="none" stroke="{_INK}" points="{run}"/>'
            for run in _runs(scene.x, [f"{across(x)},{up(v)}" for x, v in _pairs(scene.x, scene.values)])
        ),
        *(
            f'<circle cx="{across(x)}" cy="{up(float(np.interp(x, scene.x, scene.values)))}" r="3"'
            f' fill="{_HIT}"/>'
            for x, _ in loud
        ),
        f'<text x="4" y="{up(high)}" fill="{_GREY}">{high:.2g}</text>',
        f'<text x="4" y="{up(low)}" fill="{_GREY}">{low:.2g}</text>',
        *(
            f'<path stroke="{colour}" stroke-width="2" d="{bars}"/>'
            for colour, bars in (
                (_GREY, "".join(f"M{across(x)} {base}V{over(u)}" for x, u in said if 0.02 < u < 1)),
                (_HIT, "".join(f"M{across(x)} {base}V{over(u)}" for x, u in loud)),
            )
            if bars
        ),
        (
            f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{over(1)}" y2="{over(1)}" stroke="{_HIT}"'
            ' stroke-dasharray="4 3"/>'
        ),
        f'<text x="4" y="{over(0.8)}" fill="{_GREY}">u = 1</text>',
        (
            f'<text x="{_WIDTH - _RIGHT}" y="{base + 16}" text-anchor="end" fill="{_GREY}">'
            f"{escape(scene.unit)}; shaded: the fault; {_counted(scene, loud)}</text>"
        ),
    ]


def _counted(scene: Scene, loud: list[tuple[float, float]]) -> str:
    start, stop = scene.span
    inside = sum(start <= x <= stop for x, _ in loud)
    return f"u ≥ 1: {inside} within, {len(loud) - inside} around"


def _pairs(x: Floats, values: Floats) -> list[tuple[float, float]]:
    return list(zip(x.tolist(), values.tolist(), strict=True))


def _runs(x: Floats, points: list[str]) -> list[str]:
    """Points as lines, broken where samples are missing."""
    cuts = (np.flatnonzero(np.diff(x) > 1.5) + 1).tolist()
    return [" ".join(points[a:b]) for a, b in zip([0, *cuts], [*cuts, len(points)], strict=True)]


def _number(value: float) -> str:
    """Tenths of a pixel: coarser than the last bits in which machines differ."""
    return f"{value:.1f}".removesuffix(".0")
