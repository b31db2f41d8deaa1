"""The slow way to the same answer: Great Expectations row by row on pandas, nothing profiled first.

For small data (10 million rows take 10 s and 2 GB): it shows that the fast pass sees what is there.
Import it inside functions only, like the gate.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from titleshot.datasets.contracts.reference import Alias, TopologyEdge
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.label_layer import Labels
from titleshot.datasets.sample_files import NO_INSTANT, sample_groups
from titleshot.datasets.validation.gate import gate_rows
from titleshot.datasets.validation.suite import Suite, load_suite

SAME_AS = {
    "namespace_missing": "series_identity",
    "service_missing": "series_identity",
    "metric_name_missing": "series_identity",
    "value_missing": "non_finite",
    "value_infinite": "non_finite",
    "value_low": "out_of_range",
    "value_high": "out_of_range",
    "label_start_late": "label_outside_telemetry",
    "label_end_early": "label_outside_telemetry",
}
"""Rules of rows that stand for another rule of the report."""

_FOREVER = np.iinfo(np.int64).max


def cross_check(dataset: Dataset) -> set[str]:
    """Names of the report's rules that rows of the dataset break, or that could not be checked.

    Raises:
        MalformedInput: a table cannot be read.
    """
    labels = dataset.labels()
    broken = _broken(_samples(dataset), load_suite("rows_samples"))
    if labels.incidents:
        broken |= _broken(_label_services(dataset, labels), load_suite("rows_labels"))
    if labels.feedback:
        broken |= _broken(_feedback(labels), load_suite("rows_feedback"))
    return broken


def _broken(data: pd.DataFrame, suite: Suite) -> set[str]:
    outcomes = gate_rows(data, suite)
    return {SAME_AS.get(found.rule.rule, found.rule.rule) for found in outcomes if not found.passed}


def _samples(dataset: Dataset) -> pd.DataFrame:
    names = ("series", "timestamp", "value", "ingested_at", "source_row")
    groups = [pd.DataFrame(group.read(names)) for group in sample_groups(dataset.path)]
    rows = pd.concat(groups, ignore_index=True).sort_values("source_row", ignore_index=True)
    keys = pd.DataFrame(dataset.series(), columns=["namespace", "service", "metric_name", "series_labels"])
    ranges = [load_suite("profile", dataset.path).range_of(name) for name in keys["metric_name"]]
    keys["low"], keys["high"] = [range_.low for range_ in ranges], [range_.high for range_ in ranges]
    for name in ("namespace", "service", "metric_name"):
        rows[name] = keys[name].astype("category").iloc[rows["series"]].array
    rows["low"], rows["high"] = (keys[name].to_numpy()[rows["series"]] for name in ("low", "high"))
    rows["finite"] = rows["value"].where(np.isfinite(rows["value"]))
    used = rows.drop_duplicates(["series", "timestamp"])
    arrived = used["ingested_at"].where(used["ingested_at"] != NO_INSTANT, used["timestamp"])
    by_arrival = used.assign(arrived=arrived).sort_values(["arrived", "source_row"])
    rows["step"] = np.fmin(
        used.groupby("series")["timestamp"].diff(), by_arrival.groupby("series")["timestamp"].diff()
    )
    in_time = used.sort_values("timestamp").groupby("series")["timestamp"].diff()
    usual = in_time.groupby(used["series"]).transform("median")
    rows["gap_cadences"] = in_time / usual
    return rows


def _label_services(dataset: Dataset, labels: Labels) -> pd.DataFrame:
    rows = pd.DataFrame(
        [
            (label.start, label.end, service)
            for label in labels.incidents
            for service in dict.fromkeys((label.root_service, *label.affected_services))
        ],
        columns=["start", "end", "service"],
    ).assign(span_from=dataset.card.span_from, span_to=dataset.card.span_to)
    reference = dataset.reference()
    edges = [row for row in reference if isinstance(row, TopologyEdge)]
    spans = pd.DataFrame(
        [
            (service, edge.valid_from, edge.valid_to or _FOREVER)
            for edge in edges
            for service in (edge.caller, edge.callee)
        ],
        columns=["name", "valid_from", "valid_to"],
    )
    with_series = [key.service_id for key in dataset.series()]
    named = _under_every_name(rows, [row for row in reference if isinstance(row, Alias)])
    known = named[named["name"].isin([*with_series, *spans["name"]])]
    rows["known"] = rows.index.isin(known["row"])
    met = named.merge(spans, on="name")
    met = met[(met["valid_from"] < met["end"]) & (met["start"] < met["valid_to"])]
    # An unknown service is one fault, not two; without a topology the rule does not apply.
    rows["in_topology"] = rows.index.isin(met["row"]) | ~rows["known"] | (not edges)
    return rows


def _under_every_name(rows: pd.DataFrame, aliases: list[Alias]) -> pd.DataFrame:
    """Each row under its service's name and under that of every service it is an alias of then."""
    other = pd.DataFrame(
        [(row.alias, row.service, row.valid_from, row.valid_to or _FOREVER) for row in aliases],
        columns=["service", "name", "from", "to"],
    )
    own = rows.assign(name=rows["service"]).reset_index(names="row")
    met = rows.reset_index(names="row").merge(other, on="service")
    met = met[(met["from"] < met["end"]) & (met["start"] < met["to"])]
    return pd.concat([own, met[own.columns]], ignore_index=True)


def _feedback(labels: Labels) -> pd.DataFrame:
    said = pd.Series([row.page_id for row in labels.feedback])
    known = {name for page in labels.pages for name in (page.page_id, page.incident_id)}
    known.update(label.incident_id for label in labels.incidents)
    return pd.DataFrame({"page_id": said, "page_known": said.isin(known)})
