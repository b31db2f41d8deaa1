"""Pieces, answers, label rules and alert episodes against the obvious versions of themselves."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from titleshot.datasets.contracts.incidents import Page
from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.importers.prometheus.alerts import AlertHistory
from titleshot.datasets.importers.prometheus.answer import NotAnAnswer, read_answer
from titleshot.datasets.importers.prometheus.label_rules import LabelRules, filled, named, template_labels
from titleshot.datasets.importers.prometheus.pieces import Piece, count, pieces, request
from titleshot.datasets.importers.prometheus.questions import AlertRules, Question

RULES = LabelRules()
spans = st.tuples(st.integers(-10_000, 10_000), st.integers(1, 5_000))


def asked(question: Question, piece: Piece) -> list[int]:
    """Milliseconds of every point a server would answer an evaluated piece with."""
    found = request(question, piece)
    if found is None:
        return []
    start, end, step = (round(float(found[1][name]) * 1000) for name in ("start", "end", "step"))
    return list(range(start, end + 1, step))


@given(spans, st.integers(1, 700), st.integers(1, 20))
def test_every_step_of_a_span_is_asked_for_once(span: tuple[int, int], step: int, points: int) -> None:
    start, end = span[0], span[0] + span[1]
    question = Question(1, "up", step, False, RULES)
    cut = list(pieces(question, start, end, points))

    assert [piece.start for piece in cut] == [start, *(piece.end for piece in cut)][:-1]
    assert cut[-1].end == end
    assert len(cut) == count(question, start, end, points)
    times = [asked(question, piece) for piece in cut]
    assert all(len(of) <= points for of in times)
    assert sum(times, []) == [at for at in range(start, end) if at % step == 0]  # noqa: RUF017  a few


@given(spans, st.integers(1, 700))
def test_halves_ask_for_the_same_down_to_a_single_step(span: tuple[int, int], step: int) -> None:
    question = Question(1, "up", step, False, RULES)
    whole = Piece(span[0], span[0] + span[1])
    found = whole.halves(step)
    if found is None:
        assert len(asked(question, whole)) <= 2
        assert not [at for at in range(whole.start + 1, whole.end) if at % step == 0]
    else:
        assert found[0].start < found[0].end == found[1].start < found[1].end
        assert asked(question, found[0]) + asked(question, found[1]) == asked(question, whole)


@given(spans, st.integers(1, 700), st.booleans())
def test_a_recorded_piece_covers_its_span_whichever_edge_the_server_leaves_out(
    span: tuple[int, int], points: int, open_at_the_left: bool
) -> None:
    question = Question(1, "up", 10, True, RULES)
    taken: list[int] = []
    for piece in pieces(question, span[0], span[0] + span[1], points):
        path, parameters = request(question, piece) or ("", {})
        assert path == "/api/v1/query"
        until = round(float(parameters["time"]) * 1000)
        reach = int(parameters["query"].removeprefix("up[").removesuffix("ms]"))
        answered = range(until - reach + open_at_the_left, until + 1)
        taken += [at for at in answered if piece.start <= at < piece.end]
    assert taken == list(range(span[0], span[0] + span[1]))


texts = st.text(max_size=8)
points = st.tuples(
    st.integers(-(10**9), 10**10).map(lambda ms: ms / 1000),
    st.floats(allow_nan=False).map(repr) | st.sampled_from(["NaN", "+Inf", "-Inf", "1", "x"]),
)
results = st.lists(
    st.tuples(st.dictionaries(texts, texts, max_size=3), st.lists(points, max_size=6)), max_size=4
)


@given(results, st.sampled_from([None, 0, 2]), st.booleans())
def test_an_answer_is_read_as_the_standard_decoder_reads_it(
    given_results: list[Any], indent: int | None, warned: bool
) -> None:
    document = {
        "status": "success",
        **({"warnings": ['"values":[[1,"2"]]']} if warned else {}),
        "data": {
            "resultType": "matrix",
            "result": [{"metric": labels, "values": values} for labels, values in given_results],
            "stats": {"result": [1]},
        },
    }
    answer = read_answer(json.dumps(document, indent=indent))

    assert [series.labels for series in answer.series] == [labels for labels, _ in given_results]
    assert answer.warnings == document.get("warnings", [])
    for series, (_, values) in zip(answer.series, given_results, strict=True):
        wanted = [(round(at * 1000) * 10**6, float(text)) for at, text in values if text != "x"]
        assert series.times.tolist() == [at for at, _ in wanted]
        assert np.array_equal(series.values, [value for _, value in wanted], equal_nan=True)
        assert len(series.faults) == len(values) - len(wanted)


@given(
    st.text(alphabet='{}[]":,ab1 ', max_size=40)
    | st.binary(max_size=40).map(lambda raw: raw.decode("latin-1"))
)
def test_garbage_is_no_answer(text: str) -> None:
    with pytest.raises(NotAnAnswer):
        read_answer(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"status":"success","data":{"resultType":"matrix","result":[],"result":[]}}',
        '{"status":"success","data":{"resultType":"matrix","result":[1' + "0" * 5000 + "]}}",
        '{"status":"success","data":{"resultType":"matrix","result":null}}',
        '{"status":"success","data":{"resultType":"matrix","result":[]}} more',
        '{"status":"error","data":{"resultType":"matrix","result":[]}}',
    ],
)
def test_nearly_an_answer_is_none(text: str) -> None:
    with pytest.raises(NotAnAnswer):
        read_answer(text)


NO_POINTS: list[Any] = [
    [1, 5], ["1", "5"], [True, "5"], [1, "5", 6], "x", None, [1, None], [10**400, "1"], [1, ["5"]], [],
    {"a": 1},
]  # fmt: skip


@pytest.mark.parametrize("point", NO_POINTS)
def test_one_point_that_is_none_is_told_and_the_others_stay(point: Any) -> None:
    result = {"metric": {}, "values": [[1, "6"], point, [2, "7"]]}
    document = {"status": "success", "data": {"resultType": "matrix", "result": [result]}}
    (series,) = read_answer(json.dumps(document)).series
    assert series.values.tolist() == [6.0, 7.0]
    assert [json.loads(text) for _, text in series.faults] == [point]


def test_warnings_of_any_shape_are_words() -> None:
    data = '"data":{"resultType":"matrix","result":[]}'
    assert read_answer('{"status":"success","warnings":5,"infos":null,' + data + "}").warnings == ["5"]


@given(st.data())
def test_an_answer_cut_anywhere_is_no_answer(data: st.DataObject) -> None:
    result = '[{"metric":{"a":"b"},"values":[[1,"2"]]}]'
    whole = '{"status":"success","data":{"resultType":"matrix","result":' + result + "}}"
    assert len(read_answer(whole).series) == 1
    with pytest.raises(NotAnAnswer):
        read_answer(whole[: data.draw(st.integers(0, len(whole) - 1))])


@given(st.dictionaries(st.sampled_from(["a", "b"]), texts))
def test_a_template_fills_in_labels_and_nothing_else(labels: dict[str, str]) -> None:
    assert template_labels("{a}-{{b}}-{b}") == ("a", "b")
    both = {"a": "", "b": "", **labels}
    assert filled("{a}-{{b}}-{b}", both) == f"{both['a']}-{{b}}-{both['b']}"


def test_the_first_alternative_that_can_be_filled_is_taken() -> None:
    rules = LabelRules(namespace=("{team}-{region}", "{team}", "shop"), drop=("pod",), keep=("pod", "zone"))
    labels = {"__name__": "up", "team": "web", "region": "", "job": "j", "pod": "p", "zone": "z", "rack": "r"}
    found = named(rules, labels)
    assert not isinstance(found, str)
    assert found.key == ("web", "j", "up", '{"zone":"z"}')
    without = named(rules, {"__name__": "up", "app": "a"})
    assert not isinstance(without, str)
    assert without.key.namespace == "shop"


class Kept:
    """What a writer is told of alerts."""

    def __init__(self) -> None:
        self.pages: list[Page] = []
        self.aside: list[str] = []
        self.report: dict[str, Any] = {}

    def add_labels(self, pages: list[Page]) -> None:
        self.pages += pages

    def quarantine(self, *given_words: Any) -> None:
        self.aside.append(given_words[1])


ALERT = {"__name__": "ALERTS", "alertname": "Slow", "alertstate": "firing", "job": "web", "severity": "page"}


def pages_of(
    times: list[int], cuts: list[int], gap: int = 5, start: int = 10, end: int = 100
) -> tuple[list[Page], list[str]]:
    """Firing samples at these seconds, handed over in pieces that end at the cuts."""
    history, kept = AlertHistory(gap * SECOND), Kept()
    edges = [0, *sorted(cuts), 1000]
    for first, last in pairwise(edges):
        piece = [at * SECOND for at in times if first <= at < last]
        history.add(ALERT, np.array(piece, np.int64))
    history.write(kept, RULES, AlertRules(), start * SECOND, end * SECOND)  # type: ignore[arg-type]
    return kept.pages, kept.aside


@given(
    st.lists(st.integers(4, 99), max_size=30, unique=True).map(sorted),
    st.lists(st.integers(4, 99), max_size=5),
)
def test_episodes_are_runs_of_samples_however_they_come(times: list[int], cuts: list[int]) -> None:
    pages, aside = pages_of(times, cuts)

    runs: list[list[int]] = []
    for at in times:
        if runs and at - runs[-1][-1] <= 5:
            runs[-1].append(at)
        else:
            runs.append([at])
    step = min((b - a for a, b in pairwise(times)), default=60)
    inside = [run for run in runs if run[0] >= 10]
    over = [run[-1] for run in inside if run[-1] + 5 < 100]
    assert [page.paged_at // SECOND for page in pages if page.status == "sent"] == [run[0] for run in inside]
    closed = [page for page in pages if page.status == "closed"]
    assert [page.last_event_at // SECOND for page in closed] == over
    assert [(page.closed_at or 0) // SECOND for page in closed] == [last + step for last in over]
    assert len(aside) == len(runs) - len(inside)
    assert len({page.page_id for page in pages}) == len(inside)
    assert all(page.severity == "critical" and page.services == ("web/web",) for page in pages)


any_text = st.text(st.characters(), max_size=9)
"""Controls and halves of surrogate pairs too."""


@given(st.dictionaries(st.sampled_from(["alertname", "job", "severity", "team", "x"]), any_text))
def test_a_page_of_any_labels_can_be_written_and_read(labels: dict[str, str]) -> None:
    history, kept = AlertHistory(SECOND), Kept()
    history.add({**labels, "long": "x" * 3000}, np.array([20 * SECOND]))
    history.write(kept, RULES, AlertRules(route=("{team}", "{long}")), 0, 100 * SECOND)  # type: ignore[arg-type]
    sent, closed = kept.pages
    assert Page.from_json(sent.to_json()) == sent
    assert closed.closed_at == 80 * SECOND


@pytest.mark.parametrize(
    ("word", "severity", "unknown"),
    [
        ("page", "critical", 0),
        ("Warning", "medium", 0),
        ("info", "low", 0),
        ("ERROR", "high", 0),
        ("odd", "medium", 1),
    ],
)
def test_severities_by_word(word: str, severity: str, unknown: int) -> None:
    history, kept = AlertHistory(SECOND), Kept()
    history.add({"alertname": "Slow", "severity": word}, np.array([20 * SECOND]))
    history.write(kept, RULES, AlertRules(severities={"never": "low"}), 0, 100 * SECOND)  # type: ignore[arg-type]
    assert kept.pages[0].severity == severity
    assert kept.pages[0].services == ()
    assert kept.pages[0].route == "Slow"
    assert kept.report["alerts"].get("severity_unknown", 0) == unknown
    assert kept.report["alerts"]["without_service"] == 1
