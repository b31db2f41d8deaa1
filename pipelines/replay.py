"""``replay``: a contender over a validated dataset, exactly as production would have seen it."""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa

from titleshot.datasets.contracts.instants import format_instant
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import UsageError
from titleshot.datasets.log_about import about_dataset
from titleshot.datasets.replay_log import LogWriter, ReplayLog
from titleshot.detectors.contender import Contender, Engine
from titleshot.detectors.correlation_domains import Domains, domains_of
from titleshot.detectors.invariants import rule_words
from titleshot.detectors.order import REASONS
from titleshot.detectors.recipe import Recipe
from titleshot.pipelines import log_tables
from titleshot.pipelines.argument_types import count, instant
from titleshot.pipelines.outcome import Outcome, Progress, silent
from titleshot.pipelines.partitions import detect_in_parts
from titleshot.pipelines.stream import ArrivalStream

BLOCK_ROWS = 262_144


def replay(
    dataset: Dataset | Path | str,
    contender: Contender | Path | str,
    *,
    out: Path | str,
    from_: int | None = None,
    to: int | None = None,
    workers: int = 1,
    scheduler: str | None = None,
    scores: bool = False,
    block_rows: int = BLOCK_ROWS,
    by_domain: bool = False,
    progress: Progress = silent,
) -> ReplayLog:
    """Replay a contender and write its log.

    Args:
        from_: nanoseconds UTC; samples before it are left out. ``to`` likewise, exclusive.
        workers: processes; the log's tables are the same bytes for any number of them.
        scheduler: address of a Dask scheduler to run the parts on instead.
        scores: also write the dense scores of every sample.
        by_domain: correlate each correlation domain by itself. Incidents are those of one process where no
            call crosses and the correlator joins along calls only; calls that cross are in ``log.json``.

    Raises:
        InvalidDataset: not validated, or not the data that was.
        NotFitted: the contender has parts that need fitting.
        UsageError: the contender waits less long than this data takes to arrive, or nothing lies in the span.
        Unreachable: no scheduler answers at that address.
    """
    data = dataset if isinstance(dataset, Dataset) else Dataset.open(Path(dataset))
    chosen = contender if isinstance(contender, Contender) else Contender.load(contender)
    data.validated()
    _check_lateness(data, chosen.recipe)
    _check_span(data, from_, to)
    # Arrow's own allocator gives the pages of every block back; taking them again costs a third of a replay.
    pa.set_memory_pool(pa.system_memory_pool())
    began = time.perf_counter()
    engine = chosen.engine(keep_scores=scores)
    domains = domains_of(data.card.correlation_domains, data.reference()) if by_domain else None
    with LogWriter(Path(out)) as writer:
        writer.about = _about(data, chosen, from_, to)
        if domains is not None:
            writer.about["correlation_domains"] = _told(domains)
        if workers > 1 or scheduler or domains is not None:
            outputs = detect_in_parts(
                data,
                engine,
                from_=from_,
                to=to,
                workers=workers,
                scheduler=scheduler,
                block_rows=block_rows,
                domains=domains,
            )
        else:
            outputs = _outputs(data, engine, from_, to, block_rows, progress)
        dead: Counter[str] = Counter()
        for output in outputs:
            log_tables.write(writer, output, engine.series)
            dead.update(f"dead_{REASONS[reason]}" for reason in output.dead.reasons.tolist())
        writer.about["counts"] = dict(sorted((engine.detection.totals + dead).items()))
        if engine.detection.row_report is not None:
            writer.about["feature_rows"] = engine.detection.row_report
        if engine.detection.rule_report:
            writer.about["invariants"] = engine.detection.rule_report
        writer.about["run"] = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(time.perf_counter() - began, 3),
            "workers": workers,
            "scheduler": scheduler,
            "block_rows": block_rows,
            "titleshot": version("titleshot"),
        }
    return ReplayLog(Path(out))


def _outputs(
    data: Dataset, engine: Engine, from_: int | None, to: int | None, block_rows: int, progress: Progress
) -> Any:
    codes = engine.codes(data.series())
    stream = ArrivalStream(data, codes, engine.contender.recipe.tick, from_, to)
    done = 0
    for block in stream.blocks(block_rows):
        yield engine.push(block)
        done += len(block)
        progress("replaying", min(done, data.card.rows), data.card.rows)
    yield engine.flush()


def _told(domains: Domains) -> dict[str, Any]:
    members = Counter(domains.of.values())
    return {
        "source": domains.source,
        "services": dict(sorted(members.items())),
        "crossing_calls": [list(call) for call in domains.crossing],
    }


