"""Numbers, times and names as a person reads them. Nothing here knows of HTML."""

from __future__ import annotations

import math
import unicodedata
from datetime import UTC, datetime

from titleshot.datasets.contracts.instants import SECOND

NONE = "–"
_MINUS = "−"
_GAP = "\u00a0"
_RATES = {"per_week": "a week", "per_shift": "a shift", "per_service_day": "a day", "per_incident": "each"}


def number(value: float | None) -> str:
    """Three significant digits, thousands apart, a true minus; whole numbers stay whole.

    >>> number(1234.5), number(-0.12345), number(8.0), number(None)
    ('1,234', '−0.123', '8', '–')
    """
    if value is None or math.isnan(value):
        return NONE
    size = abs(value)
    if math.isinf(size):
        text = "∞"
    elif size >= 100 or size == round(size):
        text = f"{size:,.0f}"
    elif size >= 10:
        text = f"{size:.1f}"
    elif size >= 1:
        text = f"{size:.2f}".rstrip("0").rstrip(".")
    elif size >= 0.001:
        text = f"{size:.3g}"
    else:
        text = "0.000"
    return f"{_MINUS}{text}" if value < 0 and text != "0" else text


def percent(share: float) -> str:
    """A confidence or a level, without needless digits.

    >>> percent(0.95), percent(0.975)
    ('95\\xa0%', '97.5\\xa0%')
    """
    return f"{100 * share:.4g}{_GAP}%"


def duration(seconds: float | None) -> str:
    """Two parts at most, in the units people say.

    >>> duration(45), duration(200), duration(7500), duration(-0.5)
    ('45\\xa0s', '3\\xa0min\\xa020\\xa0s', '2\\xa0h\\xa05\\xa0min', '−0.5\\xa0s')
    """
    if seconds is None or not math.isfinite(seconds):
        return number(seconds)
    sign = _MINUS if seconds < 0 else ""
    size = abs(seconds)
    if size < 60:
        parts = [f"{number(size if size < 10 else round(size))}{_GAP}s"]
    else:
        units = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")]
        first = next(index for index, (length, _) in enumerate(units) if size >= length)
        smallest = units[min(first + 1, 3)][0]
        rest = round(size / smallest) * smallest
        parts = []
        for length, unit in units[max(first - 1, 0) : first + 2]:
            whole, rest = divmod(rest, length)
            if whole:
                parts.append(f"{whole:.0f}{_GAP}{unit}")
    return sign + _GAP.join(parts)


def amount(value: float | None, unit: str) -> str:
    """A score's value with its unit.

    >>> amount(0.8251, "ratio"), amount(4.21, "per_week"), amount(90, "s")
    ('82.5\\xa0%', '4.21 a week', '1\\xa0min\\xa030\\xa0s')
    """
    if value is None or not math.isfinite(value):
        return number(value)
    if unit == "ratio":
        return f"{_percent(value)}{_GAP}%"
    if unit == "s":
        return duration(value)
    return f"{number(value)}{_tail(unit)}"


def change(value: float | None, unit: str) -> str:
    """A difference with its sign; differences of ratios are percentage points.

    >>> change(0.025, "ratio"), change(-3.0, "per_week"), change(0.0, "s")
    ('+2.5 points', '−3 a week', '0\\xa0s')
    """
    if value is None or not math.isfinite(value):
        return number(value)
    sign = "+" if value > 0 else ""
    if unit == "ratio":
        text = _percent(value)
        return f"{'' if text == '0' else sign}{text} points"
    return f"{sign}{amount(value, unit)}"


def interval(low: float | None, high: float | None, unit: str, *, signed: bool = False) -> str:
    """Both ends of an interval, the unit said once where it can be.

    >>> interval(-0.008, 0.058, "ratio", signed=True), interval(2.0, 4.0, "per_week")
    ('−0.8 to +5.8 points', '2 to 4 a week')
    """
    if low is None or high is None:
        return NONE
    say = change if signed else amount
    first, last = say(low, unit), say(high, unit)
    for tail in (" points", f"{_GAP}%", _tail(unit)):
        if tail and first.endswith(tail) and last.endswith(tail):
            first = first.removesuffix(tail)
            break
    return f"{first} to {last}"


