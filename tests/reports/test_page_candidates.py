"""What the page of a log says of its incident candidates."""

from __future__ import annotations

import page_fixture as pages

from titleshot.datasets.contracts.scores import CorrelationScores, Score
from titleshot.reports.page import render_scorecard
from titleshot.reports.rendering.candidates import candidate_panel


def score(name: str, value: float | None, *, context: bool = False, unit: str = "ratio") -> Score:
    why = "made up" if value is not None else "every alert is alone"
    better = None if context else "up"
    return Score(name=name, value=value, unit=unit, better=better, n=12, n_of="incidents", reason=why)


FOUND = CorrelationScores(
    scores=(score("bcubed_f", 0.69), score("bcubed_precision", None), score("ac_at_1", 0.458)),
    context=(score("any_hit_precision", 0.069, context=True), score("ac_at_1_detected", 0.5, context=True)),
    baselines={
        "one_giant": (
            score("bcubed_f", 0.022),
            score("bcubed_precision", 0.011),
            score("any_hit_precision", 1),
        )
    },
    hypothesis_baselines={"oracle": (score("ac_at_1", 0.75), score("ac_at_1_detected", 0.9))},
)


def page(found: CorrelationScores | None) -> str:
    return render_scorecard(pages.comparison().challenger.model_copy(update={"correlation": found}))


def test_scores_stand_beside_what_knows_nothing_and_context_is_folded() -> None:
    panel = candidate_panel(FOUND)
    assert panel is not None
    assert panel.cuts.columns == ("all in one",)
    assert [(row.value, row.beside) for row in panel.cuts.rows] == [
        ("69.0\xa0%", ("2.2\xa0%",)),
        ("–", ("1.1\xa0%",)),
    ]
    assert [row.title for row in panel.causes.rows] == ["First suspicion right"]
    assert [row.beside for row in panel.cuts.context] == [("100\xa0%",)]
    shown = page(FOUND)
    assert "For context, never to decide on (1)" in shown
    assert "every alert is alone" in shown
    assert 'href="#candidates"' in shown
    assert 'id="candidates"' in shown


def test_every_score_shown_is_explained() -> None:
    shown = page(FOUND)
    words = shown[shown.index('id="explained"') :]
    assert "Are alerts of one incident together, and with nothing else?" in words
    for one in (*FOUND.scores, *FOUND.context):
        assert f'href="#score-{one.name}"' in shown
        assert f"<code>{one.name}</code>" in words


def test_a_log_without_candidates_says_why_and_an_old_scorecard_says_nothing() -> None:
    opaque = page(CorrelationScores(reason="a page history holds <no> events"))
    assert "Not scored: a page history holds &lt;no&gt; events." in opaque
    assert 'id="candidates"' not in page(None)
    assert 'href="#candidates"' not in page(None)
