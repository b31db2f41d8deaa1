"""Looks at a span are counted end to end: whoever is judged, wherever evidence goes, also two at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from titleshot.datasets.contracts.instants import DAY, format_instant
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.replay_log import ReplayLog
from titleshot.pipelines import compare as compare_module
from titleshot.pipelines.compare import Judged, compare
from titleshot.pipelines.replay import replay
from titleshot.registry.home import Home
from titleshot.registry.ledger import Ledger, Looked

pytestmark = pytest.mark.slow
Titleshot = Callable[..., Any]

ANYTHING = """\
name: anything
promote_equals: true
resampling: {resamples: 200}
criteria:
  - {score: incident_recall, kind: ceiling, margin: 0.01}
"""
"""Whatever is compared passes: what is not promoted was stopped by its looks."""


class Bench(NamedTuple):
    data: Dataset
    champion: Path
    challengers: tuple[Path, ...]
    span: tuple[int, int]


@pytest.fixture(scope="module")
def bench(small_platform: Dataset, small_log: ReplayLog, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A champion, three challengers and the span that is scored of them."""
    folder = tmp_path_factory.mktemp("looks")
    logs = tuple(
        replay(small_platform, name, out=folder / name).path for name in ("general", "by_signal", "module")
    )
    policy = folder / "anything.yaml"
    policy.write_text(ANYTHING)
    made = compare(small_log.path, logs[0], labels=small_platform, home=folder / "home", policy=policy)
    settings = made.comparison.challenger.settings
    return Bench(small_platform, small_log.path, logs, (settings.span_from, settings.span_to))


@pytest.fixture
def policy(bench: Bench, tmp_path: Path) -> Callable[[str], Path]:
    """A policy file: ``sealed``, ``fixed_horizon``, or ``alpha_spending`` with two looks planned."""
    start, end = map(format_instant, bench.span)
    more = {
        "sealed": f"data: {{sealed_span: {{span_from: '{start}', span_to: '{end}'}}}}\n",
        "fixed_horizon": "looks: {rule: fixed_horizon}\n",
        "alpha_spending": "looks: {rule: alpha_spending, planned: 2}\n",
    }

    def written(name: str) -> Path:
        path = tmp_path / f"{name}.yaml"
        path.write_text(ANYTHING + more[name])
        return path

    return written


def looks_in(home: Path) -> list[Looked]:
    return [line for line in Ledger(Home(home).ledger).lines() if isinstance(line, Looked)]


def stopped(judged: Judged, looks: int) -> bool:
    times = f"judged {looks} time{'' if looks == 1 else 's'} before"
    said = " ".join(judged.verdict.reasons)
    return judged.verdict.answer == "not_enough_evidence" and judged.verdict.looks == looks and times in said


@pytest.mark.parametrize("rule", ["sealed", "fixed_horizon"])
def test_a_span_is_used_once_whoever_is_judged_and_wherever_the_evidence_goes(
    rule: str, bench: Bench, policy: Callable[[str], Path], tmp_path: Path
) -> None:
    """The best of several on one span: only the first to be looked at can be promoted."""
    home, chosen = tmp_path / "home", policy(rule)

    def judged(challenger: Path, **more: Any) -> Judged:
        return compare(bench.champion, challenger, labels=bench.data, home=home, policy=chosen, **more)

    first, second, third = bench.challengers
    assert judged(first).verdict.answer == "promote"
    assert stopped(judged(second), 1)
    assert stopped(judged(third, out=tmp_path / "elsewhere"), 2)
    assert len(looks_in(home)) == 3
    # The same again is no new look, and no way round the others.
    assert stopped(judged(second), 2)
    again = judged(first)
    assert again.verdict.looks == 2
    assert again.verdict.answer == "not_enough_evidence"


