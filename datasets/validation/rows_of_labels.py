"""Labels, feedback and pages row by row, as pandas sees them: for the cross-check."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from titleshot.datasets.contracts.instants import DAY
from titleshot.datasets.contracts.reference import ReferenceRow
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.label_layer import Labels
from titleshot.datasets.sample_files import sample_groups
from titleshot.datasets.validation.rows_of_reference import (
    known_names,
    named_spans,
    of_kind,
    under_every_name,
)

_BEFORE_ALL = np.iinfo(np.int64).min


def label_rows(dataset: Dataset, labels: Labels, reference: Sequence[ReferenceRow]) -> pd.DataFrame:
    """One row an incident label and service it names; what one service lacks its label lacks."""
    card = dataset.card
    rows = pd.DataFrame(
        [
            (at, one.start, one.end, one.root_service, service, one.deploy, one.source, one.known_at)
            for at, one in enumerate(labels.incidents)
            for service in dict.fromkeys((one.root_service, *one.affected_services))
        ],
        columns=["label", "start", "end", "root_service", "service", "deploy", "source", "known_at"],
    )
    if rows.empty:
        return rows
    step = DAY if card.cadence_s is None else round(card.cadence_s * 1e9)
    rows = rows.assign(span_from=card.span_from, span_to=card.span_to, last_step_to=card.span_to + step)
    rows["days"] = (rows["end"] - rows["start"]) / DAY
    rows["told_from"] = rows["start"].where(rows["source"] == "human", _BEFORE_ALL)
    named = under_every_name(rows, reference)
    any_time = under_every_name(rows, reference, at_the_time=False)
    spans = named_spans(reference)
    rows["known"] = rows.index.isin(any_time[any_time["name"].isin(known_names(dataset, reference))]["row"])
    met = named.merge(spans, on="name")
    met = met[(met["valid_from"] < met["end"]) & (met["start"] < met["valid_to"])]
    # An unknown service is one fault, not two; without a topology the rule does not apply.
    unknown = ~rows.groupby("label")["known"].transform("all")
    rows["in_topology"] = rows.index.isin(met["row"]) | unknown | spans.empty
    days = _days_with_samples(dataset)
    seen = any_time.merge(days, on="name")
    seen = seen[(seen["day"] < seen["end"]) & (seen["day"] + DAY > seen["start"])]
    measured = pd.Series(rows.index.isin(seen["row"]), index=rows.index)
    rows["has_samples"] = measured.groupby(rows["label"]).transform("any") | unknown
    deploys = of_kind(reference, "deploy", ("version", "decoy"))
    real = deploys.loc[~deploys["decoy"].astype(bool), "version"]
    blames_none = rows["deploy"].isna() | deploys.empty
    rows["deploy_known"] = blames_none | rows["deploy"].isin(deploys["version"])
    rows["deploy_real"] = blames_none | ~rows["deploy_known"] | rows["deploy"].isin(real)
    return rows


def feedback_rows(dataset: Dataset, labels: Labels, reference: Sequence[ReferenceRow]) -> pd.DataFrame:
    """One row a feedback label."""
    rows = pd.DataFrame(
        [(one.page_id, one.reviewer, one.labelled_at, one.actual_service) for one in labels.feedback],
        columns=["page_id", "reviewer", "labelled_at", "service"],
    )
    pages = pd.DataFrame(
        [(page.page_id, page.incident_id, page.paged_at) for page in (*labels.other_pages, *labels.pages)],
        columns=["page_id", "incident_id", "paged_at"],
    )
    incidents = [page.incident_id for page in labels.pages]
    incidents += [label.incident_id for label in labels.incidents]
    rows["page_known"] = rows["page_id"].isin([*pages["page_id"], *incidents])
    sent = rows["page_id"].map(pages.drop_duplicates("page_id", keep="last").set_index("page_id")["paged_at"])
    rows["paged_at"] = sent.where(sent.notna(), rows["labelled_at"]).astype("int64")
    names = under_every_name(rows, reference, at_the_time=False)
    known = names[names["name"].isin(known_names(dataset, reference))]["row"]
    rows["service_known"] = rows["service"].isna() | rows.index.isin(known)
    return rows


def page_rows(dataset: Dataset, labels: Labels, reference: Sequence[ReferenceRow]) -> pd.DataFrame:
    """One row a page."""
    pages = labels.pages
    rows = pd.DataFrame(
        {
            "route": [page.route for page in pages],
            "services": [" ".join(sorted(page.services)) for page in pages],
            "services_named": [len(page.services) for page in pages],
            "opened_at": pd.Series([page.opened_at for page in pages], dtype="int64"),
            "paged_at": pd.Series([page.paged_at for page in pages], dtype="int64"),
        }
    ).assign(span_from=dataset.card.span_from, span_to_and_a_day=dataset.card.span_to + DAY)
    closed = pd.Series([page.closed_at for page in pages], dtype="Int64")
    rows["closed_at"] = closed.fillna(rows["paged_at"]).astype("int64")
    rows["days"] = (rows["closed_at"] - rows["paged_at"]) / DAY
    named = pd.DataFrame(
        [(at, service) for at, page in enumerate(pages) for service in page.services],
        columns=["page", "service"],
    )
    names = under_every_name(named, reference, at_the_time=False)
    known = named.index.isin(names[names["name"].isin(known_names(dataset, reference))]["row"])
    rows["services_known"] = ~rows.index.isin(named.loc[~known, "page"])
    return rows


def _days_with_samples(dataset: Dataset) -> pd.DataFrame:
    """(name, day): services and the UTC days on which they have a sample."""
    names = np.array([key.service_id for key in dataset.series()], dtype=object)
    found = [
        pd.DataFrame({"name": names[held["series"]], "day": held["timestamp"] // DAY * DAY}).drop_duplicates()
        for held in (group.read(("series", "timestamp")) for group in sample_groups(dataset.path))
    ]
    return pd.concat(found, ignore_index=True).drop_duplicates()
