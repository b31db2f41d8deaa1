"""Fitted arrays: what ``fit`` learnt, from when on each set may be used, as ``.npz`` and JSON."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.instants import format_instant, parse_instant
from titleshot.datasets.contracts.record import SeriesKey, canonical_json, version_of
from titleshot.datasets.errors import MalformedInput, UnknownVersion
from titleshot.detectors.state import pack

VERSION = "1.0"


class Fitted:
    """Sets of arrays per detector, ordered by the moment from which they are valid.

    ``sets[i][place]`` are the arrays of the detector at ``place`` of the recipe.
    """

    def __init__(self, valid_from: list[int], sets: list[dict[int, dict[str, NDArray[Any]]]]) -> None:
        order = sorted(range(len(sets)), key=valid_from.__getitem__)
        self.valid_from = np.array([valid_from[i] for i in order], np.int64)
        self.sets = [sets[i] for i in order]

    def arrays(self, number: int, place: int) -> dict[str, NDArray[Any]]:
        """Arrays of one set for one detector; empty where it had nothing to learn."""
        return self.sets[number].get(place, {})

    @property
    def digest(self) -> str:
        """SHA-256 of every set: its moment and its arrays."""
        digest = hashlib.sha256()
        for moment, chosen in zip(self.valid_from.tolist(), self.sets, strict=True):
            flat = {
                f"{place}.{name}": array for place, arrays in chosen.items() for name, array in arrays.items()
            }
            digest.update(pack(flat, {"valid_from": moment}))
        return digest.hexdigest()

    def files(self, recipe_digest: str) -> dict[str, bytes]:
        """Relative name to content of what :meth:`read` reads; equal arrays give equal bytes."""
        files: dict[str, bytes] = {}
        listed = []
        for number, (moment, chosen) in enumerate(zip(self.valid_from.tolist(), self.sets, strict=True)):
            name = f"fitted/{number:04d}.npz"
            files[name] = _npz({f"{p}.{n}": a for p, arrays in chosen.items() for n, a in arrays.items()})
            listed.append({"valid_from": format_instant(moment), "file": name})
        about = {"version": VERSION, "recipe_digest": recipe_digest, "sets": listed}
        files["fitted.json"] = (json.dumps(about, indent=1, sort_keys=True) + "\n").encode()
        return files

    @classmethod
    def read(cls, folder: Path, recipe_digest: str) -> Fitted | None:
        """The fitted arrays of a folder; None where it has none.

        Raises:
            MalformedInput: a file is cut short, absent, or was fitted for another recipe.
            UnknownVersion: written by a newer major version.
        """
        about_path = folder / "fitted.json"
        if not about_path.is_file():
            return None
        try:
            about = json.loads(about_path.read_text(encoding="utf-8"))
            version = version_of(str(about["version"]))
            if version[0] != version_of(VERSION)[0]:
                raise UnknownVersion(
                    f"{about_path}: version {about['version']}; this code reads {VERSION[0]}.x"
                )
            if about["recipe_digest"] != recipe_digest:
                raise MalformedInput(f"{about_path}: fitted for another recipe; run fit again")
            moments, sets = [], []
            for entry in about["sets"]:
                path = (folder / entry["file"]).resolve()
                if not path.is_relative_to(folder.resolve()):
                    raise MalformedInput(f"{about_path}: {entry['file']!r} lies outside the folder")
                moments.append(parse_instant(entry["valid_from"]))
                sets.append(_read_npz(path))
        except (OSError, KeyError, TypeError, ValueError, zipfile.BadZipFile, EOFError) as error:
            raise MalformedInput(
                f"{about_path}: fitted arrays cannot be read: {error}; run fit again"
            ) from None
        return cls(moments, sets)


def _npz(arrays: dict[str, NDArray[Any]]) -> bytes:
    # numpy.savez stamps the time of day into the archive; equal arrays must give equal bytes.
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(arrays):
            member = io.BytesIO()
            np.lib.format.write_array(member, np.ascontiguousarray(arrays[name]), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), member.getvalue())
    return out.getvalue()


def _read_npz(path: Path) -> dict[int, dict[str, NDArray[Any]]]:
    arrays: dict[int, dict[str, NDArray[Any]]] = {}
    # From memory: where the file is cut short numpy leaves it open.
    with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as archive:
        for full in archive.files:
            place, _, name = full.partition(".")
            arrays.setdefault(int(place), {})[name] = archive[full]
    return arrays


def packed_keys(keys: Sequence[SeriesKey]) -> NDArray[np.uint8]:
    """Series as JSON text in bytes, to stand among fitted arrays.

    >>> rows_by_key({"keys": packed_keys([SeriesKey("shop", "cart", "latency")])})
    {SeriesKey(namespace='shop', service='cart', metric_name='latency', series_labels='{}'): 0}
    """
    return np.frombuffer(canonical_json([list(key) for key in keys]).encode(), np.uint8).copy()


def rows_by_key(arrays: Mapping[str, NDArray[Any]]) -> dict[SeriesKey, int]:
    """The row of each series that :func:`packed_keys` put among fitted arrays as ``keys``."""
    return {SeriesKey(*key): row for row, key in enumerate(json.loads(arrays["keys"].tobytes()))}
