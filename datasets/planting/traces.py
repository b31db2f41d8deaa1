"""What gives away a dataset with planted faults, so that no gate takes it for evidence.

The card says so, but a card can be edited. The tables of what was planted and replaced are in the dataset's
digest, and so in the ``parts`` that every scorecard and comparison keeps; without them the dataset is not the
one that was validated and replayed. And each planted fault is labelled with a kind that no real incident has.
One trace is enough to refuse. Who removes all of them and computes the digests anew has made another dataset
by hand; no file format can stop that.
"""

from __future__ import annotations

from collections.abc import Iterable

from titleshot.datasets.contracts.comparisons import Comparison
from titleshot.datasets.contracts.labels import IncidentLabel
from titleshot.datasets.contracts.planted import LABEL_KIND, PlantedMarker
from titleshot.datasets.contracts.scores import Scorecard
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import UsageError
from titleshot.datasets.tables import PLANTED, REPLACED

TABLES = frozenset({"planted", "replaced"})
WAY_OUT = (
    "planted faults show what a contender can notice and decide nothing; look at them with titleshot"
    " sensitivity, and use the original here"
)


def traces_of(dataset: Dataset) -> list[str]:
    """What gives away planted faults in a dataset, in words; empty where nothing does."""
    card = dataset.card
    found = [] if card.planted is None else [f"its card says it was made from {card.planted.from_name}"]
    tables = {name for name in TABLES if name in card.tables}
    for name, table in (("planted", PLANTED), ("replaced", REPLACED)):
        if (dataset.path / table.path).is_file():
            tables.add(name)
    if tables:
        found.append(f"it holds the tables {', '.join(sorted(tables))}")
    return found + _labelled(dataset.labels().incidents)


def traces_in(comparison: Comparison) -> list[str]:
    """What gives away that a comparison was made on planted faults."""
    found = []
    for card in (comparison.champion, comparison.challenger):
        found += _in_card(card)
    return sorted(set(found))


def refuse_planted(dataset: Dataset, what: str) -> None:
    """Raise UsageError where a dataset has planted faults; ``what`` names the door that stays shut."""
    traces = traces_of(dataset)
    if traces:
        raise UsageError(
            f"{dataset.path} has planted faults ({'; '.join(traces)}), and is refused by {what}: {WAY_OUT}"
        )


def marker_of(dataset: Dataset) -> PlantedMarker:
    """The marker of a planted copy.

    Raises:
        UsageError: nothing was planted; names the command that does.
    """
    if dataset.card.planted is None:
        raise unplanted(dataset)
    return dataset.card.planted


def unplanted(dataset: Dataset) -> UsageError:
    """The error where there are no planted faults and there should be."""
    return UsageError(
        f"{dataset.path} has no planted faults; run: titleshot plant {dataset.path} --out COPY,"
        " and use the copy"
    )


def _in_card(card: Scorecard) -> list[str]:
    found = []
    parts = card.identity.parts
    if parts is not None and TABLES & set(parts.tables):
        found.append(
            f"{card.identity.dataset} holds the tables {', '.join(sorted(TABLES & set(parts.tables)))}"
        )
    planted = sum(incident.kind.startswith(LABEL_KIND) for incident in card.incidents)
    if planted:
        found.append(f"{planted} incidents of {card.identity.dataset} are labelled as planted")
    return found


def _labelled(incidents: Iterable[IncidentLabel]) -> list[str]:
    planted = sum(label.kind.startswith(LABEL_KIND) for label in incidents)
    return [f"{planted} incidents are labelled as planted"] if planted else []
