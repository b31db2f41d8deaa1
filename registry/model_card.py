"""The model card: for people, what a registered contender is for, made of, deaf to and owned by."""

from __future__ import annotations

import inspect

from titleshot.datasets.contracts.decision import Decision
from titleshot.datasets.contracts.record import canonical_json
from titleshot.detectors.contender import Contender
from titleshot.detectors.label_report import in_words, label_reports
from titleshot.detectors.row_families import row_detector_of


def model_card(contender: Contender, decision: Decision) -> str:
    """Markdown; equal contenders under equal decisions give equal text."""
    recipe = contender.recipe
    memory = contender.memory_s
    over_rows = [row_detector_of(selector.detector) for selector in recipe.rows]
    parts: list[object] = [*recipe.make_detectors(), *over_rows, recipe.make_correlator()]
    deaf = list(dict.fromkeys(line for part in parts if (line := _deaf_to(part))))
    watched = [
        f"- `{canonical_json(selector.match.model_dump())}` → "
        + (f"`{canonical_json(selector.detector)}`" if selector.detector else "not watched")
        for selector in recipe.detectors
    ]
    watched += [
        f"- feature rows of services `{canonical_json(selector.match.model_dump())}` →"
        f" `{canonical_json(selector.detector)}`"
        for selector in recipe.rows
    ]
    learnt = [line for report in label_reports(contender).values() for line in in_words(report)]
    lines = [
        f"# {decision.name}: {recipe.name}",
        "",
        recipe.description or "No description given in the recipe.",
        "",
        "## Intended use",
        "",
        decision.decision,
        "",
        f"- Services: {', '.join(decision.services)}",
        f"- A page helps within {decision.detect_within_s:g} s; success is `{decision.success_score}`.",
        f"- What people do with a page: {decision.human_workflow}",
        f"- Owners: {', '.join(f'{part} {who}' for part, who in decision.owners.model_dump().items())}",
        "- Advisory only: it pages people, it remediates nothing.",
        "",
        "## What it watches",
        "",
        *watched,
        "",
        "## What it is deaf to",
        "",
        *(f"- {line}" for line in deaf),
        "- Series that no selector matches.",
        "",
        "## Data and limits",
        "",
        f"- Waits {recipe.lateness_s:g} s for late records; what comes later is a dead letter.",
        "- Remembers without limit." if memory is None else f"- Remembers {memory:g} s of records.",
        f"- Fitted sets of arrays: {len(contender.fitted.valid_from) if contender.fitted else 0}.",
        *(f"- {line.strip()[:1].upper()}{line.strip()[1:]}." for line in learnt),
        "- What it was judged on stands in the evidence its registry version points to.",
        "",
    ]
    return "\n".join(lines)


def _deaf_to(part: object) -> str | None:
    # Every part's class docstring has a paragraph that says what it is deaf to.
    for paragraph in (inspect.getdoc(type(part)) or "").split("\n\n"):
        if paragraph.startswith("Deaf to"):
            return f"{type(part).__name__}: {' '.join(paragraph.split())}"
    return None
