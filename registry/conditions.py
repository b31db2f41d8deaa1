"""What a policy asks for besides its criteria: of each an evidence that meets it and one that does not.

All of them start from evidence that passes the policy's first criterion, with one thing changed, and go
through the judge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from titleshot.datasets.contracts.comparisons import Comparison
from titleshot.datasets.contracts.instants import DAY
from titleshot.datasets.contracts.measured import Measured
from titleshot.datasets.contracts.scores import Scorecard
from titleshot.datasets.contracts.validation import RuleResult, ValidationReport
from titleshot.datasets.contracts.verdicts import Answer
from titleshot.registry.examples import Example, alone
from titleshot.registry.judge import judge
from titleshot.registry.policy import Budgets, Data, Minimum, Policy
from titleshot.registry.wording import budget

PAGE_HISTORY = "0" * 64


class Tried(NamedTuple):
    """One evidence under one condition."""

    what: str
    answer: Answer
    expected: Answer


class Condition(NamedTuple):
    """Something asked for, tried on evidence that meets it and on evidence that does not."""

    name: str
    tried: tuple[Tried, ...]

    @property
    def wrong(self) -> list[str]:
        """What did not come out as it must."""
        return [
            f"{self.name}, {one.what}: {one.answer}, must be {one.expected}"
            for one in self.tried
            if one.answer != one.expected
        ]


def conditions(policy: Policy, passing: Example) -> list[Condition]:
    """Every condition of the policy that the judge holds evidence against."""
    plain = alone(policy, policy.criteria[0].model_copy(update={"group_guardrail": None}))

    def asked(**changes: Any) -> Callable[..., Answer]:
        changed = plain.model_copy(update=changes)
        return lambda comparison=passing.comparison, **more: (
            judge(comparison, changed, **{"judged_at": 0, **more}).answer
        )

    return [
        *_of_minimum(policy, passing.comparison, asked),
        *_of_shadow(policy, asked),
        *_of_data(policy, passing.comparison, asked),
        *_of_looks(policy, passing.comparison, asked),
        *_of_narrow(policy, passing.comparison, asked),
    ]


Asked = Callable[..., Callable[..., Answer]]


def _told(under: Callable[..., Answer], name: str) -> Callable[[Any], Answer]:
    """What is answered where the judge is told this of what it cannot read from the comparison."""
    return lambda given: under(**{name: given})


def _with(under: Callable[..., Answer], comparison: Comparison, field: str) -> Callable[[Any], Answer]:
    """What is answered where a field of the comparison is another."""
    return lambda given: under(comparison.model_copy(update={field: given}))


def _tried(judged: Callable[[Any], Answer], pairs: dict[str, tuple[Any, Answer]]) -> tuple[Tried, ...]:
    return tuple(Tried(what, judged(given), expected) for what, (given, expected) in pairs.items())


def _of_minimum(policy: Policy, passing: Comparison, asked: Asked) -> Iterator[Condition]:
    minimum = policy.minimum
    for name, part, field, least in (
        ("incidents", "incidents", "incidents_scored", minimum.incidents),
        ("days", "blocks", "blocks", minimum.blocks),
    ):
        if least:
            under = asked(minimum=Minimum.model_validate({part: least}))
            yield Condition(
                f"minimum {name}",
                _tried(
                    _with(under, passing, field),
                    {
                        f"{least:,} {name}": (least, "promote"),
                        f"{least - 1:,} {name}": (least - 1, "not_enough_evidence"),
                    },
                ),
            )
    if minimum.discordant_pairs and policy.criteria[0].kind == "superiority":
        under = asked(minimum=Minimum(discordant_pairs=minimum.discordant_pairs))
        least = minimum.discordant_pairs

        def apart(n: int) -> Answer:
            pair = passing.pairs[0].model_copy(update={"discordant": (n, 0)})
            return under(passing.model_copy(update={"pairs": (pair,)}))

        yield Condition(
            "minimum discordant pairs",
            _tried(
                apart,
                {
                    f"{least} incidents only one detected": (least, "promote"),
                    f"{least - 1} of them": (least - 1, "not_enough_evidence"),
                },
            ),
        )
    if minimum.judged_share:
        share = minimum.judged_share
        under = asked(minimum=Minimum(judged_share=share))
        yield Condition(
            "minimum judged share",
            _tried(
                _told(under, "judged_share"),
                {
                    f"{share:g} of the challenger's pages": (share, "promote"),
                    f"{share / 2:g} of them": (share / 2, "not_enough_evidence"),
                    "no page judged": (None, "not_enough_evidence"),
                },
            ),
        )


def _of_shadow(policy: Policy, asked: Asked) -> Iterator[Condition]:
    for name, least in (
        ("shadow_hours", policy.minimum.shadow_hours),
        ("shadow_coverage", policy.minimum.shadow_coverage),
    ):
        if least:
            under = asked(minimum=Minimum.model_validate({name: least}))
            yield Condition(
                f"minimum {name.replace('_', ' ')}",
                _tried(
                    _told(under, "measured"),
                    {
                        f"{least:g}": (_ran(name, least), "promote"),
                        f"{0.9 * least:g}": (_ran(name, 0.9 * least), "not_enough_evidence"),
                        "not measured": (None, "not_enough_evidence"),
                    },
                ),
            )
    for name in ("p99_latency_ms", "memory_mb"):
        limit = getattr(policy.budgets, name) if policy.budgets else None
        if limit is not None:
            under = asked(budgets=Budgets.model_validate({name: limit}))
            yield Condition(
                f"budget {name}",
                _tried(
                    _told(under, "measured"),
                    {
                        budget(name, 0.9 * limit): (_ran(name, 0.9 * limit), "promote"),
                        budget(name, 1.1 * limit): (_ran(name, 1.1 * limit), "reject"),
                        "not measured": (None, "not_enough_evidence"),
                    },
                ),
            )


def _ran(name: str, value: float | None) -> Measured | None:
    if value is None:
        return None
    common = {"contender": "challenger", "measured_from": 0, "measured_to": 0}
    return Measured.model_validate({**common, "shadow_hours": 0, "shadow_coverage": 1, name: value})


def _of_data(policy: Policy, passing: Comparison, asked: Asked) -> Iterator[Condition]:
    data = policy.data
    if data.maximum_label_age_days is not None:
        age = data.maximum_label_age_days
        under = asked(data=Data(maximum_label_age_days=age))
        yield Condition(
            "label age",
            _tried(
                _told(under, "judged_at"),
                {
                    f"{age:g} days": (round(age * DAY), "promote"),
                    f"{age + 1:g} days": (round((age + 1) * DAY), "not_enough_evidence"),
                },
            ),
        )
    for suite in data.suites:
        under = asked(data=Data(suites=(suite,)))
        yield Condition(
            f"suite {suite}",
            _tried(
                _told(under, "validation"),
                {
                    "every rule passed": (_report(suite, passed=True), "promote"),
                    "a rule that only warns did not": (_report(suite, passed=False), "invalid"),
                    "never run": (None, "invalid"),
                },
            ),
        )
    if (sealed := data.sealed_span) is not None:
        under = asked(data=Data(sealed_span=sealed))

        yield Condition(
            "sealed span",
            _tried(
                under,
                {
                    "that span": (_over(passing, sealed.span_from, sealed.span_to), "promote"),
                    "a day more": (_over(passing, sealed.span_from, sealed.span_to + DAY), "invalid"),
                },
            ),
        )
    if policy.baseline != "live":
        under = asked(baseline=policy.baseline)

        yield Condition(
            "baseline",
            tuple(
                Tried(
                    kind, under(_against(passing, kind)), "promote" if kind == policy.baseline else "invalid"
                )
                for kind in ("champion", "page_history", "never")
            ),
        )


def _of_looks(policy: Policy, passing: Comparison, asked: Asked) -> Iterator[Condition]:
    sealed = policy.data.sealed_span
    planned = policy.planned_looks
    under = asked(data=Data(sealed_span=sealed))
    comparison = _over(passing, sealed.span_from, sealed.span_to) if sealed else passing
    yield Condition(
        "looks",
        (
            Tried(f"look {planned} of {planned}", under(comparison, looks=planned - 1), "promote"),
            Tried("one more", under(comparison, looks=planned), "not_enough_evidence"),
        ),
    )


def _of_narrow(policy: Policy, passing: Comparison, asked: Asked) -> Iterator[Condition]:
    if (tier := policy.narrow) is None:
        return
    few, usual, group = tier.minimum.incidents, policy.minimum.incidents, tier.groups[0]
    tier = tier.model_copy(update={"minimum": Minimum(incidents=few)})
    under = asked(narrow=tier, minimum=Minimum(incidents=usual))
    comparison = passing.model_copy(update={"incidents_scored": few})
    of_all: Answer = "promote" if few >= usual else "not_enough_evidence"
    yield Condition(
        "narrow groups",
        (
            Tried(f"{few:,} incidents for {group}", under(comparison, group=group), "promote"),
            Tried("as many for everyone", under(comparison), of_all),
        ),
    )


def _over(comparison: Comparison, span_from: int, span_to: int) -> Comparison:
    """The comparison as if it were of another span."""

    def moved(card: Scorecard) -> Scorecard:
        settings = card.settings.model_copy(update={"span_from": span_from, "span_to": span_to})
        return card.model_copy(update={"settings": settings})

    return comparison.model_copy(
        update={"champion": moved(comparison.champion), "challenger": moved(comparison.challenger)}
    )


def _against(comparison: Comparison, kind: str) -> Comparison:
    """The comparison as if it were against another baseline."""
    who = {"contender": kind, "pages_digest": PAGE_HISTORY if kind == "page_history" else None}
    champion = comparison.champion
    identity = champion.identity.model_copy(update=who)
    return comparison.model_copy(update={"champion": champion.model_copy(update={"identity": identity})})


def _report(suite: str, *, passed: bool) -> ValidationReport:
    rule = RuleResult(rule="example", table=suite, severity="warning", passed=passed)
    return ValidationReport(passed=True, dataset_digest="", labels_digest="", rules=(rule,), validated_at=0)
