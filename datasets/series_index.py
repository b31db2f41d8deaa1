"""Series met so far, and the codes given to them on the way."""

from __future__ import annotations

import json
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from titleshot.datasets.contracts.record import SeriesKey, broken, canonical_json
from titleshot.datasets.contracts.telemetry import Name, Namespace
from titleshot.datasets.errors import MalformedInput

_PARTS: TypeAdapter[tuple[str, str, str]] = TypeAdapter(tuple[Namespace, Name, Name])
_LABELS: TypeAdapter[dict[str, str]] = TypeAdapter(dict[str, str])


class SeriesIndex:
    """Gives codes in the order series are met, and their final codes at the end: ranks of sorted keys."""

    def __init__(self) -> None:
        self._codes: dict[SeriesKey, int] = {}

    def __len__(self) -> int:
        return len(self._codes)

    def codes(self, keys: Iterable[SeriesKey]) -> NDArray[np.int32]:
        """The code of each key, new ones after those there are.

        Raises:
            MalformedInput: a key that no sample could have; says which part and why.
        """
        given = []
        for key in keys:
            code = self._codes.get(key)
            if code is None:
                code = self._codes[_checked(key)] = len(self._codes)
            given.append(code)
        return np.array(given, np.int32)

    def ranked(self, used: NDArray[np.bool_]) -> tuple[list[SeriesKey], NDArray[np.int32]]:
        """The keys whose codes are ``used`` sorted, and for each code its rank among them (-1: not used)."""
        keys = sorted(key for key, code in self._codes.items() if used[code])
        ranks = np.full(len(self._codes), -1, np.int32)
        ranks[[self._codes[key] for key in keys]] = np.arange(len(keys), dtype=np.int32)
        return keys, ranks


def _checked(key: SeriesKey) -> SeriesKey:
    try:
        _PARTS.validate_python(key[:3], strict=True)
        labels = _LABELS.validate_json(key.series_labels)
    except ValidationError as error:
        raise broken(error, f"series {'/'.join(key[:3])}") from None
    if key.series_labels != canonical_json(labels):
        raise MalformedInput(
            f"series {'/'.join(key[:3])}: series_labels {json.dumps(key.series_labels)} are not canonical"
            f" JSON like {canonical_json(labels)}"
        )
    return key
