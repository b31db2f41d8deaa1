"""The cost of being wrong: what each mistake would cost, from the end of each interval that hurts."""

from __future__ import annotations

from titleshot.datasets.contracts.comparisons import Comparison
from titleshot.reports.rendering.tones import bounds, pair_named, today_of
from titleshot.reports.rendering.wording import number

QUARTER_WEEKS = 13


def cost_of_being_wrong(comparison: Comparison) -> list[tuple[str, str]]:
    """(mistake, what it would cost), as far as there are intervals on recall and false pages."""
    recall = bounds(pair_named(comparison, "incident_recall"))
    false = bounds(pair_named(comparison, "false_pages_per_week"))
    if recall is None and false is None:
        unbounded = "Incidents caught and false pages have no interval, so neither mistake can be bounded."
        return [("It cannot be said", unbounded)]
    promoting, keeping = [], []
    open_end = ""
    if recall is None or not comparison.weeks:
        open_end = " How many incidents would be missed cannot be bounded."
    else:
        a_quarter = comparison.incidents_scored / comparison.weeks * QUARTER_WEEKS
        if recall[0] < 0:
            promoting.append(f"up to {_some(-recall[0] * a_quarter)} more incidents missed in a quarter")
        if recall[1] > 0:
            won = _some(recall[1] * a_quarter)
            keeping.append(f"up to {won} incidents missed in a quarter that the challenger catches")
    if false is None:
        open_end += " How many pages would be false cannot be bounded."
    else:
        if false[1] > 0:
            promoting.append(f"up to {_some(false[1])} more false pages a week on call")
        if false[0] < 0:
            keeping.append(f"up to {_some(-false[0])} false pages a week on call that need not be")
    # Of what has no interval nothing is said but that.
    bounded = ["missed incidents"] * (recall is not None) + ["false pages"] * (false is not None)
    nothing = f"no more {' or '.join(bounded)} that the intervals would show"
    return [
        ("If promoting is the mistake", _cost(promoting, nothing) + open_end),
        (f"If keeping {today_of(comparison)} is the mistake", _cost(keeping, nothing) + open_end),
    ]


def _some(count: float) -> str:
    return number(round(count) if count >= 10 else round(count, 1))


def _cost(parts: list[str], nothing: str) -> str:
    text = " and ".join(parts) or nothing
    return f"{text[0].upper()}{text[1:]}."
