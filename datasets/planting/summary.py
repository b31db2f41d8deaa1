"""What a plan plants, as a document."""

from __future__ import annotations

from collections import Counter
from typing import Any

from titleshot.datasets.planting.plan import Plan


def report_of(plan: Plan) -> dict[str, Any]:
    """What was planted, as a document."""
    one_each = {fault.planted_id: fault for fault in plan.faults}.values()
    return {
        "faults": plan.count,
        "cells": plan.cells,
        "services": len({fault.service for fault in one_each}),
        "series": len({fault.series for fault in plan.faults}),
        "samples": sum(fault.samples for fault in plan.faults),
        "clipped": sum(fault.clipped for fault in plan.faults),
        "by_kind": dict(sorted(Counter(fault.kind for fault in one_each).items())),
        "by_size": {f"{size:g}": n for size, n in sorted(Counter(f.size for f in one_each).items())},
        "given_up": plan.given_up,
    }
