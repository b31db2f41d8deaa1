"""The words of every number a report shows: one source for ``SCORES.md`` and for what a page explains."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from titleshot.datasets.contracts.scores import Direction
from titleshot.reports import judgement_words, number_words
from titleshot.reports.by_detector.credit import CREDIT_SCORES
from titleshot.reports.correlation.change_words import CHANGES
from titleshot.reports.correlation.registered import CORRELATION_SCORES
from titleshot.reports.defined import DIRECTIONS, Defined, Words
from titleshot.reports.feedback.definitions import FEEDBACK_SCORES
from titleshot.reports.responder.words import STORIES
from titleshot.reports.score_titles import title_of
from titleshot.reports.scores.registered import SCORES
from titleshot.reports.thresholds.words import THRESHOLDS
from titleshot.reports.what_if.definitions import SHARES

OTHER = "other"
"""The entry of scores that are not defined here."""


@dataclass(frozen=True)
class Entry:
    """One number in words. ``related`` are names of other entries to read beside it."""

    name: str
    title: str
    question: str
    formula: str
    unit: str
    better: Direction | None
    n_of: str
    range: str
    misleads: str
    source: str
    related: tuple[str, ...]

    @property
    def anchor(self) -> str:
        """The same in the book and on a page."""
        return anchor(self.name)

    def rows(self) -> tuple[tuple[str, str], ...]:
        """(what is said, the words), in the order of a book: the same in Markdown and on a page."""
        return (
            ("formula", self.formula),
            ("unit", f"{self.unit}, {DIRECTIONS[self.better]}, n counts {self.n_of}"),
            ("range", self.range),
            ("misleads", self.misleads),
            ("source", self.source),
        )


@dataclass(frozen=True)
class Part:
    """A chapter of the book."""

    title: str
    about: str
    entries: tuple[Entry, ...]


_NOT_DEFINED = Words(
    name=OTHER,
    title="A score that is not defined here",
    unit="as its record says",
    n_of="what its record says",
    question="What is a number under a name that titleshot does not know?",
    formula="not known: the record came from a later version, or names a score of somebody's own",
    range="not known",
    misleads="Nothing here was held against this number.",
    source="the record it is shown from",
)
_RELATED: tuple[tuple[str, ...], ...] = (
    ("incident_recall", "detected_in_time_ratio", "delay_curve", "carried_incidents", "censored_incidents"),
    ("incident_recall", "page_precision"),
    ("incident_recall", "alarming_precision"),
    ("incident_recall", "discordant"),
    ("detected_in_time_ratio", "mean_time_to_detect_s"),
    ("page_precision", "page_precision_low", "page_precision_high"),
    ("page_precision", "alarming_precision"),
    ("page_precision", "false_pages_per_week"),
    ("alarming_precision", "alarming_precision_low", "alarming_precision_high"),
    ("alarming_precision", "duplicates_per_week"),
    ("alarming_precision", "usefulness"),
    ("mean_time_to_detect_s", "time_to_detect_p50_s", "time_to_detect_p90_s", "early_detections"),
    ("mean_time_to_detect_s", "mean_time_to_open_s"),
    ("time_to_open_p50_s", "mean_time_to_open_s"),
    ("false_pages_per_week", "false_pages_per_week_worst_team", "false_pages_per_service_day"),
    ("false_pages_per_week", "unmatched_pages_per_week"),
    ("false_pages_per_week", "broken_nights"),
    ("false_pages_per_week", "noise"),
    ("duplicates_per_week", "duplicates_per_incident", "fan_out_per_week"),
    ("duplicates_per_incident", "duplicates_spread"),
    ("pages_per_week", "pages_per_shift", "shifts_over_budget_ratio"),
    ("naming_precision", "services_per_page", "over_merge_ratio"),
    ("pages_contributed_ratio", "pages_alone_ratio"),
    ("recall_lost_without_it", "false_pages_spared_per_week_without_it", "incidents_found_alone_ratio"),
    ("fragments_per_incident", "fragmented_ratio"),
    ("fragments_per_incident", "over_merge_ratio"),
    ("over_merge_ratio", "largest_merge", "contamination_ratio"),
    ("bcubed_precision", "bcubed_recall", "bcubed_f"),
    ("bcubed_precision_by_incident", "bcubed_recall_by_incident", "bcubed_f_by_incident"),
    ("bcubed_f", "bcubed_f_by_incident", "bcubed_f_without_noise"),
    ("bcubed_f", "incident_f1_iou50", "ari", "other_cuts"),
    ("any_hit_precision", "any_hit_recall", "random_window_hit_ratio", "other_cuts"),
    ("ac_at_1", "ac_at_3", "mrr", "guessed_causes"),
    ("ac_at_1", "ac_at_1_detected"),
    ("ac_at_3", "ac_at_3_detected"),
    ("hypothesis_brier", "expected_calibration_error", "hypothesis_brier_of_base_rate"),
    ("hypothesis_brier", "abstention_curve"),
    ("severity_accuracy", "severity_by_habit"),
    ("usefulness", "usefulness_bracket", "judged_share", "review_queue"),
    ("usefulness", "reviewer_agreement", "answer_delay"),
    ("interval", "paired_difference", "p_value", "day_blocks", "n"),
    ("interval", "design_effect"),
    ("interval", "limit"),
    ("discordant", "won_lost_tied"),
    ("chance_level", "baselines"),
    ("limit", "decisive", "looks", "missing_evidence"),
    ("cost_of_being_wrong", "interval"),
    ("since_last", "won_lost_tied", "looks"),
    ("sensitivity", "matching"),
    ("action_right_ratio", "action_wrong_service_ratio", "action_no_incident_ratio", "action_stage"),
    ("action_maintenance_ratio", "action_repeat_ratio", "action_stopped_ratio", "blast_radius"),
    ("action_right_ratio", "action_stopped_ratio", "ac_at_1"),
    ("pages_saved", "pages_per_week", "recall_lost_without_it"),
    ("split_ratio", "merged_ratio", "fragments_per_incident", "over_merge_ratio"),
    ("incident_story", "missing_context", "ac_at_1"),
    ("threshold_choice", "nab"),
    ("threshold_curve", "threshold_exchange", "threshold_choice"),
    ("matching", "won_lost_tied"),
)  # fmt: skip
"""Each of a row names all the others."""


def anchor(name: str) -> str:
    """Where a number is explained, on a page and in the book; unknown names lead to what is said of those.

    >>> anchor("incident_recall"), anchor("my_own_ratio")
    ('score-incident_recall', 'score-other')
    """
    return f"score-{name if name in _DEFINED else OTHER}"


def defined(name: str) -> Defined | None:
    """The words of a number by its name; None where it has none here."""
    return _DEFINED.get(name)


def _entry(of: Defined) -> Entry:
    related = dict.fromkeys(name for row in _RELATED if of.name in row for name in row if name != of.name)
    return Entry(
        name=of.name,
        title=of.title if isinstance(of, Words) else title_of(of.name),
        question=of.question,
        formula=of.formula,
        unit=of.unit,
        better=of.better,
        n_of=of.n_of,
        range=of.range,
        misleads=of.misleads,
        source=of.source,
        related=tuple(related),
    )


_CHAPTERS: tuple[tuple[str, str, Iterable[Defined]], ...] = (
    ("What reaches people", "What a promotion is judged on.", SCORES),
    (
        "By detector",
        "Its alerts are scored as pages, by the scores above; these say what of the contender's rests on it.",
        CREDIT_SCORES,
    ),
    (
        "Candidates and hypotheses",
        "How alerts were put together and what was named as the cause, beside what knows nothing.",
        CORRELATION_SCORES,
    ),
    ("Another correlator", "What it changes where detectors said the same.", CHANGES),
    ("Feedback", "What responders said of pages.", (*FEEDBACK_SCORES, *judgement_words.ANSWERS)),
    ("How sure one is", "What stands beside a score and says how far to believe it.", number_words.SURENESS),
    ("What luck gives", "What scores are set beside, so that nothing passes for skill.", number_words.LUCK),
    ("What is counted, and how it is judged", "Hits, limits, looks and costs.",
     (*judgement_words.MATCHING, *judgement_words.JUDGEMENT)),
    ("As a responder sees it", "What stands beside an incident.", STORIES),
    (
        "Remediation that was not",
        "What `what-if` says of rules that were only asked.",
        SHARES,
    ),
    ("Other thresholds", "What `thresholds` says of settings that were not.", THRESHOLDS),
    ("Other protocols", "Shown by commands of their own.", (*judgement_words.ELSEWHERE, _NOT_DEFINED)),
)  # fmt: skip
_DEFINED: dict[str, Defined] = {of.name: of for _, _, chapter in _CHAPTERS for of in chapter}
PARTS: tuple[Part, ...] = tuple(
    Part(title, about, tuple(_entry(of) for of in chapter)) for title, about, chapter in _CHAPTERS
)
"""Every chapter with its entries, in the order of the book."""