def _percent(value: float) -> str:
    text = f"{abs(value) * 100:.1f}"
    if text in {"0.0", "100.0"}:
        # Whole only where it is: 99.96 % is not all of them, and 0.04 % is not none.
        finer = f"{abs(value) * 100:.3f}".rstrip("0") if text == "0.0" else text
        text = {0.0: "0", 1.0: "100"}.get(abs(value), "0.000" if finer == "0." else finer)
    return f"{_MINUS}{text}" if value < 0 and text != "0" else text


def _tail(unit: str) -> str:
    if unit in _RATES:
        return f" {_RATES[unit]}"
    return "" if unit in {"count", "ratio", "s", ""} else f" {unit.replace('_', ' ')}"


def counted(n: int, noun: str, plural: str | None = None) -> str:
    """A count with its noun.

    >>> counted(1, "incident"), counted(1200, "page"), counted(0, "entry", "entries")
    ('1 incident', '1,200 pages', '0 entries')
    """
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def minutes(seconds: float) -> str:
    """A delay as it is spoken of: whole seconds below two minutes, then minutes, then hours.

    >>> minutes(40), minutes(190), minutes(9000)
    ('40 seconds', '3.2 minutes', '2.5 hours')
    """
    size = abs(seconds)
    if size < 120:
        return counted(round(size), "second")
    if size < 7_200:
        return f"{size / 60:.1f} minutes".replace(".0 ", " ")
    return f"{size / 3_600:.1f} hours".replace(".0 ", " ")


def moment(instant: int) -> str:
    """Day and minute in UTC.

    >>> moment(0)
    'Thu 1 Jan 1970, 00:00'
    """
    when = _utc(instant)
    return f"{day(instant)}, {when:%H:%M}"


def day(instant: int) -> str:
    """The day in UTC, with its weekday."""
    when = _utc(instant)
    return f"{when:%a} {when.day} {when:%b} {when.year}"


def clock(instant: int) -> str:
    """Hour and minute in UTC."""
    return f"{_utc(instant):%H:%M}"


def _utc(instant: int) -> datetime:
    return datetime.fromtimestamp(instant // SECOND, UTC)


def name(text: str | None, limit: int = 64) -> str:
    """A name as data: shortened in the middle, invisible and direction-changing characters made visible.

    >>> name("checkout\\u202egnp"), len(name("x" * 1000))
    ('checkout‹U+202E›gnp', 64)
    """
    if text is None:
        return NONE
    seen = "".join(_visible(letter) for letter in text)
    if len(seen) <= limit:
        return seen
    tail = limit // 4
    return f"{seen[: limit - tail - 1]}…{seen[-tail:]}"


def prose(text: str | None, limit: int = 600) -> str:
    """A sentence or a paragraph as data: lines joined, otherwise as a name.

    >>> prose("Page the on-call\\n  within ten minutes.")
    'Page the on-call within ten minutes.'
    """
    return name(None if text is None else " ".join(text.split()), limit)


def _visible(letter: str) -> str:
    # Cs cannot be encoded, Cc and Cf do not show or turn the text around them.
    if unicodedata.category(letter) in {"Cc", "Cf", "Cs"} and letter != "\u200d":
        return f"‹U+{ord(letter):04X}›"
    return letter


def digest(text: str | None) -> str:
    """The first twelve characters of a digest, enough to compare by eye."""
    return NONE if text is None else name(text.removeprefix("sha256:"), 1024)[:12]


def listed(items: list[str], most: int = 6) -> str:
    """Items in a sentence.

    >>> listed(["a", "b", "c"]), listed(list("abcdefgh"), 3)
    ('a, b and c', 'a, b, c and 5 more')
    """
    if len(items) > most:
        return f"{', '.join(items[:most])} and {len(items) - most} more"
    return " and ".join(part for part in (", ".join(items[:-1]), items[-1] if items else "") if part)
