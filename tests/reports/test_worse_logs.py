"""A false page, a repeat or a miss in a real log, compared and judged as a command would do it.

What each is, and that it holds for any world and policy, is in ``tests/registry/test_monotone_verdict.py``;
here the same goes the whole way from pages in a log.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from history import MINUTES, at, dataset, incident, log, page

from titleshot.datasets.contracts.incidents import Page
from titleshot.datasets.contracts.reference import Ownership
from titleshot.datasets.dataset import Dataset
from titleshot.registry.judge import judge
from titleshot.registry.policy import Criterion, GroupGuardrail, Minimum, Policy, load_policy
from titleshot.reports.comparison import compare_logs

RANKS = {"invalid": 0, "reject": 1, "not_enough_evidence": 2, "promote": 3}
DAYS = 60
OWNERS = [
    Ownership(service=f"shop/{name}", team=team, valid_from=0, known_from=0)
    for name, team in (("cart", "shop"), ("web", "shop"), ("db", "data"))
]
INCIDENTS = [
    incident(day + 0.1 + 0.5 * half, "cart" if (day + half) % 3 else "db", severity="high" if half else "low")
    for day in range(DAYS)
    for half in range(2)
]
DEFAULT = load_policy().model_copy(update={"minimum": Minimum()})
GUARDED = Policy(
    name="guarded",
    confidence=0.8,
    promote_equals=True,
    criteria=tuple(
        Criterion(score=name, kind="non_inferiority", margin=margin, margin_ratio=0.1, group_guardrail=rail)
        for name, margin, rail in (
            ("incident_recall", 0.05, GroupGuardrail(by="team", margin=0.1)),
            ("page_precision", 0.05, GroupGuardrail(by="team", margin=0.1)),
            ("false_pages_per_week", 1.0, GroupGuardrail(by="team", margin=0.5)),
            ("false_pages_per_week_worst_team", 1.0, None),
            ("false_pages_per_service_day", 0.1, GroupGuardrail(by="service", margin=0.1)),
            ("shifts_over_budget_ratio", 0.05, None),
            ("mean_time_to_detect_s", 30.0, GroupGuardrail(by="severity", margin=60)),
        )
    ),
)


@dataclass(frozen=True)
class Told:
    """What one contender paged: per incident its pages, and pages for nothing."""

    hits: tuple[tuple[Page, ...], ...]
    needless: tuple[Page, ...]

    @property
    def pages(self) -> list[Page]:
        return [*(page for hit in self.hits for page in hit), *self.needless]


def told(seed: int, recall: float, false: int, repeats: float) -> Told:
    luck = random.Random(seed)  # noqa: S311 - made up, not secret

    def hit(day: float, root: str) -> tuple[Page, ...]:
        if luck.random() > recall:
            return ()
        first = day + luck.choice([2, 3, 4]) * MINUTES
        more = ["web"] if luck.random() < 0.2 else []
        again = [page(first + 7 * MINUTES, root)] if luck.random() < repeats else []
        return page(first, root, *more), *again

    hits = tuple(
        hit((one.start - at(0)) / 86_400e9, one.root_service.removeprefix("shop/")) for one in INCIDENTS
    )
    return Told(hits, tuple(needless(luck) for _ in range(false)))


def needless(luck: random.Random) -> Page:
    """On the service that has no incidents, or at an hour when there are none."""
    return page(luck.randrange(DAYS) + 0.3 + luck.random() / 10, luck.choice(["web", "db", "cart"]))


def worse(before: Told, how: str, luck: random.Random) -> Told:
    if how == "a false page":
        return Told(before.hits, (*before.needless, needless(luck)))
    rows = [row for row, hit in enumerate(before.hits) if len(hit) == 1 or (hit and how == "a repeat")]
    row = luck.choice(rows)
    first = before.hits[row][0]
    root = first.services[0].removeprefix("shop/")
    sent = (first.paged_at - at(0)) / 86_400e9
    if how == "a repeat":
        again = page(sent + 20 * MINUTES, root)
        return Told(
            (*before.hits[:row], (*before.hits[row], again), *before.hits[row + 1 :]), before.needless
        )
    # The page stays when it was sent, with its people; the service it names is theirs and not affected.
    stray = (first.model_copy(update={"services": ("shop/web",)}),) if how == "a miss" else ()
    return Told((*before.hits[:row], (), *before.hits[row + 1 :]), (*before.needless, *stray))


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return dataset(tmp_path_factory.mktemp("history"), INCIDENTS, days=DAYS, reference=OWNERS)


def answers(
    folder: Path, of: Dataset, champion: Told, challengers: Sequence[Told], policy: Policy
) -> list[str]:
    beside = log(folder, champion.pages, of, "champion")
    return [
        judge(
            compare_logs(
                beside,
                log(folder, one.pages, of, f"challenger-{number}"),
                of,
                resamples=200,
                confidence=policy.confidence,
                decisive_confidence=policy.decisive_confidence,
                confidences=policy.confidences(champion=True),
            ),
            policy,
        ).answer
        for number, one in enumerate(challengers)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("policy", [DEFAULT, GUARDED], ids=lambda policy: policy.name)
@pytest.mark.parametrize("how", ["a false page", "a repeat", "a miss", "a miss without its page"])
def test_a_log_made_worse_page_by_page_is_never_answered_better(
    how: str, policy: Policy, history: Dataset, tmp_path: Path
) -> None:
    luck = random.Random(1)  # noqa: S311
    noisy, good = told(1, 0.8, 50, 0.4), told(2, 0.97, 4, 0.1)
    steps = [good]
    for _ in range(24):
        steps.append(worse(steps[-1], how, luck))
    found = answers(tmp_path, history, noisy, steps[::8], policy)
    ranks = [RANKS[answer] for answer in found]
    assert ranks == sorted(ranks, reverse=True), found
    assert found[0] == "promote"
