"""Reference rows and events row by row, as pandas sees them: for the cross-check."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from titleshot.datasets.contracts.instants import DAY, SECOND
from titleshot.datasets.contracts.reference import ReferenceRow
from titleshot.datasets.contracts.telemetry import LogEvent, PlatformEvent
from titleshot.datasets.dataset import Dataset

_FOREVER = int(np.iinfo(np.int64).max)
_SAYS = {
    "topology": ("caller", "callee"),
    "ownership": ("service", "team"),
    "tier": ("service", "tier"),
    "deploy": ("service", "version", "decoy"),
    "maintenance": ("service",),
    "planned_change": ("service",),
    "alias": ("service", "alias"),
}
_RIVALS = {"ownership": "team", "tier": "tier", "deploy": "version", "alias": "service"}
"""What rows of a kind may say differently of one thing: the service, or of an alias the name."""


def of_kind(reference: Sequence[ReferenceRow], kind: str, names: tuple[str, ...]) -> pd.DataFrame:
    """Fields of the rows of one kind, with their span; what still holds ends with the last of 64 bits."""
    rows = [row for row in reference if row.kind == kind]
    return pd.DataFrame(
        [
            (*(getattr(row, name) for name in names), row.valid_from, _FOREVER if row.valid_to is None
             else row.valid_to, row.known_from)
            for row in rows
        ],
        columns=[*names, "valid_from", "valid_end", "known_from"],
    )  # fmt: skip


def reference_rows(dataset: Dataset, reference: Sequence[ReferenceRow]) -> pd.DataFrame:
    """One row a reference row of any kind."""
    rows = pd.DataFrame(
        {
            "kind": [row.kind for row in reference],
            "content": [row.to_json() for row in reference],
            "service": [getattr(row, "service", None) for row in reference],
            "valid_end": pd.Series([row.valid_to for row in reference], dtype="Int64")
            .fillna(_FOREVER)
            .astype("int64"),
            "known_from": pd.Series([row.known_from for row in reference], dtype="int64"),
        }
    ).assign(span_to=dataset.card.span_to)
    names = under_every_name(rows, reference, at_the_time=False)
    known = names[names["name"].isin(known_names(dataset, reference))]["row"]
    rows["service_known"] = (rows["kind"] == "topology") | rows.index.isin(known)
    return rows


def kind_rows(dataset: Dataset, reference: Sequence[ReferenceRow]) -> dict[str, pd.DataFrame]:
    """A table of each kind of reference data, empty where there is none."""
    with_series = {key.service_id for key in dataset.series()}
    tables = {}
    for kind, names in _SAYS.items():
        rows = of_kind(reference, kind, names)
        rows = rows.assign(span_from=dataset.card.span_from, span_to=dataset.card.span_to)
        if kind in _RIVALS:
            rows["alone"] = _alone(rows, "alias" if kind == "alias" else "service", _RIVALS[kind], kind)
        match kind:
            case "topology":
                rows["caller_has_series"] = rows["caller"].isin(with_series)
                rows["callee_has_series"] = rows["callee"].isin(with_series)
            case "deploy":
                rows["known_days_before"] = (rows["valid_from"] - rows["known_from"]) / DAY
            case "maintenance" | "planned_change":
                rows["valid_to"] = rows["valid_end"].astype("Int64").mask(rows["valid_end"] == _FOREVER)
                rows["days"] = ((rows["valid_to"] - rows["valid_from"]) / DAY).astype("Float64")
            case "alias":
                rows["another"] = rows["service"] != rows["alias"]
                rows["ends_somewhere"] = ~rows.index.isin(_in_rings(rows))
        tables[kind] = rows
    return tables


def event_rows(
    dataset: Dataset, events: Sequence[LogEvent] | Sequence[PlatformEvent], reference: Sequence[ReferenceRow]
) -> pd.DataFrame:
    """One row a log or platform event."""
    delay = round(dataset.card.ingest_delay_s * SECOND)
    rows = pd.DataFrame([event.model_dump() for event in events])
    if rows.empty:
        return rows
    rows = rows.assign(span_from=dataset.card.span_from, span_to=dataset.card.span_to)
    arrived = pd.Series([event.ingested_at for event in events], dtype="Int64")
    rows["arrived"] = arrived.fillna(rows["timestamp"] + delay).astype("int64")
    rows["service_id"] = rows["namespace"] + "/" + rows["service"]
    first, second = ("level", "template") if "template" in rows else ("reason", "message")
    rows["what"], rows["said"] = rows[first], rows[second]
    names = under_every_name(rows.assign(service=rows["service_id"]), reference, at_the_time=False)
    known = names[names["name"].isin(known_names(dataset, reference))]["row"]
    rows["service_known"] = rows.index.isin(known)
    said = rows.drop_duplicates(["service_id", "what", "said"]).groupby("service_id").size()
    rows["templates"] = rows["service_id"].map(said)
    return rows


def named_spans(reference: Sequence[ReferenceRow]) -> pd.DataFrame:
    """(name, valid_from, valid_to): when each service was in the topology."""
    edges = of_kind(reference, "topology", ("caller", "callee")).rename(columns={"valid_end": "valid_to"})
    ends = [edges.rename(columns={end: "name"}) for end in ("caller", "callee")]
    return pd.concat(ends)[["name", "valid_from", "valid_to"]].reset_index(drop=True)


def known_names(dataset: Dataset, reference: Sequence[ReferenceRow]) -> list[str]:
    """Services that have series or were ever in the topology."""
    return [*(key.service_id for key in dataset.series()), *named_spans(reference)["name"]]


def under_every_name(
    rows: pd.DataFrame, reference: Sequence[ReferenceRow], *, at_the_time: bool = True
) -> pd.DataFrame:
    """Each row under its service's name and under that of every service it is an alias of (then)."""
    aliases = of_kind(reference, "alias", ("service", "alias"))
    aliases.columns = pd.Index(["name", "service", "alias_from", "alias_to", "alias_known"])
    # Where no row names a service the column has no text to be told by.
    rows = rows.assign(service=rows["service"].astype(object))
    aliases = aliases.astype({"name": object, "service": object})
    own = rows.assign(name=rows["service"]).reset_index(names="row")
    met = rows.reset_index(names="row").merge(aliases, on="service")
    if at_the_time:
        met = met[(met["alias_from"] < met["end"]) & (met["start"] < met["alias_to"])]
    return pd.concat([own, met[own.columns]], ignore_index=True)


