"""What was measured of a contender that ran in the shadow, to hold against a policy's budgets."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from titleshot.datasets.contracts.instants import Instant
from titleshot.datasets.contracts.record import Record

Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Measured(Record):
    """How long a contender ran, how much of that time it kept up, and what it took.

    What is null was not measured; nothing passes on that.
    """

    contender: str
    artifact_digest: str | None = None
    """Of what ran; evidence about another artifact is not about this run."""
    measured_from: Instant
    measured_to: Instant
    shadow_hours: Amount
    """From the first record it took in to the last one there was."""
    shadow_coverage: Annotated[float, Field(ge=0, le=1)]
    """Share of these hours without a gap in what came in and without records it had not got to."""
    p99_latency_ms: Amount | None = None
    """Of scoring one batch of records and writing down what was said of it."""
    timed: Annotated[int, Field(ge=0)] = 0
    """Batches that were timed."""
    memory_mb: Amount | None = None
    """Most the process held at once, 10⁶ bytes."""
