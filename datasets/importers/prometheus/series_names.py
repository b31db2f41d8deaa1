"""Results into series of the dataset: named by the rules, set aside where they give no name, never merged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from titleshot.datasets.contracts.record import SeriesKey, canonical_json
from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.errors import MalformedInput
from titleshot.datasets.importers.prometheus.answer import AnsweredSeries
from titleshot.datasets.importers.prometheus.label_rules import named
from titleshot.datasets.importers.prometheus.questions import Question

Origin = tuple[int, str]
"""Number of the query, and the labels of its result as canonical JSON."""


class SeriesNames:
    """Gives every result its code in the writer."""

    def __init__(self, into: DatasetWriter) -> None:
        self._into = into
        self._codes: dict[Origin, int] = {}
        self._keys: dict[int, SeriesKey] = {}
        self._origins: dict[SeriesKey, Origin] = {}
        self.series: Counter[int] = Counter()
        """Results that got a name, by number of the query."""
        self.slashes = 0
        """Namespaces in which a slash was replaced."""
        self._refused: Counter[tuple[int, str]] = Counter()

    def code(self, question: Question, series: AnsweredSeries) -> int:
        """The code of a result; -1 where no series can be called so.

        Raises:
            MalformedInput: another result has the same name already.
        """
        origin = (question.number, canonical_json(series.labels))
        code = self._codes.get(origin)
        if code is None:
            code = self._codes[origin] = self._new(question, series.labels, origin)
        return code

    def key(self, code: int) -> SeriesKey:
        """The key of a code given before."""
        return self._keys[code]

    def check_some(self, question: Question) -> None:
        """Refuse a query all of whose results were set aside: its rules do not fit it.

        Raises:
            MalformedInput: names the query and the rule that gives nothing.
        """
        reasons = {why: n for (number, why), n in self._refused.items() if number == question.number}
        if reasons and not self.series[question.number]:
            why = max(reasons, key=lambda reason: reasons[reason])
            field = why.partition("no ")[2].partition(":")[0] or "namespace, service or metric_name"
            raise MalformedInput(
                f"{question.said}: none of its {sum(reasons.values())} results can be named: {why}; say in"
                f" the queries file what its {field} is"
            )

    def _new(self, question: Question, labels: Mapping[str, str], origin: Origin) -> int:
        found = named(question.rules, labels)
        if isinstance(found, str):
            return self._aside(question, found, found, origin)
        try:
            code = int(self._into.add_series([found.key])[0])
        except MalformedInput as error:
            return self._aside(question, "a name that cannot be", str(error), origin)
        first = self._origins.setdefault(found.key, origin)
        if first != origin:
            raise MalformedInput(_collision(question, found.key, first, origin))
        self._keys[code] = found.key
        self.series[question.number] += 1
        self.slashes += found.slash_replaced
        return code

    def _aside(self, question: Question, reason: str, detail: str, origin: Origin) -> int:
        self._refused[question.number, reason] += 1
        self._into.quarantine(
            "series", reason, detail, f"query {question.number}", len(self._codes) + 1, origin[1]
        )
        return -1


def _collision(question: Question, key: SeriesKey, first: Origin, second: Origin) -> str:
    return (
        f"{question.said}: two results would be one series {'/'.join(key[:3])} {key.series_labels}:"
        f" {_cut(first[1])} of query {first[0]} and {_cut(second[1])} of query {second[0]}; keep a label that"
        " tells them apart, aggregate them in the query, or give another metric_name"
    )


def _cut(text: str) -> str:
    return text if len(text) <= 300 else f"{text[:300]}…"