def _alone(rows: pd.DataFrame, thing: str, claim: str, kind: str) -> pd.Series[bool]:
    """Whether no row that began before says otherwise of the same thing at the moment a row begins."""
    # Of deploys only two at the same moment are rivals: a version ends where the next begins.
    until = rows["valid_from"] + 1 if kind == "deploy" else rows["valid_end"]
    held = rows.assign(until=until).reset_index(names="row")
    held = held.sort_values(["valid_from", "until"], kind="stable")
    held["place"] = np.arange(len(held))
    pairs = held.merge(held, on=thing, suffixes=("", "_before"))
    claims = f"{claim}_before"
    rival = pairs[
        (pairs["place_before"] < pairs["place"])
        & (pairs["until_before"] > pairs["valid_from"])
        & (pairs[claims] != pairs[claim])
    ]
    return pd.Series(~rows.index.isin(rival["row"]), index=rows.index)


def _in_rings(rows: pd.DataFrame) -> set[int]:
    """Rows from which names lead back to their own, over rows that hold when they begin."""
    found: set[int] = set()
    edges = rows[["alias", "service", "valid_from", "valid_end"]]
    others = rows[rows["service"] != rows["alias"]]
    begun = zip(others.index.tolist(), others["alias"], others["service"], others["valid_from"], strict=True)
    for at, alias, service, moment in begun:
        then = edges[(edges["valid_from"] <= moment) & (edges["valid_end"] > moment)]
        names = {service}
        for _ in range(len(then)):
            names |= set(then.loc[then["alias"].isin(names), "service"])
        if alias in names:
            found.add(at)
    return found
