"""The copy with the faults in it.

Row groups are read, changed and written one at a time, so memory is that of a row group. A sample that no
fault touches keeps every bit, its ``ingested_at``, its place in the order of arrival and its ``source_row``.
Samples that are changed or taken away are kept as they were in the table ``replaced``: ``restored.py`` puts
them back.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from titleshot.datasets.contracts.instants import format_instant
from titleshot.datasets.contracts.labels import IncidentLabel
from titleshot.datasets.contracts.planted import LABEL_KIND, PlantedMarker
from titleshot.datasets.dataset import IMPORT_REPORT, Dataset, file_entries
from titleshot.datasets.dataset_card import CARD, DatasetCard
from titleshot.datasets.digest import dataset_digest, rows_entry, table_entries
from titleshot.datasets.errors import UsageError
from titleshot.datasets.label_layer import LabelLayer
from titleshot.datasets.planting.effect import Push
from titleshot.datasets.planting.plan import Plan
from titleshot.datasets.planting.summary import report_of
from titleshot.datasets.planting.survey import BySeries
from titleshot.datasets.planting.wishes import Wishes
from titleshot.datasets.sample_files import NO_INSTANT, SampleGroup, sample_groups
from titleshot.datasets.sample_parquet import write_samples
from titleshot.datasets.tables import PLANTED, REPLACED, SERIES, write_rows
from titleshot.datasets.whole_output import whole_folder

Columns = dict[str, NDArray[Any]]
Told = Callable[[int], None]
NAMES = ("series", "timestamp", "value", "ingested_at", "source_row")


def write_planted(
    dataset: Dataset, plan: Plan, wishes: Wishes, out: Path, *, name: str, replace: bool, told: Told
) -> Dataset:
    """Write a copy of a dataset with the plan's faults in it, all or nothing.

    The copy keeps labels, feedback, reference data and evaluation settings. Each planted fault is labelled
    besides, with a kind that begins with ``planted:``, known from its end on.

    Raises:
        UsageError: something is at ``out``, and it is no dataset or ``replace`` is not set.
    """
    _refuse(out, dataset, replace)
    with whole_folder(out, mark=CARD, what="a dataset") as beside:
        copy_tables(dataset, beside)
        kept: list[Columns] = []
        write_pieces(beside, _planted_pieces(dataset, plan.pushes, kept, told), len(dataset.series()))
        rows = [fault.model_dump(exclude={"schema_version"}) for fault in plan.faults]
        write_rows(beside, PLANTED, rows)
        _write_replaced(beside, kept)
        labels = dataset.path / "labels"
        (beside / "labels").mkdir()
        for file in sorted(labels.glob("*.jsonl")):
            shutil.copyfile(file, beside / "labels" / file.name)
        LabelLayer(beside / "labels").append(incidents=list(_labels(plan)))
        report = {**dataset.import_report(), "planted": report_of(plan)}
        text = json.dumps(report, indent=1, sort_keys=True) + "\n"
        (beside / IMPORT_REPORT).write_text(text, encoding="utf-8")
        old = dataset.card
        marker = PlantedMarker(
            from_name=old.name,
            from_digest=old.digest,
            seed=wishes.seed,
            plan_digest=rows_entry(PLANTED, rows).digest,
            margin_s=wishes.margin_s,
            spacing_s=wishes.spacing_s,
        )
        notes = (
            f"{plan.count} faults planted into a copy of {old.name}: synthetic, never evidence. {old.notes}"
        )
        source = f"titleshot plant of {old.name} ({old.digest[:12]}) with seed {wishes.seed}"
        write_card(
            beside,
            old.model_copy(
                update={
                    "name": name,
                    "source": source,
                    "synthetic": True,
                    "planted": marker,
                    "notes": notes.strip(),
                }
            ),
        )
    return Dataset.open(out)


def _refuse(out: Path, dataset: Dataset, replace: bool) -> None:
    if out.resolve() == dataset.path.resolve():
        raise UsageError(f"{out} is the dataset itself; faults go into a copy: name another folder")
    if (out / CARD).is_file() and not replace:
        raise UsageError(f"{out} holds a dataset; choose another folder, or --replace it, labels included")


def copy_tables(dataset: Dataset, beside: Path) -> None:
    """Every frozen table but samples and what was planted, byte for byte."""
    left_out = {Path(PLANTED.path).name, Path(REPLACED.path).name}
    for path in sorted((*dataset.path.glob("telemetry/*"), *dataset.path.glob("reference/*"))):
        if path.name.startswith("samples-") or path.name in left_out or not path.is_file():
            continue
        target = beside / path.relative_to(dataset.path)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    if not (beside / SERIES.path).is_file():
        raise UsageError(f"{dataset.path}: no {SERIES.path}; import the dataset again")


def write_pieces(beside: Path, pieces: Iterator[Columns], series: int) -> None:
    """Write samples by arrival as a dataset's sample files."""
    for _ in write_samples(beside, pieces, np.arange(series, dtype=np.int32)):
        pass


