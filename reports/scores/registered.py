"""Every score, in the order it is shown. A new one is a file beside this one and a line here."""

from __future__ import annotations

from titleshot.reports.scores.alarming_precision import (
    ALARMING_PRECISION,
    ALARMING_PRECISION_HIGH,
    ALARMING_PRECISION_LOW,
)
from titleshot.reports.scores.detected_in_time import DETECTED_IN_TIME
from titleshot.reports.scores.duplicates import DUPLICATES_PER_INCIDENT, DUPLICATES_PER_WEEK, FAN_OUT_PER_WEEK
from titleshot.reports.scores.false_pages import (
    FALSE_PAGES_PER_SERVICE_DAY,
    FALSE_PAGES_PER_WEEK,
    FALSE_PAGES_WORST_TEAM,
    UNMATCHED_PAGES_PER_WEEK,
)
from titleshot.reports.scores.incident_recall import INCIDENT_RECALL
from titleshot.reports.scores.left_out import CARRIED_INCIDENTS, CENSORED_INCIDENTS
from titleshot.reports.scores.naming_precision import NAMING_PRECISION
from titleshot.reports.scores.page_load import (
    PAGES_PER_SHIFT,
    PAGES_PER_WEEK,
    SHIFTS_OVER_BUDGET,
)
from titleshot.reports.scores.page_precision import (
    PAGE_PRECISION,
    PAGE_PRECISION_HIGH,
    PAGE_PRECISION_LOW,
)
from titleshot.reports.scores.reset_time import RESET_TIME
from titleshot.reports.scores.score import ScoreDefinition
from titleshot.reports.scores.services_per_page import SERVICES_PER_PAGE
from titleshot.reports.scores.time_to_detect import (
    EARLY_DETECTIONS,
    MEAN_TIME_TO_DETECT,
    TIME_TO_DETECT_P50,
    TIME_TO_DETECT_P90,
)

SCORES: tuple[ScoreDefinition, ...] = (
    INCIDENT_RECALL,
    DETECTED_IN_TIME,
    PAGE_PRECISION,
    PAGE_PRECISION_LOW,
    PAGE_PRECISION_HIGH,
    ALARMING_PRECISION,
    ALARMING_PRECISION_LOW,
    ALARMING_PRECISION_HIGH,
    MEAN_TIME_TO_DETECT,
    TIME_TO_DETECT_P50,
    TIME_TO_DETECT_P90,
    FALSE_PAGES_PER_WEEK,
    FALSE_PAGES_WORST_TEAM,
    FALSE_PAGES_PER_SERVICE_DAY,
    UNMATCHED_PAGES_PER_WEEK,
    DUPLICATES_PER_WEEK,
    DUPLICATES_PER_INCIDENT,
    FAN_OUT_PER_WEEK,
    PAGES_PER_WEEK,
    PAGES_PER_SHIFT,
    SHIFTS_OVER_BUDGET,
    NAMING_PRECISION,
    SERVICES_PER_PAGE,
    RESET_TIME,
    EARLY_DETECTIONS,
    CARRIED_INCIDENTS,
    CENSORED_INCIDENTS,
)
