"""Where every page is made: templates with their filters, one style, one script, nothing from outside."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from titleshot.reports.rendering.glossary import meaning
from titleshot.reports.rendering.wording import counted, duration, moment, name, number, prose

_TEMPLATES = Path(__file__).parent.parent / "templates"


@cache
def stage() -> tuple[Environment, Markup, Markup, str]:
    """Templates, the page's own style and script, and the policy that admits them and nothing else."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        name=name, prose=prose, counted=counted, number=number, duration=duration, moment=moment
    )
    environment.filters["meaning"] = meaning
    style, script = (
        # Files of this package, never data.
        Markup((_TEMPLATES / file).read_text(encoding="utf-8"))  # noqa: S704
        for file in ("style.css", "sort.js")
    )
    csp = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    return environment, style, script, csp


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
