"""The language of invariants: what it reads, what it refuses and where, and what is undefined."""

import contextlib
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from titleshot.detectors.rule_language import parse_condition


def judged(text: str, **values: float) -> float:
    condition = parse_condition(text)
    return float(
        condition.judge({c: np.array([values.get(c[0], math.nan)]) for c in condition.columns})[0][0]
    )


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("a <= b", 1),
        ("a > b", 0),
        ("a + b * 2 == 8", 1),
        ("(a + b) * 2 == 10", 1),
        ("-a < 0 and b == 3", 1),
        ("a == 1 and (b > 5 or b < 4)", 0),
        ("ratio(a, b) < 0.7", 1),
        ("abs(a - b) != 1", 0),
        ("b / zero > 1", math.nan),
        ("ratio(a, zero) > 1", math.nan),
        ("gone < 1", math.nan),
        ("a == 2 or gone < 1", 1),
        ("a == 3 and gone < 1", 0),
        ("a == 3 or gone < 1", math.nan),
        ('"a" >= 2e0', 1),
    ],
)
def test_conditions_are_judged(text, truth):
    assert judged(text, a=2, b=3, zero=0) == pytest.approx(truth, nan_ok=True)


NUMBERS = st.integers(-9, 9)
TERMS = st.recursive(
    st.sampled_from(["a", "b"]) | NUMBERS.map(lambda n: str(abs(n))),
    lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
    max_leaves=6,
)
CONDITIONS = st.recursive(
    st.tuples(TERMS, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), TERMS).map(" ".join),
    lambda inner: st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
        lambda t: f"({t[0]} {t[1]} {t[2]})"
    ),
    max_leaves=5,
).map(lambda text: f"a == a and {text}")


@given(CONDITIONS, NUMBERS, NUMBERS)
def test_it_agrees_with_python_where_both_read_it(text, a, b):
    expected = eval(text, {"__builtins__": {}}, {"a": float(a), "b": float(b)})  # noqa: S307  text made here
    assert judged(text, a=a, b=b) == float(expected)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a <", "ends where a number, a metric or a bracket must stand"),
        ("a b", "'b' at character 3 where one of < <= > >= == !="),
        ("a < b < c", "'<' at character 7 where 'and', 'or' or the end"),
        ("a = 3", "'=' at character 3 belongs to no condition"),
        ("__import__('os')", "belongs to no condition"),
        ("ration(a, b) < 1", "there is no 'ration'; did you mean 'ratio'"),
        ("1 < 2", "names no metric"),
        ("(a < 1) + 2 > 0", "a condition stands where a number must"),
        ("sum(a + b) < 1", "where '\\)' must stand"),
        ("(" * 40 + "a" + ")" * 40 + " < 1", "nested more than 30 deep"),
        ("a < 1 and " * 60 + "a < 1", "at most 500 characters"),
        ("", "ends where"),
    ],
)
def test_what_is_no_condition_is_refused_with_the_place(text, says):
    with pytest.raises(ValueError, match=says):
        parse_condition(text)


@given(st.text(max_size=60))
def test_no_text_does_anything_but_parse_or_be_refused(text):
    with contextlib.suppress(ValueError):
        assert parse_condition(text).columns
