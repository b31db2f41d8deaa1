"""``titleshot import pages``: the page history of today's tool as an opaque champion's log."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from titleshot.datasets.contracts.instants import format_instant, parse_instant
from titleshot.datasets.contracts.record import SEVERITIES, Severity
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.dataset_card import CARD
from titleshot.datasets.errors import UsageError
from titleshot.datasets.importers.pages.history import Wanted
from titleshot.datasets.importers.pages.history_log import write_history
from titleshot.datasets.importers.pages.tools import TOOLS
from titleshot.datasets.nearest import nearest
from titleshot.datasets.replay_log import ReplayLog
from titleshot.pipelines.outcome import Outcome, Progress, silent

FORMAT = "pages"
SUMMARY = "page history of today's tool, into a log (third argument) that score and compare accept"
_MOST_LINES = 12


def import_pages(
    *,
    source: Path | str,
    log: Path | str,
    dataset: Dataset | Path | str | None = None,
    tool: str | None = None,
    name: str | None = None,
    services: Path | None = None,
    page_columns: Path | None = None,
    service_fields: tuple[str, ...] = (),
    only_routes: tuple[str, ...] = (),
    least_severity: Severity | None = None,
    zone: str | None = None,
    from_: int | None = None,
    to: int | None = None,
    allow_unmapped: bool = False,
    progress: Progress = silent,
) -> ReplayLog:
    """Read a tool's export into an opaque replay log about ``dataset``, all or nothing.

    Args:
        source: file of an export, folder of several, or a dataset, whose label layer's pages are taken.
        log: folder to make; a log that is there is replaced.
        dataset: whose telemetry and labels the pages are about; may be left out where ``source`` is one.
        tool: alertmanager, pagerduty, opsgenie or csv; None looks at the file.
        name: of the champion in reports; the tool's where left out.
        services: YAML map of the tool's service names to ``namespace/service``.
        page_columns: YAML map of a table's columns (see ``ColumnMap``).
        service_fields: fields or labels that name the service, instead of the tool's usual ones.
        only_routes: routes whose pages count; others are left out and counted.
        least_severity: pages below it are left out and counted.
        zone: IANA name of the zone of times that have none; without it they are set aside.
        from_, to: what the export covers, nanoseconds UTC; None takes the dataset's evaluation span and
            says so in every scorecard.
        allow_unmapped: keep a history of which more than a tenth names no service of the dataset.

    Raises:
        UsageError: no dataset, an unknown tool, an empty span, or too many pages about unknown services.
        MalformedInput: nothing in the source can be used, or a map has faults.
    """
    source, log = Path(source), Path(log)
    if dataset is None:
        if not (source / CARD).is_file():
            raise UsageError(
                "import pages needs --dataset: the dataset the pages are about, whose services and span they"
                " are read for; titleshot import pages SOURCE LOG --dataset DATASET"
            )
        dataset = source
    data = dataset if isinstance(dataset, Dataset) else Dataset.open(dataset)
    if least_severity is not None and least_severity not in SEVERITIES:
        raise UsageError(f"no severity {least_severity!r}{nearest(least_severity, SEVERITIES)}")
    progress("reading pages", 0, None)
    wanted = Wanted(
        tool=tool,
        zone=zone,
        services=services,
        columns=page_columns,
        service_fields=service_fields,
        only_routes=only_routes,
        least_severity=least_severity,
        from_=from_,
        to=to,
        allow_unmapped=allow_unmapped,
    )
    write_history(source, log, data, wanted, name=name, told=progress)
    return ReplayLog(log)


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``import pages``, beside those that every format has."""
    group = parser.add_argument_group(
        f"format {FORMAT}",
        "The third argument is the log to make. --from and --to say what the export covers (default: the"
        " dataset's evaluation span, and every scorecard says that it was assumed), --name what the champion"
        " is called (default: the tool).",
    )
    _offer(
        group, "--dataset", "about", "the dataset the pages are about (needed)", metavar="DATASET", type=Path
    )
    _offer(group, "--tool", "tool", f"{', '.join(TOOLS)} (default: what the file looks like)")
    _offer(
        group,
        "--services",
        "services",
        "YAML map of the tool's service names or globs to namespace/service, or null: not in this dataset",
        metavar="MAP.yaml",
        type=Path,
    )
    _offer(
        group,
        "--page-columns",
        "page_columns",
        "YAML map of a table's columns: opened, closed, services, severity, route, id, title",
        metavar="MAP.yaml",
        type=Path,
    )
    _offer(
        group,
        "--service-field",
        "service_fields",
        "field or label that names the service (may be repeated; default: the tool's)",
        metavar="NAME",
        action="append",
    )
    _offer(
        group,
        "--only-route",
        "only_routes",
        "leave out pages to other routes (may be repeated)",
        metavar="ROUTE",
        action="append",
    )
    _offer(
        group,
        "--least-severity",
        "least_severity",
        "leave out pages below it, which woke nobody",
        choices=SEVERITIES,
    )
    _offer(group, "--from", "from_", "when the export begins to cover what was paged", metavar="TIME")
    _offer(group, "--to", "to", "when it ends to", metavar="TIME")
    _offer(
        group,
        "--allow-unmapped",
        "allow_unmapped",
        "keep a history whose pages mostly name no service of the dataset",
        action="store_true",
    )


