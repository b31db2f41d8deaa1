"""A small dataset that the tests of the store read."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.sample_files import NO_INSTANT

# Tests are no package here; what they share stands beside them.
sys.path.append(str(Path(__file__).parent))

CART = SeriesKey("shop", "cart-api", "latency")
WEB = SeriesKey("shop", "web", "latency", '{"pod":"a"}')


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Two series, three moments; the web's samples are listed first and its second arrives last."""
    with DatasetWriter(tmp_path / "shop", name="shop", ingest_delay_s=2, created_at=0) as writer:
        codes = writer.add_series([WEB, CART])
        writer.add_samples(codes[[0, 1, 0]], [10, 10, 20], [1.0, 2.0, 3.0])
        writer.add_samples(codes[[1, 1]], [20, 30], [4.0, np.nan], [NO_INSTANT, 30 + SECOND])
    return tmp_path / "shop"
