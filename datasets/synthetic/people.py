"""People: incident labels that come hours or days later, and responders' answers on today's pages.

Labels are what was planted (source ``injected``: the start is exact). Some are filed with a wrong root and
corrected days later, and now and then somebody files an incident that was none and takes it back.

Answers are few: about half of the pages that hit something and a third of the others are ever judged, fewer
at night. Reviewers err now and then, and where two judged the same page they do not always agree.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import get_args

import numpy as np

from titleshot.datasets.contracts.incidents import Page
from titleshot.datasets.contracts.instants import DAY, HOUR, MINUTE, SECOND, WEEK
from titleshot.datasets.contracts.labels import FeedbackLabel, FeedbackVerdict, IncidentLabel
from titleshot.datasets.contracts.record import SEVERITIES
from titleshot.datasets.synthetic.estate import HUBS, Estate
from titleshot.datasets.synthetic.faults import Fault
from titleshot.datasets.synthetic.streams import stream

VERDICTS: tuple[FeedbackVerdict, ...] = get_args(FeedbackVerdict)
_FIRST_WRONG = 0.08
_MISTAKEN_PER_WEEK = 0.15
_JUDGED_HIT, _JUDGED_OTHER, _AT_NIGHT = 0.55, 0.35, 0.6
_SECOND_OPINION = 0.2
_ERRS, _SECOND_ERRS = 0.06, 0.2
_LATE_AFTER = 30 * MINUTE


def incident_labels(seed: int, estate: Estate, faults: Sequence[Fault], until: int) -> list[IncidentLabel]:
    """Label rows in the order they became known, corrections and withdrawals included."""
    rows = [row for fault in faults for row in _labels_of(seed, fault)]
    for week in range((until - estate.start) // WEEK):
        rows += _mistaken(stream(seed, "mistaken", week), estate, week)
    return sorted(rows, key=lambda row: (row.known_at, row.incident_id))


def _labels_of(seed: int, fault: Fault) -> Iterator[IncidentLabel]:
    rng = stream(seed, "label", fault.incident_id, fault.start)
    known = fault.end + _seconds(max(1200.0, 14 * 3600 * float(np.exp(rng.normal(0, 0.9)))))
    label = IncidentLabel(
        incident_id=fault.incident_id,
        start=fault.start,
        end=fault.end,
        root_service=fault.root,
        affected_services=fault.affected,
        severity=fault.severity,
        kind=fault.kind,
        source="injected",
        known_at=known,
        deploy=fault.deploy.version if fault.deploy else None,
        notes=f"planted, size {fault.size:.1f}",
    )
    if len(fault.affected) > 1 and rng.random() < _FIRST_WRONG:
        guess = fault.affected[int(rng.integers(1, len(fault.affected)))]
        first = {"root_service": guess, "affected_services": fault.affected, "deploy": None}
        yield label.model_copy(update={**first, "notes": "first assessment"})
        corrected = known + _seconds(rng.uniform(1, 4) * 86_400)
        yield label.model_copy(update={"known_at": corrected, "notes": f"{label.notes}; root corrected"})
    else:
        yield label


def _mistaken(rng: np.random.Generator, estate: Estate, week: int) -> Iterator[IncidentLabel]:
    """An incident that was none, filed and withdrawn; perhaps none in a week."""
    if rng.random() >= _MISTAKEN_PER_WEEK:
        return
    service = estate.services[int(rng.integers(len(estate.services)))].id
    start = estate.start + week * WEEK + DAY + _seconds(rng.uniform(0, 5.5) * 86_400)
    filed = IncidentLabel(
        incident_id=f"REPORT-{week:04d}",
        start=start,
        end=start + _seconds(rng.uniform(0.3, 2) * 3600),
        root_service=service,
        affected_services=(service,),
        severity=SEVERITIES[int(rng.integers(3))],
        kind="reported",
        source="human",
        known_at=start + _seconds(rng.uniform(3, 8) * 3600),
    )
    yield filed
    withdrawn = filed.known_at + _seconds(rng.uniform(1, 4) * 86_400)
    notes = "no trace of it found"
    yield filed.model_copy(update={"known_at": withdrawn, "retracted": True, "notes": notes})


def feedback(
    seed: int, estate: Estate, faults: Sequence[Fault], pages: Sequence[Page]
) -> list[FeedbackLabel]:
    """Answers on pages as sent, in the order they were given."""
    by_service: dict[str, list[Fault]] = defaultdict(list)
    for fault in faults:
        for service in fault.affected:
            by_service[service].append(fault)
    seen: set[str] = set()
    rows: list[FeedbackLabel] = []
    for page in sorted(pages, key=lambda each: (each.paged_at, each.page_id)):
        if page.status == "sent":
            hit = _hit(page, by_service)
            rows += _answers(seed, estate, page, hit, first=hit is not None and hit.incident_id not in seen)
            if hit is not None:
                seen.add(hit.incident_id)
    return sorted(rows, key=lambda row: (row.labelled_at, row.feedback_id))


def _hit(page: Page, by_service: dict[str, list[Fault]]) -> Fault | None:
    hits = [f for s in page.services for f in by_service[s] if f.start <= page.paged_at < f.end]
    return max(hits, key=lambda fault: (fault.root in page.services, fault.start), default=None)


def _answers(
    seed: int, estate: Estate, page: Page, hit: Fault | None, *, first: bool
) -> Iterator[FeedbackLabel]:
    rng = stream(seed, "feedback", page.page_id)
    night = (page.paged_at // HOUR) % 24 < 7
    judged = (_JUDGED_HIT if hit else _JUDGED_OTHER) * (_AT_NIGHT if night else 1.0)
    if rng.random() >= judged:
        return
    truth = _truth(rng, estate, page, hit, first=first)
    reviewers = rng.permutation(4) + 1
    opinions = 2 if rng.random() < _SECOND_OPINION else 1
    at = page.paged_at
    for number in range(opinions):
        errs = rng.random() < (_SECOND_ERRS if number else _ERRS)
        verdict = VERDICTS[int(rng.integers(4))] if errs else truth
        at += _seconds(max(300.0, 5 * 3600 * float(np.exp(rng.normal(0, 1.2)))))
        right = hit is not None and page.probable_service == hit.root
        answered = hit is not None and rng.random() < 0.7
        yield FeedbackLabel(
            feedback_id=f"{page.page_id}-{number + 1}",
            page_id=page.page_id,
            verdict=verdict,
            hypothesis_right=right if answered else None,
            severity_right=(hit.severity == page.severity) if hit and rng.random() < 0.6 else None,
            actual_service=hit.root if hit and answered and not right and rng.random() < 0.8 else None,
            reviewer=f"{page.route}-{reviewers[number]}",
            labelled_at=at,
        )


def _truth(
    rng: np.random.Generator, estate: Estate, page: Page, hit: Fault | None, *, first: bool
) -> FeedbackVerdict:
    if hit is None:
        # A false page on something shared tempts people to restart what everybody needs.
        hub = any(estate.by_id[service].role in HUBS for service in page.services)
        return "dangerous" if hub and rng.random() < 0.25 else "noisy"
    if not first:
        return "duplicated"
    return "late" if page.paged_at - hit.start > _LATE_AFTER else "useful"


def _seconds(value: float) -> int:
    return round(value) * SECOND
