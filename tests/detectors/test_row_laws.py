"""The laws on detectors over feature rows: registered families, a recipe of rows alone, and mutants."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from titleshot.datasets.contracts.instants import MINUTE
from titleshot.datasets.errors import UsageError
from titleshot.detectors.check import LAWS
from titleshot.detectors.law_findings import breach, try_laws
from titleshot.detectors.law_rows import RowPart
from titleshot.detectors.law_runs import run
from titleshot.detectors.law_streams import START, hard_stream, healthy_stream
from titleshot.detectors.law_subjects import subject_of
from titleshot.detectors.row_families import ROW_FAMILIES

_MUTANTS = Path(__file__).with_name("row_mutants.py")
_POINTS = 20
_ALONE = (5, 8)
"""A process of its own and long streams: seconds each, so a mutant of another law is not asked."""


def _mutants():
    name = "titleshot_row_mutants"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, _MUTANTS)
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name].MUTANTS


def _fair(target, laws=LAWS):
    findings = try_laws(subject_of(target), seeds=[1], points=_POINTS, laws=laws)
    assert [(found.law.number, found.why) for found in findings if found.outcome == "broken"] == []
    return {found.law.number: found for found in findings}


@pytest.mark.parametrize("target", ROW_FAMILIES)
def test_every_registered_family_keeps_the_laws(target):
    findings = _fair(target)
    assert {number for number, found in findings.items() if found.outcome == "kept"} == set(range(1, 11))
    assert "not asked: that a sample twice as far off" in findings[7].why


def test_a_shipped_recipe_of_rows_alone_keeps_the_laws():
    _fair("labelled", [law for law in LAWS if law.number in (1, 3, 4, 6, 7, 9)])


@pytest.mark.slow
def test_a_shipped_recipe_of_rows_alone_keeps_the_laws_that_take_long():
    _fair("labelled", [law for law in LAWS if law.number in (2, 5, 8, 10)])


@pytest.mark.parametrize("mutant", _mutants(), ids=lambda mutant: mutant.__name__)
def test_a_mutant_breaks_its_law_and_no_other(mutant):
    subject, wanted = subject_of(f"{_MUTANTS}:{mutant.__name__}"), _mutants()[mutant]
    stream = hard_stream(subject.keys, 1, _POINTS, subject.part().delay_s)
    asked = [law for law in LAWS if law.number not in _ALONE or law.number in wanted]
    assert tuple(law.number for law in asked if breach(law, subject, stream)) == wanted


def test_there_is_a_mutant_for_every_law():
    assert {number for laws in _mutants().values() for number in laws} == {law.number for law in LAWS}


def test_what_the_mutants_are_made_from_keeps_every_law():
    _fair(f"{_MUTANTS}:Honest")


def test_the_smallest_stream_that_breaks_a_law_is_shown_and_small():
    law = next(law for law in LAWS if law.number == 3)
    (found,) = try_laws(subject_of(f"{_MUTANTS}:ComparesServices"), seeds=[1], points=_POINTS, laws=[law])
    assert found.stream is not None
    assert len(found.stream) <= 6
    assert {key.service for key in found.stream.keys} == {"service-a0", "service-b1"}
    assert "service-a0/" in str(found.stream)
    assert " alone: " in found.why


def test_the_forest_hears_a_fault_in_several_metrics_of_one_service_and_the_other_stays_quiet():
    subject = subject_of("isolation_forest")
    stream = healthy_stream(subject.keys, 3, 700, 60, 3)
    start, stop = START + 1_800 * MINUTE, START + 1_845 * MINUTE
    b = stream.block
    faulty = [code for code, key in enumerate(subject.keys) if key.service == "service-a0"]
    within = np.isin(b.codes, faulty[1:4]) & (b.timestamps >= start) & (b.timestamps < stop)
    said = run(subject, stream.valued(np.where(within, b.values + 12, b.values)))
    hit = {one.series for one in said if one.strange and start <= one.explained.timestamp < stop}
    assert hit == {0}


def test_drift_of_all_services_together_is_spared_law_3_with_the_reason():
    subject = subject_of("isolation_forest", {"refuse_drifted": True})
    law = next(law for law in LAWS if law.number == 3)
    assert law.spared(subject.part()) == "refuse_drifted looks at the rows of all services together"


def test_a_contender_with_detectors_too_is_tried_as_before(tmp_path):
    path = tmp_path / "mixed.yaml"
    path.write_text(
        "name: mixed\n"
        "detectors: [{detector: {family: rolling_z_score}}]\n"
        "rows: [{detector: {family: isolation_forest}}]\n"
    )
    subject = subject_of(str(path))
    assert {key.metric_name for key in subject.keys} == {"x"}
    path.write_text("name: rows\nrows: [{detector: {family: isolation_forest}}]\n")
    assert isinstance(subject_of(str(path)).part(), RowPart)


def test_rows_of_services_the_laws_cannot_make_up_are_refused(tmp_path):
    path = tmp_path / "rows.yaml"
    path.write_text("name: rows\nrows: [{match: {service: cart}, detector: {family: isolation_forest}}]\n")
    with pytest.raises(UsageError, match="use globs in match"):
        subject_of(str(path))


def test_a_contender_that_watches_nothing_is_refused(tmp_path):
    path = tmp_path / "idle.yaml"
    path.write_text("name: idle\ndetectors: [{detector: null}]\n")
    with pytest.raises(UsageError, match="neither detectors nor feature rows"):
        subject_of(str(path))
