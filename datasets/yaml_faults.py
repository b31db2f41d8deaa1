"""What pydantic found wrong with a document, in words: the place, the rule, and the nearest right name."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel

from titleshot.datasets.contracts.record import FaultAt, in_words
from titleshot.datasets.nearest import nearest

Place = tuple[str | int, ...]
"""Where in a document: keys and list positions from the top."""

_MOST_SHOWN = 80


def worded(found: Sequence[Mapping[str, Any]], model: type[BaseModel]) -> Iterator[tuple[Place, str]]:
    """Place and words of each fault, those that only follow from others left out.

    Args:
        found: ``ValidationError.errors()``.
        model: what the document was to be.
    """
    places = [fault["loc"] for fault in found]
    for fault in found:
        if not _follows(fault["loc"], fault["type"], places):
            yield (*fault["loc"], *_within(fault)), _message(fault, model)


def _within(fault: Any) -> Place:
    """The field that a check of several fields names, from the record it checked down."""
    raised = fault.get("ctx", {}).get("error")
    return raised.place if isinstance(raised, FaultAt) else ()


def _follows(place: Place, kind: str, places: list[Place]) -> bool:
    """A list is called too short when its faulty entries were left out: they say what is wrong."""
    return kind == "too_short" and any(
        len(other) > len(place) and other[: len(place)] == place for other in places
    )


def _message(fault: Any, model: type[BaseModel]) -> str:
    place: Place = fault["loc"]
    if fault["type"] == "missing":
        return "is missing"
    if fault["type"] == "extra_forbidden":
        return f"unknown field{nearest(str(place[-1]), _fields_at(model, place[:-1]))}"
    message = in_words(str(fault["msg"]))
    given = fault.get("input")
    if isinstance(given, Hashable) and not isinstance(given, BaseModel) and f"{given!r}" not in message:
        shown = f"{given!r}"
        return f"{message}, got {shown if len(shown) <= _MOST_SHOWN else f'{shown[:_MOST_SHOWN]}…'}"
    return message


def _fields_at(model: type[BaseModel], place: Place) -> set[str]:
    """Names of the fields that any record allowed at that place has."""
    models = {model}
    for part in place:
        inner: set[type[BaseModel]] = set()
        for candidate in models:
            if part in candidate.model_fields:
                inner |= _models_in(candidate.model_fields[str(part)].annotation)
        models = inner or models
    return {field.alias or name for candidate in models for name, field in candidate.model_fields.items()}


def _models_in(annotation: Any) -> set[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}
    return set().union(*(_models_in(part) for part in get_args(annotation)))
