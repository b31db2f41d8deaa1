"""The laws, on every registered detector and correlator, every shipped contender, and on the mutants."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from titleshot.detectors.check import LAWS
from titleshot.detectors.correlators.families import FAMILIES as CORRELATORS
from titleshot.detectors.families import FAMILIES as DETECTORS
from titleshot.detectors.law_findings import breach, try_laws
from titleshot.detectors.law_streams import hard_stream
from titleshot.detectors.law_subjects import subject_of
from titleshot.detectors.recipe import shipped_contenders

_MUTANTS = Path(__file__).with_name("mutants.py")
_SUBJECTS = [*DETECTORS, *CORRELATORS, *sorted(set(shipped_contenders()) - {"labelled"})]
"""``labelled`` has nothing but feature rows: test_row_laws.py tries these."""
_MEMORY = st.sampled_from([None, 600.0, 1800.0])
_NOVELTY: dict[str, st.SearchStrategy[Any]] = {
    "window": st.integers(30, 60),
    "min_points": st.integers(5, 9),
    "memory_s": _MEMORY,
    "young_s": st.sampled_from([0.0, 600.0]),
    "quiet_s": st.sampled_from([60.0, 600.0]),
    "alarms_s": st.just(3_600.0),
    "repeat_ratio": st.sampled_from([0.0, 1.0]),
}
_PARAMS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "value_novelty": st.fixed_dictionaries(_NOVELTY),
    "novelty": st.fixed_dictionaries(
        {**_NOVELTY, "level_points": st.integers(2, 9), "memory_s": st.sampled_from([None, 200_000.0])}
    ),
    "rolling_z_score": st.fixed_dictionaries(
        {
            "window": st.integers(5, 30),
            "min_points": st.integers(3, 5),
            "deviation": st.sampled_from(["population", "sample"]),
            "direction": st.sampled_from(["both", "high", "low"]),
            "memory_s": _MEMORY,
            "spread_floor": st.sampled_from([0.0, 0.1]),
        }
    ),
    "robust_mad": st.fixed_dictionaries(
        {
            "window": st.integers(5, 31),
            "min_points": st.integers(3, 5),
            "direction": st.sampled_from(["both", "high", "low"]),
            "memory_s": _MEMORY,
            "spread_floor_ratio": st.sampled_from([0.0, 0.01]),
        }
    ),
    "dspot": st.fixed_dictionaries(
        {
            "window": st.just(100),
            "min_points": st.just(50),
            "depth": st.integers(1, 5),
            "direction": st.sampled_from(["both", "high", "low"]),
            "memory_s": st.sampled_from([None, 3_600.0]),
            "spread_floor": st.sampled_from([0.0, 0.5]),
        }
    ),
    "ensemble": st.fixed_dictionaries({"needed": st.sampled_from([1, 2])}),
    "seasonal_baseline": st.fixed_dictionaries(
        {
            "period": st.sampled_from(["week", "day"]),
            "slot_s": st.sampled_from([900.0, 3600.0, 21600.0]),
            "utc_offset_s": st.sampled_from([0.0, 19_800.0]),
        }
    ),
}
"""Parameters to vary by family; a family without an entry is tried with its defaults."""


def _mutants() -> dict[type, tuple[int, ...]]:
    name = "titleshot_law_mutants"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, _MUTANTS)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name].MUTANTS  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "law", [law for law in LAWS if law.number not in (5, 8)], ids=lambda law: law.promise
)
@pytest.mark.parametrize("target", _SUBJECTS)
def test_every_registered_part_keeps_the_law(target: str, law: Any) -> None:
    @settings(
        max_examples=8,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(seed=st.integers(0, 10_000), points=st.integers(1, 80), params=_PARAMS.get(target, st.just({})))
    def keeps(seed: int, points: int, params: dict[str, Any]) -> None:
        subject = subject_of(target, params)
        part = subject.part()
        if law.spared(part) is None:
            assert breach(law, subject, hard_stream(subject.keys, seed, points, part.delay_s)) is None

    keeps()


@pytest.mark.parametrize("target", _SUBJECTS)
def test_every_registered_part_finds_faults_and_says_the_same_in_every_process(target: str) -> None:
    subject = subject_of(target)
    findings = try_laws(subject, seeds=[11], laws=[law for law in LAWS if law.number in (5, 8)])
    assert [(finding.law.number, finding.outcome, finding.why) for finding in findings] == [
        (5, "kept", ""),
        (8, "kept", ""),
    ]


@pytest.mark.parametrize("mutant", _mutants(), ids=lambda mutant: mutant.__name__)
def test_a_mutant_breaks_its_law_and_no_other(mutant: type) -> None:
    subject = subject_of(f"{_MUTANTS}:{mutant.__name__}")
    streams = [hard_stream(subject.keys, seed) for seed in (1, 2)]
    asked = [law for law in LAWS if law.spared(subject.part()) is None]
    broken = [law.number for law in asked if any(breach(law, subject, stream) for stream in streams)]
    assert tuple(broken) == _mutants()[mutant]


def test_what_the_mutants_are_made_from_keeps_every_law() -> None:
    findings = try_laws(subject_of(f"{_MUTANTS}:Honest"), seeds=[1, 2])
    assert [f.why for f in findings if f.outcome == "broken"] == []


def test_there_is_a_mutant_for_every_law() -> None:
    assert {number for laws in _mutants().values() for number in laws} == {law.number for law in LAWS}


def test_the_smallest_stream_that_breaks_a_law_is_small() -> None:
    (finding,) = try_laws(subject_of(f"{_MUTANTS}:PoisonedByNan"), seeds=[1], laws=LAWS[5:6])
    assert finding.stream is not None
    assert len(finding.stream) <= 7
    assert "said either with bad samples or without them" in finding.why