def _offer(group: Any, flag: str, dest: str, says: str, **more: Any) -> None:
    try:
        group.add_argument(flag, dest=dest, help=says, **more)
    except argparse.ArgumentError:
        return  # another format has the same option
    group.set_defaults(pages_only={**(group.get_default("pages_only") or {}), dest: flag})


def refuse_elsewhere(args: argparse.Namespace) -> None:
    """Options that only page histories have do not pass in silence with another format.

    Raises:
        UsageError: one was given.
    """
    for dest, flag in args.pages_only.items():
        if getattr(args, dest):
            raise UsageError(f"{flag} is an option of format {FORMAT}, not of {args.format}")


def refuse_others(given: dict[str, Any]) -> None:
    """Options of other formats do not pass in silence with page histories.

    Raises:
        UsageError: one was given.
    """
    for name in sorted(set(given) - {"zone", "tool", "services", "from_", "to"}):
        raise UsageError(f"format {FORMAT} has no option {name!r}; titleshot import --help lists them")


def command(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Import a page history and tell what came of it."""
    log = import_pages(
        source=args.source,
        log=args.dataset,
        dataset=args.about,
        tool=args.tool,
        name=args.name,
        services=args.services,
        page_columns=args.page_columns,
        service_fields=tuple(args.service_fields or ()),
        only_routes=tuple(args.only_routes or ()),
        least_severity=args.least_severity,
        zone=args.zone,
        from_=_instant("--from", args.from_),
        to=_instant("--to", args.to),
        allow_unmapped=args.allow_unmapped,
        progress=progress,
    )
    about = log.about
    document = {
        "log": str(log.path),
        "pages": len(log.pages()),
        **{
            key: about[key]
            for key in ("contender", "dataset", "span", "counts", "history", "notes", "pages_digest")
        },
    }
    return Outcome(_told(log, args), document)


def _instant(flag: str, given: object) -> int | None:
    if given is None or isinstance(given, int):
        return given
    try:
        return parse_instant(given)
    except ValueError as error:
        raise UsageError(f"{flag}: {error}") from None


def _told(log: ReplayLog, args: argparse.Namespace) -> str:
    about = log.about
    of, pages = about["history"], log.pages()
    first, last = format_instant(pages[0].paged_at), format_instant(pages[-1].paged_at)
    lines = [
        (
            f"{log.path}: {len(pages):,} pages of {about['contender']} ({of['tool']}) about"
            f" {about['dataset']['name']}, {first} to {last}"
        ),
        f"covers {about['span']['from']} to {about['span']['to'].replace('.000000001Z', 'Z')}",
        *_listed("routes", of["pages_per_route"]),
        *_listed(
            "severities",
            {f"{word or '(none)'} as {read['as']}": read["pages"] for word, read in of["severities"].items()},
        ),
        *_listed(f"severities not in the table, read as {_as(of)}", of["severities_not_in_table"]["pages"]),
        *_listed("services of the dataset", _services(log)),
        *_listed("names that are no service of the dataset", of["services_not_mapped"]),
        *_listed("counted", {k: n for k, n in about["counts"].items() if k != "records"}),
        *_listed("left out", of["left_out"]),
        *_listed("set aside in quarantine/pages.parquet", of["quarantined"].get("pages", {})),
    ]
    naive = of["times_without_zone"]
    if naive["times"]:
        lines.append(
            f"{naive['times']:,} times without a zone read as {naive['read_as']},"
            f" {naive['at_clock_changes']:,} of them at a clock change"
        )
    if of["map_entries_without_pages"]:
        idle = ", ".join(repr(name) for name in of["map_entries_without_pages"][:_MOST_LINES])
        lines.append(f"entries of --services that no page needed: {idle}")
    lines += [f"rule: {rule}" for rule in of["rules"]]
    lines += [f"note: {note}" for note in about["notes"]]
    labels = args.about or args.source
    lines.append(f"next: titleshot score {log.path} --labels {labels}")
    lines.append(f"next: titleshot compare {log.path} CHALLENGER_LOG --labels {labels}")
    return "\n".join(lines)


def _as(of: dict[str, Any]) -> str:
    return str(of["severities_not_in_table"]["as"])


def _services(log: ReplayLog) -> dict[str, int]:
    counted: dict[str, int] = {}
    for page in log.pages():
        for service in page.services:
            counted[service] = counted.get(service, 0) + 1
    return {name: n for name, n in counted.items() if not name.startswith("(")}


def _listed(what: str, counted: dict[str, int]) -> list[str]:
    if not counted:
        return []
    most = sorted(counted.items(), key=lambda one: (-one[1], one[0]))
    shown = ", ".join(f"{name} ({n:,})" for name, n in most[:_MOST_LINES])
    more = f" and {len(most) - _MOST_LINES} more" if len(most) > _MOST_LINES else ""
    return [f"{what}: {shown}{more}"]
