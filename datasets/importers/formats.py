"""Every importer by the name of its format. A new one is a file beside this one and a line here."""

from __future__ import annotations

from titleshot.datasets.errors import UsageError
from titleshot.datasets.importers.delimited.csv_files import Csv
from titleshot.datasets.importers.importer import Importer
from titleshot.datasets.importers.jsonl import JsonLines
from titleshot.datasets.importers.ms_cloud import MsCloud
from titleshot.datasets.importers.nab import Nab
from titleshot.datasets.importers.nezha.nezha import Nezha
from titleshot.datasets.importers.petshop.petshop import Petshop
from titleshot.datasets.importers.prometheus.importer import PrometheusServer
from titleshot.datasets.importers.smd.smd import Smd
from titleshot.datasets.nearest import nearest

IMPORTERS: dict[str, type[Importer]] = {
    importer.format: importer
    for importer in (
        Csv,
        JsonLines,
        MsCloud,
        Nab,
        Nezha,
        Petshop,
        PrometheusServer,
        Smd,
    )
}


def importer_of(name: str) -> type[Importer]:
    """The importer of a format.

    Raises:
        UsageError: no such format; offers the nearest.
    """
    if name not in IMPORTERS:
        raise UsageError(f"no importer for format {name!r}{nearest(name, IMPORTERS)}")
    return IMPORTERS[name]
