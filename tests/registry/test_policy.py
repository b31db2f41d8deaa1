"""The policy file: what it may say, what it must, and how its faults are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from titleshot.datasets.errors import MalformedInput
from titleshot.registry.policy import load_policy
from titleshot.registry.rehearsal import chances

PLAIN = "name: p\ncriteria:\n  - {score: alarming_precision, kind: superiority}\n"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (PLAIN.replace("kind:", "knd:"), ":3: criteria.0.knd: unknown field; did you mean 'kind'?"),
        (PLAIN.replace("superiority", "better"), ":3: criteria.0.kind: Input should be 'superiority'"),
        (PLAIN + "confidence: 1.5\n", ":4: confidence: Input should be less than 1, got 1.5"),
        (PLAIN + "decisive_confidence: 0.8\n", "decisive_confidence 0.8 must be above confidence 0.9"),
        (PLAIN + "  - {score: x, kind: non_inferiority}\n", ":4: criteria.1: non_inferiority needs a margin"),
        (PLAIN + "  - {score: x, kind: ceiling}\n", ":4: criteria.1: a ceiling needs a margin"),
        (
            PLAIN + "  - {score: alarming_precision, kind: superiority, margin: 1}\n",
            "is asked twice; keep one",
        ),
        (PLAIN.replace("superiority", "non_inferiority, margin: 0.1"), "no criterion is a superiority"),
        (PLAIN + "looks: {rule: fixed_horizon, planned: 3}\n", ":4: looks: fixed_horizon is one look"),
        ("name: p\ncriteria: []\n", ":2: criteria:"),
        (PLAIN + "criteria: []\n", ":4: 'criteria' stands twice"),
    ],
)
def test_a_fault_names_file_line_and_way_out(tmp_path: Path, text: str, words: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(MalformedInput) as error:
        load_policy(path)
    assert str(path) in str(error.value)
    assert words in str(error.value)


def test_the_digest_is_of_what_is_asked_not_of_how_it_is_written(tmp_path: Path) -> None:
    plain = load_policy(written(tmp_path, PLAIN)).digest
    longer = "# a comment\nconfidence: 0.9\ndescription: words\n" + PLAIN
    assert load_policy(written(tmp_path, longer)).digest == plain
    assert load_policy(written(tmp_path, PLAIN + "confidence: 0.91\n")).digest != plain


def test_alpha_spending_shares_the_error_among_the_planned_looks(tmp_path: Path) -> None:
    policy = load_policy(written(tmp_path, PLAIN + "looks: {rule: alpha_spending, planned: 5}\n"))
    assert policy.confidence_of(policy.criteria[0]) == pytest.approx(0.98)


def test_a_challenger_at_the_margin_passes_one_time_in_twenty_over_all_looks() -> None:
    policy = load_policy()
    for criterion in policy.criteria:
        for chance in chances(policy, criterion):
            assert chance.at_the_margin * policy.looks.planned == pytest.approx(0.05)


def test_one_look_of_equals_passes_as_often_as_the_design_measured(tmp_path: Path) -> None:
    text = PLAIN + "  - {score: incident_recall, kind: non_inferiority, margin: 0.05}\n"
    policy = load_policy(written(tmp_path, text))
    shares = {chance.incidents: chance.equal for chance in chances(policy, policy.criteria[1])}
    # SCORING 4: .42 / .71 / .92 at 100 / 200 / 400 incidents and 10 % discordant pairs.
    assert [round(shares[n], 1) for n in (100, 200, 400)] == [0.5, 0.7, 0.9]
