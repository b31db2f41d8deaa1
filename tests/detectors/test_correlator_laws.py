"""The laws of correlators: kept by every registered one, broken by a mutant each."""

import importlib.util
import sys
from pathlib import Path

import pytest

from titleshot.detectors.check import LAWS
from titleshot.detectors.correlator_laws import CORRELATOR_LAWS
from titleshot.detectors.correlators.correlator import Correlator
from titleshot.detectors.correlators.families import FAMILIES
from titleshot.detectors.law_findings import breach, laws_of, try_laws
from titleshot.detectors.law_streams import hard_stream
from titleshot.detectors.law_subjects import subject_of
from titleshot.pipelines.check import NEEDED, check

_MUTANTS = Path(__file__).with_name("correlator_mutants.py")


def _mutants() -> dict[type[Correlator], tuple[int, ...]]:
    name = "titleshot_correlator_mutants"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, _MUTANTS)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name].MUTANTS  # type: ignore[no-any-return]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_registered_correlator_keeps_the_laws_of_correlators(family: str) -> None:
    findings = try_laws(subject_of(family), seeds=[1, 2], laws=CORRELATOR_LAWS)
    assert [f.why for f in findings if f.outcome != "kept"] == []


@pytest.mark.parametrize("mutant", _mutants(), ids=lambda mutant: mutant.__name__)
def test_a_mutant_breaks_its_law_and_no_other(mutant: type[Correlator]) -> None:
    subject = subject_of(f"{_MUTANTS}:{mutant.__name__}", {"gap_s": 120, "cap_s": 600})
    streams = [hard_stream(subject.keys, seed) for seed in (1, 2)]
    wanted = _mutants()[mutant]
    # Law 5 starts a process: only the mutant it is about, and the honest one, are tried elsewhere.
    asked = [
        law
        for law in laws_of(subject)
        if law.spared(subject.part()) is None and (law.number != 5 or 5 in wanted)
    ]
    broken = [
        law.number
        for law in asked
        if any(breach(law, subject, stream) for stream in (streams[:1] if law.number in (5, 8) else streams))
    ]
    assert tuple(broken) == wanted


def test_what_the_mutants_are_made_from_keeps_every_law() -> None:
    subject = subject_of(f"{_MUTANTS}:Honest", {"gap_s": 120, "cap_s": 600})
    assert [f.why for f in try_laws(subject, seeds=[1, 2]) if f.outcome == "broken"] == []


def test_every_law_a_correlator_can_break_has_a_mutant() -> None:
    spared = {2, 3}  # one alert at a time; it is there to join series
    numbers = {law.number for law in LAWS + CORRELATOR_LAWS}
    assert {number for laws in _mutants().values() for number in laws} == numbers - spared
    assert set(NEEDED) == numbers


def test_check_shows_the_few_alerts_that_break_a_law() -> None:
    outcome = check(target=f"{_MUTANTS}:MergesInSilence", params={"gap_s": 120, "cap_s": 600}, seeds=1)
    assert outcome.exit_code == 1
    assert "1 of 13 laws broken" in outcome.text
    (law,) = [law for law in outcome.document["laws"] if law["outcome"] == "broken"]
    assert law["number"] == 11
    assert "never closes" in law["why"]
    assert int(law["stream"].split()[0]) <= 5