def columns_of(group: SampleGroup) -> Columns:
    """Every column of a row group; ``ingested_at`` only where a row has it."""
    return group.read(NAMES if group.ingested else tuple(n for n in NAMES if n != "ingested_at"))


def _planted_pieces(
    dataset: Dataset, pushes: Sequence[Push], kept: list[Columns], told: Told
) -> Iterator[Columns]:
    """Row groups with the faults in them; the samples as they were go to ``kept``."""
    series, done = len(dataset.series()), 0
    for group in sample_groups(dataset.path):
        columns = columns_of(group)
        gone = np.zeros(group.rows, np.bool_)
        values, times = columns["value"].copy(), columns["timestamp"]
        rows = BySeries(columns["series"], times, series)
        for push in pushes:
            if push.start > group.last or push.end <= group.first:
                continue
            mine = rows.rows(push.series, push.start, push.end)
            if push.removes:
                gone[mine] = True
            else:
                values[mine] = push.on(times[mine], columns["value"][mine])[0]
        # Bits, not numbers: NaN is no NaN's equal, and -0 is not 0.
        touched = gone | (values.view(np.int64) != columns["value"].view(np.int64))
        if touched.any():
            kept.append(
                {**{name: column[touched] for name, column in columns.items()}, "removed": gone[touched]}
            )
        columns["value"] = values
        done += group.rows
        told(done)
        if not gone.all():
            yield {name: column[~gone] for name, column in columns.items()}


def _write_replaced(beside: Path, kept: list[Columns]) -> None:
    schema, arrays = REPLACED.schema, []
    for field in schema:
        parts = [columns.get(field.name) for columns in kept]
        whole = np.concatenate(
            [
                np.full(len(c["series"]), NO_INSTANT) if part is None else part
                for part, c in zip(parts, kept, strict=True)
            ]
        )
        if pa.types.is_timestamp(field.type):
            arrays.append(pa.array(whole, mask=whole == NO_INSTANT).cast(field.type))
        else:
            arrays.append(pa.array(whole, field.type))
    pq.write_table(pa.table(arrays, schema=schema), beside / REPLACED.path, compression="zstd")


def _labels(plan: Plan) -> Iterator[IncidentLabel]:
    for fault in {fault.planted_id: fault for fault in plan.faults}.values():
        unit = f"{fault.unit}{'' if fault.size == 1 else 's'}"
        where = "every chosen metric" if fault.scope == "service" else fault.metric_name
        yield IncidentLabel(
            incident_id=fault.planted_id,
            start=fault.start,
            end=fault.end,
            root_service=fault.service,
            affected_services=(fault.service,),
            severity="medium",
            kind=f"{LABEL_KIND}{fault.kind}",
            source="injected",
            known_at=fault.end,
            notes=f"planted, not real: {fault.size:g} {unit} on {where} at {format_instant(fault.start)}",
        )


def write_card(beside: Path, card: DatasetCard) -> DatasetCard:
    """The card with everything that follows from the tables measured anew."""
    tables, groups = table_entries(beside), sample_groups(beside)
    card = card.model_copy(
        update={
            "tables": tables,
            "files": file_entries(beside),
            "rows": tables["samples"].rows,
            "span_from": min(group.first for group in groups),
            "span_to": max(group.last for group in groups) + 1,
            "digest": dataset_digest(card.ingest_delay_s, tables),
        }
    )
    (beside / CARD).write_text(card.to_yaml(), encoding="utf-8")
    return card
