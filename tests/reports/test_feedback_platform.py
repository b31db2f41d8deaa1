"""Twenty queued answers against twenty on pages drawn from all unjudged ones, on twenty synthetic platforms.

What this measures stands in ``reports/feedback/README.md``. The reviewer knows the planted incidents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache

import numpy as np
import pytest

from titleshot.datasets.contracts.labels import FeedbackVerdict
from titleshot.datasets.contracts.validation import ValidationReport
from titleshot.datasets.dataset import VALIDATION, Dataset
from titleshot.datasets.replay_log import ReplayLog
from titleshot.pipelines.generate import generate
from titleshot.pipelines.replay import replay
from titleshot.reports import identity
from titleshot.reports.assignment import DETECTION, DUPLICATE, FAN_OUT
from titleshot.reports.feedback.answers import Judgement
from titleshot.reports.feedback.panel import Panel
from titleshot.reports.feedback.queue import review_queue
from titleshot.reports.feedback.report import difference
from titleshot.reports.terms import Terms

pytestmark = pytest.mark.slow
SEEDS = range(20)
ASKED = 20
TOOL = "tool"
"""The page history of today's tool, about half of whose pages were answered on."""
Panels = Callable[[int, str, str], Panel]


@pytest.fixture(scope="module")
def panels(tmp_path_factory: pytest.TempPathFactory) -> Panels:
    """A champion against a challenger on the platform of a seed: six services, thirty days."""
    folder = tmp_path_factory.mktemp("platforms")

    @cache
    def platform(seed: int) -> Dataset:
        of = generate(folder / f"{seed}", services=6, days=30, cadence_s=600, seed=seed)
        report = ValidationReport(
            passed=True,
            dataset_digest=of.card.digest,
            labels_digest=of.labels().digest,
            rules=(),
            validated_at=of.card.span_to,
        )
        (of.path / VALIDATION).write_text(report.to_json(), encoding="utf-8")
        return of

    @cache
    def log(seed: int, name: str) -> ReplayLog:
        return replay(platform(seed), name, out=folder / f"{seed}.{name}")

    def made(seed: int, champion: str, challenger: str) -> Panel:
        of = platform(seed)
        terms = Terms.of(of, [log(seed, name) for name in (champion, challenger) if name != TOOL])
        sides = (
            terms.paging(terms.labels.pages, identity.of_never(of, terms.labels))
            if name == TOOL
            else terms.contestant(log(seed, name))
            for name in (champion, challenger)
        )
        return Panel.of(terms, *sides)

    return made


def true_verdict(panel: Panel, name: str) -> FeedbackVerdict:
    """What a reviewer who knows the planted incidents says."""
    told = panel.stories.rows[panel.stories.named[name][0]]
    if told.result == DETECTION:
        late = told.page.paged_at - told.start > panel.terms.settings.detect_within_s * 1e9
        return "late" if late else "useful"
    return "duplicated" if told.result in {DUPLICATE, FAN_OUT} else "noisy"


def width_after(panel: Panel, names: Iterable[str]) -> float:
    judged = {**panel.judged, **{name: Judgement(true_verdict(panel, name), None, 1) for name in names}}
    width = difference(panel, panel.stories.settle(judged)).width
    assert width is not None
    return width


def unjudged_pages(panel: Panel) -> list[str]:
    """Ids of scored pages of either that no answer reaches."""
    settled = panel.stories.settle(panel.judged)
    rows = [row for row in np.flatnonzero(panel.scored).tolist() if settled.verdict[row] is None]
    return sorted({panel.stories.rows[row].page.page_id for row in rows})


def narrower(panel: Panel, seed: int) -> float:
    """Width after twenty queued answers over that after twenty on pages drawn from all unjudged ones."""
    unjudged = unjudged_pages(panel)
    assert len(unjudged) > 2 * ASKED
    queued = [one.page_id for one in review_queue(panel, n=ASKED, seed=seed).pages]
    anywhere = np.random.default_rng([99, seed]).choice(unjudged, ASKED, replace=False).tolist()
    return width_after(panel, queued) / width_after(panel, anywhere)


@pytest.mark.parametrize(
    ("champion", "challenger", "most"),
    [
        (TOOL, "general", 0.80),
        ("baseline", "general", 0.85),
        ("baseline", "by_signal", 0.85),
        ("general", "by_signal", 0.85),
    ],
)
def test_twenty_queued_answers_leave_a_narrower_bracket_than_twenty_anywhere(
    panels: Panels, champion: str, challenger: str, most: float
) -> None:
    """Median over twenty platforms, each with other answers known already, another queue, another draw.

    Widths run from confidence limit to confidence limit.
    """
    ratios = [narrower(panels(seed + 1, champion, challenger), seed) for seed in SEEDS]
    print(f"{champion} {challenger} {np.quantile(ratios, [0, 0.25, 0.5, 0.75, 1]).round(3).tolist()}")
    assert np.median(ratios) <= most, sorted(ratios)


@pytest.mark.parametrize("platform", [1, 5])
def test_so_they_do_on_one_platform_whatever_is_drawn(panels: Panels, platform: int) -> None:
    panel = panels(platform, TOOL, "general")
    ratios = [narrower(panel, seed) for seed in SEEDS]
    assert np.median(ratios) <= 0.85, sorted(ratios)
