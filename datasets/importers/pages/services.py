"""The tool's names of services as the dataset's: by a map, by being the same, else kept, counted, listed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from titleshot.datasets.contracts.reference import Alias, Ownership, TopologyEdge
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import UsageError
from titleshot.datasets.importers.pages.fields import clean, plain
from titleshot.datasets.nearest import nearest
from titleshot.datasets.yaml_file import read_yaml

UNMAPPED = "(unmapped)"
"""The namespace of names that are no service of the dataset: it matches nothing."""
NAMELESS = "(no service named)"
MOST_UNMAPPED = 0.1
"""Share of pages without a service of the dataset beyond which a history is refused unless told otherwise."""
_MOST_LISTED = 20
_LONGEST = 200
_GLOB = set("*?[")


class ServiceNames:
    """Which services of the dataset a tool's name means.

    In this order: an exact entry of the map; a service or alias of the dataset by its full name; a glob of
    the map, first come first; a bare name that is one service's alone. A map entry with null says: not in
    this dataset; pages about nothing else are left out.

    Args:
        map_file: YAML of exact names or globs to ``namespace/service``, or a list of them, or null.

    Raises:
        MalformedInput: the map has faults; names file, line and way out.
    """

    def __init__(self, dataset: Dataset, map_file: Path | None = None) -> None:
        self._known = _services(dataset)
        self.teams = {row.team for row in dataset.reference() if isinstance(row, Ownership)}
        """Whom the dataset knows to own services."""
        self._bare: dict[str, list[str]] = {}
        for service in sorted(self._known):
            self._bare.setdefault(service.partition("/")[2], []).append(service)
        self._map = {} if map_file is None else _load(map_file, self._known)
        self._exact = dict(self._map)
        self._globs = [(name, to) for name, to in self._map.items() if _GLOB & set(name)]
        self.pages: Counter[str] = Counter()
        """Pages by each name of the tool's."""
        self.used: dict[str, tuple[str, ...]] = {}
        """What each name was read as; empty: said to be elsewhere."""
        self.unknown: Counter[str] = Counter()
        """Pages by each name that is no service of the dataset."""

    def of(self, names: Iterable[str]) -> tuple[str, ...] | None:
        """Services of one page, sorted; None for a page that the map says is about other things only."""
        found: set[str] = set()
        elsewhere = False
        for name in names or (NAMELESS,):
            self.pages[name] += 1
            services = self._of(name)
            if services is None:
                self.unknown[name] += 1
                found.add(f"{UNMAPPED}/{name}")
            else:
                self.used[name] = services
                elsewhere |= not services
                found.update(services)
        return None if elsewhere and not found else tuple(sorted(found))

    def _of(self, name: str) -> tuple[str, ...] | None:
        if name in self._exact:
            return self._exact[name]
        if name in self._known:
            return (name,)
        for pattern, services in self._globs:
            if fnmatchcase(name, pattern):
                return services
        alone = self._bare.get(name, [])
        return (alone[0],) if len(alone) == 1 else None

    def idle(self) -> list[str]:
        """Entries of the map that no name needed."""
        names = list(self.pages)
        return [
            pattern
            for pattern in self._map
            if pattern not in self.pages
            and not (_GLOB & set(pattern) and any(fnmatchcase(name, pattern) for name in names))
        ]

    def suggestion(self) -> str:
        """A map to complete: the names that are no service, most pages first, with the nearest service."""
        by_plain = {plain(service.partition("/")[2]): service for service in sorted(self._known)}
        by_plain |= {plain(service): service for service in sorted(self._known)}
        lines = []
        for name, pages in self.unknown.most_common(_MOST_LISTED):
            near = get_close_matches(plain(name), by_plain, n=1, cutoff=0.5)
            several = self._bare.get(name, [])
            said = f"one of {', '.join(several)}" if several else f"{pages} pages"
            if name == NAMELESS:
                lines.append(f"# {pages} pages name no service; say where it stands with --service-field")
            elif len(name) > _LONGEST:
                lines.append(f"# a name of {len(name)} characters, {pages} pages")
            else:
                target = several[0] if several else by_plain[near[0]] if near else "null"
                lines.append(f"{json.dumps(name)}: {target}  # {said}")
        if len(self.unknown) > _MOST_LISTED:
            lines.append(f"# and {len(self.unknown) - _MOST_LISTED} more names")
        return "\n".join(lines)


def _services(dataset: Dataset) -> set[str]:
    """Every service the dataset knows of, aliases too: the scorer reads those as of the page's moment."""
    known = {key.service_id for key in dataset.series()}
    for row in dataset.reference():
        match row:
            case TopologyEdge():
                known |= {row.caller, row.callee}
            case Ownership():
                known.add(row.service)
            case Alias():
                known |= {row.service, row.alias}
    for label in dataset.labels().incidents:
        known |= {label.root_service, *label.affected_services}
    return known


def _load(path: Path, known: set[str]) -> dict[str, tuple[str, ...]]:
    document = read_yaml(path)
    if not isinstance(document.data, dict):
        raise document.fault(
            (), "expected a mapping of names to services, like 'Checkout API: shop/checkout'"
        )
    loaded = {}
    for name, said in document.data.items():
        services = [] if said is None else said if isinstance(said, list) else [said]
        for service in services:
            if not isinstance(service, str) or service not in known:
                raise document.fault(
                    (name,),
                    f"{_shown(service)} is no service of the dataset{nearest(str(service), known)}"
                    if len(known) <= _MOST_LISTED or nearest(str(service), known).startswith("; did")
                    else f"{_shown(service)} is no service of the dataset",
                )
        loaded[clean(name)] = tuple(services)
    return loaded


def _shown(value: Any) -> str:
    return repr(value)[:80]


def refuse_unmapped(names: ServiceNames, unmapped: int, pages: int) -> None:
    """More pages than a comparison can bear name no service of the dataset.

    Raises:
        UsageError: with a map to complete.
    """
    raise UsageError(
        f"{unmapped} of {pages} pages name no service of the dataset; each would count as a false page of"
        " today's tool and flatter every challenger. Complete these lines in a file and give it with"
        " --services (null: not in this dataset, left out), or say --allow-unmapped:\n" + names.suggestion()
    )
