"""Does a confidence mean what it says: Brier, calibration on a held-out span, and when to keep silent.

A claim is a candidate's first hypothesis with its confidence. It is right if the incident the candidate holds
most of started at that service; of a candidate of noise only nothing is right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from titleshot.reports.correlation.account import NONE, Account
from titleshot.reports.correlation.definition import CorrelationScore
from titleshot.reports.correlation.partition import by_block
from titleshot.reports.scores.score import ratio
from titleshot.reports.statistics import Summands

Bool = NDArray[np.bool_]
Float64 = NDArray[np.float64]
BINS = 10


@dataclass(frozen=True)
class Claims:
    """One row per candidate with alerts that names a service."""

    confidence: Float64
    right: Bool
    held_out: Bool
    """Claims no calibration could have been fitted on: see :meth:`of`."""
    day: NDArray[np.int64]
    blocks: int

    @classmethod
    def of(cls, account: Account) -> Claims:
        """Claims of a log.

        Held out is all that is scored where the dataset names a tuning span, which ends before it; else the
        later half of the span. Without complete labels claims about noise are left out: they may be right.
        """
        time, partition = account.terms.time, account.partition
        tuned = account.terms.dataset.card.evaluation.tuning_until is not None
        later = time.start if tuned else (time.start + time.end) // 2
        rows, confidence, right = [], [], []
        for candidate in np.flatnonzero(partition.held).tolist():
            said, incident = account.candidates.hypotheses[candidate], int(account.subject[candidate])
            if not said or (incident == NONE and not partition.complete):
                continue
            rows.append(candidate)
            confidence.append(said[0][1])
            named = "" if incident == NONE else _canonical(account, said[0][0], incident)
            right.append(incident != NONE and named == account.roots[incident])
        return cls(
            np.array(confidence, float),
            np.array(right, bool),
            account.candidates.opened[rows] >= later,
            partition.group_block[rows],
            partition.blocks,
        )


def _canonical(account: Account, service: str, incident: int) -> str:
    return account.reference.canonical(service, account.labels[incident].start)


def _brier(claims: Claims) -> Summands:
    loss = np.square(claims.confidence - claims.right)
    return ratio(
        by_block(claims.day, loss, claims.blocks), by_block(claims.day, np.ones(len(loss)), claims.blocks)
    )


def _base_rate(claims: Claims) -> Summands:
    counted = by_block(claims.day, np.ones(len(claims.right)), claims.blocks)

    def of(sums: Float64) -> Float64:
        share: Float64 = np.where(sums[..., 1] > 0, sums[..., 0] / np.maximum(sums[..., 1], 1.0), np.nan)
        brier: Float64 = share * (1 - share)
        return brier

    return Summands(np.column_stack([by_block(claims.day, claims.right, claims.blocks), counted]), of)


def _calibration(claims: Claims) -> Summands:
    kept = claims.held_out
    confidence, right, day = claims.confidence[kept], claims.right[kept], claims.day[kept]
    bins = _bins(confidence)
    gaps = np.bincount(day * BINS + bins, confidence - right, claims.blocks * BINS)
    counted = by_block(day, np.ones(len(day)), claims.blocks)

    def of(sums: Float64) -> Float64:
        n = sums[..., BINS]
        return np.where(n > 0, np.abs(sums[..., :BINS]).sum(axis=-1) / np.maximum(n, 1.0), np.nan)

    return Summands(np.column_stack([gaps.reshape(claims.blocks, BINS), counted]), of)


def abstention_curve(claims: Claims) -> tuple[tuple[float, float, float], ...]:
    """(confidence, share of claims at least that confident, share of these that are right), most confident
    first. Claims of one confidence enter together."""
    if not len(claims.confidence):
        return ()
    levels, of = np.unique(-claims.confidence, return_inverse=True)
    made = np.cumsum(np.bincount(of))
    right = np.cumsum(np.bincount(of, claims.right))
    return tuple(
        (float(-level), round(float(m / made[-1]), 9), round(float(r / m), 9))
        for level, m, r in zip(levels, made, right, strict=True)
    )


def reliability(claims: Claims) -> tuple[tuple[float, float, int], ...]:
    """(mean confidence, share that is right, claims) of held-out claims by bin; empty bins are left out."""
    kept = claims.held_out
    confidence, right, bins = claims.confidence[kept], claims.right[kept], _bins(claims.confidence[kept])
    n, stated, found = (np.bincount(bins, of, BINS) for of in (np.ones(len(bins)), confidence, right))
    return tuple(
        (round(float(stated[k] / n[k]), 9), round(float(found[k] / n[k]), 9), int(n[k]))
        for k in np.flatnonzero(n).tolist()
    )


def _bins(confidence: Float64) -> NDArray[np.int64]:
    return np.minimum((confidence * BINS).astype(np.int64), BINS - 1)


def _claims(claims: Claims) -> int:
    return len(claims.confidence)


def _no_claim(_: Claims) -> str:
    return "no candidate names a service"


BRIER = CorrelationScore(
    name="hypothesis_brier",
    better="down",
    n_of="claims",
    question="How far are stated confidences from what turned out?",
    formula="mean over claims of (confidence − [right])²",
    range="0 to 1; 0 is best",
    misleads="Rarely right and always unsure has a low one: see hypothesis_brier_of_base_rate.",
    source="SCORING 3; Brier (1950), Monthly Weather Review 78",
    summands=_brier,
    n=_claims,
    undefined=_no_claim,
)
BRIER_OF_BASE_RATE = CorrelationScore(
    name="hypothesis_brier_of_base_rate",
    better=None,
    n_of="claims",
    question="What would the Brier score be if every claim stated the share that is right?",
    formula="p (1 − p), p = share of claims that are right",
    range="0 to 0.25",
    misleads="It knows the share beforehand, which nobody does.",
    summands=_base_rate,
    n=_claims,
    undefined=_no_claim,
)
CALIBRATION_ERROR = CorrelationScore(
    name="expected_calibration_error",
    better="down",
    n_of="held-out claims",
    question="Of claims made with a confidence of 70 %, are 70 % right, on a span nothing was fitted on?",
    formula=f"sum over {BINS} equal bins of |sum of confidence − right claims| / claims, of held-out claims",
    range="0 to 1; 0 is best",
    misleads=(
        "With few claims it is above 0 by chance even if confidences are true, and always stating the base"
        " rate has 0. Held out is what follows the tuning span, else the later half of the scored span."
    ),
    source="SCORING 3; Naeini et al. (2015), AAAI",
    summands=_calibration,
    n=lambda claims: int(claims.held_out.sum()),
    undefined=lambda _: "no candidate of the held-out span names a service",
)
