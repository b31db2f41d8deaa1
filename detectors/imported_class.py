"""A class of the user's own, by ``module:Class`` or ``path/to/file.py:Class``."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import sys
from pathlib import Path

from titleshot.datasets.errors import TitleshotError, UsageError


def imported_class(target: str) -> type:
    """The class a target names; importing it runs the user's own code.

    Raises:
        UsageError: nothing there, it cannot be imported, or it is no class.
    """
    name, _, attribute = target.rpartition(":")
    try:
        if name.endswith(".py"):
            module_name = f"titleshot_imported_{hashlib.sha256(name.encode()).hexdigest()[:8]}"
            spec = importlib.util.spec_from_file_location(module_name, name)
            if spec is None or spec.loader is None:
                raise UsageError(f"{name} cannot be imported; name a Python file or module")
            module = importlib.util.module_from_spec(spec)
            sys.modules[module_name] = module
            spec.loader.exec_module(module)
        else:
            module = importlib.import_module(name)
        found = getattr(module, attribute)
    except TitleshotError:
        raise
    except Exception as error:  # noqa: BLE001  code of the user's own may raise anything
        raise UsageError(f"{target} cannot be imported: {type(error).__name__}: {error}") from None
    if not isinstance(found, type):
        raise UsageError(f"{target} is {type(found).__name__}; name a class")
    return found


def source_digest(found: type) -> str:
    """First 12 hex digits of the SHA-256 of the file a class is written in; empty where there is none."""
    try:
        source = inspect.getsourcefile(found)
    except TypeError:
        return ""
    return hashlib.sha256(Path(source).read_bytes()).hexdigest()[:12] if source else ""
