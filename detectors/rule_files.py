"""Rule files: business invariants in a YAML file of their own, which recipes name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from pydantic import Field

from titleshot.datasets.contracts.record import Record
from titleshot.datasets.yaml_file import YamlDocument, load_yaml
from titleshot.detectors.invariants import Invariant


class RuleFile(Record):
    """What stands in a rule file: a version and the rules, each with its owner and the day it expires."""

    invariants: Annotated[tuple[Invariant, ...], Field(min_length=1)]


def with_rules(recipe: YamlDocument, folder: Path) -> YamlDocument:
    """The recipe with the rules of the file it names in their place, so that its digest covers them.

    Args:
        folder: where the recipe stands; the file is looked for from there.

    Raises:
        MalformedInput: there is no such file, or it breaks its contract; names the file, line and field.
    """
    data = recipe.data
    if not isinstance(data, dict) or not isinstance(data.get("invariants"), str):
        return recipe
    rules = load_yaml(folder / data["invariants"], RuleFile).invariants
    inlined = [rule.model_dump(mode="json", exclude_none=True) for rule in rules]
    return replace(recipe, data={**data, "invariants": inlined})
