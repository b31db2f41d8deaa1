"""A machine of SMD or ASD: which files it is in, and what they hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.importers.smd.smd_arrays import BadArray, npz_arrays, text_array
from titleshot.datasets.importers.source_files import files_below

VALUES, LABELS = ("train", "test"), "test_label"
_PACKED = "npz"


@dataclass(frozen=True)
class Machine:
    """Arrays of one machine."""

    name: str
    train: NDArray[np.float64]
    """float64[rows, metrics]; no rows where it is absent, NaN in a row that could not be read."""
    test: NDArray[np.float64]
    """float64[rows, metrics], as ``train``."""
    labels: NDArray[np.float64] | None
    """float64[any rows], one label a row of test; None where they are absent."""
    unread: Mapping[str, NDArray[np.bool_]]
    """By part of ``VALUES`` that is text, rows that could not be read."""

    @property
    def metrics(self) -> int:
        """How many metrics a row has."""
        return int(self.test.shape[1])


def machine_files(place: Path, into: DatasetWriter) -> dict[str, dict[str, Path]]:
    """Files by machine and part (``npz``, or a folder's name); a machine's second set of them is set aside.

    Args:
        place: one ``.npz``, or a folder with files anywhere below it.
    """
    machines: dict[str, dict[str, Path]] = {}
    found = [(_PACKED, path) for path in ([place] if place.is_file() else files_below(place, "**/*.npz"))]
    if place.is_dir():
        for part in (*VALUES, LABELS):
            pattern = "*.txt" if place.resolve().name == part else f"**/{part}/*.txt"
            found += [(part, path) for path in files_below(place, pattern)]
    for part, path in found:
        parts = machines.setdefault(path.stem, {})
        if part in parts or _PACKED in parts:
            detail = f"machine {path.stem} is read from another file already"
            into.quarantine("samples", "machine twice", detail, f"{part}/{path.name}", 1, "")
        else:
            parts[part] = path
    return dict(sorted(machines.items()))


def load_machine(name: str, files: Mapping[str, Path], into: DatasetWriter) -> Machine | None:
    """Read a machine; None where it is set aside.

    Raises:
        MalformedInput: a file unpacks to more than anybody would have packed, or cannot be read.
    """
    try:
        arrays, unread = _arrays(files, into)
        values = {part: arrays[part] for part in VALUES if part in arrays}
        _check(values, arrays.get(LABELS))
    except BadArray as error:
        into.quarantine("samples", "no machine", str(error), next(iter(files.values())).name, 1, "")
        return None
    none = np.zeros((0, next(iter(values.values())).shape[1]))
    labels = arrays.get(LABELS)
    return Machine(
        name,
        values.get("train", none),
        values.get("test", none),
        None if labels is None else labels.ravel(),
        unread,
    )


def _check(values: Mapping[str, NDArray[np.float64]], labels: NDArray[np.float64] | None) -> None:
    shapes = ", ".join(f"{part} {array.shape}" for part, array in values.items()) or "none of them"
    if not values or any(array.ndim != 2 or not array.shape[1] for array in values.values()):
        raise BadArray(f"train or test must be there, rows of metrics; there is {shapes}")
    if len({array.shape[1] for array in values.values()}) > 1:
        raise BadArray(f"train and test must have the same metrics; there is {shapes}")
    if labels is not None and labels.size != max(labels.shape, default=0):
        raise BadArray(f"test_label must be one label a row, got {labels.shape}")


def _arrays(
    files: Mapping[str, Path], into: DatasetWriter
) -> tuple[dict[str, NDArray[np.float64]], dict[str, NDArray[np.bool_]]]:
    if _PACKED in files:
        return npz_arrays(files[_PACKED], (*VALUES, LABELS)), {}
    arrays, unread = {}, {}
    for part, path in files.items():
        arrays[part], faulty = text_array(path, 1 if part == LABELS else None)
        if part == LABELS:
            continue  # a label that is none is set aside where labels are read
        if not arrays[part].size:
            into.quarantine("samples", "no row", "no line is numbers", f"{part}/{path.name}", 1, "")
            del arrays[part]
            continue
        unread[part] = faulty
        detail = "a line is numbers with commas between, as many as the first line; its time stays empty"
        for row in np.flatnonzero(unread[part]):
            into.quarantine("samples", "no row", detail, f"{part}/{path.name}", int(row) + 1, "")
    return arrays, unread
