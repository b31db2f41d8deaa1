"""What hangs on ``early_s`` and ``grace_s``: scores and differences with half and double of each.

Where one of the two is 0 for all scored incidents only the other is stretched; where both are, there is
nothing to show and the reason says so. A table of equal rows would look like a robust result.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import NamedTuple

from titleshot.datasets.contracts.comparisons import PairedScore, PairedSensitivity
from titleshot.datasets.contracts.scores import Sensitivity, Stretched
from titleshot.reports.estimates import paired_estimate, prepare
from titleshot.reports.matching import Matching
from titleshot.reports.scores.registered import SCORES
from titleshot.reports.tally import Tally, paired
from titleshot.reports.terms import Contestant, Terms

FACTORS = (0.5, 2.0)
"""Early and grace times of the table, as shares of those given."""
SENSITIVE = ("incident_recall", "page_precision", "alarming_precision", "mean_time_to_detect_s")
COMPARED = (*SENSITIVE, "detected_in_time_ratio", "false_pages_per_week", "duplicates_per_week")


class _Times(NamedTuple):
    of: Stretched
    factor: float

    @property
    def early(self) -> float:
        return 1.0 if self.of == "grace_s" else self.factor

    @property
    def grace(self) -> float:
        return 1.0 if self.of == "early_s" else self.factor


def nothing_to_stretch(contestant: Contestant) -> str | None:
    """Why no other early and grace times are tried; None where some are."""
    if not contestant.matched.matching.incidents.scored.any():
        return "no labelled incident in scored time"
    if not any(_given(contestant)):
        return (
            "early_s is 0 for the sources of all scored labels and grace_s is 0, and so are half and double"
            " of them: nothing hangs on these times here"
        )
    return None


def sensitivity(terms: Terms, contestant: Contestant) -> tuple[Sensitivity, ...]:
    """Scores of one contender under other early and grace times."""
    found = []
    for times in _tried(contestant):
        tally = _counted(terms, contestant, times)
        values = {d.name: d.summands(tally).value() for d in SCORES if d.name in SENSITIVE}
        scores = {name: value if isfinite(value) else None for name, value in values.items()}
        found.append(Sensitivity(factor=times.factor, of=times.of, scores=scores))
    return tuple(found)


def paired_sensitivity(
    terms: Terms,
    champion: Contestant,
    challenger: Contestant,
    pairs: tuple[PairedScore, ...],
    confidences: Mapping[str, float],
    decisive_confidence: float,
) -> tuple[PairedSensitivity, ...]:
    """Differences under other early and grace times, with the intervals a judge reads; ``pairs`` as given."""
    as_given = {pair.name: pair.difference for pair in pairs}
    shown = [d for d in SCORES if d.name in COMPARED]
    found = []
    for times in _tried(challenger):
        sides = paired(*(_counted(terms, side, times) for side in (champion, challenger)))
        prepare(shown, terms.resampling, sides[1], sides[0])
        other = tuple(
            paired_estimate(
                definition,
                *sides,
                terms.resampling,
                confidences.get(definition.name, terms.settings.confidence),
                decisive_confidence,
            )
            for definition in shown
        )
        turned = tuple(
            pair.name for pair in other if (pair.difference or 0) * (as_given.get(pair.name) or 0) < 0
        )
        found.append(PairedSensitivity(factor=times.factor, of=times.of, pairs=other, turned=turned))
    return tuple(found)


def _given(contestant: Contestant) -> tuple[bool, bool]:
    """Whether any scored incident has an early time, and a grace time."""
    table = contestant.matched.matching.incidents
    early, grace = table.opens < table.start, table.closes > table.end
    return bool((early & table.scored).any()), bool((grace & table.scored).any())


def _tried(contestant: Contestant) -> Iterator[_Times]:
    early, grace = _given(contestant)
    of: tuple[tuple[Stretched, bool], ...] = (
        ("both", early and grace),
        ("early_s", early),
        ("grace_s", grace),
    )
    return (_Times(name, factor) for name, tried in of if tried for factor in FACTORS)


def _counted(terms: Terms, contestant: Contestant, times: _Times) -> Tally:
    matched = contestant.matched.matching
    matching = Matching.of(
        matched.pages,
        matched.incidents.stretched(times.early, times.grace),
        terms.rules.labels_complete,
        terms.time.end,
    )
    return terms.count(matching, contestant.rotations)
