"""What a family's class says of itself, as the parts of a page: docstring, parameters, ranges, units."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel
from pydantic.fields import FieldInfo

_UNITS = (
    ("_s", "s"),
    ("_ratio", "ratio"),
    ("_per_week", "1/week"),
    ("_points", "samples"),
    ("_days", "days"),
)
_WORDS = {
    "window": "samples",
    "days": "days",
    "threshold": "spreads",
    "spread_floor": "unit of the metric",
    "span": "blocks",
}


Kind = Literal["text", "equation", "assumes", "deaf", "noise", "source"]
_BEGINS: tuple[tuple[str, Kind], ...] = (
    ("Assumes", "assumes"),
    ("Deaf to", "deaf"),
    ("On independent", "noise"),
    ("On healthy", "noise"),
    ("Source:", "source"),
)
_SHARED = {
    "threshold": "Spreads from the expectation at which an event is made.",
    "direction": "Which side is strange; the band stays as it is.",
    "spread_floor": "The spread is at least this.",
    "spread_floor_ratio": "The spread is at least this share of the absolute expectation.",
    "window": "Points before the value that the expectation rests on.",
    "min_points": "Points needed before anything is scored.",
    "deviation": "Whether the deviation divides by n or by n - 1.",
    "seed": "Of the random choices of the fit.",
    "utc_offset_s": "Shift of the clock that days and weeks are counted on.",
    "times_usual": "How often the usual length is allowed.",
    "missed_periods": "How many usual distances may pass in silence.",
}
"""Words for fields that several families share under one meaning; words in the class come first."""


class Told(NamedTuple):
    """A docstring as its first line and what follows, in order; Markdown, without its example."""

    title: str
    paragraphs: tuple[tuple[Kind, str], ...]

    def of(self, kind: Kind) -> list[str]:
        """The paragraphs of one kind."""
        return [words for what, words in self.paragraphs if what == kind]


class Parameter(NamedTuple):
    """One row of the table of parameters."""

    name: str
    unit: str
    default: str
    allowed: str
    says: str


def told(family: type) -> Told:
    """The parts of a class docstring.

    Equations are its indented paragraphs; the rest goes by its first words, and ``Deaf to`` begins a part
    wherever it stands.
    """
    title, *rest = (inspect.getdoc(family) or "").split("\n\n")
    found: list[tuple[Kind, str]] = []
    for paragraph in rest:
        if paragraph.lstrip().startswith(">>>"):
            continue
        if paragraph.startswith("    "):
            found.append(("equation", textwrap.dedent(paragraph).rstrip()))
            continue
        before, deaf, after = _markdown(paragraph).partition("Deaf to")
        found += [(_kind(words), words) for words in (before.strip(), deaf + after) if words]
    return Told(_markdown(title), tuple(found))


def _kind(words: str) -> Kind:
    return next((kind for begins, kind in _BEGINS if words.startswith(begins)), "text")


def parameters(model: type[BaseModel]) -> list[Parameter]:
    """Every field in order, with its unit, default, range and the words below it in the source."""
    says = _said_below(model)
    return [
        Parameter(
            name, _unit(name, field), _default(field), _allowed(field), says.get(name, _SHARED.get(name, ""))
        )
        for name, field in model.model_fields.items()
    ]


def _markdown(paragraph: str) -> str:
    return " ".join(paragraph.split()).replace("``", "`")


def _said_below(model: type[BaseModel]) -> dict[str, str]:
    """Strings that stand below a field in the classes it comes from; the nearest class decides."""
    said = {name: _SHARED.get(name, "") for name in model.model_fields}
    for owner in reversed(model.__mro__):
        if owner in (BaseModel, object) or not issubclass(owner, BaseModel):
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(owner))).body[0]
        lines = body.body if isinstance(body, ast.ClassDef) else []
        for line, after in pairwise(lines):
            if (
                isinstance(line, ast.AnnAssign)
                and isinstance(line.target, ast.Name)
                and isinstance(after, ast.Expr)
                and isinstance(after.value, ast.Constant)
            ):
                said[line.target.id] = _markdown(str(after.value.value))
    return said


def _unit(name: str, field: FieldInfo) -> str:
    if name in _WORDS:
        return _WORDS[name]
    for ending, unit in _UNITS:
        if name.endswith(ending):
            return unit
    return "count" if field.annotation is int else ""


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value: Any = field.get_default(call_default_factory=True, validated_data={})
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, dict):
        return "none" if not value else str(value)
    return f"{value:g}" if isinstance(value, float) else "none" if value in (None, "") else str(value)


def _allowed(field: FieldInfo) -> str:
    choices = re.findall(r"'([^']+)'", str(field.annotation)) if "Literal" in str(field.annotation) else []
    if choices:
        return ", ".join(choices)
    limits = []
    for rule in _rules(field):
        for attribute, sign in (("gt", ">"), ("ge", "≥"), ("lt", "<"), ("le", "≤")):
            if getattr(rule, attribute, None) is not None:
                limits.append(f"{sign} {getattr(rule, attribute):g}")
    return ", ".join(limits)


def _rules(field: FieldInfo) -> list[Any]:
    """Limits of a field, those of ``Annotated[...] | None`` too."""
    found = list(field.metadata)
    for inner in getattr(field.annotation, "__args__", ()):
        for info in getattr(inner, "__metadata__", ()):
            found += getattr(info, "metadata", [])
    return found
