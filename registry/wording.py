"""Numbers of scores as a responder reads them."""

from __future__ import annotations

_MINUS = "\u2212"


def amount(value: float, unit: str) -> str:
    """A value with its unit in words.

    >>> amount(0.8634, "ratio"), amount(61.4, "s"), amount(3.25, "per_week"), amount(2.0, "count")
    ('86.3 %', '61 s', '3.25 a week', '2')
    """
    match unit:
        case "ratio":
            return f"{_plain(100 * value, 1)} %"
        case "s":
            return f"{_plain(value, 0 if abs(value) >= 10 else 1)} s"
        case "count":
            return _plain(value, 2)
    return f"{_plain(value, 2)} {_rate(unit)}"


def change(value: float, unit: str) -> str:
    """A difference with its sign; shares in percentage points.

    >>> change(0.0412, "ratio"), change(-12.0, "s"), change(0.001, "count"), change(0.4, "s")
    ('+4.1 points', '\u221212 s', '0', '+0.4 s')
    """
    words = f"{_plain(100 * value, 1)} points" if unit == "ratio" else amount(value, unit)
    return f"+{words}" if words[0] not in f"{_MINUS}0" or words.startswith("0.") else words


def span(low: float, high: float, unit: str, *, signed: bool) -> str:
    """An interval, the unit said once.

    >>> span(-0.002, 0.108, "ratio", signed=True)
    '\u22120.2 to +10.8 points'
    """
    words = change if signed else amount
    first, _, unit_words = words(low, unit).partition(" ")
    return f"{first} to {words(high, unit)}" if unit_words else f"{words(low, unit)} to {words(high, unit)}"


def title(score: str) -> str:
    """A score's name without its unit, spaces for underscores.

    >>> title("mean_time_to_detect_s"), title("false_pages_per_week")
    ('mean time to detect', 'false pages per week')
    """
    return score.removesuffix("_s").removesuffix("_ratio").replace("_", " ")


def percent(share: float) -> str:
    """A share in percent, short.

    >>> percent(0.975), percent(0.9)
    ('97.5 %', '90 %')
    """
    return f"{100 * share:.4g} %"


def count(n: int, noun: str) -> str:
    """A number of things; ``noun`` is the plural.

    >>> count(1, "incidents"), count(240, "incidents")
    ('1 incident', '240 incidents')
    """
    return f"{n:,} {noun.removesuffix('s') if n == 1 else noun}"


def weeks(n: float) -> str:
    """A wait in whole weeks, at least one.

    >>> weeks(0.2), weeks(12.4)
    ('1 week', '12 weeks')
    """
    return count(max(1, round(n)), "weeks")


def budget(name: str, value: float) -> str:
    """An amount of a budget, by the unit its name ends in.

    >>> budget("p99_latency_ms", 12.34), budget("memory_mb", 1512.0)
    ('12.3 ms', '1,512 MB')
    """
    shown = _plain(value, 1) if abs(value) < 100 else f"{value:,.0f}"
    return f"{shown} {'ms' if name.endswith('_ms') else 'MB'}"


def _plain(value: float, digits: int) -> str:
    text = f"{value:.{digits}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", "0"} else text.replace("-", _MINUS)


def _rate(unit: str) -> str:
    return unit.replace("per_", "a ", 1).replace("_", " ")
