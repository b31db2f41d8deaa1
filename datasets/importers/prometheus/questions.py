"""What is asked of Prometheus: the file of queries, or single ones with the rules that fit most setups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from titleshot.datasets.contracts.record import Record, Severity, in_words
from titleshot.datasets.errors import UsageError
from titleshot.datasets.importers.prometheus.label_rules import LabelRules, Rule
from titleshot.datasets.yaml_file import read_yaml

FIRING = 'ALERTS{alertstate="firing"}'
SEVERITIES: dict[str, Severity] = {
    **dict.fromkeys(("critical", "page", "emergency", "fatal", "disaster", "p1", "sev1"), "critical"),
    **dict.fromkeys(("high", "error", "major", "p2", "sev2"), "high"),
    **dict.fromkeys(("medium", "warning", "warn", "minor", "p3", "sev3"), "medium"),
    **dict.fromkeys(("low", "info", "notice", "none", "p4", "p5", "sev4", "sev5"), "low"),
}
"""Severity by the word of the ``severity`` label, in small letters; another word, or none, is medium."""


def step_ms(step_s: float) -> int:
    """A step in whole milliseconds, as Prometheus keeps time.

    Raises:
        ValueError: not a number of whole milliseconds above 0.

    >>> step_ms(0.25)
    250
    """
    step = round(step_s * 1000) if 0 < step_s < 1e9 else 0
    if step < 1 or abs(step / 1000 - step_s) > 1e-9 * step_s:
        raise ValueError(f"a step is seconds above 0 in whole milliseconds, like 15 or 0.25, got {step_s}")
    return step


def _is_step(step_s: float) -> float:
    step_ms(step_s)
    return step_s


Step = Annotated[float, AfterValidator(_is_step)]


class Query(BaseModel):
    """One query; a rule left out is that of the file's ``rules``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    query: Annotated[str, Field(min_length=1, max_length=100_000)]
    step_s: Step | None = None
    recorded: bool = False
    """The samples as recorded, at their own times; only for a plain selector."""
    namespace: Rule | None = None
    service: Rule | None = None
    metric_name: Rule | None = None
    keep: tuple[str, ...] | None = None
    drop: tuple[str, ...] | None = None


class AlertRules(BaseModel):
    """How firing alerts become pages; services are named as the file's ``rules`` say."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    query: Annotated[str, Field(min_length=1)] = FIRING
    """A selector of alerts that are firing."""
    namespace: Rule | None = None
    service: Rule | None = None
    route: Rule = ("{receiver}", "{team}", "{alertname}")
    severities: dict[str, Literal["low", "medium", "high", "critical"]] = Field(default_factory=dict)
    """By the word of the ``severity`` label; added to :data:`SEVERITIES`."""


class QueriesFile(Record):
    """``queries.yaml``."""

    step_s: Step | None = None
    rules: LabelRules = LabelRules()
    queries: Annotated[tuple[Query, ...], Field(min_length=1)]
    alerts: AlertRules = AlertRules()


@dataclass(frozen=True)
class Question:
    """One query with everything decided about it."""

    number: int
    """From 1; 0 is the alert history."""
    query: str
    step_ms: int
    recorded: bool
    rules: LabelRules

    def in_order(self) -> tuple[str, int, bool, str]:
        """A key to sort questions by, whatever number they have."""
        return self.query, self.step_ms, self.recorded, self.rules.model_dump_json()

    @property
    def said(self) -> str:
        """The query in an error message."""
        text = self.query if len(self.query) <= 200 else f"{self.query[:200]}…"
        return (
            f"query {self.number} ({text})"
            if self.number
            else f"the alert history ({text}), which --no-alerts leaves out"
        )


def asked(
    file: Path | None, selectors: Sequence[str], step_s: float, recorded: bool
) -> tuple[list[Question], AlertRules, LabelRules]:
    """Every question, how alerts become pages, and by which rules alerts name their services.

    Args:
        step_s: where neither a query nor the file says.
        recorded: whether the single ``selectors`` ask for samples as recorded.

    Raises:
        MalformedInput: file, line and field of what is wrong with the file.
        UsageError: neither file nor selector, or a step that is none.
    """
    if file is None and not selectors:
        raise UsageError("nothing is asked: name a --queries FILE.yaml, or a --query SELECTOR or several")
    try:
        default_ms = step_ms(step_s)
    except ValueError as error:
        raise UsageError(f"--step-s: {error}") from None
    document = None if file is None else read_yaml(file)
    settings = None if document is None else document.build(QueriesFile)
    rules = LabelRules() if settings is None else settings.rules
    queries = [_single(text, recorded) for text in selectors]
    if settings is not None:
        if settings.step_s is not None:
            default_ms = step_ms(settings.step_s)
        queries = [*settings.queries, *queries]
    questions = [
        Question(
            number,
            query.query.strip(),
            default_ms if query.step_s is None else step_ms(query.step_s),
            query.recorded,
            _over(rules, query),
        )
        for number, query in enumerate(queries, 1)
    ]
    met: dict[Question, int] = {}
    for question in questions:
        first = met.setdefault(replace(question, number=0), question.number)
        if first != question.number:
            message = f"the same question as query {first}; leave one out"
            if document is not None and question.number <= len(document.data["queries"]):
                raise document.fault(("queries", question.number - 1), message)
            raise UsageError(f"--query {question.query}: {message}")
    alerts = AlertRules() if settings is None else settings.alerts
    return questions, alerts, _over(rules, alerts)


def _single(text: str, recorded: bool) -> Query:
    try:
        return Query(query=text.strip(), recorded=recorded)
    except ValidationError as error:
        message = in_words(error.errors()[0]["msg"])
        raise UsageError(
            f"--query {text[:80]!r}: {message}; give a selector like up or http_requests_total{{job='web'}}"
        ) from None


def _over(rules: LabelRules, own: Query | AlertRules) -> LabelRules:
    """The rules with what is said at the query itself in their place."""
    fields = {name: getattr(own, name, None) for name in LabelRules.model_fields}
    return rules.model_copy(update={name: rule for name, rule in fields.items() if rule is not None})