def test_a_sealed_span_is_not_judged_by_one_policy_after_another(
    bench: Bench, policy: Callable[[str], Path], tmp_path: Path
) -> None:
    """Else one would try policies on known numbers until one promotes."""
    home, sealed = tmp_path / "home", policy("sealed")
    strict = tmp_path / "strict.yaml"
    strict.write_text(sealed.read_text().replace("margin: 0.01", "margin: 0.999"))

    def judged(by: Path) -> Judged:
        return compare(bench.champion, bench.challengers[0], labels=bench.data, home=home, policy=by)

    first = judged(strict)
    assert first.verdict.answer != "promote"
    assert first.verdict.looks == 0
    assert stopped(judged(sealed), 1)
    again = judged(strict)
    assert again.verdict.looks == 1
    # Where nothing is sealed, another policy on the same numbers is no new look.
    loose: dict[str, Any] = {"labels": bench.data, "home": tmp_path / "other"}
    open_span = policy("fixed_horizon")
    other = tmp_path / "other.yaml"
    other.write_text(open_span.read_text().replace("margin: 0.01", "margin: 0.02"))
    assert compare(bench.champion, bench.challengers[0], policy=open_span, **loose).verdict.looks == 0
    assert compare(bench.champion, bench.challengers[0], policy=other, **loose).verdict.looks == 0


def test_part_of_a_span_and_the_labels_of_another_day_are_looks_too(
    bench: Bench, policy: Callable[[str], Path], tmp_path: Path
) -> None:
    home, chosen = tmp_path / "home", policy("fixed_horizon")
    words: dict[str, Any] = {"labels": bench.data, "home": home, "policy": chosen}
    first = compare(bench.champion, bench.challengers[0], as_of=bench.span[1] - 4 * DAY, **words)
    assert (first.verdict.answer, first.verdict.looks) == ("promote", 0)
    assert stopped(compare(bench.champion, bench.challengers[0], **words), 1)
    # Another champion is another look as well.
    assert stopped(compare(None, bench.challengers[0], **words), 2)


def test_alpha_spending_reads_at_a_higher_confidence_as_often_as_planned(
    bench: Bench, policy: Callable[[str], Path], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    made = [
        compare(bench.champion, one, labels=bench.data, home=home, policy=policy("alpha_spending"))
        for one in bench.challengers
    ]
    assert [one.verdict.answer for one in made[:2]] == ["promote", "promote"]
    assert stopped(made[2], 2)
    score = made[0].comparison.challenger.score("incident_recall")
    assert score.confidence == pytest.approx(0.95)
    once = compare(
        bench.champion, bench.challengers[0], labels=bench.data, home=tmp_path / "other",
        policy=policy("fixed_horizon"),
    )  # fmt: skip
    wide, narrow = score, once.comparison.challenger.score("incident_recall")
    assert narrow.confidence == pytest.approx(0.90)
    assert wide.low is not None
    assert narrow.low is not None
    assert wide.low < narrow.low


def test_judging_past_evidence_again_is_no_look_and_forgets_none(
    bench: Bench, policy: Callable[[str], Path], tmp_path: Path, titleshot: Titleshot
) -> None:
    home, chosen = tmp_path / "home", policy("fixed_horizon")
    folders = []
    for number, challenger in enumerate(bench.challengers[:2]):
        folders.append(tmp_path / f"evidence-{number}")
        compare(bench.champion, challenger, labels=bench.data, home=home, policy=chosen, out=folders[-1])
    before = (home / "ledger.jsonl").read_bytes()
    words = ("judge", *folders, "--policy", chosen, "--home", home, "--json")
    done = titleshot(*words)
    assert [one["verdict"]["answer"] for one in done.document["judged"]] == ["promote", "not_enough_evidence"]
    assert [one["verdict"]["looks"] for one in done.document["judged"]] == [0, 1]
    assert titleshot(*words).document == done.document
    assert (home / "ledger.jsonl").read_bytes() == before


def test_of_two_at_once_one_sees_the_other(
    bench: Bench, policy: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have counted their looks before either writes one down, unless a lock lets one go first."""
    home, chosen = tmp_path / "home", policy("sealed")
    together, real = threading.Barrier(2), compare_module.judge

    def slow(*args: Any, **more: Any) -> Any:
        try:
            together.wait(timeout=5)
        except threading.BrokenBarrierError:
            together.reset()
        return real(*args, **more)

    monkeypatch.setattr(compare_module, "judge", slow)

    def judged(challenger: Path) -> Judged:
        return compare(bench.champion, challenger, labels=bench.data, home=home, policy=chosen)

    with ThreadPoolExecutor(2) as threads:
        made = list(threads.map(judged, bench.challengers[:2]))
    assert sorted(one.verdict.looks for one in made) == [0, 1]
    assert sorted(one.verdict.answer for one in made) == ["not_enough_evidence", "promote"]
    assert len(looks_in(home)) == 2
