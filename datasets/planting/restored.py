"""The way back: the dataset as it was before anything was planted, proven by its digest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.planted import PlantedFault
from titleshot.datasets.contracts.record import broken
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.dataset_card import CARD
from titleshot.datasets.errors import IntegrityError
from titleshot.datasets.planting.planted_copy import (
    NAMES,
    columns_of,
    copy_tables,
    write_card,
    write_pieces,
)
from titleshot.datasets.planting.traces import marker_of, unplanted
from titleshot.datasets.sample_files import NO_INSTANT, sample_groups
from titleshot.datasets.tables import PLANTED, REPLACED, read_rows
from titleshot.datasets.whole_output import whole_folder

Columns = dict[str, NDArray[Any]]
Told = Callable[[int], None]


def planted_faults(dataset: Dataset) -> list[PlantedFault]:
    """What was planted, by (start, id, series).

    Raises:
        UsageError: nothing was; names the command that does.
        MalformedInput: a row breaks its contract.
    """
    rows = read_rows(dataset.path, PLANTED)
    if not rows:
        raise unplanted(dataset)
    try:
        faults = [PlantedFault.model_validate(row) for row in rows]
    except ValidationError as error:
        raise broken(error, str(dataset.path / PLANTED.path)) from None
    return sorted(faults, key=lambda fault: (fault.start, fault.planted_id, fault.series))


def write_restored(planted: Dataset, out: Path, *, told: Told) -> Dataset:
    """Write the dataset as it was before anything was planted, all or nothing; labels are left out.

    Raises:
        UsageError: the dataset holds no planted faults.
        IntegrityError: taking the faults out does not give the dataset it was made from.
    """
    card, marker = planted.card, marker_of(planted)
    with whole_folder(out, mark=CARD, what="a dataset") as beside:
        copy_tables(planted, beside)
        write_pieces(beside, _restored_pieces(planted, told), len(planted.series()))
        (beside / "labels").mkdir()
        written = write_card(beside, card.model_copy(update={"name": marker.from_name, "planted": None}))
        if written.digest != marker.from_digest:
            raise IntegrityError(
                f"{planted.path}: without its planted faults it is {written.digest[:12]}, not"
                f" {marker.from_name} ({marker.from_digest[:12]}) it was made from; plant again"
            )
    return Dataset.open(out)


def _restored_pieces(planted: Dataset, told: Told) -> Iterator[Columns]:
    replaced = _read_replaced(planted)
    delay, done = round(planted.card.ingest_delay_s * SECOND), 0
    changed = {name: column[~replaced["removed"]] for name, column in replaced.items()}
    removed = {name: column[replaced["removed"]] for name, column in replaced.items() if name != "removed"}
    by_source = np.argsort(changed["source_row"])
    sources, originals = changed["source_row"][by_source], changed["value"][by_source]
    arrivals = _arrivals(removed, delay)
    groups = sample_groups(planted.path)
    for number, group in enumerate(groups, 1):
        columns = columns_of(group)
        at = np.minimum(np.searchsorted(sources, columns["source_row"]), max(len(sources) - 1, 0))
        if len(sources):
            mine = sources[at] == columns["source_row"]
            columns["value"] = np.where(mine, originals[at], columns["value"])
        back = np.ones(len(arrivals), np.bool_)
        if number < len(groups):
            # Row groups follow each other by (arrival, source_row), so what is put back must too.
            there = _arrivals(columns, delay)
            latest = there.max()
            source = columns["source_row"][there == latest].max()
            back = (arrivals < latest) | ((arrivals == latest) & (removed["source_row"] < source))
        if back.any():
            columns = _joined(columns, {name: column[back] for name, column in removed.items()})
            removed = {name: column[~back] for name, column in removed.items()}
            arrivals = arrivals[~back]
        done += group.rows
        told(done)
        yield columns


def _joined(columns: Columns, back: Columns) -> Columns:
    columns.setdefault("ingested_at", np.full(len(columns["series"]), NO_INSTANT))
    return {name: np.concatenate([columns[name], back[name]]) for name in NAMES}


def _arrivals(columns: Columns, delay: int) -> NDArray[np.int64]:
    late = columns["timestamp"] + delay
    ingested = columns.get("ingested_at")
    return late if ingested is None else np.where(ingested == NO_INSTANT, late, ingested)


def _read_replaced(planted: Dataset) -> Columns:
    rows = read_rows(planted.path, REPLACED)
    columns: Columns = {}
    for column in REPLACED.columns:
        cells = [row[column.name] for row in rows]
        if column.kind == "instant":
            columns[column.name] = np.array([NO_INSTANT if c is None else c for c in cells], np.int64)
        else:
            kind = {"int32": np.int32, "int64": np.int64, "float64": np.float64, "bool": np.bool_}[
                column.kind
            ]
            columns[column.name] = np.array(cells, kind)
    return columns
