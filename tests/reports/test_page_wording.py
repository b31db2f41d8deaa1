"""Numbers and names as people read them: no lost sign, no false whole, nothing invisible."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from titleshot.reports.rendering.wording import amount, change, duration, interval, listed, name, number


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.9996, "100.0\u00a0%"),
        (1.0, "100\u00a0%"),
        (0.0, "0\u00a0%"),
        (0.0004, "0.04\u00a0%"),
        (0.000001, "0.000\u00a0%"),
        (None, "–"),
        (float("nan"), "–"),
    ],
)
def test_a_share_is_whole_only_where_it_is(value: float | None, said: str) -> None:
    assert amount(value, "ratio") == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0, "0 s"),
        (59.6, "60 s"),
        (60, "1 min"),
        (3_599.8, "1 h"),
        (86_399.9, "1 d"),
        (90_061, "1 d 1 h"),
        (-75, "−1 min 15 s"),
    ],
)
def test_durations_have_two_parts_at_most_and_roll_over(seconds: float, said: str) -> None:
    assert duration(seconds).replace("\u00a0", " ") == said


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_any_number_has_words_and_keeps_its_sign(value: float) -> None:
    text = number(value)
    assert text
    assert "e" not in text
    if abs(value) >= 0.001:
        assert text.startswith("−") == (value < 0)
    for unit in ("ratio", "s", "per_week", "count", "anything"):
        assert "nan" not in amount(value, unit) + change(value, unit) + interval(value, value, unit)


@given(st.text(max_size=200), st.integers(8, 80))
def test_a_name_is_never_longer_than_asked_nor_holds_what_cannot_be_seen(text: str, limit: int) -> None:
    shown = name(text, limit)
    assert len(shown) <= limit
    assert not any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in shown)
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    shown.encode("utf-8")


def test_a_list_in_a_sentence_has_an_and_and_an_end() -> None:
    assert listed([]) == ""
    assert listed(["a"]) == "a"
    assert listed(["a", "b"]) == "a and b"
    assert listed(["a"] * 9, 2) == "a, a and 7 more"
