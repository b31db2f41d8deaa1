"""What a contender made of planted faults: found, missed or masked, and the curves of that.

A fault is found by the first page about its service, sent within [start, end + grace), in a replay of the
planted copy, if the same contender did not page that service in that time without the fault. Both replays are
needed: a contender that pages always would find everything, and gets no credit. Where the service was paged
anyway, or a page about it was open when the fault began, the fault is masked; masked ones count as not found,
because nobody could have told. A page that names several services counts for each.

Intervals are Wilson's, of faults taken as independent: they are far apart in time, but those of one series
share its ways, so for one service they are somewhat too narrow. Sizes are in the spread of the series before
the fault.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.incidents import Page
from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.planted import PlantedFault, PlantedKind
from titleshot.datasets.contracts.sensitivity import (
    ContenderSensitivity,
    FaultOutcome,
    SensitivityCurve,
    SensitivityReport,
)
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import UsageError
from titleshot.datasets.planting.kinds import KINDS
from titleshot.datasets.planting.plan import EVERY_METRIC
from titleshot.datasets.planting.restored import planted_faults
from titleshot.datasets.planting.traces import marker_of
from titleshot.datasets.replay_log import ReplayLog
from titleshot.reports.point_in_time import Reference
from titleshot.reports.sensitivity_curve import curve_of

CONFIDENCE = 0.95
METHOD = (
    "share found: Wilson; size: where the rising fit and the rising ends of its intervals reach the share"
)
NOTE = (
    "Planted faults are synthetic: each hits one metric of one service (or one service) and spreads nowhere."
    " They show what a contender can notice, not what incidents will look like, and decide nothing."
)


def grace_of(dataset: Dataset, grace_s: float | None) -> float:
    """Seconds after its end in which a page still finds a fault; None is the time in which a page helps.

    Raises:
        UsageError: longer than the time that was kept free around faults.
    """
    marker = marker_of(dataset)
    free = min(marker.margin_s, marker.spacing_s)
    if grace_s is None:
        return min(dataset.card.evaluation.detect_within_s, free)
    if not 0 <= grace_s <= free:
        raise UsageError(
            f"grace of {grace_s:g} s reaches into what comes after a fault: {free:g} s were kept free;"
            " shorten it, or plant with a longer --margin-s and --spacing-s"
        )
    return grace_s


def sensitivity_of(
    dataset: Dataset,
    replays: Sequence[tuple[ReplayLog, ReplayLog]],
    *,
    grace_s: float | None = None,
    confidence: float = CONFIDENCE,
) -> SensitivityReport:
    """The curves of several contenders.

    Args:
        dataset: the planted copy.
        replays: for each contender its log on the copy and its log on the dataset without the faults.
        grace_s: seconds after its end in which a page still finds a fault.

    Raises:
        UsageError: nothing was planted, a log is about other data, or a number is outside its rule.
    """
    if not 0.5 < confidence < 1:
        raise UsageError(f"confidence must lie between 0.5 and 1, got {confidence:g}")
    faults, marker = planted_faults(dataset), marker_of(dataset)
    grace = grace_of(dataset, grace_s)
    reference = Reference(dataset.reference())
    contenders = []
    for with_faults, without in replays:
        _check_logs(with_faults, without, dataset.card.digest, marker.from_digest)
        with_pages, without_pages = with_faults.pages(), without.pages()
        outcomes = outcomes_of(faults, with_pages, without_pages, reference, grace)
        contenders.append(
            ContenderSensitivity(
                contender=str(with_faults.about["contender"]),
                recipe_digest=str(with_faults.about["recipe_digest"]),
                artifact_digest=str(with_faults.about["artifact_digest"]),
                pages=sum(not page.flushed for page in with_pages),
                pages_without=sum(not page.flushed for page in without_pages),
                curves=tuple(curves_of(outcomes, confidence)),
                outcomes=tuple(outcomes),
            )
        )
    return SensitivityReport(
        dataset=dataset.card.name,
        dataset_digest=dataset.card.digest,
        planted=marker,
        faults=len({fault.planted_id for fault in faults}),
        span_from=faults[0].start,
        span_to=max(fault.end for fault in faults),
        grace_s=grace,
        confidence=confidence,
        method=METHOD,
        contenders=tuple(contenders),
        notes=(NOTE,),
    )


def outcomes_of(
    faults: Iterable[PlantedFault],
    with_faults: Iterable[Page],
    without: Iterable[Page],
    reference: Reference,
    grace_s: float,
) -> list[FaultOutcome]:
    """What became of each fault, in the order of their starts."""
    paged, anyway = _ByService(with_faults, reference), _ByService(without, reference)
    outcomes = []
    for fault in {fault.planted_id: fault for fault in faults}.values():
        service = reference.canonical(fault.service, fault.start)
        until = fault.end + round(grace_s * SECOND)
        page = paged.first(service, fault.start, until)
        by_itself = anyway.first(service, fault.start, until) is not None
        found = page if not by_itself else None
        masked = found is None and (by_itself or anyway.open_at(service, fault.start))
        outcomes.append(
            FaultOutcome(
                planted_id=fault.planted_id,
                service=fault.service,
                metric_name=EVERY_METRIC if fault.scope == "service" else fault.metric_name,
                kind=fault.kind,
                size=fault.size,
                unit=fault.unit,
                start=fault.start,
                end=fault.end,
                outcome="found" if found is not None else "masked" if masked else "missed",
                page_id=None if found is None else found.page_id,
                paged_at=None if found is None else found.paged_at,
                delay_s=None if found is None else (found.paged_at - fault.start) / SECOND,
            )
        )
    return sorted(outcomes, key=lambda outcome: (outcome.start, outcome.planted_id))


def curves_of(outcomes: Sequence[FaultOutcome], confidence: float) -> list[SensitivityCurve]:
    """Curves by kind: pooled over all, by service, by metric, and of each service and metric.

    Before them, pooled over all kinds that are sized in spreads, the same four.
    """
    kinds: list[PlantedKind | None] = [None, *(kind.name for kind in KINDS)]
    curves = []
    for kind in kinds:
        chosen = [o for o in outcomes if (o.unit == "spread" if kind is None else o.kind == kind)]
        groups: dict[tuple[str | None, str | None], list[FaultOutcome]] = defaultdict(list)
        for outcome in chosen:
            for service in (None, outcome.service):
                for metric in (None, outcome.metric_name):
                    groups[service, metric].append(outcome)
        for (service, metric), group in sorted(groups.items(), key=lambda entry: _order(*entry[0])):
            curves.append(
                curve_of(group, group[0].unit, confidence, service=service, metric_name=metric, kind=kind)
            )
    return curves


def _order(service: str | None, metric: str | None) -> tuple[int, str, str]:
    return (service is not None) + 2 * (metric is not None), service or "", metric or ""


class _ByService:
    """Pages about each service, by when they were sent; what only the end of a replay said is left out."""

    def __init__(self, pages: Iterable[Page], reference: Reference) -> None:
        held: dict[str, list[Page]] = defaultdict(list)
        for page in sorted(pages, key=lambda page: (page.paged_at, page.page_id)):
            if not page.flushed:
                for service in {reference.canonical(name, page.paged_at) for name in page.services}:
                    held[service].append(page)
        self._pages = held
        self._sent: dict[str, NDArray[np.int64]] = {
            service: np.array([page.paged_at for page in mine], np.int64) for service, mine in held.items()
        }

    def first(self, service: str, start: int, end: int) -> Page | None:
        """The first page about a service sent in [start, end)."""
        if service not in self._sent:
            return None
        at = int(np.searchsorted(self._sent[service], start))
        pages = self._pages[service]
        return pages[at] if at < len(pages) and pages[at].paged_at < end else None

    def open_at(self, service: str, instant: int) -> bool:
        """Whether a page about a service, sent before, was not closed yet."""
        return any(
            page.paged_at < instant < (page.last_event_at if page.closed_at is None else page.closed_at)
            for page in self._pages.get(service, ())
        )


def _check_logs(with_faults: ReplayLog, without: ReplayLog, digest: str, from_digest: str) -> None:
    for log, asked, what in (
        (with_faults, digest, "the planted copy"),
        (without, from_digest, "the dataset without the faults"),
    ):
        if (log.about.get("dataset") or {}).get("digest") != asked:
            raise UsageError(f"{log.path} is no replay of {what} ({asked[:12]}); replay the contender on it")
    if with_faults.about["artifact_digest"] != without.about["artifact_digest"]:
        raise UsageError(
            f"{with_faults.path} and {without.path} are of different contenders; replay one on both"
        )
