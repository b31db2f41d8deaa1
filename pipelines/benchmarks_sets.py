"""The public sets of ``benchmarks``: where each lies, what of it is taken, and how it becomes a dataset."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import MalformedInput, UsageError
from titleshot.datasets.importers.nab import WINDOWS
from titleshot.datasets.importers.source_files import files_below
from titleshot.datasets.nearest import nearest
from titleshot.pipelines.import_ import import_dataset
from titleshot.pipelines.outcome import Progress
from titleshot.pipelines.validate import validate

GAP_ROWS = 2


@dataclass(frozen=True)
class PublicSet:
    """A labelled set in a folder of its own below the data folder."""

    folder: str
    title: str
    taken: str
    """What of it is measured, and with which settings."""
    make: Callable[[Path, Path, Progress], Dataset]
    """``make(source, scratch, progress)``: a dataset below ``scratch`` that passed validation."""


def _nab(source: Path, scratch: Path, progress: Progress) -> Dataset:
    return _validated(import_dataset(format="nab", source=source, dataset=scratch / "nab", progress=progress))


def _ms_cloud(source: Path, scratch: Path, progress: Progress) -> Dataset:
    place = scratch / "ms-cloud"
    return _validated(
        import_dataset(format="ms-cloud", source=source, dataset=place, gap_rows=GAP_ROWS, progress=progress)
    )


def _smd(source: Path, scratch: Path, progress: Progress) -> Dataset:
    taken = scratch / "machines"
    taken.mkdir()
    chosen = files_below(source, "npz/omi-*.npz")
    if not chosen:
        raise MalformedInput(f"{source}: no npz/omi-*.npz in it; leave smd out with --only nab,ms-cloud")
    for path in chosen:
        shutil.copyfile(path, taken / path.name)
    return _validated(import_dataset(format="smd", source=taken, dataset=scratch / "smd", progress=progress))


SETS: dict[str, PublicSet] = {
    "nab": PublicSet(
        "nab",
        "Numenta Anomaly Benchmark",
        "every file, a series each; an event is a window, the probation of each file (15 %, at most 750 rows)"
        " is not scored",
        _nab,
    ),
    "ms-cloud": PublicSet(
        "ms-cloud-monitoring",
        "Microsoft cloud monitoring",
        f"every file, a series each; an event is a run of labelled rows with at most {GAP_ROWS} rows between"
        " them; no probation, so what a detector misses while it is young counts",
        _ms_cloud,
    ),
    "smd": PublicSet(
        "smd-asd",
        "Server Machine Dataset and Application Server Dataset",
        "every application server (omi-*) and none of the machines of SMD, which would take some ten minutes"
        " more: every metric is watched and a server pages as one, so here a series-week is that of a server",
        _smd,
    ),
}


def chosen_sets(data: Path, only: str | None) -> dict[str, Path]:
    """Source folder by set; without ``only`` those that are there.

    Raises:
        UsageError: an unknown set, or none of them in the folder.
        MalformedInput: a set that was asked for is not there.
    """
    if only is None:
        found = {name: data / of.folder for name, of in SETS.items() if (data / of.folder).is_dir()}
        if not found:
            folders = ", ".join(of.folder for of in SETS.values())
            raise UsageError(f"{data}: none of {folders} is in it; give the folder that holds them as --data")
        return found
    names = [name.strip() for name in only.split(",") if name.strip()]
    if not names:
        raise UsageError(f"--only {only!r} names no set; there are {', '.join(SETS)}")
    for name in names:
        if name not in SETS:
            raise UsageError(f"no public set {name!r}{nearest(name, SETS)}")
        if not (data / SETS[name].folder).is_dir():
            raise MalformedInput(f"{data / SETS[name].folder}: no folder here; name its parent with --data")
    return {name: data / SETS[name].folder for name in SETS if name in names}


def scores_as_values(source: Path, detector: str, scratch: Path, progress: Progress) -> Dataset | None:
    """NAB's files with a detector's published scores for values, and the same labels; None without results.

    So published scores are matched, cooled down and scored by the same code as a contender.

    Raises:
        MalformedInput: a file of results without times and scores.
    """
    results = files_below(source / "results" / detector, "*/*.csv")
    if not results:
        return None
    taken = scratch / "published"
    (taken / WINDOWS).parent.mkdir(parents=True)
    shutil.copyfile(source / WINDOWS, taken / WINDOWS)
    for path in results:
        place = taken / "data" / path.parent.name / path.name.removeprefix(f"{detector}_")
        place.parent.mkdir(parents=True, exist_ok=True)
        with path.open(encoding="utf-8-sig", newline="") as given, place.open("w", newline="") as made:
            write = csv.writer(made)
            write.writerow(("timestamp", "value"))
            try:
                write.writerows((row["timestamp"], row["anomaly_score"]) for row in csv.DictReader(given))
            except (KeyError, ValueError, csv.Error) as error:
                raise MalformedInput(
                    f"{path}: no timestamp and anomaly_score in each row ({error})"
                ) from None
    made_of = import_dataset(format="nab", source=taken, dataset=scratch / "scores", progress=progress)
    return _validated(made_of)


def _validated(dataset: Dataset) -> Dataset:
    validate(dataset)
    return dataset
