"""Every score of correlation, in the order it is shown. A new one is a file beside this and a line here."""

from __future__ import annotations

from typing import Any

from titleshot.reports.correlation.adjusted_rand import ARI
from titleshot.reports.correlation.bcubed import (
    BCUBED_F,
    BCUBED_F_BY_INCIDENT,
    BCUBED_F_WITHOUT_NOISE,
    BCUBED_PRECISION,
    BCUBED_PRECISION_BY_INCIDENT,
    BCUBED_RECALL,
    BCUBED_RECALL_BY_INCIDENT,
)
from titleshot.reports.correlation.confidence import BRIER, BRIER_OF_BASE_RATE, CALIBRATION_ERROR, Claims
from titleshot.reports.correlation.contamination import CONTAMINATION_RATIO
from titleshot.reports.correlation.context import (
    ANY_HIT_PRECISION,
    ANY_HIT_RECALL,
    COMPRESSION_RATIO,
    PAIRWISE_F1,
    V_MEASURE,
)
from titleshot.reports.correlation.definition import CorrelationScore
from titleshot.reports.correlation.fragments import FRAGMENTED_RATIO, FRAGMENTS_PER_INCIDENT
from titleshot.reports.correlation.hypotheses import (
    AC_AT_1,
    AC_AT_1_DETECTED,
    AC_AT_3,
    AC_AT_3_DETECTED,
    MRR,
    Naming,
)
from titleshot.reports.correlation.incident_f1 import INCIDENT_F1_IOU50
from titleshot.reports.correlation.merges import LARGEST_MERGE, OVER_MERGE_RATIO
from titleshot.reports.correlation.partition import Partition
from titleshot.reports.correlation.quiet import QUIET_SPECIFICITY, QuietHours
from titleshot.reports.correlation.random_window import RANDOM_WINDOW_HIT_RATIO, Windows
from titleshot.reports.correlation.severity import SEVERITY_ACCURACY, SEVERITY_BY_HABIT, Graded
from titleshot.reports.correlation.time_to_open import MEAN_TIME_TO_OPEN, TIME_TO_OPEN_P50, Openings

CUTS: tuple[CorrelationScore[Partition], ...] = (
    FRAGMENTS_PER_INCIDENT,
    FRAGMENTED_RATIO,
    OVER_MERGE_RATIO,
    LARGEST_MERGE,
    BCUBED_PRECISION,
    BCUBED_RECALL,
    BCUBED_F,
    BCUBED_PRECISION_BY_INCIDENT,
    BCUBED_RECALL_BY_INCIDENT,
    BCUBED_F_BY_INCIDENT,
    INCIDENT_F1_IOU50,
    ARI,
    CONTAMINATION_RATIO,
    BCUBED_F_WITHOUT_NOISE,
    COMPRESSION_RATIO,
    ANY_HIT_PRECISION,
    ANY_HIT_RECALL,
    V_MEASURE,
    PAIRWISE_F1,
)
"""Of how alerts are cut into candidates: every baseline has them too."""

OPENINGS: tuple[CorrelationScore[Openings], ...] = (MEAN_TIME_TO_OPEN, TIME_TO_OPEN_P50)
NAMINGS: tuple[CorrelationScore[Naming], ...] = (AC_AT_1, AC_AT_3, MRR, AC_AT_1_DETECTED, AC_AT_3_DETECTED)
CLAIMS: tuple[CorrelationScore[Claims], ...] = (BRIER, CALIBRATION_ERROR, BRIER_OF_BASE_RATE)
QUIET: tuple[CorrelationScore[QuietHours], ...] = (QUIET_SPECIFICITY,)
GRADED: tuple[CorrelationScore[Graded], ...] = (SEVERITY_ACCURACY, SEVERITY_BY_HABIT)
WINDOWS: tuple[CorrelationScore[Windows], ...] = (RANDOM_WINDOW_HIT_RATIO,)

CORRELATION_SCORES: tuple[CorrelationScore[Any], ...] = (
    *CUTS,
    *OPENINGS,
    *NAMINGS,
    *CLAIMS,
    *QUIET,
    *GRADED,
    *WINDOWS,
)
