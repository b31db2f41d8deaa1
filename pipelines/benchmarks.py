"""``benchmarks``: what contenders and families do on public labelled data, into ``reports/BENCHMARKS.md``.

Sets are imported, validated, replayed and scored by the code that judges promotions; published scores go the
same way, as values of a dataset with the same labels.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import UsageError
from titleshot.datasets.replay_log import ReplayLog
from titleshot.datasets.whole_output import whole_file
from titleshot.pipelines.benchmarks_contenders import at_or_above, at_other_bars, contenders
from titleshot.pipelines.benchmarks_measured import Measured, measured
from titleshot.pipelines.benchmarks_nab import LABEL_FREE, Protocol, protocol
from titleshot.pipelines.benchmarks_sets import SETS, chosen_sets, scores_as_values
from titleshot.pipelines.nab import files_of_log
from titleshot.pipelines.outcome import Outcome, Progress, silent
from titleshot.reports.identity import running_code
from titleshot.reports.literature.nab_results import nab_results, nab_times, nab_windows

OUT = Path("reports/BENCHMARKS.md")
DATA = "TITLESHOT_DATA"
ABOUT = "general"
"""The contender the page is about; random rows have its rate."""
SCORED = "novelty"
"""What speaks about lone series in it, by itself: NAB's protocol needs one score a row."""
PUBLISHED, ORACLE = "contextOSE", 0.768571428571
"""The published detector beside it, and its threshold: the best on the labels it is scored on."""


@dataclass(frozen=True)
class Benchmark:
    """One public set.

    Attributes:
        set: its name in ``SETS``.
        rows: the operational scores, published detectors and chance among them.
        protocol: NAB's own scores, empty for other sets.
        curve: the contender the page is about with other thresholds, empty for other sets.
    """

    set: str
    series: int
    samples: int
    incidents: int
    digest: str
    labels_digest: str
    rows: tuple[Measured, ...]
    protocol: tuple[Protocol, ...]
    curve: tuple[Measured, ...]
    cpu_s: float


def benchmarks(
    data: Path | str,
    *,
    only: str | None = None,
    out: Path | str = OUT,
    progress: Progress = silent,
) -> list[Benchmark]:
    """Measure and write the page, whole or not at all.

    Args:
        data: folder with ``nab``, ``ms-cloud-monitoring`` or ``smd-asd`` in it, each in its own layout.
        only: sets by name, with commas; None takes those that are there.

    Raises:
        UsageError: no such set, none in the folder, or no file can be written at ``out``.
        MalformedInput: a set that cannot be read; names the file.
    """
    from titleshot.pipelines.benchmarks_page import benchmarks_page

    with whole_file(Path(out)) as beside:
        found = measure(chosen_sets(Path(data), only), progress=progress)
        beside.write_text(benchmarks_page(found, running_code()), encoding="utf-8")
    return found


def measure(sources: dict[str, Path], *, progress: Progress = silent) -> list[Benchmark]:
    """Measure each set in a scratch folder of its own."""
    if "nab" in sources:  # refused before the work
        nab_windows(sources["nab"])
        nab_times(sources["nab"])
    return [_measured(name, source, progress) for name, source in sources.items()]


def _measured(name: str, source: Path, progress: Progress) -> Benchmark:
    began = time.process_time()
    with tempfile.TemporaryDirectory(prefix="titleshot-benchmarks-") as place:
        scratch = Path(place)
        dataset = SETS[name].make(source, scratch, progress)
        rows = measured(
            dataset,
            contenders(),
            scratch=scratch / "logs",
            chance_of=ABOUT,
            scores=(SCORED,) if name == "nab" else (),
            progress=progress,
        )
        own: list[Protocol] = []
        curve: list[Measured] = []
        if name == "nab":
            rows[1:1] = _published(source, scratch, progress)
            own = _protocol(source, dataset, ReplayLog(scratch / "logs" / SCORED), progress)
            curve = _curve(dataset, scratch / "bars", progress)
        return Benchmark(
            name,
            dataset.card.series,
            dataset.card.rows,
            len(dataset.labels().incidents),
            dataset.card.digest,
            dataset.labels().digest,
            tuple(rows),
            tuple(own),
            tuple(curve),
            time.process_time() - began,
        )


def _curve(dataset: Dataset, scratch: Path, progress: Progress) -> list[Measured]:
    return measured(dataset, at_other_bars(), scratch=scratch, kind="oracle", progress=progress)


def _published(source: Path, scratch: Path, progress: Progress) -> list[Measured]:
    dataset = scores_as_values(source, PUBLISHED, scratch, progress)
    if dataset is None:
        return []
    name = f"{PUBLISHED} at {ORACLE}"
    contender = {name: at_or_above(PUBLISHED, ORACLE)}
    return measured(dataset, contender, scratch=scratch / "theirs", kind="oracle", progress=progress)


def _protocol(source: Path, dataset: Dataset, log: ReplayLog, progress: Progress) -> list[Protocol]:
    detectors: dict[str, Any] = {SCORED: (files_of_log(source, dataset, log), LABEL_FREE)}
    if (source / "results" / PUBLISHED).is_dir():
        detectors[PUBLISHED] = (nab_results(source, PUBLISHED), None)
    return protocol(detectors, progress=progress)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``titleshot benchmarks``."""
    folders = ", ".join(of.folder for of in SETS.values())
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help=f"folder with {folders} (default: what {DATA} names)"
    )
    parser.add_argument("--only", metavar="SETS", help=f"some of {','.join(SETS)} (default: what is there)")
    parser.add_argument(
        "--out", type=Path, default=OUT, metavar="FILE", help=f"page to write (default {OUT})"
    )


def command(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Run ``titleshot benchmarks``."""
    data = args.data or (Path(os.environ[DATA]) if os.environ.get(DATA) else None)
    if data is None:
        raise UsageError(f"no data: give --data DIR, or set {DATA} to the folder with the public sets")
    found = benchmarks(data, only=args.only, out=args.out, progress=progress)
    lines = [f"{of.set}: {len(of.rows)} rows, {of.cpu_s:.0f} s" for of in found]
    document = {"out": str(args.out), "sets": [_document(of) for of in found]}
    return Outcome("\n".join([*lines, f"page: {args.out}"]), document)


def _document(of: Benchmark) -> dict[str, Any]:
    document = asdict(of)
    for row in (*document["rows"], *document["curve"]):
        for score in ("recall", "alarming"):
            row[score] = row[score].model_dump(mode="json")
    return document