def _check_lateness(data: Dataset, recipe: Recipe) -> None:
    if recipe.lateness_s < data.card.ingest_delay_s:
        raise UsageError(
            f"contender {recipe.name!r} waits lateness_s {recipe.lateness_s:g} but records of"
            f" {data.card.name!r} take {data.card.ingest_delay_s:g} s to arrive, so all would be late;"
            " raise lateness_s in the recipe"
        )


def _check_span(data: Dataset, from_: int | None, to: int | None) -> None:
    card = data.card
    start = card.span_from if from_ is None else max(from_, card.span_from)
    end = card.span_to if to is None else min(to, card.span_to)
    if start >= end:
        raise UsageError(
            f"no samples to replay: {card.name!r} has them from {format_instant(card.span_from)}"
            f" to {format_instant(card.span_to)}; choose --from and --to within, and in order"
        )


def _about(data: Dataset, contender: Contender, from_: int | None, to: int | None) -> dict[str, Any]:
    card = data.card
    return {
        "contender": contender.name,
        "recipe_digest": contender.recipe.digest,
        "artifact_digest": contender.artifact_digest,
        "recipe": contender.recipe.model_dump(mode="json"),
        "dataset": about_dataset(card),
        "span": {
            "from": format_instant(max(card.span_from, from_) if from_ is not None else card.span_from),
            "to": format_instant(min(card.span_to, to) if to is not None else card.span_to),
        },
        "opaque": False,
    }


def arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``titleshot replay``."""
    parser.add_argument("dataset", type=Path, metavar="DATASET", help="a validated dataset")
    parser.add_argument(
        "contender",
        metavar="CONTENDER",
        help="recipe file, name of a shipped contender, fitted folder, or models:/NAME@ALIAS",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="LOG", help="folder for the replay log")
    parser.add_argument("--from", dest="from_", type=instant, metavar="TIME", help="leave out samples before")
    parser.add_argument("--to", type=instant, metavar="TIME", help="leave out samples from here on")
    parser.add_argument(
        "--workers", type=count, default=1, metavar="N", help="processes (default 1; 0 takes all cores)"
    )
    parser.add_argument("--scheduler", metavar="ADDRESS", help="run the parts on a Dask scheduler")
    parser.add_argument(
        "--by-domain",
        action="store_true",
        help="correlate each correlation domain by itself; calls that cross are reported",
    )
    parser.add_argument("--scores", action="store_true", help="also write the dense score of every sample")


def command(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Run ``titleshot replay``."""
    from titleshot.pipelines.contender_source import contender_from

    log = replay(
        args.dataset,
        contender_from(args.contender, home=args.home),
        out=args.out,
        from_=args.from_,
        to=args.to,
        workers=args.workers or os.cpu_count() or 1,
        scheduler=args.scheduler,
        scores=args.scores,
        by_domain=args.by_domain,
        progress=progress,
    )
    about = log.about
    rows, counts = about["rows"], about["counts"]
    text = (
        f"{about['contender']} replayed {counts.get('samples', 0):,} samples of {about['dataset']['name']}"
        f" in {about['run']['seconds']:.1f} s: {rows['events']:,} events,"
        f" {len(log.incidents()):,} incident candidates, {len(log.pages()):,} pages,"
        f" {rows['dead_letters']:,} dead letters\nlog: {args.out}"
    )
    if "correlation_domains" in about:
        text += "\n" + _domain_words(about["correlation_domains"])
    text = "\n".join([text, *rule_words(about.get("invariants", [])), *_feature_words(about)])
    return Outcome(text, {"log": str(args.out), **about})


def _domain_words(told: dict[str, Any]) -> str:
    crossing = [f"{caller} to {callee}" for caller, callee in told["crossing_calls"]]
    cut = "as declared" if told["source"] == "declared" else "cut at hubs"
    words = f"correlated in {len(told['services'])} domains, {cut}; "
    if not crossing:
        return words + "no call crosses them"
    more = f" and {len(crossing) - 5} more" if len(crossing) > 5 else ""
    return words + f"{len(crossing)} calls cross them and join no incident: {', '.join(crossing[:5])}{more}"


def _feature_words(about: Mapping[str, Any]) -> list[str]:
    """Metrics that stand for one feature of one service: renamed ones, perhaps in another unit."""
    several = about.get("feature_rows", {}).get("service_health", {}).get("several_metrics", {})
    return [f"  feature rows take {what} from {' and '.join(names)}" for what, names in several.items()]
