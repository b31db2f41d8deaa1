"""The slow way to the same answer: Great Expectations row by row on pandas, nothing profiled first.

It reads the tables by itself, joins them with pandas and asks every row what ``by_rows`` of each suite asks,
so it shows that the fast pass and its small frames see what is there. For small data (10 million rows take
tens of seconds and gigabytes). Import it inside functions only, like the gate.
"""

from __future__ import annotations

from titleshot.datasets.dataset import Dataset
from titleshot.datasets.validation.gate import gate_rows
from titleshot.datasets.validation.rows_of_labels import feedback_rows, label_rows, page_rows
from titleshot.datasets.validation.rows_of_reference import event_rows, kind_rows, reference_rows
from titleshot.datasets.validation.rows_of_samples import sample_rows, series_rows
from titleshot.datasets.validation.suite import Check, load_suite

NOT_IN_ROWS = {
    "table_rows": "about files",
    "table_readable": "about files: what cannot be read has no rows",
    "table_empty": "about files: what is empty has no rows",
    "dataset_rows": "about the dataset as one",
    "unchanged": "about digests",
    "row_count": "about the card",
    "nothing_finite": "about the dataset as one",
    "has_labels": "about the dataset as one",
    "telemetry_freshness": "about the card",
    "label_freshness": "about the card",
    "import_rows": "about the import report",
    "quarantined": "about rows that are not in the dataset",
    "quarantined_share": "about rows that are not in the dataset",
    "naive_timestamps": "about the import report",
    "clock_changes": "about the import report",
    "files_unread": "about the import report",
    "label_files": "about files",
    "label_contract": "about lines that are no rows",
    "label_half_written": "about lines that are no rows",
    "setting_rows": "about the card",
    "setting_refers_to_nothing": "about the card",
    "nothing_is_scored": "about the card",
    "range_without_metric": "about the card",
}
"""Rules that rows cannot show, and why."""


def cross_check(dataset: Dataset) -> set[str]:
    """Names of the report's rules that rows of the dataset break, or that could not be checked.

    Raises:
        MalformedInput: a table cannot be read.
    """
    thresholds = dataset.card.validation

    def checks(table: str) -> tuple[Check, ...]:
        return thresholds.over(load_suite(table)).by_rows

    labels, reference = dataset.labels(), dataset.reference()
    samples = sample_rows(dataset)
    tables = {
        "profile": samples,
        "series": series_rows(dataset, samples),
        "labels": label_rows(dataset, labels, reference),
        "feedback": feedback_rows(dataset, labels, reference),
        "pages": page_rows(dataset, labels, reference),
        "reference": reference_rows(dataset, reference),
        **kind_rows(dataset, reference),
        "log_events": event_rows(dataset, dataset.log_events(), reference),
        "platform_events": event_rows(dataset, dataset.platform_events(), reference),
    }
    asked = [(table, rows, checks(table)) for table, rows in tables.items() if len(rows)]
    return {outcome.check.rule for outcome in gate_rows(asked) if not outcome.passed}
