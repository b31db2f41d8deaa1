"""How the labels of a result become namespace, service, metric name and series labels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from titleshot.datasets.contracts.record import SeriesKey, canonical_json

NAME = "__name__"
"""The label that holds a metric's name; most functions of PromQL take it away. Never a series label."""
_PART = re.compile(r"\{\{|\}\}|\{([^{}]+)\}|([^{}]+)")


def template_labels(template: str) -> tuple[str, ...]:
    """The labels a template names.

    Raises:
        ValueError: a brace that opens or closes nothing, or nothing at all.

    >>> template_labels("{team}-{app}")
    ('team', 'app')
    """
    if not template:
        raise ValueError("a rule is a text like shop, {app} or {team}-{app}, got an empty one")
    at, names = 0, []
    while at < len(template):
        part = _PART.match(template, at)
        if part is None:
            raise ValueError(
                f"rule {template!r}: a brace without its other half; write {{label}}, or {{{{ for a brace"
            )
        if part[1] is not None:
            names.append(part[1])
        at = part.end()
    return tuple(names)


def filled(template: str, labels: Mapping[str, str]) -> str:
    """The template with its labels filled in; all of them must be there.

    >>> filled("{team}-{{x}}", {"team": "web"})
    'web-{x}'
    """

    def text(part: re.Match[str]) -> str:
        return labels[part[1]] if part[1] is not None else part[2] or part[0][0]

    return _PART.sub(text, template)


def _alternatives(given: Any) -> Any:
    rules = [given] if isinstance(given, str) else given
    if isinstance(rules, list | tuple):
        for rule in rules:
            if not isinstance(rule, str):
                raise ValueError(f"a rule is text, got {rule!r}; put it in quotes")  # noqa: TRY004
            template_labels(rule)
        return tuple(rules)
    return rules


Rule = Annotated[tuple[str, ...], BeforeValidator(_alternatives), Field(min_length=1)]
"""A template, or several: the first whose labels a result all has is taken."""


def first_filled(rule: Rule, labels: Mapping[str, str]) -> tuple[str, tuple[str, ...]] | None:
    """What the first alternative that can be filled gives, and the labels it used; None where none can."""
    for template in rule:
        names = template_labels(template)
        if all(labels.get(name) for name in names):
            return filled(template, labels), names
    return None


class LabelRules(BaseModel):
    """The rules of one query.

    Labels that a name was made of, and those dropped, are no series labels; ``__name__`` never is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    namespace: Rule = ("{namespace}", "{job}")
    service: Rule = ("{service}", "{app}", "{job}")
    metric_name: Rule = (f"{{{NAME}}}",)
    keep: tuple[str, ...] | None = None
    """Labels that become series labels; None: all the rest."""
    drop: tuple[str, ...] = ()


class Named(NamedTuple):
    """A series' key, and whether a slash in its namespace was replaced."""

    key: SeriesKey
    slash_replaced: bool


def named(rules: LabelRules, labels: Mapping[str, str]) -> Named | str:
    """The key that the rules give a result with these labels, or why they give none.

    A namespace has no slash (``namespace/service`` splits at the first one): each becomes ``_``.

    >>> named(LabelRules(), {"__name__": "up", "job": "kube/dns", "pod": "a"}).key.service_id
    'kube_dns/kube/dns'
    >>> named(LabelRules(), {"job": "web"})
    'no metric_name'
    """
    used = {NAME}
    parts = []
    for field in ("namespace", "service", "metric_name"):
        found = first_filled(getattr(rules, field), labels)
        if found is None:
            return f"no {field}"
        parts.append(found[0])
        used.update(found[1])
    rest = {
        name: text
        for name, text in labels.items()
        if name not in used
        and name not in rules.drop
        and (rules.keep is None or name in rules.keep)
        and text  # an empty label is an absent one
    }
    namespace, service, metric_name = parts
    key = SeriesKey(namespace.replace("/", "_"), service, metric_name, canonical_json(rest))
    return Named(key, "/" in namespace)
