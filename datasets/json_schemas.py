"""JSON Schemas of every contract, written beside them: ``python -m titleshot.datasets.json_schemas``.

A schema holds for the versions up to ours; what a later minor version adds is for the reader to leave out.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
from pathlib import Path
from typing import Any

from titleshot.datasets import contracts
from titleshot.datasets.contracts.record import Record, version_of
from titleshot.datasets.dataset_card import DatasetCard

FOLDER = Path(__file__).with_name("contracts") / "schemas"


def contract_models() -> list[type[Record]]:
    """Every public record that crosses a boundary, by name."""
    names = [module.name for module in pkgutil.iter_modules(contracts.__path__)]
    modules = [importlib.import_module(f"{contracts.__name__}.{name}") for name in names]
    found = {
        member
        for module in modules
        for name, member in vars(module).items()
        if isinstance(member, type)
        and issubclass(member, Record)
        and member is not Record
        and member.__module__ == module.__name__
        and not name.startswith("_")
    }
    return sorted({*found, DatasetCard}, key=lambda model: model.__name__)


def json_schema(model: type[Record]) -> dict[str, Any]:
    """The schema of one record, draft 2020-12."""
    schema = model.model_json_schema()
    major, minor = version_of(model.VERSION)
    version = schema["properties"]["schema_version"]
    version["enum"] = [f"{major}.{number}" for number in range(minor + 1)]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:titleshot:{file_name(model).removesuffix('.json')}:{model.VERSION}",
        **schema,
    }


def file_name(model: type[Record]) -> str:
    """The schema's file below ``FOLDER``.

    >>> file_name(DatasetCard)
    'dataset_card.json'
    """
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", model.__name__).lower() + ".json"


def schema_files() -> dict[str, str]:
    """Text of every schema by file name."""
    return {
        file_name(model): json.dumps(json_schema(model), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        for model in contract_models()
    }


def write_schemas(folder: Path = FOLDER) -> None:
    """Write every schema, and remove those of records that are no more."""
    files = schema_files()
    folder.mkdir(parents=True, exist_ok=True)
    for stale in {path.name for path in folder.glob("*.json")} - set(files):
        (folder / stale).unlink()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_schemas()
