"""State as data: arrays and JSON in one run of bytes, and back. Never pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.record import canonical_json
from titleshot.datasets.errors import MalformedInput

_MAGIC = b"titleshot-state-1\n"


def pack(arrays: dict[str, NDArray[Any]], about: dict[str, Any]) -> bytes:
    """Arrays of any numeric or structured dtype and a JSON document as bytes; equal state, equal bytes."""
    parts = []
    listed = []
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        if array.dtype.hasobject:
            raise ValueError(f"state {name!r} holds Python objects; keep arrays of numbers")
        listed.append([name, np.lib.format.dtype_to_descr(array.dtype), list(array.shape)])
        parts.append(array.tobytes())
    header = canonical_json({"arrays": listed, "about": about}).encode()
    return b"".join([_MAGIC, len(header).to_bytes(8, "big"), header, *parts])


def unpack(state: bytes) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """What :func:`pack` packed.

    Raises:
        MalformedInput: the bytes are no state, or cut short.
    """
    start = len(_MAGIC) + 8
    if not state.startswith(_MAGIC) or len(state) < start:
        raise MalformedInput("these bytes are no titleshot state; take a new snapshot")
    end = start + int.from_bytes(state[len(_MAGIC) : start], "big")
    try:
        header = json.loads(state[start:end])
        arrays: dict[str, NDArray[Any]] = {}
        for name, form, shape in header["arrays"]:
            dtype = np.dtype([tuple(field) for field in form] if isinstance(form, list) else form)
            if dtype.hasobject:
                raise ValueError("state holds Python objects")
            size = dtype.itemsize * int(np.prod(shape, dtype=np.int64))
            if end + size > len(state):
                raise ValueError("state is cut short")
            arrays[name] = np.frombuffer(state[end : end + size], dtype).reshape(shape).copy()
            end += size
        return arrays, header["about"]
    except (ValueError, KeyError, TypeError) as error:
        raise MalformedInput(f"snapshot cannot be read: {error}; take a new one") from None


def under(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The arrays whose names start with a prefix, without it.

    >>> sorted(under("a.", {"a.x": np.zeros(1), "b.x": np.zeros(1)}))
    ['x']
    """
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
