"""What going from the present threshold to another buys and costs, in numbers and in a sentence."""

from __future__ import annotations

from titleshot.datasets.contracts.comparisons import PairedScore
from titleshot.datasets.contracts.thresholds import ThresholdExchange
from titleshot.reports.estimates import paired_estimate, prepare
from titleshot.reports.rendering.wording import number
from titleshot.reports.tally import Tally, paired
from titleshot.reports.terms import Terms
from titleshot.reports.thresholds.points import DEFINITIONS


def exchange_of(
    terms: Terms, present: Tally, other: Tally, factor: float, threshold: float | None
) -> ThresholdExchange:
    """The paired difference, other minus present, on the days and incidents of ``terms``.

    Args:
        threshold: at present, in the detector's unit; None where detectors have different ones.
    """
    before, after = paired(present, other)
    shown = [definition for definition in DEFINITIONS if definition.applies(after)]
    prepare(shown, terms.resampling, after, before)
    confidence = terms.settings.confidence
    differences = tuple(
        paired_estimate(definition, before, after, terms.resampling, confidence, confidence)
        for definition in shown
    )
    found = int((after.detected & after.counted).sum()) - int((before.detected & before.counted).sum())
    of = int(after.counted.sum())
    return ThresholdExchange(
        factor=factor,
        threshold=None if threshold is None else threshold * factor,
        found=found,
        of=of,
        words=_words(found, of, differences, factor, threshold),
        differences=differences,
    )


def setting_words(factor: float, threshold: float | None) -> str:
    """The way from the present setting to another.

    >>> setting_words(2 / 3, 3.0), setting_words(1.5, None)
    ('from 3 to 2', 'all thresholds times 1.5')
    """
    if threshold is None:
        return f"all thresholds times {factor:.3g}"
    return f"from {threshold:.3g} to {threshold * factor:.3g}"


def _words(
    found: int, of: int, differences: tuple[PairedScore, ...], factor: float, threshold: float | None
) -> str:
    by_name = {score.name: score.difference for score in differences}
    said = [_found(found, of)]
    false = by_name.get("false_pages_per_week")
    pages = "false pages"
    if false is None:
        false, pages = by_name.get("unmatched_pages_per_week"), "pages without a label"
    if false is not None:
        said.append(_more(false, f"{pages} a week"))
    if (delay := by_name.get("mean_time_to_detect_s")) is not None:
        said.append(_sooner(delay))
    return f"{setting_words(factor, threshold)}: {', '.join(said)}"


def _found(found: int, of: int) -> str:
    if not of:
        return "no labelled incident to find"
    noun = "incident" if abs(found) == 1 else "incidents"
    return f"{_count(found, noun)} found (of {of:,})"


def _count(difference: int, noun: str) -> str:
    if not difference:
        return f"as many {noun}"
    return f"{abs(difference):,} {'more' if difference > 0 else 'fewer'} {noun}"


def _more(difference: float, noun: str) -> str:
    if abs(difference) < 0.005:
        return f"as many {noun}"
    return f"{number(abs(difference))} {'more' if difference > 0 else 'fewer'} {noun}"


def _sooner(difference: float) -> str:
    if abs(difference) < 0.5:
        return "as soon"
    return f"{abs(difference):,.0f} s {'later' if difference > 0 else 'sooner'}"
