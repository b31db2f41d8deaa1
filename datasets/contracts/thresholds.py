"""What other thresholds would have bought and cost: recall, false pages and delay by threshold."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from titleshot.datasets.contracts.comparisons import PairedScore
from titleshot.datasets.contracts.html_table import ShowsItself, html_table
from titleshot.datasets.contracts.record import Record
from titleshot.datasets.contracts.scores import Identity, Score, Settings

THRESHOLDS_FILE = "thresholds.json"
"""What the command ``thresholds`` leaves in a log, and ``report`` shows."""
Factor = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Rule = Literal[
    "fewest_false_pages_at_present_recall", "most_recall_within_budget", "soonest_at_present_false_pages"
]
RULES: dict[Rule, str] = {
    "fewest_false_pages_at_present_recall": (
        "the fewest false pages a week among thresholds that find at least as many incidents as the present"
    ),
    "most_recall_within_budget": (
        "the most incidents found among thresholds that send at most 2 pages a shift of 12 hours, right or"
        " wrong"
    ),
    "soonest_at_present_false_pages": (
        "the shortest mean time to detect among thresholds that send no more false pages than the present"
    ),
}
"""The first is the suggestion; the others stand beside it. Ties: more found, fewer false, nearest to the
present. Where labels are not complete, pages without a label count as false."""


class ThresholdPoint(BaseModel):
    """One setting: every threshold of the curve times ``factor``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    factor: Factor
    threshold: float | None = None
    """In the detector's own unit; null on a contender's curve whose detectors have different ones."""
    found: int
    """Incidents detected, of ``of``."""
    of: int
    scores: tuple[Score, ...]

    def score(self, name: str) -> Score | None:
        """The score of that name; None where it does not apply."""
        return next((score for score in self.scores if score.name == name), None)


class ThresholdExchange(BaseModel):
    """What going from the present threshold to another buys and costs, paired by incident and day."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    factor: Factor
    threshold: float | None = None
    found: int
    """More incidents found than at present; negative: fewer."""
    of: int
    words: str
    differences: tuple[PairedScore, ...]
    """The other threshold minus the present one; ``champion`` is the present."""


class ThresholdChoice(BaseModel):
    """A threshold picked by a rule, and how it does where it was not picked.

    ``chosen_on`` ``oracle``: there is no tuning span, so it was picked on the very labels that are scored:
    an upper limit of what choosing could bring, never a setting to expect it from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: Rule
    chosen_on: Literal["tuning", "oracle"]
    factor: Factor | None = None
    threshold: float | None = None
    reason: str | None = None
    """Why no threshold keeps the rule."""
    check: ThresholdExchange | None = None
    """The same exchange on the scored span, which the rule has not seen."""
    check_reason: str | None = None
    """Why there is no check."""


class ThresholdCurve(BaseModel):
    """Points by rising factor, of one detector alone or of the whole contender."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subject: Literal["contender", "detector"]
    """``detector``: each of its alerts is a page. ``contender``: alert policy, correlator and paging rule."""
    name: str
    watches: tuple[str, ...] = ()
    """Globs of the selectors that lead to the detector; empty: every series."""
    series: int
    threshold: float | None = None
    """At present."""
    unit: str | None = None
    """Of thresholds; null on a contender's curve whose detectors have different thresholds."""
    points: tuple[ThresholdPoint, ...] = ()
    exchanges: tuple[ThresholdExchange, ...] = ()
    choices: tuple[ThresholdChoice, ...] = ()
    reason: str | None = None
    """Why there are no points."""

    def at(self, factor: float) -> ThresholdPoint:
        """The point of a factor; KeyError names those there are."""
        for point in self.points:
            if point.factor == factor:
                return point
        raise KeyError(
            f"no factor {factor!r}; there are {', '.join(f'{point.factor:g}' for point in self.points)}"
        )


class ThresholdReport(ShowsItself, Record):
    """Everything ``thresholds`` says of one replay log with dense scores. It decides nothing."""

    identity: Identity
    drawn_on: Literal["tuning", "scored"]
    """The span of curves, exchanges and choices."""
    settings: Settings
    """Of that span."""
    checked: Settings | None = None
    """Of the scored span, where curves are drawn on the tuning span."""
    curves: tuple[ThresholdCurve, ...]
    """The contender first, then its detectors in the order of the recipe."""
    samples: int
    """Rows of dense scores read."""
    notes: tuple[str, ...] = ()

    def _repr_html_(self) -> str:
        rows = [[curve.name, exchange.words] for curve in self.curves for exchange in curve.exchanges]
        caption = f"{self.identity.contender} on the {self.drawn_on} span of {self.identity.dataset}"
        return html_table(caption, ["of", "what another threshold buys and costs"], rows)
